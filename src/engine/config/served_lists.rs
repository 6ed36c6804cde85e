//! Lists of presentities of ours, to be watched as one (RFC 4662).

use super::{Invalid, Settings, is_address, is_same};
use crate::ground::limits::{LIST_MEMBERS, PRESENTITIES, URI};
use crate::ground::text::Text;
use heapless::Vec;

/// A list that is served. Whoever watches it watches all on it, as far as the owner's rules let each be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedListSettings {
    /// The address watchers subscribe to, as `sip:all@house.example`.
    pub uri: Text<URI>,
    /// Indices of the presentities on it; empty means all of them.
    pub members: Vec<u16, LIST_MEMBERS>,
}

impl Settings {
    pub(super) fn validate_served_lists(&self) -> Result<(), Invalid> {
        for (at, list) in self.served_lists.iter().enumerate() {
            let before = self.served_lists.iter().take(at).map(|it| &it.uri);
            let others = self.presentities.iter().map(|it| &it.uri).chain(before);
            let is_own = others.into_iter().all(|other| !is_same(other, &list.uri));
            let are_there = self.members_of(list).all(|it| it < self.presentities.len());
            let fits = self.presentities.len() + at < PRESENTITIES;
            if !is_entity(&list.uri) || !is_own || !are_there || !fits {
                return Err(Invalid::ServedList(at));
            }
        }
        Ok(())
    }

    /// The indices of those on a list.
    pub fn members_of(&self, list: &ServedListSettings) -> impl Iterator<Item = usize> {
        let all = match list.members.is_empty() {
            true => 0..self.presentities.len().min(LIST_MEMBERS),
            false => 0..0,
        };
        all.chain(list.members.iter().map(|&it| usize::from(it)))
    }
}

/// Whether `text` is such an address that documents can be about: XML spells out `&` and `'` in five and six bytes, and
/// the longest must fit.
pub(super) fn is_entity(text: &str) -> bool {
    is_address(text) && !text.contains(['&', '\''])
}
