//! Rules: what they mean, every mistake they can hold, and those that can never fit.

use super::*;
use crate::engine::config::{Days, Direction, Then};

const HEAD: &str = "[[presentity]]\nuri = \"sip:desk@127.0.0.1\"\n";

/// A configuration with rules, the first of which begins in line 3.
fn rules(text: &str) -> String {
    format!("{HEAD}{text}")
}

#[test]
fn a_rule_is_read_as_it_is_written() {
    let read = good(&rules(
        "[[rule]]\nwho = [\"user:ann\", \"*@pbx.example\"]\nwhom = \"sip:desk@127.0.0.1:5060\"\n\
         event = \"dialog\"\non = [\"mon\", \"Tuesday\"]\nfrom = \"18:00\"\nuntil = \"8:00\"\n\
         dates = \"2036-12-24 to 2037-01-06\"\nwhile = \"dnd\"\nview = [\"no notes\", \"no devices\"]\n\
         note = \"Later\"\nat_most_every = 60\n[[rule]]\nwho = \"everyone\"\nfrom = \"09:00\"\nthen = \"block\"\n",
    ));
    let rules = &read.settings.rules;
    let [first, second] = &rules.list[..] else {
        panic!("two rules")
    };
    assert_eq!(
        (first.line, first.direction, first.then),
        (3, Direction::In, Then::Allow)
    );
    assert_eq!(rules.names_of(first).len(), 2);
    assert_eq!(first.whom[..], [0]);
    assert_eq!(first.span.days, Days::NONE.with(0).with(1));
    assert_eq!(first.span.hours, Some((64_800, 28_800)));
    assert!(first.during.dnd && !first.during.away);
    assert_eq!((first.pace, first.view.note()), (Seconds(60), Some(0)));
    assert_eq!(second.span.hours, Some((32_400, 86_400)));
    let words = read.to_string();
    let line = "rule 1       user ann or anybody of pbx.example who watches sip:desk@127.0.0.1 (dialog), on \
                Monday, Tuesday, from 18:00 until 08:00 of the next day, between 2036-12-24 and 2037-01-06, \
                while do-not-disturb is on: may watch, without notes, without devices, with the note \"Later\", \
                at most once in 60 s";
    assert!(words.contains(line), "{words}");
}

#[test]
fn a_rule_dims_lamps_in_its_time() {
    let read = good(&rules(
        "[[rule]]\nwho = \"everyone\"\ndirection = \"hear\"\nfrom = \"22:00\"\nuntil = \"06:30\"\nbright = 10\n",
    ));
    let rule = &read.settings.rules.list[0];
    assert_eq!((rule.then, rule.bright), (Then::Allow, 10));
    let line = "lamps that show everyone, from 22:00 until 06:30 of the next day: show what they know, 10 percent \
                bright\n";
    assert!(read.to_string().contains(line), "{read}");
}

