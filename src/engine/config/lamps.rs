//! What the lamps of the panel show.

use super::{Invalid, Settings, is_name};
use crate::ground::limits::NAME;
use crate::ground::text::Text;
use crate::ground::time::Seconds;
use crate::users::lamps::Looks;

/// An indicator of the panel and what it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LampSettings {
    /// The board's name for it.
    pub name: Text<NAME>,
    /// Index into [`Settings::watches`]; a lamp without a watch stays off.
    pub watch: Option<u16>,
    /// How long the lamp keeps its look after its subscription broke.
    pub grace: Seconds,
    /// The look of each state.
    pub looks: Looks,
}

impl LampSettings {
    /// Grace without further words: about as long as a lost request is repeated (RFC 3261 §17.1.2.2: 32 s).
    pub const GRACE: Seconds = Seconds(30);

    /// A lamp that watches nobody yet.
    pub const fn new(name: Text<NAME>) -> LampSettings {
        LampSettings {
            name,
            watch: None,
            grace: LampSettings::GRACE,
            looks: Looks::DEFAULT,
        }
    }
}

impl Settings {
    pub(super) fn validate_lamps(&self) -> Result<(), Invalid> {
        for (at, lamp) in self.lamps.iter().enumerate() {
            let mut before = self.lamps.iter().take(at);
            if !is_name(&lamp.name) || before.any(|other| other.name == lamp.name) {
                return Err(Invalid::LampName(at));
            }
            if lamp
                .watch
                .is_some_and(|watch| usize::from(watch) >= self.watches.len())
            {
                return Err(Invalid::LampWatch(at));
            }
        }
        Ok(())
    }
}
