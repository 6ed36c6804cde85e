//! The agent: a value that says what to do.
//!
//! Change it (`start`, `handle_*`, `stop`), then [`Agent::poll`] until it says [`Output::Wait`], after every single
//! change: an answer waits in the agent until it is polled, and the next datagram may bring another. Whoever has read
//! more than it can send just now may stop polling for a while: then [`Agent::poll_answer`] after every change is
//! enough, and [`Agent::due`] says what `Wait` would have said.
//!
//! ```text
//!   datagram ─► requests ─► notifier ─► NOTIFY            button, input ─► directory ─► notifier
//!                    ├────► watcher ──► lamps ──► look    registrar ───────────┤  └─► upstreams
//!                    ├────► compositor                    compositor ──────────┘
//!                    └────► registrar
//!   answer ───► responses ─► notifier, watcher, upstreams  time ─────────► all of them
//! ```

mod approval;
mod buttons;
mod called;
mod calls;
mod certified;
mod changes;
mod features;
mod health;
mod judging;
mod keeping;
mod lamps;
mod messages;
mod output;
mod publications;
mod quiet;
mod register;
mod setup;
mod standing;
pub mod status;
mod stun;
mod subscriptions;
#[cfg(test)]
mod tests;
mod trust;
mod upstreams;

pub use approval::{Ambiguous, Decree, Whom};
pub use changes::Description;
pub use keeping::{KEY, Key, RECORD};
pub use output::{Lost, Output, Report, Standing, Subject, Trouble, UriExcerpt, Word};

use self::buttons::Buttons;
use self::certified::Certified;
use self::changes::Changes;
use self::keeping::Keeping;
use self::standing::Baseline;
use self::upstreams::Links;
use super::config::Settings;
use super::directory::Directory;
use crate::events::answer::Answer;
use crate::events::pace::Bucket;
use crate::events::presentity::Presentity;
use crate::events::subscription::Reason;
use crate::events::watched::Watched;
use crate::ground::limits;
use crate::ground::random::{Random, Secret};
use crate::ground::table::{Id, Queue};
use crate::ground::text::Excerpt;
use crate::ground::time::{Instant, Moment};
use crate::ground::timers::Timers;
use crate::roles::compositor::Compositor;
use crate::roles::notifier::Notifier;
use crate::roles::registrar::Registrar;
use crate::roles::upstream::{Around, Link, Upstreams};
use crate::roles::watcher::{Action, Watch, Watcher};
use crate::txn::server::Transactions;
use crate::ua::addresses::LocalAddresses;
use crate::ua::guard::Guard;
use crate::ua::query::{Asker, Name, Query};
use crate::ua::targets::Target;
use crate::users::compose::{Input, LocalCalls};
use crate::users::lamps::{Lamp, Shows};
use crate::users::policy::Policy;
use crate::wire::doc::message_summary::Messages;
use crate::wire::flow::Flow;
use core::net::{IpAddr, SocketAddr};
use health::Health;
use heapless::{Deque, Vec};
use lamps::Showing;
use quiet::Quiet;

/// An edge presence agent. Nothing in it touches a socket, a clock, a file or a thread.
///
/// It is large (see [`limits::AGENT_BYTES`]): keep it in a static or a box, never on a small stack. All bytes of
/// [`Agent::new`] are zero, so a static costs no room in the binary.
pub struct Agent {
    random: Random,
    secret: Secret,
    settings: Settings,
    guard: Guard,
    certified: Certified,
    policy: Policy,
    /// When to look whether a rule begins or ceases to hold.
    boundary: Option<Instant>,
    quiet: Quiet,
    /// Our addresses, as peers reach us.
    locals: LocalAddresses,
    directory: Directory,
    /// The presentities in the order of the settings.
    presentities: Vec<Id<Presentity>, { limits::PRESENTITIES }>,
    /// The lists that are served, which are kept among the presentities.
    lists: Vec<Id<Presentity>, { limits::SERVED_LISTS }>,
    transactions: Transactions<Answer>,
    calls: LocalCalls,
    compositor: Compositor,
    notifier: Notifier,
    registrar: Registrar,
    watcher: Watcher,
    /// The watches in the order of the settings; `None` for one that can't be asked for.
    watches: Vec<Option<Id<Watch>>, { limits::WATCHES }>,
    /// Which watch of the settings is in which slot of the watcher.
    watch_at: [u16; limits::WATCHES],
    upstreams: Upstreams,
    /// The upstreams in the order of the settings; `None` for one that there is no room for.
    links: Vec<Option<Id<Link>>, { limits::UPSTREAMS }>,
    panel: Panel,
    buttons: Buttons,
    health: Health,
    keeping: Keeping,
    reply: Reply,
    /// Of strangers' Binding requests, so that none has us answer as often as he likes.
    bindings: Bucket,
    /// The connection on which somebody who may was last granted something.
    granted: u32,
    reports: Deque<Report, 4>,
    told: Baseline,
    changes: Changes,
    started: Instant,
    stopping: bool,
}

