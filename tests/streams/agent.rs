//! The agent as a process of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use crate::LIMIT;
use crate::phone::{Phone, options};

/// The agent as a process, with a folder of its own.
pub(crate) struct Agent {
    folder: PathBuf,
    pub(crate) child: Child,
    pub(crate) log: BufReader<ChildStderr>,
    /// The line that said it was ready, and what it said before.
    pub(crate) ready: String,
    pub(crate) before: String,
    pub(crate) sip: SocketAddr,
}

impl Agent {
    pub(crate) fn start(test: &str) -> Agent {
        // That number may be somebody's over TCP: then the agent does without, and another is tried.
        for _ in 0..10 {
            let agent = Agent::start_with(test, &["udp:127.0.0.1:0"], None);
            if agent.ready.contains(" tcp:") {
                return agent;
            }
        }
        panic!("no port that is free over TCP too");
    }

    /// With at most that many descriptors.
    pub(crate) fn start_with(test: &str, listen: &[&str], descriptors: Option<usize>) -> Agent {
        let name = format!("lampfield-streams-{}-{test}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let program = env!("CARGO_BIN_EXE_lampfield");
        let mut command = match descriptors {
            None => Command::new(program),
            Some(limit) => {
                let mut shell = Command::new("sh");
                let line = format!("ulimit -n {limit}; exec {program} \"$@\"");
                shell.args(["-c", &line, "sh"]);
                shell
            }
        };
        let file = folder.join("lampfield.toml");
        fs::write(&file, "[[presentity]]\nuri = \"sip:desk@127.0.0.1\"\n").expect("written");
        command.arg("run");
        for listen in listen {
            command.args(["--listen", listen]);
        }
        command.arg("--config").arg(&file);
        command.arg("--control").arg(folder.join("control.sock"));
        command.env_remove("LAMPFIELD_LOG").stderr(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        let (mut ready, mut before) = (String::new(), String::new());
        while !ready.starts_with("lampfield: ready, sip on ") {
            before += &ready;
            ready.clear();
            let more = log.read_line(&mut ready).expect("a line");
            assert!(more > 0, "it did not start: {before}");
        }
        let words = ready["lampfield: ready, sip on ".len()..].trim_end();
        let first = words.split([' ', ',']).next().unwrap_or_default();
        let (_, sip) = first.split_once(':').expect("a transport");
        Agent {
            sip: sip.parse().expect("an address"),
            folder,
            child,
            log,
            ready,
            before,
        }
    }

    pub(crate) fn dial(&self) -> Phone {
        Phone::new(TcpStream::connect(self.sip).expect("it listens"))
    }

    /// Asks the control socket.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = UnixStream::connect(self.folder.join("control.sock")).expect("it listens");
        stream.set_read_timeout(Some(LIMIT)).expect("set");
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        answer
    }

    pub(crate) fn dnd(&self, value: &str) {
        self.ask("POST", "/set/dnd", value);
    }

    /// Somebody else is served by datagrams within a second.
    #[track_caller]
    pub(crate) fn serves_datagrams(&self) {
        let peer = UdpSocket::bind("127.0.0.1:0").expect("a peer");
        peer.set_read_timeout(Some(Duration::from_secs(1)))
            .expect("set");
        let here = peer.local_addr().expect("bound");
        let text = options("UDP", &here.to_string(), here.port());
        peer.send_to(text.as_bytes(), self.sip).expect("sent");
        let mut buf = [0; 2_048];
        let length = peer.recv(&mut buf).expect("it is served");
        assert!(buf[..length].starts_with(b"SIP/2.0 200 "));
    }

    pub(crate) fn descriptors(&self) -> usize {
        self.numbers().len()
    }

    /// The numbers of its descriptors.
    pub(crate) fn numbers(&self) -> Vec<usize> {
        let all = fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("Linux");
        let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
        all.filter_map(|entry| number(entry.ok()?)).collect()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended already.
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder); // The system clears its temporary files too.
    }
}
