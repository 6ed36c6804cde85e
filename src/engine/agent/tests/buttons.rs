//! Buttons, from the edge to the NOTIFY.

use super::*;
use crate::engine::agent::Trouble;
use crate::engine::config::{Action, ButtonSettings, Gesture};
use crate::ground::random::Random;
use crate::ground::time::Seconds;
use crate::users::compose::Inputs;
use crate::wire::doc::pidf::Activities;

const MEETING: Activities = Activities::MEETING;

/// A button that springs back.
fn button(name: &str, press: Action) -> ButtonSettings {
    ButtonSettings {
        press,
        ..ButtonSettings::new(Text::copied(name).unwrap(), false)
    }
}

/// A switch.
fn switch(name: &str, press: Action) -> ButtonSettings {
    ButtonSettings {
        latching: true,
        ..button(name, press)
    }
}

fn fixture(buttons: &[ButtonSettings]) -> Fixture {
    Fixture::with(|settings| settings.buttons.extend_from_slice(buttons).unwrap())
}

impl Fixture {
    fn edge(&mut self, button: usize, pressed: bool) -> StdVec<Sent> {
        self.agent.handle_button(self.moment(), button, pressed);
        self.drain()
    }

    /// Down and up again at once.
    fn press(&mut self, button: usize) {
        self.edge(button, true);
        self.edge(button, false);
    }

    fn found(&mut self, button: usize, pressed: bool) {
        self.agent.handle_position(self.moment(), button, pressed);
        self.drain();
    }

    fn inputs(&self) -> Inputs {
        let mut all = self.agent.presentities();
        all.next().expect("the desk").inputs.clone()
    }

    fn reload(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.agent.settings().clone();
        change(&mut settings);
        settings.validate().unwrap();
        self.agent.reconfigure(self.moment(), &settings);
        self.drain();
    }

    fn wait(&mut self, seconds: u64) {
        self.run(Duration::from_secs(seconds));
    }

    /// What the log is told about buttons.
    fn complaints(&mut self) -> StdVec<(u16, Trouble)> {
        let mut found = StdVec::new();
        loop {
            match self.agent.poll(self.now, &mut self.buf) {
                Output::Report(Report::Button { button, trouble }) => found.push((button, trouble)),
                Output::Wait(_) => return found,
                _ => {}
            }
        }
    }
}

#[test]
fn each_press_switches_on_or_off() {
    let mut f = fixture(&[
        button("dnd", Action::Dnd),
        button("meeting", Action::Activity(MEETING)),
        button("away", Action::Away),
        button("spare", Action::None),
    ]);
    for on in [true, false, true, false] {
        for button in 0..4 {
            f.press(button);
        }
        let inputs = f.inputs();
        assert_eq!((inputs.dnd, inputs.idle), (on, on));
        assert_eq!(inputs.activity == MEETING, on);
    }
    f.press(99);
}

#[test]
fn what_holds_and_what_stays_goes_by_the_position() {
    for (settings, is_on) in [
        (
            button("a", Action::DndHold),
            (|it| it.dnd) as fn(&Inputs) -> bool,
        ),
        (switch("a", Action::Dnd), |it| it.dnd),
        (switch("a", Action::DndHold), |it| it.dnd),
        (button("a", Action::Hook), |it| it.hook_up),
        (switch("a", Action::Hook), |it| it.hook_up),
        (button("a", Action::ActivityHold(MEETING)), |it| {
            it.activity == MEETING
        }),
        (switch("a", Action::Activity(MEETING)), |it| {
            it.activity == MEETING
        }),
        (switch("a", Action::Away), |it| it.idle),
    ] {
        let mut f = fixture(core::slice::from_ref(&settings));
        for on in [true, false, true, false] {
            f.edge(0, on);
            assert_eq!(is_on(&f.inputs()), on, "{settings:?}");
            f.wait(600);
            assert_eq!(is_on(&f.inputs()), on, "{settings:?}");
            assert_eq!(f.complaints(), [], "what stays down is not stuck");
        }
    }
}

