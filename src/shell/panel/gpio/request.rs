//! What is asked of the kernel, and what its refusals mean.

use std::format;
use std::fs::File;
use std::string::String;

use gpiocdev_uapi::v2::{self, LineConfig, LineFlags, LineRequest, LineValues, Name, Offsets};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::Errno;

use super::chips::ALLOW;
use crate::ground::time::Duration;
use crate::shell::panel::Problem;
use crate::shell::panel::board::line::{Bias, GpioLine};

/// How the kernel tells us of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watching {
    /// By debounced edges.
    Edges,
    /// By edges as they come; we debounce.
    RawEdges,
    /// Not at all: we read it.
    Polling,
}

/// Lines that are asked for together are of one kind: same chip, same use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Buttons.
    Input(Watching),
    /// Lamps.
    Output,
}

/// Asks for the lines at `offsets` of `chip`, all like `line`; outputs begin with `values`.
pub(super) fn request(
    chip: &File,
    offsets: &[u32],
    line: &GpioLine,
    wanted: Use,
    values: LineValues,
) -> Result<File, Errno> {
    let count = u32::try_from(offsets.len()).map_err(|_| Errno::INVAL)?;
    let mut request = LineRequest {
        offsets: Offsets::from_slice(offsets),
        consumer: Name::from(CONSUMER),
        config: config(
            line,
            wanted,
            values,
            u64::MAX >> (64 - offsets.len().clamp(1, 64)),
        ),
        num_lines: count,
        ..LineRequest::default()
    };
    if matches!(wanted, Use::Input(Watching::Edges | Watching::RawEdges)) {
        request.event_buffer_size = EVENTS;
    }
    let file = v2::get_line(chip, request).map_err(|error| errno(&error))?;
    fcntl_setfl(&file, OFlags::NONBLOCK)?;
    Ok(file)
}

/// Edges that the kernel keeps for us, while the loop is busy elsewhere.
pub(super) const EVENTS: u32 = 256;

/// As `gpioinfo` shows us.
pub(super) const CONSUMER: &str = "lampfield";

fn config(line: &GpioLine, wanted: Use, values: LineValues, all: u64) -> LineConfig {
    let mut flags = match wanted {
        Use::Output => LineFlags::OUTPUT,
        Use::Input(Watching::Polling) => LineFlags::INPUT,
        Use::Input(Watching::Edges | Watching::RawEdges) => {
            LineFlags::INPUT | LineFlags::EDGE_RISING | LineFlags::EDGE_FALLING
        }
    };
    if line.active_low {
        flags |= LineFlags::ACTIVE_LOW;
    }
    flags |= match line.bias {
        Bias::AsIs => LineFlags::empty(),
        Bias::PullUp => LineFlags::BIAS_PULL_UP,
        Bias::PullDown => LineFlags::BIAS_PULL_DOWN,
        Bias::Disabled => LineFlags::BIAS_DISABLED,
    };
    let mut config = LineConfig {
        flags,
        ..LineConfig::default()
    };
    match wanted {
        Use::Output => config.add_values(&values),
        Use::Input(Watching::Edges) if !line.debounce.is_zero() => {
            config.add_debounce(micros(line.debounce), all);
        }
        Use::Input(_) => {}
    }
    config
}

fn micros(period: Duration) -> u32 {
    u32::try_from(period.as_micros()).unwrap_or(u32::MAX)
}

/// Whether a request for edges that was refused so may be granted with less. Chips without interrupts answer
/// ENODEV or ENXIO, those that cannot debounce for so long EINVAL.
pub(super) fn is_worth_less(error: Errno) -> bool {
    !matches!(error, Errno::BUSY | Errno::PERM | Errno::ACCESS)
}

/// A refusal in words. `chip` and `offset` say who has the line.
pub(super) fn refused(error: Errno, chip: &File, offset: u32) -> Problem {
    match error {
        Errno::BUSY => busy(chip, offset),
        Errno::PERM | Errno::ACCESS => Problem::new("is forbidden", ALLOW),
        Errno::NOTTY => Problem::new(
            "cannot be used: this kernel is too old",
            "use Linux 5.10 or later",
        ),
        error => Problem::new(format!("cannot be used: {error}"), "see the kernel's log"),
    }
}

fn busy(chip: &File, offset: u32) -> Problem {
    let consumer = v2::get_line_info(chip, offset).map(|info| String::from(&info.consumer));
    let consumer = consumer.unwrap_or_default();
    let what = format!("is taken by \"{}\"", consumer.escape_debug());
    if consumer == CONSUMER {
        let remedy =
            "stop the other agent, or name another line: the board may have this one twice";
        return Problem::new(what, remedy);
    }
    let remedy = "name another line, or take it away from there; what a kernel driver has is reached \
                  by key:DEVICE/CODE or led:NAME";
    Problem::new(what, remedy)
}

/// A line that worked and does so no more.
pub(super) fn lost(error: Errno) -> Problem {
    Problem::new(
        format!("has gone: {error}"),
        "plug it in again; it is found within a minute",
    )
}

/// The kernel's number behind an error of the interface.
pub(super) fn errno(error: &v2::Error) -> Errno {
    match *error {
        v2::Error::Os(v2::Errno(number)) => Errno::from_raw_os_error(number),
        v2::Error::UnderRead(_) => Errno::IO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::panel::board::line::Pin;

    fn line() -> GpioLine {
        GpioLine {
            pin: Pin::Numbered(String::new(), 0),
            active_low: true,
            bias: Bias::PullUp,
            debounce: Duration::from_millis(5),
            poll: None,
        }
    }

    #[test]
    fn an_input_asks_for_debounced_edges_or_for_less() {
        let common = LineFlags::INPUT | LineFlags::ACTIVE_LOW | LineFlags::BIAS_PULL_UP;
        let edges = LineFlags::EDGE_RISING | LineFlags::EDGE_FALLING;
        for (watching, flags, attributes) in [
            (Watching::Edges, common | edges, 1),
            (Watching::RawEdges, common | edges, 0),
            (Watching::Polling, common, 0),
        ] {
            let config = config(&line(), Use::Input(watching), LineValues::default(), 0b11);
            assert_eq!((config.flags, config.num_attrs), (flags, attributes));
        }
        let config = config(
            &line(),
            Use::Input(Watching::Edges),
            LineValues::default(),
            0b11,
        );
        let period = config.attr(0).attr.to_value();
        assert_eq!(period, Some(v2::LineAttributeValue::DebouncePeriod(5_000)));
        assert_eq!(config.attr(0).mask, 0b11);
    }

    #[test]
    fn an_output_begins_as_it_is_told() {
        let values = LineValues::from_slice(&[false, true]);
        let mut line = line();
        line.bias = Bias::AsIs;
        let config = config(&line, Use::Output, values, 0b11);
        assert_eq!(config.flags, LineFlags::OUTPUT | LineFlags::ACTIVE_LOW);
        let values = config.attr(0).attr.to_value();
        assert_eq!(values, Some(v2::LineAttributeValue::Values(0b10)));
    }

    #[test]
    fn a_file_that_is_no_chip_refuses() {
        let null = File::open("/dev/null").expect("opened");
        let refusal = request(&null, &[1], &line(), Use::Output, LineValues::default());
        assert_eq!(refusal.err(), Some(Errno::NOTTY));
        let problem = refused(Errno::NOTTY, &null, 1);
        assert_eq!(problem.what, "cannot be used: this kernel is too old");
    }
}
