//! What phones and servers send to keep a way open.

use std::time::Duration;

use crate::peer::Peer;
use crate::process::SOON;
use crate::setup::{desk, presence, publish, request, sip};

/// pjsip/pjproject #266, OpenSIPS/opensips #2817, noxxi/p5-net-sip #56, DoubangoTelecom/webrtc2sip #108: every phone
/// sends one of these every few seconds, for years.
#[test]
fn keep_alives_by_datagram_are_neither_answered_nor_told() {
    let agent = desk("");
    let (mut phone, at) = (Peer::new(), sip(&agent));
    let stun = b"\0\x11\0\0\x21\x12\xa4\x42\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01";
    let kinds: [&[u8]; 9] = [
        b"\0",
        b"\0\0\0\0",
        b"jaK",
        b"\r\n",
        b"\r\n\r\n",
        b"PING",
        b"",
        &[0; 20],
        stun,
    ];
    for kind in kinds {
        let before = agent.log().lines().count();
        for _ in 0..3 {
            phone.send_bytes(at, kind);
        }
        // Its answer tells that all have been read.
        let options = request(&phone, "OPTIONS", &agent.uri(), "", "");
        assert_eq!(phone.ask(at, &options).status(), 200);
        let log = agent.log();
        assert!(log.lines().count() - before <= 1, "{kind:?}\n{log}");
    }
    let silence = phone.look_for(Duration::ZERO, |_| true);
    assert!(silence.is_none(), "{silence:?}");
}

/// pjsip/pjproject #5062, #482 and #669, emiago/sipgo #357, RestComm/jain-sip #195 and #48, irontec/sngrep #106: a ping
/// in four segments, a request with a segment for each line end, and stray line ends behind a body.
#[test]
fn line_ends_on_a_stream_come_in_pieces_and_in_excess() {
    let agent = desk("");
    let (mut phone, at) = (Peer::connected(&agent.address()), sip(&agent));
    for part in ["\r", "\n", "\r", "\n"] {
        phone.send(at, part);
    }
    let answered = |phone: &mut Peer, count: usize| {
        let mut codes = Vec::new();
        while codes.len() < count {
            let answer = phone.look_for(SOON, |it| !it.is_request());
            codes.push(answer.expect("an answer").status());
        }
        codes
    };
    let options = |phone: &Peer| request(phone, "OPTIONS", &agent.uri(), "", "");
    let text = "\r\n".to_string() + &options(&phone);
    for line in text.split_inclusive('\n') {
        phone.send(at, line.trim_end());
        phone.send(at, "\r\n");
    }
    assert_eq!(answered(&mut phone, 1), [200]);
    assert_eq!(phone.pongs, "\r\n");
    let document = presence(&agent.uri(), "open", "");
    let publish = publish(&phone, &agent.uri(), None, &document);
    let crowd = [publish, options(&phone), options(&phone)].join("\r\n\r\n\r\n");
    phone.send(at, &crowd);
    assert_eq!(answered(&mut phone, 3), [200; 3]);
}
