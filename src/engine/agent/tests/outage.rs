//! A PBX that is gone for minutes and comes back: how much it is asked meanwhile, and how soon everything is told again.

use super::*;
use crate::engine::config::{LampSettings, Server, UpstreamSettings, WatchSettings};
use crate::events::package::Package;
use std::collections::BTreeSet;

const FIRST: &str = "192.0.2.50:5060";
const SECOND: &str = "192.0.2.51:5060";
const SECONDS: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const LAMPS: usize = 16;

/// Servers that share nothing, each dead or alive.
struct Pbx {
    alive: StdVec<&'static str>,
    /// Whose SUBSCRIBEs vanish.
    mute: Option<&'static str>,
    /// The Call-IDs of the subscriptions that a server has.
    known: BTreeSet<String>,
    etags: u32,
    /// When a request was answered first since this was cleared.
    answered: Option<u64>,
}

/// A request of ours as it was sent, and when; the first of its branch or one more.
struct Asked {
    at: u64,
    is_new: bool,
    sent: Sent,
}

impl Pbx {
    fn new() -> Pbx {
        Pbx {
            alive: StdVec::from([FIRST, SECOND]),
            mute: None,
            known: BTreeSet::new(),
            etags: 0,
            answered: None,
        }
    }

    /// All servers are gone, and forget everything.
    fn die(&mut self) {
        self.alive.clear();
        self.known.clear();
        self.answered = None;
    }

    fn serve(&mut self, f: &mut Fixture, at: u64, sent: &Sent) {
        let remote = sent.flow.remote.to_string();
        let method = sent.text.split(' ').next().unwrap_or_default().to_string();
        let is_mute = self.mute.is_some_and(|it| sent.text.contains(it));
        if !self.alive.contains(&remote.as_str()) || method == "SUBSCRIBE" && is_mute {
            return;
        }
        self.answered.get_or_insert(at);
        let expires = sent.header("Expires").unwrap_or("0").to_string();
        let call = sent.header("Call-ID").unwrap().to_string();
        let is_first = !sent.header("To").unwrap().contains(";tag=");
        let contact = sent.header("Contact").unwrap_or_default();
        let answer = match method.as_str() {
            "REGISTER" => format!("200 OK\r\nContact: {contact};expires={expires}\r\n"),
            "PUBLISH" => {
                self.etags += 1;
                format!(
                    "200 OK\r\nSIP-ETag: e{}\r\nExpires: {expires}\r\n",
                    self.etags
                )
            }
            "SUBSCRIBE" if !is_first && !self.known.contains(&call) => "481 Gone\r\n".to_string(),
            "SUBSCRIBE" => format!("200 OK\r\nExpires: {expires}\r\n"),
            _ => "200 OK\r\n".to_string(),
        };
        let takes = method == "SUBSCRIBE" && answer.starts_with("200") && expires != "0";
        let answer = sent.answer(&answer);
        let flow = sent.flow;
        f.agent.handle_datagram(f.moment(), flow, answer.as_bytes());
        if takes {
            self.known.insert(call);
            let notify = notify(sent, &expires);
            f.agent.handle_datagram(f.moment(), flow, notify.as_bytes());
        }
    }

