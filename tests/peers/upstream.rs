//! Lampfield as a user of Kamailio: it registers and publishes there, and its lamps follow others who do.
//!
//! Kamailio asks who it is by digest, with nonces that last 8 s, and forgets everything when it is told to.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::agent::{Agent, configuration};
use crate::baresip::Baresip;
use crate::kamailio::{Challenge, Kamailio, Memory};
use crate::line::{Line, Transport};
use crate::linphone::Linphone;
use crate::process::{SOON, free_port, wait_for};
use crate::sipp::Sipp;

/// Within that much a watcher at the server knows of a press.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Within that much everything is back at a server that has forgotten it: half the lifetime asked for here, and what a
/// try takes.
const BACK: Duration = Duration::from_secs(40);

/// Seconds asked for: short, so that a refresh comes while one looks on.
const EXPIRES: u32 = 20;

#[test]
fn a_watcher_at_the_server_hears_dnd_at_once() {
    dnd_is_heard(Challenge::Md5, Transport::Udp);
}

#[test]
fn a_watcher_at_the_server_hears_dnd_at_once_over_tcp() {
    dnd_is_heard(Challenge::Md5, Transport::Tcp);
}

#[test]
fn a_server_may_challenge_as_a_proxy_does() {
    dnd_is_heard(Challenge::Proxy, Transport::Udp);
}

/// The watcher is linphone: SIPp knows MD5 only.
#[test]
fn a_server_may_want_sha_256() {
    let kamailio = Kamailio::start(Challenge::Sha256);
    let agent = user_100(&kamailio, Transport::Udp, "");
    kamailio.expect_user("100", SOON);
    let line = Line::at_kamailio(&kamailio, "200");
    let mut watcher = Linphone::phone(&line, &["sip:100@127.0.0.1"]);
    watcher.expect_friend("sip:100@127.0.0.1", "online");
    agent.run(&["press", "dnd"]);
    watcher.expect_friend("sip:100@127.0.0.1", "dnd");
}

#[test]
fn a_server_may_ask_for_nothing() {
    let kamailio = Kamailio::start(Challenge::Open);
    let agent = user_100(&kamailio, Transport::Udp, "");
    kamailio.expect_user("100", SOON);
    agent.stop();
    assert!(!kamailio.has_binding("100"), "it takes its binding back");
    assert_eq!(kamailio.publications("100"), 0, "and its publication");
}

/// A refresh after the nonce has become stale, and one after a restart of the server, which keeps no nonces: both get a
/// 401 that does not say `stale`.
#[test]
fn stale_nonces_are_no_wrong_password() {
    let mut kamailio = Kamailio::start(Challenge::Md5);
    let _agent = user_100(&kamailio, Transport::Udp, "");
    kamailio.expect_user("100", SOON);
    let publishes = kamailio.count("PUBLISH");
    wait_for("a refresh", Duration::from_secs(u64::from(EXPIRES)), || {
        (kamailio.count("PUBLISH") > publishes).then_some(())
    });
    kamailio.expect_user("100", SOON);
    kamailio.restart(Memory::Kept);
    wait_for("a refresh", Duration::from_secs(u64::from(EXPIRES)), || {
        (kamailio.count("PUBLISH") > 0 && kamailio.count("REGISTER") > 0).then_some(())
    });
    kamailio.expect_user("100", SOON);
}

#[test]
fn everything_is_back_at_a_server_that_forgot_it() {
    let mut kamailio = Kamailio::start(Challenge::Md5);
    let agent = user_100(&kamailio, Transport::Udp, "");
    kamailio.expect_user("100", SOON);
    agent.run(&["press", "dnd"]);
    kamailio.restart(Memory::Lost);
    kamailio.expect_user("100", BACK);
    let mut watcher = watcher_of_100(&kamailio);
    watcher.expect_log("heard: closed", SOON);
    watcher.finish();
}

#[test]
fn everything_is_back_at_a_server_that_was_away() {
    let mut kamailio = Kamailio::start(Challenge::Md5);
    let agent = user_100(&kamailio, Transport::Udp, "");
    kamailio.expect_user("100", SOON);
    kamailio.stop();
    // Nobody hears it, and it must not be lost.
    agent.run(&["press", "dnd"]);
    kamailio.start_again(Memory::Kept);
    let mut watcher = watcher_of_100(&kamailio);
    watcher.expect_log("heard: closed", BACK);
    watcher.finish();
    kamailio.expect_user("100", SOON);
}

/// The password file holds something else: the answer to the challenge is refused, and that is that for a while.
#[test]
fn a_wrong_password_is_no_reason_to_hammer() {
    let kamailio = Kamailio::start(Challenge::Md5);
    let _agent = agent_with(&upstream(&kamailio, "100", Transport::Udp), "wrong", "");
    wait_for("it is refused", SOON, || {
        (kamailio.count("REGISTER") == 2).then_some(())
    });
    kamailio_stays_quiet(&kamailio, Duration::from_secs(3));
}

