//! What a server above us is told, and how.

use super::*;
use crate::engine::config::Features;
use crate::roles::upstream::Dialect;

/// An upstream with these lines, for a desk.
fn upstream(lines: &str) -> String {
    format!("[[presentity]]\nuri = \"sip:desk@b\"\n[[upstream]]\naor = \"sip:100@pbx\"\n{lines}\n")
}

#[test]
fn publish_is_a_word_or_yes_or_no() {
    for (written, publish, dialect) in [
        ("", Some(0), None),
        ("publish = true", Some(0), None),
        ("publish = \"auto\"", Some(0), None),
        ("publish = \"presence\"", Some(0), Some(Dialect::Presence)),
        ("publish = \"asterisk\"", Some(0), Some(Dialect::Asterisk)),
        (
            "publish = \"freeswitch\"",
            Some(0),
            Some(Dialect::FreeSwitch),
        ),
        ("publish = false", None, None),
        ("publish = \"feature\"", None, None),
    ] {
        let read = good(&upstream(written));
        let upstream = &read.settings.upstreams[0];
        assert_eq!(
            (upstream.publish, upstream.dialect),
            (publish, dialect),
            "{written}"
        );
        assert_eq!(upstream.features.is_some(), written.contains("feature"));
        assert_eq!(read.settings.validate(), Ok(()));
    }
    refused(
        &upstream("publish = \"asterix\""),
        &["5:11: publish cannot be \"asterix\" | did you mean `asterisk`?"],
    );
    refused(
        &upstream("publish = 1"),
        &[
            "5:11: publish must be true, false or a word, not a whole number | write publish = true, publish = false or \
           publish = \"auto\" or \"presence\" or \"asterisk\" or \"freeswitch\" or \"feature\"",
        ],
    );
}

#[test]
fn devices_have_names_by_the_user_unless_they_are_told() {
    let names = |lines: &str| {
        let devices = good(&upstream(lines)).settings.upstreams[0].devices.clone();
        [devices.publication, devices.dnd, devices.hook].map(|it| it.as_str().to_string())
    };
    assert_eq!(names(""), ["100", "Custom:DND100", "Custom:HOOK100"]);
    let lines = "publication = \"desk\"\ndnd_device = \"Custom:busy\"\nhook_device = \"\"";
    assert_eq!(names(lines), ["desk", "Custom:busy", ""]);
}

#[test]
fn devices_that_can_have_no_such_name_are_refused() {
    refused(
        &upstream("dnd_device = \"a b\""),
        &["5:14: \"a b\" is no dnd_device | write 1 to 64 characters without blanks and quotes"],
    );
    refused(
        &upstream("publication = \"a@b\""),
        &["5:15: \"a@b\" is no publication | write 1 to 64 characters without blanks and quotes"],
    );
    refused(
        &upstream("publish = \"presence\"\ndnd_device = \"x\""),
        &["6:14: dnd_device means nothing without an Asterisk | leave it out"],
    );
    refused(
        &upstream("publish = \"asterisk\"\ndnd_device = \"\"\nhook_device = \"\""),
        &[
            "3:1: an Asterisk would be told of no device | add publication = \"100\" and dnd_device = \"Custom:DND100\"",
        ],
    );
}

#[test]
fn a_server_with_features_is_watched_as_who_we_are_there() {
    let lines =
        "publish = \"feature\"\nexpires = 600\n[[lamp]]\nname = \"blf1\"\nshows = \"forward\"";
    let settings = good(&upstream(lines)).settings;
    let (presentity, watch) = (0, 0);
    assert_eq!(
        settings.upstreams[0].features,
        Some(Features { presentity, watch })
    );
    let watch = &settings.watches[0];
    assert_eq!(
        (watch.target.as_str(), watch.from.as_str()),
        ("sip:100@pbx", "sip:100@pbx")
    );
    assert_eq!(
        (watch.package, watch.upstream),
        (Package::Features, Some(0))
    );
    assert_eq!(watch.expires, Seconds(600));
    assert_eq!(settings.lamps[0].shows, Shows::Watch(0));
    let text = good(&upstream("publish = \"feature\"")).to_string();
    assert!(
        text.contains("keeps the do-not-disturb of sip:desk@b as the server does"),
        "{text}"
    );
    refused(
        "[[presentity]]\nuri = \"sip:a@b\"\n[[lamp]]\nname = \"blf1\"\nshows = \"forward\"",
        &["5:9: no server says where calls go | add publish = \"feature\" to its [[upstream]]"],
    );
}
