//! Group E: where a message begins and ends.

use crate::desk::*;

const EVE: &str = "192.0.2.66:41000";

fn options(name: &str) -> String {
    Peer::new(name, EVE).request("OPTIONS", "")
}

fn with_length(value: &str) -> String {
    options("eve").replace("Content-Length: 0", value)
}

/// Sends on a new connection, in pieces of that size; the statuses that came back, and the connection.
fn send(desk: &mut Desk, text: &str, piece: usize) -> (Vec<u16>, Connection) {
    let mut connection = Connection::new(EVE);
    let mut sent = Vec::new();
    for piece in bytes(text).chunks(piece) {
        sent.extend(connection.receive(desk, piece));
    }
    assert!(sent.iter().all(|sent| sent.flow == connection.flow));
    let statuses = sent.iter().map(Sent::status).collect();
    (statuses, connection)
}

/// Answered so and closed, however it is cut; what hides behind is never read.
#[track_caller]
fn expect_closed(text: &str, expected: &[u16]) {
    let hidden = Peer::new("hidden", EVE).subscribe(600);
    let text = format!("{text}{hidden}");
    for piece in [1, 7, text.len()] {
        let mut desk = Desk::new();
        let (statuses, connection) = send(&mut desk, &text, piece);
        assert_eq!(statuses, expected, "{text:?}");
        assert!(!connection.is_open);
        assert!(desk.is_empty(), "the hidden request was executed: {text:?}");
        desk.serves_others();
    }
}

#[test]
fn a_length_beyond_all_bounds_hides_no_request() /* ATTACKS E01 X09 */
{
    for length in [
        "65536",
        "4294967295",
        "4294967296",
        "4294967328",
        "18446744073709551616",
        "18446744073709551626",
    ] {
        expect_closed(&with_length(&format!("Content-Length: {length}")), &[413]);
    }
}

#[test]
fn a_length_that_is_no_number_ends_the_connection() /* ATTACKS E02 X09 */
{
    for line in [
        "Content-Length: -999",
        "Content-Length: five",
        "Content-Length: +5",
        "Content-Length: 5 5",
        "Content-Length: 5,5",
        "Content-Length: 0x5",
        "Content-Length:",
        "Content-Length: 13\r\nContent-Length: 5",
        "Content-Length: 0\r\nContent-Length: 0",
        "Content-Length: 0\r\nl: 5",
        "Content-Length\u{b}: 0",
        "X: none",
    ] {
        expect_closed(&with_length(line), &[400]);
    }
}

#[test]
fn a_datagram_ends_where_it_ends() /* ATTACKS E03 X08 */
{
    let mut desk = Desk::new();
    let short = with_length("Content-Length: 9999") + "body";
    assert_eq!(desk.ask(EVE, &short).status(), 400);
    let two = options("eve") + &Peer::new("hidden", EVE).subscribe(600);
    assert_eq!(desk.ask(EVE, &two).status(), 200);
    assert!(desk.is_empty(), "the second one is noise");
}

#[test]
fn segments_make_no_difference() /* ATTACKS E04 X10 */
{
    let many: String = (0..50)
        .map(|number| options(&format!("n{number}")))
        .collect();
    for piece in [1, 2, 3, 5, 100, 1_000, many.len()] {
        let mut desk = Desk::new();
        let (statuses, connection) = send(&mut desk, &many, piece);
        assert_eq!(statuses, [200; 50], "pieces of {piece}");
        assert!(connection.is_at_rest());
    }
    let one = options("eve");
    for at in one.len() - 4..one.len() {
        let mut desk = Desk::new();
        let mut connection = Connection::new(EVE);
        assert_eq!(connection.receive(&mut desk, &bytes(&one[..at])), []);
        assert_eq!(connection.receive(&mut desk, &bytes(&one[at..])).len(), 1);
    }
}

