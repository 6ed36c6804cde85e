//! Bytes in, SIP out: requests and answers that know the dialogs, tags and entity-tags that the agent has shown.

use super::desk::Desk;
use super::settings::{DESK, DOOR};
use lampfield::wire::flow::Flow;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// Where the agent is.
pub(super) const LOCAL: SocketAddr = at([192, 0, 2, 1], 5_060);

/// Servers of ours.
pub(super) const PBX: Flow = Flow::udp(LOCAL, at([192, 0, 2, 20], 5_060));
pub(super) const REGISTRAR: Flow = Flow::udp(LOCAL, at([192, 0, 2, 30], 5_060));

/// Phones, one of them by TCP; strangers; and the servers.
pub(super) const PEERS: [Flow; 7] = [
    Flow::udp(LOCAL, at([192, 0, 2, 100], 5_062)),
    Flow::udp(LOCAL, at([192, 0, 2, 101], 5_060)),
    Flow::tcp(LOCAL, at([192, 0, 2, 102], 40_000), 1),
    Flow::udp(LOCAL, at([198, 51, 100, 7], 5_060)),
    Flow::udp(LOCAL, at([198, 51, 100, 8], 5_060)),
    PBX,
    REGISTRAR,
];

/// Messages and names of each kind that are remembered.
const REMEMBERED: usize = 8;

const fn at(ip: [u8; 4], port: u16) -> SocketAddr {
    let [a, b, c, d] = ip;
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port))
}

/// Bytes that decide; zeros when there are none left.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        first
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    /// As many bytes as the next one says.
    pub(super) fn take(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte()).min(self.0.len());
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }
}

/// What the agent has shown so far, the newest last.
#[derive(Default)]
pub(super) struct Seen {
    /// Requests, to be answered.
    requests: Vec<(Flow, String)>,
    /// Dialogs that it serves: Call-ID, the peer's tag, its own.
    served: Vec<[String; 3]>,
    /// Dialogs that it asked for.
    watched: Vec<[String; 3]>,
    etags: Vec<String>,
    requests_made: u32,
}

impl Seen {
    /// The last request that it sent.
    pub(super) fn last_request(&self) -> &str {
        self.requests.last().map_or("", |(_, text)| text)
    }

    pub(super) fn note(&mut self, flow: Flow, text: String) {
        let row = |name: &str| header(&text, name).unwrap_or_default().to_string();
        let tag = |name: &str| tag(&row(name)).unwrap_or_default().to_string();
        let is_answer = text.starts_with("SIP/2.0 2");
        if is_answer && row("CSeq").ends_with("SUBSCRIBE") {
            keep(&mut self.served, [row("Call-ID"), tag("From"), tag("To")]);
        }
        if text.starts_with("SUBSCRIBE ") {
            keep(
                &mut self.watched,
                [row("Call-ID"), String::new(), tag("From")],
            );
        }
        if let Some(etag) = header(&text, "SIP-ETag") {
            keep(&mut self.etags, etag.to_string());
        }
        if !text.starts_with("SIP/2.0 ") {
            keep(&mut self.requests, (flow, text));
        }
    }
}

fn keep<T: PartialEq>(list: &mut Vec<T>, new: T) {
    list.retain(|it| *it != new);
    if list.len() == REMEMBERED {
        list.remove(0);
    }
    list.push(new);
}

/// What stands behind `name: ` in a message that the agent wrote.
fn header<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let head = text.split("\r\n\r\n").next()?;
    let mut lines = head.split("\r\n");
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn tag(value: &str) -> Option<&str> {
    Some(
        value
            .split_once(";tag=")?
            .1
            .split(';')
            .next()
            .unwrap_or_default(),
    )
}

