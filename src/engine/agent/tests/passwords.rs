//! Users with a password, at the agent's door and inside (RFC 3261 §22, RFC 3903 §14.1, RFC 6665 §6.1).

use super::*;
use crate::engine::config::Demand;
use crate::ua::guard::User;
use crate::wire::sip::Algorithm;
use crate::wire::sip::digest::{Digest, Qop, login_hash};

const REALM: &str = "desk.example";
const AWAY: &str = "198.51.100.7:5070";

fn user(name: &str, password: &str, may_md5: bool) -> User {
    let hash = |algorithm| {
        let (name, realm) = (name.as_bytes(), REALM.as_bytes());
        login_hash(algorithm, name, realm, password.as_bytes()).expect("spoken")
    };
    let md5 = may_md5.then(|| hash(Algorithm::Md5));
    let text = Text::copied(name).expect("short");
    User::new(text, REALM, hash(Algorithm::Sha256), md5)
}

/// The desk, whose user is `desk`; and Ann, who is elsewhere.
fn guarded(change: impl FnOnce(&mut Settings)) -> Fixture {
    let mut f = Fixture::with(|settings| {
        settings.authentication.realm = Text::copied(REALM).expect("short");
        change(settings);
    });
    let users = [user("ann", "secret", false), user("desk", "own", true)];
    f.agent.set_users(&users);
    f.drain();
    f
}

/// A phone at an address outside the trusted network.
fn away(name: &str, event: &'static str) -> Phone {
    let mut phone = Phone::new(name, event);
    phone.address = AWAY.parse().expect("an address");
    phone
}

/// The nonce of the first challenge of a 401.
#[track_caller]
fn nonce(sent: &[Sent]) -> String {
    assert_eq!(sent.len(), 1, "a 401 alone: {sent:#?}");
    assert_eq!(sent[0].status(), 401);
    let row = sent[0].header("WWW-Authenticate").expect("a challenge");
    let (_, rest) = row.split_once("nonce=\"").expect("a nonce");
    rest.split('"').next().unwrap_or_default().to_string()
}

/// The request again, with credentials, as another transaction.
fn prove(request: &str, (user, password): (&str, &str), nonce: &str, nc: u32) -> String {
    let (method, rest) = request.split_once(' ').expect("a method");
    let uri = rest.split(' ').next().expect("a URI");
    let digest = Digest {
        algorithm: Algorithm::Sha256,
        username: user.as_bytes(),
        realm: REALM.as_bytes(),
        password: password.as_bytes(),
        nonce: nonce.as_bytes(),
        qop: Qop::Auth,
        nc,
        cnonce: b"0a4f113b",
        method: method.as_bytes(),
        uri: uri.as_bytes(),
        body: b"",
    };
    let response = digest.response().expect("spoken");
    let response = core::str::from_utf8(response.as_bytes()).expect("digits");
    let row = format!(
        "Authorization: Digest username=\"{user}\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         response=\"{response}\", algorithm=SHA-256, qop=auth, nc={nc:08x}, cnonce=\"0a4f113b\"\r\n"
    );
    let request = request.replacen(";rport", &format!("{nc}{};rport", &nonce[10..16]), 1);
    request.replacen("Max-Forwards", &format!("{row}Max-Forwards"), 1)
}

const ANN: (&str, &str) = ("ann", "secret");
const OWNER: (&str, &str) = ("desk", "own");

/// Asked for a password, and let in with it.
#[track_caller]
fn logged_in(f: &mut Fixture, phone: &mut Phone, who: (&str, &str)) -> (String, StdVec<Sent>) {
    let asked = f.send(phone, &phone.subscribe(3_600));
    let nonce = nonce(&asked);
    let sent = f.send(phone, &prove(&phone.subscribe(3_600), who, &nonce, 1));
    phone.learn(&sent[0]);
    assert!(sent[1].is_notify());
    f.confirm(phone, &sent[1]);
    (nonce, sent)
}

