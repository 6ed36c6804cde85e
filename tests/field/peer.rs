//! Whoever the agent meets: a telephone system, or a phone. It says what the test tells it to say, answers a request
//! that comes twice as it did the first time, and keeps what the test has not asked for yet.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::message::{Message, TAG, bare, whole};
use crate::process::{GLANCE, SOON};

/// How often a request is sent again that is not answered.
const AGAIN: Duration = Duration::from_millis(500);

/// One that speaks with the agent, by datagrams or on one stream.
pub(crate) struct Peer {
    wire: Wire,
    pub(crate) here: SocketAddr,
    kept: VecDeque<Message>,
    /// By Via and CSeq.
    seen: HashSet<String>,
    answered: HashMap<String, String>,
    /// Every REGISTER is granted for so many seconds.
    grants: Option<u32>,
    /// The Contact of the last one.
    granted: Option<String>,
    /// The line ends that came between messages.
    pub(crate) pongs: String,
}

enum Wire {
    Datagrams(UdpSocket),
    Stream { tcp: TcpStream, read: String },
}

impl Peer {
    pub(crate) fn new() -> Peer {
        Peer::at("127.0.0.1")
    }

    /// One with another address of this machine: whoever asks there has nothing to do with the others.
    pub(crate) fn at(ip: &str) -> Peer {
        let socket = UdpSocket::bind((ip, 0)).expect("a free port");
        socket.set_read_timeout(Some(GLANCE)).expect("set");
        let here = socket.local_addr().expect("bound");
        Peer::with(here, Wire::Datagrams(socket))
    }

    /// The other end of a stream.
    pub(crate) fn on(tcp: TcpStream) -> Peer {
        tcp.set_nonblocking(false).expect("set");
        tcp.set_read_timeout(Some(GLANCE)).expect("set");
        tcp.set_nodelay(true).expect("set");
        let here = tcp.local_addr().expect("connected");
        let read = String::new();
        Peer::with(here, Wire::Stream { tcp, read })
    }

    /// One that connects to the agent.
    pub(crate) fn connected(agent: &str) -> Peer {
        Peer::on(TcpStream::connect(agent).expect("it listens"))
    }

    /// One that the agent connects to, within `limit`.
    pub(crate) fn called(listener: &TcpListener, limit: Duration) -> Option<Peer> {
        listener.set_nonblocking(true).expect("set");
        let until = Instant::now() + limit;
        while Instant::now() < until {
            match listener.accept() {
                Ok((tcp, _)) => return Some(Peer::on(tcp)),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            std::thread::sleep(GLANCE);
        }
        None
    }

    fn with(here: SocketAddr, wire: Wire) -> Peer {
        Peer {
            wire,
            here,
            kept: VecDeque::new(),
            seen: HashSet::new(),
            answered: HashMap::new(),
            grants: None,
            granted: None,
            pongs: String::new(),
        }
    }

    /// Grants every REGISTER from now on for so many seconds, with the Contact as it came.
    pub(crate) fn registrar(mut self, expires: u32) -> Peer {
        self.grants = Some(expires);
        self
    }

    /// As in a Via.
    pub(crate) fn transport(&self) -> &'static str {
        match &self.wire {
            Wire::Datagrams(_) => "UDP",
            Wire::Stream { .. } => "TCP",
        }
    }

    /// The next request with that method.
    #[track_caller]
    pub(crate) fn want(&mut self, method: &str) -> Message {
        self.want_within(method, SOON)
    }

    #[track_caller]
    pub(crate) fn want_within(&mut self, method: &str, limit: Duration) -> Message {
        let found = self.look_for(limit, |it| it.is(method));
        found.unwrap_or_else(|| panic!("no {method} within {limit:?}, but {:#?}", self.kept))
    }

    /// The Contact that was registered here.
    #[track_caller]
    pub(crate) fn contact(&mut self) -> String {
        let until = Instant::now() + SOON;
        loop {
            if let Some(contact) = &self.granted {
                return contact.clone();
            }
            assert!(Instant::now() < until, "no REGISTER");
            self.listen();
        }
    }

