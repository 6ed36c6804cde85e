//! Names of the local network.

use super::*;
use crate::shell::mdns;

#[test]
fn local_names_are_instances_to_watch_and_users_at_this_machine() {
    let text = "discover = true\n[[presentity]]\nuri = \"local:desk\"\n\
         [[lamp]]\nname = \"blf1\"\nwatch = \"local:Kitchen-2\"\n";
    let configuration = read(text).expect("good");
    assert!(configuration.discover);
    let settings = &configuration.settings;
    let desk = format!("sip:desk@{}.local", mdns::host());
    assert_eq!(settings.presentities[0].uri.as_str(), desk);
    let watch = &settings.watches[0];
    assert_eq!(watch.target.as_str(), "sip:kitchen-2._sip._udp.local");
    assert_eq!(watch.from.as_str(), desk);
    assert!(!read("").expect("good").discover);
}

#[test]
fn a_local_name_is_one_plain_word() {
    for name in ["", "a b", "a.b", "ä", "a@b", &"a".repeat(64)] {
        let text = format!(
            "[[presentity]]\nuri = \"sip:a@b\"\n[[lamp]]\nname = \"blf1\"\nwatch = \"local:{name}\"\n"
        );
        let faults = read(&text).expect_err(name).to_string();
        assert!(faults.contains("local:name"), "{faults}");
    }
}