#[test]
fn status_tells_how_the_upstream_stands() {
    let kamailio = Kamailio::start(Challenge::Md5);
    let agent = user_100(&kamailio, Transport::Udp, "");
    let expect = |registration: &str, publication: &str| {
        wait_for(&format!("{registration}, {publication}"), SOON, || {
            let status = agent.json("status");
            let upstream = &status["upstreams"][0];
            (upstream["registration"] == registration && upstream["publication"] == publication)
                .then_some(())
        });
    };
    expect("registered", "published");
    let wrong = agent_with(&upstream(&kamailio, "200", Transport::Udp), "wrong", "");
    wait_for("it is refused", SOON, || {
        let status = wrong.json("status");
        let registration = status["upstreams"][0]["registration"].as_str()?.to_owned();
        (registration == "refused").then_some(())
    });
}

#[test]
fn a_lamp_follows_baresip_through_the_server() {
    let kamailio = Kamailio::start(Challenge::Md5);
    let mut baresip = Baresip::phone(&Line::at_kamailio(&kamailio, "200"), "");
    baresip.expect_registered();
    let agent = user_100(&kamailio, Transport::Udp, LAMP_OF_200);
    let changes = agent.follow("blf1");
    changes.skip_to("green");
    baresip.command("presence_offline");
    changes.skip_to("red");
    baresip.command("presence_online");
    changes.skip_to("green");
}

/// Desk to desk, with nothing between them but the server; then it forgets both.
#[test]
fn two_desks_see_each_other_through_the_server() {
    let mut kamailio = Kamailio::start(Challenge::Md5);
    let one = user_100(&kamailio, Transport::Udp, LAMP_OF_200);
    let other = agent_with(
        &upstream(&kamailio, "200", Transport::Tcp),
        Kamailio::password("200"),
        "[[lamp]]\nname = \"blf1\"\nwatch = \"sip:100@127.0.0.1\"\nevent = \"presence\"\nexpires = 60\nfrom = \"sip:200@127.0.0.1\"\n",
    );
    one.expect_lamp("blf1", "green");
    other.expect_lamp("blf1", "green");
    one.run(&["press", "dnd"]);
    other.expect_lamp("blf1", "red");
    other.run(&["press", "dnd"]);
    one.expect_lamp("blf1", "red");
    kamailio.restart(Memory::Lost);
    kamailio.expect_user("100", BACK);
    kamailio.expect_user("200", BACK);
    one.run(&["press", "dnd"]);
    other.run(&["press", "dnd"]);
    // Their subscriptions are lost too: at the latest the next refresh, after half a minute, finds that out.
    for desk in [&one, &other] {
        wait_for("the lamp is green again", BACK, || {
            (desk.look("blf1") == "green").then_some(())
        });
    }
}

#[test]
fn registration_and_lamps_go_to_the_second_server_and_back_together() /* T20 R13 */
{
    follows_its_servers(Transport::Udp);
}

#[test]
fn registration_and_lamps_go_to_the_second_server_and_back_together_over_tcp() /* T20 R13 */
{
    follows_its_servers(Transport::Tcp);
}

/// The first server is killed and started again, then the second is killed. What the lamp watches is green at the first
/// server and red at the second, so it tells which one it listens to. It asks for so long that no refresh of its own
/// takes it from one to the other.
///
/// ```text
/// desk              first             second
///  | REGISTER, SUBSCRIBE |                |      green
///  |─────────────────────►|               |
///  |                      ✗               |
///  | REGISTER, SUBSCRIBE                  |      red, at once
///  |─────────────────────────────────────►|
///  |                      started         |
///  |                      |               ✗
///  | REGISTER, SUBSCRIBE  |                      green, at once
///  |─────────────────────►|
/// ```
fn follows_its_servers(transport: Transport) {
    let servers = || Kamailio::start(Challenge::Md5);
    let (mut first, mut second) = (servers(), servers());
    let _open = watched_200(&first);
    let busy = watched_200(&second);
    first.expect_user("200", SOON);
    second.expect_user("200", SOON);
    busy.run(&["press", "dnd"]);
    let upstream = upstream_at(&[&first, &second], "100", transport, EXPIRES);
    let lamp = LAMP_OF_200.replace("expires = 60", "expires = 3600");
    let agent = agent_with(&upstream, Kamailio::password("100"), &lamp);
    expect_all_at(&agent, &first, "green");
    assert!(!second.has_binding("100"), "nothing goes to the second");

    let press = || {
        // Over TCP the end of the connection tells it; a datagram has to be sent first.
        if transport == Transport::Udp {
            agent.run(&["press", "dnd"]);
        }
    };
    first.stop();
    press();
    expect_all_at(&agent, &second, "red");
    second.expect_user("100", SOON);

    first.start_again(Memory::Kept);
    second.stop();
    press();
    expect_all_at(&agent, &first, "green");
    // What it has kept from before it was killed lapses by itself.
    first.expect_user("100", BACK);
    assert!(first.count("REGISTER") > 0, "{:?}", first.requests());
}

