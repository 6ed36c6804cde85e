//! What is run for buttons and lamps.

use super::*;
use crate::engine::config::Gesture;

const DESK: &str = "[[presentity]]\nuri = \"sip:a@b\"\n";

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
    assert!(Gesture::Long.name() == "long");
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
            "[\"/etc/hosts\"]",
            "warning: /etc/hosts is not executable",
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
