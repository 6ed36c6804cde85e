//! From settings to a running agent, and from one set of settings to the next.

use super::Agent;
use super::approval::uri_of;
use crate::engine::config::{Settings, WatchRole, WatchSettings};
use crate::events::package::Package;
use crate::events::presentity::Presentity;
use crate::ground::limits;
use crate::ground::table::Id;
use crate::ground::text::Text;
use crate::ground::time::{Instant, Moment, Wall};
use crate::roles::notifier::{Blank, Rules};
use crate::roles::watcher::{Order, Role, Watch};
use crate::ua::addresses::LocalAddress;
use crate::users::policy::Policy;
use core::net::SocketAddr;
use heapless::Vec;

impl Agent {
    /// Begins to serve and to watch, once. `seed` comes from the operating system's random numbers; `locals` are the
    /// addresses that the shell listens on, as peers reach them: those in the narrowest network around a peer count
    /// for it. More than [`limits::LOCALS`] are left out.
    pub fn start(
        &mut self,
        moment: Moment,
        settings: &Settings,
        seed: [u64; 2],
        locals: &[LocalAddress],
    ) {
        self.random.seed(seed);
        self.secret = self.random.secret();
        self.transactions.seed(self.random.secret());
        self.directory.seed(self.random.secret());
        self.notifier.seed(self.random.secret());
        self.guard.seed(self.random.secret(), self.random.secret());
        let mut bits = || [self.random.bits(), self.random.bits()];
        self.keeping.identify(bits(), bits());
        self.identify();
        self.started = moment.now;
        self.set_locals(moment.now, locals);
        self.reconfigure(moment, settings);
    }

    /// Takes other settings. What both have stays as it is: presentities with their state and subscriptions, watches
    /// with theirs, buttons with what they are about to mean. A button that means something else now ends what it held,
    /// and begins anew from where it stands.
    pub fn reconfigure(&mut self, moment: Moment, settings: &Settings) {
        self.policy.trust(&settings.trusted, settings.strangers);
        self.guard.set_realm(&settings.authentication.realm);
        let kept = self.let_go_buttons(moment, settings);
        self.notifier.set_rules(rules(settings));
        let notes = settings.rules.notes.iter();
        self.notifier.set_notes(notes.map(Text::as_str));
        let lifetimes = settings.registrations;
        self.registrar.set_rules(lifetimes.min, lifetimes.max);
        let lifetimes = settings.publications;
        self.compositor.set_rules(lifetimes.min, lifetimes.max);
        self.keep_presentities(moment, settings);
        let are_lists_others = self.keep_lists(moment.now, settings);
        let (old, new) = (&self.settings, settings);
        let are_trusted_others = (&old.trusted, old.strangers) != (&new.trusted, new.strangers);
        let is_ruled_otherwise = old.rules != new.rules;
        place_rules(&mut self.policy, &self.presentities, settings, moment.wall);
        if are_trusted_others || are_lists_others || is_ruled_otherwise {
            self.judge_all();
        }
        self.upstreams
            .set_pace(settings.paces[Package::Presence as usize]);
        let links = self.keep_links(moment.now, settings);
        let watches = self.keep_watches(moment.now, settings);
        self.prove_anew(moment.now, settings);
        self.watcher.handle_reload(moment.now, &mut self.random);
        self.settings.copy_from(settings);
        (self.watches, self.links) = (watches, links);
        self.attach_members(moment.now);
        self.reach_all(moment);
        self.examine_all(moment.now);
        self.connect_lamps(moment.now);
        self.connect_buttons(moment, &kept);
        self.expect_change(moment);
        self.changes.note_all();
    }

    /// Where we listen inside TLS; an address may be unspecified. Before the start.
    pub fn set_secure_listeners(&mut self, all: &[SocketAddr]) {
        self.locals.listen_inside(all);
    }

    /// The addresses that peers reach us at changed. Whoever knows us by one that is not ours any more is told the
    /// new one at once.
    pub fn set_locals(&mut self, now: Instant, locals: &[LocalAddress]) {
        let before = self.locals.clone();
        if self.locals.listen_on(locals) {
            self.announce_locals(now, &before);
            self.notifier.handle_moves(&self.locals);
        }
    }

    fn keep_presentities(&mut self, moment: Moment, settings: &Settings) {
        let is_kept = |uri: &str| {
            settings
                .presentities
                .iter()
                .any(|presentity| presentity.uri.as_str() == uri)
        };
        self.drop_lists(settings);
        for &id in &self.presentities {
            let gone = self
                .directory
                .presentities()
                .get(id)
                .is_some_and(|presentity| !is_kept(presentity.uri()));
            if gone {
                self.notifier.handle_removal(id);
                self.registrar.handle_removal(id);
                self.compositor.handle_removal(id);
                self.calls.handle_removal(id);
                self.directory.remove(id);
            }
        }
        self.presentities.clear();
        for presentity in &settings.presentities {
            let known = self.directory.configured(&presentity.uri);
            let id = known.or_else(|| {
                self.directory
                    .add(moment.now, &presentity.uri, presentity.dialog_shows_dnd)
            });
            let Some(id) = id else { continue };
            let _ = self.presentities.push(id);
            self.directory.show_dnd(id, presentity.dialog_shows_dnd);
            self.compose(moment, id);
        }
    }

