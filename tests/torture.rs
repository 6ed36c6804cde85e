//! Torture messages (RFC 4475 and RFC 5118) through the parser and the framer.
//!
//! The project has a message of its own for each case in `tests/torture`. Where the RFCs' own bytes lie beside the
//! checkout (`../shared/rfc`, or the folder that `LAMPFIELD_RFC` names), they run too; the test says whether they did.

#[path = "common/cases.rs"]
mod cases;

use cases::{own_folder, rfc_folder, table};
use lampfield::wire::sip::stream::{Frame, Framer};
use lampfield::wire::sip::{Message, Rows, Unusable, parse};

/// What the parser makes of a message.
#[derive(Debug, PartialEq)]
enum Outcome {
    Request,
    Response,
    Broken(u16),
    Dropped,
}

fn outcome(bytes: &[u8]) -> Outcome {
    match parse(bytes, &mut Rows::new()) {
        Ok(Message::Request(_)) => Outcome::Request,
        Ok(Message::Response(_)) => Outcome::Response,
        Ok(Message::Broken(broken)) => Outcome::Broken(broken.status.code()),
        Err(
            Unusable::KeepAlive
            | Unusable::NotSip
            | Unusable::Response
            | Unusable::NoVia
            | Unusable::Ack
            | Unusable::TooLong,
        ) => Outcome::Dropped,
    }
}

fn frame(bytes: &[u8]) -> &'static str {
    match Framer::new().look(bytes, 65_535) {
        Frame::Message { .. } => "message",
        Frame::Refuse { .. } => "refuse",
        Frame::Incomplete { .. } => "incomplete",
        Frame::Ping | Frame::Skip(_) | Frame::Nuls(_) => "nothing",
    }
}

#[test]
fn our_messages_come_out_as_listed() /* ATTACKS D01 */
{
    let folder = own_folder();
    let rows = table(&folder);
    assert!(rows.len() >= 49 + 12, "one for each case");
    for row in &rows {
        let [file, _, parser, _, _, stream, _] = &row[..] else {
            panic!("seven columns in {row:?}");
        };
        let bytes = std::fs::read(folder.join(file)).expect("a message");
        let expected = match parser.split_once(' ') {
            Some(("broken", code)) => Outcome::Broken(code.parse().expect("a status")),
            _ if parser == "request" => Outcome::Request,
            _ if parser == "response" => Outcome::Response,
            _ if parser == "dropped" => Outcome::Dropped,
            _ => panic!("{parser} is no outcome"),
        };
        assert_eq!(outcome(&bytes), expected, "{file}");
        let first = stream.split(' ').next().expect("a word");
        assert_eq!(frame(&bytes), first, "{file} on a stream");
    }
}

#[test]
fn every_message_has_its_row() {
    let mut listed: Vec<_> = table(&own_folder())
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    let mut there: Vec<_> = std::fs::read_dir(own_folder())
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .filter(|name| name.ends_with(".sip"))
        .collect();
    listed.sort();
    there.sort();
    assert_eq!(listed, there);
}

#[test]
fn the_rfcs_own_messages_come_out_as_listed() /* ATTACKS D01 */
{
    let Some(folder) = rfc_folder() else {
        println!("only our own messages ran: the RFCs' do not lie beside the checkout");
        return;
    };
    let mut count = 0;
    for part in ["torture-4475", "torture-5118"] {
        let folder = folder.join(part);
        for row in table(&folder) {
            let bytes = std::fs::read(folder.join(&row[0])).expect("a message");
            check_rfc_row(&row, &bytes, part == "torture-4475");
            count += 1;
        }
    }
    println!(
        "our own messages ran, and {count} of the RFCs from {}",
        folder.display()
    );
}

/// Columns: file, section, kind, method, valid, parser, status, also_ok, and for RFC 4475 stream.
#[track_caller]
fn check_rfc_row(row: &[String], bytes: &[u8], has_stream: bool) {
    let (file, parser, status) = (&row[0], row[5].as_str(), row[6].as_str());
    let allowed = if has_stream {
        format!("{status} {}", row[7])
    } else {
        row[6..].join(" ")
    };
    let found = outcome(bytes);
    let is_allowed = match (&found, parser) {
        (Outcome::Request, "accept" | "either") => status != "discard",
        // The status column says that what parses is refused for its content: 400.
        (Outcome::Broken(code), _) => allowed.contains(&code.to_string()),
        (Outcome::Response, "accept") => status == "discard",
        (Outcome::Dropped, _) => status == "discard" || allowed.contains("drop"),
        (Outcome::Request | Outcome::Response, _) => false,
    };
    assert!(is_allowed, "{file}: {found:?}, expected {parser} {allowed}");
    if !has_stream {
        return;
    }
    let expected = match row[8].as_str() {
        text if text.contains("then close") || text == "close" => "refuse",
        text if text.starts_with("no reply") => "incomplete",
        _ => "message",
    };
    assert_eq!(frame(bytes), expected, "{file} on a stream");
}

#[test]
fn cut_and_bent_messages_do_no_harm() /* ATTACKS D01 */
{
    for row in table(&own_folder()) {
        let bytes = std::fs::read(own_folder().join(&row[0])).expect("a message");
        for len in 0..bytes.len() {
            outcome(&bytes[..len]);
            frame(&bytes[..len]);
        }
        let mut bent = bytes.clone();
        for at in 0..bent.len() {
            bent[at] ^= 0xff;
            outcome(&bent);
            bent[at] ^= 0xff;
        }
    }
}
