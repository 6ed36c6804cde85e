//! Header names: read RFC 3261 §7.3.3 and §20 for the compact forms.

use super::grammar::same_text;

macro_rules! names {
    ($($variant:ident = $text:literal $(, $compact:literal)?;)*) => {
        /// A header name we know; all others are [`Name::Other`] and found by [`super::Headers::other`].
        #[repr(u8)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Name {
            $(
                #[doc = concat!("`", $text, "`")]
                $variant,
            )*
            /// A name we do not know.
            Other,
        }

        impl Name {
            /// How many there are, [`Name::Other`] included.
            pub const COUNT: usize = Name::Other as usize + 1;
        }

        const ALL: [Name; Name::COUNT] = [$(Name::$variant,)* Name::Other];
        const TEXT: [&str; Name::COUNT] = [$($text,)* ""];

        const fn compact(letter: u8) -> Name {
            match letter {
                $($($compact => Name::$variant,)?)*
                _ => Name::Other,
            }
        }
    };
}

names! {
    Via = "Via", b'v';
    From = "From", b'f';
    To = "To", b't';
    CallId = "Call-ID", b'i';
    CSeq = "CSeq";
    Contact = "Contact", b'm';
    MaxForwards = "Max-Forwards";
    Event = "Event", b'o';
    Expires = "Expires";
    Accept = "Accept";
    ContentLength = "Content-Length", b'l';
    ContentType = "Content-Type", b'c';
    Route = "Route";
    RecordRoute = "Record-Route";
    SubscriptionState = "Subscription-State";
    MinExpires = "Min-Expires";
    RetryAfter = "Retry-After";
    Require = "Require";
    Supported = "Supported", b'k';
    Unsupported = "Unsupported";
    ProxyRequire = "Proxy-Require";
    Allow = "Allow";
    AllowEvents = "Allow-Events", b'u';
    SipEtag = "SIP-ETag";
    SipIfMatch = "SIP-If-Match";
    SuppressIfMatch = "Suppress-If-Match";
    Authorization = "Authorization";
    ProxyAuthorization = "Proxy-Authorization";
    WwwAuthenticate = "WWW-Authenticate";
    ProxyAuthenticate = "Proxy-Authenticate";
    AuthenticationInfo = "Authentication-Info";
    Warning = "Warning";
    ContentEncoding = "Content-Encoding", b'e';
    ContentDisposition = "Content-Disposition";
    ContentLanguage = "Content-Language";
    AcceptEncoding = "Accept-Encoding";
    AcceptLanguage = "Accept-Language";
    UserAgent = "User-Agent";
    Server = "Server";
    Date = "Date";
    Timestamp = "Timestamp";
    Subject = "Subject", b's';
    Organization = "Organization";
    Priority = "Priority";
    ReferTo = "Refer-To", b'r';
    ReferredBy = "Referred-By", b'b';
    Path = "Path";
    ServiceRoute = "Service-Route";
    PAssertedIdentity = "P-Asserted-Identity";
    PPreferredIdentity = "P-Preferred-Identity";
    RemotePartyId = "Remote-Party-ID";
    Privacy = "Privacy";
    Reason = "Reason";
    SessionExpires = "Session-Expires", b'x';
    MinSe = "Min-SE";
    MimeVersion = "MIME-Version";
    AlertInfo = "Alert-Info";
    CallInfo = "Call-Info";
    ErrorInfo = "Error-Info";
    InReplyTo = "In-Reply-To";
    ReplyTo = "Reply-To";
    FlowTimer = "Flow-Timer";
    ContentId = "Content-ID";
}

impl Name {
    /// The name meant, in any case, long or compact.
    #[inline(always)]
    pub fn from_bytes(name: &[u8]) -> Name {
        match name {
            [] => Name::Other,
            [letter] => compact(letter.to_ascii_lowercase()),
            _ => {
                let key = Key::of(name);
                let (found, exact) = SLOTS[key.slot()];
                // Up to sixteen bytes the key is the whole name.
                if (key == exact && key.len <= 16) || same_text(name, found.as_bytes()) {
                    found
                } else {
                    Name::Other
                }
            }
        }
    }

