//! In place of TLS, in a program that is built without it.

use std::net::{IpAddr, TcpStream};
use std::string::String;
use std::vec::Vec;

use super::{Broken, TAKE_ANOTHER, Wanted};
use crate::shell::users::Fault;

/// Nothing of TLS.
#[derive(Clone, Debug, Default)]
pub struct Tls {}

/// There is none.
#[derive(Debug)]
pub enum Session {}

impl Tls {
    /// What a configuration asks for, which must be nothing.
    ///
    /// # Errors
    /// It asks for something.
    pub fn load(wanted: &Wanted) -> Result<Tls, Fault> {
        match *wanted == Wanted::default() {
            true => Ok(Tls {}),
            false => Err(Fault::new("TLS is asked for", TAKE_ANOTHER)),
        }
    }

    /// None.
    pub fn knows_peers(&self) -> bool {
        false
    }

    /// None.
    pub fn accept(&self) -> Option<Session> {
        None
    }

    /// None.
    pub fn connect<'a>(&self, _: impl Iterator<Item = &'a str>, _: IpAddr) -> Option<Session> {
        None
    }
}

impl Session {
    /// Nothing comes.
    ///
    /// # Errors
    /// None.
    pub fn receive(&mut self, _: &TcpStream) -> Result<(), Broken> {
        match *self {}
    }

    /// Nothing has come.
    pub fn read(&mut self, _: &mut [u8]) -> usize {
        match *self {}
    }

    /// Nothing goes.
    pub fn write(&mut self, _: &[u8]) -> bool {
        match *self {}
    }

    /// Nothing goes out.
    pub fn take(&mut self, _: &mut [u8]) -> usize {
        match *self {}
    }

    /// Nothing is to go out.
    pub fn has_more(&self) -> bool {
        match *self {}
    }

    /// Nobody goes on.
    pub fn is_resumed(&self) -> bool {
        match *self {}
    }

    /// Nobody shakes hands.
    pub fn is_shaking(&self) -> bool {
        match *self {}
    }

    /// Nobody is expected.
    pub fn expect<'a>(&mut self, _: impl Iterator<Item = &'a str>) -> bool {
        match *self {}
    }

    /// Nobody is there.
    pub fn take_names(&mut self) -> Vec<String> {
        match *self {}
    }

    /// Nobody hears it.
    pub fn close(&mut self) {
        match *self {}
    }
}
