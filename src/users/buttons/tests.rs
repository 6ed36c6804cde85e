//! Gestures in virtual time, to the microsecond.

extern crate std;
use super::*;
use crate::ground::random::Random;
use std::vec::Vec;

const PLAIN: Habit = Habit::springs(false, false);
const HELD: Habit = Habit::springs(true, false);
const TWICE: Habit = Habit::springs(false, true);
const BOTH: Habit = Habit::springs(true, true);

const DOWN: bool = true;
const UP: bool = false;

const MILLI: u64 = 1_000;
const START: u64 = 1_000_000_000;

fn at(micros: u64) -> Instant {
    Instant::from_micros(START + micros)
}

/// Button 3 of a panel, and what happened to it: microseconds since the start.
struct Fixture {
    gestures: Gestures,
    told: Vec<(u64, Event)>,
}

impl Fixture {
    fn new(habit: Habit) -> Fixture {
        let mut gestures = Gestures::new();
        assert_eq!(gestures.configure(at(0), 3, habit), None);
        Fixture {
            gestures,
            told: Vec::new(),
        }
    }

    /// A loop that is never late: each moment is taken when it has come.
    fn run(&mut self, until: u64) {
        while let Some(due) = self.gestures.due().filter(|due| *due <= at(until)) {
            let micros = due.as_micros() - START;
            while let Some((button, event)) = self.gestures.take_due(due) {
                assert_eq!(button, 3);
                self.told.push((micros, event));
            }
        }
    }

    fn edge(&mut self, micros: u64, pressed: bool) {
        self.run(micros);
        let event = self.gestures.handle_edge(at(micros), 3, pressed);
        self.told.extend(event.map(|event| (micros, event)));
    }

    fn found(&mut self, micros: u64, pressed: bool) {
        self.run(micros);
        let event = self.gestures.handle_position(at(micros), 3, pressed);
        self.told.extend(event.map(|event| (micros, event)));
    }
}

/// Edges from up on, at these microseconds, and what comes of them within twenty seconds.
#[track_caller]
fn gives(habit: Habit, edges: &[u64], expected: &[(u64, Event)]) {
    let mut f = Fixture::new(habit);
    for (&micros, pressed) in edges.iter().zip([DOWN, UP].into_iter().cycle()) {
        f.edge(micros, pressed);
    }
    f.run(20_000 * MILLI);
    assert_eq!(f.told, expected, "{habit:?} {edges:?}");
}

#[test]
fn a_press_acts_at_once_where_nothing_else_is_looked_for() {
    gives(PLAIN, &[0, 1], &[(0, Event::Press)]);
    gives(PLAIN, &[0, 0], &[(0, Event::Press)]);
    gives(PLAIN, &[7, 5_000 * MILLI], &[(7, Event::Press)]);
    gives(
        PLAIN,
        &[0, 10, 20, 30],
        &[(0, Event::Press), (20, Event::Press)],
    );
}

#[test]
fn a_press_is_long_from_800_ms_on() {
    let long = 800 * MILLI;
    gives(HELD, &[0, long - 1], &[(long - 1, Event::Press)]);
    gives(HELD, &[0, long], &[(long, Event::Long)]);
    gives(HELD, &[0, 5 * long], &[(long, Event::Long)]);
    gives(HELD, &[0], &[(long, Event::Long)]);
    gives(
        HELD,
        &[0, 5, 9, 20],
        &[(5, Event::Press), (20, Event::Press)],
    );
}

#[test]
fn a_second_press_within_400_ms_makes_a_double_one() {
    let (up, wait) = (100 * MILLI, 400 * MILLI);
    gives(TWICE, &[0, up], &[(up + wait, Event::Press)]);
    let within = up + wait - 1;
    gives(
        TWICE,
        &[0, up, within, within + 50],
        &[(within, Event::Double)],
    );
    let beyond = up + wait;
    gives(
        TWICE,
        &[0, up, beyond, beyond + up],
        &[(beyond, Event::Press), (beyond + up + wait, Event::Press)],
    );
    gives(
        TWICE,
        &[0, 10, 20, 30, 40, 50],
        &[(20, Event::Double), (50 + wait, Event::Press)],
    );
    gives(
        TWICE,
        &[0, 10, 20, 30, 40, 50, 60, 70],
        &[(20, Event::Double), (60, Event::Double)],
    );
}

#[test]
fn a_held_button_does_not_wait_for_a_second_press() {
    let held = 800 * MILLI;
    gives(
        TWICE,
        &[0, held, held + 9, held + 10],
        &[
            (held, Event::Press),
            (held + 10 + 400 * MILLI, Event::Press),
        ],
    );
    let almost = held - 1;
    gives(TWICE, &[0, almost], &[(almost + 400 * MILLI, Event::Press)]);
}

