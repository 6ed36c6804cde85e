//! The `[[served_list]]` sections: presentities that are watched as one. A `[[list]]` would be one of somebody else's.

use super::keys::{SERVED_LIST, Table};
use super::{Reader, build_with};
use crate::engine::config::{ServedListSettings, is_same};
use crate::ground::limits::{PRESENTITIES, SERVED_LISTS};
use crate::shell::document::Section;
use heapless::Vec;
use std::format;

impl Reader<'_, '_> {
    pub(super) fn served_lists(&mut self, root: &Section<'_, '_>) {
        let Table { name, keys } = SERVED_LIST;
        for section in root.sections("served_list", name, keys, &mut self.faults) {
            let members = self.members(&section);
            let uri = section.required("uri", "sip:all@192.168.1.20", &mut self.faults);
            let Some((uri, at)) = uri.and_then(|it| Some((self.address("uri", it)?, it.at))) else {
                continue;
            };
            let lists = self.settings.served_lists.iter().map(|it| &it.uri);
            let presentities = self.settings.presentities.iter().map(|it| &it.uri);
            if presentities.chain(lists).any(|other| is_same(other, &uri)) {
                let what = format!("{uri} is there already");
                self.faults.add(at, what, "give the list a uri of its own");
                continue;
            }
            let taken = self.settings.presentities.len() + self.settings.served_lists.len();
            if taken >= PRESENTITIES {
                let what = format!("more than {PRESENTITIES} presentities and lists");
                let remedy = build_with("PRESENTITIES");
                self.faults.add(section.at, what, remedy);
                return;
            }
            let list = ServedListSettings { uri, members };
            if self.settings.served_lists.push(list).is_err() {
                let what = format!("more than {SERVED_LISTS} lists");
                self.faults.add(section.at, what, "leave some out");
                return;
            }
        }
    }

    /// The presentities on the list; none where all are.
    fn members<const N: usize>(&mut self, section: &Section<'_, '_>) -> Vec<u16, N> {
        let mut members = Vec::new();
        let Some(texts) = section.texts("members", &mut self.faults) else {
            return members;
        };
        if texts.is_empty() {
            let at = section.key_place("members").unwrap_or(section.at);
            let remedy = "leave the line out for all presentities";
            self.faults.add(at, "members is empty", remedy);
        }
        for text in texts {
            let mut all = self.settings.presentities.iter();
            let Some(at) = all.position(|it| is_same(&it.uri, text.value)) else {
                let shown = text.value.escape_debug();
                let what = format!("\"{shown}\" is no presentity served here");
                let remedy = "write the uri of a [[presentity]], as it stands there";
                self.faults.add(text.at, what, remedy);
                continue;
            };
            let known = members.contains(&(at as u16));
            if !known && members.push(at as u16).is_err() {
                let what = format!("more than {N} members");
                self.faults.add(text.at, what, "make two lists of it");
                break;
            }
        }
        members
    }
}
