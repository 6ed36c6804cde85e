//! A server that is away for minutes, in virtual time.

use lampfield::{Duration, Package, Watched};

use crate::virtual_time::{BOSS_AT, Desk, Sent, Server, dialogs, watch};

/// How many lamps hang on the server.
const LAMPS: usize = 4;

/// For how long it is away: long enough for everybody to wait long before the next try.
const AWAY: Duration = Duration::from_secs(420);

/// Seconds from the first answer until all is as it was.
const BACK: u64 = 15;

/// fusionpbx/fusionpbx #6714 and what every owner of a BLF has seen: the server is there again, and the lamps come back one
/// by one, each when its own wait is over.
#[test]
fn all_lamps_are_back_soon_after_the_first() {
    let mut desk = Desk::with(|settings| {
        for number in 1..=LAMPS {
            let target = format!("sip:{number}@192.0.2.50");
            watch(settings, &format!("blf{number}"), &target, Package::Dialog);
        }
    });
    let mut cseq = 1;
    let first = desk.run(Duration::from_secs(5));
    let first = first.into_iter().map(|(_, sent)| sent).collect();
    answer_all(&mut desk, &mut cseq, first);
    expect(&desk, Watched::Idle, "at first");
    // Nobody answers; the subscriptions end, and the graces with them.
    desk.run(AWAY);
    expect(&desk, Watched::Unknown, "while it is away");
    let mut left = None;
    for _ in 0..600 {
        let sent = desk.run(Duration::from_secs(1));
        let sent: Vec<Sent> = sent.into_iter().map(|(_, sent)| sent).collect();
        if left.is_none() && !sent.is_empty() {
            left = Some(BACK);
        }
        answer_all(&mut desk, &mut cseq, sent);
        match left.as_mut() {
            Some(0) => break,
            Some(left) => *left -= 1,
            None => {}
        }
    }
    expect(&desk, Watched::Idle, "when it is there again");
}

#[track_caller]
fn expect(desk: &Desk, state: Watched, when: &str) {
    let states: Vec<_> = desk.agent.lamps().map(|lamp| lamp.state).collect();
    assert_eq!(states, [Some(state); LAMPS], "{when}");
}

/// The server grants each subscription, and tells that nobody is in a call.
fn answer_all(desk: &mut Desk, cseq: &mut u32, mut sent: Vec<Sent>) {
    while let Some(subscribe) = sent.pop() {
        if !subscribe.is("SUBSCRIBE") {
            continue;
        }
        let contact = format!("Contact: <sip:boss@{BOSS_AT}>");
        let status = format!("200 OK\r\n{contact}\r\nExpires: 300\r\n");
        let mut server = Server {
            address: BOSS_AT.to_string(),
            event: "dialog",
            // A branch is made of it.
            cseq: *cseq,
            tag: "server",
            subscribe,
        };
        *cseq += 1;
        let answer = server.subscribe.response(&status);
        let answer = match answer.contains(";tag=server\r\n") {
            true => answer,
            false => answer.replacen("\r\nCall-ID", ";tag=server\r\nCall-ID", 1),
        };
        sent.extend(desk.send(BOSS_AT, &answer));
        let notify = server.notify("active;expires=300", &dialogs(0, "full", ""));
        sent.extend(desk.send(BOSS_AT, &notify));
    }
}
