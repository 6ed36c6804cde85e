//! Lamps that go through an account: wherever it goes, they go too.

use super::*;
use crate::engine::config::{LampSettings, Server, UpstreamSettings, WatchSettings};
use crate::events::package::Package;
use crate::ground::time::Seconds;
use crate::wire::flow::{End, Transport};

const FIRST: &str = "192.0.2.50:5060";
const SECOND: &str = "192.0.2.51:5060";
const MINUTE: Duration = Duration::from_secs(60);

/// One account at these servers, and one lamp through it.
fn account(settings: &mut Settings, servers: &[(&str, Transport)]) {
    settings.upstreams.clear();
    settings.watches.clear();
    settings.lamps.clear();
    add_account(settings, "sip:100@pbx.example", servers);
    let target = Text::copied("sip:200@pbx.example").unwrap();
    let from = Text::copied("sip:100@pbx.example").unwrap();
    let mut watch = WatchSettings::new(target, from, Package::Dialog);
    watch.upstream = Some(0);
    settings.watches.push(watch).unwrap();
    let mut lamp = LampSettings::new(Text::copied("blf").unwrap());
    lamp.shows = Shows::Watch(0);
    settings.lamps.push(lamp).unwrap();
}

fn add_account(settings: &mut Settings, aor: &str, servers: &[(&str, Transport)]) {
    let mut upstream = UpstreamSettings::new(Text::copied(aor).unwrap());
    for (host, transport) in servers {
        let server = Server {
            host: Text::copied(host).unwrap(),
            transport: Some(*transport),
        };
        upstream.servers.push(server).unwrap();
    }
    settings.upstreams.push(upstream).unwrap();
}

fn with(servers: &[(&str, Transport)]) -> Fixture {
    Fixture::with(|settings| account(settings, servers))
}

fn both() -> [(&'static str, Transport); 2] {
    [(FIRST, Transport::Udp), (SECOND, Transport::Udp)]
}

/// What servers do.
#[derive(Clone, Copy)]
struct Servers<'a> {
    alive: &'a [&'a str],
    /// Where they see us, if that is not where we are.
    see: Option<&'a str>,
}

const WELL: Servers<'static> = Servers {
    alive: &[FIRST, SECOND],
    see: None,
};

impl Servers<'_> {
    /// Answers a request as a server that is alive does.
    fn serve(&self, f: &mut Fixture, sent: &Sent) {
        if !self.alive.contains(&sent.flow.remote.to_string().as_str()) {
            return;
        }
        let expires = sent.header("Expires").unwrap_or("0").to_string();
        let contact = sent.header("Contact").unwrap_or_default();
        let mut answer = match sent.text.split(' ').next() {
            Some("REGISTER") => sent.answer(&format!(
                "200 OK\r\nContact: {contact};expires={expires}\r\n"
            )),
            Some("SUBSCRIBE") => sent.answer(&format!("200 OK\r\nExpires: {expires}\r\n")),
            _ => return,
        };
        if let Some(see) = self.see {
            let see: SocketAddr = see.parse().unwrap();
            let seen = format!(";rport={};received={}", see.port(), see.ip());
            answer = answer.replace(";rport", &seen);
        }
        let flow = sent.flow;
        f.agent.handle_datagram(f.moment(), flow, answer.as_bytes());
        if sent.text.starts_with("SUBSCRIBE") && expires != "0" {
            let notify = notify(sent, &expires);
            f.agent.handle_datagram(f.moment(), flow, notify.as_bytes());
        }
    }

    /// Lets time pass; gives the requests that were sent, retransmissions and answers apart.
    fn run(&self, f: &mut Fixture, lasts: Duration) -> StdVec<(u64, Sent)> {
        let (start, end) = (f.now, f.now + lasts);
        let mut all: StdVec<(u64, Sent)> = StdVec::new();
        loop {
            let drained = f.drain();
            let quiet = drained.is_empty();
            for sent in drained {
                if sent.text.starts_with("SIP/2.0") || all.iter().any(|(_, it)| *it == sent) {
                    continue;
                }
                self.serve(f, &sent);
                all.push(((f.now - start).as_millis() as u64, sent));
            }
            if !quiet {
                continue;
            }
            match f.agent.due() {
                Some(due) if due <= end => {
                    f.now = f.now.max(due);
                    f.agent.handle_timeout(f.moment());
                }
                Some(_) | None => {
                    f.now = end;
                    return all;
                }
            }
        }
    }
}