    /// The first message that is wanted, of those kept and those that come within `limit`.
    pub(crate) fn look_for(
        &mut self,
        limit: Duration,
        is_wanted: impl Fn(&Message) -> bool,
    ) -> Option<Message> {
        let until = Instant::now() + limit;
        loop {
            if let Some(at) = self.kept.iter().position(&is_wanted) {
                return self.kept.remove(at);
            }
            if Instant::now() >= until {
                return None;
            }
            self.listen();
        }
    }

    /// Sends a request to the agent until it is answered; the final answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, agent: SocketAddr, request: &str) -> Message {
        let via = request.split("branch=").nth(1).expect("a branch");
        let branch = via
            .split([';', ',', '\r'])
            .next()
            .expect("a branch")
            .to_string();
        let is_final = |it: &Message| {
            !it.is_request() && it.header("Via").contains(&branch) && it.status() >= 200
        };
        let until = Instant::now() + SOON;
        self.send(agent, request);
        loop {
            if let Some(answer) = self.look_for(AGAIN, is_final) {
                return answer;
            }
            assert!(Instant::now() < until, "no answer to {request}");
            if let Wire::Datagrams(_) = self.wire {
                self.send(agent, request);
            }
        }
    }

    /// Answers a request, with more rows.
    pub(crate) fn answer(&mut self, request: &Message, status: &str, more: &str) {
        let answer = request.answer(status, more);
        self.answered.insert(key(request), answer.clone());
        self.send(request.from, &answer);
    }

    pub(crate) fn confirm(&mut self, request: &Message) {
        self.answer(request, "200 OK", "");
    }

    /// Says who may answer it, as a server does, or as a proxy does with 407.
    pub(crate) fn challenge(&mut self, request: &Message, code: u16, realm: &str, nonce: &str) {
        let (status, name) = match code {
            407 => ("407 Proxy Authentication Required", "Proxy-Authenticate"),
            _ => ("401 Unauthorized", "WWW-Authenticate"),
        };
        let row = format!(
            "{name}: Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"\r\n"
        );
        self.answer(request, status, &row);
    }

    /// Grants a SUBSCRIBE; the subscription, of which nothing is told yet.
    pub(crate) fn accept(&mut self, subscribe: &Message, expires: u32) -> Subscription {
        self.renew(subscribe, expires);
        let from = match subscribe.header("To") {
            to if to.contains(";tag=") => to.to_string(),
            to => format!("{to};tag={TAG}"),
        };
        let event = subscribe.header("Event").split(';').next();
        Subscription {
            target: subscribe.contact().to_string(),
            via: format!("SIP/2.0/{} {}", self.transport(), self.here),
            contact: self.here,
            from,
            to: subscribe.header("From").to_string(),
            call: subscribe.header("Call-ID").to_string(),
            event: event.unwrap_or_default().to_string(),
            agent: subscribe.from,
            lasts: expires,
            cseq: 0,
        }
    }

    /// Grants a refresh.
    pub(crate) fn renew(&mut self, subscribe: &Message, expires: u32) {
        let more = format!("Contact: <sip:{}>\r\nExpires: {expires}\r\n", self.here);
        self.answer(subscribe, "200 OK", &more);
    }

    /// Tells a document, which has to be taken.
    #[track_caller]
    pub(crate) fn tell(&mut self, subscription: &mut Subscription, body: &str) {
        let notify = subscription.notify(body);
        let answer = self.ask(subscription.agent, &notify);
        assert_eq!(answer.status(), 200, "{}\nto {notify}", answer.text);
    }

    pub(crate) fn send(&mut self, agent: SocketAddr, text: &str) {
        self.send_bytes(agent, text.as_bytes());
    }

    pub(crate) fn send_bytes(&mut self, agent: SocketAddr, bytes: &[u8]) {
        match &mut self.wire {
            Wire::Datagrams(socket) => {
                socket.send_to(bytes, agent).expect("sent");
            }
            // Who has closed is found out by what does not come.
            Wire::Stream { tcp, .. } => drop(tcp.write_all(bytes)),
        }
    }

    /// Takes what comes within a glance.
    fn listen(&mut self) {
        let mut buf = [0; 65_536];
        match &mut self.wire {
            Wire::Datagrams(socket) => {
                if let Some((length, from)) = now(socket.recv_from(&mut buf)) {
                    let text = String::from_utf8_lossy(&buf[..length]).into_owned();
                    self.take(Message { text, from });
                }
            }
            Wire::Stream { tcp, read } => {
                let Some(length) = now(tcp.read(&mut buf)) else {
                    return;
                };
                if length == 0 {
                    std::thread::sleep(GLANCE); // It has closed: nothing comes any more.
                }
                *read += &String::from_utf8_lossy(&buf[..length]);
                let from = tcp.peer_addr().unwrap_or(self.here);
                self.cut(from);
            }
        }
    }

    /// Takes the messages that are whole on the stream.
    fn cut(&mut self, from: SocketAddr) {
        loop {
            let Wire::Stream { read, .. } = &mut self.wire else {
                return;
            };
            if read.starts_with("\r\n") {
                self.pongs += "\r\n";
                read.drain(..2);
                continue;
            }
            let Some(length) = whole(read) else {
                return;
            };
            let text = read.drain(..length).collect();
            self.take(Message { text, from });
        }
    }

    fn take(&mut self, message: Message) {
        if !message.is_request() {
            return self.kept.push_back(message);
        }
        let key = key(&message);
        if let Some(answer) = self.answered.get(&key).cloned() {
            return self.send(message.from, &answer);
        }
        if !self.seen.insert(key) {
            return;
        }
        match self.grants {
            Some(expires) if message.is("REGISTER") => {
                let contact = message.contact();
                let row = format!("Contact: <{contact}>;expires={expires}\r\n");
                self.granted = Some(contact.to_string());
                self.answer(&message, "200 OK", &row);
            }
            _ => self.kept.push_back(message),
        }
    }
}

