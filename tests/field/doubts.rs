//! Servers whose word is wrong for hours: what a lamp makes of it, in virtual time.

use lampfield::{Duration, Package, Watched};

use crate::virtual_time::{Desk, Sent, Server, call, dialogs};

/// For how long a lamp may be wrong at the most.
const LONGEST: u64 = 150;

/// kamailio/kamailio #2540, asterisk/asterisk #793, OpenSIPS/opensips #1869, irontec/ivozprovider #1570: the server knows
/// that the call is over, and has told nobody.
#[test]
fn an_end_that_was_told_to_nobody_is_found_out() {
    let truth = |_: &Sent| dialogs(9, "full", "");
    for state in ["trying", "early", "confirmed"] {
        is_found_out(state, truth);
    }
}

/// kamailio/kamailio #1427, signalwire/freeswitch #156: what the server tells in the dialog stays wrong, and whoever comes
/// anew is told what is so.
#[test]
fn what_is_wrong_inside_of_a_dialog_is_right_outside() {
    for state in ["early", "confirmed"] {
        is_found_out(state, |subscribe| {
            let is_in_dialog = subscribe
                .header("To")
                .is_some_and(|to| to.contains(";tag="));
            match is_in_dialog {
                true => dialogs(9, "full", &call("1", state)),
                false => dialogs(0, "full", ""),
            }
        });
    }
}

/// A lamp is told a call, and of its end only when it asks.
#[track_caller]
fn is_found_out(state: &str, told: impl Fn(&Sent) -> String) {
    let (mut desk, mut server) = Server::watched(Package::Dialog);
    let document = dialogs(1, "full", &call("1", state));
    assert_eq!(server.tell(&mut desk, "active;expires=300", &document), 200);
    assert_ne!(desk.lamp(), Watched::Idle);
    for _ in 0..LONGEST {
        for (_, sent) in desk.run(Duration::from_secs(1)) {
            if sent.is("SUBSCRIBE") {
                answer(&mut desk, &mut server, sent, &told);
            }
        }
        if desk.lamp() == Watched::Idle {
            return;
        }
    }
    panic!("{state}: after {LONGEST} s the lamp is {:?}", desk.lamp());
}

/// The server grants a refresh, a new subscription or a fetch, and tells what it tells.
fn answer(desk: &mut Desk, server: &mut Server, subscribe: Sent, told: impl Fn(&Sent) -> String) {
    let document = told(&subscribe);
    let (expires, state) = match subscribe.header("Expires") {
        Some("0") => (0, "terminated;reason=timeout"),
        _ => (300, "active;expires=300"),
    };
    server.subscribe = subscribe;
    server.accept(desk, expires);
    server.tell(desk, state, &document);
}
