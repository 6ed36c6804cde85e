//! Group G: documents. They come in NOTIFYs to a desk that watches.

use crate::desk::*;
use lampfield::{Package, Watched};

const PIDF: &str = "urn:ietf:params:xml:ns:pidf";

/// A NOTIFY with this body is answered so; the subscription stands, and the next document is read as ever.
#[track_caller]
fn expect(package: Package, body: &str, statuses: &[u16]) -> u16 {
    let (mut desk, mut server) = Server::watched(package);
    let status = server.tell(&mut desk, "active;expires=300", body);
    let shown: String = body.chars().take(200).collect();
    assert!(statuses.contains(&status), "{status} to {shown:?}");
    if status != 200 {
        assert_eq!(
            desk.lamp(),
            Watched::Unknown,
            "what can't be read tells nothing: {shown:?}"
        );
    }
    let good = match package {
        Package::Presence => presence("closed"),
        Package::Dialog => dialogs(50, "full", &call("a", "confirmed")),
        Package::PresenceWinfo => winfo(50, "full", &watcher("a", "pending")),
        Package::MessageSummary => summary("yes"),
        Package::Features => forwarding(true),
    };
    assert_eq!(server.tell(&mut desk, "active;expires=300", &good), 200);
    let expected = match package {
        Package::Presence => Watched::Closed,
        Package::Dialog => Watched::Busy,
        Package::PresenceWinfo | Package::MessageSummary => Watched::Waiting,
        Package::Features => Watched::Away,
    };
    assert_eq!(desk.lamp(), expected, "after {shown:?}");
    desk.serves_others();
    status
}

#[test]
fn a_document_type_is_refused_where_it_begins() /* ATTACKS G01 */
{
    let laughs: String = (1..10)
        .map(|level| {
            format!(
                "<!ENTITY l{level} \"{}\">",
                format!("&l{};", level - 1).repeat(10)
            )
        })
        .collect();
    for subset in [
        format!("[<!ENTITY l0 \"lol\">{laughs}]"),
        "[<!ENTITY a \"&b;\"><!ENTITY b \"&a;\">]".to_string(),
        "[<!ENTITY x SYSTEM \"file:///etc/passwd\">]".to_string(),
        "SYSTEM \"http://192.0.2.66/x.dtd\"".to_string(),
        "[<!ENTITY % p SYSTEM \"http://192.0.2.66/x\">%p;]".to_string(),
        "[".to_string(),
        String::new(),
    ] {
        for root in ["presence", "dialog-info"] {
            let (package, document) = match root {
                "presence" => (Package::Presence, presence("closed")),
                _ => (
                    Package::Dialog,
                    dialogs(1, "full", &call("&x;", "confirmed")),
                ),
            };
            let body = document.replacen("?>", &format!("?><!DOCTYPE {root} {subset}>"), 1);
            expect(package, &body, &[400]);
        }
    }
    // Without a declaration an entity is nothing but its own text, which is no state.
    let (mut desk, mut server) = Server::watched(Package::Presence);
    for text in ["&l9;", "&closed;", "&#99;&l0;losed"] {
        server.tell(&mut desk, "active;expires=300", &presence(text));
        assert_ne!(desk.lamp(), Watched::Closed, "{text}");
    }
}

#[test]
fn depth_and_breadth_have_bounds() /* ATTACKS G02 */
{
    let root = format!("<presence xmlns=\"{PIDF}\" entity=\"{BOSS}\">");
    for body in [
        format!("{root}{}", "<a>".repeat(20_000)),
        format!(
            "{root}{}{}</presence>",
            "<a>".repeat(9_000),
            "</a>".repeat(9_000)
        ),
        format!("{root}{}</presence>", "<a/>".repeat(15_000)),
        format!(
            "{root}{}</presence>",
            "<tuple id=\"t\"></tuple>".repeat(2_500)
        ),
        "<".repeat(60_000),
        "</a>".repeat(15_000),
        "<a ".repeat(20_000),
    ] {
        assert!(body.len() < 64_000);
        expect(Package::Presence, &body, &[400, 413]);
    }
    let body = presence("closed").replacen(
        "<tuple ",
        &format!("<tuple x=\"{}\" ", "y".repeat(60_000)),
        1,
    );
    expect(Package::Presence, &body, &[200, 400, 413]);
    let many: String = (0..900)
        .map(|id| call(&id.to_string(), "confirmed"))
        .collect();
    expect(Package::Dialog, &dialogs(7, "full", &many), &[400, 413]);
}