/// The notifier's side of a subscription.
pub(crate) struct Subscription {
    /// Where NOTIFYs go, as the agent named itself.
    pub(crate) target: String,
    pub(crate) agent: SocketAddr,
    via: String,
    contact: SocketAddr,
    from: String,
    to: String,
    call: String,
    event: String,
    lasts: u32,
    cseq: u32,
}

impl Subscription {
    /// The next NOTIFY of a subscription that lasts, with this body or without any.
    pub(crate) fn notify(&mut self, body: &str) -> String {
        self.notify_in(&format!("active;expires={}", self.lasts), body)
    }

    /// The same in that state.
    pub(crate) fn notify_in(&mut self, state: &str, body: &str) -> String {
        self.cseq += 1;
        let Subscription {
            target,
            via,
            contact,
            from,
            to,
            call,
            event,
            cseq,
            agent: _,
            lasts: _,
        } = self;
        let media = match &**event {
            _ if body.is_empty() => "",
            "dialog" => "Content-Type: application/dialog-info+xml\r\n",
            "message-summary" => "Content-Type: application/simple-message-summary\r\n",
            _ => "Content-Type: application/pidf+xml\r\n",
        };
        format!(
            "NOTIFY {target} SIP/2.0\r\n\
             Via: {via};branch={branch};rport\r\n\
             Max-Forwards: 70\r\n\
             From: {from}\r\n\
             To: {to}\r\n\
             Call-ID: {call}\r\n\
             CSeq: {cseq} NOTIFY\r\n\
             Contact: <sip:{contact}>\r\n\
             Event: {event}\r\n\
             Subscription-State: {state}\r\n\
             {media}Content-Length: {length}\r\n\r\n{body}",
            branch = branch(),
            length = body.len(),
        )
    }

    /// Whether a request is of this subscription.
    pub(crate) fn has(&self, request: &Message) -> bool {
        request.header("Call-ID") == self.call
    }

    /// The notifier's tag and URI, as a bare address.
    pub(crate) fn bare_from(&self) -> String {
        format!("{};tag={TAG}", bare(&self.from))
    }
}

/// A branch that nobody else uses.
pub(crate) fn branch() -> String {
    format!("z9hG4bK{}", unique())
}

/// A number that comes once in this process.
pub(crate) fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!(
        "{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// By which a request is known again.
fn key(request: &Message) -> String {
    format!("{} {}", request.header("Via"), request.header("CSeq"))
}

/// What was read, if anything came.
fn now<T>(read: std::io::Result<T>) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::ConnectionReset => None,
            other => panic!("{other}"),
        },
    }
}
