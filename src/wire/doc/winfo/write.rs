//! Watcher information out (RFC 3858 §3), watcher by watcher. One body serves many subscriptions: the version number,
//! which each subscription counts for itself, goes into a hole.

use super::super::out::Out;
use super::{Event, Extent, Rendered, Status};
use crate::ground::time::Seconds;
use crate::wire::out::WriteError;

/// A watcher to write.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// A token, unique in the document and constant until terminated.
    pub id: &'a str,
    /// How it stands.
    pub status: Status,
    /// What brought it there.
    pub event: Event,
    /// Until it expires.
    pub expiration: Option<Seconds>,
    /// Since its SUBSCRIBE.
    pub subscribed: Option<Seconds>,
    /// Its URI.
    pub uri: &'a str,
}

/// A document with one list, in the making: compact, UTF-8, with XML declaration.
///
/// Text is escaped and loses the characters XML 1.0 does not know. A watcher is written whole or not at all.
pub struct Draft<'b> {
    out: Out<'b>,
    version_at: usize,
}

impl<'b> Draft<'b> {
    /// Begins a document about the watchers of `resource` in `package`.
    pub fn new(resource: &str, package: &str, extent: Extent, buf: &'b mut [u8]) -> Draft<'b> {
        let mut out = Out::new(buf);
        out.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        out.raw("<watcherinfo xmlns=\"urn:ietf:params:xml:ns:watcherinfo\" version=\"");
        let version_at = out.position();
        out.raw("\"");
        out.attribute("state", Some(extent.as_str()));
        out.raw("><watcher-list");
        out.attribute("resource", Some(resource));
        out.attribute("package", Some(package));
        out.raw(">");
        Draft { out, version_at }
    }

    /// Adds a watcher.
    ///
    /// # Errors
    /// [`WriteError`] if it does not fit with what closes the document; the draft is as it was then.
    pub fn add(&mut self, entry: &Entry<'_>) -> Result<(), WriteError> {
        let mark = self.out.mark();
        self.out.raw("<watcher");
        self.out.attribute("id", Some(entry.id));
        self.out.attribute("status", Some(entry.status.as_str()));
        self.out.attribute("event", Some(entry.event.as_str()));
        self.seconds("expiration", entry.expiration);
        self.seconds("duration-subscribed", entry.subscribed);
        self.out.raw(">");
        self.out.text(entry.uri);
        self.out.close("watcher");
        let behind = self.out.mark();
        self.out.raw(CLOSING);
        if self.out.is_full() {
            self.out.rewind(mark);
            return Err(WriteError::TooLong);
        }
        self.out.rewind(behind);
        Ok(())
    }

    /// Ends the document.
    ///
    /// # Errors
    /// [`WriteError`] if not even a document without watchers fits the buffer; what the buffer holds then is no document.
    pub fn finish(mut self) -> Result<Rendered, WriteError> {
        self.out.raw(CLOSING);
        let len = self.out.finish()?;
        Ok(Rendered {
            len,
            version_at: self.version_at,
        })
    }

    fn seconds(&mut self, name: &str, seconds: Option<Seconds>) {
        let Some(Seconds(seconds)) = seconds else {
            return;
        };
        for part in [" ", name, "=\""] {
            self.out.raw(part);
        }
        self.out.number(seconds, 1);
        self.out.raw("\"");
    }
}

const CLOSING: &str = "</watcher-list></watcherinfo>";