#[test]
fn attributes_and_namespaces_have_bounds() /* ATTACKS G03 */
{
    let with = |more: String| presence("closed").replacen("<tuple ", &format!("<tuple {more} "), 1);
    let numbered =
        |name: &str| -> String { (0..3_000).map(|n| format!("{name}{n}=\"\" ")).collect() };
    for body in [
        with(numbered("a")),
        with(numbered("xmlns:a")),
        with("a=\"1\" ".repeat(10_000)),
        with("a=\"1\" a=\"2\"".to_string()),
        with("xmlns:a=\"u\" xmlns:b=\"u\" a:c=\"\" b:c=\"\"".to_string()),
    ] {
        expect(Package::Presence, &body, &[400, 413]);
    }
}

#[test]
fn every_prefix_of_a_document_is_refused() /* ATTACKS G04 */
{
    for (package, document, quiet) in [
        (Package::Presence, presence("closed"), Watched::Closed),
        (
            Package::Dialog,
            dialogs(9, "full", &call("a", "confirmed")),
            Watched::Busy,
        ),
    ] {
        let (mut desk, mut server) = Server::watched(package);
        for len in 1..document.len() {
            let status = server.tell(&mut desk, "active;expires=300", &document[..len]);
            assert_eq!(status, 400, "{len}");
            assert_ne!(desk.lamp(), quiet, "{len}");
        }
        assert_eq!(server.tell(&mut desk, "active;expires=300", &document), 200);
        assert_eq!(desk.lamp(), quiet);
        for blank in [
            "<?xml version=\"1.0\"?>",
            " ",
            "\r\n\r\n",
            "\u{ef}\u{bb}\u{bf}",
        ] {
            expect(package, blank, &[400]);
        }
        expect_nothing_new(package);
    }
}

/// An empty body is no document: nothing changes (S20).
fn expect_nothing_new(package: Package) {
    let (mut desk, mut server) = Server::watched(package);
    assert_eq!(server.tell(&mut desk, "active;expires=300", ""), 200);
    assert_eq!(desk.lamp(), Watched::Idle);
}

#[test]
fn a_body_is_read_as_what_it_says_it_is() /* ATTACKS G05 */
{
    for (line, status) in [
        ("", 200),
        ("Content-Type: application/PIDF+xml;charset=utf-8\r\n", 200),
        ("Content-Type: ;\r\n", 400),
        ("Content-Type: \r\n", 400),
        ("Content-Type: /\r\n", 400),
        ("Content-Type: application/\r\n", 400),
        ("Content-Type: text/plain\r\n", 415),
        ("Content-Type: application/sdp\r\n", 415),
        ("Content-Type: application/dialog-info+xml\r\n", 415),
        (
            "Content-Type: application/pidf+xml\r\nContent-Encoding: gzip\r\n",
            415,
        ),
    ] {
        let (mut desk, mut server) = Server::watched(Package::Presence);
        let more = format!("Subscription-State: active;expires=300\r\n{line}");
        let text = server.notify_with(&more, &presence("closed"));
        assert_eq!(desk.ask(BOSS_AT, &text).status(), status, "{line}");
        let expected = if status == 200 {
            Watched::Closed
        } else {
            Watched::Unknown
        };
        assert_eq!(desk.lamp(), expected, "{line}");
        let good = server.tell(&mut desk, "active;expires=300", &presence("open"));
        assert_eq!((good, desk.lamp()), (200, Watched::Idle), "{line}");
    }
}

