//! A lamp for those who want to watch.

use super::*;
use crate::engine::config::{LampSettings, Shows, WatchSettings};
use crate::events::package::Package;

/// An agent with a lamp for those who want to watch its desk: it is its own owner, over loopback.
fn lit() -> Fixture {
    Fixture::with(|settings| {
        settings.strangers = Strangers::Ask;
        let desk = || Text::copied(DESK).unwrap();
        let watch = WatchSettings::new(desk(), desk(), Package::PresenceWinfo);
        let number = settings.share_watch(watch).unwrap();
        let mut lamp = LampSettings::new(Text::copied("blf1").unwrap());
        lamp.shows = Shows::Watch(number);
        settings.lamps.push(lamp).unwrap();
    })
}

impl Fixture {
    /// Delivers what the agent sends to itself; what it sends to others.
    fn relay(&mut self, sent: StdVec<Sent>) -> StdVec<Sent> {
        let mut others = StdVec::new();
        let mut left = std::collections::VecDeque::from(sent);
        for _ in 0..1_000 {
            let Some(message) = left.pop_front() else {
                return others;
            };
            if message.flow.remote.to_string() == LOCAL {
                left.extend(self.send_from(LOCAL.parse().unwrap(), &message.text));
            } else {
                others.push(message);
            }
        }
        panic!("it talks to itself for ever");
    }

    fn lamp(&self) -> Watched {
        self.agent.lamps().next().unwrap().state.unwrap()
    }
}

#[test]
fn a_lamp_of_our_own_lights_while_somebody_waits() /* W05 W09 */
{
    let mut f = lit();
    // The SUBSCRIBE is due within the first second or so, and then repeated.
    let sent = f.run(Duration::from_secs(3));
    assert_eq!(f.relay(std::vec![sent[0].1.clone()]), []);
    assert_eq!(f.lamp(), Watched::Idle);

    let mut eve = stranger("eve", "presence", 1);
    let sent = f.send(&eve, &eve.subscribe(600));
    eve.learn(&sent[0]);
    let others = f.relay(sent);
    assert_eq!(f.lamp(), Watched::Waiting, "pending");
    let sent = f.send(&eve, &others[1].answer("200 OK"));
    assert_eq!(f.relay(sent), []);

    let text = eve.refresh(0);
    let sent = f.send(&eve, &text);
    let others = f.relay(sent);
    assert_eq!(f.lamp(), Watched::Waiting, "waiting");
    let sent = f.send(&eve, &others[1].answer("200 OK"));
    assert_eq!(f.relay(sent), []);

    assert_eq!(f.decide("eve", true), Ok(1));
    let sent = f.drain();
    assert_eq!(f.relay(sent), []);
    assert_eq!(f.lamp(), Watched::Idle);
}
