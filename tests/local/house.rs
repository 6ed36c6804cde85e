//! Machines on one cable: namespaces with a bridge between them, each with a name of its own.

use std::fs;
use std::io::{Write, stderr};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use std::{env, thread};

use super::namespace;

/// What does not come within this does not come.
const LIMIT: Duration = Duration::from_secs(20);

/// How often is looked.
const GLANCE: Duration = Duration::from_millis(50);

/// Runs `test` as [`namespace::in_a_network`] does, and passes its figures on, past the harness, which shows nothing of a
/// test that passes.
pub(crate) fn in_a_network(name: &str, test: fn()) {
    let said = namespace::in_a_network(name, test);
    for line in said.lines().filter(|it| it.contains(" desks: right ")) {
        let _ = writeln!(stderr(), "{line}");
    }
}

/// Machines on one cable.
pub(crate) struct House {
    machines: Vec<Machine>,
    folder: PathBuf,
}

/// A machine: namespaces that last as long as the process that holds them.
struct Machine {
    holder: Child,
    agent: Option<Child>,
    lamps: usize,
    folder: PathBuf,
}

impl House {
    pub(crate) fn new() -> House {
        ip("link set lo up");
        ip("link add bridge type bridge mcast_snooping 0");
        ip("link set bridge up");
        let folder = env::temp_dir().join(format!("lampfield-local-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        House {
            machines: Vec::new(),
            folder,
        }
    }

    /// One more machine, with an address that nobody needs to know.
    pub(crate) fn machine(&mut self, name: &str) -> usize {
        let at = self.machines.len();
        let holder = Command::new("unshare")
            .args(["--net", "--uts", "--mount", "sh", "-c"])
            .arg(format!("hostname {name} && exec sleep 600"))
            .spawn()
            .expect("unshare is there");
        let folder = self.folder.join(at.to_string());
        fs::create_dir_all(&folder).expect("a folder");
        self.machines.push(Machine {
            holder,
            agent: None,
            lamps: 0,
            folder,
        });
        let until = Instant::now() + LIMIT;
        while self.output(at, "hostname", &[]).trim() != name {
            assert!(Instant::now() < until, "it has no name");
            thread::sleep(GLANCE);
        }
        let holder = self.machines[at].holder.id();
        ip(&format!(
            "link add port{at} type veth peer name eth0 netns {holder}"
        ));
        ip(&format!("link set port{at} master bridge up"));
        self.ip(at, "link set lo up");
        self.ip(at, &format!("addr add 10.72.0.{}/24 dev eth0", at + 1));
        self.ip(at, "link set eth0 up");
        at
    }

    /// Starts the agent there, with a lamp for each of `watched`, and returns when it is ready.
    pub(crate) fn serve(&mut self, at: usize, watched: &[&str]) {
        let machine = &mut self.machines[at];
        let mut text = String::from(
            "discover = true\nlisten = [\"udp:0.0.0.0:5060\"]\ntrusted = [\"10.0.0.0/8\"]\n\
             [[presentity]]\nuri = \"local:desk\"\n",
        );
        for (nth, watched) in (1..).zip(watched) {
            text += &format!("[[lamp]]\nname = \"blf{nth}\"\nwatch = \"{watched}\"\ngrace = 2\n");
        }
        machine.lamps = watched.len();
        let (file, control) = (
            machine.folder.join("lampfield.toml"),
            machine.folder.join("control"),
        );
        fs::write(&file, text).expect("written");
        let log = fs::File::create(machine.folder.join("log")).expect("a log");
        let agent = self
            .inside(at, env!("CARGO_BIN_EXE_lampfield"))
            .args(["run", "--config"])
            .arg(file)
            .arg("--control")
            .arg(&control)
            .stderr(log)
            .spawn()
            .expect("nsenter is there");
        self.machines[at].agent = Some(agent);
        let until = Instant::now() + LIMIT;
        while !control.exists() {
            assert!(Instant::now() < until, "it does not start");
            thread::sleep(GLANCE);
        }
    }

    /// Ends the agent there, which takes leave.
    pub(crate) fn stop(&mut self, at: usize) {
        let mut agent = self.machines[at].agent.take().expect("it runs");
        run(Command::new("kill").args(["-TERM", &agent.id().to_string()]));
        agent.wait().expect("it ends");
    }

    /// The machine has another address, as if DHCP had given it.
    pub(crate) fn move_to(&self, at: usize, last: usize) {
        self.ip(at, "addr flush dev eth0 scope global");
        self.ip(at, &format!("addr add 10.72.0.{last}/24 dev eth0"));
    }

    /// What a command says there.
    pub(crate) fn tell(&self, at: usize, words: &[&str]) -> String {
        let control = self.machines[at].folder.join("control");
        let control = control.to_str().expect("a path");
        let mut words = words.to_vec();
        if words[0] != "discover" {
            words.extend(["--control", control]);
        }
        self.output(at, env!("CARGO_BIN_EXE_lampfield"), &words)
    }

    #[track_caller]
    pub(crate) fn expect_look(&self, at: usize, lamp: &str, look: &str, limit: Duration) {
        let until = Instant::now() + limit;
        loop {
            let lamps = self.tell(at, &["lamps"]);
            let row = lamps.lines().find(|it| it.starts_with(lamp));
            let row = row.unwrap_or_default();
            if row.contains(look) {
                return;
            }
            let why = || self.tell(at, &["why", lamp]);
            let log = || fs::read_to_string(self.machines[at].folder.join("log"));
            assert!(
                Instant::now() < until,
                "{lamp} is not {look}: {row}\n{}{:?}",
                why(),
                log()
            );
            thread::sleep(GLANCE);
        }
    }

    /// All lamps look so; how long that took.
    #[track_caller]
    pub(crate) fn expect_all(&self, look: &str, limit: Duration) -> Duration {
        let start = Instant::now();
        for (at, machine) in self.machines.iter().enumerate() {
            for nth in 1..=machine.lamps {
                let left = limit.saturating_sub(start.elapsed());
                self.expect_look(at, &format!("blf{nth}"), look, left);
            }
        }
        start.elapsed()
    }

    pub(crate) fn ip(&self, at: usize, words: &str) {
        run(self.inside(at, "ip").args(words.split(' ')));
    }

    pub(crate) fn output(&self, at: usize, program: &str, words: &[&str]) -> String {
        let output = self.inside(at, program).args(words).output();
        let output = output.expect("nsenter is there");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    pub(crate) fn inside(&self, at: usize, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        let holder = self.machines[at].holder.id();
        for kind in ["net", "uts", "mnt"] {
            let short = match kind {
                "mnt" => "mount",
                other => other,
            };
            command.arg(format!("--{short}=/proc/{holder}/ns/{kind}"));
        }
        command.args(["--", program]);
        command
    }

    pub(crate) fn folder(&self, at: usize) -> PathBuf {
        self.machines[at].folder.clone()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for machine in &mut self.machines {
            for child in machine.agent.iter_mut().chain([&mut machine.holder]) {
                child.kill().ok();
                child.wait().ok();
            }
        }
        fs::remove_dir_all(&self.folder).ok();
    }
}

fn ip(words: &str) {
    run(Command::new("ip").args(words.split(' ')));
}

pub(crate) fn run(command: &mut Command) {
    let output = command.output().expect("it starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
}
