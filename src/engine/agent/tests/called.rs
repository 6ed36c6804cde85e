//! Accounts whose Contact is called: by their server, and through it. And those that nobody can call.

use super::*;
use crate::engine::config::{Account, LampSettings, Server, UpstreamSettings, WatchSettings};
use crate::events::package::Package;
use crate::ground::time::Seconds;
use crate::roles::upstream::Stands;
use crate::ua::credentials::Password;
use crate::ua::servers::KeepAlive;

/// The server of the account. Nobody trusts it.
pub(super) const PBX: &str = "198.51.100.50:5060";
pub(super) const SECOND: &str = "198.51.100.51:5060";
pub(super) const AOR: &str = "sip:100@pbx.example";
const CONTACT: &str = "sip:100@192.0.2.1:5060";

/// The account at these servers.
pub(super) fn account(servers: &[&str]) -> UpstreamSettings {
    let mut upstream = UpstreamSettings::new(Text::copied(AOR).unwrap());
    for host in servers {
        let server = Server {
            host: Text::copied(host).unwrap(),
            transport: None,
        };
        upstream.servers.push(server).unwrap();
    }
    upstream
}

/// A watch with the account of that number, and a lamp for it.
pub(super) fn lamp(settings: &mut Settings, target: &str, package: Package, account: u16) {
    let [target, from] = [target, AOR].map(|it| Text::copied(it).unwrap());
    let mut watch = WatchSettings::new(target, from, package);
    watch.upstream = Some(account);
    let number = settings.share_watch(watch).unwrap();
    let name = format!("lamp{number}");
    let mut lamp = LampSettings::new(Text::copied(&name).unwrap());
    lamp.shows = Shows::Watch(number);
    settings.lamps.push(lamp).unwrap();
}

impl Fixture {
    /// Lets time pass until a request of that method is sent; the first of them.
    #[track_caller]
    pub(super) fn wants(&mut self, method: &str) -> Sent {
        let end = self.now + Duration::from_secs(4_000);
        loop {
            let sent = self.drain();
            if let Some(sent) = sent.into_iter().find(|it| it.text.starts_with(method)) {
                return sent;
            }
            let due = self.agent.due().filter(|due| *due <= end);
            self.now = self.now.max(due.expect("nothing more is sent in time"));
            self.agent.handle_timeout(self.moment());
        }
    }

    /// Lets the account register with what `answer` makes of the answer; the REGISTER.
    #[track_caller]
    pub(super) fn register_with(&mut self, answer: impl Fn(String) -> String) -> Sent {
        let register = self.wants("REGISTER");
        let contact = register.header("Contact").unwrap();
        let granted = register.answer(&format!("200 OK\r\nContact: {contact};expires=300\r\n"));
        self.send_from(register.flow.remote, &answer(granted));
        register
    }

    #[track_caller]
    pub(super) fn register_account(&mut self) -> Sent {
        self.register_with(|granted| granted)
    }

    #[track_caller]
    pub(super) fn refuse_account(&mut self) {
        let register = self.wants("REGISTER");
        self.send_from(register.flow.remote, &register.answer("403 Forbidden"));
    }

    /// The status code of the only answer to a request.
    #[track_caller]
    pub(super) fn status_of(&mut self, remote: &str, request: &str) -> u16 {
        let sent = self.send_from(remote.parse().unwrap(), request);
        let answers: StdVec<&Sent> = sent
            .iter()
            .filter(|it| it.text.starts_with("SIP/2.0"))
            .collect();
        assert_eq!(answers.len(), 1, "{sent:#?}");
        answers[0].status()
    }
}

/// An OPTIONS as PBXs write it, with these To and From.
fn options(uri: &str, to: &str, from: &str) -> String {
    format!(
        "OPTIONS {uri} SIP/2.0\r\nv: SIP/2.0/UDP {PBX};rport;branch=z9hG4bKPjq\r\nf: {from}\r\nt: {to}\r\n\
         m: <sip:100@{PBX}>\r\ni: 1\r\nCSeq: 6123 OPTIONS\r\nk: 100rel, timer, replaces\r\n\
         Max-Forwards: 70\r\nl:  0\r\n\r\n"
    )
}

fn ping(uri: &str) -> String {
    options(uri, &format!("<{uri}>"), "<sip:100@pbx.example>;tag=1")
}