#[test]
fn press_long_press_and_double_press_have_their_own_actions() {
    let many = ButtonSettings {
        long: Action::Clear,
        double: Action::Away,
        ..button("many", Action::Dnd)
    };
    let mut f = fixture(&[many]);
    let phone = f.watching("bob", "presence");
    assert_eq!(f.edge(0, true), []);
    f.run(Duration::from_millis(100));
    assert_eq!(f.edge(0, false), []);
    let told = f.run(Duration::from_millis(450));
    let [(400, notify)] = &told[..] else {
        panic!("the window is over after 400 ms: {told:#?}")
    };
    assert_eq!(basic(notify), Some(Basic::Closed));
    f.confirm(&phone, notify);

    f.press(0);
    let told = f.edge(0, true);
    assert_eq!(told.len(), 1, "at the second press: {told:#?}");
    f.confirm(&phone, &told[0]);
    f.edge(0, false);
    assert!(f.inputs().dnd && f.inputs().idle);

    f.input(Input::Activity(MEETING));
    f.input(Input::Note(Text::copied("soon").unwrap()));
    f.wait(10);
    f.edge(0, true);
    f.run(Duration::from_micros(799_999));
    assert!(f.inputs().dnd);
    f.run(Duration::from_micros(1));
    let inputs = f.inputs();
    assert!(!inputs.dnd && !inputs.idle && inputs.note.is_empty());
    assert_eq!(inputs.activity, Activities::NONE);
    f.edge(0, false);
    f.wait(10);
    assert!(!f.inputs().dnd, "its release does nothing");
}

#[test]
fn at_the_start_positions_count_and_gestures_do_not() {
    let mut f = fixture(&[
        switch("hook", Action::Hook),
        switch("night", Action::Dnd),
        button("away", Action::Away),
    ]);
    for button in 0..3 {
        f.found(button, true);
    }
    let inputs = f.inputs();
    assert!(inputs.hook_up && inputs.dnd && !inputs.idle);
    for button in 0..3 {
        f.edge(button, false);
    }
    let inputs = f.inputs();
    assert!(!inputs.hook_up && !inputs.dnd && !inputs.idle);
    f.press(2);
    assert!(f.inputs().idle);
}

#[test]
fn a_place_is_empty_when_nobody_moved_for_as_long_as_it_takes() {
    let sensor = ButtonSettings {
        timeout: Seconds(600),
        ..button("motion", Action::Motion)
    };
    let mut f = fixture(&[sensor]);
    f.wait(599);
    assert!(!f.inputs().idle, "somebody has just switched it on");
    f.wait(1);
    assert!(f.inputs().idle);
    f.edge(0, true);
    assert!(!f.inputs().idle);
    f.wait(3_600);
    assert!(!f.inputs().idle, "moves all the time");
    f.edge(0, false);
    f.wait(599);
    f.edge(0, true);
    f.edge(0, false);
    f.wait(599);
    assert!(!f.inputs().idle);
    f.wait(1);
    assert!(f.inputs().idle);

    // Found moving at the start: no time runs.
    f.reload(|settings| settings.buttons[0].timeout = Seconds(60));
    assert!(!f.inputs().idle, "it begins anew");
    f.found(0, true);
    f.wait(3_600);
    assert!(!f.inputs().idle);
    f.found(0, false);
    f.wait(60);
    assert!(f.inputs().idle);
    f.reload(|settings| settings.buttons[0].press = Action::None);
    assert!(!f.inputs().idle, "no sensor says so any more");
    f.wait(3_600);
    assert!(!f.inputs().idle);
}

#[test]
fn the_last_change_wins_whoever_makes_it() {
    let mut f = fixture(&[
        switch("night", Action::Dnd),
        switch("meeting", Action::Activity(MEETING)),
        button("clear", Action::Clear),
    ]);
    f.edge(0, true);
    f.input(Input::Dnd(false));
    f.found(0, true);
    assert!(!f.inputs().dnd, "where it was is no change");
    f.edge(0, false);
    f.edge(0, true);
    assert!(f.inputs().dnd);
    f.press(2);
    assert!(!f.inputs().dnd);

    f.edge(1, true);
    f.input(Input::Activity(Activities::BUSY));
    f.edge(1, false);
    assert_eq!(
        f.inputs().activity,
        Activities::BUSY,
        "a switch takes back only its own"
    );
}

