//! Features of a telephone that a server keeps too: `application/x-as-feature-event+xml`, one event of ECMA-323 a document,
//! or several documents in a `multipart/mixed`.
//!
//! No RFC has it; BroadWorks brought it up, and phones and servers of many others speak it. They differ in the spelling of
//! the namespace, declare ISO-8859-1, and name the device or do not.

use super::Fault;
use super::frame::{open, root};
use super::multipart;
use super::xml::{Event, Names, Namespace, XmlText};

/// What is told of a telephone's features; what was not told is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Whether it does not want to be disturbed.
    pub dnd: Option<bool>,
    /// Whether all its calls go elsewhere. Those that go elsewhere only while it is busy or does not answer do not count.
    pub forwards: Option<bool>,
}

impl Features {
    /// Nothing is known.
    pub const fn new() -> Features {
        Features {
            dnd: None,
            forwards: None,
        }
    }

    /// Takes in what is told now: what that leaves out is as before.
    pub fn take(&mut self, told: Features) {
        self.dnd = told.dnd.or(self.dnd);
        self.forwards = told.forwards.or(self.forwards);
    }
}

/// Reads what a server tells, or what a telephone asks for.
///
/// # Errors
/// Any [`Fault`]: nothing of the body counts.
pub fn read(body: &[u8]) -> Result<Features, Fault> {
    let mut features = Features::new();
    let Some(boundary) = boundary(body) else {
        features.take(read_one(body)?);
        return Ok(features);
    };
    for part in multipart::read(body, boundary, None)?.iter() {
        match read_one(part.body) {
            Ok(told) => features.take(told),
            // Somebody else's, among others.
            Err(Fault::WrongRoot) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(features)
}

/// What asks a server to switch do-not-disturb.
pub const fn wish(dnd: bool) -> &'static str {
    match dnd {
        true => concat!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<SetDoNotDisturb xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">",
            "<device></device><doNotDisturbOn>true</doNotDisturbOn></SetDoNotDisturb>"
        ),
        false => concat!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<SetDoNotDisturb xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">",
            "<device></device><doNotDisturbOn>false</doNotDisturbOn></SetDoNotDisturb>"
        ),
    }
}

/// What tells a telephone how its do-not-disturb is.
pub const fn event(dnd: bool) -> &'static str {
    match dnd {
        true => concat!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<DoNotDisturbEvent xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">",
            "<device></device><doNotDisturbOn>true</doNotDisturbOn></DoNotDisturbEvent>"
        ),
        false => concat!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<DoNotDisturbEvent xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">",
            "<device></device><doNotDisturbOn>false</doNotDisturbOn></DoNotDisturbEvent>"
        ),
    }
}

/// The boundary of a body of several parts, which begins with it: a document begins otherwise.
fn boundary(body: &[u8]) -> Option<&[u8]> {
    let line = body.trim_ascii_start().strip_prefix(b"--")?;
    let end = line.iter().position(|byte| *byte == b'\n');
    Some(line[..end?].trim_ascii_end())
}

const CSTA: Namespace = Namespace::numbered(0);

const NAMES: Names = &[
    (
        "http://www.ecma-international.org/standards/ecma-323/csta/ed3",
        CSTA,
    ),
    (
        "http://www.ecmainternational.org/standards/ecma-323/csta/ed3",
        CSTA,
    ),
];

fn read_one(body: &[u8]) -> Result<Features, Fault> {
    open(body.trim_ascii(), NAMES, |reader| {
        let root = root(reader)?;
        if root.namespace != CSTA && root.namespace != Namespace::NONE {
            return Err(Fault::WrongRoot);
        }
        let (mut child, mut is_on, mut is_immediate) = (&b""[..], None, false);
        while let Some(event) = reader.next()? {
            match event {
                Event::Start(tag) if reader.depth() == 2 => child = tag.local,
                Event::End { text, .. } if reader.depth() == 1 => match child {
                    b"doNotDisturbOn" | b"forwardStatus" => is_on = truth(text),
                    b"forwardingType" => is_immediate = is_word(text, "forwardImmediate"),
                    _ => {}
                },
                Event::Start(_) | Event::End { .. } => {}
            }
        }
        let mut features = Features::new();
        match root.local {
            b"DoNotDisturbEvent" | b"SetDoNotDisturb" => features.dnd = is_on,
            b"ForwardingEvent" if is_immediate => features.forwards = is_on,
            _ => {}
        }
        Ok(features)
    })
}

