//! What the lamps of the panel show.

use super::{Invalid, Settings, is_name};
use crate::ground::limits::NAME;
use crate::ground::text::Text;
use crate::ground::time::Seconds;
pub use crate::users::lamps::{Looks, Shows};

/// An indicator of the panel and what it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LampSettings {
    /// The board's name for it.
    pub name: Text<NAME>,
    /// What it stands for: an index into [`Settings::watches`] or [`Settings::presentities`].
    pub shows: Shows,
    /// How long the lamp keeps its look after its subscription broke.
    pub grace: Seconds,
    /// The look of each state; [`Settings::default_looks`] unless the configuration says otherwise.
    pub looks: Looks,
}

impl LampSettings {
    /// Grace without further words: about as long as a lost request is repeated (RFC 3261 §17.1.2.2: 32 s).
    pub const GRACE: Seconds = Seconds(30);

    /// A lamp that shows nothing yet.
    pub const fn new(name: Text<NAME>) -> LampSettings {
        LampSettings {
            name,
            shows: Shows::Nothing,
            grace: LampSettings::GRACE,
            looks: Looks::DEFAULT,
        }
    }
}

impl Settings {
    /// The looks of a lamp that stands for `shows`, unless the configuration says otherwise.
    pub fn default_looks(&self, shows: Shows) -> &'static Looks {
        match shows {
            Shows::Nothing | Shows::Both { .. } | Shows::Health => &Looks::DEFAULT,
            Shows::Dnd(_) | Shows::Waiting(_) => &Looks::CALLING,
            Shows::Watch(at) => match self.watches.get(usize::from(at)).map(|it| it.package) {
                Some(package) => Looks::usual(package.spec().lamp),
                None => &Looks::DEFAULT,
            },
        }
    }

    pub(super) fn validate_lamps(&self) -> Result<(), Invalid> {
        let is_missing = |watch: u16| usize::from(watch) >= self.watches.len();
        for (at, lamp) in self.lamps.iter().enumerate() {
            let mut before = self.lamps.iter().take(at);
            if !is_name(&lamp.name) || before.any(|other| other.name == lamp.name) {
                return Err(Invalid::LampName(at));
            }
            match lamp.shows {
                Shows::Watch(watch) if is_missing(watch) => return Err(Invalid::LampWatch(at)),
                Shows::Both { calls, presence } if is_missing(calls) || is_missing(presence) => {
                    return Err(Invalid::LampWatch(at));
                }
                Shows::Dnd(own) | Shows::Waiting(own)
                    if usize::from(own) >= self.presentities.len() =>
                {
                    return Err(Invalid::LampPresentity(at));
                }
                Shows::Nothing
                | Shows::Watch(_)
                | Shows::Both { .. }
                | Shows::Dnd(_)
                | Shows::Health
                | Shows::Waiting(_) => {}
            }
        }
        Ok(())
    }
}
