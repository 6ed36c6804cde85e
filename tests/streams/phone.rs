//! Whoever talks to the agent over a stream.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::LIMIT;

/// One end of a stream; reads whole messages.
pub(crate) struct Phone {
    pub(crate) tcp: TcpStream,
    read: String,
    pub(crate) here: SocketAddr,
}

impl Phone {
    pub(crate) fn new(tcp: TcpStream) -> Phone {
        tcp.set_read_timeout(Some(LIMIT)).expect("set");
        tcp.set_write_timeout(Some(LIMIT)).expect("set");
        tcp.set_nodelay(true).expect("set");
        Phone {
            here: tcp.local_addr().expect("bound"),
            tcp,
            read: String::new(),
        }
    }

    pub(crate) fn write(&mut self, text: &str) {
        self.tcp.write_all(text.as_bytes()).expect("written");
    }

    pub(crate) fn receive(&mut self) -> String {
        let mut buf = [0; 4_096];
        loop {
            if let Some(length) = whole(&self.read) {
                let rest = self.read.split_off(length);
                return std::mem::replace(&mut self.read, rest);
            }
            let length = self.tcp.read(&mut buf).expect("a message");
            assert!(length > 0, "closed after {:?}", self.read);
            self.read += &String::from_utf8_lossy(&buf[..length]);
        }
    }

    pub(crate) fn options(&mut self, number: u16) {
        let text = options("TCP", &self.here.to_string(), number);
        self.write(&text);
        assert_eq!(status(&self.receive()), 200);
    }

    /// Subscribes with a Contact there; the answer and the NOTIFY, which is confirmed.
    pub(crate) fn subscribe(&mut self, contact: SocketAddr) -> String {
        let text = subscribe("TCP", self.here, contact, "");
        self.write(&text);
        assert_eq!(status(&self.receive()), 200);
        let notify = self.receive();
        self.confirm(&notify);
        notify
    }

    pub(crate) fn confirm(&mut self, notify: &str) {
        assert!(notify.starts_with("NOTIFY sip:bob@"), "{notify}");
        assert!(notify.contains("\r\nVia: SIP/2.0/TCP "), "{notify}");
        self.write(&accept(notify));
    }

    /// The other side closes; what comes before is given.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        match self.tcp.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        String::from_utf8_lossy(&rest).into_owned()
    }
}

pub(crate) fn options(transport: &str, here: &str, number: u16) -> String {
    format!(
        "OPTIONS sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{transport} {here};branch=z9hG4bK{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:x@127.0.0.1>;tag=x\r\nTo: <sip:desk@127.0.0.1>\r\n\
         Call-ID: {number}@x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

pub(crate) fn subscribe(
    transport: &str,
    here: SocketAddr,
    contact: SocketAddr,
    more: &str,
) -> String {
    format!(
        "SUBSCRIBE sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{transport} {here};branch=z9hG4bKs;rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:bob@127.0.0.1>;tag=b\r\nTo: <sip:desk@127.0.0.1>\r\n\
         Call-ID: 1{more}@{here}\r\nCSeq: 1 SUBSCRIBE\r\nContact: <sip:bob@{contact}>\r\nEvent: presence\r\n\
         Expires: 600\r\nContent-Length: 0\r\n\r\n"
    )
}

/// The 200 to a request.
pub(crate) fn accept(request: &str) -> String {
    let names = ["Via: ", "From: ", "To: ", "Call-ID: ", "CSeq: "];
    let is_echoed = |line: &&str| names.iter().any(|name| line.starts_with(name));
    let rows: Vec<&str> = request.split("\r\n").filter(is_echoed).collect();
    let rows = rows.join("\r\n");
    format!("SIP/2.0 200 OK\r\n{rows}\r\nContent-Length: 0\r\n\r\n")
}

pub(crate) fn status(answer: &str) -> u16 {
    let code = answer
        .strip_prefix("SIP/2.0 ")
        .and_then(|rest| rest.get(..3));
    let code = code.and_then(|code| code.parse().ok());
    code.unwrap_or_else(|| panic!("no answer: {answer}"))
}

/// The length of the message that the text begins with, if all of it is there.
pub(crate) fn whole(text: &str) -> Option<usize> {
    let head = text.find("\r\n\r\n")? + 4;
    let length = text[..head].split("Content-Length: ").nth(1)?;
    let body: usize = length.split('\r').next()?.parse().ok()?;
    (text.len() >= head + body).then_some(head + body)
}
