//! The panel as a whole, with a driver that knows looks.

use self::recorder::Recorder;
use super::*;
use crate::shell::poller::{Poller, Source};

pub(super) mod recorder;

const NOW: Instant = Instant::from_millis(60_000);

/// Lamps whose LEDs are nowhere, and a recorder of what they should show.
fn panel() -> (Panel, Recorder, Poller) {
    let board = "name = \"test\"\nbackend = \"hardware\"\n\
                 [[button]]\nname = \"hook\"\nline = \"key:lampfield-none/KEY_F1\"\n\
                 [[lamp]]\nname = \"blf1\"\nred = \"led:lampfield-none-1\"\n\
                 [[lamp]]\nname = \"blf2\"\nred = \"led:lampfield-none-2\"\n";
    let board = Board::parse("test.toml", board).expect("a board");
    let recorder = Recorder::wanted();
    let poller = Poller::new().expect("a poller");
    let mut panel = Panel::open(&board, &poller.registry(), NOW);
    show(&mut panel, NOW, 0, "red");
    show(&mut panel, NOW, 1, "red slow");
    (panel, recorder, poller)
}

fn show(panel: &mut Panel, now: Instant, lamp: usize, look: &str) {
    panel.show(now, lamp, Look::parse(look).expect("a look"));
}

#[test]
fn a_driver_that_takes_looks_is_a_file_and_a_line() {
    let (mut panel, recorder, mut poller) = panel();
    assert_eq!(recorder.looks(), ["red", "red slow"]);
    show(&mut panel, NOW, 1, "amber fast");
    assert_eq!(recorder.looks(), ["red", "amber fast"]);
    assert_eq!(recorder.flushes_without_change(), 0);
    // Its descriptor leads to it, and to nobody else.
    recorder.ring();
    let ready: Vec<Source> = poller.wait(true).expect("looks").collect();
    let [Source::Panel(which)] = ready[..] else {
        panic!("{ready:?}");
    };
    while panel.take_event().is_some() {}
    panel.handle_readable(NOW, which);
    let edge = Event::Edge(Touch {
        button: 0,
        pressed: true,
    });
    assert_eq!(panel.take_event(), Some(edge));
    assert_eq!(panel.buttons()[0].pressed, Some(true));
    // Its deadline is the panel's, and its troubles are told with the board's words.
    let due = NOW + Duration::from_millis(7);
    recorder.wait_until(due);
    show(&mut panel, NOW, 0, "green");
    assert_eq!(panel.deadline(), Some(due));
    recorder.fail(Problem::new("is unplugged", "plug it in"));
    panel.handle_timeout(due);
    let troubles: Vec<_> = panel.troubles().map(|it| std::format!("{it:#}")).collect();
    let expected = "test.toml:5: the line key:lampfield-none/KEY_F1 of button \"hook\" \
                    is unplugged; remedy: plug it in";
    assert_eq!(troubles[0], expected);
    panel.end();
    assert_eq!(recorder.looks(), ["off", "off"]);
}

/// The loop may hand a new look to the panel before it sees that the next step is due.
#[test]
fn a_new_look_in_a_test_takes_no_step_of_it_away() {
    let (mut panel, recorder, _poller) = panel();
    panel.test(NOW);
    assert_eq!(recorder.looks(), ["red", "off"]);
    let step = NOW + round::ALONE;
    show(&mut panel, step, 0, "green");
    assert_eq!(recorder.looks(), ["off", "red"]);
    assert_eq!(panel.deadline(), Some(step + round::ALONE));
}

#[test]
fn a_new_look_at_the_end_of_a_test_ends_it_for_all_lamps() {
    let (mut panel, recorder, _poller) = panel();
    panel.test(NOW);
    show(&mut panel, NOW + 2 * round::ALONE, 0, "green");
    assert_eq!(recorder.looks(), ["green", "red slow"]);
    assert_eq!(panel.test.next(NOW), None);
}

#[test]
fn nothing_wakes_a_panel_whose_lamps_are_nowhere_but_the_search_for_them() {
    let (mut panel, _recorder, _poller) = panel();
    panel.handle_timeout(NOW);
    let first = NOW + Duration::from_secs(5);
    assert!(panel.deadline().is_some_and(|due| due >= first));
}

#[test]
fn seconds_are_read_as_people_write_them() {
    for (text, millis) in [
        ("0", Some(0)),
        ("1", Some(1_000)),
        ("1.5", Some(1_500)),
        (".25", Some(250)),
        ("2.", Some(2_000)),
        ("0.0019", Some(1)),
        ("3600", Some(3_600_000)),
        ("3600.001", None),
        ("65536", None),
        ("", None),
        (".", None),
        ("-1", None),
        ("+1", None),
        ("1e3", None),
        ("1.5.5", None),
        ("inf", None),
    ] {
        assert_eq!(held(text), millis.map(Duration::from_millis), "{text:?}");
    }
}
