//! Those who go before the owner decided about them (RFC 3857 §4.7.1).

use super::*;

#[test]
fn who_goes_before_the_owner_decided_waits_on() /* W05 */
{
    for unsubscribes in [true, false] {
        let mut f = asking();
        let (owner, _) = f.overseeing();
        let mut eve = stranger("eve", "presence", 1);
        let sent = f.comes(&mut eve, 600);
        let id = f.hears(&owner, &sent).rows[0].id.clone();
        let sent = if unsubscribes {
            let text = eve.refresh(0);
            f.send(&eve, &text)
        } else {
            let sent = f.run(Duration::from_secs(600));
            sent.into_iter().map(|(_, message)| message).collect()
        };
        let told = f.hears(&owner, &sent);
        assert_eq!(told.told(), [("eve", Waiting, Timeout)]);
        assert_eq!(told.rows[0].id, id);
        f.answered(&eve, sent);
        assert_eq!(f.agent.waiting(0), 0, "nobody is there to be let in");
        let absent = f.agent.absent().next().expect("eve");
        assert_eq!((absent.state, absent.remote), ("waiting", eve.address));

        // The owner allows somebody who has gone: it counts when she comes back.
        assert_eq!(f.decide("eve", true), Ok(1));
        let sent = f.drain();
        assert_eq!(
            f.hears(&owner, &sent).told(),
            [("eve", Terminated, Approved)]
        );
        assert_eq!(f.agent.absent().count(), 0);
        let mut again = stranger("eve", "presence", 1);
        again.cseq = 50;
        let text = again.subscribe(600).replace("call-eve", "call-again");
        let sent = f.send(&again, &text);
        assert_eq!(f.hears(&owner, &sent).told(), [("eve", Active, Subscribe)]);
    }
}

#[test]
fn who_waits_is_blocked_or_given_up() /* W05 W06 */
{
    for is_blocked in [true, false] {
        let mut f = asking();
        let mut eve = stranger("eve", "presence", 1);
        f.comes(&mut eve, 600);
        let text = eve.refresh(0);
        let sent = f.send(&eve, &text);
        f.answered(&eve, sent);
        f.now += Duration::from_secs(2 * 86_400);
        let (owner, told) = f.overseeing();
        assert_eq!(told.told(), [("eve", Waiting, Timeout)]);
        assert_eq!(told.rows[0].expiration, None);
        if is_blocked {
            assert_eq!(f.decide("eve", false), Ok(1));
            let sent = f.drain();
            assert_eq!(
                f.hears(&owner, &sent).told(),
                [("eve", Terminated, Rejected)]
            );
            let mut again = stranger("eve", "presence", 1);
            again.cseq = 50;
            let text = again.subscribe(600).replace("call-eve", "call-again");
            assert_eq!(f.send(&again, &text)[0].status(), 403);
        } else {
            f.run(Duration::from_secs(2 * 86_400));
            assert_eq!(f.agent.absent().count(), 0);
            let (_, told) = f.overseeing();
            assert_eq!(told.told(), []);
        }
    }
}

#[test]
fn a_strangers_fetch_leaves_somebody_to_decide_about() /* W05 W08 */
{
    let mut f = asking();
    let (owner, _) = f.overseeing();
    let mut eve = stranger("eve", "presence", 1);
    let sent = f.comes(&mut eve, 0);
    assert_eq!(f.hears(&owner, &sent).told(), [("eve", Waiting, Timeout)]);
    // Fetching again changes nothing.
    let mut again = stranger("eve", "presence", 1);
    again.cseq = 50;
    let text = again.subscribe(0).replace("call-eve", "call-again");
    let sent = f.send(&again, &text);
    assert_eq!(f.answered(&again, sent), []);
    assert_eq!(f.agent.absent().count(), 1);
}

