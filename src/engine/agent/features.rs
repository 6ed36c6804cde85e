//! Do-not-disturb that is the same here and at a server that keeps it too (`as-feature-event`).
//!
//! Whoever switched it last counts. At the start that is the server: it may have been switched there while we were off.

use super::Agent;
use crate::engine::config::{FEATURE, Features};
use crate::events::presentity::Presentity;
use crate::ground::table::Id;
use crate::ground::time::Moment;
use crate::roles::upstream::{Report, Stands};
use crate::users::compose::Input;

impl Agent {
    /// Whether the owner of the presentity with that number does not want to be disturbed.
    pub(super) fn refuses(&self, presentity: usize) -> bool {
        let id = self.presentities.get(presentity).copied();
        let inputs = id.and_then(|id: Id<Presentity>| self.directory.inputs(id));
        inputs.is_some_and(|it| it.dnd)
    }

    /// Has do-not-disturb switched at all servers that keep it too, but for the one that said so.
    pub(super) fn switch_features(&mut self, presentity: usize, dnd: bool, but: Option<u16>) {
        let all = self.settings.upstreams.iter();
        for kept in all.filter_map(|it| it.features) {
            let is_it = usize::from(kept.presentity) == presentity && Some(kept.watch) != but;
            let id = self.watches.get(usize::from(kept.watch)).copied().flatten();
            if let Some(id) = id.filter(|_| is_it) {
                self.watcher.switch(id, dnd);
            }
        }
    }

    /// Takes in what servers have said of it.
    pub(super) fn hear_features(&mut self, moment: Moment) {
        while let Some((id, dnd)) = self.watcher.take_switched() {
            let watch = self.watch_at[usize::from(id.slot())];
            let mut all = self.settings.upstreams.iter().filter_map(|it| it.features);
            let Some(kept) = all.find(|it| it.watch == watch) else {
                continue;
            };
            let presentity = usize::from(kept.presentity);
            if self.refuses(presentity) != dnd {
                self.take_input(moment, presentity, Input::Dnd(dnd));
                self.switch_features(presentity, dnd, Some(watch));
            }
        }
    }

    /// What there is to say about an account, with how the server stands that keeps do-not-disturb too.
    pub(super) fn with_features<'a>(&'a self, report: Report<'a>, kept: Features) -> Report<'a> {
        let id = self.watches.get(usize::from(kept.watch)).copied().flatten();
        let Some(state) = id.and_then(|id| self.watcher.state(id)) else {
            return report;
        };
        let stands = match (state.expires, state.lost, state.last_status) {
            (Some(_), false, _) => Stands::Yes,
            (_, _, None) => Stands::Waiting,
            (_, _, Some(300..=407 | 409..=499 | 600..)) => Stands::Refused,
            (_, true, Some(_)) => Stands::Retrying,
            (None, false, Some(_)) => Stands::Waiting,
        };
        Report {
            publication: stands,
            dialect: Some(FEATURE),
            published_until: state.expires,
            last_publish: state.last_status,
            why: match (report.why.is_empty(), stands) {
                (true, Stands::Refused | Stands::Retrying) => state.last_reason,
                (_, Stands::Off | Stands::Waiting | Stands::Yes) | (false, _) => report.why,
            },
            broken_since: report.broken_since.or(state.broken_since),
            ..report
        }
    }
}
