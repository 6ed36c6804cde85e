//! The agent as a process that listens inside TLS, and its certificates.

use std::net::SocketAddr;
use std::process::Command;

use crate::process::{Running, SOON, Scratch, free_port, wait_for};

/// The agent, with everything of its own in the folder of a test.
pub(crate) struct Agent {
    pub(crate) running: Running,
    /// Where it listens inside TLS; nowhere, for one without a certificate.
    pub(crate) tls: SocketAddr,
    control: String,
}

/// A folder with an authority, and a certificate for that name: `own.pem`, `own.key`.
pub(crate) fn house(name: &str) -> Scratch {
    let scratch = Scratch::new();
    certify(&scratch, &[name, "--authority", "house"]);
    for end in ["pem", "key"] {
        let made = scratch.path(&format!("{name}.{end}"));
        std::fs::rename(made, scratch.path(&format!("own.{end}"))).expect("it was made");
    }
    scratch
}

/// `lampfield certificate new` in that folder.
pub(crate) fn certify(scratch: &Scratch, words: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_lampfield"))
        .args(["certificate", "new"])
        .args(words)
        .current_dir(scratch.path(""))
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// openssl, for certificates that nobody should have.
pub(crate) fn openssl(scratch: &Scratch, words: &[&str]) {
    let output = Command::new("openssl")
        .args(words)
        .current_dir(scratch.path(""))
        .output()
        .expect("openssl is there: `tests/run` installs what is missing");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

impl Agent {
    /// With `own.pem`, and `more` at the end of the configuration.
    pub(crate) fn start(scratch: &Scratch, more: &str, before: &[&str]) -> Agent {
        let port = free_port();
        let listen = format!(
            "listen = [\"udp:127.0.0.1:{port}\", \"tls:127.0.0.1:{}\"]",
            port + 1
        );
        let tls = "[tls]\ncertificate = \"own.pem\"\nkey = \"own.key\"\nauthorities = \"house/authority.pem\"";
        Agent::run(scratch, port, &format!("{listen}\n{tls}\n{more}"), before)
    }

    /// One that trusts no address and asks for certificates by the house's authority.
    pub(crate) fn guarded(scratch: &Scratch, more: &str) -> Agent {
        let port = free_port();
        let listen = format!(
            "trusted = []\nlisten = [\"udp:127.0.0.1:{port}\", \"tls:127.0.0.1:{}\"]",
            port + 1
        );
        let tls = "[tls]\ncertificate = \"own.pem\"\nkey = \"own.key\"\nclient_authorities = \"house/authority.pem\"";
        Agent::run(scratch, port, &format!("{listen}\n{tls}\n{more}"), &[])
    }

    /// One that only asks: it believes those whom the section `tls` says.
    pub(crate) fn asking(scratch: &Scratch, tls: &str, more: &str, before: &[&str]) -> Agent {
        let port = free_port();
        let listen = format!("listen = [\"udp:127.0.0.1:{port}\"]");
        Agent::run(
            scratch,
            port,
            &format!("{listen}\n[tls]\n{tls}\n{more}"),
            before,
        )
    }

    fn run(scratch: &Scratch, port: u16, text: &str, before: &[&str]) -> Agent {
        let presentity = format!("[[presentity]]\nuri = \"sip:desk@127.0.0.1:{port}\"\n");
        let file = scratch.write(&format!("{port}.toml"), &format!("{text}\n{presentity}"));
        let control = scratch.path(&format!("{port}.sock"));
        let program = env!("CARGO_BIN_EXE_lampfield");
        let mut words = before.iter().copied().chain([program]);
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words).arg("run").arg("--config").arg(file);
        command
            .arg("--control")
            .arg(&control)
            .env_remove("LAMPFIELD_LOG");
        let running = Running::start(&mut command, scratch.path(&format!("{port}.log")));
        wait_for("the agent is ready", SOON, || {
            running.output().contains("ready, sip on").then_some(())
        });
        Agent {
            running,
            tls: SocketAddr::from(([127, 0, 0, 1], port + 1)),
            control: control.display().to_string(),
        }
    }

    /// What a command says to it.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_lampfield"))
            .args(words)
            .args(["--control", &self.control])
            .output()
            .expect("it runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until the first lamp shows that.
    #[track_caller]
    pub(crate) fn expect_lamp(&self, look: &str) {
        wait_for(&format!("the lamp is {look}"), SOON, || {
            let lamps = self.ask(&["lamps"]);
            let first = lamps.lines().nth(1)?.to_string();
            first.split_whitespace().nth(1).filter(|it| *it == look)?;
            Some(())
        });
    }

    /// Waits until the log has that, and fails if it does not come to it.
    #[track_caller]
    pub(crate) fn expect_log(&self, text: &str) {
        wait_for(&format!("the log says: {text}"), SOON, || {
            self.running.output().contains(text).then_some(())
        });
    }
}

/// The lamp that watches an agent inside TLS, as whom its certificate has to be.
pub(crate) fn lamp(of: &Agent, host: &str) -> String {
    let port = of.tls.port();
    format!(
        "[[lamp]]\nname = \"blf1\"\nwatch = \"sip:desk@127.0.0.1\"\nevent = \"presence\"\n\
         server = \"tls:{host}:{port}\"\n"
    )
}

/// A question that everybody is answered.
pub(crate) fn options(number: u32) -> String {
    format!(
        "OPTIONS sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK{number};rport\r\n\
         From: <sip:a@192.0.2.1>;tag={number}\r\nTo: <sip:desk@127.0.0.1>\r\nCall-ID: {number}\r\n\
         CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
}