/// The NOTIFY that follows a SUBSCRIBE: nobody is on the phone.
fn notify(sent: &Sent, expires: &str) -> String {
    let call = sent.header("Call-ID").unwrap();
    let cseq = sent.cseq();
    let body = format!(
        "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{cseq}\" state=\"full\" entity=\"sip:200@pbx.example\"></dialog-info>"
    );
    let target = sent.header("To").unwrap().split(";tag=").next().unwrap();
    format!(
        "NOTIFY sip:100@{LOCAL} SIP/2.0\r\nVia: SIP/2.0/{} {};branch=z9hG4bK{call}{cseq}\r\n\
         From: {target};tag=n\r\nTo: {}\r\nCall-ID: {call}\r\nCSeq: {cseq} NOTIFY\r\n\
         Contact: <sip:{}>\r\nEvent: dialog\r\nSubscription-State: active;expires={expires}\r\n\
         Content-Type: application/dialog-info+xml\r\nContent-Length: {}\r\n\r\n{body}",
        sent.flow.transport.name(),
        sent.flow.remote,
        sent.header("From").unwrap(),
        sent.flow.remote,
        body.len(),
    )
}

/// When the first request of that method went there.
#[track_caller]
fn at(sent: &[(u64, Sent)], method: &str, remote: &str) -> u64 {
    let remote: SocketAddr = remote.parse().unwrap();
    let found = sent
        .iter()
        .find(|(_, it)| it.text.starts_with(method) && it.flow.remote == remote);
    found
        .unwrap_or_else(|| panic!("no {method} to {remote} in {sent:#?}"))
        .0
}

fn of<'a>(sent: &'a [(u64, Sent)], method: &'a str) -> StdVec<&'a Sent> {
    let all = sent.iter().map(|(_, it)| it);
    all.filter(|it| it.text.starts_with(method)).collect()
}

/// What the lamp knows, and whether that is in doubt.
fn lamp(f: &Fixture) -> (Watched, bool) {
    let id = f.agent.watches[0].unwrap();
    let (watched, broken) = f.agent.watcher.known(id).unwrap();
    (watched, broken.is_some())
}

fn reload(f: &mut Fixture, change: impl FnOnce(&mut Settings)) {
    let mut settings = Box::new(Settings::new());
    settings.copy_from(f.agent.settings());
    change(&mut settings);
    settings.validate().unwrap();
    f.agent.reconfigure(f.moment(), &settings);
}

#[test]
fn a_lamp_follows_its_account_to_the_second_server_and_home_again() /* R13 T20 */
{
    let mut f = with(&both());
    let first_is_dead = Servers {
        alive: &[SECOND],
        ..WELL
    };
    let sent = first_is_dead.run(&mut f, MINUTE);
    let registered = at(&sent, "REGISTER", SECOND);
    assert!((32_000..33_000).contains(&registered));
    let subscribed = at(&sent, "SUBSCRIBE", SECOND);
    assert!(subscribed <= registered + 2_000, "{subscribed}");
    assert_eq!(lamp(&f), (Watched::Idle, false));
    let sent = WELL.run(&mut f, 13 * MINUTE);
    let home = at(&sent, "REGISTER", FIRST);
    assert!((9 * 60_000..12 * 60_000).contains(&home));
    let subscribed = at(&sent, "SUBSCRIBE", FIRST);
    assert!(subscribed <= home + 2_000, "{subscribed}");
    assert_eq!(lamp(&f), (Watched::Idle, false));
}

#[test]
fn a_look_at_a_server_that_is_still_down_disturbs_no_lamp() {
    let mut f = with(&both());
    let first_is_dead = Servers {
        alive: &[SECOND],
        ..WELL
    };
    first_is_dead.run(&mut f, MINUTE);
    let sent = first_is_dead.run(&mut f, 30 * MINUTE);
    at(&sent, "REGISTER", FIRST);
    let subscribes = of(&sent, "SUBSCRIBE");
    let second: SocketAddr = SECOND.parse().unwrap();
    assert!(subscribes.iter().all(|it| it.flow.remote == second));
    assert_eq!(lamp(&f), (Watched::Idle, false));
}

