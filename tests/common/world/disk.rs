//! A desk's store: what was written is there after a cut, and what was due and not written is not.

use lampfield::{Agent, Key, Moment, RECORD};
use std::collections::BTreeMap;

/// Records by their names.
#[derive(Default)]
pub(super) struct Disk(BTreeMap<String, Vec<u8>>);

impl Disk {
    /// Writes what is due by now.
    pub(super) fn save(&mut self, moment: Moment, agent: &mut Agent) {
        if agent.save_due().is_some_and(|due| due <= moment.now) {
            self.write(moment, agent);
        }
    }

    fn write(&mut self, moment: Moment, agent: &mut Agent) {
        agent.begin_save(moment.now);
        let mut buf = [0; RECORD];
        while let Some((key, len)) = agent.next_record(moment, &mut buf) {
            let name = key.name().to_string();
            match len {
                Some(len) => drop(self.0.insert(name, buf[..len].to_vec())),
                None => drop(self.0.remove(&name)),
            }
        }
    }

    /// Gives a fresh agent what there is, and keeps what it says from now on; the numbers that it is going to use before
    /// it uses them.
    pub(super) fn restore(&mut self, moment: Moment, agent: &mut Agent) {
        for first in [true, false] {
            for (name, record) in &self.0 {
                let key = Key::named(name).expect("only such are written");
                if (key == Key::Identity) == first {
                    agent.restore(moment, key, record);
                }
            }
        }
        agent.keep();
        self.write(moment, agent);
    }
}
