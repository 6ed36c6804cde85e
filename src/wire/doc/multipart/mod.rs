//! Bodies of several parts: `multipart/related` (RFC 2387), as lists are told in (RFC 4662 §5).
//!
//! [`read`] finds the parts and copies nothing. A part that is itself of several parts is one part like any other: nobody
//! looks into it.

mod read;

pub use read::{Part, Parts, read};

/// Parts of one body: the list itself and 255 of its members. More are [`Fault::TooLarge`](super::Fault::TooLarge).
pub const MAX_PARTS: usize = 256;

/// Bytes of a boundary (RFC 2046 §5.1.1).
pub const MAX_BOUNDARY: usize = 70;
