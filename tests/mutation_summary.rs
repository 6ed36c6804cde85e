//! Half a million bent message summaries: the reader does no harm, and says what a plainer one says that may
//! allocate.

#[path = "common/mutate.rs"]
mod mutate;

use lampfield::wire::doc::message_summary::{self, MessageSummary};
use mutate::Mutator;

const DOCUMENTS: usize = 500_000;

/// Pieces that mean something to the reader.
const DICTIONARY: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n ",
    b"\n\t",
    b"\r\n\r\n",
    b" ",
    b":",
    b"\0",
    b"yes",
    b"no",
    b"YES",
    b"Messages-Waiting: ",
    b"messages-waiting:no\r\n",
    b"Messages-Waiting\r\n : yes\r\n",
    b"Message-Account: sip:a@b\r\n",
    b"Voice-Message: 2/8 (1/0)\r\n",
    b"4294967296/0",
];

const SAMPLES: [&[u8]; 4] = [
    b"Messages-Waiting: yes\r\n",
    b"Messages-Waiting: no\r\nMessage-Account: sip:asterisk@192.0.2.1\r\nVoice-Message: 0/0 (0/0)\r\n",
    b"Messages-Waiting:\r\n yes\r\nVoice-Message: 2/8 (0/2)\r\nFax-Message: 1/0\r\n\r\nSubject: x\r\nFrom: <sip:a@b>\r\n",
    b"voice-message: 1/0\nmessages-waiting: YES\n",
];

/// What a summary says, read by the book: split, unfold, look up.
fn plainly(body: &[u8]) -> Option<bool> {
    let text: String = body.iter().copied().map(char::from).collect();
    let mut lines: Vec<String> = Vec::new();
    for line in text.split('\n') {
        let is_blank = line.as_bytes().trim_ascii().is_empty();
        match lines.last_mut() {
            None if is_blank => {}
            Some(_) if is_blank => break,
            Some(last) if line.starts_with([' ', '\t']) => *last += &format!("\n{line}"),
            _ => lines.push(line.to_string()),
        }
    }
    let mut said = Vec::new();
    for line in &lines {
        let (name, value) = line.split_once(':')?;
        let name = name.trim_end_matches(|it: char| it.is_ascii_whitespace());
        if name.is_empty() || line.contains('\0') || !name.chars().all(|it| it.is_ascii_graphic()) {
            return None;
        }
        if name.eq_ignore_ascii_case("messages-waiting") {
            let value = value.trim_matches(|it: char| it.is_ascii_whitespace());
            said.push(match value.to_ascii_lowercase().as_str() {
                "yes" => true,
                "no" => false,
                _ => return None,
            });
        }
    }
    <[bool; 1]>::try_from(said).ok().map(|[said]| said)
}

#[test]
fn bent_summaries_say_what_a_plain_reader_reads() /* ATTACKS G */
{
    let mut mutator = Mutator::new(11, DICTIONARY);
    let mut bytes = Vec::new();
    let mut read = [0; 2];
    for count in 0..DOCUMENTS {
        mutator.mutate(SAMPLES[count % SAMPLES.len()], &mut bytes);
        let said = message_summary::read(&bytes)
            .ok()
            .map(|MessageSummary { waiting, .. }| waiting);
        assert_eq!(said, plainly(&bytes), "{}", bytes.escape_ascii());
        if let Some(waiting) = said {
            read[usize::from(waiting)] += 1;
        }
    }
    println!("{} say no, {} say yes", read[0], read[1]);
    // The mutator must not bend so hard that nothing gets past the status line.
    assert!(read.iter().all(|&count| count > DOCUMENTS / 20), "{read:?}");
}
