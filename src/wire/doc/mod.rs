//! Documents: PIDF with RPID (RFC 3863, 4479, 4480), dialog information (RFC 4235), watcher information
//! (RFC 3858), message summaries (RFC 3842), resource lists (RFC 4662) and the bodies of several parts that they come in,
//! the states of devices as one Asterisk tells them to another, and the features of telephones.
//!
//! Readers take whatever real servers send and say [`Fault`] for the rest; a document is used as a whole or
//! not at all. Writers emit compact UTF-8, escaped, all or nothing.

pub mod device_state;
pub mod dialog_info;
pub mod features;
mod frame;
pub mod message_summary;
pub mod multipart;
pub mod multipart_write;
mod out;
pub mod pidf;
pub mod rlmi;
pub mod rlmi_write;
pub mod winfo;
mod word;
pub mod xml;

pub use frame::{Extent, Head, Rendered};
pub use xml::{Fault, XmlText};
