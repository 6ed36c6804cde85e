//! The card image: built, edited as people edit it, and booted on emulated Raspberry Pis.
//!
//! What QEMU has of a Raspberry Pi: its cores, its card slot, USB, and its GPIO chip without edges, so that buttons
//! are polled here. It has nothing of the firmware; the bench takes kernel and initramfs out of the image.

#[path = "../common/bench.rs"]
mod bench;
mod card;
mod outside;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::bench::{finish, repository};
use crate::card::{Card, Kind};
use crate::outside::{Watcher, options};

/// As a person writes it with an editor of Windows: a byte order token, other line ends, no line end at last.
const WRITTEN_ON_WINDOWS: &[u8] = b"\xef\xbb\xbf# Gru\xc3\x9f vom Empfang\r\n\
    board = \"board.toml\"\r\n\
    listen = \"udp:0.0.0.0:5060\"\r\n\
    trusted = [\"10.0.2.0/24\"]\r\n\
    [[presentity]]\r\n\
    uri = \"sip:desk@lampfield\"\r\n\
    [[button]]\r\n\
    name = \"dnd\"\r\n\
    does = \"dnd\"\r\n\
    [[lamp]]\r\n\
    name = \"blf1\"\r\n\
    watch = \"sip:desk@127.0.0.1\"\r\n\
    event = \"presence\"";

/// What everybody is answered while the configuration has mistakes.
const NOBODY_IS_SERVED: &str = "SIP/2.0 403 Forbidden";

/// The desk phone's own board, polled: QEMU's chip has no edges.
fn polled_desk_phone() -> String {
    let board = include_str!("../../boards/raspberry-pi-desk-phone.toml");
    board.replace("bias =", "poll = 20\nbias =")
}

#[test]
fn the_same_inputs_make_the_same_bytes() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let images = ["one", "two"].map(|it| folder.join(format!("lampfield-{it}.img")));
    Kind::Armel.build(&images[0], &[("TZ", "Pacific/Auckland"), ("LC_ALL", "C")]);
    Kind::Armel.build(
        &images[1],
        &[("TZ", "America/Caracas"), ("LC_ALL", "C.UTF-8")],
    );
    finish(Command::new("cmp").args(&images));
    for image in images {
        fs::remove_file(image).expect("it is ours");
    }
}

/// A line has the same name on every Raspberry Pi with 40 pins, or a board would be wrong on some.
#[test]
fn every_raspberry_pi_has_the_lines_of_its_boards() {
    let boards = fs::read_dir(repository().join("boards")).expect("boards/ is there");
    let boards = boards.map(|entry| entry.expect("an entry").path());
    let is_pi = |path: &std::path::PathBuf| {
        let name = path.file_name().expect("a file").to_string_lossy();
        name.starts_with("raspberry-pi-") && name.ends_with(".toml")
    };
    let trees = device_trees();
    let mut lines = 0;
    for board in boards.filter(is_pi) {
        let text = fs::read_to_string(&board).expect("a text");
        let code = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default());
        let named = code
            .flat_map(|line| line.split('"'))
            .filter_map(|it| it.strip_prefix("gpio:"));
        for line in named.filter(|it| !it.contains('/')) {
            for (tree, names) in &trees {
                let known = names.iter().any(|it| it == line);
                assert!(known, "{}: {tree} has no {line}", board.display());
            }
            lines += 1;
        }
    }
    assert!(
        lines > 4 && trees.len() > 6,
        "{lines} lines, {} device trees",
        trees.len()
    );
}

/// The names of the lines of each Raspberry Pi with 40 pins, by its device tree on the card.
fn device_trees() -> Vec<(String, Vec<String>)> {
    // Compute modules have no header; the first models had 26 pins.
    let has_40_pins = |tree: &&str| {
        let model = tree.rsplit_once("-rpi-").map_or("", |it| it.1);
        !model.starts_with("cm") && !["a.dtb", "b.dtb", "b-rev2.dtb"].contains(&model)
    };
    let mut trees = Vec::new();
    for card in [Kind::Arm64, Kind::Armel].map(Card::new) {
        let folder = card.extract("*.dtb");
        let listed = finish(Command::new("ls").arg(&folder));
        for tree in listed.lines().filter(has_40_pins) {
            let names = finish(
                Command::new("fdtget")
                    .args(["-t", "s"])
                    .arg(folder.join(tree))
                    .args(["/soc/gpio@7e200000", "gpio-line-names"]),
            );
            trees.push((
                tree.to_owned(),
                names.split_whitespace().map(str::to_owned).collect(),
            ));
        }
    }
    trees
}

