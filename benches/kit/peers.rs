//! Peers that read and write text: a phone that watches the desk, and a server that the desk watches.

use super::stage::{Recorder, Sent};
use super::users::{PASSWORD, REALM};
use lampfield::wire::sip::digest::{Digest, Qop};
use lampfield::wire::sip::{Algorithm, Name, Writer};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Whom the agent serves.
pub const DESK: &str = "sip:reception@pbx.example.com";

/// A phone with a network address of its own.
pub struct Phone {
    number: u32,
    address: SocketAddr,
    event: &'static str,
    accept: &'static str,
    /// Our tag, once the agent answered.
    tag: String,
    cseq: u32,
    dialog: u32,
    /// The server's nonce, once it asked for a password, and how often it was used.
    nonce: String,
    nc: u32,
}

impl Phone {
    pub fn new(number: u32, event: &'static str) -> Phone {
        let ip = IpAddr::V4(Ipv4Addr::from(0x0a00_0101 + number));
        let accept = match event {
            "dialog" => "application/dialog-info+xml",
            _ => "application/pidf+xml, application/cpim-pidf+xml;q=0.5",
        };
        Phone {
            number,
            address: SocketAddr::new(ip, 5_060),
            event,
            accept,
            tag: String::new(),
            cseq: 16,
            dialog: 0,
            nonce: String::new(),
            nc: 0,
        }
    }

    /// SUBSCRIBE, and a 401, whose challenge is answered from then on.
    pub fn ask(&mut self, recorder: &mut Recorder) {
        self.cseq += 1;
        let sent = recorder.datagram(self.address, &self.request(3_600));
        let (_, rest) = sent[0].text.split_once("nonce=\"").expect("a challenge");
        self.nonce = rest.split('"').next().expect("a nonce").to_owned();
    }

    /// SUBSCRIBE, 200, NOTIFY and its 200.
    pub fn subscribe(&mut self, recorder: &mut Recorder, expires: u32) {
        self.cseq += 1;
        self.nc += 1;
        let sent = recorder.datagram(self.address, &self.request(expires));
        let [answer, notify] = &sent[..] else {
            panic!("an answer and a NOTIFY, not {} messages", sent.len());
        };
        assert!(answer.text.starts_with("SIP/2.0 200 "), "{}", answer.text);
        let (_, tag) = answer.row("To").split_once(";tag=").expect("a tag");
        self.tag = tag.to_owned();
        self.confirm(recorder, notify);
        if expires == 0 {
            self.tag.clear();
            self.dialog += 1;
        }
    }

    /// SUBSCRIBE, and an answer that refuses it.
    pub fn fail(&mut self, recorder: &mut Recorder, status: &str) {
        self.cseq += 1;
        let sent = recorder.datagram(self.address, &self.request(3_600));
        assert_eq!(sent.len(), 1);
        let answer = sent[0].text.strip_prefix("SIP/2.0 ");
        assert!(
            answer.is_some_and(|rest| rest.starts_with(status)),
            "{}",
            sent[0].text
        );
    }

    /// Answers a NOTIFY with 200, whereupon nothing follows.
    pub fn confirm(&self, recorder: &mut Recorder, notify: &Sent) {
        assert!(notify.text.starts_with("NOTIFY "), "{}", notify.text);
        assert_eq!(notify.remote, self.address);
        let mut text = String::from("SIP/2.0 200 OK\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            text += &format!("{name}: {}\r\n", notify.row(name));
        }
        text +=
            "User-Agent: DoorStation/2.4.1 (armv7; build 20261014)\r\nContent-Length: 0\r\n\r\n";
        assert!(recorder.datagram(self.address, &text).is_empty());
    }

    fn request(&self, expires: u32) -> String {
        let Phone {
            number,
            address,
            event,
            accept,
            tag,
            cseq,
            dialog,
            ..
        } = self;
        let proof = self.proof();
        let tag = if tag.is_empty() {
            String::new()
        } else {
            format!(";tag={tag}")
        };
        format!(
            "SUBSCRIBE {DESK} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {address};branch=z9hG4bK-5f2a{dialog:04x}{cseq:04x};rport\r\n\
             Max-Forwards: 70\r\n\
             From: \"Door {number}, north\" <sip:door{number}@pbx.example.com>;tag=8f3c02{dialog:04x}\r\n\
             To: <{DESK}>{tag}\r\n\
             Call-ID: 5b1e77c0-93d2-4d1f-a0be-6f41{number:04x}{dialog:04x}@{}\r\n\
             CSeq: {cseq} SUBSCRIBE\r\n\
             Contact: <sip:door{number}@{address};transport=udp>\r\n\
             Event: {event}\r\n\
             Expires: {expires}\r\n\
             Accept: {accept}\r\n\
             Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, SUBSCRIBE, INFO, REFER\r\n\
             Supported: eventlist, gruu, outbound\r\n\
             User-Agent: DoorStation/2.4.1 (armv7; build 20261014)\r\n\
             {proof}Content-Length: 0\r\n\r\n",
            address.ip()
        )
    }

    /// The row that proves who it is, once that was asked for.
    fn proof(&self) -> String {
        if self.nonce.is_empty() {
            return String::new();
        }
        let name = format!("door{}", self.number);
        let digest = Digest {
            algorithm: Algorithm::Sha256,
            username: name.as_bytes(),
            realm: REALM.as_bytes(),
            password: PASSWORD.as_bytes(),
            nonce: self.nonce.as_bytes(),
            qop: Qop::Auth,
            nc: self.nc,
            cnonce: b"7c1e09a2",
            method: b"SUBSCRIBE",
            uri: DESK.as_bytes(),
            body: b"",
        };
        let response = digest.response().expect("a hash we speak");
        let mut buf = [0; 512];
        let mut w = Writer::new(&mut buf);
        let credentials = digest.credentials(&response, None);
        w.field(Name::Authorization, &credentials).empty_body();
        let len = w.finish().expect("there is room");
        let row = String::from_utf8(buf[..len].to_vec()).expect("text");
        row.replace("Content-Length: 0\r\n\r\n", "")
    }
}

