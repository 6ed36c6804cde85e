//! REGISTER out (RFC 3261 §10, RFC 5626 §4.2, RFC 5627 §4).

use super::HEAD;
use super::errand::{Errand, Exchange};
use crate::ground::limits;
use crate::ground::random::Random;
use crate::ground::text::Text;
use crate::ground::time::{Duration, Instant, Seconds};
use crate::txn::token::{Owner, Token};
use crate::ua::request::Sending;
use crate::ua::retry;
use crate::wire::flow::Transport;
use crate::wire::sip::{Name, Response};
use core::net::SocketAddr;
use heapless::Vec;

/// What there is of a registration.
pub(super) struct Registration {
    pub(super) wanted: bool,
    pub(super) errand: Errand,
    /// The request before this wait, of which a datagram did not get there: a 2xx still counts, for other copies of it may
    /// have.
    pub(super) late: Option<Exchange>,
    /// Until when the server knows us.
    ends: Option<Instant>,
    /// What Call-ID and From tag are made of: the same as long as the agent runs (RFC 3261 §10.2).
    pub(super) call: Token,
    pub(super) tag: Token,
    seq: u32,
    /// The request in flight: the same bytes each time it is sent.
    pub(super) head: Vec<u8, HEAD>,
    /// The Contact that the server knows.
    pub(super) contact: Option<(Transport, SocketAddr)>,
    /// Whether the server would have none of RFC 5626 (439), so that it is not asked for (RFC 5626 §4.2.1).
    pub(super) plain: bool,
    /// Whether the server said that it does (RFC 5626 §4.2.1).
    pub(super) outbound: bool,
    /// The address that leads to this instance and no other, as the server gave it (RFC 5627 §3.2).
    gruu: Option<Text<{ limits::URI }>>,
    /// How often the Contact was corrected since it was right: a NAT that never gives the same address twice is left
    /// alone.
    corrected: u8,
    /// When to ping a stream, and until when a pong is waited for (RFC 5626 §4.4.1).
    ping: Option<Instant>,
    /// Whether the next poll is to ping.
    owes_ping: bool,
    pong: Option<Instant>,
    /// The server's `Flow-Timer`.
    flow_timer: Option<Seconds>,
}

/// A UUID (RFC 9562) that names this instance, for as long as its state is kept (RFC 5626 §4.1).
pub type Instance = [u64; 2];

/// Contacts corrected in a row.
const CORRECTIONS: u8 = 2;

impl Registration {
    pub(super) const fn new(wanted: bool, errand: Errand) -> Registration {
        const NOBODY: Token = Token {
            owner: Owner::Registration,
            slot: 0,
            nonce: 0,
        };
        Registration {
            wanted,
            errand,
            late: None,
            ends: None,
            call: NOBODY,
            tag: NOBODY,
            seq: 0,
            head: Vec::new(),
            contact: None,
            plain: false,
            outbound: false,
            gruu: None,
            corrected: 0,
            ping: None,
            owes_ping: false,
            pong: None,
            flow_timer: None,
        }
    }

    pub(super) fn draw(&mut self, slot: u16, random: &mut Random) {
        self.call = Token::draw(Owner::Registration, slot, random);
        self.tag = Token::draw(Owner::Registration, slot, random);
    }

    pub(super) const fn next_seq(&mut self) -> u32 {
        self.seq = (self.seq + 1) & 0x7fff_ffff;
        self.seq
    }

    /// Whether the server knows us.
    pub(super) fn stands(&self, now: Instant) -> bool {
        self.ends.is_some_and(|ends| now < ends)
    }

    /// Whether the server knows us, or may, being asked to: some call the Contact before they answer.
    pub(super) fn may_stand(&self, now: Instant) -> bool {
        self.stands(now) || self.asked().is_some()
    }

    /// The request that asks it to, once it is sent.
    pub(super) fn asked(&self) -> Option<&Exchange> {
        let Errand::Asking(exchange) = &self.errand else {
            return None;
        };
        match exchange.request {
            Sending::Sent(_) | Sending::Again(_) => Some(exchange).filter(|it| !it.farewell),
            Sending::Due | Sending::Answered => None,
        }
    }

    /// Until when.
    pub(super) const fn ends(&self) -> Option<Instant> {
        self.ends
    }

    /// The address that the server gave this instance.
    pub(super) fn gruu(&self, now: Instant) -> Option<&str> {
        self.gruu.as_deref().filter(|_| self.stands(now))
    }

    /// Whether the Contact that the server knows leads elsewhere than to where it sees us, and it is worth a try to
    /// correct it.
    pub(super) fn is_elsewhere(&self, seen: SocketAddr) -> bool {
        let known = self.contact.is_some_and(|(_, known)| known != seen);
        known && self.corrected <= CORRECTIONS
    }

