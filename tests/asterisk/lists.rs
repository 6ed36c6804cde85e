//! README's list at Asterisk: one subscription for a phone, a place for parked calls and a queue.

use crate::desk;
use crate::pbx::Asterisk;
use crate::process::{SOON, wait_for};

#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn one_subscription_drives_all_lamps_of_a_list() {
    let asterisk = Asterisk::with(&[
        (
            "pjsip.conf",
            "[lamps](+)\nlist_item = 301\nlist_item = 302\n",
        ),
        (
            "extensions.conf",
            "[internal]\nexten => 301,hint,Custom:301\nexten => 302,hint,Custom:302\n",
        ),
    ]);
    let address = asterisk.address();
    let mut lamps =
        format!("[[list]]\nuri = \"sip:lamps@{address}\"\nfrom = \"sip:100@{address}\"\n");
    let names = ["blf1", "blf2", "blf3", "blf4"];
    for (name, extension) in names.into_iter().zip(["301", "302", "701", "999"]) {
        lamps += &format!(
            "[[lamp]]\nname = \"{name}\"\nlist = \"sip:lamps@{address}\"\nwatch = \"sip:{extension}@{address}\"\n"
        );
    }
    asterisk.set("301", "NOT_INUSE");
    asterisk.set("302", "INUSE");
    let agent = desk(&asterisk, &lamps);
    agent.expect_lamp("blf1", "green");
    agent.expect_lamp("blf2", "red");
    agent.expect_lamp("blf3", "green");
    wait_for("999 is known not to be on the list", SOON, || {
        (agent.why("blf4")["watch"]["listed"] == "unlisted").then_some(())
    });
    for (state, look) in [
        ("RINGING", "red fast"),
        ("INUSE", "red"),
        ("ONHOLD", "red slow"),
        ("NOT_INUSE", "green"),
    ] {
        asterisk.set("301", state);
        agent.expect_lamp("blf1", look);
    }
    asterisk.set("302", "NOT_INUSE");
    agent.expect_lamp("blf2", "green");
    asterisk.run("channel originate Local/700@internal application Wait 60");
    agent.expect_lamp("blf3", "red");
    assert_eq!(agent.why("blf1")["watch"]["listed"], "active");
    let subscriptions = asterisk.run("pjsip show subscriptions inbound");
    assert_eq!(subscriptions.matches("lamps").count(), 1, "{subscriptions}");
}
