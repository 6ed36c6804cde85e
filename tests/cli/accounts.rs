//! Accounts on sockets: one that only has a password for lamps and for `watch`, and a server that tells and asks without
//! having been asked.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::process::{Agent, Folder, Process, complaint, exits, json, lampfield, out};

/// A server that does what its test says.
struct Server(UdpSocket);

/// A request that reached it, and where from.
struct Asked {
    text: String,
    from: std::net::SocketAddr,
}

impl Server {
    fn new() -> Server {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let limit = Some(Duration::from_secs(20));
        socket.set_read_timeout(limit).expect("a limit");
        Server(socket)
    }

    fn address(&self) -> String {
        self.0.local_addr().expect("it is bound").to_string()
    }

    /// The next message that begins like that; a REGISTER that comes instead is granted.
    #[track_caller]
    fn wants(&self, start: &str) -> Asked {
        let mut buf = [0; 8_192];
        loop {
            let (len, from) = match self.0.recv_from(&mut buf) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => panic!("no {start} in time: {error}"),
            };
            let text = String::from_utf8_lossy(&buf[..len]).into_owned();
            let asked = Asked { text, from };
            if asked.text.starts_with(start) {
                return asked;
            }
            if asked.text.starts_with("REGISTER") {
                self.grant(&asked);
            }
        }
    }

    fn grant(&self, register: &Asked) {
        let contact = register.header("Contact");
        self.answer(
            register,
            &format!("200 OK\r\nContact: {contact};expires=300"),
        );
    }

    fn answer(&self, asked: &Asked, status: &str) {
        let mut text = format!("SIP/2.0 {}\r\n", status.split("\r\n").next().unwrap());
        for name in ["Via", "From", "Call-ID", "CSeq"] {
            text += &format!("{name}: {}\r\n", asked.header(name));
        }
        text += &format!("To: {};tag=s\r\n", asked.header("To"));
        for line in status.split("\r\n").skip(1) {
            text += &format!("{line}\r\n");
        }
        self.send(asked, &(text + "Content-Length: 0\r\n\r\n"));
    }

    fn send(&self, to: &Asked, text: &str) {
        self.0
            .send_to(text.as_bytes(), to.from)
            .expect("it is sent");
    }

    /// A message summary with those names, from here.
    fn notify(&self, uri: &str, names: &str) -> String {
        let at = self.address();
        format!(
            "NOTIFY {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKn1;rport\r\nMax-Forwards: 70\r\n{names}\
             CSeq: 1 NOTIFY\r\nContact: <sip:{at}>\r\nEvent: message-summary\r\n\
             Subscription-State: active;expires=300\r\nContent-Type: application/simple-message-summary\r\n\
             Content-Length: {}\r\n\r\n{SUMMARY}",
            SUMMARY.len()
        )
    }
}

impl Asked {
    #[track_caller]
    fn header(&self, name: &str) -> &str {
        let mut lines = self.text.split("\r\n");
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }

    /// The URI in its Contact.
    fn contact(&self) -> String {
        let inside = self.header("Contact").split_once('<').expect("brackets").1;
        inside.split('>').next().unwrap_or_default().to_string()
    }
}

const SUMMARY: &str = "Messages-Waiting: yes\r\nVoice-Message: 2/8 (1/0)\r\n";

fn account(server: &Server, more: &str) -> String {
    let at = server.address();
    format!(
        "[[upstream]]\naor = \"sip:100@pbx.example\"\nservers = [\"{at}\"]\n\
         password_file = \"pbx.password\"\n{more}\n\
         [[lamp]]\nname = \"blf1\"\nwatch = \"sip:100@pbx.example\"\nevent = \"message-summary\"\n"
    )
}

/// ```text
///   watch ── SUBSCRIBE ─────────────────► server
///         ◄─────────────────────── 401 ──
///         ── SUBSCRIBE, Authorization ──►
///         ◄───────────────── 200, NOTIFY ──
/// ```
#[test]
fn a_diagnostic_watcher_answers_a_challenge_and_counts_messages() {
    let folder = Folder::new("challenge");
    let password = folder.file("pbx.password", "hunter2\n");
    let server = Server::new();
    let at = server.address();
    let watcher = Process::start(&[
        "watch",
        "sip:100@pbx.example",
        "--event",
        "message-summary",
        "--server",
        &at,
        "--user",
        "100",
        "--password-file",
        &password,
        "--json",
    ]);
    let asked = server.wants("SUBSCRIBE");
    assert!(asked.header("From").starts_with("<sip:100@pbx.example>"));
    let challenge = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", algorithm=MD5";
    server.answer(&asked, &format!("401 Unauthorized\r\n{challenge}"));
    let proven = loop {
        let asked = server.wants("SUBSCRIBE");
        if asked.text.contains("\r\nAuthorization: ") {
            break asked;
        }
    };
    let proof = proven.header("Authorization");
    assert!(proof.contains("username=\"100\"") && proof.contains("nonce=\"n1\""));
    server.answer(&proven, "200 OK\r\nExpires: 300");
    let [from, to, call_id] = ["From", "To", "Call-ID"].map(|it| proven.header(it));
    let names = format!("From: {to};tag=s\r\nTo: {from}\r\nCall-ID: {call_id}\r\n");
    server.send(&proven, &server.notify(&proven.contact(), &names));
    let line = watcher.wait_for(|line| line.contains("\"state\":\"waiting\""));
    let value: Value = serde_json::from_str(&line).expect("a line of JSON");
    let counted = serde_json::json!({"new": 2, "old": 8, "urgent_new": 1, "urgent_old": 0});
    assert_eq!(value["messages"], counted);
}

