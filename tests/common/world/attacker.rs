//! Somebody who means ill: a stranger who hears part of the wire and says what he likes, from his own address or, blindly,
//! in the name of others.
//!
//! ```text
//!             hears            says from his address       says as somebody else
//!   sniffed   Call-IDs, tags   in those dialogs            word for word what he heard
//!   blind     nothing          all methods, floods         answers, NOTIFYs, SUBSCRIBEs with ids of his own, ICMP
//! ```
//!
//! Whoever hears a datagram and forges the answer in its sender's name can do all: nothing but TLS helps against that, so
//! he does not exist here. Nor do those who publish or register in the name of a trusted address.

use super::chance::Chance;
use super::network::Arrival;
use super::sip::{Sip, respond};
use std::net::{IpAddr, SocketAddr};

/// Where he is. No desk trusts it. An answer to what he repeats goes to the port that it names (RFC 3261 §18.2.2): his own.
pub(crate) const ADDRESS: ([u8; 4], u16) = ([203, 0, 113, 66], 5_060);

/// Datagrams that he remembers.
const REMEMBERED: usize = 16;

/// Datagrams of a flood.
const FLOOD: u64 = 120;

/// What he sends.
pub(crate) struct Forged {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) arrival: Arrival,
}

/// A datagram that he heard.
struct Heard {
    from: SocketAddr,
    to: SocketAddr,
    text: String,
}

/// Somebody who means ill.
pub(crate) struct Attacker {
    pub(crate) address: SocketAddr,
    heard: Vec<Heard>,
    chance: Chance,
    said: u64,
}

impl Attacker {
    pub(crate) fn new(chance: Chance) -> Attacker {
        Attacker {
            address: ADDRESS.into(),
            heard: Vec::new(),
            chance,
            said: 0,
        }
    }

    /// A datagram goes by.
    pub(crate) fn hear(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let text = super::text(bytes);
        // What comes of his own words is no news.
        if !self.chance.permille(300) || text.contains("\r\nCall-ID: evil") {
            return;
        }
        if self.heard.len() == REMEMBERED {
            let place = self.chance.below(REMEMBERED as u64) as usize;
            self.heard.swap_remove(place);
        }
        let text = text.to_string();
        self.heard.push(Heard { from, to, text });
    }

    /// Does something to one of `desks`, if need be in the name of one of `others`.
    pub(crate) fn act(
        &mut self,
        desks: &[SocketAddr],
        others: &[SocketAddr],
        calm: bool,
    ) -> Vec<Forged> {
        let (desk, other) = (self.chance.pick(desks), self.chance.pick(others));
        let own = self.address;
        match self.chance.below(if calm { 11 } else { 12 }) {
            0..3 => {
                let text = self.request(own, desk, own);
                vec![datagram(own, desk, text)]
            }
            // What he asks for is to be sent to somebody else.
            3 => {
                let text = self.request(own, desk, other);
                vec![datagram(own, desk, text)]
            }
            4 => {
                let text = self.claim(other, desk);
                vec![datagram(other, desk, text)]
            }
            5 => {
                let text = self.lie(other, desk);
                vec![datagram(other, desk, text)]
            }
            6..9 => self.repeat(desks),
            9 => self.intrude(desks),
            10 => vec![Forged {
                from: other,
                to: desk,
                arrival: Arrival::Unreachable(Vec::new()),
            }],
            _ => self.flood(desk),
        }
    }

    /// A request of his own, in a dialog of his own; `contact` is whom it leads to.
    fn request(&mut self, from: SocketAddr, desk: SocketAddr, contact: SocketAddr) -> String {
        let method = self.chance.pick(&[
            "SUBSCRIBE",
            "SUBSCRIBE",
            "PUBLISH",
            "REGISTER",
            "OPTIONS",
            "NOTIFY",
            "MESSAGE",
        ]);
        let tag = self
            .chance
            .pick(&["", "", ";tag=guessed", ";tag=x00000000000000000001"]);
        let rows = self.chance.pick(&[
            "Event: presence\r\nExpires: 300\r\n",
            "Event: dialog\r\nExpires: 60\r\n",
            "Event: presence\r\nExpires: 0\r\n",
            "Event: presence.winfo\r\nExpires: 300\r\n",
            "Event: presence\r\nExpires: 300\r\nSIP-If-Match: guessed\r\n",
            "Event: dialog\r\nSubscription-State: terminated;reason=rejected\r\n",
            "Event: presence\r\nSubscription-State: active;expires=900\r\n",
        ]);
        self.said += 1;
        let (said, drawn) = (self.said, self.chance.bits());
        format!(
            "{method} sip:desk@{} SIP/2.0\r\nVia: SIP/2.0/UDP {contact};branch=z9hG4bKe{drawn:x};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:evil@{from}>;tag=e{drawn:x}\r\nTo: <sip:desk@{}>{tag}\r\n\
             Call-ID: {}{said}\r\nCSeq: 7 {method}\r\nContact: <sip:evil@{contact}>\r\n{rows}Content-Length: 0\r\n\r\n",
            desk.ip(),
            desk.ip(),
            mark(from.ip()),
        )
    }

