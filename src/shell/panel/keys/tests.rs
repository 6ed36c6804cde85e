//! Input devices as FIFOs: what a test writes into one is read, and unplugging one is the kernel's own inotify.
//! What a real device answers is tested on the bench.

use super::*;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::{format, vec};

use crate::shell::poller::{Poller, Source};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};

/// A FIFO that has the codes of the file `has` in its folder of facts, and holds those of `held`.
#[derive(Debug)]
struct Fifo {
    fd: OwnedFd,
    facts: PathBuf,
}

impl Node for Fifo {
    fn open(path: &Path) -> io::Result<Fifo> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = open(path, flags, Mode::empty())?;
        let name = path.file_name().expect("a name");
        let root = path.ancestors().nth(2).expect("a root");
        let facts = root.join("facts").join(name);
        let forbidden = fs::exists(facts.join("forbidden"))?;
        if forbidden {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(Fifo { fd, facts })
    }

    fn has(&self) -> io::Result<Codes> {
        codes(&self.facts.join("has"))
    }

    fn held(&self) -> io::Result<Codes> {
        codes(&self.facts.join("held"))
    }

    fn want(&self, codes: Codes) {
        let codes: Vec<String> = codes.iter().map(|it| it.to_string()).collect();
        fs::write(self.facts.join("want"), codes.join(" ")).expect("written");
    }
}

