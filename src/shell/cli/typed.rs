//! A password that somebody types: twice, and not to be seen; or that a program hands in, on one line.

use std::io::{self, BufRead, ErrorKind, IsTerminal, Read};
use std::string::String;
use std::vec::Vec;
use std::{eprint, eprintln};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Reads a password for `name` from standard input.
///
/// # Errors
/// The system's; [`ErrorKind::InvalidInput`] if both times something else was typed, [`ErrorKind::Interrupted`] if
/// somebody thought better of it.
pub fn password_for(name: &str) -> io::Result<String> {
    let input = io::stdin();
    if !input.is_terminal() {
        let mut line = String::new();
        input.lock().take(LONGEST).read_line(&mut line)?;
        return Ok(String::from(line.trim_end_matches(['\r', '\n'])));
    }
    let first = typed(&std::format!("password for {name}: "))?;
    let again = typed("the same again: ")?;
    match first == again {
        true => Ok(first),
        false => Err(io::Error::new(
            ErrorKind::InvalidInput,
            "these are two passwords",
        )),
    }
}

/// The terminal as it is while nothing typed is shown; put back as it was before.
struct Hushed(Termios);

impl Hushed {
    fn begin() -> io::Result<Hushed> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        // Without signals too: whoever interrupts us would be left with a terminal that shows nothing.
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Hushed(before))
    }
}

impl Drop for Hushed {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0); // The terminal is gone then.
    }
}

fn typed(prompt: &str) -> io::Result<String> {
    eprint!("{prompt}");
    let hushed = Hushed::begin()?;
    let mut keys = io::stdin().lock().bytes();
    let mut text = Vec::new();
    let ended = loop {
        match keys.next() {
            None | Some(Ok(b'\r' | b'\n' | END)) => break Ok(()),
            Some(Ok(INTERRUPT)) => break Err(io::Error::from(ErrorKind::Interrupted)),
            Some(Ok(b'\x08' | DELETE)) => rub_out(&mut text),
            Some(Ok(KILL)) => text.clear(),
            Some(Ok(byte)) => text.push(byte),
            Some(Err(error)) => break Err(error),
        }
    };
    drop(hushed);
    eprintln!();
    ended?;
    let text = String::from_utf8(text);
    text.map_err(|_| io::Error::new(ErrorKind::InvalidData, "that is no UTF-8"))
}

/// Takes the last character back.
fn rub_out(text: &mut Vec<u8>) {
    while text.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
}

const INTERRUPT: u8 = 0x03;
const END: u8 = 0x04;
const KILL: u8 = 0x15;
const DELETE: u8 = 0x7f;

/// A longer line is no password.
const LONGEST: u64 = 1_024;
