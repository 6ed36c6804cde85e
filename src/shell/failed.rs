//! Why the agent could not start or go on.

use std::io;
use std::string::String;

/// Why the agent could not start or go on; the text is for the user.
#[derive(Debug)]
pub struct Failed(pub String);

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Failed {
        Failed(std::format!("{error}"))
    }
}
