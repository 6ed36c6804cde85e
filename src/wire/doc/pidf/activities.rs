//! What a person is doing (RFC 4480 §3.2).

/// A set of RPID activities, a bit for each in the order of their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Activities(u32);

/// Numbers the names, gives each its constant, and lists them in that order.
macro_rules! activities {
    ($($constant:ident = $name:literal),* $(,)?) => {
        /// The numbers of the bits.
        #[expect(
            non_camel_case_types,
            clippy::upper_case_acronyms,
            reason = "they lend their names to the constants"
        )]
        enum Bit {
            $($constant),*
        }

        /// Names in the order of the bits.
        const NAMES: [&str; [$($name),*].len()] = [$($name),*];

        impl Activities {
            $(
                #[doc = concat!("`", $name, "`.")]
                pub const $constant: Activities = Activities(1 << Bit::$constant as u32);
            )*
        }
    };
}

activities! {
    APPOINTMENT = "appointment",
    AWAY = "away",
    BREAKFAST = "breakfast",
    BUSY = "busy",
    DINNER = "dinner",
    HOLIDAY = "holiday",
    IN_TRANSIT = "in-transit",
    LOOKING_FOR_WORK = "looking-for-work",
    LUNCH = "lunch",
    MEAL = "meal",
    MEETING = "meeting",
    ON_THE_PHONE = "on-the-phone",
    OTHER = "other",
    PERFORMANCE = "performance",
    PERMANENT_ABSENCE = "permanent-absence",
    PLAYING = "playing",
    PRESENTATION = "presentation",
    SHOPPING = "shopping",
    SLEEPING = "sleeping",
    SPECTATOR = "spectator",
    STEERING = "steering",
    TRAVEL = "travel",
    TV = "tv",
    UNKNOWN = "unknown",
    VACATION = "vacation",
    WORKING = "working",
    WORSHIP = "worship",
}

impl Activities {
    /// No activity.
    pub const NONE: Activities = Activities(0);

    /// Every activity.
    pub const ALL: Activities = Activities((1 << NAMES.len()) - 1);

    /// The activity an element or a user names, exactly as RFC 4480 spells it.
    pub fn named(name: &[u8]) -> Option<Activities> {
        let bit = NAMES.iter().position(|known| known.as_bytes() == name)?;
        Some(Activities(1 << bit))
    }

    /// The set as a number, for [`Activities::from_bits`].
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The set of that number; bits that no activity has count for nothing.
    pub const fn from_bits(bits: u32) -> Activities {
        Activities(bits & ((1 << NAMES.len()) - 1))
    }

    /// This set and the other together.
    #[must_use]
    pub const fn with(self, other: Activities) -> Activities {
        Activities(self.0 | other.0)
    }

    /// This set without the other.
    #[must_use]
    pub const fn without(self, other: Activities) -> Activities {
        Activities(self.0 & !other.0)
    }

    /// Whether every activity of `other` is in this set.
    pub const fn contains(self, other: Activities) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any activity is in both sets.
    pub const fn intersects(self, other: Activities) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether nothing is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names in the set, in alphabetical order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let is_in = move |&(bit, _): &(usize, _)| self.0 & (1 << bit) != 0;
        NAMES
            .into_iter()
            .enumerate()
            .filter(is_in)
            .map(|(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    #[test]
    fn every_name_is_its_own_bit() {
        let mut all = Activities::NONE;
        for name in NAMES {
            let one = Activities::named(name.as_bytes()).expect("a listed name");
            assert!(!all.intersects(one), "{name}");
            assert_eq!(one.names().collect::<Vec<_>>(), [name]);
            all = all.with(one);
        }
        assert_eq!(all, Activities::ALL);
        assert_eq!(Activities::named(b"On-The-Phone"), None);
    }

    #[test]
    fn sets_add_and_subtract() {
        let both = Activities::BUSY.with(Activities::ON_THE_PHONE);
        assert!(both.contains(Activities::BUSY));
        assert!(!Activities::BUSY.contains(both));
        assert_eq!(both.without(Activities::BUSY), Activities::ON_THE_PHONE);
        assert!(both.without(both).is_empty());
    }
}
