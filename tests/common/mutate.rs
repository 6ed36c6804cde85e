//! A seeded mutator of messages and documents: the same seed gives the same bytes on every machine.

/// Changes bytes at random, one to four times each.
pub(crate) struct Mutator {
    state: u64,
    dictionary: &'static [&'static [u8]],
}

impl Mutator {
    /// The dictionary holds pieces that mean something to the parser under test.
    pub(crate) fn new(seed: u64, dictionary: &'static [&'static [u8]]) -> Mutator {
        // xorshift never leaves zero.
        let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Mutator { state, dictionary }
    }

    /// Copies the sample into `bytes` and changes it there.
    pub(crate) fn mutate(&mut self, sample: &[u8], bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.extend_from_slice(sample);
        for _ in 0..=self.below(4) {
            self.change(bytes);
        }
    }

    /// A number below `limit`; 0 if that is 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let high = (self.state >> 32) as usize;
        if limit == 0 { 0 } else { high % limit }
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        let len = self.below(32).min(bytes.len() - at);
        match self.below(16) {
            0..=2 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            3..=5 => {
                let byte = self.below(256) as u8;
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            6..=7 => drop(bytes.drain(at..at + len)),
            8..=9 => {
                let piece = bytes[at..at + len].to_vec();
                let to = self.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            10 => bytes.truncate(at),
            11..=12 => bytes.insert(at, self.below(256) as u8),
            _ => {
                let word = self.dictionary[self.below(self.dictionary.len())];
                let end = at + self.below(2) * len;
                bytes.splice(at..end, word.iter().copied());
            }
        }
    }
}
