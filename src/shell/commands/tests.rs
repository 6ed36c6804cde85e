//! Commands as real processes. They say what they saw in files, and wait for one another in them.

use super::*;
use crate::engine::agent::status::LampStatus;
use crate::events::party::Party;
use crate::events::watched::Watched;
use crate::shell::clock;
use crate::shell::poller::Poller;
use crate::users::lamps::{Look, Shows};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A runner with its poller, and a folder for what commands say.
struct Fixture {
    runner: Runner,
    poller: Poller,
    folder: PathBuf,
}

impl Fixture {
    /// Button 0 and lamp 0 run `script`.
    fn new(test: &str, script: &str) -> Fixture {
        let name = format!("lampfield-commands-{}-{test}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("script");
        let head = format!("#!/bin/sh\ncd {}\n", folder.display());
        fs::write(&file, head + script + "\n").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("executable");
        let run = Command::new(["./script", "an argument; $HOME"], &folder).expect("a command");
        let commands = Commands {
            lamps: vec![(0, run.clone())],
            buttons: vec![(0, run.clone()), (1, run)],
            ..Commands::default()
        };
        let poller = Poller::new().expect("a poller");
        let runner = Runner::new(poller.registry(), commands);
        Fixture {
            runner,
            poller,
            folder,
        }
    }

    fn press(&mut self, button: u16) {
        self.runner.press(button, "door", Gesture::Press);
        self.runner.start(clock::now());
    }

    fn show(&mut self, look: &str, state: Watched) {
        let party = Party::told("Eve\u{202e}\n", "sip:eve@x");
        self.runner.show(0, &lamp(look, state, Some(&party)));
        self.runner.start(clock::now());
    }

    /// Sleeps until a command ends, deals with it, and starts the next.
    fn turn(&mut self) {
        for source in self.poller.wait(false).expect("waits") {
            if let Source::Command(place) = source {
                self.runner.handle_ended(place);
            }
        }
        self.runner.start(clock::now());
    }

    fn rest(&mut self) {
        while !self.runner.is_idle() {
            self.turn();
        }
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).unwrap_or_default()
    }

    fn at_work(&self) -> usize {
        self.runner.running.iter().flatten().count()
    }

    fn failures(&self) -> Vec<&str> {
        let all = self.runner.failing.iter();
        all.map(|(_, what)| what.as_str()).collect()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder); // The system clears its temporary files too.
    }
}

fn lamp<'a>(look: &str, state: Watched, party: Option<&'a Party>) -> LampStatus<'a> {
    LampStatus {
        name: "blf1",
        look: Look::parse(look).expect("a look"),
        shows: Shows::Watch(0),
        whom: Some("sip:bob@pbx.example"),
        state: Some(state),
        party,
        messages: None,
        since: Instant::ZERO,
    }
}

#[test]
fn a_press_runs_its_command_with_its_words_and_nothing_of_ours() {
    let mut f = Fixture::new(
        "press",
        "env | grep -v ^PWD | sort > env; echo \"$1\" > words",
    );
    f.press(0);
    f.rest();
    assert_eq!(f.read("words"), "an argument; $HOME\n");
    let environment = f.read("env");
    let named: Vec<&str> = environment
        .lines()
        .filter(|line| {
            !["_=", "SHLVL=", "OLDPWD="]
                .iter()
                .any(|it| line.starts_with(it))
        })
        .collect();
    let path = format!("PATH={PATH}");
    assert_eq!(
        named,
        ["LAMPFIELD_BUTTON=door", "LAMPFIELD_GESTURE=press", &path]
    );
    assert_eq!(f.failures(), [] as [&str; 0]);
}

#[test]
fn a_lamp_tells_its_command_what_it_shows_and_strangers_words_are_made_safe() {
    let mut f = Fixture::new("lamp", "env | grep ^LAMPFIELD | sort > env");
    f.show("red fast", Watched::Ringing);
    f.rest();
    assert_eq!(
        f.read("env").lines().collect::<Vec<_>>(),
        [
            "LAMPFIELD_LAMP=blf1",
            "LAMPFIELD_LOOK=red fast",
            "LAMPFIELD_PEER=sip:eve@x",
            "LAMPFIELD_PEER_NAME=Eve\\u{202e}\\n",
            "LAMPFIELD_STATE=ringing",
            "LAMPFIELD_WATCHES=sip:bob@pbx.example",
        ]
    );
}

/// Descriptors are told by where they lead: none to a socket, an epoll set or a file of ours.
#[test]
fn a_command_inherits_no_descriptor_and_no_blocked_signal() {
    let mut f = Fixture::new(
        "inherits",
        "ls -l /proc/self/fd | sed -n 's/.* -> //p' > fds; grep SigBlk /proc/self/status > signals
         ps -o pgid= -p $$ > group 2> /dev/null; echo $$ >> group",
    );
    let _open = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let _signals = crate::shell::signals::Signals::take().expect("taken");
    f.press(0);
    f.rest();
    let fds = f.read("fds");
    for line in fds.lines() {
        let is_its_own = line.starts_with("/proc/") || line.starts_with("pipe:");
        let is_the_result = line.ends_with("/fds");
        assert!(line == "/dev/null" || is_its_own || is_the_result, "{fds}");
    }
    assert!(fds.contains("/dev/null"), "{fds}");
    let signals = f.read("signals");
    assert!(signals.ends_with("\t0000000000000000\n"), "{signals:?}");
}

