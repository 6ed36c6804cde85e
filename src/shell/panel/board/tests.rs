//! The boards that are built in, and mistakes in others.

use super::line::{Bias, Pin};
use super::*;
use crate::ground::limits::LAMPS;
use crate::ground::time::Duration;
use crate::shell::panel::keys::codes::Code;

#[test]
fn every_file_of_boards_is_built_in_and_good() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("boards");
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("boards/ is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .map(|path| {
            assert_eq!(path.extension().and_then(|it| it.to_str()), Some("toml"));
            let stem = path.file_stem().and_then(|it| it.to_str());
            stem.expect("a name").to_string()
        })
        .collect();
    names.sort();
    let mut built_in: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    built_in.sort_unstable();
    assert_eq!(names, built_in, "list every file of boards/ in built_in!");
    for name in names {
        let board = Board::find(&name).unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(board.name, name, "a board is called like its file");
        assert!(!board.description.is_empty());
    }
}

#[test]
fn the_simulated_board_is_a_desk_phone() {
    let board = Board::find("sim").expect("built in");
    let buttons: Vec<(&str, Kind)> = board
        .buttons
        .iter()
        .map(|it| (it.name.as_str(), it.kind))
        .collect();
    assert_eq!(buttons, [("hook", Kind::Switch), ("dnd", Kind::Momentary)]);
    assert_eq!(board.lamps.len(), 4);
    for lamp in &board.lamps {
        let hues: Vec<Hue> = lamp.elements.iter().map(|it| it.hue).collect();
        assert_eq!(hues, [Hue::Red, Hue::Green]);
    }
    assert_eq!(board.lamp("blf4"), Some(3));
    assert_eq!(board.button("blf4"), None);
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let faults = Board::parse("b.toml", text).expect_err("a bad board");
    assert_eq!(faults.to_string(), expected);
}

const HEAD: &str = "name = \"b\"\nbackend = \"sim\"\n";

#[test]
fn mistakes_in_a_board_are_told_with_their_places() {
    refused(
        "[[lamp]]\nname = \"a\"\ncolours = [\"red\"]\n",
        "b.toml:1:1: the board has no name\n  remedy: add name = \"my-phone\"\n\
         b.toml:1:1: the board has no backend\n  remedy: add backend = \"hardware\", or \"sim\"",
    );
    refused(
        "name = \"b\"\nbackend = \"gpio\"\n",
        "b.toml:2:11: backend cannot be \"gpio\"\n  remedy: use one of: sim, hardware",
    );
    refused(
        &format!("{HEAD}[[button]]\nname = \"dnd\"\nline = \"gpio:GPIO4\"\n"),
        "b.toml:5:1: unknown key `line` in [[button]]\n  remedy: use one of: name, kind, initial",
    );
    refused(
        &format!("{HEAD}[[lamp]]\nname = \"a\"\n"),
        "b.toml:3:1: [[lamp]] has no colours\n  remedy: add colours = [\"red\", \"green\"]",
    );
    refused(
        &format!("{HEAD}[[lamp]]\nname = \"a\"\ncolours = [\"pink\", \"red\", \"red\"]\n"),
        "b.toml:5:12: no lamp has the colour \"pink\"\n  remedy: use red, green, blue, amber or white\n\
         b.toml:5:27: \"red\" is there already\n  remedy: leave it out",
    );
    refused(
        &format!("{HEAD}[[button]]\nname = \"a\"\n[[button]]\nname = \"a\"\n"),
        "b.toml:6:8: \"a\" is there already\n  remedy: give it another name",
    );
    refused(
        &format!("{HEAD}[[button]]\nname = \"a/b\"\n"),
        "b.toml:4:8: \"a/b\" cannot be a name\n  \
         remedy: use 1 to 32 letters, digits, dots, dashes and underscores, a letter first",
    );
}

#[test]
fn more_lamps_than_the_build_has_room_for_are_refused() {
    let mut text = HEAD.to_string();
    for at in 0..=LAMPS {
        text += &format!("[[lamp]]\nname = \"l{at}\"\ncolours = [\"red\"]\n");
    }
    let line = 3 + 3 * LAMPS;
    refused(
        &text,
        &format!(
            "b.toml:{line}:1: more than {LAMPS} lamps\n  \
             remedy: leave some out, or build with a larger LAMPFIELD_LAMPS"
        ),
    );
}

