//! What is wrong with settings, and the remedy.

use core::fmt;

/// What is wrong with [`Settings`](super::Settings); numbers are indices into the list concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// The shortest lifetime is above the longest, or the longest is zero.
    Lifetimes,
    /// The shortest lifetime is above an hour.
    MinExpires,
    /// The same of registrations.
    Registrations,
    /// The same of publications.
    Publications,
    /// A presentity's URI.
    Presentity(usize),
    /// A presentity is there already.
    PresentityTwice(usize),
    /// A list's URI, or who is on it.
    ServedList(usize),
    /// Where a phone on this device tells of its calls, or whose they are.
    Softphone(usize),
    /// A watch's target.
    Target(usize),
    /// A watch's `from`.
    From(usize),
    /// A watch's server.
    Server(usize),
    /// A watch asks for no time at all.
    WatchExpires(usize),
    /// A watch asks too often whether a state is still so.
    WatchAudit(usize),
    /// The pace asked for of the watch at this place.
    WatchRate(usize),
    /// A watch's target asks for TLS, and its way is without.
    WatchInsecure(usize),
    /// A watch's upstream is not there.
    WatchUpstream(usize),
    /// A watch's list is not there, or tells of something else.
    WatchList(usize),
    /// An upstream's address of record.
    UpstreamAor(usize),
    /// An upstream of that address of record is there already.
    UpstreamTwice(usize),
    /// An upstream has no usable server.
    UpstreamServers(usize),
    /// The presentity that is to be published is not there.
    UpstreamPresentity(usize),
    /// An upstream asks for no time at all.
    UpstreamExpires(usize),
    /// Whose do-not-disturb the server keeps is not there, or not watched.
    UpstreamFeatures(usize),
    /// What an Asterisk is to be told of has no name that it can have.
    UpstreamDevices(usize),
    /// A lamp's name is unusable or there already.
    LampName(usize),
    /// A lamp's watch is not there.
    LampWatch(usize),
    /// A lamp's presentity is not there.
    LampPresentity(usize),
    /// A button's name is unusable or there already.
    ButtonName(usize),
    /// A button's presentity is not there.
    ButtonPresentity(usize),
    /// A button can't tell its gestures apart, or one of them can't do that.
    ButtonGestures(usize),
    /// A button's time-out is zero.
    ButtonTimeout(usize),
    /// A rule speaks of what is not there, or can't say what it does.
    Rule(usize),
}

impl fmt::Display for Invalid {
    /// One line: what is wrong, and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, at, remedy) = match *self {
            Invalid::Lifetimes => ("min_expires", None, "set it between 1 and max_expires"),
            Invalid::MinExpires => ("min_expires", None, "set it to 3600 or less"),
            Invalid::Registrations => {
                let remedy = "set min_expires to 3600 or less, and not above max_expires";
                ("registrations", None, remedy)
            }
            Invalid::Publications => {
                let remedy = "set min_expires to 3600 or less, and not above max_expires";
                ("publications", None, remedy)
            }
            Invalid::Presentity(at) => ("presentity", Some(at), "write uri as sip:name@host"),
            Invalid::PresentityTwice(at) => ("presentity", Some(at), "name each uri only once"),
            Invalid::ServedList(at) => (
                "served_list",
                Some(at),
                "give it a uri of its own, and presentities served here",
            ),
            Invalid::Softphone(at) => {
                let remedy =
                    "give it an address of its own on this device, and a presentity served here";
                ("softphone", Some(at), remedy)
            }
            Invalid::Target(at) => ("watch", Some(at), "write the target as sip:name@host"),
            Invalid::From(at) => ("watch", Some(at), "write from as sip:name@host"),
            Invalid::Server(at) => ("watch", Some(at), "write server as host or host:port"),
            Invalid::WatchExpires(at) => ("watch", Some(at), "ask for one second or more"),
            Invalid::WatchAudit(at) => ("watch", Some(at), "let audit be 120 or more, or 0"),
            Invalid::WatchRate(at) => ("watch", Some(at), "let at_most_every be 3600 at most"),
            Invalid::WatchList(at) => ("watch", Some(at), "name a list of the same event"),
            Invalid::WatchInsecure(at) => {
                let remedy = "a sips target is asked over TLS: let all its servers be tls:HOST";
                ("watch", Some(at), remedy)
            }
            Invalid::WatchUpstream(at) => ("watch", Some(at), "name an upstream in the list"),
            Invalid::UpstreamAor(at) => (
                "upstream",
                Some(at),
                "write aor as sip:name@host; for sips, let all servers be tls:HOST",
            ),
            Invalid::UpstreamTwice(at) => ("upstream", Some(at), "name each aor only once"),
            Invalid::UpstreamServers(at) => {
                ("upstream", Some(at), "write servers as host or host:port")
            }
            Invalid::UpstreamPresentity(at) => {
                ("upstream", Some(at), "publish a presentity served here")
            }
            Invalid::UpstreamExpires(at) => ("upstream", Some(at), "ask for one second or more"),
            Invalid::UpstreamFeatures(at) => {
                let remedy = "name a presentity served here, and a watch of as-feature-event";
                ("upstream", Some(at), remedy)
            }
            Invalid::UpstreamDevices(at) => {
                let remedy =
                    "name the publication as a user, and a device, without blanks and quotes";
                ("upstream", Some(at), remedy)
            }
            Invalid::LampName(at) => ("lamp", Some(at), "give each lamp a name of its own"),
            Invalid::LampWatch(at) => ("lamp", Some(at), "let it watch something in the list"),
            Invalid::LampPresentity(at) => ("lamp", Some(at), "name a presentity served here"),
            Invalid::ButtonName(at) => ("button", Some(at), "give each button a name of its own"),
            Invalid::ButtonPresentity(at) => ("button", Some(at), "name a presentity served here"),
            Invalid::ButtonGestures(at) => {
                let remedy =
                    "what is held or stays down does one thing only, and none that happens once";
                ("button", Some(at), remedy)
            }
            Invalid::ButtonTimeout(at) => ("button", Some(at), "wait for one second or more"),
            Invalid::Rule(at) => (
                "rule",
                Some(at),
                "let it say what its direction can, of whom is there",
            ),
        };
        match at {
            Some(at) => write!(f, "{what} {}: {remedy}", at + 1),
            None => write!(f, "{what}: {remedy}"),
        }
    }
}

impl core::error::Error for Invalid {}
