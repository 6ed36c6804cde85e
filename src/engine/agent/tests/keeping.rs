//! An agent that loses its power, and what the next one knows.

use super::*;
use crate::engine::config::{Account, Server, Strangers, UpstreamSettings};
use crate::ground::random::Random;
use crate::ground::time::{Seconds, Wall};
use crate::wire::doc::pidf::Activities;
use std::collections::BTreeMap;
use std::vec;

/// What a store has.
#[derive(Default)]
pub(super) struct Disk {
    pub(super) records: BTreeMap<String, StdVec<u8>>,
    pub(super) writes: usize,
}

impl Disk {
    /// Writes what is due by now.
    pub(super) fn save(&mut self, f: &mut Fixture) {
        if f.agent.save_due().is_none_or(|due| due > f.now) {
            return;
        }
        self.writes += 1;
        f.agent.begin_save(f.now);
        let mut buf = vec![0; RECORD];
        while let Some((key, len)) = f.agent.next_record(f.moment(), &mut buf) {
            let name = key.name().to_string();
            assert_eq!(Key::named(&name), Some(key));
            match len {
                Some(len) => drop(self.records.insert(name, buf[..len].to_vec())),
                None => drop(self.records.remove(&name)),
            }
        }
    }

    /// Lets time pass and writes what comes due meanwhile.
    pub(super) fn run(&mut self, f: &mut Fixture, lasts: Duration) -> StdVec<Sent> {
        let (end, mut sent) = (f.now + lasts, StdVec::new());
        while f.now < end {
            let due = f.agent.save_due().unwrap_or(end).clamp(f.now, end);
            let step = (due - f.now).max(Duration::from_millis(1));
            sent.extend(f.run(step.min(end - f.now)).into_iter().map(|(_, it)| it));
            self.save(f);
        }
        sent
    }

    /// The next agent, `outage` later, by a clock that begins anew.
    pub(super) fn boot(
        &self,
        wall: Wall,
        outage: Seconds,
        change: impl FnOnce(&mut Settings),
    ) -> Fixture {
        let mut f = Fixture::with(change);
        f.now = Instant::from_millis(3_000);
        let millis = wall
            .unix_millis()
            .map_or(0, |it| it + u64::from(outage.0) * 1_000);
        f.wall = Wall::from_unix_millis(millis);
        let settings = f.agent.settings().clone();
        f.agent = new_agent();
        let seed = [u64::from(outage.0) + 77, 5];
        f.agent.start(
            f.moment(),
            &settings,
            seed,
            &[LOCAL.parse::<SocketAddr>().unwrap().into()],
        );
        for first in [true, false] {
            for (name, record) in &self.records {
                let key = Key::named(name).expect("a key");
                if (key == Key::Identity) == first {
                    f.agent.restore(f.moment(), key, record);
                }
            }
        }
        f.agent.keep();
        f
    }
}

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) fn keeping(change: impl FnOnce(&mut Settings)) -> (Fixture, Disk) {
    let mut f = Fixture::with(change);
    f.agent.keep();
    (f, Disk::default())
}

/// The desk changes so often, and everybody is told.
fn press(f: &mut Fixture, phones: &[&Phone], times: usize) -> StdVec<Sent> {
    let mut told = StdVec::new();
    for round in 0..times {
        f.run(6 * SECOND);
        for notify in f.input(Input::Dnd(round % 2 == 0)) {
            let whose = phones.iter().find(|it| it.address == notify.flow.remote);
            f.confirm(whose.expect("a phone of ours"), &notify);
            told.push(notify);
        }
    }
    told
}

