//! XML in: a pull reader over `xmlparser`'s tokens. Read XML 1.0 §2, then Namespaces in XML 1.0.
//!
//! The tokens know the grammar. This module adds what they leave open: tag balance, namespaces by URI, unique
//! attributes, legal references, encodings, limits. A document type declaration is refused when it begins,
//! so no entity is ever declared, expanded or fetched. Nothing is recursive, and the work is linear in the
//! document.
//!
//! Leniency, all of it seen in the field: a bare `&`, blanks before the declaration, prefixes nobody declared,
//! ISO-8859-1 declared or not, Windows-1252 if declared.

mod charset;
mod copy;
mod encoding;
mod namespace;
mod reader;
#[cfg(test)]
mod tests;
mod text;

pub(super) use encoding::open;
pub(super) use namespace::{Names, Namespace};
pub(super) use reader::{Event, Reader, Tag};
pub use text::{Chars, XmlText};

/// Elements inside each other. PIDF with extensions needs 7.
pub const MAX_DEPTH: usize = 16;

/// Elements in a document: a full dialog-info of 50 calls.
pub const MAX_ELEMENTS: usize = 512;

/// Attributes of one element, namespace declarations included.
pub const MAX_ATTRIBUTES: usize = 32;

/// Namespace declarations in force at one place.
pub const MAX_SCOPES: usize = 32;

/// Bytes of a document: no message carries more (RFC 3261 §18.1.1). Positions fit 16 bits.
pub const MAX_BODY: usize = crate::ground::limits::MESSAGE;

/// Bytes of a document that is not UTF-8: it needs a copy on the stack.
pub const MAX_LATIN1: usize = 16_384;

const _: () = assert!(MAX_BODY <= u16::MAX as usize && MAX_SCOPES < u8::MAX as usize);

/// Why a document is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not well-formed, or cut short.
    Syntax,
    /// It has a document type declaration.
    Doctype,
    /// Neither UTF-8 nor ISO-8859-1 nor Windows-1252, or not what it declares.
    Encoding,
    /// Elements nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// Over [`MAX_BODY`], [`MAX_LATIN1`], [`MAX_ELEMENTS`], [`MAX_ATTRIBUTES`] or [`MAX_SCOPES`].
    TooLarge,
    /// Another kind of document, or the right name in another namespace.
    WrongRoot,
}

impl Fault {
    /// What is wrong, as a reason phrase says it (RFC 3261 §21.4.1).
    pub const fn reason(self) -> &'static str {
        match self {
            Fault::Syntax => "Body is not well-formed",
            Fault::Doctype => "Body has a document type declaration",
            Fault::Encoding => "Body in another encoding than it says or may have",
            Fault::TooDeep => "Body is nested too deeply",
            Fault::TooLarge => "Body is too large",
            Fault::WrongRoot => "Body is another kind of document",
        }
    }
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.reason())
    }
}

impl core::error::Error for Fault {}
