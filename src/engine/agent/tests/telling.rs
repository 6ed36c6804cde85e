//! What watchers are told, how often, and what their answers mean (RFC 6665 §4.2.2). Groups N and D.

use super::*;
use crate::events::identity::Identity;
use crate::events::package::{Pace, Package};
use crate::events::ruling::Ruling;
use crate::events::subscription::Verdict;
use crate::ground::time::Seconds;
use crate::roles::notifier::{Subscriber, Subscription};
use crate::wire::doc::dialog_info::{Extent, State};
use crate::wire::doc::pidf::Basic;
use crate::wire::sip::{self, Message, Rows, Status};

#[test]
fn every_change_is_told_to_every_watcher_of_both_packages() /* N31 */
{
    let mut f = Fixture::new();
    let watchers = [
        f.watching("bob", "presence"),
        f.watching("carol", "dialog"),
        f.watching("dave", "presence"),
    ];
    let told = f.input(Input::Hook(true));
    assert_eq!(told.len(), 3);
    for (watcher, _) in watchers.iter().zip(&told) {
        let notify = told
            .iter()
            .find(|sent| sent.flow.remote == watcher.address)
            .expect("told");
        f.confirm(watcher, notify);
    }
    let again = f.input(Input::Hook(true));
    assert_eq!(again, [], "nothing changed");
}

/// ```text
///   phone                agent       owner
///     │◄──────── NOTIFY 2 ─│◄── dnd on
///     │                    │◄── dnd off, off-hook: merged
///     │── 200 ────────────►│
///     │◄──────── NOTIFY 3 ─│   the newest state
/// ```
#[test]
fn one_notify_is_in_flight_and_the_newest_state_comes_last() /* N31 H06 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    let first = f.input(Input::Dnd(true));
    assert_eq!(basic(&first[0]), Some(Basic::Closed));
    assert_eq!(f.input(Input::Dnd(false)), []);
    assert_eq!(f.input(Input::Hook(true)), []);
    let next = f.send(&phone, &first[0].answer("200 OK"));
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].cseq(), first[0].cseq() + 1);
    assert_eq!(basic(&next[0]), Some(Basic::Open));
    assert!(next[0].body().contains("on-the-phone"));
    f.confirm(&phone, &next[0]);
}

#[test]
fn a_burst_is_told_at_once_then_at_the_interval_and_never_lost() /* N31 D12 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    let mut told = 0;
    for press in 0..7 {
        for notify in f.input(Input::Dnd(press % 2 == 0)) {
            told += 1;
            f.confirm(&phone, &notify);
        }
    }
    assert_eq!(told, 4, "the burst of the default settings");
    let late = f.run(Duration::from_secs(6));
    assert_eq!(
        late.len(),
        2,
        "the merged change and its first repetition: {late:#?}"
    );
    assert_eq!((late[0].0, basic(&late[0].1)), (5_000, Some(Basic::Closed)));
}

#[test]
fn final_answers_that_deny_the_subscription_remove_it() /* N26 N27 */
{
    for status in [
        404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604,
    ] {
        let mut f = Fixture::new();
        let phone = f.watching("bob", "presence");
        let told = f.input(Input::Dnd(true));
        assert_eq!(f.send(&phone, &told[0].answer(&format!("{status} No"))), []);
        assert_eq!(f.agent.notifier.len(), 0, "{status}");
        assert_eq!(f.run(Duration::from_secs(4_000)), []);
    }
}

#[test]
fn an_unanswered_notify_is_repeated_eleven_times_and_removes() /* N27 T01 T02 C08 */
{
    let mut f = Fixture::new();
    f.watching("bob", "presence");
    let told = f.input(Input::Dnd(true));
    let repeats = f.run(Duration::from_secs(33));
    assert_eq!(repeats.len(), 10);
    assert!(
        repeats.iter().all(|(_, repeat)| *repeat == told[0]),
        "the same bytes"
    );
    assert_eq!(f.agent.notifier.len(), 0);
    assert_eq!(f.run(Duration::from_secs(4_000)), []);
}

