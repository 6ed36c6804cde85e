//! Mailboxes: what servers tell of them.

use crate::peer::Peer;
use crate::setup::{account, desk, lamp, request, sip, subscribed};

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
