//! The GPIO chips of this machine, and which line is meant by a name.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;
use std::{format, fs};

use gpiocdev_uapi::v2;

use crate::shell::panel::Problem;
use crate::shell::panel::board::line::Pin;

/// A chip that is there.
pub(super) struct Chip {
    /// Its device.
    pub(super) file: File,
    name: String,
    label: String,
    lines: u32,
}

/// Where a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    /// Index into [`Chips::found`].
    pub(super) chip: usize,
    /// The line's number on it.
    pub(super) offset: u32,
}

/// The chips there are, by their numbers.
pub(super) struct Chips {
    pub(super) found: Vec<Chip>,
    /// A chip that we may not open.
    forbidden: Option<PathBuf>,
}

impl Chips {
    /// Looks for chips in `folder`, which is `/dev`.
    pub(super) fn scan(folder: &Path) -> Chips {
        let mut chips = Chips {
            found: Vec::new(),
            forbidden: None,
        };
        for path in devices(folder) {
            let file = OpenOptions::new().read(true).write(true).open(&path);
            match file {
                Ok(file) => chips.found.extend(Chip::new(file)),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    chips.forbidden.get_or_insert(path);
                }
                Err(_) => {} // It has gone just now.
            }
        }
        chips
    }

    /// Where each of `pins` is.
    pub(super) fn locate(&self, pins: &[&Pin]) -> Vec<Result<Spot, Problem>> {
        let mut spots: Vec<Option<Spot>> = pins.iter().map(|_| None).collect();
        if pins.iter().any(|pin| matches!(pin, Pin::Named(_))) {
            self.look_for_names(pins, &mut spots);
        }
        let all = pins.iter().zip(spots);
        all.map(|(pin, spot)| match (pin, spot) {
            (_, Some(spot)) => Ok(spot),
            (Pin::Numbered(chip, offset), None) => self.numbered(chip, *offset),
            (Pin::Named(_), None) => {
                Err(self.missing("is not there: no chip has a line of that name"))
            }
        })
        .collect()
    }

    /// One walk over all lines; of several with one name the first counts.
    fn look_for_names(&self, pins: &[&Pin], spots: &mut [Option<Spot>]) {
        for (chip, it) in self.found.iter().enumerate() {
            for offset in 0..it.lines {
                let Ok(info) = v2::get_line_info(&it.file, offset) else {
                    continue;
                };
                let name = &info.name.0[..info.name.strlen()];
                let mut all = pins.iter().zip(spots.iter_mut());
                let wanted = all.find(|(pin, spot)| {
                    spot.is_none() && matches!(pin, Pin::Named(it) if it.as_bytes() == name)
                });
                if let Some((_, spot)) = wanted {
                    *spot = Some(Spot { chip, offset });
                }
            }
        }
    }

    fn numbered(&self, wanted: &str, offset: u32) -> Result<Spot, Problem> {
        let mut all = self.found.iter();
        let Some(chip) = all.position(|it| it.name == wanted || it.label == wanted) else {
            return Err(self.missing(&format!("is not there: no chip is called \"{wanted}\"")));
        };
        let Chip { lines, label, .. } = &self.found[chip];
        if offset >= *lines {
            let what = format!("is not there: {wanted} has {lines} lines");
            let remedy = format!(
                "use a number from 0 to {} of {label}",
                lines.saturating_sub(1)
            );
            return Err(Problem::new(what, remedy));
        }
        Ok(Spot { chip, offset })
    }

    fn missing(&self, what: &str) -> Problem {
        if let Some(path) = &self.forbidden {
            let what = format!("cannot be looked for: {} may not be opened", path.display());
            return Problem::new(what, ALLOW);
        }
        if self.found.is_empty() {
            let remedy = "load the driver of the GPIO chip, or choose the board of this machine";
            return Problem::new("is not there: this machine has no GPIO chip", remedy);
        }
        let names = self.found.iter();
        let names: Vec<String> = names
            .map(|it| format!("{} ({})", it.name, it.label))
            .collect();
        let remedy = format!(
            "`gpioinfo` lists the lines; the chips are {}",
            names.join(", ")
        );
        Problem::new(what, remedy)
    }
}

impl Chip {
    /// `None` for a file that is no GPIO chip.
    fn new(file: File) -> Option<Chip> {
        let info = v2::get_chip_info(&file).ok()?;
        Some(Chip {
            file,
            name: String::from(&info.name),
            label: String::from(&info.label),
            lines: info.num_lines,
        })
    }
}

/// What to do where the kernel says that we may not.
pub(super) const ALLOW: &str =
    "run as a user of the group gpio, or give that group the device by a udev rule";

/// `gpiochip0`, `gpiochip1`, … in the order of their numbers; links to them are left out.
fn devices(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut numbered: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|it| !it.is_symlink()))
        .filter_map(|entry| Some((number(&entry.file_name())?, entry.path())))
        .collect();
    numbered.sort();
    numbered.into_iter().map(|(_, path)| path).collect()
}

fn number(name: &OsStr) -> Option<u32> {
    name.to_str()?.strip_prefix("gpiochip")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    fn chips() -> Chips {
        let chip = |name: &str, label: &str, lines| Chip {
            file: File::open("/dev/null").expect("opened"),
            name: name.to_string(),
            label: label.to_string(),
            lines,
        };
        Chips {
            found: Vec::from([
                chip("gpiochip0", "pinctrl-bcm2835", 54),
                chip("gpiochip1", "expander", 8),
            ]),
            forbidden: None,
        }
    }

    fn pin(chip: &str, offset: u32) -> Pin {
        Pin::Numbered(chip.to_string(), offset)
    }

    #[test]
    fn a_chip_is_found_by_its_device_and_by_its_label() {
        let found = chips().locate(&[&pin("gpiochip0", 53), &pin("expander", 7)]);
        let spots = [(0, 53), (1, 7)].map(|(chip, offset)| Ok(Spot { chip, offset }));
        assert_eq!(found, spots);
    }

    #[track_caller]
    fn misses(chips: &Chips, pin: &Pin, what: &str, remedy: &str) {
        assert_eq!(chips.locate(&[pin]), [Err(Problem::new(what, remedy))]);
    }

    #[test]
    fn a_line_that_is_not_there_is_told_with_what_is() {
        misses(
            &chips(),
            &pin("expander", 8),
            "is not there: expander has 8 lines",
            "use a number from 0 to 7 of expander",
        );
        let all = "`gpioinfo` lists the lines; the chips are gpiochip0 (pinctrl-bcm2835), gpiochip1 (expander)";
        misses(
            &chips(),
            &pin("gpiochip7", 0),
            "is not there: no chip is called \"gpiochip7\"",
            all,
        );
        misses(
            &chips(),
            &Pin::Named("GPIO99".to_string()),
            "is not there: no chip has a line of that name",
            all,
        );
    }

    #[test]
    fn a_machine_without_chips_says_so() {
        misses(
            &Chips::scan(Path::new("/nonexistent")),
            &Pin::Named("GPIO4".to_string()),
            "is not there: this machine has no GPIO chip",
            "load the driver of the GPIO chip, or choose the board of this machine",
        );
    }

    #[test]
    fn a_forbidden_chip_is_what_is_wrong() {
        let mut chips = chips();
        chips.forbidden = Some(PathBuf::from("/dev/gpiochip2"));
        misses(
            &chips,
            &Pin::Named("GPIO4".to_string()),
            "cannot be looked for: /dev/gpiochip2 may not be opened",
            ALLOW,
        );
    }
}