#[test]
fn a_password_that_is_not_there_is_said_before_anything_is_asked() {
    let folder = Folder::new("no-password");
    let (empty, none) = (folder.file("empty", "\n"), folder.path("none"));
    let run = |more: &[&str], password: Option<&str>| {
        let line = [
            "watch",
            "sip:a@127.0.0.1",
            "--seconds",
            "1",
            "--user",
            "100",
        ];
        let mut command = Command::new(env!("CARGO_BIN_EXE_lampfield"));
        command.args(line).args(more);
        command.args(["--server", "127.0.0.1:9"]);
        match password {
            Some(password) => command.env("LAMPFIELD_PASSWORD", password),
            None => command.env_remove("LAMPFIELD_PASSWORD"),
        };
        command.output().expect("the program starts")
    };
    for (more, password, said) in [
        (
            &[][..],
            None,
            "lampfield: there is no password in the environment\n",
        ),
        (
            &[][..],
            Some("hun\nter2"),
            "lampfield: there is no usable password\n",
        ),
        (
            &["--password-env", "hunter2"],
            None,
            "lampfield: there is no password",
        ),
        (
            &["--password-file", &empty],
            None,
            "lampfield: there is no usable password\n",
        ),
        (
            &["--password-file", &none],
            Some("hunter2"),
            "lampfield: the password's file cannot be read: No such file",
        ),
    ] {
        let wrong = run(more, password);
        exits(&wrong, 2);
        let said_so = complaint(&wrong);
        assert!(said_so.starts_with(said), "{said_so}");
        assert!(
            said_so.contains("\n  remedy: ") && !said_so.contains("ter2"),
            "{said_so}"
        );
    }
    // With one it is asked, though nobody answers.
    exits(&run(&[], Some("hunter2")), 4);
}

#[test]
fn an_account_for_lamps_alone_is_good_and_says_so() {
    let folder = Folder::new("lamps-alone");
    folder.file("pbx.password", "hunter2\n");
    let server = Server::new();
    let text = account(&server, "register = false\npublish = false");
    let file = folder.file("lamp.toml", &text);
    let check = lampfield(&["check", &file]);
    exits(&check, 0);
    let expected = format!(
        "upstream     sip:100@pbx.example at {}: neither registers nor publishes; its lamps watch with it; \
         as 100 with a password\n",
        server.address()
    );
    assert!(out(&check).contains(&expected), "{}", out(&check));
    let agent = Agent::start(&folder, &["--config", &file]);
    let first = server.wants("");
    assert!(first.text.starts_with("SUBSCRIBE"), "{}", first.text);
    let status = json(&agent.ask(&["status", "--json"]));
    let upstream = &status["upstreams"][0];
    for key in ["registration", "publication"] {
        assert_eq!(upstream[key], "off", "{status}");
    }
    assert_eq!(upstream["trouble"], Value::Null);
}

/// ```text
///   agent ── REGISTER ──► server: 200
///         ── SUBSCRIBE ─► server: 489
///         ◄─────── NOTIFY ─ server        whom nobody trusts, and nobody asked
///         ◄────── OPTIONS ─ server
/// ```
#[test]
fn a_server_tells_of_the_mailbox_and_asks_for_the_contact_without_being_trusted() {
    let folder = Folder::new("unasked");
    folder.file("pbx.password", "hunter2\n");
    let server = Server::new();
    let text = format!("trusted = []\n{}", account(&server, "publish = false"));
    let file = folder.file("lamp.toml", &text);
    let agent = Agent::start(&folder, &["--config", &file]);
    let register = server.wants("REGISTER");
    server.grant(&register);
    let subscribe = server.wants("SUBSCRIBE");
    server.answer(&subscribe, "489 Bad Event");
    let contact = register.contact();
    let names = "From: <sip:mwi@pbx.example>;tag=s\r\nTo: sip:100@pbx.example\r\nCall-ID: u\r\n";
    server.send(&register, &server.notify(&contact, names));
    server.wants("SIP/2.0 200");
    let lamps = json(&agent.ask(&["lamps", "--json"]));
    let lamp = &lamps[0];
    assert_eq!(
        (&lamp["state"], &lamp["messages"]["new"]),
        (&"waiting".into(), &2.into())
    );
    let text = out(&agent.ask(&["lamps"]));
    assert!(
        text.contains("sip:100@pbx.example: 2 new (1 urgent), 8 old"),
        "{text}"
    );
    let why = out(&agent.ask(&["why", "blf1"]));
    for line in [
        format!("unasked by     {}\n", server.address()),
        "messages       2 new (1 urgent), 8 old\n".to_string(),
    ] {
        assert!(why.contains(&line), "{why}");
    }
    let options = format!(
        "OPTIONS {contact} SIP/2.0\r\nv: SIP/2.0/UDP {};branch=z9hG4bKo;rport\r\nf: \"Unknown\" <sip:Unknown@pbx>;tag=1\r\n\
         t: {contact}\r\ni: q\r\nCSeq: 9 OPTIONS\r\nl:  0\r\n\r\n",
        server.address()
    );
    server.send(&register, &options);
    server.wants("SIP/2.0 200");
}
