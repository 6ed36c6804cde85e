//! The watcher against a scripted notifier, in virtual time.

mod answers;
mod audit;
mod conditions;
mod documents;
mod empty;
mod ends;
mod failures;
mod first;
mod fixture;
mod hosts;
mod lists;
mod moving;
mod nat;
mod neighbours;
mod notify;
mod partial;
mod places;
mod refresh;
mod silence;
mod storms;
mod unreachable;
