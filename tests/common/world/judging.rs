//! Whether what lamps show and phones believe may be so, and whether it is so.

use super::desk::{Desk, Shown};
use super::phone::{Event, View};
use super::truth::{History, judge};
use super::user::Login;
use super::{Moment, Party, SECOND, Source, World};
use lampfield::Watched;

impl World {
    /// The lamps that do not show what their source is, and the phones that believe something else than the truth.
    pub(crate) fn astray(&self) -> Vec<String> {
        let mut astray = Vec::new();
        for (&(desk, lamp), source) in &self.sources {
            let truth = self.history(*source).last();
            let shown = self.desks[desk].lamps.get(lamp);
            if shown.is_none_or(|shown| shown.state != truth) {
                let shown = shown.map_or("nothing", |shown| shown.state.name());
                astray.push(format!(
                    "lamp{lamp} of desk{desk} shows {shown}, {source:?} is {}",
                    truth.name()
                ));
            }
        }
        for (number, phone) in self.phones.iter().enumerate() {
            let Some(Party::Desk(desk)) = self.parties.get(&phone.server) else {
                continue;
            };
            let desk = &self.desks[*desk];
            let truth = match self.is_hidden(desk, phone) {
                true => View::closed(phone.event),
                false => true_view(desk, phone.event),
            };
            let knows = phone.login.as_ref().is_none_or(Login::knows);
            if phone.view != knows.then_some(truth) {
                astray.push(format!(
                    "phone{number} believes {:?}, {} is {truth:?}",
                    phone.view, desk.uri
                ));
            }
        }
        astray
    }

    /// What the source of a lamp is.
    pub(crate) fn truth(&self, desk: usize, lamp: usize) -> Watched {
        self.history(self.sources[&(desk, lamp)]).last()
    }

    /// What a lamp shows.
    pub(crate) fn shown(&self, desk: usize, lamp: usize) -> Watched {
        self.desks[desk].lamps[lamp].state
    }

    /// What a lamp showed must have been allowed to the last moment, and what it shows must be allowed now.
    pub(super) fn judge_lamps(&self, desk: usize, before: &[Shown]) -> Result<(), String> {
        let now = self.now;
        let after = &self.desks[desk].lamps;
        for lamp in 0..before.len().max(after.len()) {
            let (was, is) = (before.get(lamp), after.get(lamp));
            if was.map(|it| it.state) == is.map(|it| it.state) {
                continue;
            }
            for shown in [was, is].into_iter().flatten() {
                self.judge_lamp(now, desk, lamp, shown.state)?;
            }
            if let Some(shown) = is {
                self.say(|| format!("lamp{lamp} of desk{desk} shows {}", shown.state.name()));
            }
        }
        Ok(())
    }

    /// Looks at every lamp that is lit.
    pub(crate) fn judge_all(&self) -> Result<(), String> {
        for (number, desk) in self.desks.iter().enumerate() {
            for (lamp, shown) in desk.lamps.iter().enumerate() {
                self.judge_lamp(self.now, number, lamp, shown.state)?;
            }
        }
        Ok(())
    }

    fn judge_lamp(
        &self,
        now: Moment,
        desk: usize,
        lamp: usize,
        state: Watched,
    ) -> Result<(), String> {
        let Some(source) = self.sources.get(&(desk, lamp)) else {
            return Ok(());
        };
        judge(now, state, self.history(*source), self.oldest(desk, lamp))
            .map_err(|why| format!("lamp{lamp} of desk{desk} lies: {why}"))
    }

    /// How old what a lamp shows may be: a NOTIFY may be lost for ever just after a refresh, the next refresh may go
    /// unanswered, and then the lamp has its grace. Besides these the pace of `presence` and ways of the network.
    fn oldest(&self, desk: usize, lamp: usize) -> Moment {
        let settings = &self.desks[desk].settings;
        let lamp = &settings.lamps[lamp];
        let asked = lamp
            .shows
            .watch()
            .map_or(0, |watch| settings.watches[usize::from(watch)].expires.0);
        let raised = self.pbxs.iter().map(|pbx| pbx.manners.least).max();
        let refresh = asked.max(raised.unwrap_or(0)).max(60);
        (u64::from(refresh) + 32 + u64::from(lamp.grace.0) + 5) * SECOND + 25 * SECOND
    }

    fn history(&self, source: Source) -> &History {
        match source {
            Source::Presence(desk) => &self.desks[desk].presence,
            Source::Dialog(desk) => &self.desks[desk].dialog,
            Source::Extension(pbx, extension) => &self.pbxs[pbx].extensions[extension].history,
        }
    }
}

fn true_view(desk: &Desk, event: Event) -> View {
    match event {
        Event::Presence => View {
            calls: desk.hardware.hook,
            closed: Some(desk.hardware.dnd),
        },
        Event::Dialog => View {
            calls: desk.hardware.hook || desk.hardware.dnd,
            closed: None,
        },
    }
}
