//! Kamailio as a peer: a registrar and presence server that challenges whoever registers, publishes or subscribes.
//!
//! It runs in the foreground on the loopback address, with its tables in a folder of its own; its configuration lies
//! in `tests/kamailio`. Its users are those of [`PASSWORDS`], its domain is `127.0.0.1`, without a port.
//!
//! What we learnt from it (version 5.6.3) and what the tests rely on:
//! - It is ready in half a second and ends at once when it is told to.
//! - It grants 5 s and more. Below that a SUBSCRIBE gets 423 with Min-Expires, a REGISTER silently gets 5 s, and a
//!   PUBLISH gets what it asks for. Above 3,600 s all get 3,600.
//! - A nonce lasts 8 s here, and none outlives a restart. It never says `stale=true`: the 401 to an old nonce looks
//!   like that to a wrong password, but for the new nonce in it.
//! - An entity-tag it does not know gets 412, one that is not of its own form (`a.TIME.PID.COUNT.COUNT`) 500; each
//!   200 brings a new one, also to a refresh. A refresh is told to the watchers like a change.
//! - To a subscription it does not know it says 481.
//! - Its NOTIFY comes with an empty body, without a Content-Type, while nobody publishes; for `dialog` too. It is in
//!   no order with the 200 to the SUBSCRIBE, and its CSeq starts with the watcher's.
//! - A list is told in full at first, with version 1 and nobody's state, then whoever has one, in partial lists. Who never
//!   had one stays a resource without an instance. What was published and is over is told as closed. Its list server needs
//!   `replace` of the database, without which it crashes: SQLite's module has none.
//! - It prints published documents anew, indented, but does not change them; those of several publications it merges.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{Running, SOON, Scratch, free_port, read, wait_for};

/// It ends by itself after this many seconds, whatever becomes of the test.
const LIFETIME: &str = "180";

/// Where Debian keeps what its tables look like.
const SCHEMAS: &str = "/usr/share/kamailio/db_sqlite";

/// The same for tables of text.
const TABLES: &str = "/usr/share/kamailio/dbtext/kamailio";

/// A list that one of them keeps, and who is on it.
pub(crate) const LIST: &str = "sip:lamps@127.0.0.1";
const ON_THE_LIST: [&str; 2] = ["sip:200@127.0.0.1", "sip:300@127.0.0.1"];

/// Its users, as `tests/kamailio/kamailio.cfg` has them.
const PASSWORDS: [(&str, &str); 3] = [
    ("100", "one-hundred"),
    ("200", "two-hundred"),
    ("300", "three-hundred"),
];

/// How it asks who somebody is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// 401, MD5.
    Md5,
    /// 401, SHA-256 and nothing else (RFC 8760).
    Sha256,
    /// 401 to REGISTER, 407 to PUBLISH and SUBSCRIBE, MD5: as the configuration that Kamailio brings along does it.
    Proxy,
    /// Not at all.
    Open,
}

/// What it still knows when it starts again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    /// Bindings, publications with their tags, and subscriptions. Nonces are gone in any case.
    Kept,
    /// Nothing.
    Lost,
}

/// A Kamailio; it need not be running.
pub(crate) struct Kamailio {
    process: Option<Running>,
    scratch: Scratch,
    challenge: Challenge,
    /// Whether it has the list [`LIST`].
    keeps_lists: bool,
    port: u16,
    /// How many times it was started: each has a log of its own.
    starts: u32,
}

impl Kamailio {
    /// Starts a Kamailio that has never heard of anybody, and returns when it answers.
    pub(crate) fn start(challenge: Challenge) -> Kamailio {
        Kamailio::start_on(free_port(), challenge)
    }

    /// The same with the list [`LIST`], for user 100, and without challenges.
    pub(crate) fn with_list() -> Kamailio {
        Kamailio::start_as(free_port(), Challenge::Open, true)
    }

    /// The same on `port`, over UDP and TCP.
    pub(crate) fn start_on(port: u16, challenge: Challenge) -> Kamailio {
        Kamailio::start_as(port, challenge, false)
    }

