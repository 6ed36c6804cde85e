//! What is published, read: what it says, and the hash of its ids, by which a publisher is known again.

use crate::events::package::{Package, dialog};
use crate::ground::random::{Hashing, Secret};
use crate::wire::doc::dialog_info;
use crate::wire::doc::pidf::{self, Kind, Summary};
use crate::wire::doc::{Fault, XmlText};

/// A document that can be stored, and what it says.
pub(super) struct Document<'a> {
    pub(super) package: Package,
    pub(super) body: &'a [u8],
    pub(super) says: Summary,
    pub(super) ids: Option<u64>,
}

impl<'a> Document<'a> {
    /// Reads what is published in that package.
    ///
    /// # Errors
    /// Any [`Fault`]: nothing of the body counts.
    pub(super) fn read(
        package: Package,
        body: &'a [u8],
        secret: Secret,
    ) -> Result<Document<'a>, Fault> {
        let (says, ids) = match package {
            Package::Dialog => read_calls(body, secret)?,
            Package::Presence
            | Package::PresenceWinfo
            | Package::MessageSummary
            | Package::Features => read_presence(body, secret)?,
        };
        Ok(Document {
            package,
            body,
            says,
            ids,
        })
    }
}

/// What a presence document says, and the hash of its tuple ids.
fn read_presence(body: &[u8], secret: Secret) -> Result<(Summary, Option<u64>), Fault> {
    let says = pidf::read(body)?;
    let mut ids = None;
    pidf::walk_again(body, &mut |element| {
        if element.kind == Kind::Tuple
            && let Some(id) = element.id
        {
            add_id(&mut ids, id, secret);
        }
    })?;
    Ok((says, ids))
}

/// What a document of calls says in a word, and the hash of their ids.
fn read_calls(body: &[u8], secret: Secret) -> Result<(Summary, Option<u64>), Fault> {
    let mut says = Summary::new();
    let mut ids = None;
    dialog_info::read(body, &mut |dialog| {
        if let Some(id) = dialog.id {
            add_id(&mut ids, id, secret);
        }
        let said = dialog::call(dialog, "", 0).and_then(|call| call.said());
        says.said = says.said.max(said);
    })?;
    Ok((says, ids))
}

/// An order of their own means nothing, so the hashes are added up.
fn add_id(ids: &mut Option<u64>, id: XmlText<'_>, secret: Secret) {
    let part = |hash: Hashing, char: char| hash.part(char.encode_utf8(&mut [0; 4]).as_bytes());
    let hash = id.chars().fold(secret.hasher().part(b"tuple"), part);
    *ids = Some(ids.unwrap_or(0).wrapping_add(hash.finish()));
}
