//! The softphone on the same device: it makes the calls that buttons ask for.

pub mod dial;