#[test]
fn a_stranger_is_asked_for_a_password_and_nothing_is_kept()
/* N01, A01, A02, A03, A14, ATTACKS A01 */
{
    let mut f = guarded(|_| {});
    for event in [
        "presence",
        "dialog",
        "presence.winfo",
        "message-summary",
        "nonsense",
    ] {
        let phone = away("ann", event);
        let sent = f.send(&phone, &phone.subscribe(3_600));
        nonce(&sent);
        let rows = sent[0].headers("WWW-Authenticate");
        assert_eq!(rows.len(), 2, "{rows:#?}");
        for (row, algorithm) in rows.iter().zip(["SHA-256", "MD5"]) {
            assert!(row.starts_with("Digest realm=\"desk.example\", nonce=\""));
            let rest = format!(", algorithm={algorithm}, qop=\"auth\", userhash=true");
            assert!(row.ends_with(&rest), "{row}");
        }
        assert_eq!(f.run(Duration::from_secs(64)), [], "no NOTIFY, ever");
    }
    assert!(f.agent.transactions.is_empty());
    assert_eq!(f.agent.subscriptions().count(), 0);
    // Where nobody may use MD5, it is not offered.
    f.agent.set_users(&[user("ann", "secret", false)]);
    let phone = away("ann", "presence");
    let sent = f.send(&phone, &phone.subscribe(3_600));
    assert_eq!(sent[0].headers("WWW-Authenticate").len(), 1);
}

#[test]
fn whoever_knows_the_password_watches_and_is_shown_by_name() /* A07, W04, ATTACKS A03 */
{
    let mut f = guarded(|_| {});
    let mut ann = away("ann", "presence");
    logged_in(&mut f, &mut ann, ANN);
    let all: StdVec<Option<String>> = f
        .agent
        .subscriptions()
        .map(|it| it.user.map(ToString::to_string))
        .collect();
    assert_eq!(all, [Some("ann".to_string())]);
}

#[test]
fn a_retransmission_is_answered_again_and_a_copy_is_stale() /* A11, A12, ATTACKS F03 */
{
    let mut f = guarded(|_| {});
    let ann = away("ann", "presence");
    let nonce = nonce(&f.send(&ann, &ann.subscribe(3_600)));
    let request = prove(&ann.subscribe(3_600), ANN, &nonce, 1);
    let first = f.send(&ann, &request);
    assert_eq!(f.send(&ann, &request)[0], first[0]);
    // A copy under another branch; and the very same from elsewhere, by whoever has seen it.
    let copy = request
        .replace("z9hG4bK", "z9hG4bKcopy")
        .replace("Call-ID: call", "Call-ID: copy");
    let elsewhere = "203.0.113.5:5060".parse().expect("an address");
    for sent in [f.send(&ann, &copy), f.send_from(elsewhere, &request)] {
        assert_eq!((sent.len(), sent[0].status()), (1, 401));
        let row = sent[0].header("WWW-Authenticate").expect("a challenge");
        assert!(row.contains(", stale=true,"), "{row}");
    }
    assert_eq!(f.agent.subscriptions().count(), 1);
}