/// The next agent has another address: it says so, or the refresh would go to where the last one was.
#[test]
fn an_agent_that_boots_elsewhere_names_its_new_address() {
    let (mut f, mut disk) = keeping(|_| {});
    f.watching("bob", "presence");
    disk.run(&mut f, 2 * SECOND);
    let mut again = Fixture::new();
    let settings = again.agent.settings().clone();
    again.agent = new_agent();
    let moved: SocketAddr = "192.0.2.3:5060".parse().unwrap();
    let moment = again.moment();
    again
        .agent
        .start(moment, &settings, [3, 4], &[moved.into()]);
    for (name, record) in &disk.records {
        let key = Key::named(name).expect("a key");
        again.agent.restore(moment, key, record);
    }
    let sent = again.drain();
    assert_eq!(sent.len(), 1, "{sent:#?}");
    let contact = sent[0].header("Contact");
    assert_eq!(contact, Some("<sip:desk@192.0.2.3:5060;gr>"));
    assert_eq!(sent[0].flow.local, moved);
}

#[test]
fn watchers_are_told_at_once_after_a_cut_and_no_number_goes_back() /* N22 D02 ATTACKS H05 */
{
    let (mut f, mut disk) = keeping(|_| {});
    let mut bob = f.watching("bob", "dialog");
    let carol = f.watching("carol", "presence");
    disk.run(&mut f, 2 * SECOND);
    // All of this happens behind the store's back: no NOTIFY is worth a write.
    let told = press(&mut f, &[&bob, &carol], 9);
    let mut last = told
        .iter()
        .rfind(|it| it.flow.remote == bob.address)
        .cloned()
        .expect("told");
    for cut in 1..=3 {
        let mut after = disk.boot(f.wall, Seconds(20), |_| {});
        let sent = after.drain();
        assert_eq!(sent.len(), 2, "one NOTIFY each: {sent:#?}");
        let find = |phone: &Phone| sent.iter().find(|it| it.flow.remote == phone.address);
        let first = find(&bob).expect("bob is told").clone();
        assert!(first.is_notify() && first.cseq() > last.cseq(), "cut {cut}");
        for name in ["Call-ID", "From", "To"] {
            assert_eq!(first.header(name), last.header(name));
        }
        let (version, extent, _) = dialogs(&first);
        assert!(
            version > dialogs(&last).0 && extent == Extent::Full,
            "cut {cut}"
        );
        after.confirm(&bob, &first);
        let hers = find(&carol).expect("carol is told").clone();
        after.confirm(&carol, &hers);
        // The dialog goes on.
        let refresh = bob.refresh(3_600);
        let refreshed = after.send(&bob, &refresh);
        assert_eq!(refreshed[0].status(), 200);
        after.confirm(&bob, &refreshed[1]);
        disk.run(&mut after, 2 * SECOND);
        last = press(&mut after, &[&bob, &carol], 2)
            .iter()
            .rfind(|it| it.flow.remote == bob.address)
            .cloned()
            .expect("told");
        f = after;
    }
}

#[test]
fn the_owners_word_survives_and_the_handset_is_where_it_is() {
    let (mut f, mut disk) = keeping(|_| {});
    for input in [
        Input::Dnd(true),
        Input::Activity(Activities::MEETING),
        Input::Note(Text::copied("Back at three").unwrap()),
        Input::Hook(true),
    ] {
        f.input(input);
    }
    disk.run(&mut f, SECOND);
    let after = disk.boot(f.wall, Seconds(5), |_| {});
    let desk = after.agent.presentities().next().expect("the desk");
    assert!(desk.inputs.dnd && !desk.inputs.hook_up);
    assert_eq!(desk.inputs.activity, Activities::MEETING);
    assert_eq!(desk.presence.note.as_str(), "Back at three");
}