    /// Takes in a 2xx to the REGISTER of `exchange` that grants so much time.
    pub(super) fn granted(
        &mut self,
        now: Instant,
        terms: Terms,
        response: &Response<'_>,
        exchange: &Exchange,
        random: &mut Random,
    ) -> Granted {
        if exchange.farewell || terms.time == Seconds::ZERO {
            self.lapse();
            self.errand = Errand::Resting { until: None };
            return Granted::Nothing;
        }
        let way = exchange.way;
        self.ends = Some(now + terms.time);
        self.contact = Some((way.contact().transport, way.named));
        self.outbound = response
            .headers
            .require()
            .any(|it| it.eq_ignore_ascii_case(b"outbound"));
        self.gruu = terms.gruu;
        self.flow_timer = flow_timer(response);
        let refresh = now + retry::refresh(terms.time.duration(), random);
        self.errand = Errand::Resting {
            until: Some(refresh),
        };
        if way.contact().transport.is_reliable() {
            self.ping = Some(now + self.ping_interval(random));
        }
        let wrong = way.is_misnamed(response);
        let corrects = wrong && self.corrected < CORRECTIONS;
        self.corrected = if wrong {
            self.corrected.saturating_add(1)
        } else {
            0
        };
        if corrects {
            Granted::Elsewhere
        } else {
            Granted::Yes
        }
    }

    /// The registration is over, one way or the other (RFC 5627 §4.1).
    pub(super) fn lapse(&mut self) {
        self.ends = None;
        self.contact = None;
        self.gruu = None;
        self.outbound = false;
        self.flow_timer = None;
        self.be_silent();
    }

    /// The connection is gone: it is pinged no more.
    pub(super) const fn be_silent(&mut self) {
        self.ping = None;
        self.owes_ping = false;
        self.pong = None;
    }

    /// How long the server leaves a flow without a keep-alive (RFC 5626 §4.4).
    pub(super) fn flow_timer(&self) -> Option<Duration> {
        self.flow_timer.map(Seconds::duration)
    }

    /// Whether the server said that it takes part in RFC 5626, and so answers keep-alives (RFC 5626 §4.4, §5.4, §8).
    pub(super) const fn is_outbound(&self) -> bool {
        self.outbound || self.flow_timer.is_some()
    }

    /// A request was granted over a stream: it is pinged from now on.
    pub(super) fn ping_soon(&mut self, now: Instant, random: &mut Random) {
        if self.ping.is_none() {
            self.ping = Some(now + self.ping_interval(random));
        }
    }

    /// When [`Registration::wants_ping`] or a failed flow is due.
    pub(super) fn pong_due(&self) -> Option<Instant> {
        [self.ping, self.pong].into_iter().flatten().min()
    }

    /// The pong came.
    pub(super) const fn handle_pong(&mut self) {
        self.pong = None;
    }

    /// Whether the other end of the stream has not answered in time. Only counts where it said it would (RFC 5626
    /// §4.2.1).
    pub(super) fn has_lost_flow(&self, now: Instant) -> bool {
        self.pong.is_some_and(|until| now >= until)
    }

    /// Sees whether a ping is due, and sets the next one.
    pub(super) fn begin_ping(&mut self, now: Instant, random: &mut Random) {
        if self.ping.is_some_and(|due| due <= now) {
            self.ping = Some(now + self.ping_interval(random));
            self.owes_ping = true;
        }
    }

    /// Whether to ping now; from then on the pong is waited for.
    pub(super) fn take_ping(&mut self, now: Instant) -> bool {
        let owes = core::mem::take(&mut self.owes_ping);
        if owes && self.outbound {
            self.pong.get_or_insert(now + retry::PONG);
        }
        owes
    }

    /// 95 to 120 s, or 80 to 100 % of what the server says.
    fn ping_interval(&self, random: &mut Random) -> Duration {
        retry::ping(self.flow_timer(), random)
    }

    /// The first hop knows nothing of RFC 5626, and said so (RFC 5626 §4.2.1). `false` if that was known.
    pub(super) const fn be_plain(&mut self) -> bool {
        !core::mem::replace(&mut self.plain, true)
    }

    /// Another server may think otherwise.
    pub(super) const fn be_modern(&mut self) {
        self.plain = false;
    }
}

/// What a 2xx to a REGISTER says of our binding.
pub(super) struct Terms {
    /// For how long the server knows us.
    pub(super) time: Seconds,
    /// The address that it gave this instance.
    pub(super) gruu: Option<Text<{ limits::URI }>>,
}

/// What a 2xx to a REGISTER means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Granted {
    /// The server knows us.
    Yes,
    /// It does, but at a wrong address: the Contact has to be sent once more at once.
    Elsewhere,
    /// It grants no time.
    Nothing,
}

/// `Flow-Timer` (RFC 5626 §4.4.1), if it makes sense.
fn flow_timer(response: &Response<'_>) -> Option<Seconds> {
    let seconds = number(response.headers.first(Name::FlowTimer)?.trim_ascii())?;
    (10..=3_600).contains(&seconds).then_some(Seconds(seconds))
}

/// Version 4 in form, whatever the bits came from (RFC 9562 §5.4).
pub(super) fn uuid([high, low]: Instance) -> [u8; 36] {
    let mut digits = [0; 32];
    crate::ground::hex::hex(&mut digits[..16], high & !0xf000 | 0x4000);
    crate::ground::hex::hex(&mut digits[16..], low & !(3 << 62) | 2 << 62);
    let mut text = [b'-'; 36];
    for (from, to, len) in [(0, 0, 8), (8, 9, 4), (12, 14, 4), (16, 19, 4), (20, 24, 12)] {
        text[to..to + len].copy_from_slice(&digits[from..from + len]);
    }
    text
}

pub(super) fn number(text: &[u8]) -> Option<u32> {
    core::str::from_utf8(text).ok()?.parse().ok()
}