/// A PBX that tells the agent how one of its phones is.
pub struct Pbx {
    address: SocketAddr,
    /// From, To and Call-ID of its NOTIFYs, and where they go.
    head: String,
    cseq: u32,
}

impl Pbx {
    /// Accepts the agent's SUBSCRIBE.
    pub fn accept(recorder: &mut Recorder, subscribe: &Sent) -> Pbx {
        assert!(
            subscribe.text.starts_with("SUBSCRIBE "),
            "{}",
            subscribe.text
        );
        let (from, to) = (subscribe.row("From"), subscribe.row("To"));
        let call_id = subscribe.row("Call-ID");
        let contact = subscribe.row("Contact");
        let target = contact.trim_start_matches('<').split('>').next();
        let pbx = Pbx {
            address: subscribe.remote,
            head: format!(
                "NOTIFY {} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKPj-BRANCH;rport\r\n\
                 Max-Forwards: 70\r\nFrom: {to};tag=as58f4201b\r\nTo: {from}\r\n\
                 Contact: <sip:201@{}>\r\nCall-ID: {call_id}\r\n",
                target.expect("a URI"),
                subscribe.remote,
                subscribe.remote
            ),
            cseq: 102,
        };
        let answer = format!(
            "SIP/2.0 200 OK\r\nVia: {}\r\nFrom: {from}\r\nTo: {to};tag=as58f4201b\r\nCall-ID: {call_id}\r\n\
             CSeq: {}\r\nExpires: 300\r\nContact: <sip:201@{}>\r\nContent-Length: 0\r\n\r\n",
            subscribe.row("Via"),
            subscribe.row("CSeq"),
            subscribe.remote
        );
        assert!(recorder.datagram(subscribe.remote, &answer).is_empty());
        pbx
    }

    /// A NOTIFY with a full dialog-info document, as Asterisk writes it; the agent accepts it.
    pub fn tell(&mut self, recorder: &mut Recorder, state: &str) {
        self.cseq += 1;
        let (cseq, version) = (self.cseq, self.cseq - 103);
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{version}\" state=\"full\" \
             entity=\"sip:201@192.0.2.77\">\n <dialog id=\"201\">\n  <state>{state}</state>\n </dialog>\n\
             </dialog-info>\n"
        );
        let head = self.head.replace("BRANCH", &format!("{cseq:08x}"));
        let text = format!(
            "{head}CSeq: {cseq} NOTIFY\r\nEvent: dialog\r\nSubscription-State: active;expires=300\r\n\
             Allow-Events: presence, dialog, message-summary, refer\r\nUser-Agent: Asterisk PBX 20.9.2\r\n\
             Content-Type: application/dialog-info+xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let sent = recorder.datagram(self.address, &text);
        assert_eq!(sent.len(), 1);
        assert!(sent[0].text.starts_with("SIP/2.0 200 "), "{}", sent[0].text);
    }
}

impl Sent {
    /// The value of the first row with that name.
    #[track_caller]
    pub fn row(&self, name: &str) -> &str {
        let mut rows = self.text.split("\r\n");
        rows.find_map(|row| row.strip_prefix(name)?.strip_prefix(": "))
            .unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }
}

/// A softphone that publishes for the desk.
pub struct Softphone {
    address: SocketAddr,
    cseq: u32,
    tag: String,
}

impl Softphone {
    pub fn new() -> Softphone {
        let ip = IpAddr::V4(Ipv4Addr::new(10, 0, 9, 9));
        Softphone {
            address: SocketAddr::new(ip, 5_060),
            cseq: 0,
            tag: String::new(),
        }
    }

    /// PUBLISH and 200.
    pub fn publish(&mut self, recorder: &mut Recorder, is_busy: bool) {
        self.cseq += 1;
        let sent = recorder.datagram(self.address, &self.request(is_busy));
        let [answer] = &sent[..] else {
            panic!("an answer, not {} messages", sent.len());
        };
        assert!(answer.text.starts_with("SIP/2.0 200 "), "{}", answer.text);
        self.tag = format!("SIP-If-Match: {}\r\n", answer.row("SIP-ETag"));
    }

    fn request(&self, is_busy: bool) -> String {
        let Softphone { address, cseq, tag } = self;
        let body = include_str!("../../tests/bodies/pidf_linphone_publish.xml");
        let body = match is_busy {
            true => body.to_owned(),
            false => body.replace("<rpid:busy/>", ""),
        };
        format!(
            "PUBLISH {DESK} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {address};branch=z9hG4bK-7c1d{cseq:04x};rport\r\n\
             Max-Forwards: 70\r\n\
             From: <{DESK}>;tag=5c2f1e\r\n\
             To: <{DESK}>\r\n\
             Call-ID: 0a9d3b5e-77d1-4f7e-8a0c-3b1f2e7d9c11\r\n\
             CSeq: {cseq} PUBLISH\r\n\
             Event: presence\r\n\
             Expires: 3600\r\n\
             {tag}User-Agent: Softphone/5.2.1 (belle-sip/5.3.72)\r\n\
             Content-Type: application/pidf+xml\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}
