//! What a store needs of its disk. Tests give it one that fails.

use std::io;
use std::vec::Vec;

/// A file, and the file that is to take its place.
///
/// Only what was synced is sure to be there after a cut; what was not may be, in part and in any order.
pub trait Medium {
    /// All of the file; `None` if there is none.
    ///
    /// # Errors
    /// The system's, as for all of these; [`InvalidData`](io::ErrorKind::InvalidData) for what can be no file of ours.
    fn load(&mut self) -> io::Result<Option<Vec<u8>>>;

    /// Reads from the file.
    ///
    /// # Errors
    /// Also when it is shorter than that.
    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<()>;

    /// Writes into the file or behind its end.
    ///
    /// # Errors
    /// The system's; some of the bytes may be there.
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Waits until everything written to the file is on the disk.
    ///
    /// # Errors
    /// The system's; nothing is sure then.
    fn sync(&mut self) -> io::Result<()>;

    /// Makes the other file, of these bytes alone.
    ///
    /// # Errors
    /// The system's.
    fn write_new(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Waits until the other file is on the disk.
    ///
    /// # Errors
    /// The system's.
    fn sync_new(&mut self) -> io::Result<()>;

    /// Puts the other file in the place of the first, in one step: there is always one of them.
    ///
    /// # Errors
    /// The system's; the first is in its place then.
    fn adopt_new(&mut self) -> io::Result<()>;

    /// Waits until the names are on the disk.
    ///
    /// # Errors
    /// The system's.
    fn sync_folder(&mut self) -> io::Result<()>;

    /// Whether the file is where it was: somebody may have removed it, or put another one there.
    fn is_in_place(&self) -> bool {
        true
    }

    /// Takes the file out of the way, for somebody to look at.
    ///
    /// # Errors
    /// The system's.
    fn set_aside(&mut self) -> io::Result<()>;
}
