//! The namespaces our documents use, and the older names of the same.

use super::Text;

/// A namespace, known by its URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wire::doc) enum Namespace {
    /// None at all.
    None,
    /// PIDF (RFC 3863 §4.4).
    Pidf,
    /// Persons and devices (RFC 4479 §5.1).
    DataModel,
    /// RPID (RFC 4480 §5).
    Rpid,
    /// Dialog information (RFC 4235 §4.4).
    DialogInfo,
    /// Watcher information (RFC 3858 §3).
    WatcherInfo,
    /// The prefix `xml`.
    Xml,
    /// One we have no use for, or a prefix nobody declared.
    Unknown,
}

impl Namespace {
    /// The namespace of a declaration's value.
    pub(super) fn of(uri: Text<'_>) -> Namespace {
        match uri.plain() {
            Some(uri) => Namespace::named(uri),
            None => uri
                .copy::<64>()
                .map_or(Namespace::Unknown, |uri| Namespace::named(&uri)),
        }
    }

    fn named(uri: &str) -> Namespace {
        let Some(ours) = uri.strip_prefix("urn:ietf:params:xml:ns:") else {
            return if uri.is_empty() {
                Namespace::None
            } else {
                Namespace::Unknown
            };
        };
        match ours {
            // The trailing colon is a slip of RFC 3863 §4.1.1; `cpim-pidf` is from its drafts.
            "pidf" | "pidf:" | "cpim-pidf" | "cpim-pidf:" => Namespace::Pidf,
            // Asterisk before version 13 uses the names of RFC 4479's and 4480's drafts.
            "pidf:data-model" | "pidf:person" => Namespace::DataModel,
            "pidf:rpid" | "pidf:rpid:rpid-person" => Namespace::Rpid,
            "dialog-info" => Namespace::DialogInfo,
            "watcherinfo" => Namespace::WatcherInfo,
            _ => Namespace::Unknown,
        }
    }
}
