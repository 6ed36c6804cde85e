//! Ten minutes behind a NAT that forgets within half a minute, gives each way out a port of its own, and is rebooted.

use super::called::{account, lamp};
use super::*;
use crate::events::package::Package;
use crate::ua::servers::KeepAlive;

const PBX: &str = "198.51.100.50:5060";
const SECOND: Duration = Duration::from_secs(1);

/// How long the NAT keeps a way open that nothing leaves by.
const FORGETS: Duration = Duration::from_secs(30);

/// A symmetric NAT around one host.
struct Nat {
    public: [u8; 4],
    next: u16,
    /// To whom, from which port, and when last.
    ways: StdVec<(SocketAddr, u16, Instant)>,
}

impl Nat {
    /// Where a datagram seems to come from.
    fn out(&mut self, now: Instant, to: SocketAddr) -> SocketAddr {
        self.ways.retain(|(_, _, used)| *used + FORGETS > now);
        let port = match self.ways.iter_mut().find(|(there, ..)| *there == to) {
            Some((_, port, used)) => {
                *used = now;
                *port
            }
            None => {
                self.next += 1;
                self.ways.push((to, self.next, now));
                self.next
            }
        };
        (self.public, port).into()
    }

    /// Whether one gets in.
    fn lets_in(&self, now: Instant, from: SocketAddr, to: SocketAddr) -> bool {
        let mut ways = self.ways.iter();
        let is_way = |(there, port, used): &(SocketAddr, u16, Instant)| {
            let at = SocketAddr::from((self.public, *port));
            *there == from && at == to && *used + FORGETS > now
        };
        ways.any(is_way)
    }

    fn reboot(&mut self) {
        self.public[3] += 1;
        self.next += 1_000;
        self.ways.clear();
    }
}

/// A desk, its NAT, and whom it watches: another agent, in the open.
struct Street {
    desk: Fixture,
    pbx: Fixture,
    nat: Nat,
}

impl Street {
    fn new() -> Street {
        let desk = Fixture::with(|settings| {
            let mut account = account(&[PBX]);
            (account.register, account.publish) = (false, None);
            account.keep_alive = Some(KeepAlive::Stun);
            settings.upstreams.push(account).unwrap();
            lamp(settings, "sip:desk@198.51.100.50", Package::Presence, 0);
        });
        let mut settings = Settings::new();
        settings.restore_defaults();
        let public = Network::parse("203.0.113.0/24").unwrap();
        settings.trusted.push(public).unwrap();
        let uri = Text::copied("sip:desk@198.51.100.50").unwrap();
        let presentity = PresentitySettings::new(uri);
        settings.presentities.push(presentity).unwrap();
        let mut agent = new_agent();
        let at = PBX.parse::<SocketAddr>().unwrap();
        agent.start(desk.moment(), &settings, [3, 4], &[at.into()]);
        let pbx = Fixture {
            agent,
            now: desk.now,
            wall: desk.wall,
            buf: std::vec![0; limits::MESSAGE],
        };
        let nat = Nat {
            public: [203, 0, 113, 9],
            next: 40_000,
            ways: StdVec::new(),
        };
        Street { desk, pbx, nat }
    }

    /// What one side sends until it waits.
    fn said(side: &mut Fixture) -> StdVec<(Flow, StdVec<u8>)> {
        let mut said = StdVec::new();
        loop {
            match side.agent.poll(side.now, &mut side.buf) {
                Output::Send { flow, len } => said.push((flow, side.buf[..len].to_vec())),
                Output::Wait(_) => return said,
                Output::Lamp { .. }
                | Output::Resolve { .. }
                | Output::Report(_)
                | Output::Changed(_)
                | Output::Gesture { .. } => {}
            }
        }
    }

    /// Carries all there is to carry, at once.
    fn carry(&mut self) {
        let [inside, outside] = [LOCAL, PBX].map(|it| it.parse::<SocketAddr>().unwrap());
        let mut from_desk = Street::said(&mut self.desk);
        let mut from_pbx = Street::said(&mut self.pbx);
        while !from_desk.is_empty() || !from_pbx.is_empty() {
            let mut next = (StdVec::new(), StdVec::new());
            for (flow, bytes) in from_desk {
                assert_eq!(flow.remote, outside);
                let seen = self.nat.out(self.desk.now, outside);
                let moment = self.pbx.moment();
                let flow = Flow::udp(outside, seen);
                self.pbx.agent.handle_datagram(moment, flow, &bytes);
                next.1.extend(Street::said(&mut self.pbx));
            }
            for (flow, bytes) in from_pbx {
                if self.nat.lets_in(self.desk.now, outside, flow.remote) {
                    let moment = self.desk.moment();
                    let flow = Flow::udp(inside, outside);
                    self.desk.agent.handle_datagram(moment, flow, &bytes);
                    next.0.extend(Street::said(&mut self.desk));
                }
            }
            (from_desk, from_pbx) = next;
        }
    }

    fn run(&mut self, lasts: Duration) {
        let end = self.desk.now + lasts;
        loop {
            self.carry();
            let due = Instant::earlier(self.desk.agent.due(), self.pbx.agent.due());
            let now = due.map_or(end, |due| due.min(end)).max(self.desk.now);
            for side in [&mut self.desk, &mut self.pbx] {
                side.wall = side.wall + (now - side.now);
                side.now = now;
                let moment = side.moment();
                side.agent.handle_timeout(moment);
            }
            if now == end {
                return self.carry();
            }
        }
    }

    fn press(&mut self, dnd: bool) {
        let moment = self.pbx.moment();
        self.pbx.agent.handle_input(moment, 0, Input::Dnd(dnd));
    }

    /// What the lamp stands for, if nothing is in doubt.
    fn shown(&self) -> Option<Watched> {
        let agent = &self.desk.agent;
        let (watched, broken) = agent.watcher.known(agent.watches[0]?)?;
        broken.is_none().then_some(watched)
    }
}

#[test]
fn lamps_stay_right_for_ten_minutes_behind_a_nat() /* R11 R12 X04 */
{
    let mut street = Street::new();
    street.run(5 * SECOND);
    let idle = street.shown().expect("it was told");
    street.press(true);
    street.run(SECOND);
    let busy = street.shown().expect("it was told");
    assert_ne!(idle, busy);
    let began = street.desk.now;
    let mut dnd = true;
    for minute in 0..10 {
        if minute == 5 {
            street.nat.reboot();
            // The next that keeps the way open finds out.
            street.run(30 * SECOND);
        }
        while street.desk.now < began + (minute + 1) * 60 * SECOND {
            street.run(11 * SECOND);
            dnd = !dnd;
            street.press(dnd);
            street.run(SECOND);
            let expected = if dnd { busy } else { idle };
            assert_eq!(street.shown(), Some(expected), "minute {minute}");
        }
    }
}
