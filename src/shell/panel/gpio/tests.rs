//! Banks whose descriptor is a pipe: edges come in as the kernel writes them. Reading levels fails on a pipe, as it
//! does on a chip that was unplugged.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::string::ToString;

use rustix::fs::{OFlags, fcntl_setfl};

use super::*;
use crate::shell::panel::board::line::Bias;
use crate::shell::poller::Poller;

struct Bench {
    gpio: Gpio,
    kernel: File,
    events: Queue,
    seqno: u32,
}

impl Bench {
    /// Two buttons, on the offsets 40 and 41, in one bank.
    fn new(watching: Watching, debounce: Duration) -> Bench {
        let (ours, kernel) = std::io::pipe().expect("a pipe");
        let [ours, kernel] = [OwnedFd::from(ours), OwnedFd::from(kernel)].map(File::from);
        fcntl_setfl(&ours, OFlags::NONBLOCK).expect("set");
        let registry = Poller::new().expect("a poller").registry();
        let mut gpio = Gpio::new(Path::new("/nonexistent"), Ports::new(registry, 0, 192));
        for (at, offset) in [(0, 40), (1, 41)] {
            let line = GpioLine {
                pin: Pin::Numbered("chip".to_string(), offset),
                active_low: false,
                bias: Bias::AsIs,
                debounce,
                poll: None,
            };
            gpio.add_button(&line, String::new(), at);
            gpio.wires[at].at = Some((0, at));
        }
        gpio.banks.push(Some(Bank {
            file: ours,
            wanted: Use::Input(watching),
            members: Vec::from([(0, 40), (1, 41)]),
            changed: LineValues::default(),
            edge: None,
            gap: false,
            next: None,
        }));
        Bench {
            gpio,
            kernel,
            events: Queue::new(),
            seqno: 0,
        }
    }

    /// The kernel sees an edge.
    fn edge(&mut self, offset: u32, active: bool) {
        self.seqno += 1;
        let mut event = [0; 12];
        event[2] = if active { 1 } else { 2 };
        event[3] = offset;
        event[4] = self.seqno;
        let bytes: Vec<u8> = event
            .iter()
            .flat_map(|word: &u32| word.to_ne_bytes())
            .collect();
        self.kernel.write_all(&bytes).expect("written");
    }

    /// The loop finds the descriptor ready.
    fn read(&mut self, millis: u64) {
        let now = Instant::from_millis(millis);
        self.gpio.handle_readable(now, 0, &mut self.events);
    }

    #[track_caller]
    fn expect(&mut self, edges: &[(usize, bool)]) {
        let events = std::iter::from_fn(|| self.events.take());
        let edges = edges
            .iter()
            .map(|&(button, pressed)| Event::Edge(Touch { button, pressed }));
        assert_eq!(events.collect::<Vec<_>>(), edges.collect::<Vec<_>>());
    }
}

#[test]
fn every_edge_of_a_burst_is_reported_in_its_order() {
    let mut bench = Bench::new(Watching::Edges, Duration::from_millis(5));
    let mut expected = Vec::new();
    for press in 0..20 {
        let (button, offset) = if press % 3 == 0 { (1, 41) } else { (0, 40) };
        for pressed in [true, false] {
            bench.edge(offset, pressed);
            expected.push((button, pressed));
        }
    }
    for _ in 0..3 {
        bench.read(1);
    }
    bench.expect(&expected);
    bench.read(2);
    bench.expect(&[]);
}

#[test]
fn an_edge_to_where_the_line_is_already_is_no_news() {
    let mut bench = Bench::new(Watching::Edges, Duration::ZERO);
    for active in [true, true, false] {
        bench.edge(40, active);
    }
    bench.read(1);
    bench.expect(&[(0, true), (0, false)]);
}

#[test]
fn lost_edges_are_noticed_once_the_rest_is_read() {
    let mut bench = Bench::new(Watching::Edges, Duration::ZERO);
    bench.edge(40, true);
    bench.read(1);
    bench.expect(&[(0, true)]);
    bench.seqno += 1;
    bench.edge(41, true);
    bench.read(2);
    bench.expect(&[(1, true)]);
    // A pipe has no levels to read: the bank counts as lost.
    assert!(bench.gpio.banks[0].is_none());
}

/// As after an overrun: the kernel's buffer is full, a multiple of what is read at once, and nothing comes after it.
#[test]
fn lost_edges_are_noticed_also_when_what_is_left_fills_the_last_read() {
    let mut bench = Bench::new(Watching::Edges, Duration::ZERO);
    bench.seqno += 100;
    for press in 0..2 * BATCH {
        bench.edge(40, press % 2 == 0);
    }
    bench.read(1);
    assert!(bench.gpio.banks[0].is_none());
}

#[test]
fn raw_edges_wait_until_the_line_rests() {
    let mut bench = Bench::new(Watching::RawEdges, Duration::from_millis(5));
    bench.edge(40, true);
    bench.read(100);
    bench.edge(40, false);
    bench.edge(40, true);
    bench.read(103);
    bench.expect(&[]);
    assert_eq!(bench.gpio.deadline(), Some(Instant::from_millis(108)));
}

#[test]
fn a_bank_that_goes_is_looked_for_again() {
    let mut bench = Bench::new(Watching::Edges, Duration::ZERO);
    bench.edge(40, true);
    bench.read(1);
    bench.kernel = File::open("/dev/null").expect("opened");
    bench
        .gpio
        .handle_readable(Instant::ZERO, 0, &mut bench.events);
    let problem = bench.gpio.problem(0).expect("it has gone");
    assert_eq!(problem.what, "has gone: Input/output error (os error 5)");
    let due = Instant::from_millis(5_000);
    assert_eq!(bench.gpio.deadline(), Some(due));
    bench.gpio.handle_timeout(due, &mut bench.events);
    let problem = bench.gpio.problem(1).expect("it is not back");
    assert_eq!(problem.what, "is not there: this machine has no GPIO chip");
}

#[test]
fn a_light_that_is_not_there_yet_keeps_what_it_shall_show() {
    let registry = Poller::new().expect("a poller").registry();
    let mut gpio = Gpio::new(Path::new("/nonexistent"), Ports::new(registry, 0, 192));
    let line = GpioLine {
        pin: Pin::Named("GPIO4".to_string()),
        active_low: false,
        bias: Bias::AsIs,
        debounce: Duration::ZERO,
        poll: None,
    };
    let light = gpio.add_light(&line, String::new());
    gpio.open(Instant::ZERO, &mut Queue::new());
    gpio.set(light, true);
    assert!(gpio.flush(Instant::ZERO));
    assert!(matches!(gpio.wires[light].end, End::Light { lit: true }));
}
