//! Lamps whose LEDs are nowhere: what each should show is known all the same.

use super::*;
use crate::shell::poller::Poller;

const NOW: Instant = Instant::from_millis(60_000);

fn panel() -> Hardware {
    let board = "name = \"test\"\nbackend = \"hardware\"\n\
                 [[lamp]]\nname = \"blf1\"\nred = \"led:lampfield-none-1\"\n\
                 [[lamp]]\nname = \"blf2\"\nred = \"led:lampfield-none-2\"\n";
    let board = Board::parse("test.toml", board).expect("a board");
    let registry = Poller::new().expect("a poller").registry();
    let mut panel = Hardware::open(&board, &registry, NOW);
    show(&mut panel, NOW, 0, "red");
    show(&mut panel, NOW, 1, "red slow");
    panel
}

fn show(panel: &mut Hardware, now: Instant, lamp: usize, look: &str) {
    panel.show(now, lamp, Look::parse(look).expect("a look"));
}

fn lit(panel: &Hardware) -> [bool; 2] {
    [0, 1].map(|at| panel.lights[at].rhythm == Rhythm::Lit)
}

/// The loop may hand a new look to the panel before it sees that the next step is due.
#[test]
fn a_new_look_in_a_test_takes_no_step_of_it_away() {
    let mut panel = panel();
    panel.test(NOW);
    assert_eq!(lit(&panel), [true, false]);
    let step = NOW + TEST;
    show(&mut panel, step, 0, "green");
    assert_eq!(lit(&panel), [false, true]);
    assert_eq!(panel.deadline(), Some(step + TEST));
}

#[test]
fn a_new_look_at_the_end_of_a_test_ends_it_for_all_lamps() {
    let mut panel = panel();
    panel.test(NOW);
    show(&mut panel, NOW + 2 * TEST, 0, "green");
    assert_eq!(panel.lights[0].rhythm, Rhythm::Dark);
    assert!(panel.lights[1].rhythm.phases().is_some());
    assert!(panel.test.is_none());
}

#[test]
fn a_loose_contact_does_not_flood_the_log_and_hides_no_other() {
    let mut panel = panel();
    for number in 0..100 {
        let problem = Problem::new(format!("is gone, for the {number}th time"), "hold it");
        panel.lose_led(NOW, 0, problem);
        panel.settle(NOW);
    }
    let last = panel.wires[0].told.as_deref();
    assert_eq!(last, Some("is gone, for the 99th time"));
    let [loose, other] = [0, 1].map(|at| panel.wires[at].limiter.admit(NOW));
    assert_eq!((loose, other), (None, Some(0)));
}
