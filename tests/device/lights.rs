//! A USB light, by the kernel's own driver. The light is made by `uhid`: the kernel believes that it hangs on a USB port.

use std::fs;

use crate::bench::{Bench, SOON, Setup, holds_within, new_folder};
use crate::{HEAD, lamp};

/// As `usb-luxafor` has it, dimmed.
const BOARD: &str = r#"
name = "light"
description = "a Luxafor Flag"
backend = "hardware"
[[lamp]]
name = "light"
rgb = "led:luxafor*:{colour}:led*"
bright = 40
"#;

/// Else an own lamp is dark while there is nothing to see to.
const GREEN: &str = "looks = { idle = \"green\" }\n";

/// `UHID_CREATE2` (`linux/uhid.h`) of a Luxafor Flag: a vendor's own report of eight bytes, going out.
fn light() -> Vec<u8> {
    const REPORT: [u8; 21] = [
        0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95,
        0x08, 0x09, 0x01, 0x91, 0x02, 0xc0,
    ];
    const USB: u16 = 3;
    let (create, vendor, product) = (11_u32, 0x04d8_u32, 0xf372_u32);
    let mut event = create.to_le_bytes().to_vec();
    event.extend(b"Luxafor");
    event.resize(4 + 128 + 64 + 64, 0); // its name; no path, no serial number
    event.extend((REPORT.len() as u16).to_le_bytes());
    event.extend(USB.to_le_bytes());
    for number in [vendor, product, 0, 0] {
        event.extend(number.to_le_bytes());
    }
    event.extend(REPORT);
    event
}

/// It is there for as long as somebody holds the file.
fn plug(bench: &Bench) {
    bench.sh("(exec 3<>/dev/uhid; cat /etc/light >&3; exec sleep 1000) >/dev/null 2>&1 & echo $! >/run/plug");
}

fn unplug(bench: &Bench) {
    bench.sh("kill $(cat /run/plug)");
}

/// Waits until each of the six places shines so, in each colour.
#[track_caller]
fn expect(bench: &Bench, red: &str, green: &str, blue: &str) {
    let all = |colour: &str, bright: &str| {
        let seen = bench.sh(&format!(
            "cat /sys/class/leds/luxafor*:{colour}:led*/brightness"
        ));
        let seen: Vec<&str> = seen.split_whitespace().collect();
        seen == [bright; 6]
    };
    let good = holds_within(SOON, || {
        all("red", red) && all("green", green) && all("blue", blue)
    });
    assert!(good, "not {red}, {green}, {blue}\n{}", bench.log());
}

/// Waits until the log has told so many times of a line that is not there: once for each colour.
#[track_caller]
fn expect_missing(bench: &Bench, times: usize) {
    let told = || bench.log().matches("is not there: /sys/class/leds").count();
    assert!(holds_within(SOON, || told() == times), "{}", bench.log());
}

#[test]
fn a_usb_light_comes_and_goes_and_shows_the_right_look() {
    let config = [
        "board = \"/etc/board.toml\"\n",
        HEAD,
        &lamp("light", "shows", "dnd"),
        GREEN,
    ]
    .concat();
    let bench = Bench::start(&Setup {
        config: &config,
        board: Some(BOARD),
        modules: &["uhid", "hid-led"],
        ..Setup::default()
    });
    let file = new_folder().join("light");
    fs::write(&file, light()).expect("the folder can be written to");
    bench.push(&file, "/etc/light");
    expect_missing(&bench, 3);
    plug(&bench);
    expect(&bench, "0", "102", "0");
    bench.expect_log("the line led:luxafor*:red:led* of \"light\" works now");
    bench.sh("lampfield set dnd on");
    expect(&bench, "102", "0", "0");
    unplug(&bench);
    expect_missing(&bench, 6);
    bench.sh("lampfield set dnd off");
    plug(&bench);
    expect(&bench, "0", "102", "0");
    bench.sh("lampfield set dnd on");
    expect(&bench, "102", "0", "0");
    assert_eq!(bench.stop(), 0);
}