/// Waits until the desk is registered and published at the server, and its lamp tells what is true there.
#[track_caller]
fn expect_all_at(agent: &Agent, server: &Kamailio, look: &str) {
    wait_for(&format!("all is at {}", server.address()), SOON, || {
        let status = agent.json("status");
        let upstream = &status["upstreams"][0];
        let is_there = upstream["remote"] == server.address().as_str()
            && upstream["registration"] == "registered"
            && upstream["publication"] == "published";
        is_there.then_some(())
    });
    agent.expect_lamp("blf1", look);
}

/// A desk that is user 200 at this server for long.
fn watched_200(server: &Kamailio) -> Agent {
    let upstream = upstream_at(&[server], "200", Transport::Udp, 3_600);
    agent_with(&upstream, Kamailio::password("200"), "")
}

fn dnd_is_heard(challenge: Challenge, transport: Transport) {
    let kamailio = Kamailio::start(challenge);
    let agent = user_100(&kamailio, transport, "");
    kamailio.expect_user("100", SOON);
    let line = Line::at_kamailio(&kamailio, "200");
    let contact = "\"Desk\" <sip:100@127.0.0.1>;presence=p2p\n";
    let mut baresip = Baresip::phone(&line, contact);
    baresip.expect_contact("Online");
    let mut sipp = (challenge == Challenge::Md5).then(|| watcher_of_100(&kamailio));
    if let Some(watcher) = &mut sipp {
        watcher.expect_log("heard: open", SOON);
    }
    let pressed = Instant::now();
    agent.run(&["press", "dnd"]);
    if let Some(mut watcher) = sipp {
        let heard = watcher.expect_log("heard: closed", SOON);
        let took = heard.duration_since(pressed);
        assert!(took < AT_ONCE, "it took {took:?}");
        watcher.finish();
    }
    baresip.expect_contact("Busy");
    let requests = kamailio.requests();
    let mut publishes = requests
        .iter()
        .filter(|one| one.contains(" PUBLISH sip:100@"));
    let first = publishes.next().expect("it publishes");
    assert!(first.starts_with(transport.name()), "{requests:?}");
    // With the note and the credentials it may be long for a datagram (RFC 3261 §18.1.1).
    let carried = |it: &String| it.starts_with(transport.name()) || it.starts_with("tcp");
    assert!(publishes.all(carried), "{requests:?}");
}

/// Fails if the server is asked anything within the time.
fn kamailio_stays_quiet(kamailio: &Kamailio, time: Duration) {
    let (before, deadline) = (kamailio.requests().len(), Instant::now() + time);
    wait_for("the end of the time", time + SOON, || {
        assert_eq!(kamailio.requests().len(), before);
        (Instant::now() > deadline).then_some(())
    });
}

fn watcher_of_100(kamailio: &Kamailio) -> Sipp {
    let password = Kamailio::password("200");
    Sipp::asking("watch_until_dnd", &kamailio.address(), "100", password)
}

const LAMP_OF_200: &str = "[[lamp]]\nname = \"blf1\"\nwatch = \"sip:200@127.0.0.1\"\nevent = \"presence\"\nexpires = 60\nfrom = \"sip:100@127.0.0.1\"\n";

/// A desk that is Kamailio's user 100.
fn user_100(kamailio: &Kamailio, transport: Transport, more: &str) -> Agent {
    let password = Kamailio::password("100");
    agent_with(&upstream(kamailio, "100", transport), password, more)
}

/// The table of the upstream, in TOML.
fn upstream(kamailio: &Kamailio, user: &str, transport: Transport) -> String {
    upstream_at(&[kamailio], user, transport, EXPIRES)
}

/// The same with several servers, the best first.
fn upstream_at(servers: &[&Kamailio], user: &str, transport: Transport, expires: u32) -> String {
    let server = |it: &&Kamailio| match transport {
        Transport::Udp => it.address(),
        Transport::Tcp => format!("tcp:{}", it.address()),
    };
    let servers: Vec<String> = servers.iter().map(server).collect();
    let aor = Kamailio::uri(user);
    format!(
        "[[upstream]]\n\
         servers = {servers:?}\n\
         aor = \"{aor}\"\n\
         password_file = \"pbx.password\"\n\
         expires = {expires}\n"
    )
}

fn agent_with(upstream: &str, password: &str, more: &str) -> Agent {
    let port = free_port();
    let mut text = configuration(port, &[]);
    write!(text, "{upstream}{more}").expect("a string can grow");
    let password = format!("{password}\n");
    Agent::configured(port, &text, &[("pbx.password", &password)])
}