#[test]
fn a_wrong_password_and_an_unknown_user_are_one_answer() /* A19, N02, ATTACKS A04, A05 */
{
    let mut f = guarded(|_| {});
    let mut answers = StdVec::new();
    for (user, target) in [
        ("ann", DESK),
        ("nobody", DESK),
        ("ann", "sip:none@192.0.2.1"),
    ] {
        let phone = away("ann", "presence");
        let request = phone.subscribe(60).replace(DESK, target);
        let first = f.send(&phone, &request);
        let nonce = nonce(&first);
        let sent = f.send(&phone, &prove(&request, (user, "guess"), &nonce, 1));
        for sent in [first, sent] {
            let text = sent[0].text.replace(target, "TARGET");
            let lines = text.split("\r\n").filter(|line| !line.starts_with("Via"));
            // Nonces and tags are all that differs.
            let lines = lines.map(|line| match line.split_once("nonce=\"") {
                Some((before, rest)) => format!("{before}{}", rest.split_once('"').unwrap().1),
                None => line.split(";tag=x").next().unwrap().to_string(),
            });
            answers.push(lines.collect::<StdVec<String>>());
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    // Whoever is proven hears that nobody is there.
    let phone = away("ann", "presence");
    let request = phone.subscribe(60).replace(DESK, "sip:none@192.0.2.1");
    let nonce = nonce(&f.send(&phone, &request));
    assert_eq!(
        f.send(&phone, &prove(&request, ANN, &nonce, 1))[0].status(),
        404
    );
}

#[test]
fn nobody_uses_his_password_under_another_name() /* ATTACKS A03 */
{
    let mut f = guarded(|_| {});
    for from in ["bob", "ann;x=1", "ann%00", "Ann"] {
        let phone = away("ann", "presence");
        let named = format!("From: <sip:{from}@192.0.2.9>");
        let request = phone
            .subscribe(60)
            .replace("From: <sip:ann@192.0.2.9>", &named);
        let nonce = nonce(&f.send(&phone, &request));
        let sent = f.send(&phone, &prove(&request, ANN, &nonce, 1));
        assert_eq!((sent.len(), sent[0].status()), (1, 403), "{from}");
    }
    assert_eq!(f.agent.subscriptions().count(), 0);
}

#[test]
fn each_refresh_is_proved_and_one_that_is_not_changes_nothing() /* N19, ATTACKS A08, A10 */
{
    let mut f = guarded(|_| {});
    let mut ann = away("ann", "presence");
    let (nonce, _) = logged_in(&mut f, &mut ann, ANN);
    let ends = |f: &Fixture| f.agent.subscriptions().next().and_then(|it| it.ends);
    let before = ends(&f);
    f.now += Duration::from_secs(60);
    let bare = ann.refresh(0);
    assert_eq!(f.send(&ann, &bare)[0].status(), 401);
    assert_eq!(ends(&f), before);
    // Nor does it help to know the dialog, and another one's password.
    let owner = prove(&ann.refresh(0), OWNER, &nonce, 2);
    assert_eq!(f.send(&ann, &owner)[0].status(), 401);
    assert_eq!(ends(&f), before);
    let good = prove(&ann.refresh(3_600), ANN, &nonce, 2);
    let sent = f.send(&ann, &good);
    assert_eq!(sent[0].status(), 200);
    assert!(ends(&f) > before);
    // An invented tag is no dialog.
    let mut invented = away("ann", "presence");
    invented.to_tag = Some("0123456789abcdef".to_string());
    let sent = f.send(&invented, &prove(&invented.subscribe(60), ANN, &nonce, 3));
    assert_eq!(sent[0].status(), 481);
}

#[test]
fn trusted_networks_are_not_asked_but_what_they_show_counts() /* ATTACKS F02 */
{
    let mut f = guarded(|_| {});
    f.watching("bob", "presence");
    // Credentials of another realm are none of ours.
    let carl = Phone::new("carl", "presence");
    let foreign = prove(&carl.subscribe(60), ANN, &"0".repeat(40), 1).replace(REALM, "elsewhere");
    assert_eq!(f.send(&carl, &foreign)[0].status(), 200);
    // Wrong ones are wrong there too, and right ones say who it is.
    let ann = Phone::new("ann", "presence");
    let wrong = prove(&ann.subscribe(60), ("ann", "guess"), &"0".repeat(40), 1);
    let nonce = nonce(&f.send(&ann, &wrong));
    assert_eq!(
        f.send(&ann, &prove(&ann.subscribe(60), ANN, &nonce, 1))[0].status(),
        200
    );
    let users = f.agent.subscriptions().filter(|it| it.user == Some("ann"));
    assert_eq!(users.count(), 1);
}

#[test]
fn always_is_for_everybody_but_this_machine() {
    let mut f = guarded(|settings| {
        settings.authentication.demand = Demand::Always;
        let own = Network::LOOPBACK[0];
        settings.trusted.push(own).expect("room");
    });
    let bob = Phone::new("bob", "presence");
    assert_eq!(f.send(&bob, &bob.subscribe(60))[0].status(), 401);
    let mut own = Phone::new("carl", "presence");
    own.address = "127.0.0.1:5070".parse().expect("an address");
    assert_eq!(f.send(&own, &own.subscribe(60))[0].status(), 200);
    own.address = "192.0.2.1:5070".parse().expect("an address");
    let request = own
        .subscribe(60)
        .replace("call-carl", "other")
        .replace("z9hG4bK", "z9hG4bKo");
    assert_eq!(f.send(&own, &request)[0].status(), 200);
    // Without any user that is nobody.
    f.agent.set_users(&[]);
    assert_eq!(f.send(&bob, &bob.subscribe(60))[0].status(), 401);
    // OPTIONS asks for nothing of ours.
    let ping = bob.bare_request("OPTIONS", "");
    assert_eq!(f.send(&bob, &ping)[0].status(), 200);
}

#[test]
fn without_users_all_is_as_it_was() {
    let mut f = Fixture::new();
    let ann = away("ann", "presence");
    let row = prove(&ann.subscribe(60), ANN, &"0".repeat(40), 1);
    assert_eq!(f.send(&ann, &ann.subscribe(60))[0].status(), 403);
    assert_eq!(f.send(&ann, &row)[0].status(), 403);
    let bob = Phone::new("bob", "presence");
    let row = prove(&bob.subscribe(60), ANN, &"0".repeat(40), 1);
    assert_eq!(f.send(&bob, &row)[0].status(), 200, "nobody looks at it");
}

#[test]
fn who_loses_his_password_watches_no_longer() {
    let mut f = guarded(|_| {});
    let mut ann = away("ann", "presence");
    logged_in(&mut f, &mut ann, ANN);
    f.agent.set_users(&[user("desk", "own", true)]);
    let sent = f.drain();
    assert_eq!(sent.len(), 1, "{sent:#?}");
    let state = sent[0].header("Subscription-State");
    assert_eq!(state, Some("terminated;reason=rejected"));
}

fn publish(phone: &Phone) -> std::string::String {
    let pidf = "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
                entity=\"sip:desk@192.0.2.1\"><tuple id=\"a\"><status><basic>open</basic></status>\
                </tuple></presence>";
    let more = format!(
        "Event: presence\r\nExpires: 600\r\nContent-Type: application/pidf+xml\r\n\
         P-Asserted-Identity: <{DESK}>\r\nRemote-Party-ID: <{DESK}>\r\n"
    );
    let request = phone.bare_request("PUBLISH", &more);
    let length = format!("Content-Length: {}\r\n\r\n{pidf}", pidf.len());
    request.replace("Content-Length: 0\r\n\r\n", &length)
}

#[test]
fn the_owner_publishes_and_registers_and_nobody_else_does() /* C16, ATTACKS A09 */
{
    let mut f = guarded(|_| {});
    let register = |phone: &Phone| phone.request("REGISTER", "Expires: 600\r\n");
    for (who, status) in [(ANN, 403), (OWNER, 200)] {
        let phone = away(who.0, "");
        for request in [publish(&phone), register(&phone)] {
            let nonce = nonce(&f.send(&phone, &request));
            let sent = f.send(&phone, &prove(&request, who, &nonce, 1));
            assert_eq!(sent[0].status(), status, "{}", sent[0].text);
        }
    }
    assert_eq!(f.agent.publications().count(), 1);
    assert_eq!(f.agent.registrations().count(), 1);
}

/// Asterisk has one account for all extensions, and each in From (RFC 3903 §4 leaves it open who stands there).
#[test]
fn who_may_publish_for_somebody_does_so_under_either_name() /* C16, ATTACKS A09 */
{
    for (may, from, status) in [
        (true, "sip:ann@192.0.2.9", 200),
        (true, DESK, 200),
        (true, "sip:bob@192.0.2.9", 403),
        (false, DESK, 403),
    ] {
        let mut f = guarded(|settings| {
            let ann = Text::copied(if may { "ann" } else { "bob" }).expect("short");
            settings.presentities[0].owners.push(ann).expect("room");
        });
        let ann = away("ann", "");
        let request = publish(&ann).replace("<sip:ann@192.0.2.9>", &format!("<{from}>"));
        let nonce = nonce(&f.send(&ann, &request));
        let sent = f.send(&ann, &prove(&request, ANN, &nonce, 1));
        assert_eq!(sent[0].status(), status, "{from}: {}", sent[0].text);
    }
}

#[test]
fn owners_may_be_named() /* C16 */
{
    let mut f = guarded(|settings| {
        let ann = Text::copied("ann").expect("short");
        settings.presentities[0].owners.push(ann).expect("room");
    });
    let ann = away("ann", "");
    let request = ann.request("REGISTER", "Expires: 600\r\n");
    let nonce = nonce(&f.send(&ann, &request));
    assert_eq!(
        f.send(&ann, &prove(&request, ANN, &nonce, 1))[0].status(),
        200
    );
}

#[test]
fn a_wrong_password_is_logged_with_its_user_and_without_itself() /* ATTACKS F08, I03 */
{
    let mut f = guarded(|_| {});
    let ann = away("ann", "presence");
    let flow = Flow::udp(LOCAL.parse().expect("an address"), ann.address);
    let mut logged = StdVec::new();
    for user in ["ann", "hunter2"] {
        let nonce = nonce(&f.send(&ann, &ann.subscribe(60)));
        let wrong = prove(&ann.subscribe(60), (user, "guess"), &nonce, 1);
        f.agent.handle_datagram(f.moment(), flow, wrong.as_bytes());
        let mut buf = std::vec![0; limits::MESSAGE];
        loop {
            match f.agent.poll(f.now, &mut buf) {
                Output::Report(report) => logged.push(report.to_string()),
                Output::Wait(_) => break,
                _ => {}
            }
        }
    }
    let expected = format!("wrong password for the user ann from {AWAY}");
    assert_eq!(logged, [expected], "who is not there may be a password");
}
