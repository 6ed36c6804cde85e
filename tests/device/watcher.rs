//! A watcher outside of the board: it subscribes, answers every NOTIFY, and keeps when it learned what.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lampfield::parts::{Memory, Reading};
use lampfield::{Package, Watched};

use crate::DESK;
use crate::bench::SOON;
use crate::sip::{body, header, response, status, unique};

/// One subscription of one presentity.
pub(crate) struct Watcher {
    socket: Arc<UdpSocket>,
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
    package: Package,
    agent: SocketAddr,
    call: String,
    cseq: u32,
}

/// What a NOTIFY told, and when it was here.
#[derive(Clone, Debug)]
pub(crate) struct Baseline {
    pub(crate) at: Instant,
    pub(crate) watched: Watched,
    /// The value of Subscription-State.
    pub(crate) state: String,
}

#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    news: Condvar,
}

#[derive(Default)]
struct Inner {
    told: Vec<Baseline>,
    answers: Vec<String>,
    cseq: u32,
    /// Call-ID, From and To of every NOTIFY.
    dialog: Option<[String; 3]>,
    memory: Memory,
    done: bool,
}

impl Watcher {
    /// Subscribes, and returns when the first state was told.
    #[track_caller]
    pub(crate) fn subscribe(agent: SocketAddr, package: Package) -> Watcher {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port of the loopback");
        let socket = Arc::new(socket);
        let shared = Arc::new(Shared::default());
        let mut watcher = Watcher {
            reader: Some(read(Arc::clone(&socket), Arc::clone(&shared), package)),
            socket,
            shared,
            package,
            agent,
            call: unique(),
            cseq: 0,
        };
        watcher.refresh(300);
        watcher.wait("the first NOTIFY", |inner| {
            (!inner.told.is_empty()).then_some(())
        });
        watcher
    }

    /// Sends a SUBSCRIBE, again until it is answered with 200.
    #[track_caller]
    pub(crate) fn refresh(&mut self, expires: u32) {
        let answer = self.ask(expires);
        assert_eq!(status(&answer), Some(200), "{answer}");
    }

    /// Sends a SUBSCRIBE, again until there is a final answer; that answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, expires: u32) -> String {
        self.cseq += 1;
        let (cseq, call) = (self.cseq, &self.call);
        let port = self.socket.local_addr().expect("it is bound").port();
        let package = self.package.name();
        let tag = self.lock().answers.last().and_then(|answer| to_tag(answer));
        let tag = tag.map_or_else(String::new, |tag| format!(";tag={tag}"));
        let text = format!(
            "SUBSCRIBE {DESK} SIP/2.0\r\n\
             Via: SIP/2.0/UDP 10.0.2.2:{port};branch=z9hG4bK{call}x{cseq};rport\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:watcher@10.0.2.2:{port}>;tag=watcher\r\n\
             To: <{DESK}>{tag}\r\n\
             Call-ID: {call}\r\n\
             CSeq: {cseq} SUBSCRIBE\r\n\
             Contact: <sip:watcher@10.0.2.2:{port}>\r\n\
             Event: {package}\r\n\
             Expires: {expires}\r\n\
             Content-Length: 0\r\n\r\n"
        );
        let ours = format!("{cseq} SUBSCRIBE");
        let deadline = Instant::now() + SOON;
        while Instant::now() < deadline {
            self.socket
                .send_to(text.as_bytes(), self.agent)
                .expect("it can be sent");
            let answer = self.poll(Duration::from_millis(500), |inner| {
                let mut answers = inner.answers.iter();
                answers
                    .find(|answer| header(answer, "CSeq") == Some(&ours))
                    .cloned()
            });
            if let Some(answer) = answer {
                return answer;
            }
        }
        panic!("no answer to {text}");
    }

    /// Waits until the state is this, and tells when it came.
    #[track_caller]
    pub(crate) fn expect(&self, watched: Watched) -> Instant {
        self.wait(watched.name(), |inner| {
            let last = inner.told.last()?;
            (last.watched == watched).then_some(last.at)
        })
    }

    /// Waits until the state is this by the NOTIFY of that number, counted from 0, or a later one.
    #[track_caller]
    pub(crate) fn expect_from(&self, number: usize, watched: Watched) -> Instant {
        self.wait(watched.name(), |inner| {
            let mut told = inner.told.iter().skip(number);
            told.find(|told| told.watched == watched)
                .map(|told| told.at)
        })
    }

    /// Waits until a NOTIFY has ended the subscription; what it said.
    #[track_caller]
    pub(crate) fn expect_end(&self) -> String {
        self.wait("the end of the subscription", |inner| {
            let last = inner.told.last()?;
            last.state
                .starts_with("terminated")
                .then(|| last.state.clone())
        })
    }

    /// How many NOTIFYs were told, without those sent again.
    pub(crate) fn count(&self) -> usize {
        self.lock().told.len()
    }

    #[track_caller]
    fn wait<T>(&self, what: &str, check: impl Fn(&Inner) -> Option<T>) -> T {
        let found = self.poll(SOON, check);
        found.unwrap_or_else(|| panic!("not told: {what}; but {:?}", self.lock().told.last()))
    }

    fn poll<T>(&self, limit: Duration, check: impl Fn(&Inner) -> Option<T>) -> Option<T> {
        let mut found = None;
        let waits = |inner: &mut Inner| {
            found = check(inner);
            found.is_none()
        };
        let waited = self
            .shared
            .news
            .wait_timeout_while(self.lock(), limit, waits);
        drop(waited.expect("the reader goes on"));
        found
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner.lock().expect("the reader goes on")
    }
}

