//! Stand-ins until the floors below have these types.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "goes away with the real types"
)]

use crate::events::watched::Watched;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    #[default]
    Off,
    Green,
    Red,
    Amber,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pattern {
    #[default]
    Steady,
    Slow,
    Fast,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    pub colour: Colour,
    pub pattern: Pattern,
}

impl Look {
    pub fn parse(text: &str) -> Option<Look> {
        let (colour, pattern) = match text.split_once(' ') {
            None => (text, Pattern::Steady),
            Some((colour, "slow")) => (colour, Pattern::Slow),
            Some((colour, "fast")) => (colour, Pattern::Fast),
            Some(_) => return None,
        };
        let colour = match colour {
            "off" => Colour::Off,
            "green" => Colour::Green,
            "red" => Colour::Red,
            "amber" => Colour::Amber,
            _ => return None,
        };
        Some(Look { colour, pattern })
    }
}

impl core::fmt::Display for Look {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(["off", "green", "red", "amber"][self.colour as usize])?;
        f.write_str(["", " slow", " fast"][self.pattern as usize])
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looks([Look; Watched::COUNT]);

impl Looks {
    pub const DEFAULT: Looks = {
        const fn look(colour: Colour, pattern: Pattern) -> Look {
            Look { colour, pattern }
        }
        let mut looks = Looks([look(Colour::Off, Pattern::Steady); Watched::COUNT]);
        let mut at = 0;
        while at < Watched::COUNT {
            let watched = Watched::ALL[at];
            looks.0[watched as usize] = match watched {
                Watched::Unknown => look(Colour::Amber, Pattern::Slow),
                Watched::Subscribing => look(Colour::Amber, Pattern::Fast),
                Watched::Offline => look(Colour::Off, Pattern::Steady),
                Watched::Idle => look(Colour::Green, Pattern::Steady),
                Watched::Ringing => look(Colour::Red, Pattern::Fast),
                Watched::Trying | Watched::Busy | Watched::Dnd => {
                    look(Colour::Red, Pattern::Steady)
                }
                Watched::Held => look(Colour::Red, Pattern::Slow),
                Watched::Away => look(Colour::Amber, Pattern::Steady),
            };
            at += 1;
        }
        looks
    };
    pub fn get(&self, watched: Watched) -> Look {
        self.0[watched as usize]
    }
    pub fn set(&mut self, watched: Watched, look: Look) {
        self.0[watched as usize] = look;
    }
}