    /// The canonical spelling; empty for [`Name::Other`].
    pub const fn as_str(self) -> &'static str {
        TEXT[self as usize]
    }

    /// The canonical spelling.
    pub const fn as_bytes(self) -> &'static [u8] {
        self.as_str().as_bytes()
    }
}

/// The first and the last eight bytes of a name of at least two, packed into words to be compared at once.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    len: usize,
    head: u64,
    tail: u64,
}

impl Key {
    #[inline(always)]
    const fn of(name: &[u8]) -> Key {
        let len = name.len();
        let (head, tail) = if let (Some(head), Some(tail)) = (name.first_chunk(), name.last_chunk())
        {
            (u64::from_le_bytes(*head), u64::from_le_bytes(*tail))
        } else if let (Some(head), Some(tail)) = (name.first_chunk(), name.last_chunk()) {
            let (head, tail) = (u32::from_le_bytes(*head), u32::from_le_bytes(*tail));
            (head as u64 | (tail as u64) << 32, 0)
        } else if let [first, second, ..] = name {
            (
                u32::from_le_bytes([*first, *second, name[len - 1], 0]) as u64,
                0,
            )
        } else {
            (0, 0)
        };
        Key { len, head, tail }
    }

    /// A hash without case. The factors were found by search; that they serve is checked by the build.
    #[inline(always)]
    const fn slot(self) -> usize {
        const LOWER: u64 = 0x2020_2020_2020_2020;
        let head = (self.head | LOWER).wrapping_mul(0x956f_8814_a2f9_de8f);
        let tail = (self.tail | LOWER).wrapping_mul(0x30f1_1e21_fa5f_a92b);
        (head.wrapping_add(tail) >> 56) as usize
    }
}

/// One slot per name: the build fails if two names want the same.
static SLOTS: [(Name, Key); 256] = slots();

const fn slots() -> [(Name, Key); 256] {
    let mut table = [(Name::Other, Key::of(b"")); 256];
    let mut at = 0;
    while at < Name::Other as usize {
        let key = Key::of(TEXT[at].as_bytes());
        let place = key.slot();
        assert!(
            matches!(table[place].0, Name::Other),
            "two header names share a slot: choose other factors"
        );
        table[place] = (ALL[at], key);
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() /* X12 */
    {
        for name in ALL {
            let mut text = [0; 32];
            let text = &mut text[..name.as_str().len()];
            text.copy_from_slice(name.as_bytes());
            assert_eq!(Name::from_bytes(text), name);
            text.make_ascii_uppercase();
            assert_eq!(Name::from_bytes(text), name);
            text.make_ascii_lowercase();
            assert_eq!(Name::from_bytes(text), name);
        }
    }

    #[test]
    fn compact_names_are_the_long_ones() /* X12 */
    {
        for (letter, name) in [
            (b"v", Name::Via),
            (b"f", Name::From),
            (b"t", Name::To),
            (b"m", Name::Contact),
            (b"i", Name::CallId),
            (b"l", Name::ContentLength),
            (b"c", Name::ContentType),
            (b"e", Name::ContentEncoding),
            (b"k", Name::Supported),
            (b"s", Name::Subject),
            (b"o", Name::Event),
            (b"u", Name::AllowEvents),
            (b"r", Name::ReferTo),
            (b"b", Name::ReferredBy),
            (b"V", Name::Via),
            (b"z", Name::Other),
        ] {
            assert_eq!(Name::from_bytes(letter), name);
        }
    }

    #[test]
    fn strangers_are_other() {
        for name in [
            &b""[..],
            b"Viaa",
            b"Vi",
            b"C%6Fntact",
            b"X-Call-ID",
            b"Fr\xf6m",
        ] {
            assert_eq!(Name::from_bytes(name), Name::Other);
        }
    }
}