#[test]
fn an_unknown_board_is_told_with_those_there_are() {
    assert_eq!(
        Board::find("simm").expect_err("no such board").to_string(),
        "simm:1:1: there is no board \"simm\"\n  remedy: use one of: sim, raspberry-pi-desk-phone, raspberry-pi-intercom, \
         qemu-phone, usb-blink1, usb-luxafor, usb-delcom, usb-dream-cheeky, usb-riso-kagaku, template; or the path of a file"
    );
    let faults = Board::find("./no-such-file.toml").expect_err("no such file");
    assert!(faults.to_string().contains("cannot be read"), "{faults}");
}

const HARD: &str = "name = \"b\"\nbackend = \"hardware\"\n";

#[test]
fn lines_are_read_with_how_they_are_used() {
    let text = format!(
        "{HARD}[[button]]\nname = \"hook\"\nkind = \"switch\"\nline = \"gpio:GPIO17\"\nbias = \"pull-up\"\n\
         active_low = true\ndebounce = 20\n\
         [[button]]\nname = \"dnd\"\nline = \"gpio:gpiochip0/27\"\npoll = 10\n\
         [[button]]\nname = \"f1\"\nline = \"key:gpio-keys/148\"\n\
         [[lamp]]\nname = \"blf1\"\nred = \"gpio:GPIO23\"\ngreen = \"led:lampfield:green1\"\nactive_low = true\n"
    );
    let board = Board::parse("b.toml", &text).expect("a good board");
    let inputs: Vec<&Placed<Input>> = board.buttons.iter().flat_map(|it| &it.input).collect();
    assert_eq!((inputs[0].row, inputs[0].text.as_str()), (6, "gpio:GPIO17"));
    let hook = GpioLine {
        pin: Pin::Named("GPIO17".to_string()),
        active_low: true,
        bias: Bias::PullUp,
        debounce: Duration::from_millis(20),
        poll: None,
    };
    assert_eq!(inputs[0].value, Input::Gpio(hook));
    let dnd = GpioLine {
        pin: Pin::Numbered("gpiochip0".to_string(), 27),
        active_low: false,
        bias: Bias::AsIs,
        debounce: Duration::from_millis(5),
        poll: Some(Duration::from_millis(10)),
    };
    assert_eq!(inputs[1].value, Input::Gpio(dnd));
    let f1 = KeyLine {
        device: Some("gpio-keys".to_string()),
        code: Code::Key(148),
        debounce: None,
    };
    assert_eq!(inputs[2].value, Input::Key(f1));
    let [red, green] = &board.lamps[0].elements[..] else {
        panic!("two elements: {:?}", board.lamps[0]);
    };
    assert_eq!((red.hue, green.hue), (Hue::Red, Hue::Green));
    let red = red.output.as_ref().map(|it| &it.value);
    assert!(
        matches!(red, Some(Output::Gpio(line)) if line.active_low),
        "{red:?}"
    );
    let name = "lampfield:green1".to_string();
    let green = green.output.as_ref().map(|it| &it.value);
    assert_eq!(green, Some(&Output::Led(LedLine { name, bright: 100 })));
}

