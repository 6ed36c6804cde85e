//! The users that an agent knows: a phone each.

use lampfield::wire::sip::Algorithm;
use lampfield::wire::sip::digest::login_hash;
use lampfield::{Text, User};

/// Whose users the phones are, where they have to prove it.
pub const REALM: &str = "pbx.example.com";

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";

/// The user of a phone.
pub fn user(number: u32) -> User {
    let name = format!("door{number}");
    let hash = login_hash(
        Algorithm::Sha256,
        name.as_bytes(),
        REALM.as_bytes(),
        PASSWORD.as_bytes(),
    );
    let name = Text::copied(&name).expect("a short name");
    User::new(name, REALM, hash.expect("a hash we speak"), None)
}
