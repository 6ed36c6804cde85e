//! What an input device says, as the kernel writes it: `struct input_event`.
//!
//! It begins with a time of two machine words (also where the C library's time has 64 bits and the machine 32),
//! then come type, code and value in the machine's own order of bytes. A 32-bit program on a 64-bit kernel gets
//! the 32-bit form.

use super::codes::Code;

/// What an input device says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A key went down or up, a switch was put on or off.
    Moved {
        /// Which one.
        code: Code,
        /// Down, or on.
        pressed: bool,
    },
    /// The end of what happened at the same time.
    Report,
    /// We were too slow: some events are lost. What comes until the next report is not whole.
    Dropped,
}

/// Bytes of an event on this machine.
pub(super) const SIZE: usize = size(size_of::<usize>());

/// The events in `bytes`, which the kernel wrote for this machine; those that do not concern us are left out.
pub(super) fn events(bytes: &[u8]) -> impl Iterator<Item = Event> {
    events_of(bytes, size_of::<usize>())
}

/// Bytes of an event on a machine with words of so many bytes.
const fn size(word: usize) -> usize {
    2 * word + 8
}

fn events_of(bytes: &[u8], word: usize) -> impl Iterator<Item = Event> {
    let bodies = bytes
        .chunks_exact(size(word))
        .map(move |it| &it[2 * word..]);
    bodies.filter_map(|body| match *body {
        [t0, t1, c0, c1, v0, v1, v2, v3] => read(
            u16::from_ne_bytes([t0, t1]),
            u16::from_ne_bytes([c0, c1]),
            i32::from_ne_bytes([v0, v1, v2, v3]),
        ),
        _ => None,
    })
}

fn read(kind: u16, code: u16, value: i32) -> Option<Event> {
    let moved = |code, pressed| Some(Event::Moved { code, pressed });
    match (kind, code, value) {
        (EV_SYN, SYN_REPORT, _) => Some(Event::Report),
        (EV_SYN, SYN_DROPPED, _) => Some(Event::Dropped),
        // 2 is the keyboard's own repetition.
        (EV_KEY, _, 0 | 1) => moved(Code::Key(code), value == 1),
        (EV_SW, _, _) => moved(Code::Switch(code), value != 0),
        _ => None,
    }
}

const EV_SYN: u16 = 0;
const EV_KEY: u16 = 1;
const EV_SW: u16 = 5;
const SYN_REPORT: u16 = 0;
const SYN_DROPPED: u16 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn moved(code: Code, pressed: bool) -> Event {
        Event::Moved { code, pressed }
    }

    fn written(word: usize, kind: u16, code: u16, value: i32) -> Vec<u8> {
        let mut bytes = std::vec![0xee; 2 * word];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(code.to_ne_bytes());
        bytes.extend(value.to_ne_bytes());
        bytes
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn bytes_as_kernels_write_them_are_read() {
        // KEY_PROG1 down at 7.5 s, and the report; on a 32-bit ARM, on a 64-bit one.
        let narrow = b"\x07\0\0\0\x20\xa1\x07\0\x01\0\x94\0\x01\0\0\0\x07\0\0\0\x20\xa1\x07\0\0\0\0\0\0\0\0\0";
        let wide = b"\x07\0\0\0\0\0\0\0\x20\xa1\x07\0\0\0\0\0\x01\0\x94\0\x01\0\0\0\
                     \x07\0\0\0\0\0\0\0\x20\xa1\x07\0\0\0\0\0\0\0\0\0\0\0\0\0";
        let expected = [moved(Code::Key(148), true), Event::Report];
        assert_eq!(events_of(narrow, 4).collect::<Vec<_>>(), expected);
        assert_eq!(events_of(wide, 8).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn events_mean_what_the_kernel_says_in_both_layouts() {
        for word in [4, 8] {
            for (kind, code, value, expected) in [
                (EV_KEY, 148, 1, Some(moved(Code::Key(148), true))),
                (EV_KEY, 148, 0, Some(moved(Code::Key(148), false))),
                (EV_KEY, 148, 2, None),
                (EV_KEY, 0x24f, 1, Some(moved(Code::Key(0x24f), true))),
                (EV_SW, 0, 1, Some(moved(Code::Switch(0), true))),
                (EV_SW, 16, 0, Some(moved(Code::Switch(16), false))),
                (EV_SYN, SYN_REPORT, 0, Some(Event::Report)),
                (EV_SYN, SYN_DROPPED, 0, Some(Event::Dropped)),
                (EV_SYN, 1, 0, None),
                (2, 0, -3, None),
                (4, 4, 0x0007_001e, None),
            ] {
                let bytes = written(word, kind, code, value);
                assert_eq!(bytes.len(), size(word));
                assert_eq!(
                    events_of(&bytes, word).next(),
                    expected,
                    "{kind} {code} {value}"
                );
            }
        }
    }

    #[test]
    fn half_an_event_is_none() {
        let bytes = written(8, EV_KEY, 1, 1);
        for len in 0..bytes.len() {
            assert_eq!(events_of(&bytes[..len], 8).next(), None);
        }
    }
}
