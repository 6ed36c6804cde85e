extern crate std;

use super::*;
use std::string::ToString;

const YES: Result<bool, Fault> = Ok(true);
const NO: Result<bool, Fault> = Ok(false);
const BAD: Result<bool, Fault> = Err(Fault::Syntax);

fn says(body: &[u8]) -> Result<bool, Fault> {
    read(body).map(|summary| summary.waiting)
}

#[test]
fn the_status_line_is_believed_in_every_spelling() {
    for (body, expected) in [
        ("Messages-Waiting: yes\r\n", YES),
        ("Messages-Waiting: no\r\n", NO),
        ("messages-waiting:YES", YES),
        ("MESSAGES-WAITING \t:  No  \n", NO),
        ("Messages-Waiting:\r\n yes\r\n", YES),
        ("Messages-Waiting\r\n : \r\n\tno\r\n", NO),
        ("Messages-Waiting:yes", YES),
        ("\r\n\r\nMessages-Waiting: yes\r\n", YES),
        ("\n \t\r\n\nmessages-waiting: YES\n", YES),
        (
            "Messages-Waiting: yes\r\nMessage-Account: sip:a@b\r\nVoice-Message: 2/8 (0/2)\r\n",
            YES,
        ),
        ("Voice-Message: 0/8\r\nMessages-Waiting: no\r\n", NO),
        (
            "Message-Account: sip:a@b\nFax-Message: 4294967296/0\nMessages-Waiting: yes\n",
            YES,
        ),
        (
            "Messages-Waiting: no\r\nVoice-Message: 4/8\r\n (1/2)\r\nX-Own: a: b\r\n",
            NO,
        ),
    ] {
        assert_eq!(says(body.as_bytes()), expected, "{body:?}");
    }
}

#[test]
fn the_headers_of_messages_say_nothing_of_the_mailbox() {
    for body in [
        "Messages-Waiting: no\r\n\r\nMessages-Waiting: yes\r\n",
        "Messages-Waiting: no\n \nMessages-Waiting: yes\n",
        "Messages-Waiting: no\r\n\r\nno colon\0\x7f\r\n",
    ] {
        assert_eq!(says(body.as_bytes()), NO, "{body:?}");
    }
    let behind = b"Voice-Message: 1/0\r\n\r\nMessages-Waiting: yes\r\n";
    assert_eq!(says(behind), BAD);
}

#[test]
fn what_does_not_say_yes_or_no_once_is_refused() {
    for body in [
        "",
        "\r\n",
        "\n\n \n",
        "yes",
        "Messages-Waiting",
        "Messages-Waiting:",
        "Messages-Waiting: maybe",
        "Messages-Waiting: yes no",
        "Messages-Waiting: ye\r\n s",
        "Messages-Waiting: yes\r\nMessages-Waiting: yes",
        "Messages-Waiting: yes\r\nMessages-Waiting: no",
        "Messages Waiting: yes",
        " Messages-Waiting: yes",
        "Messages-Waiting: yes\r\nno colon here",
        "Messages-Waiting: yes\r\n: no name",
        "Messages-Waiting: yes\0",
        "Messages-Waiting: yes\r\nVoice\0-Message: 1/0",
        "Message-Account: sip:a@b",
        "<?xml version='1.0'?><presence/>",
    ] {
        assert_eq!(says(body.as_bytes()), BAD, "{body:?}");
    }
    let long = [b'x'; MAX_BODY + 1];
    assert_eq!(says(&long), Err(Fault::TooLarge));
}

#[test]
fn a_summary_cut_short_is_never_read_as_another_one() {
    let whole =
        b"Message-Account: sip:a@b\r\nMessages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n";
    for end in 0..whole.len() {
        let cut = says(&whole[..end]);
        assert!(cut == YES || cut == BAD, "{end}: {cut:?}");
    }
}

fn counts_of(body: &str) -> Option<Messages> {
    read(body.as_bytes()).expect("a summary").messages
}

