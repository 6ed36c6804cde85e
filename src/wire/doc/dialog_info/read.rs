//! Dialog information in.

use super::{Dialog, Head};
use crate::wire::doc::Fault;

/// Reads the root only, without looking at what follows.
///
/// # Errors
/// See [`Fault`].
pub fn read_head(body: &[u8]) -> Result<Head<'_>, Fault> {
    let _ = body;
    Err(Fault::Syntax)
}

/// Reads a body dialog by dialog.
///
/// # Errors
/// See [`Fault`].
pub fn read<'a>(body: &'a [u8], each: &mut dyn FnMut(&Dialog<'_>)) -> Result<Head<'a>, Fault> {
    let _ = each;
    read_head(body)
}
