//! The package on a Debian with systemd: installed, used, broken in every way it is built for, upgraded, purged.
//!
//! One boot for all of it, as the emulated board takes half a minute to come up.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::bench::{Bench, finish, holds_within, new_folder, script};
use crate::{SLOW, armhf, packaging};

#[test]
fn a_life_from_installation_to_purge() {
    let board = Debian::boot();
    board.installs_and_serves_this_machine_alone();
    board.is_asked_by_root_and_members_only();
    board.refuses_a_reload_with_mistakes();
    board.uses_lines_keys_and_leds_for_the_network();
    board.comes_back_when_it_hangs_or_crashes();
    board.stays_down_after_a_wrong_configuration();
    board.keeps_its_configuration_over_an_upgrade();
    board.stops();
    board.leaves_nothing();
}

/// The board, and a folder of files to push.
struct Debian {
    bench: Bench,
    folder: PathBuf,
}

const CONFIG: &str = "/etc/lampfield/lampfield.toml";

impl Debian {
    fn boot() -> Debian {
        let system = finish(&mut Command::new(packaging("system/build")));
        let arguments = [
            format!("--os={}", system.trim()),
            format!("--pins={}", script("pins-kernel.txt").display()),
        ];
        let bench = Bench::boot(new_folder(), &arguments);
        // Before that, the boot still clears /tmp.
        bench.sh("systemctl is-system-running --wait");
        let folder = new_folder();
        bench.push(armhf(), "/packages/first.deb");
        bench.push(&newer(armhf(), &folder), "/packages/newer.deb");
        Debian { bench, folder }
    }

    fn installs_and_serves_this_machine_alone(&self) {
        self.sh("dpkg -i /packages/first.deb");
        self.expect("ActiveState", "active");
        self.expect("User", "lampfield");
        self.expect("WatchdogUSec", "30s");
        self.expect("StatusText", "sip on udp:127.0.0.1:5060 tcp:127.0.0.1:5060");
        self.sh("systemctl is-enabled lampfield");
        let process = self.show("MainPID");
        let owner = self.sh(&format!("stat -c %U:%G /proc/{process}"));
        assert_eq!(owner.trim(), "lampfield:lampfield");
        // Neither the unit nor the kernel keeps the agent from its own.
        let log = self.sh("journalctl -u lampfield -o cat");
        assert!(log.contains("ready, sip on udp:127.0.0.1:5060"), "{log}");
        let status = self.sh(&format!(
            "grep -E 'NoNewPrivs|Seccomp:|CapEff' /proc/{process}/status"
        ));
        let rows: Vec<_> = status
            .lines()
            .map(|it| it.split_whitespace().collect::<Vec<_>>())
            .collect();
        assert_eq!(
            rows,
            [
                ["CapEff:", "0000000000000000"],
                ["NoNewPrivs:", "1"],
                ["Seccomp:", "2"]
            ]
        );
        self.sh("systemd-analyze security --threshold=20 --no-pager lampfield >/dev/null");
        self.bench.expect_look("blf1", "green");
        self.sh("lampfield press dnd");
        self.bench.expect_look("blf1", "red");
        self.sh("lampfield press dnd");
    }

    fn is_asked_by_root_and_members_only(&self) {
        let as_nobody = "setpriv --reuid nobody --regid nogroup";
        self.sh(&format!("{as_nobody} --groups lampfield lampfield status"));
        let refused = self.sh(&format!(
            "! {as_nobody} --clear-groups lampfield status 2>&1"
        ));
        assert!(refused.contains("is not for you"), "{refused}");
    }

    fn refuses_a_reload_with_mistakes(&self) {
        self.configure("listen = 5060\n");
        self.sh("! systemctl reload lampfield");
        self.expect("ActiveState", "active");
        self.expect_journal("lampfield.toml:1");
        self.configure(&format!(
            "{GOOD}[[presentity]]\nuri = \"sip:door@127.0.0.1\"\n"
        ));
        self.sh("systemctl reload lampfield");
        self.expect_journal("configuration read again");
        self.expect("ActiveState", "active");
        self.sh("lampfield status | grep -q sip:door@127.0.0.1");
    }

