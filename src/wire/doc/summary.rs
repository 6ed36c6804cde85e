//! Message summaries: whether messages wait in a mailbox (RFC 3842 §5.2), read only.
//!
//! A lamp needs the status line alone. What the others count is not read: a server that counts in a way of its own
//! is still believed when it says yes or no.

use super::Fault;
use super::xml::MAX_BODY;

/// What a summary says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Whether new messages wait.
    pub waiting: bool,
}

/// Reads an `application/simple-message-summary`.
///
/// Names and words may be in any case, lines in any order and folded, line ends CRLF or LF alone. Behind an empty
/// line stand the headers of single messages, which strangers wrote: nothing there is read.
///
/// # Errors
/// [`Fault::Syntax`]: a line has no name before its colon, or there is not exactly one line `Messages-Waiting` that
/// says yes or no. [`Fault::TooLarge`]: over [`MAX_BODY`] bytes.
pub fn read(body: &[u8]) -> Result<Summary, Fault> {
    if body.len() > MAX_BODY {
        return Err(Fault::TooLarge);
    }
    let mut waiting = None;
    let mut rest = body;
    while let Some(line) = next_line(&mut rest) {
        let (name, value) = split(line).ok_or(Fault::Syntax)?;
        if name.eq_ignore_ascii_case(b"Messages-Waiting") {
            let said = yes_or_no(value).ok_or(Fault::Syntax)?;
            if waiting.replace(said).is_some() {
                return Err(Fault::Syntax);
            }
        }
    }
    let waiting = waiting.ok_or(Fault::Syntax)?;
    Ok(Summary { waiting })
}

/// Takes the next line with those folded into it; `None` at an empty line and at the end.
fn next_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = line_end(rest);
    if rest[..end].trim_ascii().is_empty() {
        return None;
    }
    let mut whole = end;
    while matches!(rest.get(whole), Some(b' ' | b'\t')) {
        let more = line_end(&rest[whole..]);
        if rest[whole..whole + more].trim_ascii().is_empty() {
            break;
        }
        whole += more;
    }
    let (line, behind) = rest.split_at(whole);
    *rest = behind;
    Some(line)
}

/// Bytes of the first line, its end included.
fn line_end(text: &[u8]) -> usize {
    memchr::memchr(b'\n', text).map_or(text.len(), |at| at + 1)
}

/// Name and value of a line (RFC 3261 §25.1: HCOLON takes blanks before and behind).
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    let is_name = |byte: &u8| byte.is_ascii_graphic();
    let is_clean = !name.is_empty() && name.iter().all(is_name) && !line.contains(&0);
    is_clean.then(|| (name, line[colon + 1..].trim_ascii()))
}

fn yes_or_no(value: &[u8]) -> Option<bool> {
    if value.eq_ignore_ascii_case(b"yes") {
        Some(true)
    } else if value.eq_ignore_ascii_case(b"no") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YES: Result<Summary, Fault> = Ok(Summary { waiting: true });
    const NO: Result<Summary, Fault> = Ok(Summary { waiting: false });
    const BAD: Result<Summary, Fault> = Err(Fault::Syntax);

    #[test]
    fn the_status_line_is_believed_in_every_spelling() {
        for (body, expected) in [
            ("Messages-Waiting: yes\r\n", YES),
            ("Messages-Waiting: no\r\n", NO),
            ("messages-waiting:YES", YES),
            ("MESSAGES-WAITING \t:  No  \n", NO),
            ("Messages-Waiting:\r\n yes\r\n", YES),
            ("Messages-Waiting\r\n : \r\n\tno\r\n", NO),
            (
                "Messages-Waiting: yes\r\nMessage-Account: sip:a@b\r\nVoice-Message: 2/8 (0/2)\r\n",
                YES,
            ),
            ("Voice-Message: 0/8\r\nMessages-Waiting: no\r\n", NO),
            (
                "Message-Account: sip:a@b\nFax-Message: 4294967296/0\nMessages-Waiting: yes\n",
                YES,
            ),
            (
                "Messages-Waiting: no\r\nVoice-Message: 4/8\r\n (1/2)\r\nX-Own: a: b\r\n",
                NO,
            ),
        ] {
            assert_eq!(read(body.as_bytes()), expected, "{body:?}");
        }
    }

    #[test]
    fn the_headers_of_messages_say_nothing_of_the_mailbox() {
        for body in [
            "Messages-Waiting: no\r\n\r\nMessages-Waiting: yes\r\n",
            "Messages-Waiting: no\n \nMessages-Waiting: yes\n",
            "Messages-Waiting: no\r\n\r\nno colon\0\x7f\r\n",
        ] {
            assert_eq!(read(body.as_bytes()), NO, "{body:?}");
        }
        assert_eq!(read(b"\r\nMessages-Waiting: yes\r\n"), BAD);
        assert_eq!(
            read(b"Voice-Message: 1/0\r\n\r\nMessages-Waiting: yes\r\n"),
            BAD
        );
    }

    #[test]
    fn what_does_not_say_yes_or_no_once_is_refused() {
        for body in [
            "",
            "\r\n",
            "yes",
            "Messages-Waiting",
            "Messages-Waiting:",
            "Messages-Waiting: maybe",
            "Messages-Waiting: yes no",
            "Messages-Waiting: ye\r\n s",
            "Messages-Waiting: yes\r\nMessages-Waiting: yes",
            "Messages-Waiting: yes\r\nMessages-Waiting: no",
            "Messages Waiting: yes",
            " Messages-Waiting: yes",
            "Messages-Waiting: yes\r\nno colon here",
            "Messages-Waiting: yes\r\n: no name",
            "Messages-Waiting: yes\0",
            "Messages-Waiting: yes\r\nVoice\0-Message: 1/0",
            "Message-Account: sip:a@b",
            "<?xml version='1.0'?><presence/>",
        ] {
            assert_eq!(read(body.as_bytes()), BAD, "{body:?}");
        }
        let long = [b'x'; MAX_BODY + 1];
        assert_eq!(read(&long), Err(Fault::TooLarge));
    }

    #[test]
    fn a_summary_cut_short_is_never_read_as_another_one() {
        let whole =
            b"Message-Account: sip:a@b\r\nMessages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n";
        for end in 0..whole.len() {
            let cut = read(&whole[..end]);
            assert!(cut == YES || cut == BAD, "{end}: {cut:?}");
        }
    }
}
