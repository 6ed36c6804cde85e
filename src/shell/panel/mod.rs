//! The device's face: its named buttons and lamps.

pub mod board;