#[test]
fn long_and_double_presses_live_on_one_button() {
    let (long, wait) = (800 * MILLI, 400 * MILLI);
    gives(BOTH, &[0, 10], &[(10 + wait, Event::Press)]);
    gives(BOTH, &[0, 10, 20, 30], &[(20, Event::Double)]);
    gives(BOTH, &[0, 10, 20, 20 + 3 * long], &[(20, Event::Double)]);
    gives(BOTH, &[0, long], &[(long, Event::Long)]);
    gives(
        BOTH,
        &[0, long, long + 1, long + 2],
        &[(long, Event::Long), (long + 2 + wait, Event::Press)],
    );
}

#[test]
fn a_loop_that_is_late_takes_the_moment_before_the_edge() {
    let mut f = Fixture::new(HELD);
    f.edge(0, DOWN);
    let late = at(3_000 * MILLI);
    assert_eq!(f.gestures.take_due(late), Some((3, Event::Long)));
    assert_eq!(f.gestures.take_due(late), None);
    assert_eq!(f.gestures.handle_edge(late, 3, UP), None);
}

#[test]
fn where_the_position_counts_each_change_is_told_once() {
    gives(
        Habit::FOLLOWS,
        &[0, 0, 5, 7],
        &[
            (0, Event::Stands(DOWN)),
            (0, Event::Stands(UP)),
            (5, Event::Stands(DOWN)),
            (7, Event::Stands(UP)),
        ],
    );
    let mut f = Fixture::new(Habit::FOLLOWS);
    for pressed in [UP, UP, DOWN, DOWN] {
        f.edge(1, pressed);
    }
    f.run(100_000 * MILLI);
    assert_eq!(
        f.told,
        [(1, Event::Stands(UP)), (1, Event::Stands(DOWN))],
        "never stuck"
    );
}

#[test]
fn where_a_button_is_found_is_no_gesture() {
    for habit in [PLAIN, HELD, TWICE, BOTH] {
        let mut f = Fixture::new(habit);
        f.found(0, DOWN);
        f.run(10_000 * MILLI);
        f.edge(10_000 * MILLI, UP);
        assert_eq!(f.told, [], "held at the start: {habit:?}");
        let mut f = Fixture::new(habit);
        f.found(0, UP);
        f.edge(5, DOWN);
        f.found(10, UP);
        f.run(10_000 * MILLI);
        let told = if habit == PLAIN { 1 } else { 0 };
        assert_eq!(f.told.len(), told, "lost on the way: {habit:?}");
    }
    let mut f = Fixture::new(Habit::FOLLOWS);
    for (micros, pressed) in [(0, DOWN), (5, DOWN), (9, UP), (10, UP)] {
        f.found(micros, pressed);
    }
    assert_eq!(f.told, [(0, Event::Stands(DOWN)), (9, Event::Stands(UP))]);
}

#[test]
fn a_button_that_stays_down_for_a_minute_is_stuck_until_it_comes_up() {
    let minute = 60_000 * MILLI;
    for (habit, first) in [
        (PLAIN, Some((0, Event::Press))),
        (HELD, Some((800 * MILLI, Event::Long))),
        (TWICE, Some((800 * MILLI, Event::Press))),
    ] {
        let mut f = Fixture::new(habit);
        f.edge(0, DOWN);
        f.run(10 * minute);
        f.edge(10 * minute, UP);
        f.run(20 * minute);
        let mut expected: Vec<_> = first.into_iter().collect();
        expected.extend([(minute, Event::Stuck), (10 * minute, Event::Free)]);
        assert_eq!(f.told, expected, "{habit:?}");
    }
    let mut f = Fixture::new(PLAIN);
    f.edge(0, DOWN);
    f.edge(minute - 1, UP);
    f.run(5 * minute);
    assert_eq!(f.told, [(0, Event::Press)]);
    let mut f = Fixture::new(PLAIN);
    f.found(0, DOWN);
    f.run(minute);
    f.found(2 * minute, UP);
    assert_eq!(f.told, [(minute, Event::Stuck), (2 * minute, Event::Free)]);
}

#[test]
fn two_hundred_presses_at_twenty_a_second_are_two_hundred() {
    let mut f = Fixture::new(PLAIN);
    for press in 0..200 {
        f.edge(press * 50 * MILLI, DOWN);
        f.edge(press * 50 * MILLI + 20 * MILLI, UP);
    }
    assert_eq!(f.told.len(), 200);
    assert!(f.told.iter().all(|(_, event)| *event == Event::Press));
}

#[test]
fn a_second_of_a_busy_machine_is_no_chatter() {
    let mut f = Fixture::new(PLAIN);
    for second in 0..60u64 {
        for _ in 0..20 {
            f.edge(second * 1_000 * MILLI, DOWN);
            f.edge(second * 1_000 * MILLI, UP);
        }
    }
    assert_eq!(f.told.len(), 1_200);
}