    fn start_as(port: u16, challenge: Challenge, keeps_lists: bool) -> Kamailio {
        let mut kamailio = Kamailio {
            process: None,
            scratch: Scratch::new(),
            challenge,
            keeps_lists,
            port,
            starts: 0,
        };
        kamailio.start_again(Memory::Lost);
        kamailio
    }

    /// Starts it after a [`Kamailio::stop`].
    #[track_caller]
    pub(crate) fn start_again(&mut self, memory: Memory) {
        assert!(self.process.is_none(), "Kamailio runs already");
        if memory == Memory::Lost {
            self.make_tables();
        }
        self.starts += 1;
        let mut process = Running::start(&mut self.command(), self.log(self.starts));
        wait_for("Kamailio answers OPTIONS", SOON, || {
            process.expect_alive();
            answers(self.port).ok()
        });
        self.process = Some(process);
    }

    /// Ends it. Who sends it something now, is told by the kernel that nobody is there.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        let mut process = self.process.take().expect("Kamailio runs");
        process.signal("TERM");
        process.wait(SOON);
    }

    /// Ends it and starts it again.
    #[track_caller]
    pub(crate) fn restart(&mut self, memory: Memory) {
        self.stop();
        self.start_again(memory);
    }

    /// Where it speaks SIP, over UDP and TCP.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The address of record of one of its users: without a port.
    pub(crate) fn uri(user: &str) -> String {
        format!("sip:{user}@127.0.0.1")
    }

    /// The password of one of its users.
    pub(crate) fn password(user: &str) -> &'static str {
        let known = PASSWORDS.iter().find(|(name, _)| *name == user);
        known.expect("Kamailio knows the user").1
    }

    /// Whether it has the user's binding now.
    pub(crate) fn has_binding(&self, user: &str) -> bool {
        let count = format!("select count(*) from location where username = '{user}'");
        self.ask(&count).trim() != "0"
    }

    /// How many documents are published for the user now, expired ones not counted.
    pub(crate) fn publications(&self, user: &str) -> u32 {
        let count = format!(
            "select count(*) from presentity where username = '{user}' and expires > strftime('%s', 'now')"
        );
        let text = self.ask(&count);
        text.trim().parse().expect("SQLite counts in whole numbers")
    }

    /// Waits until it has the user's binding and exactly one document of his.
    #[track_caller]
    pub(crate) fn expect_user(&self, user: &str, limit: Duration) {
        let what = format!("Kamailio knows where {user} is, and how");
        wait_for(&what, limit, || {
            (self.has_binding(user) && self.publications(user) == 1).then_some(())
        });
    }

    /// The requests it got since its last start, those it challenged too: "udp 127.0.0.1:PORT METHOD URI CSEQ EVENT
    /// EXPIRES TAG", with `<null>` for what a request does not have.
    pub(crate) fn requests(&self) -> Vec<String> {
        let log = read(&self.log(self.starts));
        let said = log.lines().filter_map(|line| line.split_once("<script>: "));
        said.map(|(_, request)| request.to_owned()).collect()
    }

    /// How many requests of this method it got since its last start.
    pub(crate) fn count(&self, method: &str) -> usize {
        let method = format!(" {method} sip:");
        let requests = self.requests();
        requests.iter().filter(|one| one.contains(&method)).count()
    }

    /// Empty tables, in place of those there may be.
    fn make_tables(&self) {
        for file in ["state.db", "state.db-wal", "state.db-shm"] {
            fs::remove_file(self.scratch.path(file)).ok();
        }
        // Kamailio does not wait for a locked table but answers 500: our questions must not lock any.
        self.ask("pragma journal_mode = wal;");
        for part in ["standard", "usrloc", "presence"] {
            let schema = Path::new(SCHEMAS).join(format!("{part}-create.sql"));
            let schema = fs::read_to_string(&schema).unwrap_or_else(|error| {
                panic!("{schema:?}: {error}: `tests/run` installs what is missing")
            });
            // Without it each row of each table is a commit of its own.
            self.ask(&format!("begin;\n{schema}\ncommit;"));
        }
        if self.keeps_lists {
            self.make_lists();
        }
    }

    /// Makes the tables of the list server, with one list in them: a row is a line, its fields between colons.
    fn make_lists(&self) {
        let folder = self.scratch.path("lists");
        fs::create_dir_all(&folder).expect("a folder can be made");
        for table in ["version", "xcap", "rls_presentity", "rls_watchers"] {
            let from = Path::new(TABLES).join(table);
            let mut text = fs::read_to_string(&from).unwrap_or_else(|error| {
                panic!("{from:?}: {error}: `tests/run` installs what is missing")
            });
            if table == "xcap" {
                let document = list().replace(':', "\\:");
                text += &format!("1:100:127.0.0.1:{document}:8:tag:0:index:80\n");
            }
            fs::write(folder.join(table), text).expect("a table can be written");
        }
    }

    /// What SQLite answers.
    fn ask(&self, sql: &str) -> String {
        let output = Command::new("sqlite3")
            .args(["-batch", "-bail", "-cmd", ".timeout 5000"])
            .arg(self.scratch.path("state.db"))
            .arg(sql)
            .output()
            .expect("sqlite3 starts: `tests/run` installs what is missing");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "sqlite3: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn command(&self) -> Command {
        let configuration =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kamailio/kamailio.cfg");
        let folder = self.scratch.path("");
        let database = self.scratch.path("state.db");
        let algorithm = match self.challenge {
            Challenge::Sha256 => "SHA-256",
            Challenge::Md5 | Challenge::Proxy | Challenge::Open => "MD5",
        };
        let mut command = Command::new("timeout");
        command
            .args([LIFETIME, "kamailio", "-DD", "-E", "-m", "16", "-M", "8"])
            .arg("-f")
            .arg(configuration)
            .args(["-l", &format!("udp:{}", self.address())])
            .args(["-l", &format!("tcp:{}", self.address())])
            .args(["-A", &format!("ALGORITHM=\"{algorithm}\"")])
            .args([
                "-A",
                &format!("DATABASE=\"sqlite:///{}\"", database.display()),
            ])
            .arg("-w")
            .arg(&folder)
            .arg("-Y")
            .arg(&folder);
        if self.keeps_lists {
            let folder = self.scratch.path("lists");
            let lists = format!("LISTS=\"text://{}\"", folder.display());
            let here = format!("HERE=\"sip:{}\"", self.address());
            command.args(["-A", &lists, "-A", &here]);
        }
        match self.challenge {
            Challenge::Proxy => command.args(["-A", "PROXY"]),
            Challenge::Open => command.args(["-A", "OPEN"]),
            Challenge::Md5 | Challenge::Sha256 => &mut command,
        };
        command
    }

    fn log(&self, start: u32) -> PathBuf {
        self.scratch.path(&format!("log.{start}"))
    }
}

