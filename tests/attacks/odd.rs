//! Group D: numbers beyond their range, bytes that are no text, messages that are no SIP.

use crate::desk::*;
use crate::headers::{EVE, eve, expect, expect_or_served, fetch};
use lampfield::{Duration, Input};

#[test]
fn numbers_neither_wrap_nor_surprise() /* ATTACKS D11 N09 T21 */
{
    let mut desk = Desk::new();
    for (value, status) in [
        ("-1", 400),
        ("1e9", 400),
        ("0x10", 400),
        ("3600 3600", 400),
        ("3600,3600", 400),
        ("", 400),
        ("+60", 400),
    ] {
        let text = fetch("").replace("Expires: 0", &format!("Expires: {value}"));
        expect(&mut desk, &text, &[status]);
    }
    for value in [
        "4294967295",
        "4294967296",
        "18446744073709551616",
        "99999999999999999999999999",
    ] {
        let name = format!("n{}", value.len());
        let peer = Peer::new(&name, EVE);
        let text = peer
            .subscribe(600)
            .replace("Expires: 600", &format!("Expires: {value}"));
        let sent = desk.send(EVE, &text);
        assert_eq!(
            (sent[0].status(), sent[0].header("Expires")),
            (200, Some("3600"))
        );
        desk.confirm(&sent[1]);
        assert_eq!(
            desk.run(Duration::from_secs(3_599)),
            [],
            "{value}: not at once"
        );
        let last = desk.run(Duration::from_secs(2));
        assert_eq!(last.len(), 1 + last.len() / 2, "{value}: and not never");
        desk.confirm(&last[0].1);
        assert_eq!(desk.subscriptions(), 0);
    }
    let mut desk = Desk::new();
    for cseq in ["4294967296", "36893488147419103232", "-1", "0x1", "", "1e3"] {
        let text = fetch("").replace("CSeq: 1 ", &format!("CSeq: {cseq} "));
        expect(&mut desk, &text, &[400]);
    }
    for hops in ["256", "-1", "99999999999", "x"] {
        let text = fetch("").replace("Forwards: 70", &format!("Forwards: {hops}"));
        expect_or_served(&mut desk, &text, &[200, 400]);
    }
}

#[test]
fn odd_numbers_in_answers_change_nothing() /* ATTACKS D11 */
{
    let mut desk = Desk::new();
    desk.watcher("bob", "192.0.2.40:5060", "presence");
    let told = desk.input(Input::Dnd(true)).remove(0);
    for status in [
        "4294967301 No",
        "099 No",
        "1000 No",
        "-200 OK",
        "0x1 No",
        "4294967496 OK",
    ] {
        assert_eq!(desk.answer(&told, status), []);
    }
    assert_eq!(
        desk.run(Duration::from_millis(600)).len(),
        1,
        "still awaits its answer"
    );
    let later = "503 No\r\nRetry-After: 949302838503028349304023988\r\n";
    assert_eq!(desk.answer(&told, later), []);
    assert_eq!(desk.run(Duration::from_secs(3_599)), [], "later, as asked");
    assert!(
        !desk.run(Duration::from_secs(2)).is_empty(),
        "but not never"
    );
}

#[test]
fn odd_bytes_are_bytes() /* ATTACKS D12 */
{
    let mut desk = Desk::new();
    let odd = [
        "\0",
        "\u{1}",
        "\u{7f}",
        "\u{c0}\u{80}",
        "\u{ed}\u{a0}\u{80}",
        "\u{f8}",
        "\u{e2}\u{82}",
        "\u{ff}\u{fe}",
        "\u{1b}[31m",
        "\u{b}",
        "\u{85}",
    ];
    let head = fetch("Accept: */*\r\nSupported: x\r\nUser-Agent: y\r\nSubject: z\r\n");
    let lines: Vec<&str> = head.split_inclusive("\r\n").collect();
    for odd in odd {
        for (at, line) in lines.iter().enumerate().take(lines.len() - 1) {
            for place in [0, line.find(": ").map_or(3, |at| at + 2), line.len() - 2] {
                let mut text: Vec<String> = lines.iter().map(|line| (*line).to_string()).collect();
                text[at].insert_str(place, odd);
                let text = text.concat();
                let sent = desk.send(EVE, &text);
                assert!(sent.len() <= 2);
                if let Some(answer) = sent.first() {
                    let status = answer.status();
                    assert!(
                        [200, 400, 404, 405, 406, 416, 420, 489, 501, 505].contains(&status),
                        "{status} {text:?}"
                    );
                    assert_echoes(&text, answer);
                }
                if let Some(notify) = sent.get(1) {
                    desk.confirm(notify);
                }
                desk.run(Duration::from_secs(33));
                assert!(desk.is_empty(), "{text:?}");
            }
        }
    }
    let text = format!("\u{ef}\u{bb}\u{bf}{}", fetch(""));
    expect(&mut desk, &text, &[0]);
    for report in &desk.reports {
        assert!(
            report.is_ascii() && !report.contains(char::is_control),
            "{report:?}"
        );
    }
}

#[test]
fn what_is_not_sip_is_left_alone() /* ATTACKS D13 */
{
    let mut desk = Desk::new();
    expect(
        &mut desk,
        &eve().request("subscribe", "Event: presence\r\n"),
        &[501],
    );
    let folded = format!("X: a{}\r\n", "\r\n b".repeat(15_000));
    expect_or_served(&mut desk, &fetch(&folded), &[200]);
    let long = fetch("");
    let long = fetch(&format!("X: {}\r\n", "y".repeat(65_535 - long.len() - 5)));
    assert_eq!(long.len(), 65_535);
    expect_or_served(&mut desk, &long, &[200]);
    expect(
        &mut desk,
        &format!("SUBSCRIBE sip:{} SIP/2.0\r\n\r\n", "a".repeat(65_000)),
        &[0],
    );
    let mut random = 0x1234_5678_9abc_def1_u64;
    let noise: String = (0..4_000)
        .map(|_| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            char::from(random as u8)
        })
        .collect();
    for junk in [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}",
        "",
        "\r\n\r\n",
        "\0\0\0\0",
        "SIP/2.0",
        "SIP/2.0 200 OK\r\n\r\n",
        "ACK sip:desk@192.0.2.1 SIP/2.0\r\n\r\n",
        &noise,
    ] {
        expect(&mut desk, junk, &[0]);
    }
}
