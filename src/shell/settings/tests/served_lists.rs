//! Lists of presentities.

use super::*;
use crate::ground::limits::SERVED_LISTS;

const TWO: &str = "[[presentity]]\nuri = \"sip:a@b\"\n[[presentity]]\nuri = \"sip:c@b\"\n";

#[test]
fn a_list_has_all_presentities_or_those_that_it_names() {
    let read = good(&format!("{TWO}[[served_list]]\nuri = \"sip:all@b\""));
    let [list] = &read.settings.served_lists[..] else {
        panic!("one list");
    };
    assert_eq!(list.uri.as_str(), "sip:all@b");
    assert!(read.settings.members_of(list).eq([0, 1]));
    let said = read.to_string();
    assert!(
        said.contains("serves       sip:all@b, a list of sip:a@b, sip:c@b\n"),
        "{said}"
    );
    let read = good(&format!(
        "{TWO}[[served_list]]\nuri = \"sip:all@b\"\nmembers = [\"sip:c@b\", \"sip:c@b\"]"
    ));
    let list = &read.settings.served_lists[0];
    assert!(read.settings.members_of(list).eq([1]));
}

#[test]
fn a_list_is_somebody_of_its_own_with_members_that_are_there() {
    for (lines, expected) in [
        (
            "",
            "5:1: [[served_list]] has no uri | add uri = \"sip:all@192.168.1.20\"",
        ),
        (
            "uri = \"sip:a@b\"",
            "6:7: sip:a@b is there already | give the list a uri of its own",
        ),
        (
            "uri = \"sip:all@b\"\nmembers = []",
            "7:1: members is empty | leave the line out for all presentities",
        ),
        (
            "uri = \"sip:all@b\"\nmembers = \"sip:d@b\"",
            "7:11: \"sip:d@b\" is no presentity served here | write the uri of a [[presentity]], as it \
             stands there",
        ),
    ] {
        refused(&format!("{TWO}[[served_list]]\n{lines}"), &[expected]);
    }
}

#[test]
fn more_lists_than_there_is_room_for_are_refused() {
    let list = |number: usize| format!("[[served_list]]\nuri = \"sip:l{number}@b\"\n");
    let lists: String = (0..=SERVED_LISTS).map(list).collect();
    let line = 5 + 2 * SERVED_LISTS;
    let expected = format!("{line}:1: more than {SERVED_LISTS} lists | leave some out");
    refused(&format!("{TWO}{lists}"), &[&expected]);
    let full: String = (0..PRESENTITIES)
        .map(|it| format!("[[presentity]]\nuri = \"sip:p{it}@b\"\n"))
        .collect();
    let line = 1 + 2 * PRESENTITIES;
    let expected = format!(
        "{line}:1: more than {PRESENTITIES} presentities and lists | leave some out, or build with a \
         larger LAMPFIELD_PRESENTITIES"
    );
    refused(&format!("{full}{}", list(0)), &[&expected]);
}
