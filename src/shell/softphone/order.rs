//! What a phone is told to do: `ctrl_tcp` takes netstrings of JSON.

use std::format;
use std::string::{String, ToString};

use serde_json::json;

/// What a softphone is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order<'a> {
    /// Call this address.
    Dial(&'a str),
    /// Answer the call that rings.
    Accept,
}

/// An order as baresip reads it.
pub(super) fn netstring(order: Order<'_>) -> String {
    let order = match order {
        Order::Dial(uri) => json!({ "command": "dial", "params": uri }),
        Order::Accept => json!({ "command": "accept" }),
    };
    framed(&order.to_string())
}

/// A message as it is sent.
pub(super) fn framed(message: &str) -> String {
    format!("{}:{message},", message.len())
}
