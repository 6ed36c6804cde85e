//! Other makes' phones with users and passwords: who knows the password registers, publishes and watches.

use std::fmt::Write as _;

use crate::agent::{Agent, configuration};
use crate::baresip::Baresip;
use crate::line::{Line, Transport};
use crate::linphone::Linphone;
use crate::process::{SOON, free_port, wait_for};
use crate::sipp::Sipp;

/// Without a blank, where baresip would end it.
const PASSWORD: &str = "correct-horse";

/// A Lampfield that asks everybody for a password, and has these users besides none: with MD5 where it says so.
fn server(users: &[(&str, bool)]) -> Agent {
    let port = free_port();
    let mut text = configuration(port, &[]);
    text += "[authentication]\nusers = \"users\"\nrealm = \"desk.example\"\nauthenticate = [\"127.0.0.0/8\"]\n";
    for phone in ["bob", "eve"] {
        write!(
            text,
            "[[presentity]]\nuri = \"sip:{phone}@127.0.0.1:{port}\"\nregisters = true\n"
        )
        .expect("a string can grow");
    }
    let agent = Agent::configured(port, &text, &[("password", &format!("{PASSWORD}\n"))]);
    let file = agent.socket().with_file_name("password");
    let file = file.to_str().expect("the folder's path is UTF-8");
    for (name, may_md5) in users {
        let mut words = vec!["user", "add", name, "--password-file", file];
        words.extend(may_md5.then_some("--md5"));
        agent.run(&words);
    }
    agent
}

fn line<'a>(agent: &Agent, user: &'a str, password: &'a str) -> Line<'a> {
    Line {
        password,
        ..Line::at_lampfield(agent, user)
    }
}

#[track_caller]
fn expect_count(agent: &Agent, list: &str, count: usize) {
    wait_for(&format!("{count} {list}"), SOON, || {
        (agent.json(list).as_array()?.len() == count).then_some(())
    });
}

/// Whether somebody watches who is proven to be this user.
#[track_caller]
fn expect_user(agent: &Agent, user: &str) {
    wait_for(&format!("{user} watches"), SOON, || {
        let watchers = agent.json("watchers");
        let mut all = watchers.as_array()?.iter();
        all.any(|it| it["user"] == user).then_some(())
    });
}

/// baresip 1.0.0 knows MD5 alone, and gives up where anything else is asked for beside it.
#[test]
fn baresip_shows_its_password_in_md5() /* A01 A05 A11 C16 */
{
    let agent = server(&[("bob", true)]);
    let contact = format!("\"Desk\" <{}>;presence=p2p\n", agent.uri());
    let mut baresip = Baresip::phone(&line(&agent, "bob", PASSWORD), &contact);
    baresip.expect_registered();
    baresip.expect_contact("Online");
    expect_user(&agent, "bob");
    expect_count(&agent, "registrations", 1);
    agent.run(&["press", "dnd"]);
    baresip.expect_contact("Busy");
    baresip.quit();
    expect_count(&agent, "registrations", 0);
}

#[test]
fn baresip_with_a_wrong_password_gets_nothing() /* F08 */
{
    let agent = server(&[("bob", true)]);
    let contact = format!("\"Desk\" <{}>;presence=p2p\n", agent.uri());
    let _baresip = Baresip::phone(&line(&agent, "bob", "guess"), &contact);
    wait_for("the log names user and address", SOON, || {
        let log = agent.log();
        log.contains("wrong password for the user bob from 127.0.0.1")
            .then_some(())
    });
    assert!(!agent.log().contains("guess"));
    for list in ["registrations", "watchers", "publications"] {
        assert_eq!(agent.json(list).as_array().map(Vec::len), Some(0), "{list}");
    }
}

#[test]
fn linphone_shows_its_password_in_sha_256() /* A01 A07 C16 */
{
    linphone_is_let_in(Transport::Udp, false);
}

#[test]
fn linphone_shows_its_password_over_tcp() /* A01 A07 */
{
    linphone_is_let_in(Transport::Tcp, true);
}

fn linphone_is_let_in(transport: Transport, may_md5: bool) {
    let agent = server(&[("bob", may_md5)]);
    let line = line(&agent, "bob", PASSWORD).over(transport);
    let uri = agent.uri();
    let mut linphone = Linphone::phone(&line, &[&uri]);
    linphone.expect_registered();
    linphone.expect_friend(&uri, "online");
    expect_user(&agent, "bob");
    expect_count(&agent, "publications", 1);
    linphone.publish("dnd");
    agent.run(&["press", "dnd"]);
    linphone.expect_friend(&uri, "dnd");
    linphone.quit();
    expect_count(&agent, "publications", 0);
    expect_count(&agent, "registrations", 0);
}

#[test]
fn sipp_shows_its_password() /* A02 A11 N01 */
{
    // SIPp 3.6 knows MD5 alone.
    let agent = server(&[("200", true), ("bob", false)]);
    Sipp::asking("password", &agent.address(), "desk", PASSWORD).finish();
    agent.expect_watchers(0);
}

#[test]
fn sipp_with_a_wrong_password_is_asked_again() /* A12 N01 */
{
    let agent = server(&[("200", true)]);
    Sipp::asking("wrong_password", &agent.address(), "desk", "guess").finish();
    agent.expect_watchers(0);
}