    /// Lets time pass; gives all requests that were sent. `watch` looks at the agent after each step.
    fn run(
        &mut self,
        f: &mut Fixture,
        lasts: Duration,
        watch: &mut dyn FnMut(&Fixture),
    ) -> StdVec<Asked> {
        let end = f.now + lasts;
        let mut all: StdVec<Asked> = StdVec::new();
        let mut branches = BTreeSet::new();
        loop {
            let drained = f.drain();
            let quiet = drained.is_empty();
            for sent in drained {
                if sent.text.starts_with("SIP/2.0") {
                    continue;
                }
                let at = f.now.as_micros() / 1_000;
                self.serve(f, at, &sent);
                let is_new = branches.insert(sent.header("Via").unwrap().to_string());
                all.push(Asked { at, is_new, sent });
            }
            if !quiet {
                continue;
            }
            watch(f);
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

fn notify(sent: &Sent, expires: &str) -> String {
    let call = sent.header("Call-ID").unwrap();
    let cseq = sent.cseq();
    let target = sent.header("To").unwrap().split(";tag=").next().unwrap();
    let body = format!(
        "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{cseq}\" state=\"full\" entity=\"sip:x@pbx.example\"></dialog-info>"
    );
    format!(
        "NOTIFY sip:100@{LOCAL} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK{call}{cseq}\r\n\
         From: {target};tag=n\r\nTo: {}\r\nCall-ID: {call}\r\nCSeq: {cseq} NOTIFY\r\n\
         Contact: <sip:{}>\r\nEvent: dialog\r\nSubscription-State: active;expires={expires}\r\n\
         Content-Type: application/dialog-info+xml\r\nContent-Length: {}\r\n\r\n{body}",
        sent.flow.remote,
        sent.header("From").unwrap(),
        sent.flow.remote,
        body.len(),
    )
}

/// An account that registers and publishes at these servers, and lamps: every other one through it, the others with
/// `server` where that is one.
fn desk(settings: &mut Settings, servers: &[&str]) {
    let mut upstream = UpstreamSettings::new(Text::copied("sip:100@pbx.example").unwrap());
    upstream.publish = Some(0);
    for host in servers {
        let server = Server {
            host: Text::copied(host).unwrap(),
            transport: None,
        };
        upstream.servers.push(server).unwrap();
    }
    settings.upstreams.push(upstream).unwrap();
    for number in 0..LAMPS {
        let target = Text::copied(&format!("sip:{}@pbx.example", 200 + number)).unwrap();
        let from = Text::copied("sip:100@pbx.example").unwrap();
        let mut watch = WatchSettings::new(target, from, Package::Dialog);
        match servers {
            [only] if number % 2 == 1 => watch.server = Text::copied(only).ok(),
            _ => watch.upstream = Some(0),
        }
        settings.watches.push(watch).unwrap();
        let mut lamp = LampSettings::new(Text::copied(&format!("blf{number}")).unwrap());
        lamp.shows = Shows::Watch(number as u16);
        settings.lamps.push(lamp).unwrap();
    }
}

/// Since when each lamp is in doubt.
fn doubts(f: &Fixture) -> StdVec<Option<Instant>> {
    let ids = f.agent.watches.iter().map(|id| id.unwrap());
    ids.map(|id| f.agent.watcher.known(id).unwrap().1).collect()
}

fn all_is_well(f: &Fixture) -> bool {
    let mut accounts = f.agent.upstreams(f.now);
    let account = accounts.next().unwrap();
    let stands = [account.registration, account.publication];
    let lamps = f.agent.panel.states[..LAMPS].iter();
    stands == [crate::roles::upstream::Stands::Yes; 2]
        && account.broken_since.is_none()
        && lamps.into_iter().all(|it| *it == Watched::Idle)
        && doubts(f).iter().all(Option::is_none)
}

/// The most of these moments that lie within so many milliseconds.
fn busiest(moments: &[u64], within: u64) -> usize {
    let count = |from: &u64| {
        let within = *from..*from + within;
        moments.iter().filter(|at| within.contains(at)).count()
    };
    moments.iter().map(count).max().unwrap_or(0)
}

fn moments(asked: &[Asked], counts: impl Fn(&Asked) -> bool) -> StdVec<u64> {
    let counted = asked.iter().filter(|it| counts(it));
    counted.map(|it| it.at).collect()
}

/// An outage of seven minutes; gives what was sent in it and after it.
fn outage(servers: &[&str]) -> (StdVec<Asked>, StdVec<Asked>) {
    let mut f = Fixture::with(|it| desk(it, servers));
    let mut pbx = Pbx::new();
    pbx.run(&mut f, 10 * MINUTE, &mut |_| {});
    assert!(all_is_well(&f));
    pbx.die();
    let during = pbx.run(&mut f, 7 * MINUTE, &mut |_| {});
    assert!(
        f.agent.panel.states[..LAMPS]
            .iter()
            .all(|it| *it == Watched::Unknown)
    );
    pbx.alive.extend([FIRST, SECOND]);
    let back = f.now.as_micros() / 1_000;
    let mut well = None;
    let after = pbx.run(&mut f, 2 * MINUTE, &mut |f| {
        if all_is_well(f) {
            well.get_or_insert(f.now.as_micros() / 1_000);
        }
    });
    let answered = pbx.answered.expect("it was asked");
    assert!(
        answered - back <= 36_000,
        "found back after {} ms",
        answered - back
    );
    let well = well.unwrap_or(u64::MAX);
    assert!(
        well <= answered + 15_000,
        "all was well {} ms later",
        well - answered
    );
    let new = moments(&after, |it| it.is_new);
    assert!(
        busiest(&new, 1_000) <= 9,
        "{} in a second",
        busiest(&new, 1_000)
    );
    (during, after)
}

#[test]
fn after_an_outage_everything_is_back_within_fifteen_seconds() {
    for servers in [&[FIRST][..], &[FIRST, SECOND]] {
        let (during, _) = outage(servers);
        // One watch and one account look for it; all the others wait.
        let new = moments(&during, |it| it.is_new);
        assert!(new.len() <= 90, "{} requests", new.len());
        assert!(busiest(&new, 1_000) <= 4, "{}", busiest(&new, 1_000));
        let datagrams = moments(&during, |_| true);
        assert!(
            busiest(&datagrams, 10_000) <= 60,
            "{}",
            busiest(&datagrams, 10_000)
        );
        // Never is nobody asking for long.
        let gaps = datagrams.windows(2).map(|it| it[1] - it[0]);
        let longest = gaps.max().unwrap();
        assert!(longest <= 60_000, "{longest}");
    }
}

#[test]
fn all_lamps_doubt_in_the_same_moment_when_their_server_is_gone() {
    let mut f = Fixture::with(|it| desk(it, &[FIRST]));
    let mut pbx = Pbx::new();
    pbx.run(&mut f, 10 * MINUTE, &mut |_| {});
    pbx.die();
    let mut first: Option<StdVec<_>> = None;
    pbx.run(&mut f, 5 * MINUTE, &mut |f| {
        let doubts = doubts(f);
        if first.is_none() && doubts.iter().any(Option::is_some) {
            first = Some(doubts);
        }
    });
    let first = first.expect("it is noticed");
    assert!(
        first.iter().all(|it| it.is_some() && *it == first[0]),
        "{first:?}"
    );
    assert_eq!(doubts(&f), first, "nobody has another grace");
}

#[test]
fn one_subscription_that_is_not_answered_disturbs_no_other_lamp() {
    let mut f = Fixture::with(|it| desk(it, &[FIRST]));
    let mut pbx = Pbx::new();
    pbx.run(&mut f, 10 * MINUTE, &mut |_| {});
    pbx.mute = Some("sip:203@");
    let mut is_broken = false;
    let mut others = 0;
    let asked = pbx.run(&mut f, 60 * MINUTE, &mut |f| {
        is_broken |= f.agent.panel.states[3] == Watched::Unknown;
        let states = f.agent.panel.states[..LAMPS].iter().enumerate();
        others += states
            .filter(|(it, state)| *it != 3 && **state != Watched::Idle)
            .count();
    });
    assert!(is_broken, "it is in doubt itself");
    assert_eq!(others, 0);
    let mute = moments(&asked, |it| it.is_new && it.sent.text.contains("sip:203@"));
    assert!(mute.len() <= 30, "{} requests", mute.len());
    // It is told again when it is answered.
    pbx.mute = None;
    pbx.run(&mut f, 6 * MINUTE, &mut |_| {});
    assert!(all_is_well(&f));
}

#[test]
fn a_new_password_is_tried_at_once() {
    let mut f = Fixture::with(|it| {
        desk(it, &[FIRST]);
        it.upstreams[0].account.user = Text::copied("100").unwrap();
        it.upstreams[0].account.password = password("old");
    });
    let mut pbx = Pbx::new();
    // It takes registrations from anybody, but no subscriptions.
    let refuse = |f: &mut Fixture, nonce: u32| {
        for sent in f.drain() {
            if sent.text.starts_with("SUBSCRIBE") {
                let row = format!(
                    "401 No\r\nWWW-Authenticate: Digest realm=\"pbx\", nonce=\"{nonce}\", qop=\"auth\"\r\n"
                );
                let answer = sent.answer(&row);
                f.agent
                    .handle_datagram(f.moment(), sent.flow, answer.as_bytes());
            }
        }
    };
    for nonce in 0..200 {
        refuse(&mut f, nonce);
        f.now += Duration::from_millis(500);
        f.agent.handle_timeout(f.moment());
    }
    let id = f.agent.watches[0].unwrap();
    let report = f.agent.watcher.state(id).unwrap();
    assert_eq!(report.last_reason, "it does not take our password");
    assert_eq!((report.state, report.last_status), ("retrying", Some(401)));
    let mut settings = Box::new(Settings::new());
    settings.copy_from(f.agent.settings());
    settings.upstreams[0].account.password = password("new");
    f.agent.reconfigure(f.moment(), &settings);
    pbx.run(&mut f, 6 * SECONDS, &mut |_| {});
    let known = f.agent.watcher.known(id).unwrap();
    assert_eq!(known, (Watched::Idle, None));
}

fn password(text: &str) -> crate::ua::credentials::Password {
    crate::ua::credentials::Password::new(Text::copied(text).unwrap())
}