fn truth(text: XmlText<'_>) -> Option<bool> {
    if is_word(text, "true") || is_word(text, "1") {
        Some(true)
    } else if is_word(text, "false") || is_word(text, "0") {
        Some(false)
    } else {
        None
    }
}

/// Whether the text is that word, with blanks around it or without.
fn is_word(text: XmlText<'_>, word: &str) -> bool {
    let text = text.copy::<32>();
    text.is_some_and(|text| text.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;
    use std::string::String;

    const ED3: &str = "http://www.ecma-international.org/standards/ecma-323/csta/ed3";

    const fn told(dnd: Option<bool>, forwards: Option<bool>) -> Features {
        Features { dnd, forwards }
    }

    fn dnd(namespace: &str, device: &str, on: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\r\n<DoNotDisturbEvent xmlns=\"{namespace}\">\
             \r\n <device>{device}</device>\r\n <doNotDisturbOn>{on}</doNotDisturbOn>\r\n</DoNotDisturbEvent>"
        )
    }

    fn forward(kind: &str, on: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<ForwardingEvent xmlns=\"{ED3}\"><device></device>\
             <forwardingType>{kind}</forwardingType><forwardStatus>{on}</forwardStatus>\
             <forwardTo>200</forwardTo></ForwardingEvent>"
        )
    }

    #[test]
    fn every_spelling_is_read() {
        for namespace in [
            ED3,
            "http://www.ecmainternational.org/standards/ecma-323/csta/ed3",
            "",
        ] {
            for device in ["", "<notKnown/>", "sip:100@pbx", " 100 "] {
                for (text, on) in [
                    ("true", Some(true)),
                    ("FALSE", Some(false)),
                    (" 1 ", Some(true)),
                    ("?", None),
                ] {
                    let body = dnd(namespace, device, text);
                    assert_eq!(read(body.as_bytes()), Ok(told(on, None)), "{body}");
                }
            }
        }
    }

    #[test]
    fn a_device_in_latin_1_is_no_fault() {
        let body = dnd(ED3, "Caf#", "true");
        let body: std::vec::Vec<u8> = body
            .bytes()
            .map(|it| if it == b'#' { 0xe9 } else { it })
            .collect();
        assert_eq!(read(&body), Ok(told(Some(true), None)));
    }

    #[test]
    fn only_what_sends_every_call_elsewhere_counts_as_forwarding() {
        let read = |kind, on| read(forward(kind, on).as_bytes());
        assert_eq!(read("forwardImmediate", "true"), Ok(told(None, Some(true))));
        assert_eq!(
            read("forwardImmediate", "false"),
            Ok(told(None, Some(false)))
        );
        assert_eq!(read("forwardNoAns", "true"), Ok(told(None, None)));
        assert_eq!(read("forwardBusy", "true"), Ok(told(None, None)));
    }

    #[test]
    fn several_documents_in_one_body_count_together() {
        let (one, two) = (dnd(ED3, "", "true"), forward("forwardImmediate", "false"));
        let typed = "Content-Type: application/x-as-feature-event+xml\r\n\r\n";
        let more = "Content-Type: text/plain\r\n\r\n<x xmlns='urn:x'/>";
        let body =
            format!("--bx\r\n{typed}{one}\r\n--bx\r\n{typed}{two}\r\n--bx\r\n{more}\r\n--bx--\r\n");
        assert_eq!(read(body.as_bytes()), Ok(told(Some(true), Some(false))));
        let cut = &body[..body.len() - 10];
        assert!(read(cut.as_bytes()).is_err(), "it is cut short");
    }

    #[test]
    fn what_is_no_event_is_a_fault_or_says_nothing() {
        assert_eq!(read(b"<x xmlns='urn:x'/>"), Err(Fault::WrongRoot));
        assert_eq!(read(b""), Err(Fault::Syntax));
        assert_eq!(read(b"<DoNotDisturbEvent>"), Err(Fault::Syntax));
        let hold = format!(
            "<CallForwardSplashEvent xmlns='{ED3}'><forwardStatus>true</forwardStatus></CallForwardSplashEvent>"
        );
        assert_eq!(read(hold.as_bytes()), Ok(told(None, None)));
    }

    #[test]
    fn what_is_written_is_read() {
        for on in [true, false] {
            assert_eq!(read(wish(on).as_bytes()), Ok(told(Some(on), None)));
            assert_eq!(read(event(on).as_bytes()), Ok(told(Some(on), None)));
        }
    }
}
