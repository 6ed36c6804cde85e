//! A SIP message as text, and what a test asks of it.

use std::net::SocketAddr;

/// A message that came in.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) from: SocketAddr,
}

impl Message {
    /// Whether it is a request with that method.
    pub(crate) fn is(&self, method: &str) -> bool {
        let rest = self.text.strip_prefix(method);
        rest.is_some_and(|rest| rest.starts_with(' '))
    }

    pub(crate) fn is_request(&self) -> bool {
        !self.is("SIP/2.0")
    }

    #[track_caller]
    pub(crate) fn status(&self) -> u16 {
        let code = self.text.strip_prefix("SIP/2.0 ");
        let code = code.and_then(|rest| rest.get(..3)?.parse().ok());
        code.unwrap_or_else(|| panic!("no answer: {}", self.text))
    }

    /// The Request-URI.
    #[track_caller]
    pub(crate) fn uri(&self) -> &str {
        let uri = self.text.split(' ').nth(1);
        uri.unwrap_or_else(|| panic!("no request: {}", self.text))
    }

    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next()?;
        let mut rows = head.split("\r\n").skip(1);
        rows.find_map(|row| row.strip_prefix(name)?.strip_prefix(": "))
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.find(name);
        found.unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }

    /// Whether `To` has a tag: it is sent in a dialog.
    pub(crate) fn is_in_dialog(&self) -> bool {
        self.header("To").contains(";tag=")
    }

    /// The URI in `Contact`.
    #[track_caller]
    pub(crate) fn contact(&self) -> &str {
        bare(self.header("Contact"))
    }

    pub(crate) fn body(&self) -> &str {
        let parts = self.text.split_once("\r\n\r\n");
        parts.map_or("", |(_, body)| body)
    }

    /// The answer with that status and reason, and with more rows.
    pub(crate) fn answer(&self, status: &str, more: &str) -> String {
        let mut answer = format!("SIP/2.0 {status}\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            answer += &format!("{name}: {}\r\n", self.header(name));
        }
        if !self.is_in_dialog() {
            let to = format!("To: {}", self.header("To"));
            answer = answer.replace(&to, &format!("{to};tag={TAG}"));
        }
        answer + more + "Content-Length: 0\r\n\r\n"
    }
}

/// The tag of whoever answers.
pub(crate) const TAG: &str = "field";

/// The URI of a name and address.
pub(crate) fn bare(address: &str) -> &str {
    let bracketed = address.split(['<', '>']).nth(1);
    bracketed.unwrap_or_else(|| address.split(';').next().unwrap_or_default())
}

/// The length of the message that the text begins with, if all of it is there.
pub(crate) fn whole(text: &str) -> Option<usize> {
    let head = text.find("\r\n\r\n")? + 4;
    let length = text[..head].split("Content-Length: ").nth(1)?;
    let body: usize = length.split('\r').next()?.parse().ok()?;
    (text.len() >= head + body).then_some(head + body)
}