impl Drop for Watcher {
    /// Goes away without a word, as a phone that loses its power.
    fn drop(&mut self) {
        if let Ok(mut inner) = self.shared.inner.lock() {
            inner.done = true;
        }
        self.reader.take().map(JoinHandle::join);
    }
}

fn to_tag(answer: &str) -> Option<String> {
    let (_, tag) = header(answer, "To")?.split_once(";tag=")?;
    Some(tag.to_owned())
}

/// Takes in what comes, until the watcher is dropped.
fn read(socket: Arc<UdpSocket>, shared: Arc<Shared>, package: Package) -> JoinHandle<()> {
    let limit = Some(Duration::from_millis(100));
    socket
        .set_read_timeout(limit)
        .expect("a socket can time out");
    thread::spawn(move || {
        let mut buf = [0; 4096];
        loop {
            let received = socket.recv_from(&mut buf);
            let at = Instant::now();
            let Ok(mut inner) = shared.inner.lock() else {
                return; // the test failed
            };
            if inner.done {
                return;
            }
            let Ok((len, from)) = received else { continue };
            let text = String::from_utf8_lossy(&buf[..len]);
            if status(&text).is_some() {
                inner.answers.push(text.into_owned());
            } else {
                let answer = response(&text, "200 OK");
                socket.send_to(answer.as_bytes(), from).ok();
                inner.learn(at, &text, package);
            }
            shared.news.notify_all();
        }
    })
}

impl Inner {
    fn learn(&mut self, at: Instant, notify: &str, package: Package) {
        let cseq = header(notify, "CSeq").and_then(|value| value.split(' ').next());
        let cseq = cseq
            .and_then(|cseq| cseq.parse().ok())
            .expect("a NOTIFY is numbered");
        if cseq <= self.cseq {
            return; // sent again
        }
        self.cseq = cseq;
        let dialog = ["Call-ID", "From", "To"].map(|name| header(notify, name).map(str::to_owned));
        let dialog = dialog.map(Option::unwrap_or_default);
        assert_eq!(self.dialog.get_or_insert_with(|| dialog.clone()), &dialog);
        let body = body(notify).as_bytes();
        if !body.is_empty() {
            let reading = (package.spec().read)(&mut self.memory, body);
            assert!(
                matches!(reading, Ok(Reading::State(_))),
                "{reading:?}: {notify}"
            );
        }
        self.told.push(Baseline {
            at,
            watched: self.memory.watched(),
            state: header(notify, "Subscription-State")
                .unwrap_or_default()
                .to_owned(),
        });
    }
}