fn with_account() -> Fixture {
    Fixture::with(|settings| settings.upstreams.push(account(&[PBX])).unwrap())
}

/// ```text
///   agent ── REGISTER ─► server
///         ◄── OPTIONS ── 200
///         ◄────── 200 ──
/// ```
#[test]
fn a_server_may_ask_a_contact_before_it_has_granted_it() /* asterisk #1019 */
{
    let mut f = with_account();
    let register = f.wants("REGISTER");
    assert_eq!(f.status_of(PBX, &ping(CONTACT)), 200);
    assert_eq!(f.status_of(SECOND, &ping(CONTACT)), 403, "who is that?");
    f.send_from(register.flow.remote, &register.answer("403 Forbidden"));
    let again = ping(CONTACT).replace("z9hG4bKPjq", "z9hG4bKPjr");
    assert_eq!(f.status_of(PBX, &again), 403, "it granted nothing");
}

#[test]
fn the_server_of_an_account_is_told_that_its_contact_is_there() /* asterisk #1019 #1927 */
{
    let mut f = with_account();
    assert_eq!(
        f.status_of(PBX, &ping(CONTACT)),
        403,
        "it knows nothing yet"
    );
    let register = f.register_account();
    assert!(register.text.contains(&format!("Contact: <{CONTACT}>")));
    for (to, from) in [
        ("<sip:100@192.0.2.1:5060>", "<sip:100@pbx.example>;tag=1"),
        (
            "sip:100@192.0.2.1:5060",
            "\"Unknown\" <sip:Unknown@198.51.100.50>;tag=1",
        ),
        (
            "<sip:100@192.0.2.1:5060>",
            "asterisk <sip:asterisk@198.51.100.50>;tag=1",
        ),
        (
            "<sip:100@192.0.2.1>",
            "<sip:mod_sofia@198.51.100.50:5060>;tag=Zt",
        ),
        ("sip:100@pbx.example", "sip:ping@invalid"),
    ] {
        let answers = f.send_from(PBX.parse().unwrap(), &options(CONTACT, to, from));
        assert_eq!(answers[0].status(), 200, "{to} {from}: {}", answers[0].text);
        let again = f.send_from(PBX.parse().unwrap(), &options(CONTACT, to, from));
        assert_eq!(again, answers, "without memory");
    }
    for uri in [
        "sip:100@192.0.2.1",
        "sip:100@192.0.2.1:49152;transport=tcp",
        "sip:100@192.0.2.1:5060;ob;gr",
        "sip:%3100@192.0.2.1:5060",
    ] {
        assert_eq!(f.status_of("198.51.100.50:41000", &ping(uri)), 200, "{uri}");
    }
}

#[test]
fn others_who_call_a_contact_are_judged_as_ever() {
    let mut f = with_account();
    f.register_account();
    assert_eq!(f.status_of("198.51.100.7:5060", &ping(CONTACT)), 403);
    assert_eq!(f.status_of("192.0.2.77:5060", &ping(CONTACT)), 404);
    for uri in [
        "sip:101@192.0.2.1:5060",
        "sip:100@203.0.113.9",
        "sip:192.0.2.1",
        AOR,
        DESK,
    ] {
        assert_eq!(f.status_of(PBX, &ping(uri)), 403, "{uri}");
    }
    let required = ping(CONTACT).replace("k: 100rel", "Require: 100rel");
    assert_eq!(f.status_of(PBX, &required), 420);
    for method in ["INVITE", "MESSAGE", "REGISTER", "PUBLISH"] {
        let other = ping(CONTACT).replace("OPTIONS", method);
        assert_eq!(f.status_of(PBX, &other), 403, "{method}");
    }
    // Nobody answers the refresh, and the next one is refused.
    f.run(Duration::from_secs(301));
    f.refuse_account();
    assert_eq!(f.status_of(PBX, &ping(CONTACT)), 403, "it has run out");
}

