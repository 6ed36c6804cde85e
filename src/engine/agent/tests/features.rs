//! Do-not-disturb at servers: those that keep it too (`as-feature-event`), and those that are told of it otherwise.

mod served;

use super::called::{AOR, PBX, account};
use super::*;
use crate::engine::config::{Features, LampSettings, WatchSettings};
use crate::events::package::Package;
use crate::roles::upstream::{Dialect, Stands};

const ED3: &str = "http://www.ecma-international.org/standards/ecma-323/csta/ed3";
const SECOND: Duration = Duration::from_secs(1);

/// The desk at a server that keeps its features, and a lamp that is lit while calls go elsewhere.
fn with_features() -> Fixture {
    Fixture::with(|settings| {
        let mut upstream = account(&[PBX]);
        let own = Text::copied(AOR).unwrap();
        let mut watch = WatchSettings::new(own.clone(), own, Package::Features);
        watch.upstream = Some(0);
        let watch = settings.share_watch(watch).unwrap();
        let presentity = 0;
        upstream.features = Some(Features { presentity, watch });
        settings.upstreams.push(upstream).unwrap();
        for (name, shows) in [("dnd", Shows::Dnd(0)), ("forward", Shows::Watch(watch))] {
            let mut lamp = LampSettings::new(Text::copied(name).unwrap());
            lamp.shows = shows;
            lamp.looks = settings.default_looks(shows).clone();
            settings.lamps.push(lamp).unwrap();
        }
    })
}

/// A server with features, as BroadWorks is one.
struct Server {
    /// The SUBSCRIBE that the dialog began with.
    first: Sent,
    cseq: u32,
    /// What it believes.
    dnd: bool,
}

impl Server {
    /// Registered and subscribed; nothing was told yet.
    fn new(f: &mut Fixture) -> Server {
        f.register_account();
        let first = f.wants("SUBSCRIBE");
        assert_eq!(first.header("Event"), Some("as-feature-event"));
        let accept = first.header("Accept").unwrap();
        assert!(
            accept.contains("application/x-as-feature-event+xml"),
            "{accept}"
        );
        Server {
            first,
            cseq: 0,
            dnd: false,
        }
    }

    /// Grants a SUBSCRIBE, and does what it asks for.
    fn grant(&mut self, f: &mut Fixture, sent: &Sent) -> StdVec<Sent> {
        if let Some(dnd) = asks(sent) {
            self.dnd = dnd;
        }
        let to = sent.header("To").unwrap();
        let tag = if to.contains(";tag=") { "" } else { ";tag=p" };
        let answer = sent.answer(&format!(
            "200 OK\r\nExpires: 300\r\nContact: <sip:{PBX}>\r\n"
        ));
        let answer = answer.replace(&format!("To: {to}"), &format!("To: {to}{tag}"));
        f.send_from(PBX.parse().unwrap(), &answer)
    }

    /// Tells something; what comes of that besides the 200.
    #[track_caller]
    fn tell(&mut self, f: &mut Fixture, media: &str, body: &str) -> StdVec<Sent> {
        self.cseq += 1;
        let header = |name| self.first.header(name).unwrap();
        let (from, to, call, cseq) = (header("From"), header("To"), header("Call-ID"), self.cseq);
        let to = to.split(";tag=").next().unwrap();
        let notify = format!(
            "NOTIFY sip:100@192.0.2.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bKn{cseq}\r\nFrom: {to};tag=p\r\n\
             To: {from}\r\nCall-ID: {call}\r\nCSeq: {cseq} NOTIFY\r\nContact: <sip:{PBX}>\r\nEvent: as-feature-event\r\n\
             Subscription-State: active;expires=300\r\nContent-Type: {media}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut sent = f.send_from(PBX.parse().unwrap(), &notify);
        let answer = sent
            .iter()
            .position(|it| it.text.starts_with("SIP/2.0"))
            .expect("an answer");
        assert_eq!(sent.remove(answer).status(), 200);
        sent
    }

    /// Tells what it believes.
    #[track_caller]
    fn tell_dnd(&mut self, f: &mut Fixture) -> StdVec<Sent> {
        self.tell(f, "application/x-as-feature-event+xml", &event(self.dnd))
    }

    /// Grants, and tells: what a plain server does with each SUBSCRIBE, until there is none.
    fn serve(&mut self, f: &mut Fixture, sent: StdVec<Sent>) {
        let mut asked: StdVec<Sent> = sent.into_iter().filter(is_subscribe).collect();
        for _ in 0..10 {
            if asked.is_empty() {
                return;
            }
            let mut next = StdVec::new();
            for sent in asked {
                next.extend(self.grant(f, &sent));
                next.extend(self.tell_dnd(f));
            }
            asked = next.into_iter().filter(is_subscribe).collect();
        }
        panic!("it asks without end");
    }
}

fn is_subscribe(sent: &Sent) -> bool {
    sent.text.starts_with("SUBSCRIBE")
}

fn event(dnd: bool) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\r\n<DoNotDisturbEvent xmlns=\"{ED3}\"><device><notKnown/></device>\
         <doNotDisturbOn>{dnd}</doNotDisturbOn></DoNotDisturbEvent>"
    )
}