#[test]
fn every_mistake_in_a_rule_says_what_to_do() {
    let who = "[[rule]]\nwho = \"everyone\"\n";
    for (text, expected) in [
        (
            "[[rule]]\nthen = \"block\"".to_string(),
            "3:1: [[rule]] is about nobody | write who = \"everyone\"",
        ),
        (
            "[[rule]]\nwho = []\nthen = \"block\"".to_string(),
            "4:1: [[rule]] is about nobody | write who = \"everyone\"",
        ),
        (
            "[[rule]]\nwho = \"user:\"\nthen = \"block\"".to_string(),
            "4:7: who cannot be \"user:\" | write user:NAME, sip:name@host, *@host, a network as 192.168.7.0/24, \
             everyone, or nobody-known",
        ),
        (
            "[[rule]]\nwho = \"tom\"\nthen = \"block\"".to_string(),
            "4:7: who is no address: \"tom\" | write sip:name@host, at most 256 bytes",
        ),
        (
            "[[rule]]\nwho = \"*@a b\"\nthen = \"block\"".to_string(),
            "4:7: who cannot be \"*@a b\" | write user:NAME, sip:name@host, *@host, a network as 192.168.7.0/24, \
             everyone, or nobody-known",
        ),
        (
            "[[rule]]\nwho = \"user:a\"\ndirection = \"out\"\nthen = \"block\"".to_string(),
            "4:7: a rule with direction = \"out\" cannot be about \"user:a\" | it is about whom our lamps watch: \
             write sip:name@host, *@host, or everyone",
        ),
        (
            "[[rule]]\nwho = \"*@a\"\ndirection = \"publish\"\nthen = \"block\"".to_string(),
            "4:7: a rule with direction = \"publish\" cannot be about \"*@a\" | who does that shows who it is: \
             write user:NAME, or everyone",
        ),
        (
            format!("{who}whom = \"sip:door@127.0.0.1\"\nthen = \"block\""),
            "5:8: \"sip:door@127.0.0.1\" does not live here | use one of: sip:desk@127.0.0.1",
        ),
        (
            format!("{who}event = \"calls\"\nthen = \"block\""),
            "5:9: event cannot be \"calls\" | use one of: presence, dialog, presence.winfo, as-feature-event, message-summary",
        ),
        (
            format!("{who}direction = \"publish\"\nevent = \"presence\"\nthen = \"block\""),
            "6:1: event means nothing with direction = \"publish\" | leave it out",
        ),
        (
            format!("{who}on = \"feastday\"\nthen = \"block\""),
            "5:6: \"feastday\" is no day | write mon, tue, wed, thu, fri, sat, sun, weekdays or weekend",
        ),
        (
            format!("{who}from = \"6 pm\"\nthen = \"block\""),
            "5:8: from is no time of day: \"6 pm\" | write hours and minutes: from = \"18:00\"",
        ),
        (
            format!("{who}from = \"18:00\"\nuntil = \"18:00\"\nthen = \"block\""),
            "6:9: from and until are the same: the rule would never hold, or always | change one, or leave both out",
        ),
        (
            format!("{who}dates = \"24.12.\"\nthen = \"block\""),
            "5:9: \"24.12.\" is no date | write dates = \"2026-12-24\", or \"2026-12-24 to 2027-01-06\"",
        ),
        (
            format!("{who}dates = \"2037-01-06 to 2036-12-24\"\nthen = \"block\""),
            "5:9: dates end before they begin: \"2037-01-06 to 2036-12-24\" | write the earlier one first",
        ),
        (
            format!("{who}while = \"busy\"\nthen = \"block\""),
            "5:9: while cannot be \"busy\" | use one of: dnd, away",
        ),
        (
            who.to_string(),
            "3:1: [[rule]] does not say what then | add then = \"allow\", \"block\", \"polite-block\" or \"confirm\"",
        ),
        (
            format!("{who}then = \"deny\""),
            "5:8: then cannot be \"deny\" | use one of: allow, block, polite-block, confirm",
        ),
        (
            format!("{who}direction = \"tell\"\nthen = \"confirm\""),
            "6:8: confirm means nothing with direction = \"tell\" | use one of: allow, block, polite-block",
        ),
        (
            format!("{who}then = \"block\"\nview = \"basic\""),
            "6:1: view means nothing with then = \"block\" | leave one of the two out",
        ),
        (
            format!("{who}direction = \"hear\"\nat_most_every = 5"),
            "6:1: at_most_every means nothing with direction = \"hear\" | leave one of the two out",
        ),
        (
            format!("{who}direction = \"hear\"\nbright = 0"),
            "6:10: bright is 0, which is out of range | write bright = N with N from 1 to 100",
        ),
        (
            format!("{who}direction = \"hear\"\nthen = \"block\"\nbright = 5"),
            "7:1: bright means nothing with then = \"block\" | it dims lamps: use it with direction = \"hear\", and \
             without then",
        ),
        (
            format!("{who}direction = \"tell\"\nbright = 5"),
            "6:1: bright means nothing with direction = \"tell\" | it dims lamps: use it with direction = \"hear\", and \
             without then",
        ),
        (
            format!("{who}view = \"nothing\""),
            "5:8: view cannot be \"nothing\" | use one of: full, no notes, no activities, no devices, basic, parties",
        ),
        (
            format!("{who}note = \"\""),
            "5:8: note is no line of text | write what they shall read, or view = \"no notes\"",
        ),
        (
            format!("{who}at_most_every = 0"),
            "5:17: at_most_every is 0, which is out of range | write at_most_every = N with N from 1 to 86400",
        ),
    ] {
        refused(&rules(&text), &[expected]);
    }
}