    /// All that a panel is made of, through unit, groups and sandbox.
    fn uses_lines_keys_and_leds_for_the_network(&self) {
        self.write("/etc/lampfield/board.toml", BOARD);
        self.configure(ON_THE_NETWORK);
        self.sh("systemctl restart lampfield");
        self.expect("StatusText", "sip on udp:0.0.0.0:5060 tcp:0.0.0.0:5060");
        assert_eq!(
            self.bench.json("status")["troubles"],
            Value::Array(Vec::new())
        );
        answers_options(self.bench.sip);
        self.bench.expect_lit(&["lamp2"]);
        let short = Duration::from_millis(100);
        self.bench.click("dnd", short);
        self.bench.expect_lit(&["lamp1", "lamp5"]);
        self.bench.click("blf3", short);
        self.bench.expect_lit(&["lamp2"]);
        // Nobody answers for the third one: its LED blinks, by our own hand as the kernel's is root's.
        let changes = self.bench.watch(&["ring"], Duration::from_secs(8));
        assert!(changes.len() >= 6, "{changes:?}\n{}", self.journal());
        // When the agent has ended, nobody vouches for what a lamp shows.
        self.sh("systemctl stop lampfield");
        self.bench.expect_lit(&[]);
        self.sh("systemctl start lampfield");
    }

    fn comes_back_when_it_hangs_or_crashes(&self) {
        // The unit's watchdog, with less patience.
        self.sh(
            "mkdir -p /run/systemd/system/lampfield.service.d && \
             printf '[Service]\\nWatchdogSec=4\\n' >/run/systemd/system/lampfield.service.d/test.conf && \
             systemctl daemon-reload && systemctl restart lampfield",
        );
        self.expect("WatchdogUSec", "4s");
        let hung = self.show("MainPID");
        // Nothing but the watchdog ends a process that stands still.
        self.sh(&format!("kill -STOP {hung}"));
        self.expect_another(&hung);
        let crashed = self.show("MainPID");
        self.sh(&format!("kill -KILL {crashed}"));
        self.expect_another(&crashed);
        // A heart that beats needs nobody's help: no third start.
        self.sh("sleep 9");
        self.expect("NRestarts", "2");
    }

    fn stays_down_after_a_wrong_configuration(&self) {
        self.configure("colour = \"red\"\n");
        self.sh("! systemctl restart lampfield");
        self.expect("ActiveState", "failed");
        self.expect("ExecMainStatus", "2");
        let errors = self.sh("journalctl -u lampfield -p err -o cat");
        assert!(errors.contains("lampfield.toml:1:1"), "{errors}");
        self.configure(GOOD);
        self.sh("systemctl restart lampfield");
        self.expect("ActiveState", "active");
    }

    fn keeps_its_configuration_over_an_upgrade(&self) {
        let before = self.show("MainPID");
        self.sh("dpkg -i /packages/newer.deb");
        self.expect("ActiveState", "active");
        assert_ne!(self.show("MainPID"), before);
        assert_eq!(self.sh(&format!("cat {CONFIG}")), GOOD);
    }

    fn stops(&self) {
        self.sh("systemctl stop lampfield");
        self.expect("ActiveState", "inactive");
        self.expect("Result", "success");
        self.expect_journal("stopping");
        self.sh("test ! -e /run/lampfield");
        self.sh("systemctl start lampfield");
    }

    fn leaves_nothing(&self) {
        self.sh("touch /var/lib/lampfield/kept && dpkg -r lampfield");
        self.sh(&format!(
            "test -e {CONFIG} && test -e /var/lib/lampfield/kept"
        ));
        self.sh("! pidof lampfield");
        // A file of somebody's own would keep its folder.
        self.sh("rm /etc/lampfield/board.toml && dpkg -P lampfield");
        let left =
            self.sh("find / -xdev -iname '*lampfield*' | grep -v ^/run/systemd/system; true");
        assert_eq!(left, "");
        self.sh("! getent passwd lampfield && ! getent group lampfield");
    }

    #[track_caller]
    fn sh(&self, line: &str) -> String {
        self.bench.sh(line)
    }

    fn configure(&self, text: &str) {
        self.write(CONFIG, text);
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.folder.join("file");
        fs::write(&file, text).expect("written");
        self.bench.push(&file, path);
    }