impl Desk {
    /// A request from one of the peers, in a dialog of its own, a known one, or one that never was.
    pub(super) fn request(&mut self, method: &str, bytes: &mut Bytes<'_>) -> (Flow, String) {
        let peer = bytes.pick(&PEERS);
        let seen = &mut self.seen;
        let target = bytes.pick(&[DESK, DOOR, DESK, "sip:nobody@192.0.2.1", "sip:192.0.2.1"]);
        let [call_id, from_tag, to_tag] = dialog(seen, method, bytes);
        seen.requests_made += 1;
        let number = match bytes.byte() {
            0 => 1,
            1 => u32::MAX,
            _ => seen.requests_made,
        };
        let branch = bytes.pick(&[seen.requests_made, seen.requests_made, number, 1]);
        let remote = peer.remote;
        let contact = contact(peer, bytes);
        let by = if peer.connection == 0 { "UDP" } else { "TCP" };
        let rows = rows(method, &seen.etags, bytes);
        let (kind, body) = body(method, bytes);
        let length = body.len();
        let text = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/{by} {remote};branch=z9hG4bK{branch};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:phone@{}>;tag={from_tag}\r\nTo: <{target}>{to_tag}\r\n\
             Call-ID: {call_id}\r\nCSeq: {number} {method}\r\n{contact}{rows}{kind}Content-Length: {length}\r\n\r\n{body}",
            remote.ip()
        );
        (peer, text)
    }

    /// An answer to a request of the agent's, from where it went or from elsewhere.
    pub(super) fn answer(&mut self, bytes: &mut Bytes<'_>) -> Option<(Flow, String)> {
        let requests = &self.seen.requests;
        let last = requests.len().checked_sub(1)?;
        let (flow, request) = &requests[last - usize::from(bytes.byte()) % (last + 1)];
        let elsewhere = bytes.pick(&PEERS);
        let flow = bytes.pick(&[*flow, *flow, *flow, elsewhere]);
        let status = bytes.pick(&[
            "200 OK",
            "200 OK",
            "200 OK",
            "202 Accepted",
            "100 Trying",
            "401 Unauthorized",
            "407 Proxy Authentication Required",
            "302 Moved",
            "403 Forbidden",
            "404 Not Found",
            "412 Conditional Request Failed",
            "423 Interval Too Brief",
            "481 Gone",
            "489 Bad Event",
            "500 Error",
            "503 Unavailable",
            "408 Timeout",
            "603 Decline",
            "513 Too Large",
            "305 Use Proxy",
        ]);
        let row = |name: &str| header(request, name).unwrap_or_default().to_string();
        let mut to = row("To");
        if !to.contains(";tag=") {
            to += bytes.pick(&["", ";tag=peer1", ";tag=peer2", ";tag=peer1"]);
        }
        let rows = rows("", &[], bytes);
        let contact = contact(flow, bytes);
        let text = format!(
            "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
             {contact}{rows}Content-Length: 0\r\n\r\n",
            row("Via"),
            row("From"),
            row("Call-ID"),
            row("CSeq"),
        );
        Some((flow, text))
    }
}

/// Call-ID, the tag of From, and the parameter of To.
fn dialog(seen: &Seen, method: &str, bytes: &mut Bytes<'_>) -> [String; 3] {
    let choice = bytes.byte();
    let known = match method {
        "NOTIFY" => &seen.watched,
        _ => &seen.served,
    };
    let place = usize::from(choice >> 2);
    match choice & 3 {
        0 | 1 if !known.is_empty() => {
            let [call_id, from, to] = &known[known.len() - 1 - place % known.len()];
            let from = match from.as_str() {
                "" => bytes.pick(&["peer1", "peer1", "peer2"]),
                from => from,
            };
            let to = match bytes.byte() {
                0 => "wrong",
                _ => to,
            };
            [call_id.clone(), from.to_string(), format!(";tag={to}")]
        }
        2 => [
            format!("call{place}"),
            "t".to_string(),
            ";tag=foreign".to_string(),
        ],
        _ => [format!("call{place}"), format!("t{place}"), String::new()],
    }
}

/// A Contact row: where the peer is, somewhere else on its host, or nothing.
fn contact(peer: Flow, bytes: &mut Bytes<'_>) -> String {
    let remote = peer.remote;
    let ip = remote.ip();
    match bytes.byte() % 8 {
        0..4 => format!("Contact: <sip:phone@{remote}>\r\n"),
        4 => format!("Contact: <sip:phone@{ip}:5080>;expires=60\r\n"),
        5 => format!("Contact: <sip:phone@{remote};transport=tcp>, <sip:other@{ip}>;q=0.5\r\n"),
        6 => "Contact: *\r\n".to_string(),
        _ => String::new(),
    }
}

/// Rows that mean something to somebody.
fn rows(method: &str, etags: &[String], bytes: &mut Bytes<'_>) -> String {
    let mut rows = String::new();
    let usual = match method {
        "SUBSCRIBE" => "Event: presence\r\nExpires: 300\r\n",
        "PUBLISH" => "Event: presence\r\nExpires: 300\r\n",
        "REGISTER" => "Expires: 300\r\n",
        "NOTIFY" => "Event: dialog\r\nSubscription-State: active;expires=300\r\n",
        _ => "Expires: 300\r\n",
    };
    let choice = bytes.byte();
    if choice & 1 == 0 {
        rows += usual;
    }
    if choice & 2 != 0
        && let Some(last) = etags.len().checked_sub(1)
    {
        let etag = &etags[last - usize::from(bytes.byte()) % (last + 1)];
        rows += &format!("SIP-If-Match: {etag}\r\n");
    }
    for _ in 0..choice >> 5 {
        rows += bytes.pick(&ROWS);
        rows += "\r\n";
    }
    rows
}

