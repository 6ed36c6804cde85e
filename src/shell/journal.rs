//! The log: one bounded, escaped line per event, and not too many of them.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::string::{String, ToString};
use std::{env, eprint, eprintln};

use env_logger::{Builder, Target};
use log::{Level, LevelFilter};

use crate::ground::time::{Duration, Instant};

/// Bytes of one line; the rest is cut.
pub const LINE: usize = 400;

/// Starts the log on standard error: `level`, or `LAMPFIELD_LOG`, or "info". Call it once.
///
/// # Errors
/// `level`, or the variable's value, when it is not one of off, error, warn, info, debug, trace.
pub fn start(level: Option<&str>) -> Result<(), String> {
    let from_environment = env::var("LAMPFIELD_LOG").ok();
    let level = level.or(from_environment.as_deref()).unwrap_or("info");
    let filter: LevelFilter = level.parse().map_err(|_| String::from(level))?;
    let prefix = if is_read_by_journald() {
        priority
    } else {
        prefix
    };
    let started = Builder::new()
        .filter_level(LevelFilter::Off)
        .filter_module("lampfield", filter)
        .target(Target::Stderr)
        .format(move |out, record| {
            let mut line = Line::new();
            // A full line takes no more: that is what the bound is for.
            let _ = write!(line, "{}", record.args());
            writeln!(out, "{}{}", prefix(record.level()), line.text)
        })
        .try_init();
    drop(started); // A second agent in one process, as in tests, keeps the first log.
    Ok(())
}

/// Says on standard error why there will be no agent: before there is a log, and whatever its level is.
pub fn complain(text: &dyn fmt::Display) {
    if is_read_by_journald() {
        for line in text.to_string().lines() {
            eprintln!("{}{line}", priority(Level::Error));
        }
    } else {
        // In one piece: standard error may be the kernel's log, where each write is a line.
        let text = std::format!("{text}\n");
        eprint!("{text}");
    }
}

/// Whether standard error is what `JOURNAL_STREAM` says systemd gave us: device and inode (`systemd.exec(5)`). A
/// service that passes its environment on, but not its standard error, is none.
fn is_read_by_journald() -> bool {
    let stderr = rustix::fs::fstat(std::io::stderr());
    let stream = stderr.map(|it| std::format!("{}:{}", it.st_dev, it.st_ino));
    stream.is_ok_and(|stream| env::var("JOURNAL_STREAM").is_ok_and(|named| named == stream))
}

/// For people.
fn prefix(level: Level) -> &'static str {
    match level {
        Level::Error => "lampfield: error: ",
        Level::Warn => "lampfield: warning: ",
        Level::Info => "lampfield: ",
        Level::Debug => "lampfield: debug: ",
        Level::Trace => "lampfield: trace: ",
    }
}

/// For the journal, which adds time and name: `sd-daemon(3)`.
fn priority(level: Level) -> &'static str {
    match level {
        Level::Error => "<3>",
        Level::Warn => "<4>",
        Level::Info => "<6>",
        Level::Debug | Level::Trace => "<7>",
    }
}

/// Text on its way into a log line: control characters, line ends above all, become visible escapes.
struct Line {
    text: String,
}

impl Line {
    fn new() -> Line {
        Line {
            text: String::with_capacity(LINE),
        }
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            if self.text.len() + 12 > LINE {
                self.text.push('…');
                return Err(fmt::Error);
            }
            if is_safe(letter) {
                self.text.push(letter);
            } else {
                self.text.extend(letter.escape_default());
            }
        }
        Ok(())
    }
}

/// Control characters end lines or move a terminal's cursor; those that turn the writing direction hide text.
fn is_safe(letter: char) -> bool {
    !letter.is_control()
        && !matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

/// How many lines strangers can make us write: a short burst, then a steady few.
#[derive(Debug)]
pub struct Limiter {
    tokens: u32,
    filled: Instant,
    /// Lines kept back since the last one that was let through.
    kept_back: u32,
}

const BURST: u32 = 20;
const INTERVAL: Duration = Duration::from_secs(1);

impl Limiter {
    /// A limiter that lets a burst through.
    pub const fn new() -> Limiter {
        Limiter {
            tokens: BURST,
            filled: Instant::ZERO,
            kept_back: 0,
        }
    }

    /// Whether a line may be written now; if so, how many were kept back before it.
    pub fn admit(&mut self, now: Instant) -> Option<u32> {
        let steps = (now - self.filled).as_micros() / INTERVAL.as_micros();
        if steps > 0 {
            let steps = u32::try_from(steps).unwrap_or(u32::MAX);
            self.tokens = self.tokens.saturating_add(steps).min(BURST);
            self.filled = now;
        }
        if self.tokens == 0 {
            self.kept_back = self.kept_back.saturating_add(1);
            return None;
        }
        self.tokens -= 1;
        Some(std::mem::take(&mut self.kept_back))
    }
}

impl Default for Limiter {
    fn default() -> Limiter {
        Limiter::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        let mut line = Line::new();
        let _ = line.write_str(text);
        line.text
    }

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(
            line("from \"x\r\nlampfield: ready\x1b[2J\""),
            "from \"x\\r\\nlampfield: ready\\u{1b}[2J\""
        );
        assert_eq!(line("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(line("Grüße"), "Grüße");
    }

    #[test]
    fn a_line_is_bounded() {
        for letter in ["x", "\x01", "\u{1f4de}"] {
            let long = line(&letter.repeat(10_000));
            assert!(long.len() <= LINE + 12, "{}", long.len());
            assert!(long.ends_with('…'));
        }
    }

    #[test]
    fn a_flood_writes_a_burst_then_one_line_a_second() {
        let mut limiter = Limiter::new();
        let start = Instant::from_millis(60_000);
        let burst = (0..1_000).filter(|_| limiter.admit(start).is_some());
        assert_eq!(burst.count(), BURST as usize);
        let later = start + INTERVAL;
        assert_eq!(limiter.admit(later), Some(1_000 - BURST));
        assert_eq!(limiter.admit(later), None);
        let much_later = start + INTERVAL * 3_600;
        let burst = (0..1_000).filter(|_| limiter.admit(much_later).is_some());
        assert_eq!(burst.count(), BURST as usize);
    }
}