#[test]
fn more_than_there_is_room_for_is_refused() {
    let one = "[[rule]]\nwho = \"everyone\"\nthen = \"block\"\n";
    refused(
        &rules(&one.repeat(33)),
        &["99:1: more than 32 rules | join some: who, whom and event take lists"],
    );
    let names: Vec<String> = (0..65).map(|it| format!("\"user:{it}\"")).collect();
    let text = format!("[[rule]]\nwho = [{}]\nthen = \"block\"\n", names.join(","));
    let faults = read(&rules(&text)).expect_err("too many").faults;
    assert_eq!(faults[0].what, "more than 64 names in all rules together");
    let notes: String = (0..9)
        .map(|it| format!("[[rule]]\nwho = \"user:{it}\"\nnote = \"{it}\"\n"))
        .collect();
    refused(
        &rules(&notes),
        &["29:8: more than 8 different notes | use one of the others again"],
    );
}

#[test]
fn a_rule_that_can_never_fit_is_told() {
    let warned = |text: &str| {
        let warnings = good(&rules(text)).warnings;
        let all = warnings.map_or(Vec::new(), |it| it.faults);
        let all = all.iter().map(|it| format!("{}: {}", it.line, it.what));
        all.collect::<Vec<String>>()
    };
    let rule = |who: &str, more: &str| format!("[[rule]]\nwho = {who}\n{more}\n");
    let block = "then = \"block\"";
    let behind = "6: warning: rule 2 never fits: rule 1, in line 3, always fits before it";
    for (first, second, expected) in [
        (rule("\"everyone\"", block), rule("\"user:a\"", block), true),
        (
            rule("[\"user:a\", \"user:b\"]", block),
            rule("\"user:b\"", block),
            true,
        ),
        (
            rule("\"user:a\"", block),
            rule("\"everyone\"", block),
            false,
        ),
        (
            rule("\"everyone\"", block),
            rule("\"everyone\"", "direction = \"tell\"\nview = \"basic\""),
            false,
        ),
        // A stranger of that name is not allowed anything, but is refused.
        (
            rule("\"sip:t@h\"", "then = \"allow\""),
            rule("\"sip:t@h\"", block),
            false,
        ),
        (
            rule("\"sip:t@h\"", block),
            rule("\"sip:t@h\"", "then = \"allow\""),
            true,
        ),
    ] {
        let found = warned(&format!("{first}{second}"));
        let expected: &[&str] = if expected { &[behind] } else { &[] };
        assert_eq!(found, expected, "{first}{second}");
    }
    let late = "from = \"18:00\"\nuntil = \"23:00\"\nthen = \"block\"";
    let later = "from = \"19:00\"\nuntil = \"20:00\"\nthen = \"allow\"";
    let found = warned(&format!(
        "{}{}",
        rule("\"everyone\"", late),
        rule("\"everyone\"", later)
    ));
    assert_eq!(found.len(), 1, "{found:?}");
    let found = warned(&format!(
        "{}{}",
        rule("\"everyone\"", later),
        rule("\"everyone\"", late)
    ));
    assert_eq!(found.len(), 0, "{found:?}");
    let past = warned(&rule(
        "\"everyone\"",
        "dates = \"2020-01-01\"\nthen = \"block\"",
    ));
    assert_eq!(
        past,
        ["3: warning: rule 1 never fits any more: 2020-01-01 is over"]
    );
}
