//! A board in QEMU with the real program on it: its buttons pressed and its lamps read from outside.
//!
//! The scripts of `boards/bench` do the work. Boards take turns within a test program, as two would only slow each
//! other down; a board is off when its [`Bench`] is dropped. Nothing is waited for by sleeping.

#![allow(dead_code, reason = "every test program takes what it needs")]

use std::cell::RefCell;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything that happens at once may take on an emulated board on a slow and busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Where the program finds its configuration on a board.
pub(crate) const CONFIG: &str = "/etc/lampfield.toml";

/// A board that runs.
pub(crate) struct Bench {
    folder: PathBuf,
    hands: RefCell<Hands>,
    /// Where to send SIP to, from this machine.
    pub(crate) sip: SocketAddr,
    /// When its power was switched on.
    pub(crate) powered: Instant,
    _turn: MutexGuard<'static, ()>,
}

/// What a board is started with.
#[derive(Default)]
pub(crate) struct Setup<'a> {
    /// The configuration.
    pub(crate) config: &'a str,
    /// A board file of the test's own: it lies in `/etc/board.toml`.
    pub(crate) board: Option<&'a str>,
    /// The table of lines, in `boards/bench`; without one `pins.txt`.
    pub(crate) pins: Option<&'a str>,
    /// Buttons held down before the kernel starts.
    pub(crate) hold: &'a [&'a str],
    /// What keeps its files while the power is away.
    pub(crate) disk: Option<&'a Disk>,
    /// Kernel modules beside those of the board.
    pub(crate) modules: &'a [&'a str],
}

/// A disk for a board, with ext4 on it: the board finds it in [`DISK`]. It is removed when this is dropped.
pub(crate) struct Disk(PathBuf);

/// Where a board finds its disk.
pub(crate) const DISK: &str = "/disk";

/// `phone.py`, which presses and looks as it is told.
struct Hands {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// A lamp's change, as [`Bench::watch`] sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    /// Seconds since the watching began.
    pub(crate) at: f64,
    pub(crate) lamp: String,
    pub(crate) lit: bool,
}

impl Bench {
    /// Boots the board `phone` with the ARM program on it, and returns when that serves.
    pub(crate) fn start(setup: &Setup<'_>) -> Bench {
        let folder = new_folder();
        let write = |name: &str, text: &str| {
            fs::write(folder.join(name), text).expect("the folder can be written to");
            folder.join(name).display().to_string()
        };
        let mut arguments = vec![
            format!("--add={}=bin/lampfield", program().display()),
            format!("--add={}={CONFIG}", write("config.toml", setup.config)),
            format!("--start=/bin/lampfield run --config {CONFIG}"),
            "--ready=start .*lampfield: ready".to_owned(),
        ];
        if let Some(board) = setup.board {
            arguments.push(format!(
                "--add={}=etc/board.toml",
                write("board.toml", board)
            ));
        }
        if let Some(pins) = setup.pins {
            arguments.push(format!("--pins={}", script(pins).display()));
        }
        if let Some(Disk(disk)) = setup.disk {
            let before = write("before", MOUNT);
            fs::set_permissions(&before, Permissions::from_mode(0o755)).expect("it is ours");
            arguments.push(format!("--add={before}=bench/before"));
            arguments.extend(["sdhci-of-aspeed", "ext4"].map(|it| format!("--module={it}")));
            let disk = disk.display();
            // The first two slots have no supply there; the third is the one that is soldered on.
            arguments.push(format!(
                "--qemu=-drive if=sd,index=2,format=raw,file={disk}/image"
            ));
        }
        arguments.extend(setup.modules.iter().map(|it| format!("--module={it}")));
        arguments.extend(setup.hold.iter().map(|name| format!("--hold={name}")));
        Bench::boot(folder, &arguments)
    }

    /// Boots a board by `bench.py up` with these arguments; port 5060 is forwarded.
    pub(crate) fn boot(folder: PathBuf, arguments: &[String]) -> Bench {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let powered = Instant::now();
        let mut up = bench("up", &folder);
        up.args(["--udp=5060", "--timeout=240"]).args(arguments);
        let printed = finish(&mut up);
        let port = printed
            .lines()
            .find_map(|line| line.strip_prefix("udp/5060 "));
        Bench {
            sip: port
                .expect("the forwarded port is told")
                .parse()
                .expect("an address"),
            hands: RefCell::new(Hands::new(&folder)),
            folder,
            powered,
            _turn: turn,
        }
    }

    /// Presses a button and keeps it down.
    pub(crate) fn press(&self, button: &str) {
        self.order(&format!("press {button}"));
    }

    /// Lets a button go.
    pub(crate) fn release(&self, button: &str) {
        self.order(&format!("release {button}"));
    }

    /// Presses a button for a while, and leaves it alone for long enough that the release is seen.
    pub(crate) fn click(&self, button: &str, lasts: Duration) {
        self.order(&format!("click {button} {}", lasts.as_secs_f64()));
        thread::sleep(Duration::from_millis(100));
    }