impl Drop for Kamailio {
    /// It has children: it ends them when it is told to end, but not when it is killed.
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            process.end();
        }
    }
}

/// The document that makes [`LIST`] (RFC 4826 §4).
fn list() -> String {
    let entries = ON_THE_LIST.map(|uri| format!("<l:entry uri=\"{uri}\"/>"));
    format!(
        "<rls-services xmlns=\"urn:ietf:params:xml:ns:rls-services\" \
         xmlns:l=\"urn:ietf:params:xml:ns:resource-lists\"><service uri=\"{LIST}\"><list>{}</list>\
         <packages><package>presence</package><package>dialog</package></packages></service></rls-services>",
        entries.concat()
    )
}

/// Asks it for its OPTIONS, without patience.
fn answers(port: u16) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect((Ipv4Addr::LOCALHOST, port))?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    let local = socket.local_addr()?;
    let request = format!(
        "OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {local};rport;branch=z9hG4bKready\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:ready@{local}>;tag=ready\r\n\
         To: <sip:127.0.0.1:{port}>\r\n\
         Call-ID: ready\r\n\
         CSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    );
    socket.send(request.as_bytes())?;
    let mut answer = [0; 1500];
    let length = socket.recv(&mut answer)?;
    if answer[..length].starts_with(b"SIP/2.0 200") {
        Ok(())
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}
