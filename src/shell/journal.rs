//! The log: one bounded, escaped line per event, and not too many of them. Nobody who reads it can hold the agent up.

use std::boxed::Box;
use std::env;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::string::{String, ToString};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use env_logger::{Builder, Target};
use log::{Level, LevelFilter};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, fstat};

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
    let reader = Arc::new(Reader::of(std::io::stderr()));
    let target = match Terminal::behind(std::io::stderr(), &reader) {
        Some(terminal) => Target::Pipe(Box::new(terminal)),
        None => Target::Stderr,
    };
    let started = Builder::new()
        .filter_level(LevelFilter::Off)
        .filter_module("lampfield", filter)
        .target(target)
        .format(move |out, record| {
            let Some(lost) = reader.admit(std::io::stderr()) else {
                return Ok(());
            };
            let prefix = prefix(record.level());
            if lost > 0 {
                writeln!(out, "{prefix}{lost} lines lost before: nobody read them")?;
            }
            let mut line = Line::new();
            // A full line takes no more: that is what the bound is for.
            let _ = write!(line, "{}", record.args());
            writeln!(out, "{prefix}{}", line.text)
        })
        .try_init();
    drop(started); // A second agent in one process, as in tests, keeps the first log.
    Ok(())
}

/// Says on standard error why there will be no agent: before there is a log, and whatever its level is.
pub fn complain(text: &dyn fmt::Display) {
    let mut all = String::new();
    if is_read_by_journald() {
        for line in text.to_string().lines() {
            let _ = writeln!(all, "{}{line}", priority(Level::Error)); // A string takes everything.
        }
    } else {
        let _ = writeln!(all, "{text}");
    }
    // In one piece: standard error may be the kernel's log, where each write is a line. If nobody reads it, there is
    // nobody to tell.
    let _ = std::io::stderr().write_all(all.as_bytes());
}