#[test]
fn other_settings_keep_what_buttons_hold_unless_they_mean_something_else() {
    let long = ButtonSettings {
        long: Action::Away,
        ..button("dnd", Action::Dnd)
    };
    let mut f = fixture(&[switch("hook", Action::Hook), long]);
    f.edge(0, true);
    f.edge(1, true);
    f.reload(|_| {});
    f.wait(1);
    assert!(f.inputs().hook_up && f.inputs().idle, "nothing changed");
    f.edge(1, false);
    f.edge(1, true);
    f.reload(|settings| settings.buttons[1].long = Action::Clear);
    f.wait(1);
    f.edge(1, false);
    assert!(f.inputs().idle && !f.inputs().dnd, "half a gesture is none");

    f.reload(|settings| settings.buttons[0].press = Action::None);
    assert!(!f.inputs().hook_up, "let go");
    f.reload(|settings| settings.buttons[0].press = Action::Dnd);
    assert!(f.inputs().dnd && !f.inputs().hook_up, "as it stands");
    f.reload(|settings| settings.buttons.clear());
    assert!(!f.inputs().dnd);
    f.edge(0, false);
    f.reload(|settings| settings.buttons.push(switch("hook", Action::Hook)).unwrap());
    assert!(!f.inputs().hook_up);
    f.edge(0, true);
    assert!(f.inputs().hook_up);

    // The same button of somebody else.
    f.reload(|settings| {
        let door = Text::copied("sip:door@192.0.2.1").unwrap();
        let door = PresentitySettings::new(door);
        settings.presentities.push(door).unwrap();
        settings.buttons[0].presentity = 1;
    });
    let up: StdVec<bool> = f.agent.presentities().map(|it| it.inputs.hook_up).collect();
    assert_eq!(up, [false, true]);
}

#[test]
fn no_press_of_a_burst_is_lost() {
    let mut f = fixture(&[button("dnd", Action::Dnd)]);
    for press in 1..=200 {
        f.edge(0, true);
        f.run(Duration::from_millis(20));
        f.edge(0, false);
        f.run(Duration::from_millis(30));
        assert_eq!(f.inputs().dnd, press % 2 == 1, "press {press}");
    }
}

#[test]
fn a_stuck_button_acts_once_and_is_reported_once() {
    let mut f = fixture(&[button("spare", Action::None), button("dnd", Action::Dnd)]);
    let began = f.now;
    f.edge(1, true);
    for due in [60, 61, 3_600] {
        f.now = began + Duration::from_secs(due);
        f.agent.handle_timeout(f.moment());
        let expected: &[_] = if due == 60 {
            &[(1, Trouble::Stuck)]
        } else {
            &[]
        };
        assert_eq!(f.complaints(), expected);
        assert!(f.inputs().dnd);
    }
    f.agent.handle_button(f.moment(), 1, false);
    assert_eq!(f.complaints(), [(1, Trouble::Free)]);
    assert!(f.inputs().dnd);
    f.press(1);
    assert!(!f.inputs().dnd);
}

#[test]
fn a_chattering_hook_is_reported_once_and_ends_where_it_is() {
    let mut f = fixture(&[switch("hook", Action::Hook)]);
    let mut complaints = StdVec::new();
    for edge in 0..5_001u32 {
        f.now += Duration::from_millis(8);
        f.agent.handle_timeout(f.moment());
        f.agent.handle_button(f.moment(), 0, edge % 2 == 0);
        complaints.extend(f.complaints());
    }
    assert_eq!(complaints, [(0, Trouble::Chatters)]);
    f.wait(1);
    assert!(f.inputs().hook_up, "the last edge was up");
    f.edge(0, false);
    assert!(!f.inputs().hook_up, "heard again");
}