#[test]
fn messages_are_counted_in_every_spelling_that_has_numbers() {
    let counted = |new, old, urgent_new, urgent_old| {
        Some(Messages {
            new,
            old,
            urgent_new,
            urgent_old,
        })
    };
    for (lines, expected) in [
        ("Voice-Message: 2/8 (0/1)\r\n", counted(2, 8, 0, 1)),
        ("Voice-Message: 2/8\r\n", counted(2, 8, 0, 0)),
        ("voice-message:2/8(1/0)", counted(2, 8, 1, 0)),
        ("VOICE-MESSAGE : 2 / 8 ( 1 / 3 ) \n", counted(2, 8, 1, 3)),
        ("Voice-Message: 4/8\r\n (1/2)\r\n", counted(4, 8, 1, 2)),
        (
            "Voice-Message: 1/2\nFax-Message: 3/4 (1/1)\n",
            counted(4, 6, 1, 1),
        ),
        (
            "Fax-Message: 4294967295/1\nVoice-Message: 1/1\n",
            counted(u32::MAX, 2, 0, 0),
        ),
        ("Voice-Message: 0/0 (0/0)\r\n", counted(0, 0, 0, 0)),
        ("", None),
        ("Message-Account: sip:a@b\r\n", None),
    ] {
        let behind = std::format!("Messages-Waiting: yes\r\n{lines}");
        assert_eq!(counts_of(&behind), expected, "{behind:?}");
        if lines.ends_with('\n') {
            let before = std::format!("{lines}Messages-Waiting: yes");
            assert_eq!(counts_of(&before), expected, "{before:?}");
        }
    }
}

#[test]
fn counts_that_cannot_be_read_never_cost_the_yes_or_no() {
    for counts in [
        "",
        "2",
        "2/",
        "/8",
        "-1/8",
        "+1/8",
        "two/8",
        "2/8/1",
        "2/8 (1)",
        "2/8 (1/0",
        "2/8 x",
        "4294967296/0",
        "0x2/8",
        "2\\8",
        "2,5/8",
        "\u{661}/8",
    ] {
        let body = std::format!("Messages-Waiting: yes\r\nVoice-Message: {counts}\r\n");
        assert_eq!(says(body.as_bytes()), YES, "{counts:?}");
        assert_eq!(counts_of(&body), None, "{counts:?}");
        let more = std::format!("{body}Fax-Message: 1/0\r\n");
        assert_eq!(counts_of(&more).map(|it| it.new), Some(1), "{counts:?}");
    }
    let others = "Messages-Waiting: no\nVoice-Messages: 2/8\nX-Message: 1/1\n";
    assert_eq!(counts_of(others), None, "no class of messages");
}

#[test]
fn the_account_is_its_uri() {
    for (line, expected) in [
        ("Message-Account: sip:a@b\r\n", Some("sip:a@b")),
        ("message-account:<sip:a@b;x=y> \r\n", Some("sip:a@b;x=y")),
        ("Message-Account:\r\n sip:a@b\n", Some("sip:a@b")),
        (
            "Message-Account: sip:a@b\nMessage-Account: sip:c@d\n",
            Some("sip:a@b"),
        ),
        ("Message-Account:\n", Some("")),
        ("", None),
    ] {
        let body = std::format!("{line}Messages-Waiting: yes\r\n");
        let found = read(body.as_bytes()).expect("a summary").account;
        assert_eq!(found, expected.map(str::as_bytes), "{line:?}");
    }
}

#[test]
fn counts_are_told_in_words() {
    for (body, expected) in [
        ("2/8", "2 new, 8 old"),
        ("2/8 (0/0)", "2 new, 8 old"),
        ("2/8 (1/3)", "2 new (1 urgent), 8 old (3 urgent)"),
    ] {
        let body = std::format!("Messages-Waiting: yes\nVoice-Message: {body}");
        assert_eq!(counts_of(&body).unwrap().to_string(), expected);
    }
}
