//! Message summaries: whether messages wait in a mailbox, and how many (RFC 3842 §5.2), read only.
//!
//! A lamp needs the status line alone. What the others count is read where it can be, and never costs the yes or no: a
//! server that counts in a way of its own is still believed. Where the grammar has one order and CRLF, the lines may
//! come in any order, empty ones before them, and their ends be LF alone:
//!
//! ```text
//! messages-summary = *empty-line *summary-line msg-status-line *summary-line [ empty-line *OCTET ]
//! msg-status-line  = "Messages-Waiting" HCOLON msg-status line-end
//! msg-status       = "yes" / "no"
//! summary-line     = class HCOLON counts line-end        ; "Voice-Message" and its like
//!                  / name HCOLON text line-end           ; any other name, or another text
//! counts           = count [ SWS "(" SWS count SWS ")" ] ; all of them, then the urgent ones among them
//! count            = 1*DIGIT SWS "/" SWS 1*DIGIT         ; new and old
//! HCOLON           = SWS ":" SWS                         ; RFC 3261 §25.1
//! SWS              = *( blank / fold )
//! fold             = LF                                  ; before a blank, in a line that is not empty
//! empty-line       = *blank line-end
//! line-end         = LF / end                            ; a CR before it is a blank
//! ```

use super::Fault;
use super::xml::MAX_BODY;
use core::fmt;
use nom::branch::alt;
use nom::bytes::complete::{tag, take, take_while, take_while1};
use nom::character::complete::u32 as number;
use nom::combinator::{eof, not, opt, peek, recognize, value, verify};
use nom::multi::{fold_many0, many0_count};
use nom::sequence::{delimited, preceded, separated_pair, terminated};
use nom::{IResult, Parser};

/// What a summary says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageSummary<'a> {
    /// Whether new messages wait.
    pub waiting: bool,
    /// How many messages there are, of all classes together; `None` where no line counts any that can be read.
    pub messages: Option<Messages>,
    /// The URI of `Message-Account` as written: whose mailbox it is, or whom to call for it.
    pub account: Option<&'a [u8]>,
}

/// How many messages there are in a mailbox; no count goes beyond the largest number there is. As text: `2 new, 8 old`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// Not heard yet.
    pub new: u32,
    /// Heard, and kept.
    pub old: u32,
    /// Urgent ones among the new.
    pub urgent_new: u32,
    /// Urgent ones among the old.
    pub urgent_old: u32,
}

impl Messages {
    /// There are none.
    pub const NONE: Messages = Messages {
        new: 0,
        old: 0,
        urgent_new: 0,
        urgent_old: 0,
    };
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} new", self.new)?;
        if self.urgent_new > 0 {
            write!(f, " ({} urgent)", self.urgent_new)?;
        }
        write!(f, ", {} old", self.old)?;
        match self.urgent_old {
            0 => Ok(()),
            urgent => write!(f, " ({urgent} urgent)"),
        }
    }
}

/// Reads an `application/simple-message-summary`.
///
/// Names and words may be in any case, lines in any order and folded, line ends CRLF or LF alone. Behind an empty
/// line stand the headers of single messages, which strangers wrote: nothing there is read.
///
/// # Errors
/// [`Fault::Syntax`]: a line has no name before its colon, or there is not exactly one line `Messages-Waiting` that
/// says yes or no. [`Fault::TooLarge`]: over [`MAX_BODY`] bytes.
pub fn read(body: &[u8]) -> Result<MessageSummary<'_>, Fault> {
    if body.len() > MAX_BODY {
        return Err(Fault::TooLarge);
    }
    let (_, (before, waiting, behind)) = summary(body).map_err(|_| Fault::Syntax)?;
    let Said { messages, account } = before.and(behind);
    Ok(MessageSummary {
        waiting,
        messages,
        account,
    })
}

/// What a rule makes of the rest of a body. A body that does not fit is refused as a whole, so nobody asks where.
type Parsed<'a, T = ()> = IResult<&'a [u8], T, ()>;

/// What summary lines say.
#[derive(Clone, Copy, Default)]
struct Said<'a> {
    messages: Option<Messages>,
    account: Option<&'a [u8]>,
}

fn summary(input: &[u8]) -> Parsed<'_, (Said<'_>, bool, Said<'_>)> {
    let lines = || fold_many0(summary_line, Said::default, Said::and);
    let all = (lines(), status_line, lines());
    delimited(many0_count((blanks, tag("\n"))), all, empty_line).parse(input)
}

fn status_line(input: &[u8]) -> Parsed<'_, bool> {
    delimited((word(STATUS), hcolon), status, (sws, line_end)).parse(input)
}

fn status(input: &[u8]) -> Parsed<'_, bool> {
    alt((value(true, word("yes")), value(false, word("no")))).parse(input)
}

fn summary_line(input: &[u8]) -> Parsed<'_, Said<'_>> {
    let is_other = |name: &[u8]| !name.eq_ignore_ascii_case(STATUS.as_bytes());
    let (rest, name) = terminated(verify(name, is_other), hcolon).parse(input)?;
    let is = |word: &&str| name.eq_ignore_ascii_case(word.as_bytes());
    let counted = match CLASSES.iter().any(is) {
        true => terminated(counts, (sws, line_end)).parse(rest).ok(),
        false => None,
    };
    if let Some((rest, messages)) = counted {
        let messages = Some(messages);
        return Ok((
            rest,
            Said {
                messages,
                ..Said::default()
            },
        ));
    }
    let (rest, text) = terminated(recognize(text), line_end).parse(rest)?;
    let account = is(&ACCOUNT).then(|| bare(text));
    Ok((
        rest,
        Said {
            account,
            ..Said::default()
        },
    ))
}

fn counts(input: &[u8]) -> Parsed<'_, Messages> {
    let urgent = delimited((sws, tag("("), sws), count, (sws, tag(")")));
    let (rest, ((new, old), urgent)) = (count, opt(urgent)).parse(input)?;
    let (urgent_new, urgent_old) = urgent.unwrap_or_default();
    let messages = Messages {
        new,
        old,
        urgent_new,
        urgent_old,
    };
    Ok((rest, messages))
}

fn count(input: &[u8]) -> Parsed<'_, (u32, u32)> {
    separated_pair(number, (sws, tag("/"), sws), number).parse(input)
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

/// A URI without the brackets that some put around it.
fn bare(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    let inside = text.strip_prefix(b"<").and_then(|it| it.strip_suffix(b">"));
    inside.unwrap_or(text)
}

impl<'a> Said<'a> {
    /// Both together. Of several accounts the first one counts.
    fn and(self, more: Said<'a>) -> Said<'a> {
        let messages = match (self.messages, more.messages) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        };
        Said {
            messages,
            account: self.account.or(more.account),
        }
    }
}

impl Messages {
    fn and(self, more: Messages) -> Messages {
        Messages {
            new: self.new.saturating_add(more.new),
            old: self.old.saturating_add(more.old),
            urgent_new: self.urgent_new.saturating_add(more.urgent_new),
            urgent_old: self.urgent_old.saturating_add(more.urgent_old),
        }
    }
}

const STATUS: &str = "Messages-Waiting";

const ACCOUNT: &str = "Message-Account";

/// The classes of messages that are counted (RFC 3842 §5.2, RFC 3458 §6).
const CLASSES: [&str; 6] = [
    "Voice-Message",
    "Fax-Message",
    "Video-Message",
    "Pager-Message",
    "Multimedia-Message",
    "Text-Message",
];

#[cfg(test)]
mod tests;
