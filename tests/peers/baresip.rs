//! baresip as a peer: a softphone without sound that watches its contacts and tells its own presence.
//!
//! It is run headless, with a configuration folder of its own, on the loopback address only, and is spoken to
//! through its control socket: JSON in netstrings ("LENGTH:JSON,").
//!
//! What we learnt from it (version 1.0.0) and what the tests below rely on:
//! - It subscribes one second after its start, without Accept and with an empty Supported row.
//! - As a watcher it takes `application/pidf+xml` only, without parameters; it finds `<basic>` and `<rpid:busy/>`
//!   by their letters, not by their namespaces.
//! - As a notifier it tells `<basic>?</basic>` until its presence was set for the first time.
//! - It answers 400 (not 489) to a package it does not know.
//! - It takes the port after its SIP port too, for TLS.
//! - As a phone of a server it registers with a contact whose user is its own invention (`201-0x55e37808e550`), and
//!   then publishes *twice*, without waiting for an answer: "open", then "unknown", both as something new. It knows the
//!   tag of the second only; the first, with the same tuple id, is left to expire.
//! - Each PUBLISH has a Call-ID of its own, also that with a SIP-If-Match. Online and offline are "open" and "closed".
//! - With a proxy ("outbound") each request that starts a dialog has a Route row that names it; the request's own
//!   address need not have a port then.
//! - When it quits it removes its publication, unsubscribes and unregisters.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::line::Line;
use crate::process::{Running, SOON, Scratch, free_port, wait_for};

/// It ends by itself after this many seconds, whatever becomes of the test.
const LIFETIME: &str = "120";

/// A running baresip: the user `bob` of nobody, or a phone of a server.
pub(crate) struct Baresip {
    process: Running,
    control: TcpStream,
    control_port: u16,
    port: u16,
    _scratch: Scratch,
}

impl Baresip {
    /// Starts a baresip whose contacts are the lines given, in its own notation.
    pub(crate) fn start(contacts: &str) -> Baresip {
        Baresip::run(contacts, |port| {
            format!("<sip:bob@127.0.0.1:{port}>;regint=0;auth_pass=none\n")
        })
    }

    /// Starts a baresip that registers and publishes at a server, and watches its contacts through it.
    pub(crate) fn phone(line: &Line<'_>, contacts: &str) -> Baresip {
        let account = format!(
            "<sip:{user}@{domain}>;outbound=\"sip:{server};transport={transport}\";regint=60;pubint=60;\
             auth_user={user};auth_pass={password}\n",
            user = line.user,
            domain = line.domain,
            server = line.server,
            transport = line.transport.name(),
            password = line.password,
        );
        Baresip::run(contacts, |_| account)
    }

    fn run(contacts: &str, account: impl FnOnce(u16) -> String) -> Baresip {
        let (port, control) = (free_port(), free_port());
        let scratch = Scratch::new();
        scratch.write("config", &config(port, control));
        scratch.write("accounts", &account(port));
        scratch.write("contacts", contacts);
        let mut command = Command::new("baresip");
        command
            .arg("-f")
            .arg(scratch.path("."))
            .args(["-4", "-t", LIFETIME]);
        let mut process = Running::start(&mut command, scratch.path("output"));
        let control_port = control;
        let control = wait_for("baresip opens its control socket", SOON, || {
            process.expect_alive();
            TcpStream::connect((Ipv4Addr::LOCALHOST, control)).ok()
        });
        control
            .set_read_timeout(Some(SOON))
            .expect("a time-out above zero is allowed");
        Baresip {
            process,
            control,
            control_port,
            port,
            _scratch: scratch,
        }
    }

    /// Where it speaks SIP.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Where it takes orders. It serves one at a time: whoever comes takes the place of the one before.
    pub(crate) fn control_port(&self) -> u16 {
        self.control_port
    }

    /// Runs one of baresip's commands and returns what it prints.
    pub(crate) fn command(&mut self, name: &str) -> String {
        let order = json!({ "command": name }).to_string();
        write!(self.control, "{}:{order},", order.len()).expect("baresip listens");
        loop {
            let message = self.receive();
            if message["response"] == true {
                assert_eq!(message["ok"], true, "{name}: {message}");
                return message["data"].as_str().unwrap_or_default().to_owned();
            }
        }
    }

    /// What baresip knows of its contact: "Unknown", "Online", "Offline" or "Busy".
    pub(crate) fn contact(&mut self) -> String {
        let list = self.command("contacts");
        let line = list.lines().find(|line| line.contains("<sip:"));
        let line = line.expect("there is a contact");
        ["Unknown", "Online", "Offline", "Busy"]
            .into_iter()
            .find(|status| line.contains(status))
            .unwrap_or_else(|| panic!("a contact has a status: {line:?}"))
            .to_owned()
    }

    /// Waits until baresip shows `status` for its contact.
    #[track_caller]
    pub(crate) fn expect_contact(&mut self, status: &str) {
        let what = format!("baresip shows {status}");
        wait_for(&what, SOON, || (self.contact() == status).then_some(()));
    }

    /// Waits until its server has taken its registration.
    #[track_caller]
    pub(crate) fn expect_registered(&mut self) {
        wait_for("baresip is registered", SOON, || {
            self.command("reginfo").contains("OK").then_some(())
        });
    }

    /// Lets it end by itself: it says so to its watchers.
    pub(crate) fn quit(mut self) {
        self.command("quit");
        self.process.wait(Duration::from_secs(10));
    }

    /// Reads one netstring: an answer or an event.
    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            match self.byte() {
                b':' => break,
                digit => length = length * 10 + usize::from(digit - b'0'),
            }
        }
        let mut text = vec![0; length];
        self.control
            .read_exact(&mut text)
            .expect("baresip answers in time");
        assert_eq!(self.byte(), b',', "a netstring ends with a comma");
        serde_json::from_slice(&text).expect("baresip speaks JSON")
    }

    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.control
            .read_exact(&mut byte)
            .expect("baresip answers in time");
        byte[0]
    }
}

/// A configuration with nothing but SIP, contacts, presence and the control socket.
fn config(port: u16, control: u16) -> String {
    let modules = modules();
    let modules = modules.display();
    format!(
        "sip_listen 127.0.0.1:{port}\n\
         net_interface 127.0.0.1\n\
         module_path {modules}\n\
         module g711.so\n\
         module_tmp account.so\n\
         module_app contact.so\n\
         module_app presence.so\n\
         module_app ctrl_tcp.so\n\
         module_app menu.so\n\
         ctrl_tcp_listen 127.0.0.1:{control}\n"
    )
}

/// Where the distribution put baresip's modules.
pub(crate) fn modules() -> PathBuf {
    let mut places = vec![
        PathBuf::from("/usr/lib/baresip/modules"),
        PathBuf::from("/usr/local/lib/baresip/modules"),
    ];
    if let Ok(libraries) = fs::read_dir("/usr/lib") {
        let folders = libraries.flatten().map(|entry| entry.path());
        places.extend(folders.map(|folder| folder.join("baresip/modules")));
    }
    let has_presence = |place: &Path| place.join("presence.so").exists();
    places
        .into_iter()
        .find(|place| has_presence(place))
        .expect("baresip is installed with its presence module: `tests/run` sees to it")
}
