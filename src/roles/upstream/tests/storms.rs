//! Servers that do anything at all, and then are well: whatever happened, everything is told in the end.

extern crate std;
use super::fixture::*;

const WELL: Duration = secs(35 * 60);

/// Draws from a generator of the test's own.
fn below(random: &mut Random, limit: u64) -> u64 {
    random.bits() % limit
}

fn misbehave(f: &mut Fixture, dice: &mut Random, sent: &Sent) {
    const STATUSES: [u16; 24] = [
        100, 200, 200, 200, 202, 301, 302, 305, 400, 401, 403, 404, 407, 408, 412, 420, 423, 439,
        480, 489, 500, 503, 504, 603,
    ];
    const ROWS: [&str; 10] = [
        "",
        "Retry-After: 60\r\n",
        "Retry-After: 600\r\n",
        "Min-Expires: 700\r\n",
        "Min-Expires: 4294967295\r\n",
        "Contact: <sip:192.0.2.3>\r\n",
        "Contact: <sip:desk@192.0.2.2;transport=tcp>\r\n",
        "SIP-ETag: x\r\nExpires: 60\r\n",
        "SIP-ETag: y\r\nExpires: 0\r\n",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", stale=true\r\n",
    ];
    match below(dice, 10) {
        0..=2 => {}
        3 => f.unreachable(&format!("{}", sent.to())),
        4 if sent.flow.transport.is_reliable() => {
            let flow = sent.flow;
            f.disconnect(&flow, End::Closed);
        }
        5 => f.accept(sent),
        _ => {
            let status = STATUSES[below(dice, 24) as usize];
            let mut rows = String::from(ROWS[below(dice, 10) as usize]);
            if below(dice, 2) == 0 && !rows.starts_with("Contact") {
                let contact = sent.try_header("Contact").unwrap_or("<sip:x@y>");
                rows = format!("{rows}Contact: {contact}\r\n");
            }
            let seen = format!("203.0.113.{}:40000", below(dice, 3) + 1);
            f.answer_seen(sent, status, &rows, &seen);
        }
    }
}

fn meddle(f: &mut Fixture, dice: &mut Random, moves: bool) {
    match below(dice, 8) {
        0 => f.change(&format!("{}", below(dice, 1_000))),
        1 if moves => {
            let local = format!("192.0.2.{}:5060", 20 + below(dice, 3));
            let local = (below(dice, 4) > 0).then_some(local.as_str());
            f.listen(local.as_slice());
        }
        2 => f.links.handle_doubt(f.now, f.id),
        3 => {
            for query in core::mem::take(&mut f.queries) {
                let found = ["192.0.2.4:5060", "192.0.2.5:5060"].map(place);
                let found = &found[below(dice, 3) as usize..];
                f.links.handle_resolved(f.now, query, found, &mut f.random);
            }
        }
        _ => {}
    }
}

fn storm(seed: u64) {
    let mut dice = Random::new();
    dice.seed([seed, 4]);
    let servers: &[&str] = match below(&mut dice, 3) {
        0 => &["192.0.2.1"],
        1 => &["192.0.2.1", "192.0.2.2"],
        _ => &["pbx.example", "192.0.2.1", "192.0.2.2"],
    };
    let plan = Plan {
        servers,
        transport: if below(&mut dice, 3) == 0 {
            Transport::Tcp
        } else {
            Transport::Udp
        },
        register: below(&mut dice, 4) > 0,
        keep_alive: (below(&mut dice, 2) == 0).then_some(KeepAlive::Options(Seconds(25))),
        seed,
        ..PLAN
    };
    let mut f = Fixture::waiting(&plan);
    let begin = f.now;
    let lasts = secs(60 << below(&mut dice, 7));
    let moves = below(&mut dice, 2) == 0;
    let mut asked = 0;
    while f.now < begin + lasts {
        let step = Duration::from_millis(1 + below(&mut dice, 40_000));
        if let Some(sent) = f.next(step) {
            asked += 1;
            if !sent.text.trim().is_empty() {
                misbehave(&mut f, &mut dice, &sent);
            }
        }
        meddle(&mut f, &mut dice, moves);
        assert!(asked < 20_000, "seed {seed}: a storm of our own");
    }
    // Now all is well.
    f.change("the newest");
    if moves {
        f.listen(&[LOCAL]);
    }
    let end = f.now + WELL;
    let mut told = String::new();
    loop {
        for query in core::mem::take(&mut f.queries) {
            let found = [place("192.0.2.4:5060")];
            f.links.handle_resolved(f.now, query, &found, &mut f.random);
        }
        let left = end.since(f.now);
        match f.next(left.min(secs(1))) {
            Some(sent) if sent.text.trim().is_empty() => f.links.handle_pong(&sent.flow),
            Some(sent) => {
                if sent.method() == "PUBLISH" && !sent.body().is_empty() {
                    told = String::from(sent.body());
                }
                f.accept(&sent);
            }
            None if left.is_zero() => break,
            None => {}
        }
    }
    let report = f.report();
    assert!(
        !plan.register || report.registration == Stands::Yes,
        "seed {seed}: {report:?}"
    );
    assert_eq!(report.publication, Stands::Yes, "seed {seed}: {report:?}");
    assert_eq!(report.why, "", "seed {seed}");
    assert!(told.contains("the newest"), "seed {seed}: {told}");
}

#[test]
fn after_any_storm_everything_is_told_within_bounded_time() {
    for seed in 0..2_000 {
        storm(seed);
    }
}
