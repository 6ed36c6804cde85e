//! Floor 3: event packages, the state they carry, and what both sides of a subscription share (RFC 6665).

pub mod answer;
pub mod dialog;
pub mod package;
pub mod presentity;
pub mod subscription;
pub mod watched;
