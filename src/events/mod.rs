//! Floor 3: event packages, the state they carry, and what both sides of a subscription share (RFC 6665).

pub mod answer;
pub mod auth;
pub mod course;
pub mod delays;
pub mod dialog;
pub mod etag;
pub mod hop;
pub mod kept;
pub mod locals;
pub mod pace;
pub mod package;
pub mod presentity;
pub mod reach;
pub mod sending;
pub mod subscription;
pub mod watched;
