//! Every capacity of the agent, each with its reason.
//!
//! A build may change the ones marked *settable* through an environment variable of the same name with
//! `LAMPFIELD_` in front: `LAMPFIELD_SUBSCRIPTIONS=4096 cargo build --release`. What happens when a table is
//! full is said where the table is.

use super::time::Seconds;

/// Presentities kept here (settable): a desk phone has one, an intercom a few door stations.
pub const PRESENTITIES: usize = setting(option_env!("LAMPFIELD_PRESENTITIES"), 8);

/// Subscriptions served (settable): the lamps of a large department on one desk.
pub const SUBSCRIPTIONS: usize = setting(option_env!("LAMPFIELD_SUBSCRIPTIONS"), 64);

/// Lists of presentities that are served; each takes the place of a presentity.
pub const SERVED_LISTS: usize = 4;

/// Members of one of them: so many that a document of each kind of state fits one message.
pub const LIST_MEMBERS: usize = least(PRESENTITIES, 48);

/// Subscriptions to lists (settable), each of which is one of [`SUBSCRIPTIONS`] too: every phone of the house, for
/// presence and calls. Full: 503 with Retry-After.
pub const LIST_SUBSCRIPTIONS: usize = least(
    SUBSCRIPTIONS,
    setting(option_env!("LAMPFIELD_LIST_SUBSCRIPTIONS"), 16),
);

/// How many of those may come from one address, or one IPv6 /64. More get 503 with Retry-After.
pub const LIST_SHARE: usize = most(LIST_SUBSCRIPTIONS / 2, 1);

/// Documents in one NOTIFY about a list. What more there is goes out in the next.
pub const LIST_PARTS: usize = BODIES / 2;

/// Own subscriptions to others (settable): a sidecar of 32 keys and two lists that tell of them, or 16 keys that show calls
/// and presence both.
pub const WATCHES: usize = setting(option_env!("LAMPFIELD_WATCHES"), 34);

/// Documents of watched presentities that are kept whole (settable), for those whose changes are to be told in part. A
/// watch beyond that is told in full.
pub const DOCUMENTS: usize = setting(option_env!("LAMPFIELD_DOCUMENTS"), 8);

/// Bytes of one of them. A watch with a longer one is told in full.
pub const DOCUMENT: usize = 4_096;

/// Bindings of phones that register here (settable): an office without a PBX.
pub const BINDINGS: usize = setting(option_env!("LAMPFIELD_BINDINGS"), 16);

/// Bindings of one presentity, and Contacts of one REGISTER: a desk phone, a handset, a laptop, and one that moves.
pub const BINDINGS_EACH: usize = 4;

/// Servers above us at which we register and publish (settable): a PBX, and a presence server of somebody else.
pub const UPSTREAMS: usize = setting(option_env!("LAMPFIELD_UPSTREAMS"), 4);

/// Servers of one upstream, in the order of their priority.
pub const SERVERS: usize = 4;

/// Places of one name that are tried in turn: at half a minute each for those that are silent, more would not be reached
/// before the first deserves another try.
pub const TARGETS: usize = 8;

/// Server transactions kept (settable). One lives 32 s and takes some 70 bytes; this many let a building of phones
/// subscribe within the same half minute after a power cut, 16 a second.
pub const TRANSACTIONS: usize = setting(option_env!("LAMPFIELD_TRANSACTIONS"), 512);

/// Lamps on one panel (settable).
pub const LAMPS: usize = setting(option_env!("LAMPFIELD_LAMPS"), 32);

/// Buttons on one panel (settable).
pub const BUTTONS: usize = setting(option_env!("LAMPFIELD_BUTTONS"), 32);

/// Streams open at a time (settable): those phones that prefer TCP, and one or two servers. Full: a stranger makes way
/// for whoever is trusted and for ourselves, or else one that was silent for 32 s; else the newcomer is closed.
pub const CONNECTIONS: usize = setting(option_env!("LAMPFIELD_CONNECTIONS"), 8);

/// How many of those may be opened by peers, so that there is a place for a server of ours.
pub const CONNECTIONS_IN: usize = CONNECTIONS - CONNECTIONS / 4;

/// How many of those may come from one address, or one IPv6 /64, so that nobody takes all of them.
pub const CONNECTIONS_EACH: usize = most(CONNECTIONS / 2, 1);

/// How many of those may be of strangers.
pub const STRANGERS: usize = most(CONNECTIONS / 4, 1);

/// How many of those may come from one address, or one IPv6 /64.
pub const STRANGERS_EACH: usize = most(STRANGERS / 2, 1);

/// How many connections we open for messages that have no other way, so that nobody who has us send them keeps others
/// out.
pub const CARRIERS: usize = most(CONNECTIONS / 2, 1);

/// How many of those may lead to one address, or one IPv6 /64: two phones behind one NAT.
pub const CARRIERS_EACH: usize = most(CARRIERS / 2, 1);

