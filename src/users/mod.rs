//! Floor 5: what people mean. Who may watch, what the owner's buttons say, what a lamp shows.

pub mod buttons;
pub mod compose;
pub mod lamps;
pub mod policy;
