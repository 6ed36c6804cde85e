//! The watcher against a scripted notifier, in virtual time.

mod documents;
mod ends;
mod failures;
mod first;
mod fixture;
mod notify;
mod refresh;
mod storms;
