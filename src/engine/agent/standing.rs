//! How our accounts and watches stand, and what of it is news: for those who follow, and for the log.

use super::{Agent, Excerpt, Lost, Report, Standing};
use crate::engine::config::{WatchRole, WatchSettings};
use crate::ground::limits;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::roles::upstream::{self, LINKS, Link, Stands};
use crate::roles::watcher::Watch;
use crate::wire::flow::Flow;
use core::net::SocketAddr;

/// What was told last, by the places of the roles' tables: numbers in the settings may mean others after a reload.
pub(super) struct Baseline {
    accounts: [Account; LINKS],
    watches: [Watched; limits::WATCHES],
}

/// What was told of an account.
#[derive(Clone, Copy)]
struct Account {
    /// Of which; `None` if there was none in this place.
    link: Option<Id<Link>>,
    seen: Seen,
    logged: Logged,
    /// Where it worked last, among its servers; one more than that, for 0 is nowhere.
    home: u8,
}

/// What those who follow an account have seen.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    registration: Stands,
    publication: Stands,
    answers: [Option<u16>; 2],
    /// Which of its servers.
    server: u8,
    remote: SocketAddr,
}

/// What the log says of an account.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Logged {
    Nothing,
    Works,
    Refused(u16),
    Fails,
}

/// What was told of a watch.
#[derive(Clone, Copy)]
struct Watched {
    watch: Option<Id<Watch>>,
    /// Whether it is without its subscription, and with which answer.
    lost: Option<u16>,
}

impl Baseline {
    pub(super) const fn new() -> Baseline {
        Baseline {
            accounts: [Account::new(None); LINKS],
            watches: [Watched {
                watch: None,
                lost: None,
            }; limits::WATCHES],
        }
    }
}

impl Account {
    const fn new(link: Option<Id<Link>>) -> Account {
        Account {
            link,
            seen: Seen {
                registration: Stands::Off,
                publication: Stands::Off,
                answers: [None; 2],
                server: 0,
                remote: Flow::NOWHERE.remote,
            },
            logged: Logged::Nothing,
            home: 0,
        }
    }
}

impl Agent {
    /// The account with that number may stand otherwise. Says so if it does.
    pub(super) fn look_at_account(&mut self, now: Instant, number: usize, id: Id<Link>) {
        let Some(report) = self.upstreams.report(now, id, &self.locals) else {
            return;
        };
        let settings = self.settings.upstreams.get(number);
        let servers = settings.map_or(&[][..], |it| &it.servers[..]);
        let server = servers.iter().position(|it| &*it.host == report.server);
        let seen = Seen {
            registration: report.registration,
            publication: report.publication,
            answers: [report.last_register, report.last_publish],
            server: server.unwrap_or(0) as u8,
            remote: report.remote.unwrap_or(Flow::NOWHERE.remote),
        };
        let told = &mut self.told.accounts[usize::from(id.slot())];
        if told.link != Some(id) {
            *told = Account::new(Some(id));
        }
        let before = core::mem::replace(&mut told.seen, seen);
        if before != seen {
            self.changes.note_account(number as u16);
        }
        let Some((logged, stands)) = news(&report, told, seen.server) else {
            return;
        };
        // What fails has been left for the next one already.
        let failed = servers.get(usize::from(before.server));
        let server = match logged {
            Logged::Fails => failed.map_or(report.server, |it| &it.host),
            Logged::Nothing | Logged::Works | Logged::Refused(_) => report.server,
        };
        let line = Report::Account {
            aor: Excerpt::of(report.aor.as_bytes()),
            server: Excerpt::of(server.as_bytes()),
            stands,
        };
        told.logged = logged;
        if logged == Logged::Works {
            told.home = seen.server + 1;
        }
        self.report(line);
    }