/// Users with a password (settable): an office, or a family and its friends. More are refused when they are read.
pub const USERS: usize = setting(option_env!("LAMPFIELD_USERS"), 32);

/// Users that one presentity is of, beside the one of its own name.
pub const OWNERS: usize = 4;

/// Nonces remembered that proved who somebody is, for as long as they are good: two for each user, as phones take one for
/// each account. See the guard for what happens beyond.
pub const NONCES: usize = most(2 * USERS, 64);

/// Sources of wrong passwords that are told apart: more of them than users, so that whoever fills the table with other
/// users' names gains little. Full: the one that has been quiet for longest makes way.
pub const FAILURES: usize = most(4 * USERS, 64);

/// Subscriptions of one address: a half of the table, for one may be a proxy with many phones behind it. More get 503 with
/// Retry-After.
pub const SHARE_OF_ADDRESS: usize = most(SUBSCRIPTIONS / 2, least(SUBSCRIPTIONS, 16));

/// Subscriptions of one watcher at one address, and of one user: a quarter of the table, and not less than a phone with
/// eight lines wants. More get 503 with Retry-After.
pub const SHARE: usize = most(SUBSCRIPTIONS / 4, least(SUBSCRIPTIONS, 16));

/// Networks towards which we have different addresses: a desk phone has one, a machine full of containers a dozen. Full:
/// the narrowest are left out, and who is there is told the address towards the wider network around, or none.
pub const LOCALS: usize = 32;

/// Networks that are trusted.
pub const TRUSTED: usize = 16;

/// Subscriptions of strangers that nobody allowed: a quarter of the table at most, so that they can't crowd out anybody,
/// and no more than a person decides about. Full: 503 with Retry-After.
pub const WAITING: usize = least(most(SUBSCRIPTIONS / 4, 1), 16);

/// How many of those come from one address: a phone's presence and calls, twice. More get 503 with Retry-After.
pub const WAITING_EACH: usize = 4;

/// Watchers remembered who went before the owner decided about them, so that he can still do so. Full: whoever went
/// first is given up.
pub const ABSENT: usize = WAITING;

/// How many of those were at one address, so that nobody pushes out the others. One more: whoever went first is given
/// up.
pub const ABSENT_EACH: usize = 4;

/// How long a watcher may wait for the owner's decision, and how long it is remembered once it went: over a weekend
/// (RFC 3857 §4.7.1).
pub const GIVE_UP: Seconds = Seconds(3 * 86_400);

/// Watchers who ended that are remembered for owners who were not told yet. Who is further behind gets a full document.
pub const ENDED: usize = 8;

/// Decisions of the owner about strangers that are kept. Full: the oldest makes way.
pub const DECISIONS: usize = 32;

/// Rules of the owner. A household has five, an office fifteen.
pub const RULES: usize = 32;

/// Names of those whom rules are about, of all rules together: users, addresses, domains, networks.
pub const RULE_NAMES: usize = 2 * RULES;

/// Presentities that one rule names.
pub const RULE_PRESENTITIES: usize = 4;

/// Fixed notes that rules tell in place of the presentity's own.
pub const RULE_NOTES: usize = 8;

/// Times at which local clocks change that are known beforehand: twice a year for sixteen years.
pub const CLOCK_CHANGES: usize = 32;

/// The largest datagram there is (RFC 3261 §18.1.1); nothing that arrives is cut.
pub const MESSAGE: usize = 65_535;

/// Header rows of one message. The longest torture message (RFC 4475 §3.1.1.7) has 50.
pub const ROWS: usize = 128;

/// Bytes of one SIP or presence URI that is kept.
pub const URI: usize = 256;

/// Bytes of a dialog's From, To and Call-ID lines together: three long names. Longer ones get 513.
pub const DIALOG: usize = 640;

/// Bytes of a dialog's Route lines: four proxies. More get 513.
pub const ROUTES: usize = 384;

/// Bytes of a `host[:port]`: the longest DNS name (RFC 1035 §2.3.4), a colon and five digits, rounded up.
pub const HOST: usize = 264;

/// Bytes of the names that a peer's certificate is for, which are known of it; others count for nothing.
pub const CERTIFIED: usize = 128;

/// Bytes of a user's name in credentials.
pub const USER: usize = 64;

/// Bytes of a password.
pub const PASSWORD: usize = 64;

/// Bytes of a realm. A challenge with a longer one is as none.
pub const REALM: usize = 64;

/// Bytes of a server's nonce; Kamailio's have 32, Asterisk's 42. A challenge with a longer one is as none.
pub const NONCE: usize = 192;

/// Bytes of what a server wants back as it is. A challenge with more is as none.
pub const OPAQUE: usize = 64;

/// Bytes of a panel's, lamp's or button's name.
pub const NAME: usize = 32;

