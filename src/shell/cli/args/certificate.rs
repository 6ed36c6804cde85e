//! `lampfield certificate`: for whom one is made, and by whom.

use std::format;
use std::path::PathBuf;
use std::string::String;
use std::vec::Vec;

use super::{AUTHORITY, Command, Line, Usage};
use crate::shell::document::suggestion;

/// What becomes of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificates {
    /// One is made.
    New {
        /// The hosts and addresses it is for; the first names its files.
        names: Vec<String>,
        /// The folder of the authority that signs it; without one it signs itself.
        authority: Option<PathBuf>,
    },
    /// One is shown.
    Show {
        /// Its file.
        file: PathBuf,
    },
}

/// The most names in one certificate.
const NAMES: usize = 16;

impl Line {
    pub(super) fn certificates(mut self) -> Result<Command, Usage> {
        let given = self.words("certificate", 2..=NAMES + 1, &[AUTHORITY])?;
        given.or_help(|mut given| {
            let verb = given.words.remove(0);
            match verb.as_str() {
                "new" => Ok(Command::Certificates(Certificates::New {
                    names: given.words,
                    authority: given.authority,
                })),
                "show" if given.words.len() == 1 && given.authority.is_none() => {
                    let file = PathBuf::from(given.words.remove(0));
                    Ok(Command::Certificates(Certificates::Show { file }))
                }
                "show" => {
                    let what = "certificate show is written otherwise";
                    Err(Usage::new(what, "write lampfield certificate show FILE"))
                }
                other => {
                    let what = format!("a certificate cannot be \"{}\"", other.escape_debug());
                    Err(Usage::new(what, suggestion(other, &["new", "show"])))
                }
            }
        })
    }
}
