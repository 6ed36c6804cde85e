//! Who shows a certificate is who it says. Read RFC 5922 §7 and §8.1.

use std::process::Command;

use crate::agent::{Agent, certify, house, lamp};
use crate::process::Scratch;
use crate::say;

/// A SUBSCRIBE from that host, on a connection of its own.
fn subscribe(agent: &Agent, host: &str, number: u32) -> String {
    let port = agent.tls.port() - 1;
    let desk = format!("sip:desk@127.0.0.1:{port}");
    format!(
        "SUBSCRIBE {desk} SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKs{number};rport\r\n\
         From: <sip:door@{host}>;tag={number}\r\nTo: <{desk}>\r\nCall-ID: s{number}\r\n\
         CSeq: 1 SUBSCRIBE\r\nMax-Forwards: 70\r\nContact: <sip:door@127.0.0.1:9;transport=tls>\r\n\
         Event: presence\r\nExpires: 60\r\nContent-Length: 0\r\n\r\n"
    )
}

/// Moves a certificate that was made for a name to another place.
fn certificate(scratch: &Scratch, name: &str, authority: &str, to: &str) {
    certify(scratch, &[name, "--authority", authority]);
    for end in ["pem", "key"] {
        let made = scratch.path(&format!("{name}.{end}"));
        std::fs::rename(made, scratch.path(&format!("{to}.{end}"))).expect("it was made");
    }
}

#[test]
fn a_certificate_opens_the_door_and_no_other_does() /* X15 */
{
    let scratch = house("127.0.0.1");
    certificate(&scratch, "door.example", "house", "door");
    certificate(&scratch, "door.example", "other", "stranger");
    let desk = Agent::guarded(&scratch, "");
    let file = |name: &str| scratch.path(name).display().to_string();
    let shown = |name: &str| {
        [
            "-cert".to_string(),
            file(&format!("{name}.pem")),
            "-key".to_string(),
            file(&format!("{name}.key")),
        ]
    };
    let authority = file("house/authority.pem");
    let words = |shown: &[String]| -> Vec<String> {
        let authority = ["-CAfile".to_string(), authority.clone()];
        [&authority[..], shown].concat()
    };
    let ask = |host: &str, number: u32, shown: &[String]| {
        say(&desk, &subscribe(&desk, host, number), &words(shown))
    };
    let (own, stranger) = (shown("door"), shown("stranger"));
    let said = ask("door.example", 1, &own);
    assert!(said.contains("SIP/2.0 200 "), "{said}");
    let said = ask("other.example", 2, &own);
    assert!(said.contains("SIP/2.0 403 "), "{said}");
    let said = ask("door.example", 3, &[]);
    assert!(said.contains("SIP/2.0 403 "), "{said}");
    let said = ask("door.example", 4, &stranger);
    assert!(!said.contains("SIP/2.0 "), "{said}");
    // What one message proved is nothing for the next one on that connection.
    let both = subscribe(&desk, "door.example", 5) + &subscribe(&desk, "other.example", 6);
    let said = say(&desk, &both, &words(&own));
    assert!(
        said.contains("SIP/2.0 200 ") && said.contains("SIP/2.0 403 "),
        "{said}"
    );
}

#[test]
fn two_lampfields_know_each_other_by_their_certificates() /* X15 */
{
    let scratch = house("127.0.0.1");
    certificate(&scratch, "127.0.0.1", "other", "stranger");
    let only = "[[rule]]\nwho = \"user:127.0.0.1\"\nthen = \"allow\"\n\
                [[rule]]\nwho = \"everyone\"\nthen = \"block\"\n";
    let desk = Agent::guarded(&scratch, only);
    let tls = |name: &str| {
        format!(
            "authorities = \"house/authority.pem\"\n\
             certificate = \"{name}.pem\"\nkey = \"{name}.key\""
        )
    };
    let watch = lamp(&desk, "127.0.0.1").replace(
        "sip:desk@127.0.0.1\"",
        &format!("sip:desk@127.0.0.1:{}\"", desk.tls.port() - 1),
    );
    let door = Agent::asking(&scratch, &tls("own"), &watch, &[]);
    door.expect_lamp("green");
    let watchers = desk.ask(&["watchers"]);
    assert!(watchers.contains("127.0.0.1"), "{watchers}");
    let nobody = "authorities = \"house/authority.pem\"";
    let unknown = Agent::asking(&scratch, nobody, &watch, &[]);
    crate::process::wait_for("it is refused", crate::process::SOON, || {
        unknown.ask(&["why", "blf1"]).contains("403").then_some(())
    });
    let stranger = Agent::asking(&scratch, &tls("stranger"), &watch, &[]);
    stranger.expect_log("it takes no certificate of ours");
}

#[test]
fn a_policy_is_asked_about_a_certificate() {
    let scratch = house("127.0.0.1");
    let text = "[tls]\ncertificate = \"own.pem\"\nkey = \"own.key\"\n\
                client_authorities = \"house/authority.pem\"\n\
                [[presentity]]\nuri = \"sip:desk@127.0.0.1\"\n\
                [[rule]]\nwho = \"user:kitchen.local\"\nthen = \"allow\"\nnote = \"in\"\n";
    let file = scratch.write("policy.toml", text);
    let output = Command::new(env!("CARGO_BIN_EXE_lampfield"))
        .args(["policy", "user:kitchen.local", "--config"])
        .arg(file)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("a certificate of that name"), "{said}");
    assert!(said.contains("rule 1"), "{said}");
}
