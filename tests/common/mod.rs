//! What integration tests share.
#![allow(
    dead_code,
    reason = "every test program takes what it needs of the world"
)]

pub(crate) mod world;
