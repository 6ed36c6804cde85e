//! Floor 3, half of it: event packages, the state they carry, and what both sides of a subscription share (RFC 6665).

pub mod answer;
pub mod etag;
mod facets;
pub mod identity;
pub mod kept;
pub mod pace;
pub mod package;
pub mod party;
mod presence;
pub mod presentity;
pub mod reach;
pub mod ruling;
pub mod subscription;
pub mod watched;