#[test]
fn whatever_a_hook_does_watchers_end_with_the_truth() {
    let mut random = Random::new();
    random.seed([3, 5]);
    for life in 0..200 {
        let mut f = fixture(&[switch("hook", Action::Hook)]);
        let mut last = false;
        let spread = 1 << (random.bits() % 21);
        for _ in 0..random.bits() % 200 {
            f.run(Duration::from_micros(random.bits() % spread));
            last = random.bits().is_multiple_of(2);
            match random.bits() % 30 {
                0 => f.found(0, last),
                1 => {
                    f.reload(|_| {});
                    f.edge(0, last);
                }
                _ => drop(f.edge(0, last)),
            }
        }
        f.wait(1);
        assert_eq!(f.inputs().hook_up, last, "life {life}");
    }
}

impl Fixture {
    /// What whoever does more with buttons is told.
    fn gestures(&mut self) -> StdVec<(u16, Gesture)> {
        let mut told = StdVec::new();
        loop {
            match self.agent.poll(self.now, &mut self.buf) {
                Output::Gesture { button, gesture } => told.push((button, gesture)),
                Output::Wait(_) => return told,
                Output::Send { .. } | Output::Lamp { .. } | Output::Resolve { .. } => {}
                Output::Report(_) | Output::Changed(_) => {}
            }
        }
    }

    fn nudge(&mut self, button: usize, pressed: bool) -> StdVec<(u16, Gesture)> {
        self.agent.handle_button(self.moment(), button, pressed);
        self.gestures()
    }
}

fn told(settings: ButtonSettings) -> ButtonSettings {
    ButtonSettings {
        told: true,
        ..settings
    }
}

#[test]
fn gestures_are_told_where_that_is_wanted_beside_what_the_button_does() {
    let many = ButtonSettings {
        long: Action::Tell,
        double: Action::Away,
        ..told(button("many", Action::Dnd))
    };
    let mut f = fixture(&[
        many,
        told(switch("hook", Action::Hook)),
        button("dnd", Action::Dnd),
    ]);
    assert_eq!(f.nudge(1, true), [(1, Gesture::Down)]);
    assert_eq!(f.nudge(1, false), [(1, Gesture::Up)]);
    assert_eq!(f.nudge(2, true), [], "nobody wants to know");
    let _ = f.nudge(2, false);
    let is_dnd = f.inputs().dnd;

    let _ = f.nudge(0, true);
    f.now += Duration::from_millis(800);
    f.agent.handle_timeout(f.moment());
    assert_eq!(f.gestures(), [(0, Gesture::Long)]);
    let _ = f.nudge(0, false);
    assert_eq!(f.inputs().dnd, is_dnd, "told, and nothing else");

    let _ = f.nudge(0, true);
    let _ = f.nudge(0, false);
    assert_eq!(f.nudge(0, true), [(0, Gesture::Double)]);
    let _ = f.nudge(0, false);
    assert!(f.inputs().idle, "what it does it does too");

    let _ = f.nudge(0, true);
    let _ = f.nudge(0, false);
    f.now += Duration::from_millis(400);
    f.agent.handle_timeout(f.moment());
    assert_eq!(f.gestures(), [(0, Gesture::Press)]);
    assert_ne!(f.inputs().dnd, is_dnd);
}

#[test]
fn of_gestures_that_nobody_takes_the_newest_are_kept() {
    let mut f = fixture(&[told(switch("hook", Action::None))]);
    for pressed in [true, false].into_iter().cycle().take(11) {
        f.agent.handle_button(f.moment(), 0, pressed);
        f.now += Duration::from_millis(30);
    }
    let told = f.gestures();
    assert_eq!(told.len(), 8);
    assert_eq!(told.last(), Some(&(0, Gesture::Down)));
}

#[test]
fn a_button_that_is_only_told_needs_nobody_to_act_for() {
    let mut settings = Settings::new();
    settings.restore_defaults();
    let only_told = told(button("door", Action::Tell));
    settings.buttons.push(only_told.clone()).unwrap();
    assert_eq!(settings.validate(), Ok(()));
    settings.buttons[0].long = Action::Clear;
    assert!(settings.validate().is_err(), "clear does need somebody");
}
