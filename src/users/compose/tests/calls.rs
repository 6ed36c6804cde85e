//! What the calls that are known make of both packages.

use super::*;
use crate::events::package::presence;
use crate::events::watched::Watched;
use crate::wire::doc::dialog_info::{Direction, State};

const IN: Option<Direction> = Some(Direction::Recipient);
const OUT: Option<Direction> = Some(Direction::Initiator);

fn call(key: u64, state: State, direction: Option<Direction>) -> Call {
    Call {
        direction,
        ..Call::new(key, state)
    }
}

fn held(key: u64) -> Call {
    Call {
        is_held: true,
        ..call(key, State::Confirmed, IN)
    }
}

fn at(calls: &[Call]) -> Desk {
    Desk {
        calls: calls.to_vec(),
        ..Desk::default()
    }
}

/// What a lamp makes of our presence document.
fn look(composed: &Composed) -> Watched {
    let presence = &composed.presence;
    let summary = Summary {
        basic: Some(presence.basic),
        activities: presence.activities,
        said: Said::noted(&presence.note),
        ..Summary::new()
    };
    presence::watched(&summary)
}

#[test]
fn both_packages_say_the_same_of_calls() {
    let on_the_phone = Activities::ON_THE_PHONE;
    for (calls, note, activities, watched) in [
        (
            &[call(1, State::Early, IN)][..],
            "Ringing",
            Activities::NONE,
            Watched::Ringing,
        ),
        (
            &[call(1, State::Early, None)],
            "Ringing",
            Activities::NONE,
            Watched::Ringing,
        ),
        (
            &[call(1, State::Trying, OUT)],
            "On the phone",
            on_the_phone,
            Watched::Busy,
        ),
        (
            &[call(1, State::Confirmed, IN)],
            "On the phone",
            on_the_phone,
            Watched::Busy,
        ),
        (&[held(1)], "On hold", on_the_phone, Watched::Held),
        (
            &[held(1), call(2, State::Confirmed, OUT)],
            "On the phone",
            on_the_phone,
            Watched::Busy,
        ),
        (
            &[held(1), call(2, State::Early, IN)],
            "Ringing",
            on_the_phone,
            Watched::Ringing,
        ),
        (
            &[call(1, State::Terminated, IN)],
            "",
            Activities::NONE,
            Watched::Idle,
        ),
    ] {
        let composed = at(calls).compose();
        assert_eq!(composed.calls, calls, "as they were told");
        assert_eq!(composed.presence.note.as_str(), note, "{calls:?}");
        assert_eq!(composed.presence.activities, activities, "{calls:?}");
        assert_eq!(composed.presence.basic, Basic::Open);
        assert_eq!(look(&composed), watched, "{calls:?}");
    }
}

#[test]
fn a_call_that_is_known_takes_the_place_of_the_virtual_one() {
    let rings = call(1, State::Early, IN);
    let desk = at(core::slice::from_ref(&rings)).apply(Input::Hook(true));
    assert_eq!(desk.compose().calls, [rings]);
    let desk = at(&[]).apply(Input::Hook(true));
    assert_eq!(desk.compose().calls, [Call::unknown()]);
}

#[test]
fn a_phone_with_a_call_is_there_though_it_is_not_registered() {
    let desk = at(&[call(1, State::Confirmed, IN)]).registers(Reach::Gone);
    let composed = desk.compose();
    assert!(!composed.presence.gone);
    assert_eq!(composed.calls.len(), 1);
}

fn dialogs(inside: &str) -> String {
    format!(
        "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='0' state='full' \
         entity='sip:desk@192.0.2.1'>{inside}</dialog-info>"
    )
}

/// The same desk with documents of calls published for it.
fn publishing(mut desk: Desk, documents: &[String]) -> Desk {
    desk.dialogs = documents.to_vec();
    desk
}

fn states(composed: &Composed) -> StdVec<State> {
    composed.calls.iter().map(|it| it.state).collect()
}

#[test]
fn published_calls_count_beside_local_ones() {
    let early = "<dialog id='a' direction='recipient'><state>early</state></dialog>";
    let both = dialogs(&format!(
        "{early}<dialog id='b'><state>confirmed</state></dialog>"
    ));
    let desk = publishing(at(&[call(1, State::Trying, OUT)]), &[both]);
    let composed = desk.compose();
    assert_eq!(
        states(&composed),
        [State::Trying, State::Early, State::Confirmed]
    );
    assert_eq!(composed.calls[1].direction, IN);
    // The same id in another publication is another call.
    let desk = publishing(Desk::default(), &[dialogs(early), dialogs(early)]);
    let composed = desk.compose();
    assert_eq!(composed.calls.len(), 2);
    assert_ne!(composed.calls[0].key, composed.calls[1].key);
}

#[test]
fn a_call_id_is_one_call_wherever_it_is_told_of() /* kamailio #2906 */
{
    let one = |state| {
        dialogs(&format!(
            "<dialog id='x{state}' call-id='c1'><state>{state}</state></dialog>"
        ))
    };
    let desk = publishing(
        Desk::default(),
        &[one("early"), one("terminated"), one("proceeding")],
    );
    assert_eq!(states(&desk.compose()), [State::Early]);
}

#[test]
fn of_more_calls_than_fit_those_stay_that_are_furthest() {
    let many: String = (0..limits::CALLS)
        .map(|id| format!("<dialog id='{id}'><state>trying</state></dialog>"))
        .collect();
    let last = "<dialog id='z'><state>confirmed</state></dialog>";
    let desk = publishing(Desk::default(), &[dialogs(&format!("{many}{last}"))]);
    let states = states(&desk.compose());
    assert_eq!(states.len(), limits::CALLS);
    assert!(states.contains(&State::Confirmed));
}

#[test]
fn what_asterisk_publishes_is_understood() {
    for (body, expected, is_held) in [
        (
            include_str!("../../../../tests/bodies/dialog_asterisk_ringing.xml"),
            &[State::Early][..],
            false,
        ),
        (
            include_str!("../../../../tests/bodies/dialog_asterisk_talking.xml"),
            &[State::Confirmed],
            false,
        ),
        (
            include_str!("../../../../tests/bodies/dialog_asterisk_hold.xml"),
            &[State::Confirmed],
            true,
        ),
        (
            include_str!("../../../../tests/bodies/dialog_freeswitch_hold.xml"),
            &[State::Confirmed],
            true,
        ),
        (
            include_str!("../../../../tests/bodies/dialog_asterisk_idle.xml"),
            &[State::Terminated],
            false,
        ),
    ] {
        let composed = publishing(Desk::default(), &[body.to_string()]).compose();
        assert_eq!(states(&composed), expected, "{body}");
        assert_eq!(composed.calls[0].is_held, is_held, "{body}");
    }
}
