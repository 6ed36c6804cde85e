//! Floor 6: the engine. It holds every role, routes messages between them, and says what to do.

pub mod agent;
mod answers;
pub mod config;
mod directory;