#[test]
fn an_invented_sender_is_not_remembered() /* W06 */
{
    let mut f = asking();
    let (owner, _) = f.overseeing();
    let eve = stranger("eve", "presence", 1);
    for (expires, call) in [(0, "call-a"), (600, "call-b")] {
        let mut eve = eve.clone();
        eve.cseq = expires;
        let text = eve.subscribe(expires).replace("call-eve", call);
        let sent = f.send(&eve, &text);
        if expires > 0 {
            assert_eq!(f.hears(&owner, &sent).told(), [("eve", Pending, Subscribe)]);
        }
        let sent = f.run(Duration::from_secs(40));
        let sent: StdVec<_> = sent.into_iter().map(|(_, message)| message).collect();
        if expires > 0 {
            assert_eq!(f.hears(&owner, &sent).told(), [("eve", Terminated, GiveUp)]);
        }
    }
    assert_eq!(f.agent.absent().count(), 0);
    assert_eq!(f.agent.notifier.len(), 1, "the owner");
}

#[test]
fn who_comes_again_waits_in_one_place_only() /* W06 */
{
    let mut f = asking();
    let mut eve = stranger("eve", "presence", 1);
    f.comes(&mut eve, 600);
    let text = eve.refresh(0);
    let sent = f.send(&eve, &text);
    f.answered(&eve, sent);
    let (owner, told) = f.overseeing();
    assert_eq!(told.told(), [("eve", Waiting, Timeout)]);
    let mut again = stranger("eve", "presence", 1);
    again.cseq = 50;
    let text = again.subscribe(600).replace("call-eve", "call-again");
    let sent = f.send(&again, &text);
    let told = f.hears(&owner, &sent);
    assert_eq!(
        told.told(),
        [("eve", Pending, Subscribe), ("eve", Terminated, GiveUp)]
    );
    assert_ne!(told.rows[0].id, told.rows[1].id);
    assert_eq!(f.agent.absent().count(), 0);
}

#[test]
fn those_who_went_are_few() /* W06 */
{
    let mut f = asking();
    for at in 0..3 * limits::ABSENT {
        // Seven at each address.
        let mut eve = stranger(&format!("eve{at}"), "presence", at / 7);
        f.comes(&mut eve, 0);
        let here = f.agent.absent().filter(|it| it.remote == eve.address);
        assert!(here.count() <= limits::ABSENT_EACH);
        assert!(f.agent.absent().count() <= limits::ABSENT);
        let last = f.agent.absent().last().expect("somebody");
        assert_eq!(last.watcher, format!("sip:eve{at}@192.0.2.9").as_bytes());
    }
    assert_eq!(f.agent.absent().count(), limits::ABSENT);
    let (_, told) = f.overseeing();
    let last = f.agent.absent().last().expect("somebody");
    assert_eq!(told.rows[0].uri.as_bytes(), last.watcher, "the last first");
}

#[test]
fn nobody_is_pending_for_ever() /* W06 */
{
    let mut f = asking();
    let mut eve = stranger("eve", "presence", 1);
    f.comes(&mut eve, 3_600);
    let patience = u64::from(limits::GIVE_UP.0);
    for _ in 0..patience / 1_800 - 1 {
        f.now += Duration::from_secs(1_800);
        let text = eve.refresh(3_600);
        let sent = f.send(&eve, &text);
        let [ok, notify] = &sent[..] else {
            panic!("a 200 and a NOTIFY: {sent:#?}")
        };
        assert_eq!(ok.status(), 200);
        f.confirm(&eve, notify);
    }
    let text = eve.refresh(3_600);
    let sent = f.send(&eve, &text);
    assert_eq!(sent[0].header("Expires"), Some("1800"));
    f.confirm(&eve, &sent[1]);
    let sent = f.run(Duration::from_secs(1_800));
    let state = sent[0].1.header("Subscription-State");
    assert_eq!(state, Some("terminated;reason=giveup;retry-after=3600"));
    assert_blank(&sent[0].1);
    assert_eq!(f.agent.absent().count(), 0);
}

#[test]
fn a_presentity_that_is_gone_has_nobody_who_waits() /* W05 */
{
    let mut f = asking();
    let mut eve = stranger("eve", "presence", 1);
    f.comes(&mut eve, 0);
    assert_eq!(f.agent.absent().count(), 1);
    let mut settings = f.agent.settings().clone();
    settings.presentities.clear();
    settings.buttons.clear();
    f.agent.reconfigure(f.moment(), &settings);
    assert_eq!(f.agent.absent().count(), 0);
    assert_eq!(f.drain(), []);
}