const ROWS: [&str; 44] = [
    "Event: presence",
    "Event: dialog",
    "Event: dialog;id=7",
    "Event: presence.winfo",
    "Event: message-summary",
    "Event: nonsense",
    "Expires: 0",
    "Expires: 60",
    "Expires: 5",
    "Expires: 4294967295",
    "Min-Expires: 900",
    "Min-Expires: 4294967295",
    "Retry-After: 5",
    "Retry-After: 4294967295",
    "Accept: application/pidf+xml",
    "Accept: application/dialog-info+xml",
    "Accept: application/watcherinfo+xml",
    "Accept: application/xpidf+xml;q=0.5",
    "Accept: text/plain",
    "Subscription-State: active;expires=60",
    "Subscription-State: active",
    "Subscription-State: pending;expires=4294967295",
    "Subscription-State: terminated;reason=noresource",
    "Subscription-State: terminated;reason=timeout",
    "Subscription-State: terminated;reason=deactivated",
    "Subscription-State: terminated;reason=giveup;retry-after=4294967295",
    "Subscription-State: terminated;reason=rejected",
    "Subscription-State: terminated;reason=probation;retry-after=0",
    "SIP-If-Match: wrong",
    "SIP-ETag: theirs",
    "SIP-ETag: ",
    "Suppress-If-Match: *",
    "Require: path",
    "Supported: outbound, gruu",
    "Record-Route: <sip:192.0.2.20;lr>",
    "Route: <sip:192.0.2.1;lr>",
    "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"",
    "WWW-Authenticate: Digest realm=\"r\", nonce=\"m\", algorithm=SHA-256, qop=\"auth,auth-int\", stale=true",
    "Proxy-Authenticate: Digest realm=\"p\", nonce=\"n\", opaque=\"o\"",
    "Authorization: Digest username=\"100\", realm=\"r\", nonce=\"n\", uri=\"sip:a\", response=\"00000000000000000000000000000000\"",
    "Content-Encoding: gzip",
    "Content-Disposition: render;handling=optional",
    "P-Asserted-Identity: <sip:boss@192.0.2.1>",
    "Via: SIP/2.0/UDP 192.0.2.77;branch=z9hG4bKdeep",
];

/// The row of its kind, and a body.
fn body(method: &str, bytes: &mut Bytes<'_>) -> (String, String) {
    let choice = bytes.byte();
    if choice == 0 || method == "REGISTER" {
        return (String::new(), String::new());
    }
    let version = u32::from(choice >> 4);
    let (kind, body) = match (method, choice % 12) {
        ("SUBSCRIBE", 0..10) => return (String::new(), String::new()),
        (_, 0 | 1) => ("application/pidf+xml", pidf("open", "")),
        (_, 2) => (
            "application/pidf+xml",
            pidf("closed", "<note>On the phone</note>"),
        ),
        (_, 3) => (
            "application/pidf+xml",
            pidf("open", "<tuple id='b'/><x y='1'/>"),
        ),
        (_, 4) => (
            "application/pidf+xml",
            pidf("open", &"<note>x</note>".repeat(150)),
        ),
        (_, 5) => (
            "application/dialog-info+xml",
            dialogs(version, "full", "confirmed"),
        ),
        (_, 6) => (
            "application/dialog-info+xml",
            dialogs(version, "partial", "early"),
        ),
        (_, 7) => (
            "application/dialog-info+xml",
            dialogs(version, "partial", "terminated"),
        ),
        (_, 8) => (
            "application/simple-message-summary",
            "Messages-Waiting: yes\r\n".to_string(),
        ),
        (_, 9) => ("application/pidf+xml", "<presence".to_string()),
        (_, 10) => ("text/plain", "hello".to_string()),
        (_, _) => {
            let raw = String::from_utf8_lossy(bytes.take()).into_owned();
            ("application/pidf+xml", raw)
        }
    };
    (format!("Content-Type: {kind}\r\n"), body)
}

fn pidf(basic: &str, more: &str) -> String {
    format!(
        "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='{DESK}'><tuple id='a'><status><basic>{basic}</basic>\
         </status></tuple>{more}</presence>"
    )
}

fn dialogs(version: u32, extent: &str, state: &str) -> String {
    format!(
        "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='{version}' state='{extent}' \
         entity='sip:bob@192.0.2.20'><dialog id='d1' direction='recipient'><state>{state}</state></dialog></dialog-info>"
    )
}
