//! As much SIP as a plain peer needs: to read a header, and to answer.

use std::sync::atomic::{AtomicU32, Ordering};

/// The value of a header, as Lampfield writes it.
pub(crate) fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let head = message.split("\r\n\r\n").next().unwrap_or_default();
    head.split("\r\n")
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// What stands behind the headers.
pub(crate) fn body(message: &str) -> &str {
    message.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// The status of a response.
pub(crate) fn status(message: &str) -> Option<u16> {
    message.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
}

/// An answer to a request: `status` may go on with header lines; the To gets a tag where it has none.
pub(crate) fn response(request: &str, status: &str) -> String {
    let mut answer = format!("SIP/2.0 {status}\r\n");
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        let value = header(request, name).expect("a request has it");
        let tag = if name == "To" && !value.contains(";tag=") {
            ";tag=peer"
        } else {
            ""
        };
        answer += &format!("{name}: {value}{tag}\r\n");
    }
    answer + "Content-Length: 0\r\n\r\n"
}

/// A word that no other call in this program returns.
pub(crate) fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!(
        "{}x{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}
