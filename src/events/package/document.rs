//! A watched presentity's document, kept so that what changes in it can be told in part. Read RFC 5263 §4.5 first.
//!
//! ```text
//!   what is told                              what is known then
//!   all, with or without a number             that, and it is kept
//!   what is different, one number later       the document that is kept with that in it, once it can be read
//!   what is different, with another number,   nothing new: a whole document is wanted (Reading::Lost)
//!     or nothing that applies
//! ```
//!
//! The order of documents is that of the NOTIFYs that they came in, so one in full is taken whatever its number. After
//! a patch that did not apply, or a document too long to be kept, whoever tells is not asked to do so in part any more.

use super::memory::{Memory, Reading};
use crate::events::watched::Watched;
use crate::wire::doc::pidf::{self, Kept, Summary};
use crate::wire::doc::{Extent, Fault};

/// The document that one notifier told of one presentity.
#[derive(Debug)]
pub struct Document {
    text: Kept,
    version: Option<u32>,
    spoilt: bool,
}

impl Document {
    /// Nothing was told yet.
    pub const fn new() -> Document {
        Document {
            text: Kept::new(),
            version: None,
            spoilt: false,
        }
    }

    /// Another subscription begins, which counts anew.
    pub fn begin(&mut self) {
        self.forget();
        self.version = None;
    }

    /// What is kept is not what is told now. The number of the last document stays (RFC 5263 §4.5).
    pub fn forget(&mut self) {
        self.text.clear();
    }

    /// Whether it turned out that what this notifier tells in part is of no use here.
    pub const fn is_spoilt(&self) -> bool {
        self.spoilt
    }

    /// Takes in a document that tells everything or what is different; `watched` says what a lamp makes of it.
    pub(super) fn read(
        &mut self,
        memory: &mut Memory,
        body: &[u8],
        watched: fn(&Summary) -> Watched,
    ) -> Result<Reading, Fault> {
        let read = match pidf::read_head(body) {
            Ok(head) if head.extent == Extent::Partial => {
                let summary = self.patch(head.version, body);
                return Ok(summary.map_or(Reading::Lost, |it| memory.tell(watched(&it))));
            }
            Ok(head) => {
                self.version = head.version.or(self.version);
                pidf::read(body)
            }
            Err(fault) => Err(fault),
        };
        match read {
            Ok(summary) => {
                pidf::keep(&mut self.text, body);
                self.spoilt |= self.text.is_empty();
                Ok(memory.tell(watched(&summary)))
            }
            Err(fault) => {
                self.forget();
                Err(fault)
            }
        }
    }

    /// Applies what is different; `None` if a whole document is wanted.
    fn patch(&mut self, version: Option<u32>, body: &[u8]) -> Option<Summary> {
        let next = self.version.and_then(|known| known.checked_add(1));
        if self.text.is_empty() || version.is_none() || version != next {
            self.forget();
            return None;
        }
        self.version = version;
        let patched = pidf::patch(&mut self.text, body);
        let summary = patched.ok().and_then(|()| pidf::read(&self.text).ok());
        if summary.is_none() {
            self.forget();
            self.spoilt = true;
        }
        summary
    }
}

impl Default for Document {
    fn default() -> Document {
        Document::new()
    }
}
