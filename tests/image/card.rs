//! A card: made by `boards/image/build`, edited as people edit theirs, put into an emulated Raspberry Pi.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::bench::{Bench, SOON, finish, holds_within, new_folder, repository};

/// Booting an emulated Raspberry Pi takes 10 s alone, and much more on a busy machine.
const BOOT: Duration = Duration::from_secs(180);

/// The kinds of image that are booted here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 64 bits, tried on a Raspberry Pi 3.
    Arm64,
    /// ARMv6, tried on a Raspberry Pi Zero.
    Armel,
}

/// A card of one's own.
pub(crate) struct Card {
    folder: PathBuf,
    kind: Kind,
}

/// A Raspberry Pi with a card in it, switched on. The power is cut when it is dropped.
pub(crate) struct Pi {
    pub(crate) bench: Bench,
    folder: PathBuf,
}

impl Card {
    /// A new card with nothing changed on it.
    pub(crate) fn new(kind: Kind) -> Card {
        let card = Card {
            folder: new_folder(),
            kind,
        };
        let image = kind.image();
        finish(
            Command::new("cp")
                .arg("--sparse=always")
                .arg(image)
                .arg(card.image()),
        );
        card
    }

    /// Puts a file onto it, as any computer does.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let file = self.folder.join(name);
        fs::write(&file, bytes).expect("the folder can be written to");
        let mut copy = self.mtools("mcopy");
        finish(
            copy.args(["-o", "-i"])
                .arg(self.partition())
                .arg(file)
                .arg("::"),
        );
    }

    /// Gives a file on it another name.
    pub(crate) fn rename(&self, name: &str, to: &str) {
        let mut rename = self.mtools("mren");
        finish(
            rename
                .arg("-i")
                .arg(self.partition())
                .args([name, to].map(|it| format!("::{it}"))),
        );
    }

    /// A text on it.
    pub(crate) fn read(&self, name: &str) -> String {
        let mut read = self.mtools("mtype");
        finish(
            read.arg("-i")
                .arg(self.partition())
                .arg(format!("::{name}")),
        )
    }

    /// A folder with copies of its files of these names.
    pub(crate) fn extract(&self, pattern: &str) -> PathBuf {
        let folder = self.folder.join("extracted");
        fs::create_dir_all(&folder).expect("the folder can be written to");
        let mut copy = self.mtools("mcopy");
        finish(
            copy.args(["-n", "-i"])
                .arg(self.partition())
                .arg(format!("::{pattern}"))
                .arg(&folder),
        );
        folder
    }

    /// Switches a Raspberry Pi with this card on, and returns when the agent serves.
    pub(crate) fn boot(&self) -> Pi {
        self.boot_until("lampfield: ready")
    }

    /// Switches a Raspberry Pi with this card on, and returns when it says so.
    pub(crate) fn boot_until(&self, words: &str) -> Pi {
        let folder = new_folder();
        symlink(self.image(), folder.join("card.img")).expect("a new folder");
        let arguments = [
            format!("--board={}", self.kind.board()),
            format!("--image={}", self.image().display()),
            "--same-card".to_owned(),
            format!("--ready={words}"),
            format!("--timeout={}", BOOT.as_secs()),
        ];
        Pi {
            bench: Bench::boot(folder.clone(), &arguments),
            folder,
        }
    }

    fn image(&self) -> PathBuf {
        self.folder.join("card")
    }

    /// As mtools name it: the first partition begins at 1 MiB.
    fn partition(&self) -> String {
        format!("{}@@1M", self.image().display())
    }

    fn mtools(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        // It would ask on the terminal what to do with names that are there.
        command
            .env("MTOOLS_SKIP_CHECK", "1")
            .current_dir(&self.folder);
        command
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            fs::remove_dir_all(&self.folder).ok();
        }
    }
}

impl Pi {
    /// All that it said on its serial port.
    pub(crate) fn console(&self) -> String {
        let console = fs::read(self.folder.join("console.log")).unwrap_or_default();
        String::from_utf8_lossy(&console).into_owned()
    }

    /// Waits until it has said this on its serial port.
    #[track_caller]
    pub(crate) fn expect_console(&self, words: &str) {
        let said = holds_within(SOON, || self.console().contains(words));
        assert!(said, "no {words:?} in:\n{}", self.console());
    }

    /// Cuts the power.
    pub(crate) fn cut(self) {}
}

impl Kind {
    /// An unchanged image, built once by each run of the tests.
    fn image(self) -> PathBuf {
        static BUILT: Mutex<Vec<Kind>> = Mutex::new(Vec::new());
        let name = format!("lampfield-{}.img", self.arch());
        let image = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        if !built.contains(&self) {
            self.build(&image, &[]);
            built.push(self);
        }
        image
    }

    /// Runs `boards/image/build` with these variables in the environment.
    pub(crate) fn build(self, output: &Path, environment: &[(&str, &str)]) {
        let mut build = Command::new(repository().join("boards/image/build"));
        build
            .envs(environment.iter().copied())
            .current_dir(repository());
        // What cargo sets for the host's libraries misleads another compiler.
        build.env_remove("LD_LIBRARY_PATH");
        if let Some(binary) = std::env::var_os(self.variable()) {
            build.arg("-b").arg(binary);
        }
        finish(build.arg("-o").arg(output).arg(self.arch()));
    }

    fn arch(self) -> &'static str {
        match self {
            Kind::Arm64 => "arm64",
            Kind::Armel => "armel",
        }
    }

    /// What the bench calls the Raspberry Pi.
    fn board(self) -> &'static str {
        match self {
            Kind::Arm64 => "pi3",
            Kind::Armel => "pi0",
        }
    }

    /// The environment can name a program, so that it need not be built.
    fn variable(self) -> &'static str {
        match self {
            Kind::Arm64 => "LAMPFIELD_AARCH64",
            Kind::Armel => "LAMPFIELD_ARMV6",
        }
    }
}