/// What a SUBSCRIBE asks to be switched.
fn asks(sent: &Sent) -> Option<bool> {
    if sent.body().is_empty() {
        return None;
    }
    assert_eq!(
        sent.header("Content-Type"),
        Some("application/x-as-feature-event+xml")
    );
    assert!(sent.body().contains("<SetDoNotDisturb"), "{}", sent.text);
    Some(
        sent.body()
            .contains("<doNotDisturbOn>true</doNotDisturbOn>"),
    )
}

fn refuses(f: &Fixture) -> bool {
    f.agent.refuses(0)
}

/// The only SUBSCRIBE among what was sent.
#[track_caller]
fn subscribe(sent: StdVec<Sent>) -> Sent {
    let mut all: StdVec<Sent> = sent.into_iter().filter(is_subscribe).collect();
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

fn standing() -> (Fixture, Server) {
    let mut f = with_features();
    let mut server = Server::new(&mut f);
    let first = server.first.clone();
    assert_eq!(asks(&first), None);
    server.grant(&mut f, &first);
    assert!(
        server.tell_dnd(&mut f).is_empty(),
        "there is nothing to say to that"
    );
    (f, server)
}

#[test]
fn dnd_that_is_switched_at_the_server_is_switched_here_and_not_told_back() {
    let (mut f, mut server) = standing();
    let bob = Phone::new("bob", "presence");
    f.send(&bob, &bob.subscribe(600));
    for dnd in [true, false, true] {
        server.dnd = dnd;
        let sent = server.tell_dnd(&mut f);
        assert_eq!(refuses(&f), dnd);
        assert_eq!(
            f.agent.panel.states[0],
            if dnd { Watched::Dnd } else { Watched::Idle }
        );
        assert!(!sent.iter().any(is_subscribe), "it knows that");
        assert!(server.tell_dnd(&mut f).is_empty(), "it is no news twice");
        f.run(10 * SECOND);
    }
}

#[test]
fn dnd_that_is_switched_here_is_switched_at_the_server_and_its_echo_is_no_press() {
    let (mut f, mut server) = standing();
    for dnd in [true, false] {
        let sent = f.input(Input::Dnd(dnd));
        let asked = subscribe(sent);
        assert_eq!(asks(&asked), Some(dnd));
        server.serve(&mut f, std::vec![asked]);
        assert_eq!((server.dnd, refuses(&f)), (dnd, dnd));
    }
    // What is said of something else switches nothing.
    f.input(Input::Hook(true));
    assert!(f.agent.settings.upstreams[0].features.is_some());
    // "Take all back" takes that back, too.
    let sent = f.input(Input::Dnd(true));
    server.serve(&mut f, sent);
    let asked = subscribe(f.input(Input::Clear));
    assert_eq!(asks(&asked), Some(false));
}

#[test]
fn of_two_quick_presses_the_second_one_stays() {
    let (mut f, mut server) = standing();
    let on = subscribe(f.input(Input::Dnd(true)));
    assert!(
        !f.input(Input::Dnd(false)).iter().any(is_subscribe),
        "one request at a time"
    );
    // The echo of the first press comes when it is not wanted any more, before the answer or behind it.
    server.dnd = true;
    server.tell_dnd(&mut f);
    assert!(!refuses(&f));
    let sent = server.grant(&mut f, &on);
    let mut asked: StdVec<Sent> = sent.into_iter().filter(is_subscribe).collect();
    if asked.is_empty() {
        asked = server
            .tell_dnd(&mut f)
            .into_iter()
            .filter(is_subscribe)
            .collect();
    }
    assert!(!refuses(&f));
    let off = subscribe(asked);
    assert_eq!(asks(&off), Some(false));
    server.serve(&mut f, std::vec![off]);
    assert_eq!((server.dnd, refuses(&f)), (false, false));
    assert!(f.agent.watcher.has_no_wish(f.agent.watches[0].unwrap()));
}

#[test]
fn both_who_switch_at_the_same_time_end_equal() {
    for server_is_first in [true, false] {
        for (ours, theirs) in [(true, false), (true, true)] {
            let (mut f, mut server) = standing();
            let asked = subscribe(f.input(Input::Dnd(ours)));
            if server_is_first {
                server.dnd = theirs;
                assert!(!server.tell_dnd(&mut f).iter().any(is_subscribe));
                server.serve(&mut f, std::vec![asked]);
            } else {
                server.serve(&mut f, std::vec![asked]);
                server.dnd = theirs;
                server.tell_dnd(&mut f);
            }
            f.run(5 * SECOND);
            assert_eq!(refuses(&f), server.dnd, "{server_is_first} {ours} {theirs}");
        }
    }
}

#[test]
fn a_press_before_there_is_a_subscription_goes_with_the_first_request() {
    let mut f = with_features();
    f.input(Input::Dnd(true));
    let mut server = Server::new(&mut f);
    let first = server.first.clone();
    assert_eq!(asks(&first), Some(true));
    // The same bytes as long as it is the same request.
    f.input(Input::Dnd(false));
    let again = f.run(2 * SECOND);
    assert!(
        again
            .iter()
            .all(|(_, it)| it.text == first.text || !is_subscribe(it))
    );
    server.serve(&mut f, std::vec![first]);
    assert_eq!((server.dnd, refuses(&f)), (false, false));
}

#[test]
fn a_server_that_does_not_do_as_it_is_asked_is_believed() {
    let (mut f, mut server) = standing();
    let asked = subscribe(f.input(Input::Dnd(true)));
    server.grant(&mut f, &asked);
    server.dnd = false;
    server.tell_dnd(&mut f);
    assert!(!refuses(&f));
}

#[test]
fn several_events_in_one_body_count_and_where_calls_go_is_shown() {
    let (mut f, mut server) = standing();
    let lamp = |f: &Fixture| f.agent.panel.states[1];
    assert_eq!(lamp(&f), Watched::Idle);
    let typed = "Content-Type: application/x-as-feature-event+xml\r\n\r\n";
    for on in [true, false] {
        let forward = format!(
            "<?xml version='1.0' encoding='ISO-8859-1'?><ForwardingEvent xmlns='{}'><device>caf\u{e9}</device>\
             <forwardingType>forwardImmediate</forwardingType><forwardStatus>{on}</forwardStatus></ForwardingEvent>",
            ED3.replace("ecma-international", "ecmainternational")
        );
        let body = format!(
            "--x\r\n{typed}{}\r\n--x\r\n{typed}{forward}\r\n--x--\r\n",
            event(on)
        );
        server.tell(&mut f, "multipart/mixed;boundary=x", &body);
        assert_eq!(refuses(&f), on);
        assert_eq!(lamp(&f), if on { Watched::Away } else { Watched::Idle });
    }
}

#[test]
fn status_says_how_a_server_with_features_stands() {
    let mut f = with_features();
    let report = |f: &Fixture| {
        let report = f.agent.upstreams(f.now).next().unwrap();
        (report.dialect, report.publication, report.last_publish)
    };
    assert_eq!(report(&f), (Some("feature"), Stands::Waiting, None));
    let mut server = Server::new(&mut f);
    let first = server.first.clone();
    server.grant(&mut f, &first);
    server.tell_dnd(&mut f);
    assert_eq!(report(&f), (Some("feature"), Stands::Yes, Some(200)));
    let mut f = with_features();
    let first = Server::new(&mut f).first;
    f.send_from(PBX.parse().unwrap(), &first.answer("489 Bad Event\r\n"));
    assert_eq!(report(&f), (Some("feature"), Stands::Refused, Some(489)));
    // It is asked again, with what was pressed meanwhile.
    f.input(Input::Dnd(true));
    assert_eq!(asks(&f.wants("SUBSCRIBE")), Some(true));
}

#[test]
fn a_press_reaches_an_asterisk_and_direct_watchers_at_once() {
    let mut f = Fixture::with(|settings| {
        let mut upstream = account(&[PBX]);
        upstream.publish = Some(0);
        upstream.dialect = Some(Dialect::Asterisk);
        settings.upstreams.push(upstream).unwrap();
    });
    f.register_account();
    let grant = |f: &mut Fixture, sent: &Sent| {
        let answer = sent.answer("200 OK\r\nSIP-ETag: 1\r\nExpires: 300\r\n");
        f.send_from(PBX.parse().unwrap(), &answer)
    };
    for _ in 0..2 {
        let sent = f.wants("PUBLISH");
        grant(&mut f, &sent);
    }
    f.watching("bob", "presence");
    let sent = f.input(Input::Dnd(true));
    let notify = sent.iter().find(|it| it.is_notify()).expect("a NOTIFY");
    assert_eq!(basic(notify), Some(Basic::Closed));
    let before = f.now;
    let publish = f.wants("PUBLISH");
    assert_eq!(f.now, before, "both at once");
    assert!(publish.text.starts_with("PUBLISH sip:100@pbx.example "));
    let state = "\"device\":\"Custom:DND100\",\"state\":\"BUSY\"";
    assert!(publish.body().contains(state), "{}", publish.text);
}
