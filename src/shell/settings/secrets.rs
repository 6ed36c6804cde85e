//! Passwords: read from files or from the environment, never from the configuration itself. No message repeats one, nor
//! the name of a file or variable that is not there: it may be the password itself.

use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::string::{String, ToString};
use std::{env, format, fs};

use super::Reader;
use crate::ground::text::Text;
use crate::shell::document::{Found, Section};
use crate::shell::sandbox;
use crate::ua::credentials::Password;

impl Reader<'_, '_> {
    /// The password of an `[[upstream]]`, if it has a usable one.
    pub(super) fn password(
        &mut self,
        section: &Section<'_, '_>,
        folder: &Path,
    ) -> Option<Password> {
        let file = section.text("password_file", &mut self.faults);
        let variable = section.text("password_env", &mut self.faults);
        let (at, text) = match (file, variable) {
            (None, None) => return None,
            (Some(file), None) => (file.at, self.read_secret(file, folder)?),
            (None, Some(variable)) => (variable.at, self.look_up_secret(variable)?),
            (Some(_), Some(Found { at, .. })) => {
                let what = "the password cannot come from two places";
                let remedy = "leave out password_file or password_env";
                self.faults.add(at, what, remedy);
                return None;
            }
        };
        let password = usable(&text);
        if password.is_none() {
            let remedy = "put the password there, on one line of at most 64 bytes";
            self.faults.add(at, "there is no usable password", remedy);
        }
        password
    }

    /// One line of a file that others should not read.
    fn read_secret(&mut self, file: Found<&str>, folder: &Path) -> Option<String> {
        let path = folder.join(file.value);
        let read = fs::read_to_string(&path);
        if read.is_ok() && others_can_read(&path) {
            let remedy = format!("take that right from them: chmod o= {}", path.display());
            self.faults
                .warn(file.at, "others can read the password's file", remedy);
        }
        let text = read.map_err(|error| {
            let what = format!("the password's file cannot be read: {error}");
            self.faults.add(file.at, what, remedy(&path, &error));
        });
        // It is opened again with each reload, also once it is there.
        self.secrets.push(path);
        Some(text.ok()?.trim_end_matches(['\r', '\n']).to_string())
    }

    fn look_up_secret(&mut self, variable: Found<&str>) -> Option<String> {
        let text = env::var(variable.value).ok();
        if text.is_none() {
            let what = "there is no environment variable of this name, or it is no text";
            let remedy = "name a variable that the agent is started with, or name a file: \
                          password_file = \"pbx.password\"";
            self.faults.add(variable.at, what, remedy);
        }
        text
    }
}

/// The password in a file, for whoever has no configuration; in words what others can do that should not.
///
/// # Errors
/// What is wrong, and what to do.
pub fn password_in(path: &Path) -> Result<(Password, Option<String>), Lacking> {
    let lacking = |error: io::Error| Lacking {
        what: format!("the password's file cannot be read: {error}"),
        remedy: "name a file with the password and nothing else in it",
    };
    let text = fs::read_to_string(path).map_err(lacking)?;
    let password = usable(text.trim_end_matches(['\r', '\n'])).ok_or_else(Lacking::unusable)?;
    let warning = others_can_read(path).then(|| {
        let path = path.display();
        format!("others can read the password's file\n  remedy: take that right from them: chmod o= {path}")
    });
    Ok((password, warning))
}

/// The password in a variable of the environment.
///
/// # Errors
/// What is wrong, and what to do.
pub fn password_of(variable: &str) -> Result<Password, Lacking> {
    let text = env::var(variable).map_err(|_| Lacking {
        what: "there is no password in the environment".to_string(),
        remedy: "name a file with it: --password-file FILE; or set LAMPFIELD_PASSWORD",
    })?;
    usable(&text).ok_or_else(Lacking::unusable)
}

/// There is no password where it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: &'static str,
}

impl Lacking {
    fn unusable() -> Lacking {
        Lacking {
            what: "there is no usable password".to_string(),
            remedy: "put the password there, on one line of at most 64 bytes",
        }
    }
}

/// What to do about a file that cannot be read.
fn remedy(path: &Path, error: &io::Error) -> &'static str {
    match error.kind() {
        _ if sandbox::hides(path, error) => sandbox::OPEN_IT,
        ErrorKind::PermissionDenied => "let the agent's user read the file and enter its folder",
        _ => {
            "name a file with the password and nothing else in it; a relative path counts from this file's folder"
        }
    }
}

/// Whether all users of the machine come as far as this file, and can read it. Links count as what they lead to.
fn others_can_read(path: &Path) -> bool {
    let allows = |path: &Path, right: u32| {
        let found = fs::metadata(path);
        found.is_ok_and(|it| it.permissions().mode() & right != 0)
    };
    let Ok(path) = fs::canonicalize(path) else {
        return false;
    };
    let mut folders = path.ancestors().skip(1);
    allows(&path, 0o004) && folders.all(|folder| allows(folder, 0o001))
}

fn usable(text: &str) -> Option<Password> {
    let is_one_line = !text.is_empty() && !text.contains(['\r', '\n', '\0']);
    let text = Text::copied(text).ok().filter(|_| is_one_line);
    text.map(Password::new)
}