#[test]
fn pings_are_answered_and_junk_closes() /* ATTACKS E05 X10 */
{
    let mut desk = Desk::new();
    let flood = "\r\n\r\n".repeat(100_000) + &options("eve");
    let (statuses, connection) = send(&mut desk, &flood, 1_460);
    assert_eq!((statuses, connection.pongs), (vec![200], 100_000));
    for junk in ["\n", "\r\0", "\n\n", "\r\r\n", "\0\n"] {
        expect_closed(&format!("{}{junk}", options("eve")), &[200]);
    }
    for idle in ["\r\n", "\r\n\0", "\0\0"] {
        let (statuses, connection) = send(&mut desk, &format!("{idle}{}", options("eve")), 1);
        assert_eq!((statuses, connection.pongs), (vec![200], 0), "{idle:?}");
    }
}

#[test]
fn lines_end_in_one_way_only() /* ATTACKS E06 */
{
    let sound = options("eve");
    let hidden = "To: <sip:other@192.0.2.1>;tag=1";
    for (from, to) in [("\r\n", "\n"), ("\r\n", "\r"), ("\r\n", "\r\r\n")] {
        let text = sound.replace(from, to);
        expect_closed(&(text.clone() + "\r\n\r\n"), &[]);
        let mut desk = Desk::new();
        let sent = desk.send(EVE, &text);
        assert!(sent.iter().all(|sent| sent.status() == 400), "{text:?}");
    }
    for end in ["\n", "\r", "\r\r\n", "\n\r"] {
        let text = sound.replacen("Max-", &format!("X: y{end}{hidden}\r\nMax-"), 1);
        let mut desk = Desk::new();
        assert_eq!(desk.ask(EVE, &text).status(), 400, "{end:?}");
        expect_closed(&text, &[400]);
    }
}

#[test]
fn a_request_in_a_body_is_a_body() /* ATTACKS E07 X10 */
{
    let hidden = Peer::new("hidden", EVE).subscribe(600);
    for body in [
        hidden.clone(),
        format!("\r\n\r\n{hidden}"),
        "\r\n\r\n\r\n\r\n".to_string(),
    ] {
        for (method, status) in [("MESSAGE", 405), ("PUBLISH", 415)] {
            let text = Peer::new("eve", EVE)
                .request(method, "Event: presence\r\nContent-Type: message/sip\r\n")
                .replace("<sip:eve@192.0.2.9>", &format!("<{DESK}>"));
            let length = format!("Content-Length: {}\r\n\r\n{body}", body.len());
            let text = text.replace("Content-Length: 0\r\n\r\n", &length);
            let mut desk = Desk::new();
            assert_eq!(desk.ask(EVE, &text).status(), status);
            for piece in [1, 100, text.len()] {
                let (statuses, connection) = send(&mut desk, &text, piece);
                assert_eq!((statuses, connection.pongs), (vec![status], 0));
                assert!(connection.is_at_rest());
            }
            assert!(desk.is_empty(), "one request was executed");
        }
    }
}

#[test]
fn a_head_without_an_end_is_cut_off() /* ATTACKS E01 D13 X09 */
{
    let endless = options("eve").replace("Content-Length: 0\r\n\r\n", &"X: y\r\n".repeat(20_000));
    let mut desk = Desk::new();
    let (statuses, connection) = send(&mut desk, &endless, 1_460);
    assert_eq!(statuses, [513]);
    assert!(!connection.is_open && desk.is_empty());
    let (statuses, connection) = send(&mut desk, &"A".repeat(70_000), 1_460);
    assert!(statuses.is_empty());
    assert!(!connection.is_open && desk.is_empty());
}

#[test]
fn what_needs_no_answer_gets_none_when_framing_is_lost() /* ATTACKS E02 X09 */
{
    for line in ["Content-Length: -1", "X: none"] {
        let ack = with_length(line).replace("OPTIONS", "ACK");
        expect_closed(&ack, &[]);
    }
    let response = "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKs\r\nContent-Length: -1\r\n\r\n";
    expect_closed(response, &[]);
}
