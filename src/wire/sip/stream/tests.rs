extern crate std;

use super::super::sample::SUBSCRIBE;
use super::*;
use std::format;
use std::string::String;
use std::vec::Vec;

const MAX: usize = 4_096;

/// Feeds bytes in pieces of that size; tells what came out until the end or a refusal.
fn feed(bytes: &[u8], piece: usize) -> Vec<String> {
    let mut framer = Framer::new();
    let mut buffered: Vec<u8> = Vec::new();
    let mut said = Vec::new();
    for piece in bytes.chunks(piece) {
        buffered.extend_from_slice(piece);
        loop {
            let taken = match framer.look(&buffered, MAX) {
                Frame::Incomplete { need } => {
                    assert!(need > 0);
                    break;
                }
                Frame::Message { len } => {
                    said.push(String::from_utf8_lossy(&buffered[..len]).into_owned());
                    len
                }
                Frame::Ping => {
                    said.push("ping".into());
                    4
                }
                Frame::Skip(len) | Frame::Nuls(len) => len,
                Frame::Refuse { status, .. } => {
                    said.push(format!("refuse {}", status.code()));
                    return said;
                }
            };
            buffered.drain(..taken);
        }
    }
    said
}

fn with_length(value: &str) -> String {
    SUBSCRIBE.replace("Content-Length: 0", value)
}

#[test]
fn segments_do_not_matter() /* X10, ATTACKS E04 E07 */
{
    let body = "\r\n\r\nSUBSCRIBE sip:x SIP/2.0\r\n\r\n";
    let with_body = with_length(&format!("l : {}", body.len())) + body;
    let stream =
        format!("\r\n{SUBSCRIBE}\r\n\r\n\r\n{with_body}{SUBSCRIBE}\r\n\r\n\r\n\r\n{SUBSCRIBE}");
    let expected = [
        SUBSCRIBE, "ping", &with_body, SUBSCRIBE, "ping", "ping", SUBSCRIBE,
    ];
    for piece in 1..stream.len() {
        assert_eq!(
            feed(stream.as_bytes(), piece),
            expected,
            "pieces of {piece}"
        );
    }
    let many = SUBSCRIBE.repeat(50);
    assert_eq!(feed(many.as_bytes(), many.len()).len(), 50);
}

#[test]
fn a_prefix_is_incomplete() /* X10 */
{
    let text = with_length("Content-Length: 5") + "a\r\n\r\n";
    for len in 1..text.len() {
        let found = Framer::new().look(&text.as_bytes()[..len], MAX);
        assert!(
            matches!(found, Frame::Incomplete { need } if need <= text.len() - len),
            "{len}: {found:?}"
        );
    }
    let whole = Framer::new().look(text.as_bytes(), MAX);
    assert_eq!(whole, Frame::Message { len: text.len() });
}

#[test]
fn content_length_is_one_number_or_the_end() /* X09, ATTACKS E01 E02 */
{
    for (value, expected) in [
        ("X: y", "refuse 400"),
        ("Content-Length:", "refuse 400"),
        ("Content-Length: -999", "refuse 400"),
        ("Content-Length: five", "refuse 400"),
        ("Content-Length: +5", "refuse 400"),
        ("Content-Length: 5 5", "refuse 400"),
        ("Content-Length: 5,5", "refuse 400"),
        ("Content-Length: 0x5", "refuse 400"),
        ("Content-Length: 13\r\nContent-Length: 5", "refuse 400"),
        ("Content-Length: 5\r\nl: 5", "refuse 400"),
        ("Content-Length: 5\r\ncontent-length\t: 5", "refuse 400"),
        ("Content-Length: 4096", "refuse 413"),
        ("Content-Length: 4294967295", "refuse 413"),
        ("Content-Length: 4294967296", "refuse 413"),
        ("Content-Length: 4294967328", "refuse 413"),
        ("Content-Length: 18446744073709551616", "refuse 413"),
        ("Content-Length: 18446744073709551626", "refuse 413"),
        ("Content-Length: 0\nContent-Length: 5", "refuse 400"),
        ("Content-Length\r: 5", "refuse 400"),
        ("no colon\r\nContent-Length: 0", "refuse 400"),
    ] {
        let text = with_length(value) + SUBSCRIBE;
        for piece in [1, 7, text.len()] {
            assert_eq!(feed(text.as_bytes(), piece), [expected], "{value:?}");
        }
    }
}

