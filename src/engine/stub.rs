//! Stand-ins until the floors below have these types.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "goes away with the real types"
)]

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package {
    Presence,
    Dialog,
}

impl Package {
    pub fn name(self) -> &'static str {
        match self {
            Package::Presence => "presence",
            Package::Dialog => "dialog",
        }
    }
    pub fn from_name(name: &[u8]) -> Option<Package> {
        match name {
            b"presence" => Some(Package::Presence),
            b"dialog" => Some(Package::Dialog),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    Unknown,
    Subscribing,
    Offline,
    Idle,
    Ringing,
    Trying,
    Busy,
    Held,
    Dnd,
    Away,
}

impl Watched {
    pub const COUNT: usize = 10;
    pub const ALL: [Watched; Self::COUNT] = [
        Watched::Unknown,
        Watched::Subscribing,
        Watched::Offline,
        Watched::Idle,
        Watched::Ringing,
        Watched::Trying,
        Watched::Busy,
        Watched::Held,
        Watched::Dnd,
        Watched::Away,
    ];
    pub fn name(self) -> &'static str {
        [
            "unknown",
            "subscribing",
            "offline",
            "idle",
            "ringing",
            "trying",
            "busy",
            "held",
            "dnd",
            "away",
        ][self as usize]
    }
}

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
        Looks([
            look(Colour::Amber, Pattern::Slow),
            look(Colour::Amber, Pattern::Fast),
            look(Colour::Off, Pattern::Steady),
            look(Colour::Green, Pattern::Steady),
            look(Colour::Red, Pattern::Fast),
            look(Colour::Red, Pattern::Steady),
            look(Colour::Red, Pattern::Steady),
            look(Colour::Red, Pattern::Slow),
            look(Colour::Red, Pattern::Steady),
            look(Colour::Amber, Pattern::Steady),
        ])
    };
    pub fn get(&self, watched: Watched) -> Look {
        self.0[watched as usize]
    }
    pub fn set(&mut self, watched: Watched, look: Look) {
        self.0[watched as usize] = look;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    Away,
    Busy,
    Meeting,
    OnThePhone,
}

impl Activity {
    pub const ALL: [Activity; 4] = [
        Activity::Away,
        Activity::Busy,
        Activity::Meeting,
        Activity::OnThePhone,
    ];
    pub fn name(self) -> &'static str {
        ["away", "busy", "meeting", "on-the-phone"][self as usize]
    }
    pub fn parse(name: &str) -> Option<Activity> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}
