//! The real program as a process, in a folder of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{fs, panic};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// An agent on loopback.
pub(crate) struct Agent {
    child: Child,
    folder: PathBuf,
    /// Where it speaks SIP.
    pub(crate) sip: SocketAddr,
}

impl Agent {
    /// Starts `program` with these files in its folder, of which `lampfield.toml` is its configuration.
    pub(crate) fn start(program: &Path, files: &[(&str, &str)]) -> Agent {
        let folder = std::env::temp_dir().join(format!("lampfield-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        for (name, text) in files {
            fs::write(folder.join(name), text).expect("written");
        }
        let mut child = Command::new(program)
            .args(["run", "--log", "info", "--listen", "udp:127.0.0.1:0"])
            .arg("--control")
            .arg(folder.join("control.sock"))
            .arg("--config")
            .arg(folder.join("lampfield.toml"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        // A released program aborts when it panics, and nobody else would end the agent.
        let id = Pid::from_raw(child.id() as i32);
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            tell(info);
            let _ = kill(id, Signal::SIGKILL); // It may have ended already.
        }));
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        log.read_line(&mut line).expect("a line");
        let sip = line
            .strip_prefix("lampfield: ready, sip on udp:")
            .and_then(|rest| rest.split([' ', ',']).next())
            .and_then(|address| address.parse().ok())
            .unwrap_or_else(|| panic!("it did not start: {line}"));
        // Nobody may be stopped by a log that nobody reads.
        std::thread::spawn(move || log.lines().for_each(drop));
        Agent { child, folder, sip }
    }

    /// Its process number.
    #[allow(dead_code, reason = "not every program looks into the process")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Gives a command, as the command line does.
    #[allow(dead_code, reason = "not every program gives commands")]
    pub(crate) fn command(&self, path: &str, body: &str) {
        let mut stream = UnixStream::connect(self.folder.join("control.sock")).expect("it listens");
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    /// Ends it.
    pub(crate) fn stop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
        let _ = fs::remove_dir_all(&self.folder); // The system clears its temporary files too.
    }
}
