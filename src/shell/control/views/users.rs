//! Who has a password, as `GET /users` shows them; never what proves it.

use std::string::{String, ToString};
use std::vec::Vec;

use serde::Serialize;

use crate::shell::hub::Hub;

/// `GET /users`.
#[derive(Debug, Serialize)]
pub struct Users {
    /// The file that they stand in.
    file: Option<String>,
    realm: String,
    users: Vec<Named>,
}

#[derive(Debug, Serialize)]
struct Named {
    name: String,
    algorithms: Vec<&'static str>,
}

/// The users that the agent knows.
pub fn users(hub: &Hub) -> Users {
    let named = hub.agent.users().iter().map(|user| Named {
        name: user.name().to_string(),
        algorithms: match user.may_md5() {
            true => Vec::from(["SHA-256", "MD5"]),
            false => Vec::from(["SHA-256"]),
        },
    });
    Users {
        file: hub.users.as_ref().map(|it| it.display().to_string()),
        realm: hub.agent.settings().authentication.realm.to_string(),
        users: named.collect(),
    }
}