/// ```text
///   agent ── REGISTER, Contact 192.0.2.1 ──► NAT ──► server
///         ◄── 200, received=203.0.113.9;rport=40000 ──
///         ── REGISTER, Contact 203.0.113.9:40000 ────►
///         ◄───────────── OPTIONS sip:100@203.0.113.9 ─
/// ```
#[test]
fn a_contact_that_a_nat_gave_us_is_ours() {
    let mut f = with_account();
    let seen = |granted: String| granted.replace(";rport", ";rport=40000;received=203.0.113.9");
    f.register_with(seen);
    let register = f.register_with(seen);
    let contact = "sip:100@203.0.113.9:40000";
    assert!(
        register.text.contains(&format!("Contact: <{contact}>")),
        "{}",
        register.text
    );
    for uri in [contact, "sip:100@203.0.113.9:40001", CONTACT] {
        assert_eq!(f.status_of(PBX, &ping(uri)), 200, "{uri}");
    }
}

#[test]
fn of_accounts_with_one_contact_each_is_called_by_its_own_server() {
    let mut f = Fixture::with(|settings| {
        settings.upstreams.push(account(&[PBX])).unwrap();
        let mut other = account(&[SECOND]);
        other.aor = Text::copied("sip:100@other.example").unwrap();
        settings.upstreams.push(other).unwrap();
    });
    let register = f.register_account();
    assert_eq!(register.flow.remote.to_string(), PBX);
    assert_eq!(f.status_of(SECOND, &ping(CONTACT)), 403);
    f.register_account();
    for server in [PBX, SECOND] {
        assert_eq!(f.status_of(server, &ping(CONTACT)), 200);
    }
}

/// A desk at our address, and a second one.
const DOOR: &str = "sip:door@192.0.2.1";

fn with_two_desks(publish: Option<u16>) -> Fixture {
    let mut f = Fixture::with(|settings| {
        let door = PresentitySettings::new(Text::copied(DOOR).unwrap());
        settings.presentities.push(door).unwrap();
        let mut account = account(&[PBX]);
        account.publish = publish;
        settings.upstreams.push(account).unwrap();
    });
    f.register_account();
    f
}

#[test]
fn who_subscribes_to_a_contact_watches_whom_its_account_publishes() {
    for (publish, entity) in [(Some(1), DOOR), (Some(0), DESK), (None, DESK)] {
        let mut f = with_two_desks(publish);
        let bob = Phone::new("bob", "presence");
        let to_contact = |text: String| {
            text.replace(
                &format!("SUBSCRIBE {DESK}"),
                &format!("SUBSCRIBE {CONTACT}"),
            )
        };
        let sent = f.send(&bob, &to_contact(bob.subscribe(600)));
        assert_eq!(sent[0].status(), 200, "{}", sent[0].text);
        let notify = sent.iter().find(|it| it.is_notify()).expect("a NOTIFY");
        let entity = entity.replace("sip:", "");
        assert!(
            notify.body().contains(&entity),
            "{publish:?}: {}",
            notify.text
        );
        // Whoever is not trusted is refused there, too: its server as well.
        let eve = Phone {
            address: PBX.parse().unwrap(),
            ..Phone::new("eve", "presence")
        };
        let text = to_contact(eve.subscribe(600));
        assert_eq!(f.status_of(PBX, &text), 403);
        let ann = Phone::new("ann", "presence");
        let nobody = ann.subscribe(600).replace(DESK, "sip:101@192.0.2.1");
        assert_eq!(f.send(&ann, &nobody)[0].status(), 404);
    }
}

fn with_lamps_alone(keep_alive: Option<KeepAlive>, servers: &[&str]) -> Fixture {
    Fixture::with(|settings| {
        let mut account = account(servers);
        (account.register, account.keep_alive) = (false, keep_alive);
        account.account = Account::new();
        account.account.user = Text::copied("100").unwrap();
        account.account.password = Password::new(Text::copied("hunter2").unwrap());
        settings.upstreams.push(account).unwrap();
        lamp(settings, "sip:200@pbx.example", Package::Dialog, 0);
        let mut health = LampSettings::new(Text::copied("health").unwrap());
        health.shows = Shows::Health;
        settings.lamps.push(health).unwrap();
    })
}