/// The lamps, in the order of the settings.
struct Panel {
    lamps: [Lamp; limits::LAMPS],
    /// The state each shows, and since when.
    states: [Watched; limits::LAMPS],
    since: [Instant; limits::LAMPS],
    /// A hash of the other party of the call that each shows; 0 if there is none.
    parties: [u32; limits::LAMPS],
    /// How many messages each was last said to stand for.
    messages: [Messages; limits::LAMPS],
    showing: Showing,
    /// When a lamp's grace ends.
    graces: Timers<{ limits::LAMPS }>,
    /// Lamps whose look the shell has not shown yet.
    changed: Queue<{ limits::LAMPS }>,
}

/// The answer to the request that was handled last.
struct Reply {
    flow: Flow,
    /// Zero when there is none.
    len: usize,
    bytes: [u8; limits::MESSAGE],
}

const _: () = assert!(
    size_of::<Agent>() <= limits::AGENT_BYTES,
    "the agent outgrew its budget: see limits::AGENT_BYTES"
);

impl Agent {
    /// An agent that serves nobody. Give it settings with [`Agent::start`].
    pub const fn new() -> Agent {
        Agent {
            random: Random::new(),
            secret: Secret::new(),
            settings: Settings::new(),
            guard: Guard::new(),
            certified: Certified::new(),
            policy: Policy::new(),
            boundary: None,
            quiet: Quiet::new(),
            locals: LocalAddresses::new(),
            directory: Directory::new(),
            presentities: Vec::new(),
            lists: Vec::new(),
            transactions: Transactions::new(),
            calls: LocalCalls::new(),
            compositor: Compositor::new(),
            notifier: Notifier::new(),
            registrar: Registrar::new(),
            watcher: Watcher::new(),
            watches: Vec::new(),
            watch_at: [0; limits::WATCHES],
            upstreams: Upstreams::new(),
            links: Vec::new(),
            panel: Panel {
                lamps: [const { Lamp::new() }; limits::LAMPS],
                states: [Watched::Unknown; limits::LAMPS],
                since: [Instant::ZERO; limits::LAMPS],
                parties: [0; limits::LAMPS],
                messages: [Messages::NONE; limits::LAMPS],
                showing: Showing::new(),
                graces: Timers::new(),
                changed: Queue::new(),
            },
            buttons: Buttons::new(),
            health: Health::new(),
            keeping: Keeping::new(),
            reply: Reply {
                flow: Flow::NOWHERE,
                len: 0,
                bytes: [0; limits::MESSAGE],
            },
            bindings: Bucket::new(),
            granted: 0,
            reports: Deque::new(),
            told: Baseline::new(),
            changes: Changes::new(),
            started: Instant::ZERO,
            stopping: false,
        }
    }

    /// A fact from a local presence user agent about the presentity with that number in the settings.
    pub fn handle_input(&mut self, moment: Moment, presentity: usize, input: Input) {
        let before = self.refuses(presentity);
        self.take_input(moment, presentity, input);
        let refuses = self.refuses(presentity);
        if before != refuses {
            self.switch_features(presentity, refuses, None);
        }
    }

