//! LEDs as folders of plain files: they keep what was written, but no kernel answers. The truth is on the bench.

use super::*;
use std::path::PathBuf;
use std::string::ToString;

/// A folder as the kernel's, taken away with the test.
struct Root(PathBuf);

impl Root {
    fn new(test: &str) -> Root {
        let path =
            std::env::temp_dir().join(format!("lampfield-leds-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Root(path)
    }

    /// An LED that `trigger` moves.
    fn add(&self, name: &str, max: &str, trigger: &str) {
        fs::create_dir(self.0.join(name)).expect("a folder");
        self.write(name, "brightness", "1\n");
        self.write(name, "max_brightness", max);
        self.write(name, "trigger", trigger);
    }

    /// Gives an LED what the `timer` trigger gives it.
    fn add_delays(&self, name: &str) {
        self.write(name, "delay_on", "500\n");
        self.write(name, "delay_off", "500\n");
    }

    fn write(&self, name: &str, file: &str, text: &str) {
        fs::write(self.0.join(name).join(file), text).expect("written");
    }

    /// The value in a file; what an earlier and longer one left behind it does not count, as in the kernel.
    fn read(&self, name: &str, file: &str) -> String {
        let text = fs::read_to_string(self.0.join(name).join(file)).expect("read");
        text.lines().next().unwrap_or_default().to_string()
    }

    fn open(&self, name: &str) -> Result<Led, Problem> {
        Led::open(&self.0, name, 100)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const SLOW: Duration = Duration::from_millis(500);

#[test]
fn an_led_is_taken_from_whatever_moved_it_and_dark() {
    let root = Root::new("taken");
    root.add("ACT", "255\n", "none timer [mmc0]\n");
    root.open("ACT").expect("it is there");
    assert_eq!(root.read("ACT", "trigger"), "none");
    assert_eq!(root.read("ACT", "brightness"), "0");
}

#[test]
fn lit_is_as_bright_as_it_goes() {
    let root = Root::new("lit");
    for (name, max) in [("one", "1\n"), ("many", "255\n"), ("wide", "4294967295\n")] {
        root.add(name, max, "[none]\n");
        let mut led = root.open(name).expect("it is there");
        led.set(true).expect("lit");
        assert_eq!(root.read(name, "brightness"), max.trim());
        led.set(false).expect("dark");
        assert_eq!(root.read(name, "brightness"), "0");
    }
}

#[test]
fn the_kernel_is_told_the_rhythm_and_then_to_stop_it() {
    let root = Root::new("rhythm");
    root.add("blf1", "1\n", "[none] timer\n");
    root.add_delays("blf1");
    let mut led = root.open("blf1").expect("it is there");
    let wink = (Duration::from_millis(900), Duration::from_millis(100));
    assert!(led.blink(wink.0, wink.1).expect("blinks"));
    assert_eq!(root.read("blf1", "trigger"), "timer");
    assert_eq!(root.read("blf1", "delay_on"), "900");
    assert_eq!(root.read("blf1", "delay_off"), "100");
    led.set(true).expect("lit");
    assert_eq!(root.read("blf1", "trigger"), "none");
    assert_eq!(root.read("blf1", "brightness"), "1");
}

#[test]
fn without_the_timer_trigger_the_answer_is_no_and_the_led_is_dark() {
    let root = Root::new("no-timer");
    root.add("blf1", "1\n", "[none]\n");
    let mut led = root.open("blf1").expect("it is there");
    led.set(true).expect("lit");
    assert!(!led.blink(SLOW, SLOW).expect("no error"));
    assert_eq!(root.read("blf1", "trigger"), "none");
    assert_eq!(root.read("blf1", "brightness"), "0");

    root.add("bare", "1\n", "");
    fs::remove_file(root.0.join("bare/trigger")).expect("removed");
    let mut led = root.open("bare").expect("it is there");
    assert!(!led.blink(SLOW, SLOW).expect("no error"));
    led.set(true).expect("lit");
    assert_eq!(root.read("bare", "brightness"), "1");
}

#[test]
fn an_led_that_is_not_there_is_told_with_those_there_are() {
    let root = Root::new("missing");
    let none = root.open("blf1").expect_err("there is none");
    let remedy = "plug it in, or load the driver of the LED: it has none yet";
    assert_eq!(none.remedy, remedy);
    root.add("PWR", "1\n", "[none]\n");
    root.add("ACT", "1\n", "[none]\n");
    let other = root.open("blf1").expect_err("there is no such one");
    assert_eq!(
        other.what,
        format!("is not there: {} has no such LED", root.0.display())
    );
    assert_eq!(other.remedy, "use one of: ACT, PWR");
    for name in ["..", ".", "ACT/../PWR", "ACT/"] {
        assert_eq!(root.open(name).expect_err("no name"), other, "{name}");
    }
}

#[test]
fn what_forbids_an_led_is_named_with_its_remedy() {
    let root = Path::new("/sys/class/leds");
    let denied = problem(Errno::ACCESS, root, "ACT");
    assert_eq!(
        denied.what,
        "may not be lit: permission denied for /sys/class/leds/ACT/brightness"
    );
    assert!(denied.remedy.contains("group leds"));
    let sealed = problem(Errno::ROFS, root, "ACT");
    assert_eq!(
        sealed.what,
        "may not be lit: /sys/class/leds/ACT is read-only"
    );
    assert!(sealed.remedy.contains("ReadWritePaths"));
}

#[test]
fn a_broken_led_is_told_as_such() {
    let root = Root::new("broken");
    root.add("odd", "bright\n", "[none]\n");
    let odd = root.open("odd").expect_err("no number");
    assert!(odd.what.starts_with("does not work: "), "{odd:?}");
}

#[test]
fn an_led_that_went_is_noticed_also_when_another_took_its_place() {
    let root = Root::new("went");
    root.add("blf1", "1\n", "[none]\n");
    let led = root.open("blf1").expect("it is there");
    assert!(led.is_there());
    fs::remove_dir_all(root.0.join("blf1")).expect("removed");
    root.add("blf1", "1\n", "[none]\n");
    assert!(!led.is_there());
    assert!(root.open("blf1").expect("the new one").is_there());
}

#[test]
fn a_star_stands_for_any_letters() {
    for (name, pattern, expected) in [
        ("thingm0:red:led0", "thingm*:red:led0", true),
        ("thingm12:red:led0", "thingm*:red:led*", true),
        ("thingm0:red:led1", "thingm*:red:led0", false),
        ("thingm0:green:led0", "thingm*:red:led0", false),
        ("delcom0:red", "delcom*:red", true),
        ("delcom:red", "delcom*:red", true),
        ("ACT", "ACT", true),
        ("ACT", "AC", false),
        ("ACT", "*", true),
        ("", "*", true),
        ("aXbXc", "a*X*c", true),
    ] {
        assert_eq!(fits(name, pattern), expected, "{name}, {pattern}");
    }
}
