//! Whether a presentity's phone is there.

/// Where a presentity can be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Here: it is the device that the agent runs on.
    #[default]
    Here,
    /// At a phone next door that is registered.
    Registered,
    /// Nowhere: its phone is not registered.
    Gone,
}