#[test]
fn passing_failures_keep_the_subscription_and_the_newest_state_is_told() /* N28 */
{
    for status in [400, 401, 403, 406, 407, 415, 420] {
        let mut f = Fixture::new();
        let phone = f.watching("bob", "presence");
        let told = f.input(Input::Dnd(true));
        f.send(&phone, &told[0].answer(&format!("{status} No")));
        assert_eq!(f.agent.notifier.len(), 1, "{status}");
        assert_eq!(f.input(Input::Dnd(false)).len(), 1, "{status}");
    }
    for (answer, waits) in [
        ("500 No", 4_000),
        ("503 No", 4_000),
        ("503 No\r\nRetry-After: 17\r\n", 17_000),
    ] {
        let mut f = Fixture::new();
        let phone = f.watching("bob", "presence");
        let told = f.input(Input::Dnd(true));
        f.send(&phone, &told[0].answer(answer));
        let again = f.run(Duration::from_millis(waits + 100));
        assert_eq!(
            (again.len(), again[0].0, basic(&again[0].1)),
            (1, waits, Some(Basic::Closed)),
            "{answer}"
        );
        f.confirm(&phone, &again[0].1);
    }
}

#[test]
fn an_unreachable_watcher_is_tried_again_and_then_removed() /* T06 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    let mut told = f.input(Input::Dnd(true)).remove(0);
    assert_eq!(told.flow.remote, phone.address);
    for waits in [4_000, 8_000, 16_000] {
        f.bounce(&told);
        let again = f.run(Duration::from_millis(waits));
        assert_eq!(
            again.iter().map(|(at, _)| *at).collect::<StdVec<_>>(),
            [waits]
        );
        told = again[0].1.clone();
    }
    f.bounce(&told);
    assert!(f.agent.notifier.is_empty());
}

#[test]
fn a_full_table_refuses_the_new_and_refreshes_the_old() /* N38 */
{
    for left in 0..3 {
        let mut f = Fixture::new();
        let mut old = f.watching("old", "presence");
        f.agent.notifier.leave_room(Some(left));
        for number in 0..=left {
            let phone = Phone::new(&format!("n{number}"), "presence");
            let sent = f.send(&phone, &phone.subscribe(600));
            if number < left {
                assert_eq!(sent[0].status(), 200);
            } else {
                assert_eq!((sent.len(), sent[0].status()), (1, 503));
                assert_eq!(sent[0].header("Retry-After"), Some("30"));
            }
        }
        assert_eq!(f.send(&old.clone(), &old.refresh(600))[0].status(), 200);
        assert_eq!(f.agent.notifier.len(), 1 + left);
    }
}

#[test]
fn a_device_that_forgot_takes_its_own_place_in_a_full_table() /* N38 C01 */
{
    let mut f = Fixture::new();
    let mut phone = f.watching("bob", "presence");
    f.watching("carol", "presence");
    f.agent.notifier.leave_room(Some(0));
    let contact = format!("Contact: <sip:bob@{}>\r\n", phone.address);
    phone.name = "rebooted".to_string();
    phone.to_tag = None;
    let sent = f.send(
        &phone,
        &phone.bare_request("SUBSCRIBE", &format!("{contact}Event: presence\r\n")),
    );
    assert_eq!((sent.len(), sent[0].status()), (2, 200));
    assert_eq!(f.agent.notifier.len(), 2);
}

#[test]
fn a_device_that_moved_is_found_at_its_new_contact() /* N38 C01 */
{
    let mut f = Fixture::new();
    let mut phone = f.watching("bob", "presence");
    let moved = "Contact: <sip:moved@192.0.2.77:5070>\r\nEvent: presence\r\n";
    phone.cseq += 1;
    let sent = f.send(&phone, &phone.bare_request("SUBSCRIBE", moved));
    f.confirm(&phone, &sent[1]);
    f.agent.notifier.leave_room(Some(0));
    phone.to_tag = None;
    // The old Contact finds nothing; the new one finds the place that was forgotten.
    phone.name = "once".to_string();
    let old = format!(
        "Contact: <sip:bob@{}>\r\nEvent: presence\r\n",
        phone.address
    );
    let sent = f.send(&phone, &phone.bare_request("SUBSCRIBE", &old));
    assert_eq!(sent[0].status(), 503);
    phone.name = "again".to_string();
    let sent = f.send(&phone, &phone.bare_request("SUBSCRIBE", moved));
    assert_eq!((sent.len(), sent[0].status()), (2, 200));
    assert_eq!(f.agent.notifier.len(), 1);
}

