//! How many messages there are in a mailbox, as a person reads it.

use std::format;
use std::string::{String, ToString};

use serde_json::Value;

use crate::wire::doc::message_summary::Messages;

/// How many messages there are, in words; `None` where nobody told.
pub fn counted(lamp: &Value) -> Option<String> {
    let messages = lamp.get("messages").filter(|it| it.is_object())?;
    let count = |key: &str| messages.get(key).and_then(Value::as_u64).unwrap_or(0) as u32;
    let messages = Messages {
        new: count("new"),
        old: count("old"),
        urgent_new: count("urgent_new"),
        urgent_old: count("urgent_old"),
    };
    Some(messages.to_string())
}

/// Whose mailbox it is, and how many messages are there.
pub fn with_messages(whose: String, lamp: &Value) -> String {
    match counted(lamp) {
        Some(messages) => format!("{whose}: {messages}"),
        None => whose,
    }
}
