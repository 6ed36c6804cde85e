//! PIDF and xpidf in.

use super::Summary;
use crate::wire::doc::Fault;

/// Reads a body to what a lamp needs.
///
/// # Errors
/// See [`Fault`].
pub fn read(body: &[u8]) -> Result<Summary, Fault> {
    let _ = body;
    Err(Fault::Syntax)
}