/// Whether standard error is what `JOURNAL_STREAM` says systemd gave us: device and inode (`systemd.exec(5)`). A
/// service that passes its environment on, but not its standard error, is not meant.
fn is_read_by_journald() -> bool {
    let stderr = fstat(std::io::stderr());
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

/// Who reads the log. A pipe or a socket that is full would hold the agent up for as long as its reader hangs, and a
/// terminal for as long as somebody has stopped it (Ctrl-S); then lines are lost instead. Files take what comes.
#[derive(Debug)]
struct Reader {
    may_hang: bool,
    /// Lines lost since the last one that was taken. One thread writes them all.
    lost: AtomicU32,
}

/// How long a reader that was in time so far is waited for.
const PATIENCE: Duration = Duration::from_millis(100);

impl Reader {
    /// The reader at the other end of `fd`. Of the devices only a terminal can be stopped; others need not say that
    /// they have room: the kernel's log never does.
    fn of(fd: impl AsFd) -> Reader {
        let kind = fstat(&fd).map(|it| FileType::from_raw_mode(it.st_mode));
        let may_hang = match kind {
            Ok(FileType::Fifo | FileType::Socket) => true,
            Ok(FileType::CharacterDevice) => fd.as_fd().is_terminal(),
            Ok(_) | Err(_) => false,
        };
        Reader {
            may_hang,
            lost: AtomicU32::new(0),
        }
    }

    fn lose(&self) {
        let lost = self.lost.load(Ordering::Relaxed);
        self.lost.store(lost.saturating_add(1), Ordering::Relaxed);
    }

    /// Whether a line can be written without waiting for long; if so, how many were lost before it.
    fn admit(&self, fd: impl AsFd) -> Option<u32> {
        let lost = self.lost.load(Ordering::Relaxed);
        let patience = if lost == 0 { PATIENCE } else { Duration::ZERO };
        if self.may_hang && !has_room(fd, patience) {
            self.lose();
            return None;
        }
        self.lost.store(0, Ordering::Relaxed);
        Some(lost)
    }
}

/// A terminal, opened once more for ourselves: without waiting for it, which whoever shares ours would not expect of
/// theirs. It may have room for the beginning of a line alone.
struct Terminal {
    file: File,
    reader: Arc<Reader>,
    /// Whether the last line has no end.
    is_torn: bool,
}

impl Terminal {
    /// `None` if `fd` is none, or none that we may open.
    fn behind(fd: impl AsFd, reader: &Arc<Reader>) -> Option<Terminal> {
        let fd = fd.as_fd();
        if !fd.is_terminal() {
            return None;
        }
        let mut options = File::options();
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        options.write(true).custom_flags(flags.bits() as i32);
        let path = std::format!("/proc/self/fd/{}", fd.as_raw_fd());
        Some(Terminal {
            file: options.open(path).ok()?,
            reader: reader.clone(),
            is_torn: false,
        })
    }
}

impl Write for Terminal {
    /// Takes all of it: what the terminal does not take is lost.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.is_torn {
            self.is_torn = self.file.write(b"\n").is_err();
        }
        let written = match self.is_torn {
            true => 0,
            false => self.file.write(line).unwrap_or(0),
        };
        if written < line.len() {
            self.reader.lose();
        }
        self.is_torn |= 0 < written && written < line.len();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether what is written is taken, or refused, within `patience`.
fn has_room(fd: impl AsFd, patience: Duration) -> bool {
    let limit = Timespec::try_from(patience).unwrap_or_default();
    let ready = poll(&mut [PollFd::new(&fd, PollFlags::OUT)], Some(&limit));
    ready != Ok(0)
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

/// Whether a letter shows as what it is. Control characters end lines or move a terminal's cursor; those that turn the
/// writing direction hide text, and those that take no room make two names look like one.
pub fn is_safe(letter: char) -> bool {
    let turns = matches!(
        letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    let is_unseen = matches!(
        letter,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    let ends_line = matches!(letter, '\u{2028}' | '\u{2029}');
    !(letter.is_control() || turns || is_unseen || ends_line)
}

/// How many lines strangers, or a loose contact, can make us write: a short burst, then a steady few.
#[derive(Clone, Copy, Debug)]
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
    use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
    use rustix::termios::{Action, tcflow};
    use std::io::Read;
    use std::vec::Vec;

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
        assert_eq!(line("b\u{200b}ob\u{feff}"), "b\\u{200b}ob\\u{feff}");
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
    fn a_reader_that_hangs_loses_lines_and_hears_how_many() {
        let (mut ours, theirs) = std::io::pipe().expect("a pipe");
        let reader = Reader::of(&theirs);
        let line = [b'x'; 4_096];
        while has_room(&theirs, Duration::ZERO) {
            rustix::io::write(&theirs, &line).expect("written");
        }
        for _ in 0..3 {
            assert_eq!(reader.admit(&theirs), None);
        }
        ours.read_exact(&mut [0; 4_096]).expect("read");
        assert_eq!(reader.admit(&theirs), Some(3));
        assert_eq!(reader.admit(&theirs), Some(0));
    }

    /// A terminal that nobody reads: our end, and that of whoever shows it.
    fn terminal() -> (File, File) {
        let shown = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        unlockpt(&shown).expect("unlocked");
        let name = ptsname(&shown, Vec::new()).expect("it has a name");
        let mut options = File::options();
        options.custom_flags(OFlags::NOCTTY.bits() as i32);
        let path = name.into_string().expect("a path");
        let ours = options.read(true).write(true).open(path).expect("opened");
        (ours, shown.into())
    }

    #[test]
    fn a_terminal_that_was_stopped_loses_lines_and_holds_nobody_up() {
        let (ours, mut shown) = terminal();
        let reader = Arc::new(Reader::of(&ours));
        let mut log = Terminal::behind(&ours, &reader).expect("a terminal");
        assert_eq!(reader.admit(&ours), Some(0));
        log.write_all(b"one\n").expect("taken");
        tcflow(&ours, Action::OOff).expect("stopped");
        assert_eq!(reader.admit(&ours), None);
        // Somebody else filled it between the question and the line.
        log.write_all(b"two\n").expect("taken");
        tcflow(&ours, Action::OOn).expect("on again");
        assert_eq!(reader.admit(&ours), Some(2));
        log.write_all(b"three\n").expect("taken");
        let mut got = [0; 64];
        let mut text = String::new();
        while !text.ends_with("three\r\n") {
            let len = shown.read(&mut got).expect("read");
            text.push_str(core::str::from_utf8(&got[..len]).expect("text"));
        }
        assert_eq!(text, "one\r\nthree\r\n");
    }

    #[test]
    fn a_terminal_that_nobody_reads_gets_whole_lines_again() {
        let (ours, mut shown) = terminal();
        let reader = Arc::new(Reader::of(&ours));
        let mut log = Terminal::behind(&ours, &reader).expect("a terminal");
        let line = "x".repeat(LINE) + "\n";
        while reader.lost.load(Ordering::Relaxed) < 3 {
            log.write_all(line.as_bytes()).expect("taken");
        }
        let end = b"the end\n";
        let (mut all, mut got) = (Vec::new(), [0; 4_096]);
        while !all.ends_with(b"the end\r\n") {
            let len = shown.read(&mut got).expect("read");
            all.extend_from_slice(&got[..len]);
            if !has_input(&shown) && !all.ends_with(b"the end\r\n") {
                log.write_all(end).expect("taken");
            }
        }
        let text = String::from_utf8(all).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.last(), Some(&"the end"));
        let torn = lines.iter().filter(|it| it.len() != LINE).count();
        assert!(torn <= 2, "the torn one and the last: {torn}");
    }

    fn has_input(fd: impl AsFd) -> bool {
        poll(
            &mut [PollFd::new(&fd, PollFlags::IN)],
            Some(&Timespec::default()),
        ) != Ok(0)
    }

    /// On a card standard error is the kernel's log, a device that never says it has room.
    #[test]
    fn the_kernels_log_takes_what_comes() {
        let file = std::fs::File::options().write(true).open("/dev/kmsg");
        let file = file.or_else(|_| std::fs::File::open("/dev/kmsg"));
        let Ok(file) = file else {
            return std::eprintln!("/dev/kmsg cannot be opened here");
        };
        assert_eq!(Reader::of(&file).admit(&file), Some(0));
    }

    #[test]
    fn files_and_readers_that_have_gone_hold_nobody_up() {
        for file in ["/dev/null", "/dev/zero"] {
            let file = std::fs::File::options().write(true).open(file);
            let file = file.expect("opened");
            assert_eq!(Reader::of(&file).admit(&file), Some(0));
        }
        let (ours, theirs) = std::io::pipe().expect("a pipe");
        drop(ours);
        assert_eq!(Reader::of(&theirs).admit(&theirs), Some(0));
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
