//! SIP as the model peers read and write it: text, by lines, sharing nothing with the agent's own wire floor.

/// A message as text. The parties of the world write one header a line, so that is all that is read here; and it is
/// read once, for thousands of lives are made of such messages.
#[derive(Clone, Copy)]
pub(crate) struct Sip<'a> {
    pub(crate) start: &'a str,
    rows: [&'a str; ROWS],
    head: &'a str,
    pub(crate) body: &'a str,
}

/// Header lines that a message of the world has at most.
const ROWS: usize = 24;

impl<'a> Sip<'a> {
    #[track_caller]
    pub(crate) fn of(text: &'a str) -> Sip<'a> {
        let (start, mut rest) = line(text).unwrap_or_else(|| panic!("a message begins: {text}"));
        let head = rest;
        let mut rows = [""; ROWS];
        for row in &mut rows {
            let (next, behind) = line(rest).unwrap_or_else(|| panic!("a head ends: {text}"));
            rest = behind;
            if next.is_empty() {
                return Sip {
                    start,
                    rows,
                    head: &head[..head.len() - rest.len()],
                    body: rest,
                };
            }
            *row = next;
        }
        panic!("more rows than anybody writes: {text}");
    }

    /// The method of a request; `None` for a response.
    pub(crate) fn method(&self) -> Option<&'a str> {
        let word = self.start.split(' ').next()?;
        (word != "SIP/2.0").then_some(word)
    }

    /// The code of a response.
    pub(crate) fn status(&self) -> Option<u16> {
        self.start.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    pub(crate) fn find(&self, name: &str) -> Option<&'a str> {
        let mut rows = self.rows.iter();
        rows.find_map(|row| row.strip_prefix(name)?.strip_prefix(": "))
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &'a str {
        self.find(name)
            .unwrap_or_else(|| panic!("no {name} in:\n{}\n{}", self.start, self.head))
    }

    #[track_caller]
    pub(crate) fn number(&self, name: &str) -> u32 {
        let value = self.header(name);
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {value}"))
    }

    #[track_caller]
    pub(crate) fn cseq(&self) -> (u32, &'a str) {
        let value = self.header("CSeq");
        let (number, method) = value.split_once(' ').expect("a CSeq has two words");
        (number.parse().expect("a CSeq has a number"), method)
    }

    /// The tag of `From` or `To`.
    pub(crate) fn tag(&self, name: &str) -> Option<&'a str> {
        parameter(self.header(name), "tag=")
    }

    #[track_caller]
    pub(crate) fn branch(&self) -> &'a str {
        parameter(self.header("Via"), "branch=").expect("a Via has a branch")
    }
}

/// The next line without its end, and what follows it.
fn line(text: &str) -> Option<(&str, &str)> {
    let end = memchr::memchr(b'\n', text.as_bytes())?;
    Some((text[..end].strip_suffix('\r')?, &text[end + 1..]))
}

/// The value of the parameter that begins so.
fn parameter<'a>(value: &'a str, begins: &str) -> Option<&'a str> {
    let mut parameters = value.split(';').skip(1);
    parameters.find_map(|it| it.strip_prefix(begins))
}

/// The response to `request`. `tag` is added to a To that has none; `rows` are header lines with their ends.
pub(crate) fn respond(request: &Sip<'_>, status: &str, tag: Option<&str>, rows: &str) -> String {
    let to = request.header("To");
    let tag = match tag {
        Some(tag) if !to.contains(";tag=") => format!(";tag={tag}"),
        Some(_) | None => String::new(),
    };
    format!(
        "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {to}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n{rows}Content-Length: 0\r\n\r\n",
        request.header("Via"),
        request.header("From"),
        request.header("Call-ID"),
        request.header("CSeq"),
    )
}

/// The value of an XML attribute or parameter written `name="value"` in `text`.
pub(crate) fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.match_indices(name).find_map(|(at, _)| {
        let before = text[..at].chars().next_back();
        let rest = text[at + name.len()..].strip_prefix("=\"")?;
        let (value, _) = rest.split_once('"')?;
        (before == Some(' ')).then_some(value)
    })
}
