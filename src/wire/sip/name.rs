//! Header names: read RFC 3261 §7.3.3 and §20 for the compact forms.

use super::bytes::{bytes_equal, find};
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
    #[inline]
    pub fn from_bytes(name: &[u8]) -> Name {
        Name::of(name, Key::of(name))
    }

    /// The name before the first colon, and its length; [`Name::Other`] may hold bytes that no name can. `None` if no
    /// colon stands near: what is longer than any name we know needs a closer look.
    #[inline(always)]
    pub(super) fn before_colon(line: &[u8]) -> Option<(Name, usize)> {
        let head = line.first_chunk()?;
        let hits = bytes_equal(b':', *head);
        let key = if hits != 0 {
            // The lowest hit is a bit; all below its byte is the name.
            let below = ((hits & hits.wrapping_neg()) >> 7) - 1;
            Key {
                len: hits.trailing_zeros() as usize / 8,
                head: u64::from_le_bytes(*head) & below,
                tail: 0,
            }
        } else {
            let behind = &line[8..];
            let len = 8 + find(b':', behind.get(..16).unwrap_or(behind))?;
            let tail = line.get(len - 8..)?.first_chunk()?;
            Key {
                len,
                head: u64::from_le_bytes(*head),
                tail: u64::from_le_bytes(*tail),
            }
        };
        Some((Name::of(line, key), key.len))
    }

    /// The name of that key, which `line` begins with.
    #[inline(always)]
    fn of(line: &[u8], key: Key) -> Name {
        let found = SLOTS[key.slot()];
        if key == KEYS[found as usize] {
            return found;
        }
        Name::closer(line.get(..key.len).unwrap_or_default(), found)
    }

    /// In another case, long, compact, or not at all the name that shares its slot.
    fn closer(name: &[u8], found: Name) -> Name {
        match name {
            [letter] => compact(letter.to_ascii_lowercase()),
            _ if same_text(name, found.as_bytes()) => found,
            _ => Name::Other,
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

/// The first and the last eight bytes of a name, as words to be compared at once; one word for a short name.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    len: usize,
    head: u64,
    tail: u64,
}

impl Key {
    const fn of(name: &[u8]) -> Key {
        let len = name.len();
        if let (Some(head), Some(tail)) = (name.first_chunk(), name.last_chunk()) {
            let (head, tail) = (u64::from_le_bytes(*head), u64::from_le_bytes(*tail));
            return Key { len, head, tail };
        }
        let mut head = 0;
        let mut at = len;
        while at > 0 {
            at -= 1;
            head = head << 8 | name[at] as u64;
        }
        Key { len, head, tail: 0 }
    }

    /// The name without case, as one word.
    #[inline(always)]
    const fn word(self) -> u64 {
        const LOWER: u64 = 0x2020_2020_2020_2020;
        // Turned by a byte: in a name of eight bytes both words are one.
        (self.head ^ self.tail.rotate_left(8)) | LOWER
    }

    #[inline(always)]
    const fn slot(self) -> usize {
        slot(self.word(), FACTOR, BITS)
    }
}

/// Slots are eight times as many as names, or more: then a factor that serves is found in a few thousand tries.
const BITS: u32 = bits(Name::COUNT);

/// Multiplied by it, no two names have the same first [`BITS`].
const FACTOR: u64 = factor(&words(&TEXT), BITS);

/// The name of each slot.
static SLOTS: [Name; 1 << BITS] = slots();

/// Their keys, as far as the key is the whole name: up to sixteen bytes. [`Name::Other`] has the empty one, and is
/// what an empty name gives.
static KEYS: [Key; Name::COUNT] = keys();

const fn bits(names: usize) -> u32 {
    (8 * names).next_power_of_two().trailing_zeros()
}

#[inline(always)]
const fn slot(word: u64, factor: u64, bits: u32) -> usize {
    (word.wrapping_mul(factor) >> (64 - bits)) as usize
}

/// Searches the factor that gives each word a slot of its own. The build runs it, so that a new name is one line above.
const fn factor<const N: usize>(words: &[u64; N], bits: u32) -> u64 {
    let mut factor: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut tries = 0;
    while !tells_apart(words, factor, bits) {
        assert!(
            tries < 100_000,
            "two header names have the same first and last eight bytes"
        );
        tries += 1;
        // The next number of a well-known generator (Knuth's MMIX).
        factor = factor
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
    }
    factor
}

const fn tells_apart<const N: usize>(words: &[u64; N], factor: u64, bits: u32) -> bool {
    assert!(bits <= 10, "a name is a byte, and eight slots are for each");
    let mut taken = [false; 1 << 10];
    let mut at = 0;
    while at < N {
        let place = slot(words[at], factor, bits);
        if taken[place] {
            return false;
        }
        taken[place] = true;
        at += 1;
    }
    true
}

const fn words<const N: usize>(names: &[&str; N]) -> [u64; N] {
    let mut words = [0; N];
    let mut at = 0;
    while at < N {
        words[at] = Key::of(names[at].as_bytes()).word();
        at += 1;
    }
    words
}

const fn slots() -> [Name; 1 << BITS] {
    let mut table = [Name::Other; 1 << BITS];
    let mut at = 0;
    while at < Name::COUNT {
        table[Key::of(TEXT[at].as_bytes()).slot()] = ALL[at];
        at += 1;
    }
    table
}

const fn keys() -> [Key; Name::COUNT] {
    let mut table = [Key::of(b""); Name::COUNT];
    let mut at = 0;
    while at < Name::COUNT {
        let key = Key::of(TEXT[at].as_bytes());
        if key.len <= 16 {
            table[at] = key;
        }
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

    /// Names that others register: a new line above is all that each of them takes.
    const MORE: [&str; 62] = [
        "Accept-Contact",
        "Accept-Resource-Priority",
        "Additional-Identity",
        "Answer-Mode",
        "Cellular-Network-Info",
        "Diversion",
        "Encryption",
        "Feature-Caps",
        "Geolocation",
        "Geolocation-Error",
        "Geolocation-Routing",
        "Hide",
        "History-Info",
        "Identity",
        "Identity-Info",
        "Info-Package",
        "Join",
        "Max-Breadth",
        "Origination-Id",
        "P-Access-Network-Info",
        "P-Answer-State",
        "P-Asserted-Service",
        "P-Associated-URI",
        "P-Called-Party-ID",
        "P-Charge-Info",
        "P-Charging-Function-Addresses",
        "P-Charging-Vector",
        "P-DCS-Billing-Info",
        "P-DCS-LAES",
        "P-DCS-OSPS",
        "P-DCS-Redirect",
        "P-Early-Media",
        "P-Media-Authorization",
        "P-Preferred-Service",
        "P-Profile-Key",
        "P-Served-User",
        "P-User-Database",
        "P-Visited-Network-ID",
        "Permission-Missing",
        "Policy-Contact",
        "Policy-ID",
        "Priority-Share",
        "Proxy-Authentication-Info",
        "RAck",
        "RSeq",
        "Recv-Info",
        "Refer-Events-At",
        "Refer-Sub",
        "Reject-Contact",
        "Replaces",
        "Request-Disposition",
        "Resource-Priority",
        "Resource-Share",
        "Response-Key",
        "Restoration-Info",
        "Security-Client",
        "Security-Server",
        "Security-Verify",
        "Session-ID",
        "Target-Dialog",
        "Trigger-Consent",
        "User-to-User",
    ];

    const fn joined<const N: usize>(more: &[&'static str]) -> [&'static str; N] {
        let mut all = [""; N];
        let mut at = 0;
        while at < N {
            all[at] = if at < Name::COUNT {
                TEXT[at]
            } else {
                more[at - Name::COUNT]
            };
            at += 1;
        }
        all
    }

    const ALL_TOGETHER: usize = Name::COUNT + MORE.len();

    /// The build itself finds it.
    const FACTOR_OF_ALL: u64 = factor(&words(&joined::<ALL_TOGETHER>(&MORE)), bits(ALL_TOGETHER));

    #[test]
    fn a_new_name_is_one_line() {
        for name in MORE {
            assert_eq!(
                Name::from_bytes(name.as_bytes()),
                Name::Other,
                "{name} is new"
            );
            let words = words(&joined::<{ Name::COUNT + 1 }>(&[name]));
            let bits = bits(words.len());
            assert!(tells_apart(&words, factor(&words, bits), bits), "{name}");
        }
        let words = words(&joined::<ALL_TOGETHER>(&MORE));
        assert!(tells_apart(&words, FACTOR_OF_ALL, bits(ALL_TOGETHER)));
    }

    #[test]
    fn a_line_shows_its_name() /* X12 */
    {
        for name in ALL {
            for behind in [&b": x"[..], b":", b":0:"] {
                let mut line = [0; 64];
                let (text, rest) = line.split_at_mut(name.as_str().len());
                text.copy_from_slice(name.as_bytes());
                rest[..behind.len()].copy_from_slice(behind);
                let expected = Some((name, name.as_str().len()));
                assert_eq!(Name::before_colon(&line), expected);
                line.make_ascii_lowercase();
                assert_eq!(Name::before_colon(&line), expected);
            }
        }
        for line in [
            &b"X-Call-ID: 1 padding"[..],
            b"Viaa: padding",
            b"Via\0: padding",
            b"Subscription-Statf: 1",
        ] {
            assert_eq!(
                Name::before_colon(line).map(|(name, _)| name),
                Some(Name::Other)
            );
        }
        for line in [
            &b"Via :padding"[..],
            b"no colon in this line, not here",
            b"longer-than-any-name-we-know: x",
            b"v: 1",
        ] {
            let found = Name::before_colon(line);
            assert!(
                found.is_none_or(|(name, _)| name == Name::Other),
                "{found:?}"
            );
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
