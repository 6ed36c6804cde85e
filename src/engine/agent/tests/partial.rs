//! Partial presence (RFC 5263).

use super::*;

fn asking(text: &str, accept: &str) -> String {
    text.replace(
        "Content-Length",
        &format!("Accept: {accept}\r\nContent-Length"),
    )
}

const BOTH: &str = "application/pidf+xml, application/pidf-diff+xml";

/// What the root says, and its version.
fn root(notify: &Sent) -> (String, u32) {
    assert_eq!(
        notify.header("Content-Type"),
        Some("application/pidf-diff+xml")
    );
    let (_, rest) = notify.body().split_once("<p:").expect("a root");
    let (_, version) = rest.split_once(" version=\"").expect("a version");
    let version = version.split('"').next().expect("its end");
    let name = rest.split(' ').next().expect("a name");
    (name.to_string(), version.parse().expect("a number"))
}

/// ```text
///   phone                   agent
///     │── SUBSCRIBE ─────────►│
///     │◄── 200, pidf-full 1 ──│
///     │◄── pidf-diff 2 ───────│  the note alone is another one
///     │── SUBSCRIBE ─────────►│
///     │◄── 200, pidf-full 3 ──│
/// ```
#[test]
fn changes_are_told_in_part_and_each_subscribe_in_full() {
    let mut f = Fixture::new();
    f.input(Input::Note(Text::copied(&"n".repeat(120)).unwrap()));
    f.input(Input::Activity(pidf::Activities::MEETING));
    let mut phone = Phone::new("bob", "presence");
    let sent = f.send(&phone, &asking(&phone.subscribe(600), BOTH));
    phone.learn(&sent[0]);
    assert_eq!(root(&sent[1]), ("pidf-full".to_string(), 1));
    let etag = sent[1].header("SIP-ETag").expect("a tag").to_string();
    f.confirm(&phone, &sent[1]);
    let sent = f.input(Input::Note(Text::copied("Back at three").unwrap()));
    let short = root(&sent[0]);
    assert_eq!(short, ("pidf-diff".to_string(), 2));
    assert!(
        sent[0]
            .body()
            .contains("<p:replace sel=\"*/note[1]\"><note>Back at three</note>")
    );
    assert_ne!(sent[0].header("SIP-ETag"), Some(&etag[..]));
    f.confirm(&phone, &sent[0]);
    let refresh = asking(&phone.refresh(600), BOTH);
    let sent = f.send(&phone, &refresh);
    assert_eq!(root(&sent[1]), ("pidf-full".to_string(), 3));
    f.confirm(&phone, &sent[1]);
    // It is not taken: what comes next does not build on it.
    let sent = f.input(Input::Note(Text::copied("Back at four").unwrap()));
    assert_eq!(root(&sent[0]).1, 4);
    f.send(&phone, &sent[0].answer("400 Bad Request"));
    let sent = f.input(Input::Note(Text::copied("Back at five").unwrap()));
    assert_eq!(root(&sent[0]), ("pidf-full".to_string(), 5));
}

#[test]
fn only_who_names_the_format_and_likes_no_other_better_gets_it() {
    let mut f = Fixture::new();
    for (name, accept, kind) in [
        ("a", BOTH, "application/pidf-diff+xml"),
        ("b", "*/*", "application/pidf+xml"),
        ("c", "application/*", "application/pidf+xml"),
        (
            "d",
            "application/pidf-diff+xml",
            "application/pidf-diff+xml",
        ),
        (
            "e",
            "application/pidf+xml, application/pidf-diff+xml;q=0.5",
            "application/pidf+xml",
        ),
        (
            "f",
            "application/pidf+xml, application/pidf-diff+xml;q=0",
            "application/pidf+xml",
        ),
        (
            "g",
            "application/pidf-diff+xml, application/pidf+xml;q=0.3",
            "application/pidf-diff+xml",
        ),
    ] {
        let phone = Phone::new(name, "presence");
        let sent = f.send(&phone, &asking(&phone.subscribe(600), accept));
        assert_eq!(sent[1].header("Content-Type"), Some(kind), "{accept}");
    }
    let phone = Phone::new("h", "dialog");
    let sent = f.send(
        &phone,
        &asking(&phone.subscribe(600), "application/pidf-diff+xml"),
    );
    assert_eq!(sent[0].status(), 406);
}