#[test]
fn a_subscribe_storm_fills_the_table_and_empties_again() /* N38 C03 */
{
    let mut f = Fixture::new();
    let mut refused = 0;
    for number in 0..limits::SUBSCRIPTIONS + 500 {
        let phone = Phone::new(&format!("p{number}"), "presence");
        refused += usize::from(f.send(&phone, &phone.subscribe(60))[0].status() == 503);
    }
    assert_eq!(
        (f.agent.notifier.len(), refused),
        (limits::SUBSCRIPTIONS, 500)
    );
    f.run(Duration::from_secs(200));
    assert!(f.agent.notifier.is_empty() && f.agent.transactions.is_empty());
    f.watching("bob", "presence");
}

#[test]
fn stopping_tells_every_watcher() /* N37 */
{
    let mut f = Fixture::new();
    let watchers = [f.watching("bob", "presence"), f.watching("carol", "dialog")];
    f.agent.stop(f.now);
    let last = f.drain();
    for (watcher, notify) in watchers.iter().zip(&last) {
        assert_eq!(
            notify.header("Subscription-State"),
            Some("terminated;reason=deactivated")
        );
        f.confirm(watcher, notify);
    }
    assert!(f.agent.is_stopped());
}

#[test]
fn stopping_does_not_wait_for_answers() /* N37 J05 */
{
    let mut f = Fixture::new();
    f.watching("bob", "presence");
    let told = f.input(Input::Dnd(true));
    f.agent.stop(f.now);
    let last = f.drain();
    assert_eq!(last[0].cseq(), told[0].cseq() + 1);
    assert!(last[0].text.contains("terminated;reason=deactivated"));
}

#[test]
fn stopping_leaves_a_last_word_that_is_in_flight_alone() /* N37 N27 H04 */
{
    let mut f = Fixture::new();
    let mut bob = f.watching("bob", "presence");
    let unsubscribe = bob.refresh(0);
    let last = f.send(&bob, &unsubscribe);
    assert!(last[1].text.contains("terminated;reason=timeout"));
    f.agent.stop(f.now);
    assert_eq!(f.drain(), []);
    let again = f.run(Duration::from_secs(33));
    assert!(again.iter().all(|(_, sent)| *sent == last[1]));
    assert_eq!(again.len(), 10, "it is sent eleven times in all");
    assert!(f.agent.is_stopped());
}

#[test]
fn stopping_tells_an_end_that_waits_for_an_answer() /* N37 H04 */
{
    let mut f = Fixture::new();
    f.watching("bob", "presence");
    f.run(Duration::from_secs(3_590));
    f.input(Input::Dnd(true));
    f.run(Duration::from_secs(15));
    f.agent.stop(f.now);
    let last = f.drain();
    assert!(last[0].text.contains("terminated;reason=timeout"));
}