#[test]
fn a_refused_head_can_be_answered() /* X09 */
{
    let text = with_length("Content-Length: -1");
    let head = text.len();
    let found = Framer::new().look((text + "rest").as_bytes(), MAX);
    assert_eq!(
        found,
        Frame::Refuse {
            status: Status::BAD_REQUEST,
            header_len: head
        }
    );
}

#[test]
fn junk_ends_the_stream() /* ATTACKS D13 E05 E06 */
{
    for junk in [
        &b"\n"[..],
        b"\r\0",
        b"\r\r",
        b"\rS",
        b" SUBSCRIBE",
        b"\x16\x03\x01\x02\0\x01",
        b"GET / HTTP/1.1\r\n",
        b"x\r\n",
        b"SUBSCRIBE sip:desk@example.com SIP/2.0\n",
        b"SUBSCRIBE sip:desk@example.com SIP/2.0\r\r\n",
        b"C\r\n\r\n",
    ] {
        assert_eq!(feed(junk, 1), ["refuse 400"], "{}", junk.escape_ascii());
        assert_eq!(
            feed(junk, junk.len()),
            ["refuse 400"],
            "{}",
            junk.escape_ascii()
        );
    }
}

#[test]
fn nuls_between_messages_are_passed_over_and_inside_one_are_not() /* resiprocate #38 */
{
    let stream = format!("\r\n\0{SUBSCRIBE}\0\0\r\n\r\n\0\r\n\0\0{SUBSCRIBE}\0");
    for piece in 1..stream.len() {
        let found = feed(stream.as_bytes(), piece);
        assert_eq!(found, [SUBSCRIBE, "ping", SUBSCRIBE], "pieces of {piece}");
    }
    let silence = [0; 3 * MAX];
    assert_eq!(Framer::new().look(&silence, MAX), Frame::Nuls(3 * MAX));
    for inside in [
        "\0\r\nSUB\0SCRIBE sip:a SIP/2.0\r\n\r\n".into(),
        with_length("Content-Length: 0\0"),
        with_length("Content-Length: \x005"),
        with_length("X: y\r\n\0\r\nContent-Length: 0"),
    ] {
        assert_eq!(feed(inside.as_bytes(), 7), ["refuse 400"], "{inside:?}");
    }
}

#[test]
fn a_head_has_an_end() /* ATTACKS C06 D13 */
{
    for endless in [
        "A",
        "SUBSCRIBE sip:a SIP/2.0\r\nX: ",
        "SUBSCRIBE sip:a SIP/2.0\r\nX: y\r\n",
    ] {
        let text = format!("{endless}{}", "a: b\r\n".repeat(MAX));
        let found = feed(text.as_bytes(), 1_000);
        assert!(
            found == ["refuse 513"] || found == ["refuse 400"],
            "{endless:?}: {found:?}"
        );
    }
    let long = "A".repeat(2 * MAX);
    assert_eq!(feed(long.as_bytes(), 100), ["refuse 513"]);
}

#[test]
fn a_message_of_just_the_limit_passes() {
    let room = MAX - with_length("Content-Length: 1000").len();
    let text = with_length(&format!("Content-Length: {room}")) + &"x".repeat(room);
    assert_eq!(text.len(), MAX);
    assert_eq!(feed(text.as_bytes(), 512), [text]);
    let over = with_length(&format!("Content-Length: {}", room + 1));
    assert_eq!(feed(over.as_bytes(), 512), ["refuse 413"]);
}

#[test]
fn a_lone_line_end_is_a_pong() /* R10 */
{
    assert!(is_pong(b"\r\n"));
    assert!(!is_pong(b"\r\n\r\n") && !is_pong(b"\r") && !is_pong(b""));
    assert_eq!(
        Framer::new().look(b"\r\n", MAX),
        Frame::Incomplete { need: 1 }
    );
    assert_eq!(Framer::new().look(b"\r\nS", MAX), Frame::Skip(2));
}

#[test]
fn the_framer_reads_a_head_once() {
    // A head that comes in single bytes: the second look must not begin at the front again.
    let head = format!("SUBSCRIBE sip:a SIP/2.0\r\n{}", "a: b\r\n".repeat(100));
    let mut framer = Framer::new();
    for len in 1..head.len() {
        framer.look(&head.as_bytes()[..len], MAX);
        assert!(framer.seen + 1 >= len, "{len}: looked at {}", framer.seen);
    }
}