#[test]
fn a_lamp_that_finds_its_server_gone_tells_the_account() /* R13 */
{
    let mut f = with(&both());
    WELL.run(&mut f, MINUTE);
    // The lamp is to be refreshed long before the account.
    reload(&mut f, |it| it.upstreams[0].expires = Seconds(3_600));
    WELL.run(&mut f, MINUTE);
    let first_is_dead = Servers {
        alive: &[SECOND],
        ..WELL
    };
    let sent = first_is_dead.run(&mut f, 10 * MINUTE);
    let asked = at(&sent, "SUBSCRIBE", FIRST);
    let registered = at(&sent, "REGISTER", SECOND);
    assert!(registered < asked + 65_000, "{asked} {registered}");
    assert!(at(&sent, "SUBSCRIBE", SECOND) <= registered + 2_000);
    assert_eq!(lamp(&f), (Watched::Idle, false));
}

#[test]
fn a_lamp_goes_by_tcp_where_its_account_does() {
    let mut f = with(&[(FIRST, Transport::Tcp)]);
    let sent = WELL.run(&mut f, MINUTE);
    let subscribes = of(&sent, "SUBSCRIBE");
    assert_eq!(subscribes.len(), 1, "{sent:#?}");
    let subscribe = subscribes[0];
    assert_eq!(subscribe.flow.transport, Transport::Tcp);
    let contact = subscribe.header("Contact").unwrap();
    assert!(contact.contains(";transport=tcp"), "{contact}");
    assert_eq!(lamp(&f), (Watched::Idle, false));
    // The connection is lost: the lamp is not, and hears of the next one.
    let flow = Flow {
        connection: 3,
        ..subscribe.flow
    };
    f.agent.handle_connected(&flow);
    f.agent.handle_disconnected(f.moment(), &flow, End::Closed);
    let sent = WELL.run(&mut f, MINUTE);
    let registered = at(&sent, "REGISTER", FIRST);
    assert!((14_000..31_000).contains(&registered));
    assert!(at(&sent, "SUBSCRIBE", FIRST) < 33_000);
    assert_eq!(lamp(&f), (Watched::Idle, false));
}

#[test]
fn a_lamp_names_the_address_that_its_server_sees() /* R11 */
{
    let public = "203.0.113.9:40000";
    let behind = Servers {
        see: Some(public),
        ..WELL
    };
    let mut f = with(&[(FIRST, Transport::Udp)]);
    let sent = behind.run(&mut f, MINUTE);
    for method in ["REGISTER", "SUBSCRIBE"] {
        let last = *of(&sent, method).last().unwrap();
        let contact = last.header("Contact").unwrap();
        assert!(contact.contains(public), "{method}: {contact}");
    }
    assert_eq!(lamp(&f), (Watched::Idle, false));
}

#[test]
fn after_a_reload_of_servers_a_lamp_is_at_the_new_one() {
    let mut f = with(&[(FIRST, Transport::Udp)]);
    WELL.run(&mut f, MINUTE);
    reload(&mut f, |it| account(it, &[(SECOND, Transport::Udp)]));
    let sent = WELL.run(&mut f, Duration::from_secs(3));
    assert_eq!(at(&sent, "REGISTER", SECOND), 0);
    assert!(at(&sent, "SUBSCRIBE", SECOND) <= 2_000);
    let first: SocketAddr = FIRST.parse().unwrap();
    assert!(
        sent.iter().all(|(_, it)| it.flow.remote != first),
        "{sent:#?}"
    );
    assert_eq!(lamp(&f), (Watched::Idle, false));
}