#[test]
fn a_subscription_that_ended_stays_ended() {
    let (mut f, mut disk) = keeping(|_| {});
    let mut bob = f.watching("bob", "presence");
    disk.run(&mut f, SECOND);
    let refresh = bob.refresh(0);
    let sent = f.send(&bob, &refresh);
    f.confirm(&bob, &sent[1]);
    disk.run(&mut f, 2 * SECOND);
    let mut after = disk.boot(f.wall, Seconds(5), |_| {});
    assert_eq!(after.drain(), []);
    // And one whose time is long over while the power was off.
    let carol = f.watching("carol", "presence");
    disk.run(&mut f, 120 * SECOND);
    assert_eq!(disk.boot(f.wall, Seconds(7_300), |_| {}).drain(), []);
    // It does not come back either where there is no clock.
    let mut late = disk.boot(f.wall, Seconds(7_300), |_| {});
    let mut cleaned = Disk {
        records: disk.records.clone(),
        writes: 0,
    };
    cleaned.run(&mut late, 2 * SECOND);
    assert!(!cleaned.records.keys().any(|name| name.starts_with("sub/")));
    let told = disk.boot(f.wall, Seconds(3_700), |_| {}).drain();
    assert_eq!(told.len(), 1, "it may have been refreshed");
    assert_eq!(told[0].flow.remote, carol.address);
    assert!(told[0].text.contains("active;expires=60"));
}

#[test]
fn whoever_was_let_in_is_let_in_and_the_others_wait_on() {
    let ask = |it: &mut Settings| {
        it.strangers = Strangers::Ask;
        it.trusted.clear();
    };
    let (mut f, mut disk) = keeping(ask);
    for name in ["bob", "carol"] {
        let phone = Phone::new(name, "presence");
        let sent = f.send(&phone, &phone.subscribe(3_600));
        f.send(&phone, &sent[1].answer("200 OK"));
    }
    assert!(f.agent.approve_waiting(0));
    f.drain();
    disk.run(&mut f, SECOND);
    let mut after = disk.boot(f.wall, Seconds(5), ask);
    let states: StdVec<&str> = after.agent.subscriptions().map(|it| it.state).collect();
    assert_eq!(states, ["active", "pending"]);
    assert_eq!(after.agent.waiting(0), 1);
    let mut again = Phone::new("bob", "presence");
    again.cseq = 9;
    let sent = after.send(
        &again,
        &again.subscribe(3_600).replace("call-bob", "call-new"),
    );
    assert!(
        sent.iter()
            .any(|it| it.text.contains("Subscription-State: active"))
    );
}

#[test]
fn a_phone_that_was_registered_is_and_one_whose_time_is_over_is_not() {
    let phones = |it: &mut Settings| it.presentities[0].registers = true;
    let (mut f, mut disk) = keeping(phones);
    let phone = Phone::new("desk", "");
    let register = phone
        .request("REGISTER", "Expires: 600\r\n")
        .replace("From: <sip:desk@192.0.2.9>", &format!("From: <{DESK}>"));
    assert_eq!(f.send(&phone, &register)[0].status(), 200);
    disk.run(&mut f, 2 * SECOND);
    let basic = |f: &mut Fixture| {
        f.run(SECOND);
        let desk = f.agent.presentities().next();
        desk.expect("the desk").presence.basic
    };
    assert_eq!(
        basic(&mut disk.boot(f.wall, Seconds(300), phones)),
        Basic::Open
    );
    assert_eq!(
        basic(&mut disk.boot(f.wall, Seconds(700), phones)),
        Basic::Closed
    );
    assert_eq!(
        basic(&mut disk.boot(Wall::UNSET, Seconds(0), phones)),
        Basic::Open
    );
}

