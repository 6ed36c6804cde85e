//! NOTIFYs as servers write them.

use lampfield::{Duration, Package, Watched};

use crate::challenges::REFRESHED;
use crate::message::bare;
use crate::peer::Peer;
use crate::process::SOON;
use crate::setup::{call, calls, request, sip, subscribed, watching};
use crate::virtual_time::{self, BOSS_AT, Server};

/// erlnets/nksip #8 and the guide of a Technicolor gateway: From and To without angle brackets, and no Contact.
#[test]
fn from_and_to_may_be_bare_and_contact_missing() {
    let mut pbx = Peer::new();
    let agent = watching(&pbx, "dialog");
    let subscribe = pbx.want("SUBSCRIBE");
    let mut bob = pbx.accept(&subscribe, 10);
    let (from, us) = (bob.bare_from(), subscribe.header("From"));
    let (_, tag) = us.split_once(">;tag=").expect("a tag");
    let to = format!("{};tag={tag}", bare(us));
    let notify = bob.notify(&calls(0, &call("9", "early")));
    let rows = notify
        .split("\r\n")
        .filter_map(|row| match row.split_once(": ") {
            Some(("From", _)) => Some(format!("From: {from}")),
            Some(("To", _)) => Some(format!("To: {to}")),
            Some(("Contact", _)) => None,
            _ => Some(row.to_string()),
        });
    let notify = rows.collect::<Vec<String>>().join("\r\n");
    assert_eq!(pbx.ask(bob.agent, &notify).status(), 200, "{notify}");
    agent.expect_state("blf1", "ringing");
    let refresh = pbx.want_within("SUBSCRIBE", REFRESHED);
    assert!(
        bob.has(&refresh) && refresh.is_in_dialog(),
        "{}",
        refresh.text
    );
}

/// pjsip/pjproject #1491, DoubangoTelecom/sipml5 #176 and #256: chan_sip tells no `expires`.
#[test]
fn notifies_without_expires_do_not_put_the_refresh_off() {
    let mut pbx = Peer::new();
    let _agent = watching(&pbx, "dialog");
    let subscribe = pbx.want("SUBSCRIBE");
    let mut bob = pbx.accept(&subscribe, 10);
    let refresh = (0..10).find_map(|version| {
        let state = ["terminated", "early"][version % 2];
        let document = calls(version as u32, &call("1", state));
        let notify = bob.notify_in("active", &document);
        assert_eq!(pbx.ask(bob.agent, &notify).status(), 200);
        pbx.look_for(SOON / 10, |it| it.is("SUBSCRIBE"))
    });
    let refresh = refresh.expect("a refresh before the end");
    assert!(
        bob.has(&refresh) && refresh.is_in_dialog(),
        "{}",
        refresh.text
    );
}

/// RestComm/jain-sip #74, ringcentral/ringcentral-web-phone #211, BelledonneCommunications/linphone-sdk #109: without
/// Event, to have a phone read its settings again, to keep a way open, of packages of the server's own.
#[test]
fn notifies_that_nobody_asked_for_harm_no_lamp() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "dialog");
    pbx.tell(&mut bob, &calls(0, &call("1", "confirmed")));
    agent.expect_state("blf1", "busy");
    for rows in [
        "Subscription-State: terminated\r\n",
        "Event: check-sync\r\nSubscription-State: active\r\n",
        "Event: check-sync;reboot=true\r\nSubscription-State: terminated\r\n",
        "Event: keep-alive\r\n",
        "Event: ua-profile\r\nSubscription-State: active\r\n",
        "Event: x-broadworks-hoteling\r\nSubscription-State: active;expires=3600\r\n",
    ] {
        let more = format!("Contact: <sip:{}>\r\n{rows}", pbx.here);
        let notify = request(&pbx, "NOTIFY", &agent.uri(), &more, "");
        let answer = pbx.ask(sip(&agent), &notify);
        assert!(
            [481, 489].contains(&answer.status()),
            "{rows}{}",
            answer.text
        );
        let names_packages = answer.find("Allow-Events").is_some();
        assert_eq!(
            names_packages,
            answer.status() == 489,
            "{rows}{}",
            answer.text
        );
    }
    for event in ["Event: presence\r\n", ""] {
        let notify = bob
            .notify(&calls(1, ""))
            .replace("Event: dialog\r\n", event);
        let status = pbx.ask(bob.agent, &notify).status();
        assert!([400, 481, 489].contains(&status), "{event}{status}");
    }
    agent.expect_state("blf1", "busy");
    pbx.tell(&mut bob, &calls(9, ""));
    agent.expect_state("blf1", "idle");
}

/// signalwire/freeswitch #3056: CSeq is made of the time within the year, and begins anew with it. Phones answer 500
/// until somebody restarts them.
#[test]
fn a_notifier_that_counts_anew_at_midnight_is_heard_within_a_minute() {
    let (mut desk, mut server) = Server::watched(Package::Dialog);
    let busy = virtual_time::dialogs(2, "full", &virtual_time::call("5", "confirmed"));
    server.cseq = 31_535_999;
    let idle = virtual_time::dialogs(1, "full", "");
    assert_eq!(server.tell(&mut desk, "active;expires=300", &idle), 200);
    server.cseq = 2;
    for _ in 0..3 {
        assert_eq!(server.tell(&mut desk, "active;expires=300", &busy), 500);
    }
    for _ in 0..60 {
        for (_, sent) in desk.run(Duration::from_secs(1)) {
            if sent.is("SUBSCRIBE") && sent.flow.remote.to_string() == BOSS_AT {
                server.subscribe = sent;
                server.accept(&mut desk, 300);
                server.tell(&mut desk, "active;expires=300", &busy);
            }
        }
        if desk.lamp() == Watched::Busy {
            return;
        }
    }
    panic!("after a minute the lamp is {:?}", desk.lamp());
}
