//! baresip inside TLS: it watches a desk of ours, and a lamp of ours watches it.
//!
//! What we learnt from it (version 1.0.0): it takes the port after its SIP port for TLS, and believes whoever is signed
//! by `sip_cafile`. As a notifier it opens a connection to the Contact of whoever watches it, so that he has to listen
//! inside TLS, too.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use crate::agent::{Agent, house};
use crate::process::{Running, SOON, Scratch, free_port, wait_for};

struct Baresip {
    _process: Running,
    control: TcpStream,
    /// Where it speaks SIP inside TLS.
    port: u16,
}

impl Baresip {
    /// The user `bob`, with the certificate of the house and one contact.
    fn start(scratch: &Scratch, contact: &str) -> Baresip {
        let (port, control) = (free_port(), free_port());
        let read = |name: &str| std::fs::read_to_string(scratch.path(name)).expect("it was made");
        std::fs::create_dir(scratch.path("baresip")).expect("new");
        scratch.write("baresip/both.pem", &(read("own.pem") + &read("own.key")));
        let folder = scratch.path("");
        let (folder, modules) = (folder.display(), modules());
        scratch.write(
            "baresip/config",
            &format!(
                "sip_listen 127.0.0.1:{port}\n\
                 sip_certificate {folder}/baresip/both.pem\n\
                 sip_cafile {folder}/house/authority.pem\n\
                 net_interface 127.0.0.1\n\
                 module_path {}\n\
                 module_tmp account.so\n\
                 module_app contact.so\n\
                 module_app presence.so\n\
                 module_app ctrl_tcp.so\n\
                 module_app menu.so\n\
                 ctrl_tcp_listen 127.0.0.1:{control}\n",
                modules.display()
            ),
        );
        let tls = port + 1;
        let account = format!("<sip:bob@127.0.0.1:{tls};transport=tls>;regint=0;auth_pass=none\n");
        scratch.write("baresip/accounts", &account);
        scratch.write("baresip/contacts", contact);
        let mut command = Command::new("baresip");
        command.arg("-f").arg(scratch.path("baresip"));
        command.args(["-4", "-t", "60"]);
        let mut process = Running::start(&mut command, scratch.path("baresip.log"));
        let control = wait_for("baresip opens its control socket", SOON, || {
            process.expect_alive();
            TcpStream::connect((Ipv4Addr::LOCALHOST, control)).ok()
        });
        Baresip {
            _process: process,
            control,
            port: tls,
        }
    }

    /// What it prints for a command; its answers are JSON in netstrings.
    fn command(&mut self, name: &str) -> String {
        let order = format!("{{\"command\":\"{name}\"}}");
        write!(self.control, "{}:{order},", order.len()).expect("it listens");
        loop {
            let mut len = 0;
            while let digit @ b'0'..=b'9' = self.byte() {
                len = len * 10 + usize::from(digit - b'0');
            }
            let text: Vec<u8> = (0..len).map(|_| self.byte()).collect();
            assert_eq!(self.byte(), b',');
            let text = String::from_utf8(text).expect("JSON");
            if text.contains("\"response\":true") {
                return text;
            }
        }
    }

    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.control.read_exact(&mut byte).expect("it answers");
        byte[0]
    }

    #[track_caller]
    fn expect_contact(&mut self, status: &str) {
        wait_for(&format!("baresip shows {status}"), SOON, || {
            self.command("contacts").contains(status).then_some(())
        });
    }
}

/// Where the distribution put its modules.
fn modules() -> PathBuf {
    let libraries = std::fs::read_dir("/usr/lib").into_iter().flatten();
    let folders = libraries.filter_map(|it| Some(it.ok()?.path().join("baresip/modules")));
    let places = ["/usr/lib", "/usr/local/lib"].map(|it| PathBuf::from(it).join("baresip/modules"));
    let mut all = folders.chain(places);
    all.find(|it| it.join("presence.so").exists())
        .expect("its modules are there: `tests/run` installs what is missing")
}

#[test]
fn baresip_watches_a_desk_and_is_watched_inside_tls() /* X13, X14 */
{
    let scratch = house("127.0.0.1");
    let desk = Agent::start(&scratch, "", &[]);
    let tls = desk.tls.port();
    let contact = format!("\"Desk\" <sip:desk@127.0.0.1:{tls};transport=tls>;presence=p2p\n");
    let mut baresip = Baresip::start(&scratch, &contact);
    baresip.expect_contact("Online");
    desk.ask(&["set", "dnd", "on"]);
    baresip.expect_contact("Busy");
    baresip.command("presence_online");
    let lamp = format!(
        "[[lamp]]\nname = \"blf1\"\nwatch = \"sip:bob@127.0.0.1\"\nevent = \"presence\"\n\
         server = \"tls:127.0.0.1:{}\"\n",
        baresip.port
    );
    // It opens a connection of its own for its NOTIFYs.
    let door = Agent::start(&scratch, &lamp, &[]);
    door.expect_lamp("green");
    baresip.command("presence_offline");
    door.expect_lamp("red");
}
