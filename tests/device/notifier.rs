//! Somebody outside whom the board's lamps watch: a telephone system with a few extensions.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::bench::{SOON, holds_within};
use crate::sip::{header, response, status, unique};

/// A server that takes every SUBSCRIBE to its extensions, and tells what it is told to.
pub(crate) struct Notifier {
    socket: Arc<UdpSocket>,
    extensions: Arc<Mutex<HashMap<String, Extension>>>,
    done: Arc<Mutex<bool>>,
    reader: Option<JoinHandle<()>>,
}

/// The state of an extension and who watches it.
#[derive(Default)]
struct Extension {
    /// The call, if there is one: the state of RFC 4235.
    call: Option<&'static str>,
    held: bool,
    watchers: Vec<Subscription>,
}

/// A subscription taken.
struct Subscription {
    subscribe: String,
    remote: SocketAddr,
    cseq: u32,
}

impl Notifier {
    /// Starts on a port of its own.
    pub(crate) fn start() -> Notifier {
        Notifier::start_on(0)
    }

    /// Starts on `port`.
    pub(crate) fn start_on(port: u16) -> Notifier {
        let socket = UdpSocket::bind(("127.0.0.1", port)).expect("a port of the loopback");
        let limit = Some(Duration::from_millis(100));
        socket
            .set_read_timeout(limit)
            .expect("a socket can time out");
        let socket = Arc::new(socket);
        let extensions = Arc::default();
        let done = Arc::new(Mutex::new(false));
        let reader = {
            let (socket, extensions) = (Arc::clone(&socket), Arc::clone(&extensions));
            let done = Arc::clone(&done);
            thread::spawn(move || {
                while !*done.lock().expect("the test goes on") {
                    take(&socket, &extensions);
                }
            })
        };
        Notifier {
            socket,
            extensions,
            done,
            reader: Some(reader),
        }
    }

    /// The address of an extension, as the board reaches it.
    pub(crate) fn uri(&self, extension: &str) -> String {
        format!("sip:{extension}@10.0.2.2:{}", self.port())
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.socket.local_addr().expect("it is bound").port()
    }

    /// Waits until somebody watches the extension.
    #[track_caller]
    pub(crate) fn expect_watcher(&self, extension: &str) {
        let watched = || self.with(extension, |one| !one.watchers.is_empty());
        assert!(holds_within(SOON, watched), "nobody watches {extension}");
    }

    /// The extension has a call in this state (RFC 4235) now, or none.
    pub(crate) fn call(&self, extension: &str, call: Option<&'static str>) {
        self.change(extension, call, false);
    }

    /// The extension has a call on hold now.
    pub(crate) fn hold(&self, extension: &str) {
        self.change(extension, Some("confirmed"), true);
    }

    fn change(&self, extension: &str, call: Option<&'static str>, held: bool) {
        let socket = &self.socket;
        self.with(extension, |one| {
            (one.call, one.held) = (call, held);
            one.tell_all(socket);
        });
    }

    fn with<T>(&self, extension: &str, act: impl FnOnce(&mut Extension) -> T) -> T {
        let mut extensions = self.extensions.lock().expect("the reader goes on");
        act(extensions.entry(extension.to_owned()).or_default())
    }
}

impl Drop for Notifier {
    /// Goes away without a word.
    fn drop(&mut self) {
        if let Ok(mut done) = self.done.lock() {
            *done = true;
        }
        self.reader.take().map(JoinHandle::join);
    }
}

/// Takes in one message.
fn take(socket: &UdpSocket, extensions: &Mutex<HashMap<String, Extension>>) {
    let mut buf = [0; 4096];
    let Ok((len, remote)) = socket.recv_from(&mut buf) else {
        return;
    };
    let text = String::from_utf8_lossy(&buf[..len]).into_owned();
    if status(&text).is_some() {
        return;
    }
    let name = text
        .strip_prefix("SUBSCRIBE sip:")
        .and_then(|rest| rest.split('@').next());
    let Some(name) = name else { return };
    let port = socket.local_addr().expect("it is bound").port();
    let expires = header(&text, "Expires").unwrap_or("300").to_owned();
    let status = format!("200 OK\r\nContact: <sip:{name}@10.0.2.2:{port}>\r\nExpires: {expires}");
    socket
        .send_to(response(&text, &status).as_bytes(), remote)
        .ok();

    let mut extensions = extensions.lock().expect("the test goes on");
    let one = extensions.entry(name.to_owned()).or_default();
    let same = |old: &Subscription| header(&old.subscribe, "Call-ID") == header(&text, "Call-ID");
    let cseq = one
        .watchers
        .iter()
        .find(|old| same(old))
        .map_or(0, |old| old.cseq);
    one.watchers.retain(|old| !same(old));
    one.watchers.push(Subscription {
        subscribe: text,
        remote,
        cseq,
    });
    let document = one.document();
    let new = one.watchers.last_mut().expect("it was just added");
    new.tell(socket, &document, &expires);
    if expires == "0" {
        one.watchers.pop();
    }
}

impl Extension {
    fn tell_all(&mut self, socket: &UdpSocket) {
        let document = self.document();
        for watcher in &mut self.watchers {
            watcher.tell(socket, &document, "300");
        }
    }

    fn document(&self) -> String {
        let held = if self.held {
            "<local><target uri=\"sip:held@10.0.2.2\"><param pname=\"+sip.rendering\" pvalue=\"no\"/></target></local>"
        } else {
            ""
        };
        let call = self.call.map_or_else(String::new, |state| {
            format!(
                "<dialog id=\"1\" direction=\"recipient\"><state>{state}</state>{held}</dialog>"
            )
        });
        format!(
            "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"VERSION\" \
             state=\"full\" entity=\"sip:extension@10.0.2.2\">{call}</dialog-info>"
        )
    }
}

impl Subscription {
    fn tell(&mut self, socket: &UdpSocket, document: &str, expires: &str) {
        self.cseq += 1;
        let port = socket.local_addr().expect("it is bound").port();
        let of = |name| header(&self.subscribe, name).expect("a SUBSCRIBE has it");
        let state = if expires == "0" {
            "terminated;reason=timeout"
        } else {
            "active;expires=300"
        };
        let to = of("To");
        let tag = if to.contains(";tag=") {
            ""
        } else {
            ";tag=peer"
        };
        let contact = of("Contact").trim_matches(['<', '>']);
        let cseq = self.cseq;
        let document = document.replace("VERSION", &cseq.to_string());
        let text = format!(
            "NOTIFY {contact} SIP/2.0\r\n\
             Via: SIP/2.0/UDP 10.0.2.2:{port};branch=z9hG4bK{};rport\r\n\
             Max-Forwards: 70\r\n\
             From: {to}{tag}\r\n\
             To: {}\r\n\
             Call-ID: {}\r\n\
             CSeq: {cseq} NOTIFY\r\n\
             Contact: <sip:pbx@10.0.2.2:{port}>\r\n\
             Event: dialog\r\n\
             Subscription-State: {state}\r\n\
             Content-Type: application/dialog-info+xml\r\n\
             Content-Length: {}\r\n\r\n{document}",
            unique(),
            of("From"),
            of("Call-ID"),
            document.len()
        );
        socket.send_to(text.as_bytes(), self.remote).ok();
    }
}
