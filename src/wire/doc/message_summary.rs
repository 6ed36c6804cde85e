//! Message summaries: whether messages wait in a mailbox (RFC 3842 §5.2), read only.
//!
//! A lamp needs the status line alone. What the others count is not read: a server that counts in a way of its own
//! is still believed when it says yes or no. Where the grammar has one order and CRLF, the lines may come in any order
//! and their ends be LF alone:
//!
//! ```text
//! messages-summary = *summary-line msg-status-line *summary-line [ empty-line *OCTET ]
//! msg-status-line  = "Messages-Waiting" HCOLON msg-status line-end
//! msg-status       = "yes" / "no"
//! summary-line     = name HCOLON text line-end           ; any other name
//! HCOLON           = SWS ":" SWS                         ; RFC 3261 §25.1
//! SWS              = *( blank / fold )
//! fold             = LF                                  ; before a blank, in a line that is not empty
//! empty-line       = *blank line-end
//! line-end         = LF / end                            ; a CR before it is a blank
//! ```

use super::Fault;
use super::xml::MAX_BODY;
use nom::branch::alt;
use nom::bytes::complete::{tag, take, take_while, take_while1};
use nom::combinator::{eof, not, peek, recognize, value, verify};
use nom::multi::many0_count;
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

/// What a summary says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageSummary {
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
pub fn read(body: &[u8]) -> Result<MessageSummary, Fault> {
    if body.len() > MAX_BODY {
        return Err(Fault::TooLarge);
    }
    let (_, waiting) = summary(body).map_err(|_| Fault::Syntax)?;
    Ok(MessageSummary { waiting })
}

/// What a rule makes of the rest of a body. A body that does not fit is refused as a whole, so nobody asks where.
type Parsed<'a, T = ()> = IResult<&'a [u8], T, ()>;

fn summary(input: &[u8]) -> Parsed<'_, bool> {
    let others = || many0_count(summary_line);
    delimited(others(), status_line, (others(), empty_line)).parse(input)
}

fn status_line(input: &[u8]) -> Parsed<'_, bool> {
    delimited((word(STATUS), hcolon), status, (sws, line_end)).parse(input)
}

fn status(input: &[u8]) -> Parsed<'_, bool> {
    alt((value(true, word("yes")), value(false, word("no")))).parse(input)
}

fn summary_line(input: &[u8]) -> Parsed<'_> {
    let is_other = |name: &[u8]| !name.eq_ignore_ascii_case(STATUS.as_bytes());
    value((), (verify(name, is_other), hcolon, text, line_end)).parse(input)
}

/// A word of the grammar, in any case.
fn word<'a>(word: &'static str) -> impl Parser<&'a [u8], Output = &'a [u8], Error = ()> {
    let is_it = move |found: &[u8]| found.eq_ignore_ascii_case(word.as_bytes());
    verify(take(word.len()), is_it)
}

fn name(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(|byte: u8| byte.is_ascii_graphic() && byte != b':').parse(input)
}

fn text(input: &[u8]) -> Parsed<'_> {
    value((), (line, many0_count((fold, line)))).parse(input)
}

/// What stands before a line's end, and no NUL. It is mostly long: a search costs less than a look at each byte.
fn line(input: &[u8]) -> Parsed<'_, &[u8]> {
    let end = memchr::memchr2(b'\n', b'\0', input).unwrap_or(input.len());
    take(end).parse(input)
}

fn hcolon(input: &[u8]) -> Parsed<'_> {
    value((), (sws, tag(":"), sws)).parse(input)
}

fn sws(input: &[u8]) -> Parsed<'_> {
    value((), (blanks, many0_count((fold, blanks)))).parse(input)
}

fn fold(input: &[u8]) -> Parsed<'_, &[u8]> {
    let before = (peek(alt((tag(" "), tag("\t")))), not(empty_line));
    terminated(tag("\n"), before).parse(input)
}

fn empty_line(input: &[u8]) -> Parsed<'_> {
    preceded(blanks, line_end).parse(input)
}

fn blanks(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\x0C')).parse(input)
}

fn line_end(input: &[u8]) -> Parsed<'_> {
    value((), alt((tag("\n"), recognize(eof)))).parse(input)
}

const STATUS: &str = "Messages-Waiting";

#[cfg(test)]
mod tests {
    use super::*;

    const YES: Result<MessageSummary, Fault> = Ok(MessageSummary { waiting: true });
    const NO: Result<MessageSummary, Fault> = Ok(MessageSummary { waiting: false });
    const BAD: Result<MessageSummary, Fault> = Err(Fault::Syntax);

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