#[test]
fn chatter_is_muted_within_two_seconds_and_reported_once_a_minute() {
    let mut f = Fixture::new(PLAIN);
    let (step, minute) = (10 * MILLI, 60_000 * MILLI);
    let mut pressed = false;
    for edge in 0..(10 * minute / step) {
        pressed = !pressed;
        f.edge(edge * step, pressed);
    }
    let muted: Vec<u64> = f
        .told
        .iter()
        .filter_map(|(at, event)| (*event == Event::Chatters).then_some(*at))
        .collect();
    assert_eq!(muted.len(), 1, "it never was quiet");
    assert!(muted[0] < 2_000 * MILLI, "{muted:?}");
    assert!(f.told.iter().all(|(at, _)| *at <= muted[0]));

    // Fits of chatter, with pauses long enough to be heard again.
    let mut f = Fixture::new(Habit::FOLLOWS);
    for fit in 0..60 {
        for edge in 0..101 {
            f.edge(fit * 10_000 * MILLI + edge, edge % 2 == 0);
        }
    }
    let reports = f.told.iter().filter(|(_, it)| *it == Event::Chatters);
    assert_eq!(reports.count(), 10, "in ten minutes");
}

#[test]
fn a_muted_button_ends_where_its_line_is() {
    for (last, expected) in [(UP, Some(Event::Stands(UP))), (DOWN, None)] {
        let mut f = Fixture::new(Habit::FOLLOWS);
        f.edge(0, UP);
        let mut pressed = UP;
        for _ in 0..200 {
            pressed = !pressed;
            f.edge(1, pressed);
        }
        if pressed != last {
            f.edge(1, last);
        }
        let (_, told) = *f.told.last().expect("it chattered");
        assert_eq!(told, Event::Chatters);
        let before = f.told.len();
        f.run(1_000 * MILLI);
        assert_eq!(f.told.len(), before, "quiet for less than a second");
        f.run(1_000 * MILLI + 1);
        // The edge that was one too many was not told; the last that was is a press.
        assert_eq!(f.told.get(before).map(|(_, it)| *it), expected);
    }
    let mut f = Fixture::new(PLAIN);
    for edge in 0..100u64 {
        f.edge(edge, edge % 2 == 0);
    }
    f.edge(100, DOWN);
    let muted = f.told.len();
    f.run(30_000 * MILLI);
    f.edge(30_000 * MILLI, UP);
    f.edge(30_100 * MILLI, DOWN);
    assert_eq!(f.told[muted..], [(30_100 * MILLI, Event::Press)]);
}

#[test]
fn a_new_habit_drops_the_gesture_and_keeps_the_position() {
    let mut f = Fixture::new(BOTH);
    f.edge(0, DOWN);
    f.edge(1, UP);
    assert_eq!(f.gestures.configure(at(2), 3, HELD), None);
    f.run(5_000 * MILLI);
    f.edge(5_000 * MILLI, DOWN);
    assert_eq!(f.gestures.configure(at(5_001 * MILLI), 3, BOTH), None);
    f.run(10_000 * MILLI);
    assert_eq!(f.told, []);
    let stands = f.gestures.configure(at(10_000 * MILLI), 3, Habit::FOLLOWS);
    assert_eq!(stands, Some(Event::Stands(DOWN)));
    f.run(100_000 * MILLI);
    f.edge(100_000 * MILLI, UP);
    assert_eq!(f.told, [(100_000 * MILLI, Event::Stands(UP))]);
}

/// Whatever a line does, once it is quiet for a second the owner knows where it is.
#[test]
fn any_edges_at_any_time_end_in_the_true_position() {
    let mut random = Random::new();
    random.seed([7, 11]);
    for life in 0..2_000 {
        let mut f = Fixture::new(Habit::FOLLOWS);
        let (mut now, mut last) = (0, UP);
        let spread = 1 << (random.bits() % 22);
        for _ in 0..random.bits() % 300 {
            now += random.bits() % spread;
            last = random.bits().is_multiple_of(2);
            match random.bits() % 20 {
                0 => f.found(now, last),
                1 => {
                    f.run(now);
                    let event = f.gestures.configure(at(now), 3, Habit::FOLLOWS);
                    f.told.extend(event.map(|event| (now, event)));
                    f.edge(now, last);
                }
                _ => f.edge(now, last),
            }
        }
        f.run(now + 1_000 * MILLI);
        let known = f.told.iter().rev().find_map(|(_, event)| match event {
            Event::Stands(pressed) => Some(*pressed),
            _ => None,
        });
        assert_eq!(known.unwrap_or(UP), last, "life {life}");
        assert_eq!(f.gestures.stands_pressed(3), last, "life {life}");
        assert_eq!(f.gestures.due(), None, "life {life}");
    }
}

#[test]
fn a_button_that_is_not_there_does_nothing() {
    let mut gestures = Gestures::new();
    let none = BUTTONS as u16;
    assert_eq!(gestures.configure(at(0), none, PLAIN), None);
    assert_eq!(gestures.handle_edge(at(0), none, DOWN), None);
    assert_eq!(gestures.handle_position(at(0), none, DOWN), None);
    assert!(!gestures.stands_pressed(none));
}
