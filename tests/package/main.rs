//! The Debian package: what is in it, and its life on a Debian with systemd that runs on an emulated board.
#![cfg(feature = "std")]

#[path = "../common/bench.rs"]
mod bench;
mod system;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use std::{env, fs};

use crate::bench::{finish, new_folder, repository};

/// How long a thing may take that starts processes on the emulated board.
const SLOW: Duration = Duration::from_secs(90);

/// 32 bit: for the emulated board, as for every Raspberry Pi.
const ARMHF: (&str, &str) = ("armhf", "LAMPFIELD_ARMV6");
const ARM64: (&str, &str) = ("arm64", "LAMPFIELD_AARCH64");

#[test]
fn lintian_finds_neither_errors_nor_warnings() {
    for package in [armhf(), arm64()] {
        let mut lintian = Command::new("lintian");
        lintian.args(["--allow-root", "--fail-on", "error,warning"]);
        finish(lintian.arg(package));
    }
}

#[test]
fn the_same_source_makes_the_same_package() {
    let again = build(ARMHF);
    let [first, second] = [armhf(), &again].map(|it| fs::read(it).expect("a package"));
    assert!(first == second, "{} differs", again.display());
}

#[test]
fn a_package_says_what_it_is() {
    for (package, arch) in [(armhf(), "armhf"), (arm64(), "arm64")] {
        let field = |name| finish(Command::new("dpkg-deb").arg("-f").arg(package).arg(name));
        assert_eq!(field("Package").trim(), "lampfield");
        assert_eq!(field("Version").trim(), env!("CARGO_PKG_VERSION"));
        assert_eq!(field("Architecture").trim(), arch);
        // Static: any release will do.
        assert!(!field("Depends").contains("libc"));
    }
}

/// As it is installed, and with every setting taken up that stands there to be.
#[test]
fn the_default_configuration_is_good() {
    let text = fs::read_to_string(packaging("files/lampfield.toml")).expect("there");
    assert!(
        !text.contains("0.0.0.0") || text.contains("#listen"),
        "open to all"
    );
    let taken_up: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
            _ => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    assert_ne!(text, taken_up);
    let folder = new_folder();
    fs::write(folder.join("pbx.password"), "secret\n").expect("written");
    for (name, text) in [("default.toml", text), ("taken_up.toml", taken_up)] {
        let file = folder.join(name);
        fs::write(&file, text).expect("written");
        finish(lampfield().arg("check").arg(file));
    }
    fs::remove_dir_all(folder).expect("removed");
}

/// What a program with TLS may take for an ARMv7, which is not the package's.
const ARMV7: (&str, u64) = ("LAMPFIELD_ARMV7", 1_835_008);

/// The agent's tables are all zeroes at the start: one value that is not, and their 700 kB lie in the file.
#[test]
fn the_tables_cost_no_room_in_the_program() {
    let (variable, most) = ARMV7;
    let Some(program) = env::var_os(variable) else {
        return eprintln!("{variable} names no program");
    };
    let bytes = fs::metadata(program).expect("there").len();
    let tables = size_of::<lampfield::Agent>() as u64;
    assert!(bytes <= most, "{bytes} bytes");
    assert!(most < bytes + tables, "tables would not be noticed");
}

#[test]
fn the_manual_names_every_command() {
    let manual = fs::read_to_string(packaging("files/lampfield.1")).expect("there");
    let help = finish(lampfield().arg("help"));
    let commands = help
        .lines()
        .filter_map(|line| line.strip_prefix("  lampfield "));
    let mut count = 0;
    for word in commands.filter_map(|line| line.split(' ').next()) {
        let word = word.trim_matches(['[', ']']).replace('-', "\\-");
        assert!(manual.contains(&word), "nothing of {word}");
        count += 1;
    }
    assert!(count > 10, "{help}");
    for option in help.split(|it: char| !it.is_alphanumeric() && it != '-') {
        if let Some(name) = option.strip_prefix("--") {
            let written = format!("\\-\\-{}", name.replace('-', "\\-"));
            assert!(manual.contains(&written), "nothing of {option}");
        }
    }
}

fn armhf() -> &'static Path {
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    PACKAGE.get_or_init(|| build(ARMHF))
}

fn arm64() -> &'static Path {
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    PACKAGE.get_or_init(|| build(ARM64))
}

/// Makes a package with the program that a variable names, or that is built now.
fn build((arch, variable): (&str, &str)) -> PathBuf {
    let mut build = Command::new(packaging("build"));
    // What cargo sets for the host's libraries misleads another compiler.
    build
        .arg(arch)
        .arg(new_folder())
        .env_remove("LD_LIBRARY_PATH");
    if let Some(binary) = env::var_os(variable) {
        build.env("LAMPFIELD_BINARY", binary);
    }
    let printed = finish(&mut build);
    printed.lines().last().expect("it prints the file").into()
}

fn packaging(name: &str) -> PathBuf {
    repository().join("boards/package").join(name)
}

fn lampfield() -> Command {
    Command::new(env!("CARGO_BIN_EXE_lampfield"))
}