#[test]
fn a_presentity_that_goes_takes_its_watchers_along_and_others_stay() /* N37 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    let mut settings = f.agent.settings().clone();
    settings
        .trusted
        .push(Network::parse("198.51.100.0/24").unwrap())
        .unwrap();
    f.agent.reconfigure(f.moment(), &settings);
    assert_eq!(
        f.drain(),
        [],
        "a reload that keeps the desk tells nobody anything"
    );
    settings.presentities[0] =
        PresentitySettings::new(Text::copied("sip:other@192.0.2.1").unwrap());
    f.agent.reconfigure(f.moment(), &settings);
    let last = f.drain();
    assert_eq!(
        last[0].header("Subscription-State"),
        Some("terminated;reason=noresource")
    );
    f.confirm(&phone, &last[0]);
}

#[test]
fn a_dialog_subscription_counts_its_own_versions() /* D01 D02 D03 D04 D09 */
{
    let mut f = Fixture::new();
    let bob = f.watching("bob", "dialog");
    let on = f.input(Input::Hook(true));
    let (version, extent, up) = dialogs(&on[0]);
    assert_eq!(
        (version, extent, up.len(), up[0].1),
        (1, Extent::Partial, 1, State::Confirmed)
    );
    f.confirm(&bob, &on[0]);
    let mut carol = f.watching("carol", "dialog");
    let off = f.input(Input::Hook(false));
    let of = |phone: &Phone| {
        off.iter()
            .find(|sent| sent.flow.remote == phone.address)
            .unwrap()
    };
    assert_eq!(
        dialogs(of(&bob)),
        (
            2,
            Extent::Partial,
            std::vec![(up[0].0.clone(), State::Terminated)]
        )
    );
    assert_eq!(dialogs(of(&carol)).0, 1);
    f.confirm(&bob, of(&bob));
    f.confirm(&carol, of(&carol));
    let refreshed = f.send(&carol.clone(), &carol.refresh(600));
    assert_eq!(dialogs(&refreshed[1]), (2, Extent::Full, std::vec![]));
}

#[test]
fn a_call_missed_while_a_notify_was_in_flight_is_told_as_ended() /* D03 D09 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "dialog");
    let first = f.input(Input::Hook(true));
    f.input(Input::Hook(false));
    f.input(Input::Hook(true));
    let next = f.send(&phone, &first[0].answer("200 OK"));
    let (version, extent, calls) = dialogs(&next[0]);
    assert_eq!((version, extent), (2, Extent::Partial));
    let states: StdVec<_> = calls.iter().map(|(_, state)| *state).collect();
    assert_eq!(states, [State::Terminated, State::Confirmed]);
    assert_ne!(calls[0].0, calls[1].0);
}

#[test]
fn a_named_dialog_that_is_not_there_ends_at_once() /* D10 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "dialog;call-id=\"a@b\";from-tag=1;to-tag=2");
    let sent = f.send(&phone, &phone.subscribe(600));
    assert_eq!(sent[0].status(), 200);
    assert_eq!(
        sent[1].header("Subscription-State"),
        Some("terminated;reason=noresource")
    );
}

#[test]
fn dnd_is_seen_in_both_packages_unless_switched_off() /* D11 */
{
    for shows_dnd in [true, false] {
        let mut f = Fixture::with(|settings| settings.presentities[0].dialog_shows_dnd = shows_dnd);
        f.watching("bob", "dialog");
        f.watching("carol", "presence");
        let told = f.input(Input::Dnd(true));
        assert_eq!(told.len(), if shows_dnd { 2 } else { 1 });
        assert!(
            told.iter()
                .any(|sent| sent.body().contains("<basic>closed</basic>"))
        );
        assert_eq!(
            told.iter()
                .filter(|sent| sent.body().contains("confirmed"))
                .count(),
            told.len() - 1
        );
    }
}

#[test]
fn a_document_that_made_way_for_newer_ones_is_replaced_by_the_newest() {
    let mut f = Fixture::with(|settings| {
        settings.paces = [Pace::UNLIMITED; Package::SERVED_COUNT];
    });
    let silent = f.watching("silent", "presence");
    let awake = f.watching("awake", "presence");
    for press in 0..limits::BODIES + 2 {
        for notify in f.input(Input::Dnd(press % 2 == 0)) {
            if notify.flow.remote == awake.address {
                f.confirm(&awake, &notify);
            }
        }
    }
    let repeat = f.run(Duration::from_millis(600));
    assert_eq!(repeat.len(), 1);
    assert_eq!(repeat[0].1.flow.remote, silent.address);
    assert_eq!(
        (repeat[0].1.cseq(), basic(&repeat[0].1)),
        (3, Some(Basic::Open))
    );
}