#[test]
fn four_run_at_once_and_never_two_of_one_button_or_lamp() {
    let mut f = Fixture::new("four", "while [ ! -e go ]; do read x < go-soon; done");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        f.folder.join("go-soon"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .expect("a fifo");
    let run = f.runner.commands.buttons[0].1.clone();
    f.runner.commands.buttons = (0..6).map(|number| (number, run.clone())).collect();
    f.press(0);
    f.press(0);
    assert_eq!(f.at_work(), 1, "one of a button at a time");
    (1..6).for_each(|button| f.press(button));
    assert_eq!(f.at_work(), AT_ONCE);
    assert_eq!(f.runner.waiting.len(), 3);
    fs::write(f.folder.join("go"), "").expect("written");
    // Whoever waits in the fifo reads a line, or finds that it may go.
    let fifo = fs::File::options()
        .read(true)
        .write(true)
        .open(f.folder.join("go-soon"));
    let mut fifo = fifo.expect("opened");
    std::io::Write::write_all(&mut fifo, &[b'\n'; 64]).expect("written");
    f.rest();
    assert_eq!(f.failures(), [] as [&str; 0]);
}

#[test]
fn a_lamp_that_changes_again_and_again_ends_with_its_last_state() {
    let mut f = Fixture::new("newest", "echo $LAMPFIELD_STATE >> states");
    f.show("green", Watched::Idle);
    f.show("green", Watched::Idle);
    f.show("red fast", Watched::Ringing);
    f.show("red", Watched::Busy);
    f.rest();
    assert_eq!(f.read("states"), "idle\nbusy\n");
}

#[test]
fn presses_beyond_the_queue_are_dropped_and_that_is_said() {
    let mut f = Fixture::new("queue", "echo x >> done");
    (0..QUEUE + 2).for_each(|_| f.runner.press(0, "door", Gesture::Press));
    assert_eq!(f.failures(), ["was not run, for 8 others waited already"]);
    f.runner.start(clock::now());
    f.rest();
    assert_eq!(f.read("done").lines().count(), QUEUE);
    assert_eq!(f.failures(), [] as [&str; 0], "it works again");
}

#[test]
fn what_takes_too_long_ends_with_all_that_it_started() {
    let mut f = Fixture::new(
        "late",
        "sleep 1000 & echo $! > grandchild; echo > begun; wait",
    );
    f.press(0);
    let due = f.runner.deadline().expect("it may not last");
    while !f.folder.join("begun").exists() {
        std::thread::yield_now();
    }
    f.runner.handle_timeout(due);
    assert_eq!(f.failures(), ["did not end within 10 s and was ended"]);
    assert!(f.runner.is_idle());
    let grandchild: i32 = f.read("grandchild").trim().parse().expect("a number");
    while is_alive(grandchild) {
        std::thread::yield_now();
    }
}

#[test]
fn what_a_command_leaves_behind_ends_with_it() {
    let mut f = Fixture::new("behind", "sleep 1000 & echo $! > grandchild");
    f.press(0);
    f.rest();
    let grandchild: i32 = f.read("grandchild").trim().parse().expect("a number");
    while is_alive(grandchild) {
        std::thread::yield_now();
    }
}

/// Whether it still runs; what nobody has taken note of yet does not.
fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_some_and(|it| !it.is_empty() && !it.starts_with('Z'))
}

#[test]
fn failures_are_told_once_with_their_remedy() {
    let mut f = Fixture::new("fails", "exit 3");
    for _ in 0..3 {
        f.press(0);
        f.rest();
        assert_eq!(f.failures(), ["failed with status 3"]);
    }
    fs::remove_file(f.folder.join("script")).expect("removed");
    f.press(0);
    assert!(
        f.failures()[0].starts_with("cannot be run: "),
        "{:?}",
        f.failures()
    );
    let run = Command::new(["/bin/true"], Path::new("/")).expect("a command");
    f.runner.commands.buttons[0].1 = run;
    f.press(0);
    f.rest();
    assert_eq!(f.failures(), [] as [&str; 0]);
}

#[test]
fn what_the_kernel_refuses_has_a_remedy() {
    let run = Command::new(["/etc/passwd"], Path::new("/")).expect("a command");
    for (errno, remedy) in [
        (Errno::NOENT, FIND_IT),
        (Errno::ACCESS, ALLOW_IT),
        (
            Errno::NOEXEC,
            "begin the script with #!/bin/sh, or what else reads it",
        ),
    ] {
        assert_eq!(refused(&run, &errno.into()).remedy, remedy);
    }
    assert!(Child::start(&run, &[]).is_err(), "it is not executable");
}

#[test]
fn a_softphone_is_told_by_its_commands() {
    let mut f = Fixture::new("dial", "echo \"$2\" > dialled");
    let words = ["./script", "call", "<{uri}>"];
    let dial = Command::new(words, &f.folder).expect("a command");
    f.runner.commands.softphone = Some(Softphone::Commands(dial, None));
    let order = Order::Dial("sip:bob@pbx.example");
    assert_eq!(f.runner.dial(0, "blf1", Gesture::Press, order), None);
    f.runner.start(clock::now());
    f.rest();
    assert_eq!(f.read("dialled"), "<sip:bob@pbx.example>\n");
    assert_eq!(
        f.runner.dial(0, "blf1", Gesture::Press, Order::Accept),
        None
    );
    assert!(f.runner.is_idle(), "nothing was said about that");
}

#[test]
fn a_call_that_rings_is_picked_up_instead() {
    let mut dial = Dial {
        uri: "sip:bob@x".to_string(),
        pickup: None,
    };
    assert_eq!(dial.order(true), Order::Dial("sip:bob@x"));
    dial.pickup = Some(dial::Pickup::Dial("sip:*8@x".to_string()));
    assert_eq!(dial.order(true), Order::Dial("sip:*8@x"));
    assert_eq!(dial.order(false), Order::Dial("sip:bob@x"));
    dial.pickup = Some(dial::Pickup::Accept);
    assert_eq!(dial.order(true), Order::Accept);
}
