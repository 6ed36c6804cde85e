//! Mailboxes: what servers tell of them.

use crate::agent::Agent;
use crate::peer::Peer;
use crate::setup::{account, desk, lamp, registered, request, sip, subscribed};

/// sems-server/sems #167, versatica/JsSIP #731: the lines come in any order and case, with and without urgent messages,
/// and with the line ends of somebody's editor.
#[test]
fn a_summary_is_read_in_whatever_order_and_case() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "message-summary");
    for (body, state) in [
        ("Messages-Waiting: no\r\n", "idle"),
        ("Messages-Waiting: yes\r\n", "waiting"),
        ("messages-waiting:NO\r\nvoice-message:0/8(0/0)\r\n", "idle"),
        (
            "Message-Account: sip:bob@pbx.test\r\nMessages-Waiting: Yes\r\n",
            "waiting",
        ),
        ("Messages-Waiting: no\n", "idle"),
        (
            "Voice-Message: 2/8 (0/2)\r\nMessages-Waiting: yes\r\n",
            "waiting",
        ),
    ] {
        pbx.tell(&mut bob, body);
        agent.expect_state("blf1", state);
    }
}

/// irontec/ivozprovider #902: a server tells a mailbox to phones that did not ask; anybody else could, too.
#[test]
fn a_mailbox_is_not_believed_from_a_stranger() {
    let mut pbx = Peer::new().registrar(60);
    let lamp = lamp("blf1", "sip:100@pbx.test", "message-summary", "");
    let agent = desk(&(account(&pbx.here.to_string(), "publish = false") + &lamp));
    let subscribe = pbx.want("SUBSCRIBE");
    let mut mailbox = pbx.accept(&subscribe, 300);
    pbx.tell(&mut mailbox, "Messages-Waiting: no\r\n");
    agent.expect_state("blf1", "idle");
    let mut stranger = Peer::at("127.0.0.2");
    let more = format!(
        "Contact: <sip:{}>\r\nEvent: message-summary\r\nSubscription-State: active\r\n\
         Content-Type: application/simple-message-summary\r\n",
        stranger.here
    );
    let notify = request(
        &stranger,
        "NOTIFY",
        &mailbox.target,
        &more,
        "Messages-Waiting: yes\r\n",
    );
    let answer = stranger.ask(sip(&agent), &notify);
    assert!(answer.status() >= 400, "{}", answer.text);
    assert_eq!(agent.why("blf1")["lamp"]["state"], "idle");
}

/// sems-server/sems #56 and #167, irontec/ivozprovider #14 and #902, thevoiceguy/siphon-ai #487, and the manuals of
/// makers: the server refuses to be asked, and tells the phones that are registered there by itself.
#[test]
fn a_mailbox_is_told_to_who_is_registered_without_being_asked() {
    let mut pbx = Peer::new().registrar(60);
    let (agent, contact) = refused_mailbox(&mut pbx);
    for (body, state) in [
        (
            "Messages-Waiting: yes\r\nMessage-Account: sip:100@pbx.test\r\nVoice-Message: 2/8 (1/0)\r\n",
            "waiting",
        ),
        (
            "Messages-Waiting: no\r\nVoice-Message: 0/8 (0/0)\r\n",
            "idle",
        ),
    ] {
        let answer = unasked(&mut pbx, &agent, &contact, "active", body);
        assert_eq!(answer, 200);
        agent.expect_state("blf1", state);
    }
}

/// Exchange tells each change in a NOTIFY that ends at once what never began.
#[test]
fn a_mailbox_is_told_in_a_subscription_that_ends_at_once() {
    let mut pbx = Peer::new().registrar(60);
    let (agent, contact) = refused_mailbox(&mut pbx);
    for (word, state) in [("yes", "waiting"), ("no", "idle"), ("yes", "waiting")] {
        let body = format!("Messages-Waiting: {word}\r\nMessage-Account: sip:100@pbx.test\r\n");
        let answer = unasked(
            &mut pbx,
            &agent,
            &contact,
            "terminated;reason=timeout",
            &body,
        );
        assert_eq!(answer, 200);
        agent.expect_state("blf1", state);
    }
}

/// gonicus/gonnect #538: CUCM says that messages wait, and not how many.
#[test]
fn a_mailbox_without_counts_waits_all_the_same() {
    let mut pbx = Peer::new().registrar(60);
    let (agent, contact) = refused_mailbox(&mut pbx);
    let answer = unasked(
        &mut pbx,
        &agent,
        &contact,
        "active",
        "Messages-Waiting: yes\r\n",
    );
    assert_eq!(answer, 200);
    agent.expect_state("blf1", "waiting");
}

/// The counts are shown to whoever asks.
#[test]
fn the_counts_of_a_mailbox_are_shown() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "message-summary");
    pbx.tell(
        &mut bob,
        "Messages-Waiting: yes\r\nVoice-Message: 27/83 (4/0)\r\n",
    );
    agent.expect_state("blf1", "waiting");
    for told in [
        agent.get("/lamps").to_string(),
        agent.why("blf1").to_string(),
        agent.run(&["lamps"]),
        agent.run(&["why", "blf1"]),
    ] {
        assert!(told.contains("27") && told.contains("83"), "{told}");
    }
}

/// A desk that is registered here, and whose question for its mailbox was refused; the Contact that it registered.
#[track_caller]
fn refused_mailbox(pbx: &mut Peer) -> (Agent, String) {
    let lamp = lamp("blf1", "sip:100@pbx.test", "message-summary", "");
    let agent = desk(&(account(&pbx.here.to_string(), "publish = false") + &lamp));
    let subscribe = pbx.want("SUBSCRIBE");
    pbx.answer(
        &subscribe,
        "489 Bad Event",
        "Allow-Events: presence, dialog\r\n",
    );
    let contact = registered(pbx, &agent);
    (agent, contact)
}

/// Tells a summary outside of any subscription; what is answered.
#[track_caller]
fn unasked(pbx: &mut Peer, agent: &Agent, contact: &str, state: &str, body: &str) -> u16 {
    let more = format!(
        "Contact: <sip:{};transport=udp>\r\nEvent: message-summary\r\nSubscription-State: {state}\r\n\
         Content-Type: application/simple-message-summary\r\n",
        pbx.here
    );
    let notify = request(pbx, "NOTIFY", contact, &more, body);
    let to = format!("To: <{contact}>");
    let notify = notify.replace(&to, "To: sip:100@pbx.test");
    pbx.ask(sip(agent), &notify).status()
}
