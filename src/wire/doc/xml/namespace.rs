//! Namespaces, known by their URIs. Which ones there are, each format says for itself.

use super::XmlText;

/// A namespace, by the number that a format gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wire::doc) struct Namespace(u8);

/// The URIs that a format knows with what they stand for; older names of a namespace are among them.
pub(in crate::wire::doc) type Names = &'static [(&'static str, Namespace)];

impl Namespace {
    /// None at all.
    pub(in crate::wire::doc) const NONE: Namespace = Namespace(u8::MAX);

    /// The prefix `xml`.
    pub(in crate::wire::doc) const XML: Namespace = Namespace(u8::MAX - 1);

    /// One that the format has no use for, or a prefix nobody declared.
    pub(in crate::wire::doc) const UNKNOWN: Namespace = Namespace(u8::MAX - 2);

    /// A format's namespace of that number, which is a small one.
    pub(in crate::wire::doc) const fn numbered(number: u8) -> Namespace {
        Namespace(number)
    }

    /// The namespace of a declaration's value.
    pub(super) fn of(uri: XmlText<'_>, names: Names) -> Namespace {
        let mut known = names.iter();
        let found = match known.find(|(known, _)| uri.is_written(known)) {
            None if uri.is_coded() => names.iter().find(|(known, _)| uri == **known),
            found => found,
        };
        match found {
            Some((_, namespace)) => *namespace,
            None if uri.is_empty() => Namespace::NONE,
            None => Namespace::UNKNOWN,
        }
    }
}