    /// A property of the service.
    #[track_caller]
    fn show(&self, property: &str) -> String {
        let value = self.sh(&format!("systemctl show -P {property} lampfield"));
        value.trim().to_string()
    }

    #[track_caller]
    fn expect(&self, property: &str, value: &str) {
        let mut found = String::new();
        let good = holds_within(SLOW, || {
            found = self.show(property);
            found == value
        });
        assert!(
            good,
            "{property} is {found}, not {value}\n{}",
            self.journal()
        );
    }

    #[track_caller]
    fn expect_journal(&self, text: &str) {
        let good = holds_within(SLOW, || self.journal().contains(text));
        assert!(good, "no {text:?} in\n{}", self.journal());
    }

    /// Waits until another process serves.
    #[track_caller]
    fn expect_another(&self, process: &str) {
        let good = holds_within(SLOW, || {
            self.show("MainPID") != process && self.show("ActiveState") == "active"
        });
        assert!(good, "{process} was not replaced\n{}", self.journal());
    }

    fn journal(&self) -> String {
        self.sh("journalctl --no-pager -u lampfield | tail -n 40")
    }
}

impl Drop for Debian {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok(); // The system clears its temporary files too.
    }
}

const GOOD: &str = "[[presentity]]\nuri = \"sip:desk@127.0.0.1\"\n";

const ON_THE_NETWORK: &str = r#"
board = "board.toml"
listen = ["udp:0.0.0.0:5060"]
trusted = ["10.0.2.0/24"]
[[presentity]]
uri = "sip:desk@10.0.2.15"
[[button]]
name = "dnd"
does = "dnd"
[[button]]
name = "key"
does = "dnd"
[[lamp]]
name = "line"
watch = "sip:desk@10.0.2.15"
[[lamp]]
name = "led"
watch = "sip:desk@10.0.2.15"
[[lamp]]
name = "unknown"
watch = "sip:nobody@10.0.2.15"
grace = 1
looks = { unknown = "red slow" }
"#;

/// Lines of `boards/bench/pins-kernel.txt`.
const BOARD: &str = r#"
name = "bench"
description = "a line, a key, two LEDs"
backend = "hardware"
[[button]]
name = "dnd"
line = "gpio:GPIO27"
active_low = true
[[button]]
name = "key"
line = "key:*/148"
[[lamp]]
name = "line"
red = "gpio:GPIO23"
green = "gpio:GPIO24"
[[lamp]]
name = "led"
red = "led:lampfield:lamp5"
[[lamp]]
name = "unknown"
red = "led:lampfield:ring"
"#;

/// Asks as a telephone system does to learn whether somebody is there; sent again until it is answered.
fn answers_options(sip: SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port of the loopback");
    let limit = Some(Duration::from_millis(500));
    socket
        .set_read_timeout(limit)
        .expect("a socket can time out");
    let text = "OPTIONS sip:desk@10.0.2.15 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.2.2;branch=z9hG4bKoptions;rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:pbx@10.0.2.2>;tag=pbx\r\nTo: <sip:desk@10.0.2.15>\r\nCall-ID: options\r\n\
         CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    let mut buf = [0; 2_048];
    let answered = holds_within(SLOW, || {
        socket.send_to(text.as_bytes(), sip).expect("sent");
        socket.recv(&mut buf).is_ok()
    });
    assert!(answered && buf.starts_with(b"SIP/2.0 200 "));
}

/// The same package with a higher version.
fn newer(package: &Path, folder: &Path) -> PathBuf {
    let (root, newer) = (folder.join("root"), folder.join("newer.deb"));
    finish(Command::new("dpkg-deb").arg("-R").arg(package).arg(&root));
    let control = root.join("DEBIAN/control");
    let text = fs::read_to_string(&control).expect("there");
    let version = concat!("Version: ", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(version));
    fs::write(&control, text.replace(version, &format!("{version}+1"))).expect("written");
    let mut pack = Command::new("dpkg-deb");
    pack.args(["--root-owner-group", "-Zgzip", "-b"]);
    finish(pack.arg(&root).arg(&newer));
    newer
}
