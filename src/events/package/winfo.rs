//! The `presence.winfo` package (RFC 3857): who watches the presence of a presentity, told to its owner.
//!
//! A lamp shows whether somebody waits for the owner's decision. Read RFC 3857 §4.7 and RFC 3858 §4 first.

use super::audience::Scene;
use super::memory::{Heard, Memory, Order, Reading, hash};
use super::presence;
use super::spec::{Baseline, Body, BodyType, LampKind, Pace, Served, Spec};
use crate::events::ruling::View;
use crate::events::watched::Watched;
use crate::ground::time::{Duration, Seconds};
use crate::wire::doc::Fault;
use crate::wire::doc::winfo::{self, Draft, Entry, Extent, Status, Watcher};

pub(super) const SPEC: Spec = Spec {
    name: "presence.winfo",
    expires: Seconds(3_600),
    bodies: &[BodyType::new("application/watcherinfo+xml")],
    also_read: &[],
    // RFC 3857 §4.9.
    several_notifiers: true,
    watchers_of: Some(presence::SPEC.name),
    lamp: LampKind::Calling,
    // That nobody watches is a document too: a list without watchers (RFC 3858 §3).
    stateless: None,
    read,
    served: Some(Served {
        private: true,
        switched: false,
        partial: true,
        pace: Pace {
            burst: 4,
            interval: Duration::from_secs(5),
        },
        narrows: |_| false,
        // It is for the owner alone, who sees everything.
        discerns: |_| View::FULL,
        // The notifier counts the changes of an audience itself.
        revision: |_, _| 1,
        write,
        patched: None,
    }),
    published: false,
};

/// Writes who changed, or everybody.
///
/// Only whole watchers are written, and those that do not fit are left out, each for itself, so that a long name hides
/// nobody else. Those about whom the owner has to decide come first, then the newest. A partial document in which
/// not all that changed have room becomes a full one. Who was left out of a full one is told with its next change: to
/// the reader that is a row it did not know.
///
/// How long a watcher has been there, and how long it stays without a refresh, stands in full documents alone: it
/// changes by itself, and who wants to know has to ask anyway.
fn write(scene: &Scene<'_>, told: Baseline, buf: &mut [u8]) -> Option<Body> {
    if let Baseline::Until(revision) = told
        && let Some(body) = write_changes(scene, revision, buf)
    {
        return Some(body);
    }
    let mut draft = begin(scene, Extent::Full, buf);
    scene.audience.all(&mut |entry| {
        let _ = draft.add(entry);
    });
    finish(draft)
}

/// Writes who changed; `None` if that would not be all.
fn write_changes(scene: &Scene<'_>, revision: u32, buf: &mut [u8]) -> Option<Body> {
    let mut draft = begin(scene, Extent::Partial, buf);
    let mut fits = true;
    let is_known = scene.audience.since(revision, &mut |entry| {
        let changed = Entry {
            expiration: None,
            subscribed: None,
            ..*entry
        };
        fits &= draft.add(&changed).is_ok();
    });
    if is_known && fits {
        finish(draft)
    } else {
        None
    }
}

fn begin<'b>(scene: &Scene<'_>, extent: Extent, buf: &'b mut [u8]) -> Draft<'b> {
    let watched = presence::SPEC.name;
    Draft::new(scene.presentity.uri(), watched, extent, buf)
}

fn finish(draft: Draft<'_>) -> Option<Body> {
    let rendered = draft.finish().ok()?;
    Some(Body {
        len: rendered.len,
        version_at: Some(rendered.version_at),
    })
}

/// Takes in a full or partial document. One with a lower number than the last is discarded, be it full or not
/// (RFC 3858 §4).
fn read(memory: &mut Memory, body: &[u8]) -> Result<Reading, Fault> {
    let head = winfo::read_head(body)?;
    let order = Order {
        version: head.version,
        partial: match head.extent {
            Extent::Full => false,
            Extent::Partial => true,
        },
    };
    let is_lower = memory.version().zip(head.version).is_some_and(is_lower);
    if is_lower || memory.is_behind(order) {
        return Ok(Reading::Stale);
    }
    let mut rows = memory.rows(order);
    let mut heard = Heard::default();
    winfo::read(body, &mut |watcher| {
        let wants = wants(watcher);
        heard.listed += 1;
        heard.told = heard.told.max(wants);
        rows.set(row(watcher), wants);
    })?;
    Ok(memory.settle(order, rows, heard))
}

fn is_lower((known, version): (u32, u32)) -> bool {
    version < known
}

/// Lists are told apart by their resource, watchers by the id in their list.
fn row(watcher: &Watcher<'_>) -> u64 {
    let part = |text| Option::map_or(text, 0, |text| hash(&text));
    part(watcher.resource).rotate_left(1) ^ part(watcher.id)
}

/// What a lamp makes of one watcher; `None` if nobody has to decide about it.
fn wants(watcher: &Watcher<'_>) -> Option<Watched> {
    match watcher.status? {
        Status::Pending | Status::Waiting => Some(Watched::Waiting),
        Status::Active | Status::Terminated => None,
    }
}
