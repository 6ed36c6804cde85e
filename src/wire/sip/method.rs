//! Methods: read RFC 3261 §7.1 and §8.2.1.

use core::fmt;

/// A request's method. Methods are compared with case: `subscribe` is not `SUBSCRIBE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method<'a> {
    /// RFC 6665
    Subscribe,
    /// RFC 6665
    Notify,
    /// RFC 3903
    Publish,
    /// RFC 3261 §10
    Register,
    /// RFC 3261 §11
    Options,
    /// RFC 3261 §13
    Invite,
    /// RFC 3261 §17: never answered
    Ack,
    /// RFC 3261 §15
    Bye,
    /// RFC 3261 §9
    Cancel,
    /// RFC 6086
    Info,
    /// RFC 3428
    Message,
    /// RFC 3262
    Prack,
    /// RFC 3515
    Refer,
    /// RFC 3311
    Update,
    /// A token we do not recognise.
    Other(&'a [u8]),
}

impl<'a> Method<'a> {
    /// The method of that exact spelling.
    pub fn from_bytes(name: &'a [u8]) -> Method<'a> {
        match name {
            b"SUBSCRIBE" => Method::Subscribe,
            b"NOTIFY" => Method::Notify,
            b"PUBLISH" => Method::Publish,
            b"REGISTER" => Method::Register,
            b"OPTIONS" => Method::Options,
            b"INVITE" => Method::Invite,
            b"ACK" => Method::Ack,
            b"BYE" => Method::Bye,
            b"CANCEL" => Method::Cancel,
            b"INFO" => Method::Info,
            b"MESSAGE" => Method::Message,
            b"PRACK" => Method::Prack,
            b"REFER" => Method::Refer,
            b"UPDATE" => Method::Update,
            other => Method::Other(other),
        }
    }

    /// The spelling on the wire.
    pub const fn as_bytes(&self) -> &'a [u8] {
        match self {
            Method::Subscribe => b"SUBSCRIBE",
            Method::Notify => b"NOTIFY",
            Method::Publish => b"PUBLISH",
            Method::Register => b"REGISTER",
            Method::Options => b"OPTIONS",
            Method::Invite => b"INVITE",
            Method::Ack => b"ACK",
            Method::Bye => b"BYE",
            Method::Cancel => b"CANCEL",
            Method::Info => b"INFO",
            Method::Message => b"MESSAGE",
            Method::Prack => b"PRACK",
            Method::Refer => b"REFER",
            Method::Update => b"UPDATE",
            Method::Other(name) => name,
        }
    }

    /// Whether it is recognised: unsupported then means 405, else 501 (RFC 3261 §8.2.1).
    pub const fn is_known(&self) -> bool {
        !matches!(self, Method::Other(_))
    }
}

impl fmt::Display for Method<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().escape_ascii().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_is_exact() /* T15 */
    {
        for name in [
            &b"SUBSCRIBE"[..],
            b"NOTIFY",
            b"PUBLISH",
            b"REGISTER",
            b"OPTIONS",
            b"INVITE",
            b"ACK",
            b"BYE",
            b"CANCEL",
            b"INFO",
            b"MESSAGE",
            b"PRACK",
            b"REFER",
            b"UPDATE",
        ] {
            assert!(Method::from_bytes(name).is_known());
            assert_eq!(Method::from_bytes(name).as_bytes(), name);
        }
        for name in [
            &b"subscribe"[..],
            b"RE%47IST%45R",
            b"SUBSCRIBED",
            b"SUBS",
            b"",
        ] {
            assert_eq!(Method::from_bytes(name), Method::Other(name));
        }
    }
}