    /// A request in the name of `other`, who is trusted perhaps. Nobody is believed by that alone to publish or register.
    fn claim(&mut self, other: SocketAddr, desk: SocketAddr) -> String {
        loop {
            let contact = self.chance.pick(&[other, self.address]);
            let text = self.request(other, desk, contact);
            if !text.starts_with("PUBLISH") && !text.starts_with("REGISTER") {
                return text;
            }
        }
    }

    /// An answer in the name of `other`, to a request that he never saw.
    fn lie(&mut self, other: SocketAddr, desk: SocketAddr) -> String {
        let status = self.status();
        let method = self.chance.pick(&["SUBSCRIBE", "NOTIFY"]);
        let (drawn, ip) = (self.chance.bits(), desk.ip());
        format!(
            "SIP/2.0 {status}\r\nVia: SIP/2.0/UDP {desk};branch=z9hG4bK{drawn:x}\r\nFrom: <sip:desk@{ip}>;tag=x{drawn:020x}\r\n\
             To: <sip:a@{other}>;tag=e\r\nCall-ID: 00001{drawn:x}\r\nCSeq: 7 {method}\r\n\
             Contact: <sip:evil@{}>\r\nContent-Length: 0\r\n\r\n",
            self.address
        )
    }

    fn status(&mut self) -> &'static str {
        self.chance.pick(&[
            "200 OK",
            "401 Unauthorized",
            "302 Moved",
            "403 Forbidden",
            "404 Not Found",
            "481 Gone",
            "503 Unavailable",
            "603 Decline",
        ])
    }

    /// What he heard, word for word: from where it came, or from himself.
    fn repeat(&mut self, desks: &[SocketAddr]) -> Vec<Forged> {
        let (own, as_himself) = (self.address, self.chance.coin());
        let Some(heard) = self.recall() else {
            return Vec::new();
        };
        if !desks.contains(&heard.to) {
            return Vec::new();
        }
        if !as_himself {
            return vec![datagram(heard.from, heard.to, heard.text.clone())];
        }
        vec![datagram(own, heard.to, heard.text.clone())]
    }

    /// Something new in a dialog that he heard, from his own address.
    fn intrude(&mut self, desks: &[SocketAddr]) -> Vec<Forged> {
        let (own, status, coin) = (self.address, self.status(), self.chance.coin());
        let rows = format!("Contact: <sip:evil@{own}>\r\nExpires: 0\r\n");
        let Some(heard) = self.recall() else {
            return Vec::new();
        };
        let sip = Sip::of(&heard.text);
        let Some(method) = sip.method() else {
            return Vec::new();
        };
        if coin && desks.contains(&heard.from) {
            let answer = respond(&sip, status, Some("e"), &rows);
            return vec![datagram(own, heard.from, answer)];
        }
        if method == "OPTIONS" || !desks.contains(&heard.to) {
            return Vec::new();
        }
        let (number, _) = sip.cseq();
        let later = |row: &str| format!("\r\n{row}: {} {method}\r\n", number.saturating_add(1));
        let was = format!("\r\nCSeq: {number} {method}\r\n");
        let text = heard.text.replace(&was, &later("CSeq"));
        let branch = format!(";branch={}e", sip.branch());
        let text = text.replace(&format!(";branch={}", sip.branch()), &branch);
        let text = match status {
            "481 Gone" => text.replace("\r\nExpires: ", "\r\nExpires: 0"),
            "503 Unavailable" => text.replace(": active", ": terminated"),
            _ => text.replace("confirmed", "terminated"),
        };
        vec![datagram(own, heard.to, text)]
    }

    /// Something that he heard.
    fn recall(&mut self) -> Option<&Heard> {
        let place = self.chance.below(self.heard.len() as u64) as usize;
        self.heard.get(place)
    }

    /// Much at once, for a moment.
    fn flood(&mut self, desk: SocketAddr) -> Vec<Forged> {
        let own = self.address;
        let count = self.chance.between(FLOOD / 4, FLOOD);
        (0..count)
            .map(|_| datagram(own, desk, self.request(own, desk, own)))
            .collect()
    }
}

/// What begins the Call-IDs of what is said from that address: nothing of it may go anywhere else.
pub(crate) fn mark(from: IpAddr) -> String {
    format!("evil-{from}-")
}

fn datagram(from: SocketAddr, to: SocketAddr, text: String) -> Forged {
    let arrival = Arrival::Datagram(text.into_bytes());
    Forged { from, to, arrival }
}