#[test]
fn what_is_published_above_is_modified_after_a_restart_and_not_doubled() /* P07 */
{
    let above = |it: &mut Settings| {
        let mut upstream = UpstreamSettings::new(Text::copied("sip:100@192.0.2.50").unwrap());
        upstream.register = false;
        upstream.publish = Some(0);
        upstream.account = Account::new();
        let server = Server {
            host: Text::copied("192.0.2.50").unwrap(),
            transport: None,
        };
        upstream.servers.push(server).unwrap();
        it.upstreams.push(upstream).unwrap();
    };
    let (mut f, mut disk) = keeping(above);
    let first = f.run(SECOND).remove(0).1;
    assert!(
        first.text.starts_with("PUBLISH sip:100@192.0.2.50 ")
            && first.header("SIP-If-Match").is_none()
    );
    let server: SocketAddr = "192.0.2.50:5060".parse().unwrap();
    let granted = first.answer("200 OK\r\nSIP-ETag: abc\r\nExpires: 300\r\n");
    f.send_from(server, &granted);
    disk.run(&mut f, 2 * SECOND);
    let mut after = disk.boot(f.wall, Seconds(60), above);
    let next = after.run(SECOND).remove(0).1;
    assert_eq!(next.header("SIP-If-Match"), Some("abc"));
    assert!(!next.body().is_empty(), "a modify, not a refresh");
    // Long after, the server has forgotten it by itself.
    let mut late = disk.boot(f.wall, Seconds(400), above);
    assert_eq!(late.run(SECOND).remove(0).1.header("SIP-If-Match"), None);
}

#[test]
fn refreshes_write_nothing_and_many_changes_few_times() {
    let (mut f, mut disk) = keeping(|_| {});
    let mut phones = [f.watching("bob", "presence"), f.watching("carol", "dialog")];
    disk.run(&mut f, 60 * SECOND);
    let before = disk.writes;
    for _ in 0..5 {
        disk.run(&mut f, 600 * SECOND);
        for phone in &mut phones {
            let refresh = phone.refresh(3_600);
            let sent = f.send(phone, &refresh);
            f.confirm(phone, &sent[1]);
        }
    }
    assert_eq!(disk.writes, before, "a refresh is no reason");
    // Somebody plays with the button for an hour.
    for round in 0..3_600 {
        for notify in f.input(Input::Dnd(round % 2 == 0)) {
            f.send_from(notify.flow.remote, &notify.answer("200 OK"));
        }
        for notify in disk.run(&mut f, SECOND) {
            f.send_from(notify.flow.remote, &notify.answer("200 OK"));
        }
    }
    let writes = disk.writes - before;
    assert!((60..=72).contains(&writes), "{writes} writes in an hour");
}

#[test]
fn everything_is_written_again_when_the_store_has_lost_track() {
    let (mut f, mut disk) = keeping(|_| {});
    f.watching("bob", "presence");
    f.input(Input::Dnd(true));
    disk.run(&mut f, SECOND);
    let all = core::mem::take(&mut disk.records);
    f.agent.save_all(f.now);
    disk.run(&mut f, 2 * SECOND);
    assert!(
        all.keys().all(|name| disk.records.contains_key(name)),
        "{:?}",
        disk.records.keys()
    );
}

#[test]
fn records_that_are_none_do_nothing() {
    let (mut f, mut disk) = keeping(|_| {});
    f.watching("bob", "dialog");
    f.input(Input::Dnd(true));
    disk.run(&mut f, SECOND);
    let mut random = Random::new();
    random.seed([8, 9]);
    for _ in 0..3_000 {
        let mut after = Fixture::new();
        for (name, record) in &disk.records {
            let mut record = record.clone();
            let at = random.bits() as usize % record.len();
            match random.bits() % 3 {
                0 => record.truncate(at),
                1 => record[at] ^= 1 << (random.bits() % 8),
                _ => record.insert(at, random.bits() as u8),
            }
            let key = Key::named(name).expect("a key");
            after.agent.restore(after.moment(), key, &record);
        }
        after.run(SECOND);
    }
    for name in ["", "sub", "sub/", "sub/x", "sub/70000", "id/1", "what/1"] {
        assert_eq!(Key::named(name), None, "{name}");
    }
    // Slots that a smaller build does not have, and another version.
    let record = disk.records["sub/0"].clone();
    let mut after = Fixture::new();
    assert!(
        !after
            .agent
            .restore(after.moment(), Key::Subscription(9_999), &record)
    );
    let newer: StdVec<u8> = [&[crate::engine::agent::keeping::VERSION + 1], &record[1..]].concat();
    assert!(
        !after
            .agent
            .restore(after.moment(), Key::Subscription(0), &newer)
    );
}
