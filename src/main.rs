//! The `lampfield` program: all of it lives in the library's shell.

fn main() {}
