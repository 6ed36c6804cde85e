//! The namespaces of a presence document, with their older names.

use crate::wire::doc::frame::Format;
use crate::wire::doc::xml::{Names, Namespace, Tag};

/// PIDF (RFC 3863 §4.4).
pub(super) const PIDF: Namespace = Namespace::numbered(0);

/// Persons and devices (RFC 4479 §5.1).
pub(super) const DATA_MODEL: Namespace = Namespace::numbered(1);

/// RPID (RFC 4480 §5).
pub(super) const RPID: Namespace = Namespace::numbered(2);

/// The extensions of AG Projects (SIP SIMPLE client, Blink).
pub(super) const AG_PROJECTS: Namespace = Namespace::numbered(3);

/// Cisco's own activities.
pub(super) const CISCO: Namespace = Namespace::numbered(4);

/// Documents with a version number (RFC 5262 §5).
pub(super) const NUMBERED: Namespace = Namespace::numbered(5);

/// PIDF's own name.
pub(super) const PIDF_URI: &str = "urn:ietf:params:xml:ns:pidf";

/// The trailing colon is a slip of RFC 3863 §4.1.1; `cpim-pidf` is from its drafts. Asterisk before version 13 uses the
/// names of RFC 4479's and 4480's drafts, and Cisco's phones have an older one of theirs.
pub(super) const NAMES: Names = &[
    (PIDF_URI, PIDF),
    ("urn:ietf:params:xml:ns:pidf:", PIDF),
    ("urn:ietf:params:xml:ns:cpim-pidf", PIDF),
    ("urn:ietf:params:xml:ns:cpim-pidf:", PIDF),
    ("urn:ietf:params:xml:ns:pidf:data-model", DATA_MODEL),
    ("urn:ietf:params:xml:ns:pidf:person", DATA_MODEL),
    ("urn:ietf:params:xml:ns:pidf:rpid", RPID),
    ("urn:ietf:params:xml:ns:pidf:rpid:rpid-person", RPID),
    ("urn:ietf:params:xml:ns:pidf:status:rpid", RPID),
    ("urn:cisco:params:xml:ns:pidf:rpid", CISCO),
    ("urn:ag-projects:xml:ns:pidf", AG_PROJECTS),
    ("urn:ietf:params:xml:ns:pidf-diff", NUMBERED),
];

/// A presence document; it is always told in full, without a number.
pub(super) const FORMAT: Format = Format {
    root: "presence",
    namespace: PIDF,
    names: NAMES,
    extent: &[],
};

/// Whether this is the root of a presence document, as it is or with a number (RFC 5262 §3.2).
pub(super) fn is_root(tag: Tag<'_>) -> bool {
    FORMAT.is_root(tag) || (tag.namespace == NUMBERED && tag.local == b"pidf-full")
}
