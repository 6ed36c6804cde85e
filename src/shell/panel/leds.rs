//! Elements that are LEDs of the kernel's LED class.

use std::io;
use std::path::Path;

use super::Problem;
use crate::ground::time::Duration;

/// Where the kernel shows its LEDs.
pub const ROOT: &str = "/sys/class/leds";

/// One LED.
#[derive(Debug)]
pub struct Led {}

impl Led {
    /// The LED called `name` below `root`; dark.
    ///
    /// # Errors
    /// It is not there, or not ours to use.
    pub fn open(_root: &Path, _name: &str) -> Result<Led, Problem> {
        Err(Problem::new(
            "is not supported",
            "use a line of the kind gpio",
        ))
    }

    /// Lights it, or darkens it; a rhythm ends.
    ///
    /// # Errors
    /// The kernel's: it is gone.
    pub fn set(&mut self, _lit: bool) -> io::Result<()> {
        Ok(())
    }

    /// Has the kernel blink it: lit for `on`, dark for `off`. `false` if this kernel can't.
    ///
    /// # Errors
    /// The kernel's: it is gone.
    pub fn blink(&mut self, _on: Duration, _off: Duration) -> io::Result<bool> {
        Ok(false)
    }
}
