//! Do-not-disturb that the desk's telephones share with it (`as-feature-event`): one as a vendor writes it, and another
//! Lampfield.

use std::fmt::Write as _;
use std::net::UdpSocket;

use crate::agent::{Agent, configuration};
use crate::process::{SOON, free_port, wait_for};

const MEDIA: &str = "application/x-as-feature-event+xml";

/// A telephone that keeps its key in step with the server it has an account at.
struct Telephone {
    socket: UdpSocket,
    uri: String,
    tag: String,
    cseq: u32,
}

impl Telephone {
    fn at(agent: &Agent) -> Telephone {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.connect(agent.address()).expect("an address");
        socket.set_read_timeout(Some(SOON)).expect("a limit");
        Telephone {
            socket,
            uri: agent.uri(),
            tag: String::new(),
            cseq: 0,
        }
    }

    /// Asks, or switches; says what it is told then.
    fn subscribe(&mut self, switches: Option<bool>) -> bool {
        self.cseq += 1;
        let body = switches.map(|dnd| {
            format!(
                "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<SetDoNotDisturb \
                 xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">\n<device></device>\n\
                 <doNotDisturbOn>{dnd}</doNotDisturbOn>\n</SetDoNotDisturb>\n"
            )
        });
        let typed = body.as_ref().map(|_| format!("Content-Type: {MEDIA}\r\n"));
        let body = body.unwrap_or_default();
        let (uri, tag, cseq) = (&self.uri, &self.tag, self.cseq);
        let own = self.socket.local_addr().expect("an address");
        let request = format!(
            "SUBSCRIBE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKphone{cseq};rport\r\n\
             Max-Forwards: 70\r\nFrom: \"Desk\" <{uri}>;tag=phone\r\nTo: <{uri}>{tag}\r\nCall-ID: features@{own}\r\n\
             CSeq: {cseq} SUBSCRIBE\r\nContact: <sip:desk@{own}>\r\nEvent: as-feature-event\r\nAccept: {MEDIA}\r\n\
             Expires: 3600\r\n{}Content-Length: {}\r\n\r\n{body}",
            typed.unwrap_or_default(),
            body.len()
        );
        self.socket.send(request.as_bytes()).expect("sent");
        let answer = self.receive();
        assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
        if self.tag.is_empty() {
            let (_, tag) = line(&answer, "To").split_once(";tag=").expect("a tag");
            self.tag = format!(";tag={tag}");
        }
        self.hear()
    }

    /// What the next NOTIFY says, which it answers.
    fn hear(&self) -> bool {
        let notify = self.receive();
        assert!(notify.starts_with("NOTIFY "), "{notify}");
        assert_eq!(line(&notify, "Content-Type"), MEDIA);
        let names = ["Via", "From", "To", "Call-ID", "CSeq"];
        let rows = names.map(|name| format!("{name}: {}\r\n", line(&notify, name)));
        let answer = format!(
            "SIP/2.0 200 OK\r\n{}Content-Length: 0\r\n\r\n",
            rows.concat()
        );
        self.socket.send(answer.as_bytes()).expect("sent");
        assert!(notify.contains("<DoNotDisturbEvent "), "{notify}");
        notify.contains("<doNotDisturbOn>true</doNotDisturbOn>")
    }

    fn receive(&self) -> String {
        let mut buf = [0; 4_096];
        let len = self.socket.recv(&mut buf).expect("a message");
        String::from_utf8_lossy(&buf[..len]).into_owned()
    }
}

/// The value of a header field.
fn line<'a>(message: &'a str, name: &str) -> &'a str {
    let mut rows = message.split("\r\n").filter_map(|row| row.split_once(": "));
    let found = rows.find(|(it, _)| *it == name);
    found
        .map(|(_, value)| value)
        .unwrap_or_else(|| panic!("no {name}: {message}"))
}

#[track_caller]
fn expect_dnd(agent: &Agent, dnd: bool) {
    let basic = if dnd { "closed" } else { "open" };
    let is_so = || (agent.json("status")["presentities"][0]["basic"] == basic).then_some(());
    wait_for("do-not-disturb", SOON, is_so);
}

#[test]
fn a_telephone_and_the_desk_have_one_dnd() {
    let desk = Agent::start(&[]);
    let mut phone = Telephone::at(&desk);
    assert!(!phone.subscribe(None));
    desk.run(&["press", "dnd"]);
    assert!(phone.hear());
    assert!(!phone.subscribe(Some(false)));
    expect_dnd(&desk, false);
    assert!(phone.subscribe(Some(true)));
    expect_dnd(&desk, true);
    desk.run(&["press", "dnd"]);
    assert!(!phone.hear());
}

#[test]
fn two_lampfields_have_one_dnd() {
    let desk = Agent::start(&[]);
    let port = free_port();
    let mut text = configuration(port, &[]);
    write!(
        text,
        "[[upstream]]\naor = \"{}\"\nregister = false\npublish = \"feature\"\n",
        desk.uri()
    )
    .expect("a string can grow");
    let other = Agent::configured(port, &text, &[]);
    desk.expect_watchers(1);
    for (pressed, hears) in [
        (&desk, &other),
        (&other, &desk),
        (&other, &desk),
        (&desk, &other),
    ] {
        let dnd = pressed.json("status")["presentities"][0]["basic"] == "open";
        pressed.run(&["press", "dnd"]);
        expect_dnd(hears, dnd);
        expect_dnd(pressed, dnd);
    }
}
