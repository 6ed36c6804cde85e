//! A command of the configuration: a program and its arguments, as the kernel takes them. No shell reads them.

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, fs};

use rustix::fs::{Access, access};

/// Where a program without a `/` in its name is looked for, and what commands have as `PATH`.
pub const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    program: CString,
    /// With the program's name, as it is written, before them.
    words: Vec<CString>,
}

impl Command {
    /// The command of these words. A program with a `/` in it counts from `folder`; another one is looked up now, and
    /// never again. `None` without a program, or with a NUL in a word.
    pub fn new<'w>(words: impl IntoIterator<Item = &'w str>, folder: &Path) -> Option<Command> {
        let words: Result<Vec<CString>, _> = words.into_iter().map(CString::new).collect();
        let words = words.ok()?;
        let first = words.first()?.to_str().ok().filter(|it| !it.is_empty())?;
        let program = match first.contains('/') {
            true => folder.join(first),
            false => look_up(first),
        };
        Some(Command {
            program: CString::new(program.into_os_string().into_encoded_bytes()).ok()?,
            words,
        })
    }

    /// The same with `text` in place of each `mark` in its arguments.
    pub fn with(&self, mark: &str, text: &str) -> Command {
        let put = |word: &CString| {
            let word = word.to_string_lossy().replace(mark, text);
            CString::new(word).unwrap_or_default() // Neither has a NUL.
        };
        let arguments = self.words.iter().skip(1).map(put);
        Command {
            program: self.program.clone(),
            words: self
                .words
                .iter()
                .take(1)
                .cloned()
                .chain(arguments)
                .collect(),
        }
    }

    /// Whether `mark` stands in one of its arguments.
    pub fn has(&self, mark: &str) -> bool {
        let mut arguments = self.words.iter().skip(1);
        arguments.any(|it| it.to_string_lossy().contains(mark))
    }

    /// The file of the program.
    pub fn program(&self) -> &Path {
        Path::new(OsStr::from_bytes(self.program.to_bytes()))
    }

    /// The same for the kernel.
    pub(super) fn path(&self) -> &CStr {
        &self.program
    }

    /// Its name and arguments.
    pub(super) fn words(&self) -> &[CString] {
        &self.words
    }

    /// Why it cannot be run here and now, and what to do, if it cannot.
    pub fn doubt(&self) -> Option<(String, &'static str)> {
        let program = self.program();
        let shown = program.display().to_string();
        let shown = shown.escape_debug();
        match fs::metadata(program) {
            Err(error) => Some((format!("there is no program {shown}: {error}"), FIND_IT)),
            Ok(it) if !it.is_file() => Some((format!("{shown} is no program"), FIND_IT)),
            Ok(_) if access(program, Access::EXEC_OK).is_err() => {
                Some((format!("{shown} is not executable"), ALLOW_IT))
            }
            Ok(_) => None,
        }
    }
}

/// What to do about a program that is not there.
pub(super) const FIND_IT: &str = "write its path, which counts from the configuration's folder; a name without a / is looked for in \
     /usr/local/bin, /usr/bin, /bin and their sbin";

/// What to do about one that may not be run.
pub(super) const ALLOW_IT: &str = "chmod +x it, for the agent's user too";

/// The program of that name. One that is nowhere is said to be in the first place, where it is missed.
fn look_up(name: &str) -> PathBuf {
    let mut all = PATH.split(':').map(|folder| Path::new(folder).join(name));
    let found = all.find(|file| access(file, Access::EXEC_OK).is_ok() && file.is_file());
    found.unwrap_or_else(|| Path::new("/usr/local/bin").join(name))
}

impl std::fmt::Display for Command {
    /// As people write it: words with a blank between them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, word) in self.words.iter().enumerate() {
            let between = if at == 0 { "" } else { " " };
            write!(f, "{between}{}", word.to_string_lossy().escape_debug())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Option<Command> {
        Command::new(words.iter().copied(), Path::new("/etc/lampfield"))
    }

    #[test]
    fn a_program_is_found_in_the_fixed_path_or_counts_from_the_folder() {
        let found = |words: &[&str]| command(words).map(|it| it.program().to_path_buf());
        for (words, program) in [
            (&["/bin/true", "-x"][..], "/bin/true"),
            (&["./open-door"], "/etc/lampfield/./open-door"),
            (&["scripts/open"], "/etc/lampfield/scripts/open"),
            (&["lampfield-no-such"], "/usr/local/bin/lampfield-no-such"),
        ] {
            assert_eq!(found(words).as_deref(), Some(Path::new(program)));
        }
        let shell = found(&["sh"]).expect("every machine has one");
        assert!(shell.is_absolute() && shell.is_file(), "{shell:?}");
        for words in [&[][..], &[""], &["a\0b"], &["true", "\0"]] {
            assert_eq!(found(words), None, "{words:?}");
        }
    }

    #[test]
    fn what_cannot_be_run_is_doubted() {
        for (word, what) in [
            ("/bin/sh", ""),
            ("/no/such", "there is no program /no/such: "),
            ("/etc/passwd", "/etc/passwd is not executable"),
            ("/etc", "/etc is no program"),
        ] {
            let doubt = command(&[word]).expect("a command").doubt();
            let said = doubt.map_or(String::new(), |(what, _)| what);
            assert!(said.starts_with(what), "{said}");
            assert_eq!(said.is_empty(), what.is_empty(), "{said}");
        }
    }

    #[test]
    fn a_mark_is_replaced_in_arguments_alone() {
        let dial = command(&["{uri}", "call", "<{uri}>"]).expect("a command");
        assert!(dial.has("{uri}"));
        let dial = dial.with("{uri}", "sip:a;b@c");
        assert_eq!(dial.to_string(), "{uri} call <sip:a;b@c>");
    }
}
