//! XML in.

mod text;

pub use text::Text;

/// Why a document is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not well-formed, or cut short.
    Syntax,
    /// It has a document type declaration (refused unread: nothing is ever expanded or fetched).
    Doctype,
    /// Neither UTF-8 nor ISO-8859-1, or not what it declares.
    Encoding,
    /// Elements nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// More bytes, elements, attributes or namespaces than the limits of this module.
    TooLarge,
    /// Well begun, but another kind of document.
    WrongRoot,
}
