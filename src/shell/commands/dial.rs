//! What a button dials, and the softphone that makes the call.

use std::net::SocketAddr;
use std::string::String;

use super::command::Command;
use crate::shell::softphone::Order;

/// What a button dials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// The address that is called.
    pub uri: String,
    /// What is done instead while a lamp that watches this address shows a call that rings.
    pub pickup: Option<Pickup>,
}

/// How a call that rings elsewhere, or here, is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pickup {
    /// The softphone answers its own.
    Accept,
    /// This address is called: the PBX hands the call over.
    Dial(String),
}

/// Who makes the calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Softphone {
    /// The baresip whose module `ctrl_tcp` listens there.
    Baresip(SocketAddr),
    /// Whatever these commands tell: the first with [`URI`] in it, the second answers what rings.
    Commands(Command, Option<Command>),
}

/// What stands for the address in a softphone's command.
pub const URI: &str = "{uri}";

impl Dial {
    /// What the softphone is told.
    pub fn order(&self, is_ringing: bool) -> Order<'_> {
        match &self.pickup {
            Some(Pickup::Accept) if is_ringing => Order::Accept,
            Some(Pickup::Dial(uri)) if is_ringing => Order::Dial(uri),
            Some(_) | None => Order::Dial(&self.uri),
        }
    }
}