    /// The watch with that number may have lost its subscription, or have it back. Says so if it does.
    pub(super) fn look_at_watch(&mut self, number: u16, id: Id<Watch>) {
        let Some(state) = self.watcher.state(id).filter(|_| !self.stopping) else {
            return;
        };
        let status = state.last_status.unwrap_or(0);
        let told = &mut self.told.watches[usize::from(id.slot())];
        if told.watch != Some(id) {
            *told = Watched {
                watch: Some(id),
                lost: None,
            };
        }
        let lost = match told.lost {
            None if !state.lost => return,
            // The same answer again is no news.
            Some(before) if state.lost && before == status => return,
            // It is there again, and has said nothing yet.
            Some(_) if !state.lost && state.broken_since.is_some() => return,
            None | Some(_) => state.lost.then_some(status),
        };
        told.lost = lost;
        let target = Excerpt::of(state.target.as_bytes());
        let lost = lost.map(|status| Lost {
            status: (state.last_reason == REFUSED).then_some(status),
            reason: state.last_reason,
        });
        let remote = state.remote;
        let package = match self.is_one_of_two(number) {
            true => Excerpt::of(state.package.name().as_bytes()),
            false => Excerpt::NONE,
        };
        let unasked = state.unasked.filter(|_| state.expires.is_none());
        let (first, others) = self.lamps_of(number);
        self.report(Report::Lamps {
            first,
            others,
            target,
            package,
            remote,
            lost,
            unasked,
        });
    }

    /// The first lamp that a watch feeds, itself or as a list, and how many others there are.
    fn lamps_of(&self, watch: u16) -> (super::Word, u16) {
        let told =
            |it: &(u16, &WatchSettings)| it.0 == watch || it.1.role == WatchRole::Member(watch);
        let watches = || (0..).zip(&self.settings.watches).filter(told);
        let fed = || watches().flat_map(|(it, _)| self.panel.showing.fed_by(it));
        let first = fed()
            .min()
            .and_then(|lamp| self.settings.lamps.get(usize::from(lamp)));
        let name = first.map_or(Excerpt::NONE, |it| Excerpt::of(it.name.as_bytes()));
        (name, fed().count().saturating_sub(1) as u16)
    }

    /// Whether a watch feeds a lamp together with another one.
    fn is_one_of_two(&self, watch: u16) -> bool {
        let mut lamps = self.panel.showing.fed_by(watch);
        lamps.any(|lamp| {
            let shows = self.panel.lamps[usize::from(lamp)].shows();
            shows.beside(watch).is_some()
        })
    }
}

/// What the log is to be told of an account that stands like that now at its server with that number.
fn news(report: &upstream::Report<'_>, told: &Account, server: u8) -> Option<(Logged, Standing)> {
    let both = [
        (report.registration, "REGISTER", report.last_register),
        (report.publication, "PUBLISH", report.last_publish),
    ];
    let why = report.why;
    let fails = || {
        let stands = Standing::Fails { why };
        (told.logged != Logged::Fails).then_some((Logged::Fails, stands))
    };
    for (stands, method, answer) in both {
        match (stands, answer) {
            (Stands::Refused, Some(status)) => {
                let logged = Logged::Refused(status);
                let stands = Standing::Refused {
                    method,
                    status,
                    why,
                };
                return (told.logged != logged).then_some((logged, stands));
            }
            (Stands::Refused | Stands::Retrying, _) => return fails(),
            (Stands::Off | Stands::Waiting | Stands::Yes, _) => {}
        }
    }
    // One that stands at a server which has just failed is on its way to the next.
    if report.broken_since.is_some() {
        return fails();
    }
    let works = both.iter().any(|(stands, ..)| *stands == Stands::Yes);
    let waits = both.iter().any(|(stands, ..)| *stands == Stands::Waiting);
    let is_elsewhere = told.home != 0 && told.home != server + 1;
    match (told.logged, is_elsewhere) {
        _ if !works || waits => None,
        (Logged::Works, false) => None,
        (_, true) => Some((Logged::Works, Standing::Moved)),
        (Logged::Nothing | Logged::Refused(_) | Logged::Fails, false) => {
            Some((Logged::Works, Standing::Works))
        }
    }
}

/// The reason of a watch whose SUBSCRIBE got a status code.
const REFUSED: &str = "refused";