#[test]
fn mistakes_in_lines_are_told_with_their_places() {
    let button = |line: &str| format!("{HARD}[[button]]\nname = \"a\"\nline = \"{line}\"\n");
    for (line, remedy) in [
        (
            "GPIO17",
            "write gpio:NAME, gpio:CHIP/NUMBER, led:NAME or key:DEVICE/CODE",
        ),
        (
            "gpio:",
            "write gpio:NAME, gpio:CHIP/NUMBER, led:NAME or key:DEVICE/CODE",
        ),
        (
            "pin:4",
            "write gpio:NAME, gpio:CHIP/NUMBER, led:NAME or key:DEVICE/CODE",
        ),
        (
            "gpio:chip0/x",
            "write gpio:CHIP/NUMBER, as gpio:gpiochip0/17, or gpio:NAME",
        ),
        (
            "gpio:/4",
            "write gpio:CHIP/NUMBER, as gpio:gpiochip0/17, or gpio:NAME",
        ),
        (
            "key:KEY_F1",
            "write key:DEVICE/CODE, as key:gpio-keys/KEY_F1; * is any device",
        ),
        ("led:../x", "write led:NAME with NAME as in /sys/class/leds"),
    ] {
        refused(
            &button(line),
            &format!("b.toml:5:8: \"{line}\" is no line\n  remedy: {remedy}"),
        );
    }
    refused(
        &button("led:x"),
        "b.toml:5:8: a button cannot be an LED\n  \
         remedy: write gpio:NAME, gpio:CHIP/NUMBER or key:DEVICE/CODE",
    );
    refused(
        &format!("{HARD}[[lamp]]\nname = \"a\"\nred = \"key:*/1\"\n"),
        "b.toml:5:7: a lamp cannot be a key\n  remedy: write gpio:NAME, gpio:CHIP/NUMBER or led:NAME",
    );
    refused(
        &format!("{HARD}[[lamp]]\nname = \"a\"\n"),
        "b.toml:3:1: [[lamp]] has no line\n  \
         remedy: add red = \"gpio:GPIO23\", or green, blue, amber, white",
    );
    refused(
        &format!("{}bias = \"pull-up\"\n", button("key:*/1")),
        "b.toml:6:1: bias is only for lines of the kind gpio\n  remedy: leave it out",
    );
    refused(
        &format!("{}debounce = 1001\n", button("gpio:A")),
        "b.toml:6:12: debounce is 1001, which is out of range\n  \
         remedy: write debounce = N with N from 0 to 1000",
    );
}

#[test]
fn a_line_is_claimed_once() {
    refused(
        &format!(
            "{HARD}[[button]]\nname = \"a\"\nline = \"gpio:GPIO4\"\n\
             [[lamp]]\nname = \"b\"\nred = \"gpio:GPIO4\"\n"
        ),
        "b.toml:8:7: the line \"gpio:GPIO4\" is claimed already, in line 5\n  remedy: name another line",
    );
}

fn board(lamp: &str) -> Result<Board, Faults> {
    let head = "name = \"b\"\nbackend = \"hardware\"\n[[lamp]]\nname = \"light\"\n";
    Board::parse("b.toml", &format!("{head}{lamp}"))
}

#[test]
fn one_pattern_names_the_three_leds_of_a_light() {
    let light = board("rgb = \"led:thingm*:{colour}:led0\"\nbright = 40").expect("a board");
    let lines: Vec<(Hue, &str)> = light.lamps[0]
        .elements
        .iter()
        .map(|it| (it.hue, it.output.as_ref().expect("a line").text.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            (Hue::Red, "led:thingm*:red:led0"),
            (Hue::Green, "led:thingm*:green:led0"),
            (Hue::Blue, "led:thingm*:blue:led0"),
        ]
    );
    for element in &light.lamps[0].elements {
        let output = element.output.as_ref().map(|it| &it.value);
        let Some(Output::Led(line)) = output else {
            panic!("an LED: {output:?}")
        };
        assert_eq!(line.bright, 40);
    }
    for (lamp, what) in [
        (
            "rgb = \"led:thingm*:red\"",
            "\"led:thingm*:red\" is no pattern of LEDs",
        ),
        (
            "rgb = \"gpio:{colour}\"",
            "\"gpio:{colour}\" is no pattern of LEDs",
        ),
        (
            "rgb = \"led:{colour}\"\nred = \"led:x\"",
            "rgb has a red line already",
        ),
        (
            "red = \"led:x\"\nbright = 0",
            "bright is 0, which is out of range",
        ),
        ("bright = 40", "[[lamp]] has no line"),
    ] {
        let faults = board(lamp).expect_err(what).faults;
        let said: Vec<&str> = faults.iter().map(|it| it.what.as_str()).collect();
        assert_eq!(said, [what]);
    }
}