    /// The same without a word to servers that keep do-not-disturb too.
    pub(super) fn take_input(&mut self, moment: Moment, presentity: usize, input: Input) {
        let Some(&id) = self.presentities.get(presentity) else {
            return;
        };
        match &input {
            Input::Hook(_) | Input::Idle(_) => {}
            Input::Dnd(_) | Input::Activity(_) | Input::Note(_) | Input::Clear => {
                self.keeping.touch(moment.now, id);
            }
        }
        self.directory.apply(moment.now, id, input);
        self.note_presentity(id);
        self.compose(moment, id);
        self.relight_showing(moment.now, Shows::Dnd(presentity as u16));
    }

    /// Where the name leads that was asked for by [`Output::Resolve`], the best place first; none if it leads nowhere.
    /// They are tried in that order (RFC 3263 §4.3), at most [`limits::TARGETS`] of them.
    pub fn handle_resolved(&mut self, moment: Moment, query: Query, found: &[Target]) {
        let (now, random) = (moment.now, &mut self.random);
        match query.asker {
            Asker::Watch => self.watcher.handle_resolved(now, query, found, random),
            Asker::Upstream => self.upstreams.handle_resolved(now, query, found, random),
        }
    }

    /// Whom to ask for at the address that [`Output::Resolve`] asks for: the user of a URI, before
    /// [`Agent::handle_resolved`]. Only for names of which that is not known before, as those of instances of services.
    pub fn handle_user(&mut self, query: Query, user: &str) {
        match query.asker {
            Asker::Watch => self.watcher.handle_user(query, user),
            Asker::Upstream => {}
        }
    }

    /// A name that [`Output::Resolve`] asked for before is elsewhere now, or is there at last.
    pub fn handle_host(&mut self, now: Instant, host: &str, addresses: &[IpAddr]) {
        self.upstreams.handle_host(now, host, addresses);
        self.watcher
            .handle_host(now, host, addresses, &mut self.random);
    }

    /// The moment of [`Output::Wait`] has come, or any other; early and late calls do no harm.
    pub fn handle_timeout(&mut self, moment: Moment) {
        self.handle_boundary(moment);
        self.handle_button_timeout(moment);
        self.transactions.handle_timeout(moment.now);
        self.calls.handle_timeout(moment.now);
        self.hear_calls(moment);
        self.compositor.handle_timeout(moment.now);
        self.hear_publications(moment);
        self.registrar.handle_timeout(moment.now);
        self.hear_registrations(moment);
        self.notifier.set_clock(moment);
        self.notifier.handle_timeout(moment.now);
        self.watcher.handle_timeout(moment.now, &mut self.random);
        self.upstreams.handle_timeout(moment.now, &mut self.random);
        while let Some(lamp) = self.panel.graces.take_due(moment.now) {
            self.relight(moment.now, lamp);
        }
    }

    /// Ends all subscriptions, both ways, and says so to the peers. Poll on until [`Agent::is_stopped`], or as long
    /// as patience lasts.
    ///
    /// Watchers are told `deactivated`, which asks them to subscribe again at once: a SUBSCRIBE is repeated for 32 s,
    /// and by then an agent that was restarted is back. After `probation` phones wait for minutes.
    ///
    /// All lamps turn unknown with the next [`Agent::handle_timeout`], which is due at once: what they show last may
    /// stay lit for as long as nobody starts an agent again.
    pub fn stop(&mut self, now: Instant) {
        self.stopping = true;
        for lamp in 0..self.settings.lamps.len() {
            self.panel.graces.set(lamp as u16, Some(self.started));
        }
        self.notifier.stop(Reason::Deactivated);
        self.watcher.stop();
        self.upstreams.stop(now);
    }

    /// Whether everybody knows that the agent stops.
    pub fn is_stopped(&self) -> bool {
        let all_know = self.notifier.is_empty() && self.watcher.is_idle();
        self.stopping && all_know && self.upstreams.is_idle()
    }