    /// So many edges of a button at a steady rate, the first a press.
    pub(crate) fn bounce(&self, button: &str, count: u32, every: Duration) {
        self.order(&format!(
            "bounce {button} {count} {}",
            every.as_secs_f64() * 1e3
        ));
    }

    /// Whether a lamp's line is lit at the moment.
    pub(crate) fn is_lit(&self, lamp: &str) -> bool {
        self.order(&format!("lamp {lamp}")) == ["on"]
    }

    /// All lamps whose lines are lit at the moment.
    pub(crate) fn lit(&self) -> Vec<String> {
        self.order("lamps")
    }

    /// Every change of some lamps' lines within a time; first, at 0, each as it is.
    pub(crate) fn watch(&self, lamps: &[&str], lasts: Duration) -> Vec<Change> {
        // With a comma even for one, so that the names are told.
        let names = if let [one] = lamps {
            format!("{one},{one}")
        } else {
            lamps.join(",")
        };
        let changes = self.order(&format!("watch {names} {}", lasts.as_secs_f64()));
        let mut changes: Vec<Change> = changes.iter().map(|line| Change::parse(line)).collect();
        changes.dedup();
        changes
    }

    /// Waits until exactly these lamps' lines are lit.
    #[track_caller]
    pub(crate) fn expect_lit(&self, lamps: &[&str]) {
        let mut seen = Vec::new();
        let good = holds_within(SOON, || {
            seen = self.lit();
            seen == lamps
        });
        assert!(good, "lit are {seen:?}, not {lamps:?}\n{}", self.log());
    }

    /// Waits until a lamp's line is lit, or dark, and tells when that was seen.
    #[track_caller]
    pub(crate) fn expect_lamp(&self, lamp: &str, lit: bool) -> Instant {
        let good = holds_within(SOON, || self.is_lit(lamp) == lit);
        assert!(
            good,
            "{lamp} is {}\n{}",
            if lit { "dark" } else { "lit" },
            self.log()
        );
        Instant::now()
    }

    /// Runs a line of shell on the board, which has to succeed; what it prints.
    #[track_caller]
    pub(crate) fn sh(&self, line: &str) -> String {
        finish(
            bench("sh", &self.folder)
                .args(["--timeout", "240"])
                .arg(line),
        )
    }

    /// Copies a file of this machine onto the board.
    #[track_caller]
    pub(crate) fn push(&self, file: &Path, to: &str) {
        finish(bench("push", &self.folder).arg(file).arg(to));
    }

