//! What is run for buttons and lamps.

use super::*;
use crate::shell::commands::dial::{Pickup, Softphone};

const DESK: &str = "[[presentity]]\nuri = \"sip:a@127.0.0.1\"\n";

fn with(text: &str) -> Configuration {
    good(&format!("{DESK}{text}"))
}

#[test]
fn a_button_runs_a_command_beside_what_it_does_or_alone() {
    let read = with(
        "[[button]]\nname = \"dnd\"\ndoes = \"dnd\"\nlong = \"run\"\nrun = [\"/bin/sh\", \"-c\", \"true\"]\n\
         [[button]]\nname = \"hook\"\nrun = \"sh\"\n\
         [[lamp]]\nname = \"blf1\"\nwatch = \"sip:x@y\"\nrun = [\"sh\"]\n",
    );
    let [hook, dnd] = &read.settings.buttons[..2] else {
        panic!("the board has two")
    };
    assert!(dnd.told && hook.told);
    assert_eq!((dnd.press, dnd.long), (Action::Dnd, Action::Tell));
    assert_eq!(hook.press, Action::Tell);
    assert_eq!(
        in_words(dnd),
        "press: do-not-disturb on or off; held: a command or a call"
    );
    let run = read.commands.of_button(1).expect("a command").to_string();
    assert_eq!(run, "/bin/sh -c true");
    assert!(read.commands.of_lamp(0).is_some() && read.commands.of_lamp(1).is_none());
    assert_eq!(read.commands.all().count(), 3);
    let words = read.to_string();
    assert!(
        words.contains("\n             runs /bin/sh -c true each time\n"),
        "{words}"
    );
    assert!(
        words.contains("\n             runs sh when it changes\n"),
        "{words}"
    );
}

#[test]
fn without_run_nothing_is_told_and_nothing_run() {
    let read = with("[[button]]\nname = \"dnd\"\ndoes = \"dnd\"\n");
    assert!(!read.settings.buttons.iter().any(|it| it.told));
    assert_eq!(read.commands, Commands::default());
}

#[test]
fn a_command_that_cannot_be_run_is_doubted() {
    for (run, what, remedy) in [
        (
            "[\"/no/such\"]",
            "warning: there is no program /no/such: ",
            "write its path, ",
        ),
        (
            "[\"/etc/passwd\"]",
            "warning: /etc/passwd is not executable",
            "chmod +x it, ",
        ),
        (
            "\"sh -c true\"",
            "warning: there is no program ",
            "no shell reads it: write run = [\"program\", ",
        ),
    ] {
        let read = with(&format!("[[button]]\nname = \"dnd\"\nrun = {run}\n"));
        let warnings = read.warnings.expect("doubts").faults;
        let [doubt] = &warnings[..] else {
            panic!("one doubt: {warnings:?}")
        };
        assert!(doubt.what.starts_with(what), "{}", doubt.what);
        assert!(doubt.remedy.starts_with(remedy), "{}", doubt.remedy);
    }
}

#[test]
fn what_can_never_run_is_a_mistake() {
    for (says, what) in [
        (
            "[[button]]\nname = \"dnd\"\nrun = []",
            "run names no program",
        ),
        (
            "[[button]]\nname = \"dnd\"\nrun = [\"\"]",
            "run names no program",
        ),
        (
            "[[button]]\nname = \"dnd\"\ndoes = \"run\"",
            "the button has nothing to run",
        ),
        (
            "[[lamp]]\nname = \"blf1\"\nrun = [\"sh\"]",
            "run without watch means nothing",
        ),
    ] {
        let faults = read(&format!("{DESK}{says}")).expect_err(what).faults;
        let said: Vec<&str> = faults.iter().map(|it| it.what.as_str()).collect();
        assert_eq!(said, [what]);
    }
}

const SOFTPHONE: &str = "[[softphone]]\nbaresip = \"127.0.0.1:4444\"\n\
                         [[lamp]]\nname = \"blf1\"\nwatch = \"sip:bob@127.0.0.1:5070\"\n";

#[test]
fn a_button_dials_whom_a_lamp_watches_or_an_address() {
    for (dial, uri) in [
        ("blf1", "sip:bob@127.0.0.1:5070"),
        ("sip:ann@127.0.0.1", "sip:ann@127.0.0.1"),
    ] {
        for (pickup, expected) in [
            ("", None),
            ("pickup = \"accept\"\n", Some(Pickup::Accept)),
            (
                "pickup = \"sip:*8@127.0.0.1\"\n",
                Some(Pickup::Dial("sip:*8@127.0.0.1".to_string())),
            ),
        ] {
            let button = format!("[[button]]\nname = \"dnd\"\ndial = \"{dial}\"\n{pickup}");
            let read = with(&format!("{SOFTPHONE}{button}"));
            let dial = read.commands.dialled_by(1).expect("it dials");
            assert_eq!((dial.uri.as_str(), &dial.pickup), (uri, &expected));
            let button = &read.settings.buttons[1];
            assert_eq!((button.told, button.press), (true, Action::Tell));
            assert!(
                read.to_string()
                    .contains(&format!("             has {uri} called"))
            );
        }
    }
    let read = with(SOFTPHONE);
    let at = "127.0.0.1:4444".parse().expect("an address");
    assert_eq!(read.commands.softphone, Some(Softphone::Baresip(at)));
}

#[test]
fn a_softphone_that_cannot_be_told_is_a_mistake() {
    let dial = "[[button]]\nname = \"dnd\"\ndial = \"sip:a@127.0.0.1\"\n";
    for (says, what) in [
        (dial, "there is no softphone to make the call"),
        ("[[softphone]]", "nothing tells the softphone whom to call"),
        (
            "[[softphone]]\nbaresip = \"here\"",
            "baresip cannot be at \"here\"",
        ),
        (
            "[[softphone]]\nbaresip = \"127.0.0.1:1\"\ndial = [\"sh\", \"{uri}\"]",
            "a softphone is told by baresip or by dial, not by both",
        ),
        (
            "[[softphone]]\ndial = [\"sh\", \"uri\"]",
            "dial does not say whom to call",
        ),
        (
            "[[softphone]]\ndial = [\"sh\", \"{uri}\"]\n[[softphone]]\ndial = [\"sh\", \"{uri}\"]",
            "there is a softphone already",
        ),
        (
            "[[button]]\nname = \"dnd\"\ndoes = \"dnd\"\npickup = \"accept\"",
            "pickup without dial means nothing",
        ),
    ] {
        let faults = read(&format!("{DESK}{says}")).expect_err(what).faults;
        let said: Vec<&str> = faults.iter().map(|it| it.what.as_str()).collect();
        assert_eq!(said, [what]);
    }
}
