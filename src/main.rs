//! The `lampfield` program: all of it lives in the library's shell.

use std::process::ExitCode;

fn main() -> ExitCode {
    lampfield::main()
}