/// Every other phone missed one call: two kinds of partial documents, each rendered once.
#[test]
fn watchers_behind_by_different_changes_share_their_documents() /* D03 */
{
    let mut f = Fixture::with(|settings| settings.paces = [Pace::UNLIMITED; Package::SERVED_COUNT]);
    let phones: StdVec<Phone> = (0..2 * limits::BODIES)
        .map(|number| f.watching(&format!("p{number}"), "dialog"))
        .collect();
    for (number, notify) in f.input(Input::Hook(true)).iter().enumerate() {
        let answer = ["200 OK", "400 No"][number % 2];
        f.send_from(notify.flow.remote, &notify.answer(answer));
    }
    let told = f.input(Input::Hook(false));
    assert_eq!(told.len(), phones.len());
    let mut repeats = f.run(Duration::from_millis(510));
    repeats.retain(|(_, sent)| told.contains(sent));
    assert_eq!(
        repeats.len(),
        told.len(),
        "the same bytes again, not replacements"
    );
}

#[test]
fn all_packages_are_served() {
    let mut f = Fixture::new();
    let is_for_all = |package: &&Package| !package.is_private();
    for package in Package::SERVED.iter().filter(is_for_all) {
        f.watching(package.name(), package.name());
    }
}

/// Hands a SUBSCRIBE to the notifier with the verdict that nobody has decided yet.
fn subscribe_unknown(f: &mut Fixture, phone: &Phone) -> Id<Subscription> {
    let text = phone.subscribe(600);
    let mut rows = Rows::new();
    let Ok(Message::Request(request)) = sip::parse(text.as_bytes(), &mut rows) else {
        panic!("a request");
    };
    let from = Subscriber {
        flow: &Flow::udp(LOCAL.parse().unwrap(), phone.address),
        identity: Identity::Nobody,
        rules: &|_| Ruling::plain(Verdict::Confirm),
        trusts: &|_| true,
        owns: &|| false,
    };
    let desk = f.agent.presentities[0];
    let Agent {
        notifier, random, ..
    } = &mut *f.agent;
    let answer = notifier.handle_subscribe(f.now, &request, desk, from, random);
    let expires = Seconds(600);
    assert!(
        matches!(answer, Ok(Answer::Subscribed { expires: granted, .. }) if granted == expires)
    );
    assert_eq!(answer.unwrap().status(), Status::OK, "never 202");
    f.agent.notifier.iter().next().expect("one").0
}

#[test]
fn an_undecided_watcher_is_pending_and_told_nothing() /* N13 N29 */
{
    for verdict in [Verdict::Allow, Verdict::Block] {
        let mut f = Fixture::new();
        let phone = Phone::new("bob", "presence");
        let id = subscribe_unknown(&mut f, &phone);
        let pending = f.drain();
        let state = pending[0].header("Subscription-State");
        assert_eq!(
            (state, pending[0].body()),
            (Some("pending;expires=600"), "")
        );
        f.confirm(&phone, &pending[0]);
        assert_eq!(f.input(Input::Dnd(true)), [], "a change is not for it");
        f.agent.notifier.decide(id, verdict);
        let decided = f.drain();
        let state = decided[0].header("Subscription-State").unwrap();
        match verdict {
            Verdict::Allow => {
                assert_eq!(state, "active;expires=600");
                assert_eq!(basic(&decided[0]), Some(Basic::Closed));
            }
            Verdict::Block | Verdict::Confirm => {
                assert_eq!(state, "terminated;reason=rejected");
                assert_blank(&decided[0]);
            }
        }
    }
}

#[test]
fn a_repeated_answer_to_a_notify_is_swallowed() /* T04 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    let first = f.input(Input::Dnd(true));
    f.input(Input::Dnd(false));
    let next = f.send(&phone, &first[0].answer("200 OK"));
    assert_eq!(next.len(), 1);
    for repeat in ["200 OK", "481 Gone", "503 Later"] {
        assert_eq!(f.send(&phone, &first[0].answer(repeat)), [], "{repeat}");
    }
    f.confirm(&phone, &next[0]);
    assert_eq!(f.agent.notifier.len(), 1);
}
