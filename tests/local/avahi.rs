//! Avahi, as Raspberry Pi OS has it: on the machine next door, and beside us on the same one.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::house::{House, in_a_network};

#[test]
fn avahi_and_we_see_each_other_also_on_one_machine() {
    for program in ["avahi-daemon", "avahi-browse", "dbus-daemon"] {
        let is_there = is_there(program);
        assert!(
            is_there,
            "no {program}; `tests/run` installs what is missing"
        );
    }
    in_a_network(
        "avahi::avahi_and_we_see_each_other_also_on_one_machine",
        || {
            let mut house = House::new();
            let (kitchen, hall) = (house.machine("kitchen"), house.machine("hall"));
            // In the hall both share the port.
            let avahi = Avahi::start(&house, hall);
            house.serve(hall, &["local:kitchen"]);
            house.serve(kitchen, &["sip:desk@hall.local", "local:hall"]);
            house.expect_look(kitchen, "blf1", "green", Duration::from_secs(8));
            house.expect_look(kitchen, "blf2", "green", Duration::from_secs(8));
            house.expect_look(hall, "blf1", "green", Duration::from_secs(8));
            let until = Instant::now() + Duration::from_secs(10);
            loop {
                let seen = avahi.run(
                    &house,
                    hall,
                    &["avahi-browse", "-p", "-r", "-t", "_sip._udp"],
                );
                let resolved = |name: &str| {
                    seen.lines()
                        .any(|it| it.starts_with('=') && it.contains(&format!(";{name};")))
                };
                if resolved("kitchen") && resolved("hall") {
                    assert!(seen.contains("uri=sip:desk@kitchen.local"), "{seen}");
                    break;
                }
                assert!(Instant::now() < until, "{seen}");
                thread::sleep(Duration::from_millis(200));
            }
            let found = avahi.run(
                &house,
                hall,
                &["avahi-resolve", "-4", "-n", "kitchen.local"],
            );
            assert!(found.contains("10.72.0.1"), "{found}");
            // Neither takes the other for a thief.
            let log = fs::read_to_string(house.folder(hall).join("log")).expect("a log");
            assert!(!log.contains("another host's name"), "{log}");
            assert!(
                avahi.log().contains("Host name is hall.local"),
                "{}",
                avahi.log()
            );
            assert!(!avahi.log().contains("conflict"), "{}", avahi.log());
            // We go, and avahi keeps the host's name.
            house.stop(hall);
            let found = avahi.run(&house, hall, &["avahi-resolve", "-4", "-n", "hall.local"]);
            assert!(found.contains("10.72.0.2"), "{found}");
            // A second later nobody has heard of us (RFC 6762 §10.1).
            let until = Instant::now() + Duration::from_secs(5);
            loop {
                let seen = avahi.run(&house, hall, &["avahi-browse", "-p", "-t", "_sip._udp"]);
                if !seen.contains(";hall;") {
                    break;
                }
                assert!(Instant::now() < until, "{seen}");
                thread::sleep(Duration::from_millis(200));
            }
        },
    );
}

/// The daemon, with a bus of its own.
struct Avahi {
    daemons: [Child; 2],
    bus: String,
    log: std::path::PathBuf,
}

impl Avahi {
    fn start(house: &House, at: usize) -> Avahi {
        let folder = house.folder(at);
        let (socket, config) = (folder.join("bus"), folder.join("bus.conf"));
        let bus = format!("unix:path={}", socket.display());
        let text = format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
             \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
             <busconfig><listen>{bus}</listen>\
             <policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\
             <allow send_destination=\"*\"/><allow receive_sender=\"*\"/>\
             <allow send_type=\"signal\"/><allow receive_type=\"signal\"/></policy></busconfig>"
        );
        fs::write(&config, text).expect("written");
        let conf = folder.join("avahi.conf");
        fs::write(
            &conf,
            "[server]\nuse-ipv4=yes\nuse-ipv6=no\nallow-interfaces=eth0\n[publish]\n",
        )
        .expect("written");
        let log = folder.join("avahi.log");
        let dbus = house
            .inside(at, "dbus-daemon")
            .args(["--nofork", "--nopidfile", "--config-file"])
            .arg(&config)
            .spawn()
            .expect("it starts");
        let until = Instant::now() + Duration::from_secs(10);
        while !socket.exists() {
            assert!(Instant::now() < until, "no bus");
            thread::sleep(Duration::from_millis(50));
        }
        // Without its package there is no user for it.
        let user = |file: &str, line: &str| {
            let (own, real) = (folder.join(file), format!("/etc/{file}"));
            let text = fs::read_to_string(&real).expect("it is there");
            fs::write(&own, format!("{text}avahi:x:64999:{line}\n")).expect("written");
            format!("mount --bind {} {real}", own.display())
        };
        let script = format!(
            "getent passwd avahi >/dev/null || {{ {} && {}; }} && mkdir -p /run/avahi-daemon && \
             mount -t tmpfs none /run/avahi-daemon && \
             exec avahi-daemon --no-drop-root --no-chroot --no-rlimits -f {}",
            user("passwd", "64999::/:/bin/false"),
            user("group", ""),
            conf.display()
        );
        let file = fs::File::create(&log).expect("a log");
        let avahi = house
            .inside(at, "sh")
            .args(["-c", &script])
            .env("DBUS_SYSTEM_BUS_ADDRESS", &bus)
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .expect("it starts");
        let avahi = Avahi {
            daemons: [avahi, dbus],
            bus,
            log,
        };
        let until = Instant::now() + Duration::from_secs(10);
        while !avahi.log().contains("Server startup complete") {
            assert!(Instant::now() < until, "{}", avahi.log());
            thread::sleep(Duration::from_millis(50));
        }
        avahi
    }

    fn run(&self, house: &House, at: usize, words: &[&str]) -> String {
        let mut command = house.inside(at, words[0]);
        command
            .args(&words[1..])
            .env("DBUS_SYSTEM_BUS_ADDRESS", &self.bus);
        let output = command.output().expect("it starts");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Avahi {
    fn drop(&mut self) {
        for daemon in &mut self.daemons {
            daemon.kill().ok();
            daemon.wait().ok();
        }
    }
}

fn is_there(program: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|it| it.success())
}
