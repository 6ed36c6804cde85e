//! Lists: watches that tell of many others.

use super::{Invalid, Settings};

/// How a watch comes to know whom it watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchRole {
    /// It asks for itself.
    Alone,
    /// It asks for a list, and its members are told (RFC 4662).
    List,
    /// The list at this index into [`Settings::watches`] tells it; where the server has no lists, it asks for itself.
    Member(u16),
}

impl Settings {
    pub(super) fn validate_lists(&self) -> Result<(), Invalid> {
        for (at, watch) in self.watches.iter().enumerate() {
            let WatchRole::Member(list) = watch.role else {
                continue;
            };
            let list = self.watches.get(usize::from(list));
            let tells =
                list.is_some_and(|it| it.role == WatchRole::List && it.package == watch.package);
            if !tells {
                return Err(Invalid::WatchList(at));
            }
        }
        Ok(())
    }
}