impl AsFd for Fifo {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn codes(path: &Path) -> io::Result<Codes> {
    let text = fs::read_to_string(path)?;
    let code = |word: &str| Code::parse(word).expect("a code");
    Ok(text.split_whitespace().map(code).collect())
}

/// A machine whose devices come and go.
struct Machine {
    root: PathBuf,
}

/// A device's other end.
struct Plug {
    fifo: File,
}

impl Machine {
    fn new(test: &str) -> Machine {
        let root =
            std::env::temp_dir().join(format!("lampfield-keys-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("input")).expect("a folder");
        Machine { root }
    }

    fn places(&self) -> Places {
        Places {
            devices: self.root.join("input"),
            facts: self.root.join("facts"),
        }
    }

    fn facts(&self, number: u16) -> PathBuf {
        self.root.join(format!("facts/event{number}"))
    }

    /// Plugs a device in whose keys in `held` are down.
    fn plug(&self, number: u16, name: &str, has: &str, held: &str) -> Plug {
        let facts = self.facts(number);
        fs::create_dir_all(facts.join("device")).expect("a folder");
        fs::write(facts.join("device/name"), format!("{name}\n")).expect("written");
        fs::write(facts.join("has"), has).expect("written");
        fs::write(facts.join("held"), held).expect("written");
        let path = self.places().path(number);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO");
        let fifo = File::options().read(true).write(true).open(path);
        Plug {
            fifo: fifo.expect("opened"),
        }
    }

    fn unplug(&self, number: u16, plug: Plug) {
        fs::remove_file(self.places().path(number)).expect("removed");
        fs::remove_dir_all(self.facts(number)).expect("removed");
        drop(plug);
    }

    fn forbid(&self, number: u16) {
        fs::write(self.facts(number).join("forbidden"), "").expect("written");
    }

    /// As udev does, a moment after a device came.
    fn permit(&self, number: u16) {
        fs::remove_file(self.facts(number).join("forbidden")).expect("removed");
        let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP;
        rustix::fs::chmod(self.places().path(number), mode).expect("changed");
    }

    /// The buttons 10 and up, with these keys.
    fn open(&self, lines: &[&str]) -> Bench {
        self.open_with(lines, None)
    }

    fn open_with(&self, lines: &[&str], debounce: Option<Duration>) -> Bench {
        let line = |text: &&str| {
            let (device, code) = text.rsplit_once('/').expect("DEVICE/CODE");
            KeyLine {
                device: (device != "*").then(|| device.to_string()),
                code: Code::parse(code).expect("a code"),
                debounce,
            }
        };
        let wanted: Vec<(usize, KeyLine)> = (10..).zip(lines.iter().map(line)).collect();
        let poller = Poller::new().expect("a poller");
        Bench {
            keys: Keys::open_below(self.places(), &wanted, ports(&poller)),
            poller,
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

impl Plug {
    fn say(&mut self, what: &[(u16, u16, i32)]) {
        let mut bytes = Vec::new();
        for (kind, code, value) in what {
            bytes.extend(vec![0; 2 * size_of::<usize>()]);
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(code.to_ne_bytes());
            bytes.extend(value.to_ne_bytes());
        }
        self.fifo.write_all(&bytes).expect("written");
    }

    fn key(&mut self, code: u16, value: i32) {
        self.say(&[(1, code, value), (0, 0, 0)]);
    }
}

/// Keys at work.
struct Bench {
    keys: Keys<Fifo>,
    poller: Poller,
}

impl Bench {
    /// Deals with all that is ready at `now`, and gives what happened.
    fn turn(&mut self, now: Instant) -> Vec<Event> {
        const ENOUGH: usize = 20;
        let mut events = Queue::new();
        for _ in 0..ENOUGH {
            let ready: Vec<Source> = self.poller.wait(true).expect("looks").collect();
            if ready.is_empty() {
                break;
            }
            for source in ready {
                let Source::Panel(which) = source else {
                    panic!("{source:?}");
                };
                let port = ports(&self.poller).port(which).expect("ours");
                self.keys.handle_readable(now, port, &mut events);
            }
        }
        std::iter::from_fn(|| events.take()).collect()
    }

    fn timeout(&mut self, now: Instant) -> Vec<Event> {
        let mut events = Queue::new();
        self.keys.handle_timeout(now, &mut events);
        std::iter::from_fn(|| events.take()).collect()
    }

    fn positions(&self) -> Vec<(usize, bool)> {
        let positions = self.keys.positions();
        positions.map(|it| (it.button, it.pressed)).collect()
    }

    /// The one trouble there is.
    #[track_caller]
    fn trouble(&self) -> (usize, &str, &str) {
        let troubles: Vec<_> = self.keys.troubles().collect();
        let [(button, problem)] = troubles[..] else {
            panic!("{troubles:?}");
        };
        (button, &problem.what, &problem.remedy)
    }

    #[track_caller]
    fn expect_no_trouble(&self) {
        let troubles: Vec<_> = self.keys.troubles().collect();
        assert!(troubles.is_empty(), "{troubles:?}");
    }
}

fn ports(poller: &Poller) -> Ports {
    Ports::new(poller.registry(), 100, KIND.ports)
}

const EARLY: Instant = Instant::from_millis(1);

fn edge(button: usize, pressed: bool) -> Event {
    Event::Edge(Touch { button, pressed })
}

fn position(button: usize, pressed: bool) -> Event {
    Event::Position(Touch { button, pressed })
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

#[test]
fn where_keys_are_at_the_start_is_asked_not_assumed() {
    let machine = Machine::new("start");
    let _keys = machine.plug(
        0,
        "gpio-keys",
        "KEY_PROG1 KEY_PROG2 SW_LID",
        "KEY_PROG2 SW_LID",
    );
    let lines = [
        "gpio-keys/KEY_PROG1",
        "gpio-keys/KEY_PROG2",
        "event0/SW_LID",
    ];
    let mut bench = machine.open(&lines);
    assert_eq!(bench.positions(), [(10, false), (11, true), (12, true)]);
    assert_eq!(bench.turn(EARLY), []);
    assert_eq!(bench.keys.deadline(), None);
    bench.expect_no_trouble();
}

#[test]
fn a_key_goes_down_and_up_and_its_repetition_is_left_out() {
    let machine = Machine::new("press");
    let mut device = machine.plug(3, "keypad", "KEY_F1 KEY_F2 SW_LID", "");
    let mut bench = machine.open(&["keypad/KEY_F1", "keypad/SW_LID"]);
    device.key(59, 1);
    device.key(59, 2);
    assert_eq!(bench.turn(EARLY), [edge(10, true)]);
    device.key(60, 1);
    assert_eq!(bench.turn(EARLY), [], "not one of ours");
    device.key(59, 0);
    device.say(&[(5, 0, 1), (0, 0, 0)]);
    assert_eq!(bench.turn(EARLY), [edge(10, false), edge(11, true)]);
    assert_eq!(bench.positions(), [(10, false), (11, true)]);
}

#[test]
fn only_wanted_keys_may_wake_us() {
    let machine = Machine::new("want");
    let _device = machine.plug(0, "keyboard", "KEY_A KEY_B KEY_F1 SW_LID", "");
    let _bench = machine.open(&["keyboard/KEY_F1", "*/SW_LID"]);
    let want = fs::read_to_string(machine.facts(0).join("want")).expect("asked for");
    assert_eq!(want, "KEY_F1 SW_LID");
}

#[test]
fn two_hundred_presses_in_one_go_are_two_hundred() {
    let machine = Machine::new("burst");
    let mut device = machine.plug(0, "keypad", "KEY_F1", "");
    let mut bench = machine.open(&["keypad/KEY_F1"]);
    for _ in 0..200 {
        device.key(59, 1);
        device.key(59, 0);
    }
    let expected: Vec<Event> = [edge(10, true), edge(10, false)].repeat(200);
    assert_eq!(bench.turn(EARLY), expected);
}

#[test]
fn after_lost_events_the_device_is_asked_and_what_was_read_before_is_void() {
    let machine = Machine::new("dropped");
    let mut device = machine.plug(0, "keypad", "KEY_F1 KEY_F2", "");
    let mut bench = machine.open(&["keypad/KEY_F1", "keypad/KEY_F2"]);
    device.key(60, 1);
    assert_eq!(bench.turn(EARLY), [edge(11, true)]);
    fs::write(machine.facts(0).join("held"), "KEY_F1").expect("written");
    device.say(&[(0, 3, 0), (1, 60, 1), (0, 0, 0), (1, 59, 0), (0, 0, 0)]);
    assert_eq!(bench.turn(EARLY), [position(10, true), position(11, false)]);
}

#[test]
fn a_device_that_comes_later_is_taken_and_its_position_told() {
    let machine = Machine::new("later");
    let mut bench = machine.open(&["keypad/KEY_F1"]);
    assert_eq!(bench.positions(), []);
    let remedy = "plug it in, or load its driver: there is no input device";
    let what = "is not there: no input device is called \"keypad\"";
    assert_eq!(bench.trouble(), (10, what, remedy));
    assert_eq!(bench.keys.deadline(), None, "the kernel will say so");
    let mut device = machine.plug(7, "keypad", "KEY_F1", "KEY_F1");
    assert_eq!(bench.turn(EARLY), [position(10, true)]);
    bench.expect_no_trouble();
    device.key(59, 0);
    assert_eq!(bench.turn(EARLY), [edge(10, false)]);
}

#[test]
fn a_device_that_goes_leaves_its_button_as_it_was_until_it_is_back() {
    let machine = Machine::new("gone");
    let keypad = machine.plug(1, "keypad", "KEY_F1", "");
    let mut other = machine.plug(2, "other", "KEY_F2", "");
    let mut bench = machine.open(&["keypad/KEY_F1", "other/KEY_F2"]);
    let mut keypad = keypad;
    keypad.key(59, 1);
    assert_eq!(bench.turn(at(10)), [edge(10, true)]);
    machine.unplug(1, keypad);
    assert_eq!(bench.turn(at(20)), []);
    let gone = (
        10,
        "is gone: the input device \"keypad\" was unplugged",
        "plug it in again",
    );
    assert_eq!(bench.trouble(), gone);
    assert_eq!(bench.positions(), [(10, true), (11, false)]);
    assert_eq!(bench.keys.deadline(), Some(at(1_020)));
    assert_eq!(bench.timeout(at(1_020)), []);
    assert_eq!(bench.trouble(), gone);
    assert_eq!(bench.keys.deadline(), None);
    other.key(60, 1);
    assert_eq!(bench.turn(at(1_030)), [edge(11, true)], "the rest works");
    // Back in another socket.
    let mut keypad = machine.plug(4, "keypad", "KEY_F1", "");
    assert_eq!(bench.turn(at(1_040)), [position(10, false)]);
    bench.expect_no_trouble();
    keypad.key(59, 1);
    assert_eq!(bench.turn(at(1_050)), [edge(10, true)]);
}

#[test]
fn a_device_that_may_be_read_a_moment_later_is_taken_then() {
    let machine = Machine::new("forbidden");
    let _device = machine.plug(5, "keypad", "KEY_F1", "");
    machine.forbid(5);
    let mut bench = machine.open(&["keypad/KEY_F1"]);
    let path = machine.places().path(5);
    let what = format!(
        "may not be read: permission denied for {} (\"keypad\")",
        path.display()
    );
    let remedy = "add the agent's user to the group that the device belongs to: input";
    assert_eq!(bench.trouble(), (10, what.as_str(), remedy));
    assert_eq!(bench.keys.deadline(), None, "the kernel will say so");
    machine.permit(5);
    assert_eq!(bench.turn(EARLY), [position(10, false)]);
    bench.expect_no_trouble();
}

#[test]
fn the_folder_itself_may_come_and_go_with_the_first_and_last_device() {
    let machine = Machine::new("folder");
    let folder = machine.places().devices;
    fs::remove_dir(&folder).expect("removed");
    let mut bench = machine.open(&["keypad/KEY_F1"]);
    assert_eq!(bench.keys.deadline(), None, "the kernel will say so");
    for (time, round) in [(100, 0), (5_000, 1)] {
        fs::create_dir(&folder).expect("made");
        assert_eq!(bench.turn(at(time)), []);
        let mut device = machine.plug(0, "keypad", "KEY_F1", "");
        let expected = if round == 0 {
            vec![position(10, false)]
        } else {
            vec![]
        };
        assert_eq!(bench.turn(at(time)), expected);
        device.key(59, 1);
        device.key(59, 0);
        assert_eq!(bench.turn(at(time)), [edge(10, true), edge(10, false)]);
        machine.unplug(0, device);
        fs::remove_dir(&folder).expect("removed");
        assert_eq!(bench.turn(at(time)), []);
        assert_eq!(bench.timeout(at(time + 1_000)), []);
        assert_eq!(bench.trouble().0, 10);
        assert_eq!(bench.keys.deadline(), None);
    }
}

#[test]
fn a_button_of_any_device_is_down_while_one_of_them_holds_it() {
    let machine = Machine::new("any");
    let mut left = machine.plug(0, "left", "KEY_F1", "");
    let mut right = machine.plug(1, "right", "KEY_F1", "");
    let _mouse = machine.plug(2, "mouse", "BTN_LEFT", "");
    let mut bench = machine.open(&["*/KEY_F1"]);
    left.key(59, 1);
    assert_eq!(bench.turn(EARLY), [edge(10, true)]);
    right.key(59, 1);
    left.key(59, 0);
    assert_eq!(bench.turn(EARLY), [], "right holds it");
    machine.unplug(1, right);
    assert_eq!(
        bench.turn(EARLY),
        [position(10, false)],
        "left knows better"
    );
    bench.expect_no_trouble();
    machine.unplug(0, left);
    bench.turn(EARLY);
    let what = "is gone: the input device that had it was unplugged";
    assert_eq!(bench.trouble(), (10, what, "plug it in again"));
}

#[test]
fn one_key_may_move_two_buttons() {
    let machine = Machine::new("shared");
    let mut device = machine.plug(0, "keypad", "KEY_F1 KEY_F2", "");
    let mut bench = machine.open(&["*/KEY_F1", "keypad/KEY_F2", "event0/KEY_F1"]);
    device.key(59, 1);
    let mut events = bench.turn(EARLY);
    events.sort_by_key(|it| format!("{it:?}"));
    assert_eq!(events, [edge(10, true), edge(12, true)]);
}

#[test]
fn what_is_wrong_with_a_line_is_told_with_what_there_is() {
    let machine = Machine::new("wrong");
    let _keypad = machine.plug(0, "keypad", "KEY_F1 SW_LID 705", "");
    let _mouse = machine.plug(1, "mouse", "BTN_LEFT", "");
    for (line, what, remedy) in [
        (
            "keypod/KEY_F1",
            "is not there: no input device is called \"keypod\"",
            "plug it in, or use one of: \"keypad\", \"mouse\"",
        ),
        (
            "event9/KEY_F1",
            "is not there: no input device is called \"event9\"",
            "plug it in, or use one of: \"keypad\", \"mouse\"",
        ),
        (
            "keypad/KEY_F2",
            "is not there: \"keypad\" has no such key",
            "use one that it has: KEY_F1, 705, SW_LID",
        ),
        (
            "*/KEY_F2",
            "is not there: no input device has this key",
            "plug in one that has it, or load its driver",
        ),
    ] {
        let bench = machine.open(&[line]);
        assert_eq!(bench.trouble(), (10, what, remedy));
    }
}

#[test]
fn a_key_that_has_to_rest_is_told_when_it_has() {
    let machine = Machine::new("rest");
    let mut device = machine.plug(0, "keypad", "KEY_F1", "");
    let mut bench = machine.open_with(&["keypad/KEY_F1"], Some(Duration::from_millis(5)));
    device.key(59, 1);
    assert_eq!(bench.turn(at(100)), []);
    assert_eq!(bench.keys.deadline(), Some(at(105)));
    device.key(59, 0);
    device.key(59, 1);
    assert_eq!(bench.turn(at(103)), []);
    assert_eq!(bench.timeout(at(105)), []);
    assert_eq!(bench.keys.deadline(), Some(at(108)));
    assert_eq!(bench.timeout(at(108)), [edge(10, true)]);
    assert_eq!(bench.keys.deadline(), None);

    // A bounce that comes back is no move.
    device.key(59, 0);
    device.key(59, 1);
    assert_eq!(bench.turn(at(200)), []);
    assert_eq!(bench.timeout(at(205)), []);
    assert_eq!(bench.keys.deadline(), None);

    // What did not rest before its device went never happened.
    device.key(59, 0);
    assert_eq!(bench.turn(at(300)), []);
    machine.unplug(0, device);
    assert_eq!(bench.turn(at(301)), []);
    assert_eq!(bench.timeout(at(400)), []);
    assert_eq!(bench.positions(), [(10, true)]);
}

#[test]
fn more_devices_than_there_are_places_for_are_a_trouble_of_theirs() {
    let machine = Machine::new("full");
    let numbers = 0..=u16::try_from(DEVICES).expect("few");
    let mut plugs: Vec<Plug> = numbers
        .map(|number| machine.plug(number, &format!("pad{number}"), "KEY_F1", ""))
        .collect();
    let lines: Vec<String> = (0..=DEVICES).map(|it| format!("pad{it}/KEY_F1")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut bench = machine.open(&lines);
    let (button, what, _) = bench.trouble();
    assert_eq!(button, 10 + DEVICES);
    assert!(what.ends_with("more than 16 input devices"), "{what}");
    machine.unplug(0, plugs.remove(0));
    bench.turn(EARLY);
    assert_eq!(bench.timeout(at(20_000)), [position(10 + DEVICES, false)]);
    assert_eq!(bench.trouble().0, 10);
}

#[test]
fn a_board_without_keys_looks_for_none() {
    let machine = Machine::new("none");
    let bench = machine.open(&[]);
    assert!(bench.keys.folder.is_none());
    assert_eq!(bench.keys.deadline(), None);
}
