//! Who speaks SIP with the device from outside: a plain socket, and `lampfield watch`.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bench::SOON;

/// The first line of the answer to an OPTIONS. It is asked again until it comes: the network may be late.
#[track_caller]
pub(crate) fn options(sip: SocketAddr) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port of the loopback address");
    let port = socket.local_addr().expect("it is bound").port();
    socket
        .set_read_timeout(Some(Duration::from_millis(500)))
        .expect("a time-out");
    let deadline = Instant::now() + SOON;
    for number in 1.. {
        let request = format!(
            "OPTIONS sip:desk@lampfield SIP/2.0\r\n\
             Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bKimage{number};rport\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:outside@example.com>;tag=o\r\n\
             To: <sip:desk@lampfield>\r\n\
             Call-ID: image-{number}\r\n\
             CSeq: {number} OPTIONS\r\n\
             Content-Length: 0\r\n\r\n"
        );
        socket
            .send_to(request.as_bytes(), sip)
            .expect("the loopback takes it");
        let mut answer = [0; 2_048];
        if let Ok(len) = socket.recv(&mut answer) {
            let answer = String::from_utf8_lossy(&answer[..len]);
            return answer.lines().next().unwrap_or_default().to_owned();
        }
        assert!(Instant::now() < deadline, "no answer to {number} OPTIONS");
    }
    unreachable!("it returns or fails")
}

/// `lampfield watch` on this machine, watching the device's desk.
pub(crate) struct Watcher {
    child: Child,
    states: Receiver<String>,
}

impl Watcher {
    /// Watches the presence of `sip:desk@lampfield`, which `sip` serves.
    pub(crate) fn start(sip: SocketAddr) -> Watcher {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lampfield"))
            .args([
                "watch",
                "sip:desk@lampfield",
                "--event",
                "presence",
                "--json",
            ])
            .args(["--server", &sip.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("lampfield starts");
        let output = child.stdout.take().expect("its output is a pipe");
        let (sender, states) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let change: Value = serde_json::from_str(&line).expect("each line is JSON");
                let state = change["state"].as_str().unwrap_or("none").to_owned();
                if sender.send(state).is_err() {
                    break;
                }
            }
        });
        Watcher { child, states }
    }

    /// Takes states until it is told this one.
    #[track_caller]
    pub(crate) fn expect(&self, state: &str) {
        let deadline = Instant::now() + SOON;
        let mut told = Vec::new();
        while told.last().is_none_or(|it| it != state) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.states.recv_timeout(left) {
                Ok(next) => told.push(next),
                Err(error) => panic!("{error}: not {state}, only {told:?}"),
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