/// ```text
///   agent ── SUBSCRIBE ─────────────────► server
///         ◄─────────────────────── 401 ──
///         ── SUBSCRIBE, Authorization ──►
///         ◄───────────────── 200, NOTIFY ──
/// ```
#[test]
fn an_account_that_neither_registers_nor_publishes_lends_its_password_and_says_nothing() {
    let mut f = with_lamps_alone(None, &[PBX]);
    let subscribe = f.wants("SUBSCRIBE");
    let challenge = "401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\"\r\n";
    let sent = f.send_from(PBX.parse().unwrap(), &subscribe.answer(challenge));
    let again = &sent[0];
    assert!(
        again
            .header("Authorization")
            .unwrap()
            .contains("username=\"100\"")
    );
    f.send_from(
        PBX.parse().unwrap(),
        &again.answer("200 OK\r\nExpires: 3600\r\n"),
    );
    let [from, to, call_id] = ["From", "To", "Call-ID"].map(|it| again.header(it).unwrap());
    let body = "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" \
                version=\"1\" state=\"full\" entity=\"sip:200@pbx.example\"></dialog-info>";
    let notify = format!(
        "NOTIFY {CONTACT} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bKn1\r\nFrom: {to};tag=p\r\nTo: {from}\r\n\
         Call-ID: {call_id}\r\nCSeq: 1 NOTIFY\r\nContact: <sip:{PBX}>\r\nEvent: dialog\r\n\
         Subscription-State: active;expires=3600\r\nContent-Type: application/dialog-info+xml\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(f.status_of(PBX, &notify), 200);
    let states: StdVec<_> = f.agent.lamps().map(|it| it.state).collect();
    assert_eq!(
        states,
        [Some(Watched::Idle), Some(Watched::Idle)],
        "and all is well"
    );
    let report = f.agent.upstreams(f.now).next().expect("an account");
    let stands = (report.registration, report.publication, report.next);
    assert_eq!(stands, (Stands::Off, Stands::Off, None));
    assert_eq!((report.broken_since, report.why), (None, ""));
    // No longer than until the lamp asks whether its server is still there.
    assert_eq!(f.run(Duration::from_secs(60)), []);
    f.input(Input::Dnd(true));
    assert_eq!(f.drain(), [], "nobody is told");
}

#[test]
fn an_account_for_lamps_keeps_a_nat_open_where_it_is_told_to() {
    let mut f = with_lamps_alone(Some(KeepAlive::Options(Seconds(25))), &[PBX]);
    for _ in 0..3 {
        let options = f.wants("OPTIONS");
        assert_eq!(options.flow.remote.to_string(), PBX);
        f.send_from(PBX.parse().unwrap(), &options.answer("404 Not Found"));
    }
    let mut f = with_lamps_alone(Some(KeepAlive::Options(Seconds::ZERO)), &[PBX]);
    let sent = f.run(Duration::from_secs(400));
    assert!(sent.iter().all(|(_, it)| it.text.starts_with("SUBSCRIBE")));
}

#[test]
fn an_account_for_lamps_turns_to_the_next_server_and_back() {
    for keep_alive in [None, Some(KeepAlive::Options(Seconds(25)))] {
        let mut f = with_lamps_alone(keep_alive, &[PBX, SECOND]);
        let sent = f.run(Duration::from_secs(400));
        for server in [PBX, SECOND] {
            let went = |it: &(u64, Sent)| {
                it.1.text.starts_with("SUBSCRIBE") && it.1.flow.remote.to_string() == server
            };
            let times: StdVec<u64> = sent.iter().filter(|it| went(it)).map(|it| it.0).collect();
            assert!(times.len() > 2, "{server}: {times:?}");
        }
        let others = sent
            .iter()
            .filter(|(_, it)| !it.text.starts_with("SUBSCRIBE"));
        match keep_alive {
            None => assert_eq!(others.count(), 0),
            Some(_) => assert!(others.count() > 2, "OPTIONS"),
        }
    }
}

#[test]
fn an_account_that_registers_no_more_takes_leave_and_stays_for_its_lamps() {
    let mut f = with_account();
    f.register_account();
    let mut settings = f.agent.settings().clone();
    settings.upstreams[0].register = false;
    f.agent.reconfigure(f.moment(), &settings);
    let farewell = f.wants("REGISTER");
    assert_eq!(farewell.header("Expires"), Some("0"));
    f.send_from(PBX.parse().unwrap(), &farewell.answer("200 OK"));
    assert_eq!(f.run(Duration::from_secs(2_000)), []);
    settings.upstreams[0].register = true;
    f.agent.reconfigure(f.moment(), &settings);
    assert_eq!(f.register_account().header("Expires"), Some("300"));
}