#[test]
fn a_reload_never_unregisters_an_account_that_stays() {
    let mut f = with(&both());
    let before = WELL.run(&mut f, MINUTE);
    let before = of(&before, "REGISTER")[0].clone();
    reload(&mut f, |it| it.upstreams[0].expires = Seconds(600));
    let sent = WELL.run(&mut f, MINUTE);
    let registers = of(&sent, "REGISTER");
    assert_eq!(registers.len(), 1, "{registers:#?}");
    assert_eq!(registers[0].header("Expires"), Some("600"));
    assert_eq!(registers[0].header("Call-ID"), before.header("Call-ID"));
    assert_eq!(registers[0].cseq(), before.cseq() + 1);
    // Nothing changed: nothing is sent.
    reload(&mut f, |_| {});
    assert_eq!(WELL.run(&mut f, MINUTE), []);
}

#[test]
fn the_place_of_an_account_in_the_file_means_nothing() /* RFC 5626 §4.2.1 */
{
    let servers = [(FIRST, Transport::Udp)];
    let mut f = Fixture::with(|it| {
        add_account(it, "sip:1@pbx.example", &servers);
        add_account(it, "sip:2@pbx.example", &servers);
    });
    let sent = WELL.run(&mut f, MINUTE);
    let registers = of(&sent, "REGISTER");
    assert_eq!(registers.len(), 2);
    for register in registers {
        let contact = register.header("Contact").unwrap();
        assert!(contact.ends_with(";reg-id=1"), "{contact}");
    }
    reload(&mut f, |it| {
        it.upstreams.clear();
        add_account(it, "sip:2@pbx.example", &servers);
        add_account(it, "sip:1@pbx.example", &servers);
    });
    assert_eq!(WELL.run(&mut f, MINUTE), []);
    // One is taken out: that one alone takes leave.
    reload(&mut f, |it| {
        it.upstreams.remove(0);
    });
    let sent = WELL.run(&mut f, MINUTE);
    let registers = of(&sent, "REGISTER");
    assert_eq!(registers.len(), 1);
    assert!(registers[0].header("From").unwrap().starts_with("<sip:2@"));
    assert_eq!(registers[0].header("Expires"), Some("0"));
}

#[test]
fn another_address_of_ours_is_told_to_accounts_and_watches_at_once() {
    const ELSEWHERE: &str = "192.0.2.7:5060";
    let mut f = with(&[(FIRST, Transport::Udp)]);
    WELL.run(&mut f, MINUTE);
    f.agent
        .set_locals(f.now, &[ELSEWHERE.parse::<SocketAddr>().unwrap().into()]);
    let sent = WELL.run(&mut f, Duration::from_secs(2));
    assert_eq!(at(&sent, "REGISTER", FIRST), 0);
    for method in ["REGISTER", "SUBSCRIBE"] {
        let contact = of(&sent, method)[0].header("Contact").unwrap();
        assert!(contact.contains(ELSEWHERE), "{method}: {contact}");
    }
    assert_eq!(of(&sent, "SUBSCRIBE").len(), 1, "once");
    assert_eq!(lamp(&f), (Watched::Idle, false));
}

#[test]
fn a_neighbour_who_cannot_be_told_is_not_believed_either() /* T06 */
{
    let mut f = Fixture::with(|settings| {
        let target = Text::copied("sip:bob@192.0.2.60:5062").unwrap();
        let from = Text::copied(DESK).unwrap();
        let watch = WatchSettings::new(target, from, Package::Dialog);
        settings.watches.push(watch).unwrap();
    });
    let mut bob = Phone::new("bob", "presence");
    bob.address = "192.0.2.60:5062".parse().unwrap();
    let (_, asked) = f.run(Duration::from_secs(1)).remove(0);
    assert_eq!(asked.flow.remote, bob.address);
    f.send(&bob, &asked.answer("200 OK"));
    f.send(&bob, &notify(&asked, "300"));
    let sent = f.send(&bob, &bob.subscribe(600));
    f.send(&bob, &sent[1].answer("200 OK"));
    let broken = |f: &Fixture| f.agent.watches().next().map(|it| it.broken_since.is_some());
    f.run(Duration::from_secs(1));
    assert_eq!(broken(&f), Some(false));
    let told = f.input(Input::Dnd(true)).remove(0);
    f.bounce(&told);
    assert_eq!(broken(&f), Some(true));
}
