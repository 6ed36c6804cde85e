//! What a caller may do, whatever brought it here.

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Look at everything, and change nothing.
    Look,
    /// Everything.
    Full,
}

impl Rights {
    /// Whether it may press, set, decide and reload.
    pub const fn may_change(self) -> bool {
        match self {
            Rights::Look => false,
            Rights::Full => true,
        }
    }
}