    /// The next thing to do. A message to send is in `buf`, which should hold [`limits::MESSAGE`] bytes.
    pub fn poll(&mut self, now: Instant, buf: &mut [u8]) -> Output {
        if let Some((flow, len)) = self.poll_answer(buf) {
            return Output::Send { flow, len };
        }
        if let Some(action) = self.next_action(now, buf) {
            return match action {
                Action::Send { flow, len } => Output::Send { flow, len },
                Action::Resolve { query } => Output::Resolve { query },
            };
        }
        // Each may have something to report, and none of that is lost.
        while !self.reports.is_full()
            && let Some(watch) = self.watcher.take_changed()
        {
            self.handle_watched(now, watch);
        }
        while !self.reports.is_full()
            && let Some(link) = self.upstreams.take_changed()
        {
            self.handle_link(now, link);
        }
        if self.notifier.take_waiting_changed() {
            self.waiting_changed(now);
        }
        if let Some(output) = self.next_look() {
            return output;
        }
        if let Some(report) = self.reports.pop_front() {
            return Output::Report(report);
        }
        if self.notifier.wants_judging() {
            self.judge_all();
        }
        let presentities = self.directory.presentities();
        if let Some((flow, len)) = self.notifier.poll(now, presentities, &mut self.random, buf) {
            return Output::Send { flow, len };
        }
        if let Some(subject) = self.next_change() {
            return Output::Changed(subject);
        }
        if let Some((button, gesture)) = self.buttons.take_told() {
            return Output::Gesture { button, gesture };
        }
        Output::Wait(self.due())
    }

    /// The answer to what was handled last, if there is one: what [`Agent::poll`] begins with. It is in `buf`.
    pub fn poll_answer(&mut self, buf: &mut [u8]) -> Option<(Flow, usize)> {
        let len @ 1.. = core::mem::take(&mut self.reply.len) else {
            return None;
        };
        let place = buf.get_mut(..len)?;
        place.copy_from_slice(&self.reply.bytes[..len]);
        Some((self.reply.flow, len))
    }

    /// What to find for [`Output::Resolve`]; `None` if nobody wants it any more.
    pub fn query(&self, query: Query) -> Option<Name<'_>> {
        match query.asker {
            Asker::Watch => self.watcher.query(query),
            Asker::Upstream => self.upstreams.query(query),
        }
    }

    /// Who the peer at `remote` has to be, inside TLS: the servers of ours that are there, as they are configured (RFC 5922
    /// §7.3).
    pub fn names_at(&self, remote: SocketAddr) -> impl Iterator<Item = &str> {
        let accounts = self.upstreams.names_at(remote);
        accounts.chain(self.watcher.names_at(remote))
    }

    /// What the clients among the roles want done.
    fn next_action(&mut self, now: Instant, buf: &mut [u8]) -> Option<Action> {
        self.keep_together(now);
        let random = &mut self.random;
        let mut accounts = Links {
            upstreams: &mut self.upstreams,
            ids: &self.links,
            addresses: &self.locals,
        };
        let watched = self.watcher.poll(now, &mut accounts, random, buf);
        let around = Around {
            addresses: &self.locals,
            presentities: self.directory.presentities(),
        };
        watched.or_else(|| self.upstreams.poll(now, &around, random, buf))
    }

    /// The presentity may have changed.
    fn tell_watchers(&mut self, now: Instant, id: Id<Presentity>) {
        if let Some(presentity) = self.directory.presentities().get(id) {
            self.notifier.handle_change(now, id, presentity);
            self.upstreams.handle_change(now, id, presentity);
        }
    }

    /// Whether requests of every kind from `address` are served.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.policy.trusts(address)
    }

    /// The number of the connection on which a request that changes something was last granted to somebody who may: its
    /// peer is no stranger. 0 before there was one, and after one that came as a datagram.
    pub fn granted(&self) -> u32 {
        self.granted
    }

    /// The settings it runs by.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// When [`Agent::handle_timeout`] wants to be called, whatever there is to poll.
    pub fn due(&self) -> Option<Instant> {
        [
            self.transactions.due(),
            self.calls.due(),
            self.compositor.due(),
            self.notifier.due(),
            self.watcher.due(),
            self.upstreams.due(),
            self.panel.graces.next(),
            self.buttons.due(),
            self.registrar.due(),
            self.boundary,
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

impl Default for Agent {
    fn default() -> Agent {
        Agent::new()
    }
}