    /// What a command of the program prints with `--json` on the board.
    #[track_caller]
    pub(crate) fn json(&self, command: &str) -> Value {
        let text = self.sh(&format!("lampfield {command} --json"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{command}: {error} in {text}"))
    }

    /// Waits until something can be read out of what a command prints with `--json`.
    #[track_caller]
    pub(crate) fn expect_json(&self, command: &str, good: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let met = holds_within(SOON, || {
            last = self.json(command);
            good(&last)
        });
        assert!(met, "{command} says {last:#}\n{}", self.log());
        last
    }

    /// What the panel of the running program shows on a lamp.
    #[track_caller]
    pub(crate) fn expect_look(&self, lamp: &str, look: &str) {
        self.expect_json("lamps", |lamps| {
            let mut lamps = lamps.as_array().expect("lamps are a list").iter();
            lamps.any(|one| one["name"] == lamp && one["look"] == look)
        });
    }

    /// Gives the running program another configuration.
    #[track_caller]
    pub(crate) fn reconfigure(&self, config: &str) {
        let file = self.folder.join("config.toml");
        fs::write(&file, config).expect("the folder can be written to");
        self.push(&file, CONFIG);
        let before = self.log().matches("configuration").count();
        self.sh("kill -HUP $(cat /run/start.pid)");
        let read = || self.log().matches("configuration").count() > before;
        assert!(holds_within(SOON, read), "not read again:\n{}", self.log());
    }

    /// What the program costs while it is watched for so many seconds: `rss`, `wakeups` and so on.
    #[track_caller]
    pub(crate) fn measure(&self, seconds: u32) -> Measured {
        Measured(self.sh(&format!("measure {seconds}")))
    }

    /// All that the board and the program have said.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(self.folder.join("console.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        // The kernel's own words are of no interest here.
        let lines = log.lines().filter(|line| !line.starts_with('['));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Waits for a word in the log.
    #[track_caller]
    pub(crate) fn expect_log(&self, what: &str) {
        let good = holds_within(SOON, || self.log().contains(what));
        assert!(good, "no {what:?} in the log:\n{}", self.log());
    }

    /// Seconds after the kernel's start at which the program said that it serves, by the board's own clock.
    pub(crate) fn ready_after(&self) -> f64 {
        let log = self.log();
        let mut lines = log.lines().filter_map(|line| line.strip_prefix("start "));
        let ready = lines.find(|line| line.contains("lampfield: ready"));
        let (time, _) = ready
            .and_then(|line| line.split_once(':'))
            .expect("it serves");
        time.parse().expect("seconds")
    }

    /// Ends the program as an init system does; its exit code.
    pub(crate) fn stop(self) -> i32 {
        let down = bench("down", &self.folder).output().expect("python3 runs");
        down.status.code().expect("an exit code")
    }

    /// Cuts the power.
    pub(crate) fn cut(self) {}

    #[track_caller]
    fn order(&self, order: &str) -> Vec<String> {
        let mut hands = self.hands.borrow_mut();
        writeln!(hands.orders, "{order}").expect("phone.py listens");
        let mut answers = Vec::new();
        loop {
            let mut line = String::new();
            hands
                .answers
                .read_line(&mut line)
                .expect("phone.py answers");
            match line.trim_end() {
                "." => return answers,
                "" => panic!("{order}: phone.py ended\n{}", self.log()),
                line if line.starts_with('!') => panic!("{order}: {line}\n{}", self.log()),
                line => answers.push(line.to_owned()),
            }
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        bench("cut", &self.folder).status().ok();
        if !thread::panicking() {
            fs::remove_dir_all(&self.folder).ok();
        }
    }
}

impl Disk {
    /// An empty one.
    pub(crate) fn new() -> Disk {
        let folder = new_folder();
        let image = folder.join("image");
        let file = fs::File::create(&image).expect("the folder can be written to");
        file.set_len(64 << 20).expect("a file with a hole"); // A card's size is a power of two.
        finish(
            Command::new("/usr/sbin/mkfs.ext4")
                .args(["-q", "-F"])
                .arg(image),
        );
        Disk(folder)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if !thread::panicking() {
            fs::remove_dir_all(&self.0).ok();
        }
    }
}

/// The disk takes a moment to be found.
const MOUNT: &str = "#!/bin/sh
i=0
while [ ! -b /dev/mmcblk0 ] && [ $i -lt 200 ]; do sleep 0.1; i=$((i + 1)); done
mkdir -p /disk
mount -t ext4 /dev/mmcblk0 /disk || echo 'BENCH warning: no disk'
";

impl Hands {
    fn new(folder: &Path) -> Hands {
        let mut child = Command::new("python3")
            .arg(script("phone.py"))
            .arg(folder)
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        Hands {
            orders: child.stdin.take().expect("its input is a pipe"),
            answers: BufReader::new(child.stdout.take().expect("its output is a pipe")),
            child,
        }
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Change {
    fn parse(line: &str) -> Change {
        let mut words = line.split(' ');
        let mut word = || words.next().expect("TIME LAMP on|off");
        Change {
            at: word().parse().expect("seconds"),
            lamp: word().to_owned(),
            lit: word() == "on",
        }
    }
}

/// Lines of `name=value`, as `boards/bench/measure` prints them.
pub(crate) struct Measured(String);

impl Measured {
    /// All facts in one line.
    pub(crate) fn all(&self) -> String {
        self.0.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> f64 {
        let mut facts = self
            .0
            .lines()
            .filter_map(|line| line.trim().split_once('='));
        let (_, value) = facts.find(|fact| fact.0 == name).expect("it is measured");
        value.parse().expect("a number")
    }
}

/// A new folder for a board.
pub(crate) fn new_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("lampfield-bench-{}-{number}", process::id()));
    fs::create_dir_all(&folder).expect("a folder for temporary files");
    folder
}

/// Asks until it holds; whether it did in time.
pub(crate) fn holds_within(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// The program for ARMv7: the one that `LAMPFIELD_ARMV7` names, or built now.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(path) = std::env::var_os("LAMPFIELD_ARMV7") {
            let path = PathBuf::from(path);
            assert!(
                path.exists(),
                "LAMPFIELD_ARMV7 is {}: not there",
                path.display()
            );
            return path;
        }
        let mut build = Command::new(repository().join("boards/cross/build"));
        // What cargo sets for the host's libraries misleads another compiler.
        build
            .arg("armv7")
            .current_dir(repository())
            .env_remove("LD_LIBRARY_PATH");
        let printed = finish(&mut build);
        let folder = printed.lines().last().expect("it prints the folder");
        Path::new(folder).join("lampfield")
    })
}

/// The project.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of `boards/bench`.
pub(crate) fn script(name: &str) -> PathBuf {
    repository().join("boards/bench").join(name)
}

fn bench(command: &str, folder: &Path) -> Command {
    let mut bench = Command::new("python3");
    bench.arg(script("bench.py")).arg(command).arg(folder);
    bench
}

/// Runs a command that has to succeed; what it prints.
#[track_caller]
pub(crate) fn finish(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (printed, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success(),
        "{command:?} failed; `tests/run` installs what is missing\n{printed}{errors}"
    );
    printed
}
