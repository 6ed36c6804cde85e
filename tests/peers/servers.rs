//! The peers among themselves, without Lampfield: where one of these fails, it is not Lampfield's fault.

use std::time::Duration;

use crate::baresip::Baresip;
use crate::kamailio::{Challenge, Kamailio, Memory};
use crate::line::{Line, Transport};
use crate::linphone::Linphone;
use crate::process::SOON;
use crate::sipp::Sipp;

#[test]
fn sipp_hears_baresip_through_kamailio() {
    let kamailio = Kamailio::start(Challenge::Md5);
    let mut baresip = Baresip::phone(&Line::at_kamailio(&kamailio, "100"), "");
    baresip.expect_registered();
    let mut watcher = watcher_of_100(&kamailio);
    baresip.command("presence_offline");
    watcher.expect_log("heard: closed", SOON);
    watcher.finish();
    assert!(kamailio.has_binding("100"));
    baresip.quit();
    assert!(!kamailio.has_binding("100"));
}

#[test]
fn baresip_and_linphone_hear_each_other_through_kamailio() {
    let kamailio = Kamailio::start(Challenge::Proxy);
    let line = Line::at_kamailio(&kamailio, "200").over(Transport::Tcp);
    let contact = format!("\"Linphone\" <{}>;presence=p2p\n", line.uri());
    let mut linphone = Linphone::phone(&line, &["sip:100@127.0.0.1"]);
    let mut baresip = Baresip::phone(&Line::at_kamailio(&kamailio, "100"), &contact);
    linphone.expect_registered();
    linphone.expect_friend("sip:100@127.0.0.1", "online");
    baresip.expect_contact("Online");
    linphone.publish("dnd");
    baresip.expect_contact("Offline");
    baresip.quit();
    linphone.expect_friend("sip:100@127.0.0.1", "offline");
    linphone.quit();
    assert_eq!(kamailio.publications("200"), 0);
}

#[test]
fn linphone_proves_itself_by_sha_256() {
    let kamailio = Kamailio::start(Challenge::Sha256);
    let mut linphone = Linphone::phone(&Line::at_kamailio(&kamailio, "300"), &[]);
    linphone.expect_registered();
    kamailio.expect_user("300", SOON);
    linphone.quit();
}

#[test]
fn kamailio_forgets_when_it_is_told_to() {
    let mut kamailio = Kamailio::start(Challenge::Open);
    let mut linphone = Linphone::phone(&Line::at_kamailio(&kamailio, "300"), &[]);
    linphone.expect_registered();
    kamailio.expect_user("300", SOON);
    kamailio.restart(Memory::Kept);
    kamailio.expect_user("300", Duration::ZERO);
    assert_eq!(kamailio.count("REGISTER"), 0);
    kamailio.restart(Memory::Lost);
    assert!(!kamailio.has_binding("300"));
    assert_eq!(kamailio.publications("300"), 0);
}

fn watcher_of_100(kamailio: &Kamailio) -> Sipp {
    let password = Kamailio::password("200");
    Sipp::asking("watch_until_dnd", &kamailio.address(), "100", password)
}
