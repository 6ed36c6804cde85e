//! Floor 7: everything that needs an operating system.

pub mod cli;
pub mod document;
pub mod listen;
pub mod panel;
pub mod settings;