/// Bytes of the name that a server has for a device, or for what is published of it; Asterisk's have 79 at most.
pub const DEVICE: usize = 64;

/// Bytes of a presence note.
pub const NOTE: usize = 128;

/// Bytes of the name of a note's language, as many as RFC 5646 §4.4.1 asks for; a longer one is left out.
pub const LANG: usize = 35;

/// Calls of one watched presentity told apart; of more, the ones a lamp would show.
pub const WATCHED_PARTS: usize = 8;

/// Calls of one presentity that its watchers are told of: two lines, each with a call that waits. Of more, those that are
/// furthest.
pub const CALLS: usize = 4;

/// Calls that local sources tell of, of all presentities together: one phone, or two. Full: the newcomer is not told.
pub const LOCAL_CALLS: usize = 2 * CALLS;

/// Phones on this device that tell of their calls: that of the desk, and one for the door.
pub const SOFTPHONES: usize = 2;

/// Publications kept (settable): the phones and softphones of everybody whose presence is kept here. Full: 503 with
/// Retry-After.
pub const PUBLICATIONS: usize = setting(option_env!("LAMPFIELD_PUBLICATIONS"), 16);

/// How many of those may be of one presentity: nobody has more phones. More get 503 with Retry-After.
pub const PUBLICATIONS_EACH: usize = 8;

/// How many of those may be of one publisher: one From at one address. With one more, the one that it never refreshed
/// or has not refreshed for longest makes way, as it does where a phone starts again and again.
pub const PUBLICATIONS_PUBLISHER: usize = most(PUBLICATIONS_EACH / 2, 1);

/// Bytes of one published document. A larger one gets 413.
pub const PUBLICATION: usize = 2_048;

/// Bytes of what one presentity's document carries over from publications. What does not fit is left out, as the
/// composition says.
pub const CARRIED: usize = 2_048;

/// Bytes of the document of one presentity in one package: holds the longest URI and note there can be, with all
/// activities at once, and [`CARRIED`], with a version number.
pub const BODY: usize = 4_704;

/// Documents kept for retransmissions; see what happens beyond in the notifier's `bodies`.
pub const BODIES: usize = 16;

/// Bytes of the `id` parameter of an Event. Longer ones get 513.
pub const EVENT_ID: usize = 32;

/// Shortest lifetime granted to a subscription: below it 423 (RFC 6665 §4.2.1.1).
pub const MIN_EXPIRES: Seconds = Seconds(60);

/// Longest lifetime granted to a subscription: a watcher that died is forgotten within the hour.
pub const MAX_EXPIRES: Seconds = Seconds(3_600);

/// Shortest lifetime granted to a registration: below it 423 (RFC 3261 §10.3 step 7).
pub const MIN_REGISTRATION: Seconds = Seconds(60);

/// Longest lifetime granted to a registration: a phone that died is offline within the hour.
pub const MAX_REGISTRATION: Seconds = Seconds(3_600);

/// Shortest lifetime granted to a publication: below it 423 (RFC 3903 §6).
pub const MIN_PUBLICATION: Seconds = Seconds(60);

/// Longest lifetime granted to a publication, and that of one which names none.
pub const MAX_PUBLICATION: Seconds = Seconds(3_600);

/// What a refused peer is told to wait when a table is full.
pub const RETRY_AFTER: Seconds = Seconds(30);

/// The longest Retry-After that is obeyed; a peer must not silence us for a day.
pub const LONGEST_RETRY: Seconds = Seconds(3_600);

/// Bytes of the whole agent. Most of them are tables, and pages of tables that were never used are never resident.
pub const AGENT_BYTES: usize = 384 * 1_024
    + 2_304 * SUBSCRIPTIONS
    + 2_048 * (WATCHES + LAMPS)
    + 4_352 * DOCUMENTS
    + 6_144 * PRESENTITIES
    + 3_072 * PUBLICATIONS
    + 512 * BINDINGS
    + 512 * USERS
    + 96 * TRANSACTIONS
    + 160 * CONNECTIONS
    + 64 * LIST_SUBSCRIPTIONS * LIST_MEMBERS;

const fn least(one: usize, other: usize) -> usize {
    if one < other { one } else { other }
}

const fn most(one: usize, other: usize) -> usize {
    if one > other { one } else { other }
}

/// Reads a capacity set at build time; the build fails on anything but a positive number.
const fn setting(text: Option<&str>, default: usize) -> usize {
    let Some(text) = text else { return default };
    let digits = text.as_bytes();
    let mut value = 0;
    let mut at = 0;
    while at < digits.len() {
        assert!(
            digits[at].is_ascii_digit(),
            "a LAMPFIELD_ capacity is a whole number"
        );
        value = value * 10 + (digits[at] - b'0') as usize;
        at += 1;
    }
    assert!(
        value > 0 && value <= 16_384,
        "a LAMPFIELD_ capacity is from 1 to 16384"
    );
    value
}
