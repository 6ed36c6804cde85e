//! Floor 4: the roles of RFC 6665. Each is a table of its own and knows nothing of the others; the engine
//! carries facts between them.

pub mod compositor;
pub mod notifier;
pub mod registrar;
pub mod upstream;
pub mod watcher;