/// Flashed, edited on Windows, put in, pressed, unplugged, broken, put in again, repaired, put in again.
#[test]
fn a_card_serves_on_a_raspberry_pi_3() {
    let card = Card::new(Kind::Arm64);
    assert!(
        card.read("lampfield-errors.txt")
            .starts_with("Not started yet.")
    );
    card.write("lampfield.toml", WRITTEN_ON_WINDOWS);
    card.write("board.toml", polled_desk_phone().as_bytes());
    let pi = card.boot();
    assert_eq!(options(pi.bench.sip), "SIP/2.0 200 OK");
    let watcher = Watcher::start(pi.bench.sip);
    watcher.expect("idle");
    pi.bench.expect_lit(&["lamp2"]);
    pi.bench.press("dnd");
    watcher.expect("dnd");
    pi.bench.expect_lit(&["lamp1"]);
    pi.bench.release("dnd");
    // The agent is a user of its own, and may write nowhere but where it has to.
    let user = pi.bench.sh("ps | grep 'bin/lampfield ru[n]'");
    assert!(user.contains(" lampfiel"), "{user}");
    assert_eq!(
        pi.bench
            .sh("grep ' /boot ' /proc/mounts | grep -c '[ ,]ro,'")
            .trim(),
        "1"
    );
    pi.bench.sh("echo kept >/state/test && sync");
    pi.cut();
    let told = card.read("lampfield-errors.txt");
    assert!(
        told.starts_with("There are no errors in lampfield.toml.\r\n"),
        "{told}"
    );

    // A mistake: it runs all the same, and says so by every means it has.
    let broken = [WRITTEN_ON_WINDOWS, b"\r\nlooks = { idel = \"green\" }\r\n"].concat();
    card.write("lampfield.toml", &broken);
    let pi = card.boot();
    assert_eq!(options(pi.bench.sip), NOBODY_IS_SERVED);
    pi.bench.expect_look("blf1", "amber slow");
    let changes = pi.bench.watch(&["lamp1"], Duration::from_secs(4));
    assert!(changes.len() > 4, "its line does not blink: {changes:?}");
    pi.expect_console("error: lampfield.toml:14:11: ");
    assert_eq!(pi.bench.sh("cat /state/test").trim(), "kept");
    pi.cut();
    let told = card.read("lampfield-errors.txt");
    let (first, rest) = told
        .split_once("\r\n")
        .expect("lines that every editor knows");
    assert!(first.starts_with("lampfield.toml:14:11: "), "{told}");
    assert!(rest.starts_with("  remedy: "), "{told}");
    assert_eq!(told.len(), 4_096);

    // A good configuration that cannot work here: the last words of the agent are told.
    let text = String::from_utf8_lossy(WRITTEN_ON_WINDOWS).replace("0.0.0.0", "192.0.2.1");
    card.write("lampfield.toml", text.as_bytes());
    let pi = card.boot_until("starting it again in 8 s");
    pi.cut();
    let told = card.read("lampfield-errors.txt");
    assert!(told.starts_with("The agent does not stay alive."), "{told}");
    assert!(told.contains("192.0.2.1"), "{told}");
}

/// A file that Windows gave a second ending, then everything as it comes.
#[test]
fn a_card_serves_on_a_raspberry_pi_zero() {
    let card = Card::new(Kind::Armel);
    card.rename("lampfield.toml", "lampfield.toml.txt");
    let pi = card.boot();
    assert_eq!(options(pi.bench.sip), NOBODY_IS_SERVED);
    pi.bench.expect_look("blf1", "amber slow");
    pi.cut();
    let told = card.read("lampfield-errors.txt");
    assert!(
        told.contains("Is it lampfield.toml.txt? Then rename that"),
        "{told}"
    );

    card.rename("lampfield.toml.txt", "lampfield.toml");
    let pi = card.boot();
    assert_eq!(options(pi.bench.sip), "SIP/2.0 200 OK");
    let watcher = Watcher::start(pi.bench.sip);
    watcher.expect("idle");
    pi.bench.sh("lampfield set dnd on");
    watcher.expect("dnd");
    pi.cut();
    assert!(
        card.read("lampfield-errors.txt")
            .starts_with("There are no errors")
    );
}
