//! The parts of a PIDF document, for a compositor.

use crate::wire::doc::{Fault, Text};

/// What a child of the root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A service.
    Tuple,
    /// A person (RFC 4479 §3.3).
    Person,
    /// A device (RFC 4479 §3.5).
    Device,
    /// The presentity's own note.
    Note,
    /// An extension.
    Other,
}

/// One child of the root.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its `id`.
    pub id: Option<Text<'a>>,
    /// Its bytes from `<` to `>`, in the document's encoding.
    pub raw: &'a [u8],
}

/// Shows the children of a PIDF root in their order.
///
/// # Errors
/// See [`Fault`].
pub fn walk(body: &[u8], each: &mut dyn FnMut(&Element<'_>)) -> Result<(), Fault> {
    let _ = (body, each);
    Err(Fault::Syntax)
}