#[test]
fn other_encodings_and_forbidden_characters_are_refused() /* ATTACKS G09 */
{
    let plain = presence("closed");
    let declared = |name: &str| {
        let declaration = format!("version=\"1.0\" encoding=\"{name}\"");
        plain.replacen("version=\"1.0\"", &declaration, 1)
    };
    let wide: String = plain.chars().flat_map(|char| ['\0', char]).collect();
    let note =
        |text: &str| plain.replacen("<contact>", &format!("<note>{text}</note><contact>"), 1);
    // Without the declaration such bytes are taken for ISO-8859-1, which servers send without saying so.
    let utf8 = |text: &str| note(text).replacen("\"1.0\"", "\"1.0\" encoding=\"UTF-8\"", 1);
    for body in [
        declared("UTF-16"),
        declared("UTF-7"),
        declared("EBCDIC-US"),
        format!("\u{fe}\u{ff}{wide}"),
        wide,
        utf8("\u{c0}\u{80}"),
        utf8("\u{ed}\u{a0}\u{80}"),
        utf8("\u{f8}\u{88}\u{80}\u{80}\u{80}"),
        utf8("\u{e2}\u{82}"),
        note("\0"),
        note("\u{8}"),
        note("&#0;"),
        note("&#xFFFF;"),
        note("&#xD800;"),
        note("&#x110000;"),
        note("&#4294967296;"),
    ] {
        expect(Package::Presence, &body, &[400]);
    }
}

#[test]
fn lawful_xml_of_every_kind_is_read_or_passed_over() /* ATTACKS G09 */
{
    let plain = presence("closed");
    for body in [
        plain.replacen("<tuple ", "<!-- <basic>open</basic> --><tuple ", 1),
        plain.replacen("<tuple ", "<?php die ?><tuple ", 1),
        plain.replace("closed", "<![CDATA[closed]]>"),
        plain.replace("closed", "&#99;losed"),
        plain.replace("closed", " closed\r\n"),
        plain.replacen("<contact>", "<note><![CDATA[<&]]></note><contact>", 1),
        plain.replacen("version=\"1.0\"", "version=\"1.0\" encoding=\"utf-8\"", 1),
    ] {
        let (mut desk, mut server) = Server::watched(Package::Presence);
        assert_eq!(
            server.tell(&mut desk, "active;expires=300", &body),
            200,
            "{body}"
        );
        assert_eq!(desk.lamp(), Watched::Closed, "{body}");
    }
}

#[test]
fn a_mailbox_is_believed_only_where_it_says_yes_or_no_once() /* ATTACKS G */
{
    for body in [
        "Messages-Waiting: maybe\r\n".to_string(),
        "Voice-Message: 9/0\r\n".to_string(),
        format!("{}Messages-Waiting: yes\r\n", summary("no")),
        summary("no").replace(':', ""),
        summary("no\0"),
        "\r\n".repeat(1_000),
        "x".repeat(60_000),
        presence("open"),
    ] {
        expect(Package::MessageSummary, &body, &[400]);
    }
    let late = "\r\n".repeat(1_000) + &summary("yes");
    expect(Package::MessageSummary, &late, &[200]);
    let (mut desk, mut server) = Server::watched(Package::MessageSummary);
    let smuggled = summary("no") + "\r\nSubject: x\r\nMessages-Waiting: yes\r\n";
    let status = server.tell(&mut desk, "active;expires=300", &smuggled);
    assert_eq!((status, desk.lamp()), (200, Watched::Idle));
}

#[test]
fn lists_of_watchers_that_are_none_are_refused() /* ATTACKS G04 G11 */
{
    let good = winfo(1, "partial", &watcher("a", "pending"));
    for body in [
        good.replace("ns:watcherinfo", "ns:other"),
        good.replace("</watcherinfo>", ""),
        good.replace("<watcherinfo", "<!DOCTYPE x><watcherinfo"),
        good.replace("sip:a@b", "sip:a<b"),
        good.replace("id=\"a\"", "id=\"a\" id=\"b\""),
        presence("open"),
        summary("yes"),
    ] {
        assert_ne!(body, good);
        expect(Package::PresenceWinfo, &body, &[400]);
    }
    let long = watcher(&"x".repeat(20_000), "pending");
    expect(Package::PresenceWinfo, &winfo(1, "full", &long), &[200]);
    let many = watcher("a", "pending").repeat(600);
    expect(Package::PresenceWinfo, &winfo(1, "full", &many), &[400]);
}
