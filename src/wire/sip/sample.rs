//! Messages for the tests of this folder.

extern crate std;

use super::headers::{Headers, Rows};
use super::message::{Message, parse};
use std::string::String;

/// A complete request of eight rows, without a body.
pub(super) const SUBSCRIBE: &str = "SUBSCRIBE sip:desk@example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKa1;rport\r\n\
    Max-Forwards: 70\r\n\
    From: \"Door \\\"3\\\"\" <sip:door@example.com>;tag=f1\r\n\
    To: <sip:desk@example.com>\r\n\
    Call-ID: c1@192.0.2.7\r\n\
    CSeq: 17 SUBSCRIBE\r\n\
    Content-Length: 0\r\n\r\n";

/// The sample request with more rows.
pub(super) fn with_rows(rows: &str) -> String {
    SUBSCRIBE.replacen("Max-Forwards: 70\r\n", rows, 1)
}

/// Shows the headers of the sample request with these rows in it.
#[track_caller]
pub(super) fn headers<T>(rows: &str, see: impl FnOnce(Headers<'_>) -> T) -> T {
    let text = with_rows(rows);
    let mut table = Rows::new();
    match parse(text.as_bytes(), &mut table).expect("a request") {
        Message::Request(request) => see(request.headers),
        Message::Broken(broken) => see(broken.headers),
        Message::Response(_) => unreachable!("the sample is a request"),
    }
}
