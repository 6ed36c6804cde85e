//! liblinphone as a peer: a phone without a screen, `tests/linphone/phone.c`, compiled when it is first wanted.
//!
//! It registers, publishes its presence and watches its friends, all within a fraction of a second. It is told over its
//! input what to publish, and says in its output what it hears.
//!
//! What we learnt from it (version 5.1.65) and what the tests rely on:
//! - Its To and From have *no port*, whatever the address is (`To: sip:202@127.0.0.1`, without brackets, in a PUBLISH
//!   and a REGISTER to 127.0.0.1:5070): only the Request-URI of a PUBLISH says whose presence it is.
//! - Requests without a body have no Content-Length row over UDP; over TCP they say 0. Accept comes in several rows.
//! - Its CSeq starts at 20. Call-ID and tag of a PUBLISH stay the same as long as its publication lives.
//! - "busy" is `open` with `rpid:away`, "dnd" is `closed` with `rpid:away`; a tuple's id is new in each document.
//! - "offline" is no document: it removes its publication, and makes a new one when it is "online" again.
//! - It subscribes without Accept; it shows a friend as "online" when a tuple is open and there is no activity.
//! - It subscribes to a list with `Supported: eventlist` and a row of Accept for each type, in no body. It takes
//!   multipart/related, but finds no part in it unless it is deflated: belle-sip puts the body together again from its
//!   parts and cuts that short. A boundary has to be the last parameter and without quotes, or it crashes.
//!   Of what it finds it shows the part whose row "Content-Id" is the cid to the letter: one with angle brackets around it
//!   (RFC 2045 §7), or spelt "Content-ID", is none.
//! - When it ends it unsubscribes, removes its publication and unregisters.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command};
use std::sync::OnceLock;
use std::{env, fs, process};

use crate::line::{Line, Transport};
use crate::process::{Running, SOON, Scratch, free_port, wait_for};

/// It ends by itself after this many seconds, whatever becomes of the test.
const LIFETIME: &str = "120";

/// A running phone.
pub(crate) struct Linphone {
    process: Running,
    /// Dropped first when it has to end by itself.
    orders: Option<ChildStdin>,
    _scratch: Scratch,
}

impl Linphone {
    /// Starts a phone at a server; it watches its friends, given by their addresses, through that server.
    pub(crate) fn phone(line: &Line<'_>, friends: &[&str]) -> Linphone {
        Linphone::start(line, friends, None)
    }

    /// Starts a phone that watches those on a list of its server's.
    pub(crate) fn of_list(line: &Line<'_>, list: &str) -> Linphone {
        Linphone::start(line, &[], Some(list))
    }

    fn start(line: &Line<'_>, friends: &[&str], list: Option<&str>) -> Linphone {
        let scratch = Scratch::new();
        let configuration = scratch.write("linphonerc", &configuration(line, friends));
        // Its database lies below the user's folder, and it makes but the last folder of that path.
        fs::create_dir_all(scratch.path(".local/share/linphone"))
            .expect("the scratch folder can be written to");
        let mut command = Command::new("timeout");
        command
            .arg(LIFETIME)
            .arg(program())
            .arg(configuration)
            .args(list)
            .env("HOME", scratch.path(""))
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME");
        let (process, orders) = Running::start_told(&mut command, scratch.path("output"));
        Linphone {
            process,
            orders: Some(orders),
            _scratch: scratch,
        }
    }

    /// Has it publish "online", "busy", "dnd" or "offline".
    pub(crate) fn publish(&mut self, presence: &str) {
        let orders = self.orders.as_mut().expect("it was not told to end");
        writeln!(orders, "{presence}").expect("the phone listens");
    }

    /// Waits until its server has taken its registration.
    #[track_caller]
    pub(crate) fn expect_registered(&mut self) {
        self.expect("registration LinphoneRegistrationOk");
    }

    /// Waits until the last it heard of a friend is this: "online", "busy", "dnd" or "offline".
    #[track_caller]
    pub(crate) fn expect_friend(&mut self, uri: &str, presence: &str) {
        let what = format!("linphone shows {uri} as {presence}");
        let start = format!("friend {uri} ");
        wait_for(&what, SOON, || {
            self.process.expect_alive();
            let output = self.process.output();
            let last = output.lines().rfind(|line| line.starts_with(&start))?;
            (last.split(' ').nth(2) == Some(presence)).then_some(())
        });
    }

    /// Lets it end by itself: it removes its publication, unsubscribes and unregisters.
    #[track_caller]
    pub(crate) fn quit(mut self) {
        self.orders = None;
        let status = self.process.wait(SOON);
        assert!(status.success(), "linphone ended with {status}");
    }

    #[track_caller]
    fn expect(&mut self, line: &str) {
        wait_for(&format!("linphone says {line:?}"), SOON, || {
            self.process.expect_alive();
            let output = self.process.output();
            output.lines().any(|said| said == line).then_some(())
        });
    }
}

impl Drop for Linphone {
    /// What it runs in has to be asked, or its child would go on.
    fn drop(&mut self) {
        self.process.end();
    }
}

fn configuration(line: &Line<'_>, friends: &[&str]) -> String {
    let port = free_port();
    let (udp, tcp) = match line.transport {
        Transport::Udp => (port, 0),
        Transport::Tcp => (0, port),
    };
    let Line {
        user,
        server,
        password,
        ..
    } = line;
    let uri = line.uri();
    let transport = line.transport.name();
    let mut text = format!(
        "[sip]\n\
         sip_port={udp}\n\
         sip_tcp_port={tcp}\n\
         sip_tls_port=0\n\
         bind_address=127.0.0.1\n\
         use_ipv6=0\n\
         default_proxy=0\n\
         [proxy_0]\n\
         reg_proxy=<sip:{server};transport={transport}>\n\
         reg_route=<sip:{server};transport={transport};lr>\n\
         reg_identity={uri}\n\
         reg_expires=60\n\
         reg_sendregister=1\n\
         publish=1\n\
         publish_expires=60\n\
         [auth_info_0]\n\
         username={user}\n\
         passwd={password}\n"
    );
    for (index, friend) in friends.iter().enumerate() {
        write!(
            text,
            "[friend_{index}]\nurl=<{friend}>\npol=accept\nsubscribe=1\n"
        )
        .expect("a string can grow");
    }
    text
}

/// The program, compiled once for all tests of this process.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(compile)
}

fn compile() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/linphone/phone.c");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (program, fresh) = (
        folder.join("linphone-phone"),
        folder.join(format!("linphone-phone-{}", process::id())),
    );
    let output = Command::new("cc")
        .args([
            "-Wall",
            "-Wextra",
            "-Werror",
            "-Wno-deprecated-declarations",
            "-o",
        ])
        .arg(&fresh)
        .arg(source)
        .args(["-llinphone", "-lmediastreamer", "-lortp", "-lbctoolbox"])
        .output()
        .expect("a C compiler is installed: `tests/run` sees to it");
    assert!(
        output.status.success(),
        "phone.c: {}\n`tests/run` installs liblinphone-dev where it is missing",
        String::from_utf8_lossy(&output.stderr)
    );
    // Another test process may be running the one that is there.
    fs::rename(&fresh, &program).expect("the target folder can be written to");
    program
}
