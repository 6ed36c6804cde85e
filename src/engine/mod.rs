//! Floor 6: the agent and its settings.

pub mod config;