    /// Ends lists that are no more, before others may take their places.
    fn drop_lists(&mut self, settings: &Settings) {
        for &id in &self.lists {
            let uri = uri_of(&self.directory, id);
            if !settings
                .served_lists
                .iter()
                .any(|it| it.uri.as_str() == uri)
            {
                self.notifier.handle_removal(id);
                self.directory.remove(id);
            }
        }
    }

    /// Keeps lists among the presentities, where requests find them. Whether any of them is another one.
    fn keep_lists(&mut self, now: Instant, settings: &Settings) -> bool {
        self.lists.clear();
        let mut members = Vec::<Members, { limits::SERVED_LISTS }>::new();
        for list in &settings.served_lists {
            let known = self.directory.configured(&list.uri);
            let id = known.or_else(|| self.directory.add(now, &list.uri, false));
            let Some(id) = id else { continue };
            let on_it = settings.members_of(list);
            let on_it = on_it.filter_map(|at| self.presentities.get(at).copied());
            let _ = self.lists.push(id);
            let _ = members.push(on_it.take(limits::LIST_MEMBERS).collect());
        }
        let lists = self.lists.iter().zip(&members);
        self.notifier
            .set_lists(lists.map(|(&id, members)| (id, &members[..])))
    }

    fn keep_watches(
        &mut self,
        now: Instant,
        settings: &Settings,
    ) -> Vec<Option<Id<Watch>>, { limits::WATCHES }> {
        let known = |wanted: &WatchSettings, agent: &Agent| {
            let at = agent
                .settings
                .watches
                .iter()
                .position(|watch| watch == wanted)?;
            *agent.watches.get(at)?
        };
        for (watch, id) in self.settings.watches.iter().zip(&self.watches) {
            if let Some(id) = *id
                && !settings.watches.contains(watch)
            {
                self.watcher.remove(id);
            }
        }
        let mut watches = Vec::new();
        for (number, watch) in settings.watches.iter().enumerate() {
            let known = known(watch, self);
            self.quiet.set_rest(number, &self.policy, watch);
            let id = match self.quiet.rests(number) {
                true => {
                    known.into_iter().for_each(|id| self.watcher.remove(id));
                    None
                }
                false => known.or_else(|| self.ask_for(now, watch)),
            };
            if let Some(id) = id {
                self.watch_at[usize::from(id.slot())] = number as u16;
            }
            let _ = watches.push(id);
        }
        watches
    }

    /// Begins to ask for a watch. One that can't be asked for, as one at a broadcast address, leaves its lamps at unknown.
    pub(super) fn ask_for(&mut self, now: Instant, watch: &WatchSettings) -> Option<Id<Watch>> {
        let order = Order {
            target: &watch.target,
            from: &watch.from,
            package: watch.package,
            role: match watch.role {
                WatchRole::Alone => Role::Alone,
                WatchRole::List => Role::List,
                WatchRole::Member(_) => Role::Member,
            },
            fallback: watch.fallback,
            server: watch.server.as_deref(),
            account: watch.upstream,
            expires: watch.expires,
            audit: watch.audit,
            at_most_every: watch.at_most_every,
            partial: watch.partial,
        };
        self.watcher.add(now, &order, &mut self.random).ok()
    }

    /// Tells every watch that is on a list which one tells it.
    pub(super) fn attach_members(&mut self, now: Instant) {
        for (watch, id) in self.settings.watches.iter().zip(&self.watches) {
            if let (WatchRole::Member(list), Some(id)) = (watch.role, *id) {
                let list = self.watches.get(usize::from(list)).copied().flatten();
                self.watcher.attach(now, id, list, &mut self.random);
            }
        }
    }

    fn connect_lamps(&mut self, now: Instant) {
        for number in 0..limits::LAMPS {
            let lamp = &mut self.panel.lamps[number];
            self.panel.showing.leave(number as u16, lamp.shows());
            match self.settings.lamps.get(number) {
                None if lamp.shown().is_none() => continue,
                None => lamp.forget(),
                Some(settings) => {
                    lamp.configure(settings.shows, settings.grace, &settings.looks);
                    self.panel.showing.enter(number as u16, settings.shows);
                }
            }
            self.hide(number);
            self.relight(now, number as u16);
        }
    }
}

/// Who is on a list.
type Members = Vec<Id<Presentity>, { limits::LIST_MEMBERS }>;

/// Gives the policy the rules of these settings, whose presentities are there.
pub(super) fn place_rules(
    policy: &mut Policy,
    presentities: &[Id<Presentity>],
    settings: &Settings,
    wall: Wall,
) {
    let places = presentities.iter().map(|id| id.slot());
    policy.set_rules(&settings.rules, places, wall);
}

fn rules(settings: &Settings) -> Rules {
    Rules {
        min_expires: settings.min_expires,
        max_expires: settings.max_expires,
        pace: settings.paces,
        blank: match settings.blank_documents {
            true => Blank::Presence,
            false => Blank::NoBody,
        },
    }
}
