//! What a record is called.

use crate::ground::limits;
use crate::ground::text::Text;
use core::fmt::{self, Write};

/// Bytes of the longest key as text.
pub const KEY: usize = 15;

/// The name of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The secret and the instance.
    Identity,
    /// The owner's decisions.
    Decisions,
    /// A presentity's own state, by its place in the table.
    Desk(u16),
    /// A subscription that we serve, by its slot.
    Subscription(u16),
    /// A phone that is registered here, by its slot.
    Binding(u16),
    /// What a phone has published here, by its slot.
    Publication(u16),
    /// What is published at a server, by the number of the upstream.
    Upstream(u16),
}

impl Key {
    /// Records at once, with all tables full.
    pub const COUNT: usize = 2
        + limits::PRESENTITIES
        + limits::SUBSCRIPTIONS
        + limits::BINDINGS
        + limits::PUBLICATIONS
        + limits::UPSTREAMS;

    /// Reads a key as [`Key::name`] writes it.
    pub fn named(name: &str) -> Option<Key> {
        let (kind, number) = match name.split_once('/') {
            None => (name, None),
            Some((kind, number)) => (kind, Some(number.parse().ok()?)),
        };
        Some(match (kind, number) {
            ("id", None) => Key::Identity,
            ("dec", None) => Key::Decisions,
            ("desk", Some(slot)) => Key::Desk(slot),
            ("sub", Some(slot)) => Key::Subscription(slot),
            ("reg", Some(slot)) => Key::Binding(slot),
            ("pub", Some(slot)) => Key::Publication(slot),
            ("up", Some(number)) => Key::Upstream(number),
            _ => return None,
        })
    }

    /// Whether this build has such a place; one with larger tables may have left more.
    pub fn has_place(self) -> bool {
        let (slot, places) = match self {
            Key::Identity | Key::Decisions => return true,
            Key::Desk(slot) => (slot, limits::PRESENTITIES),
            Key::Subscription(slot) => (slot, limits::SUBSCRIPTIONS),
            Key::Binding(slot) => (slot, limits::BINDINGS),
            Key::Publication(slot) => (slot, limits::PUBLICATIONS),
            Key::Upstream(number) => (number, limits::UPSTREAMS),
        };
        usize::from(slot) < places
    }

    /// The key as text.
    pub fn name(self) -> Text<KEY> {
        let mut name = Text::new();
        let _ = write!(name, "{self}"); // The longest has ten bytes.
        name
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Identity => f.write_str("id"),
            Key::Decisions => f.write_str("dec"),
            Key::Desk(slot) => write!(f, "desk/{slot}"),
            Key::Subscription(slot) => write!(f, "sub/{slot}"),
            Key::Binding(slot) => write!(f, "reg/{slot}"),
            Key::Publication(slot) => write!(f, "pub/{slot}"),
            Key::Upstream(number) => write!(f, "up/{number}"),
        }
    }
}
