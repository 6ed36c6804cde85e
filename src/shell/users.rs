//! The file that users stand in: one a line, `name realm SHA-256=… MD5=…`, where MD5 is for old phones and may be
//! missing. No password is in it, but what is counts as much: only its owner may read it. `#` begins a comment.
//!
//! It is written anew beside itself and takes its own place in one step, so that whoever reads it finds the old users or
//! the new ones, also after a power cut.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;
use std::{fmt, format};

use rustix::fs::{FlockOperation, flock};

use super::sandbox;
use crate::ground::limits::{PASSWORD, REALM, USER, USERS};
use crate::ground::text::Text;
use crate::ua::guard::User;
use crate::wire::sip::Algorithm;
use crate::wire::sip::digest::{Hex, login_hash};

/// The users there are, and the file they stand in, if there is one.
#[derive(Clone, Debug, Default)]
pub struct Roll {
    /// Where they stand.
    pub file: Option<PathBuf>,
    /// Those of the realm.
    pub users: Vec<User>,
    /// The names of those of other realms, who can't come in.
    pub strays: Vec<String>,
}

/// One line of the file.
#[derive(Clone)]
pub struct Entry {
    /// The user.
    pub name: Text<USER>,
    /// Whose users these are.
    pub realm: Text<REALM>,
    sha256: Hex,
    md5: Option<Hex>,
}

/// What is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong; never a hash.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Fault {
    pub(super) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Fault {
        Fault {
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  remedy: {}", self.what, self.remedy)
    }
}

impl Roll {
    /// Reads the users of `realm` in `file`.
    ///
    /// # Errors
    /// The first thing that is wrong with it. No users are had then.
    pub fn read(file: &Path, realm: &str) -> Result<Roll, Fault> {
        let all = entries(&text_of(file)?, file)?;
        let (ours, strays): (Vec<&Entry>, Vec<&Entry>) =
            all.iter().partition(|it| it.realm.as_str() == realm);
        if ours.len() > USERS {
            let what = format!("{} has more than {USERS} users", file.display());
            let remedy = "leave some out, or build with a larger LAMPFIELD_USERS";
            return Err(Fault::new(what, remedy));
        }
        Ok(Roll {
            file: Some(file.to_path_buf()),
            users: ours.into_iter().map(Entry::user).collect(),
            strays: strays.iter().map(|it| it.name.to_string()).collect(),
        })
    }
}

impl Entry {
    /// A user with this password; with MD5 if old phones may use that.
    ///
    /// # Errors
    /// What can't stand there.
    pub fn new(name: &str, realm: &str, password: &str, may_md5: bool) -> Result<Entry, Fault> {
        let (name, realm) = (name_of(name)?, realm_of(realm)?);
        let is_line = !password.contains(char::is_control);
        if password.is_empty() || password.len() > PASSWORD || !is_line {
            let remedy = format!("let it be one line of 1 to {PASSWORD} bytes");
            return Err(Fault::new("that is no usable password", remedy));
        }
        let hash = |algorithm| {
            let (name, realm) = (name.as_bytes(), realm.as_bytes());
            login_hash(algorithm, name, realm, password.as_bytes())
        };
        Ok(Entry {
            sha256: hash(Algorithm::Sha256).unwrap_or(Hex::zero(Algorithm::Sha256)),
            md5: hash(Algorithm::Md5).filter(|_| may_md5),
            name,
            realm,
        })
    }

    /// Which hashes it has.
    pub const fn algorithms(&self) -> &'static str {
        match self.md5 {
            Some(_) => "SHA-256, MD5",
            None => "SHA-256",
        }
    }

    fn read(line: &str) -> Result<Entry, Fault> {
        let mut words = line.split_whitespace();
        let (Some(name), Some(realm)) = (words.next(), words.next()) else {
            return Err(Fault::new("a line has no realm", FORM));
        };
        let (mut sha256, mut md5) = (None, None);
        for word in words {
            let (algorithm, place) = match word.split_once('=') {
                Some(("SHA-256", _)) => (Algorithm::Sha256, &mut sha256),
                Some(("MD5", _)) => (Algorithm::Md5, &mut md5),
                _ => return Err(Fault::new("a line has a word too many", FORM)),
            };
            let digits = word.split_once('=').map_or("", |(_, digits)| digits);
            let Some(hash) = Hex::read(algorithm, digits.as_bytes()) else {
                return Err(Fault::new("a hash has not the digits that it needs", FORM));
            };
            if place.replace(hash).is_some() {
                return Err(Fault::new("a line has a hash twice", FORM));
            }
        }
        Ok(Entry {
            name: name_of(name)?,
            realm: realm_of(realm)?,
            sha256: sha256.ok_or_else(|| Fault::new("a line has no SHA-256 hash", FORM))?,
            md5,
        })
    }

    fn user(&self) -> User {
        User::new(self.name.clone(), &self.realm, self.sha256, self.md5)
    }

    fn is(&self, name: &str, realm: Option<&str>) -> bool {
        self.name.as_str() == name && realm.is_none_or(|realm| self.realm.as_str() == realm)
    }
}

impl fmt::Display for Entry {
    /// As it stands in the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = |hex: &Hex| String::from_utf8_lossy(hex.as_bytes()).into_owned();
        write!(
            f,
            "{} {} SHA-256={}",
            self.name,
            self.realm,
            digits(&self.sha256)
        )?;
        match &self.md5 {
            Some(md5) => write!(f, " MD5={}", digits(md5)),
            None => Ok(()),
        }
    }
}

/// All users in `file`; none if it is not there.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn list(file: &Path) -> Result<Vec<Entry>, Fault> {
    match file.exists() {
        true => entries(&text_of(file)?, file),
        false => Ok(Vec::new()),
    }
}

/// Writes `entry` into `file`, in place of what was there for the same user. The file is made if it is not there, for
/// `owner` if root does it.
///
/// # Errors
/// What is wrong with the file, or the system's.
pub fn add(file: &Path, entry: &Entry, owner: Option<(u32, u32)>) -> Result<(), Fault> {
    edit(file, owner, |lines| {
        let new = entry.to_string();
        let is_it = |line: &String| names(line, &entry.name, Some(&entry.realm));
        match lines.iter().position(is_it) {
            Some(at) => lines[at] = new,
            None => lines.push(new),
        }
        true
    })
    .map(drop)
}

/// Takes a user out of `file`, whatever its realm. Whether it was there.
///
/// # Errors
/// As [`add`].
pub fn remove(file: &Path, name: &str) -> Result<bool, Fault> {
    edit(file, None, |lines| {
        let before = lines.len();
        lines.retain(|line| !names(line, name, None));
        lines.len() < before
    })
}

/// Whether a line is that of this user.
fn names(line: &str, name: &str, realm: Option<&str>) -> bool {
    !is_blank(line) && Entry::read(line).is_ok_and(|it| it.is(name, realm))
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty() || line.trim_start().starts_with('#')
}

/// A user's name: what may stand between quotes in credentials, and in a line of the file.
///
/// # Errors
/// What is wrong with it.
pub fn name_of(written: &str) -> Result<Text<USER>, Fault> {
    let is_clean =
        |it: char| !it.is_control() && !it.is_whitespace() && !"\"\\:%<>#;,".contains(it);
    let name = Text::copied(written).ok();
    let name = name.filter(|it| !it.is_empty() && it.chars().all(is_clean));
    name.ok_or_else(|| {
        let what = format!("\"{}\" is no name of a user", written.escape_debug());
        let remedy =
            format!("write 1 to {USER} bytes without blanks, quotes, and \\ : % < > # ; ,");
        Fault::new(what, remedy)
    })
}

/// A realm: phones show it when they ask for a password.
///
/// # Errors
/// What is wrong with it.
pub fn realm_of(written: &str) -> Result<Text<REALM>, Fault> {
    let is_clean = |it: char| it.is_ascii_graphic() && !"\"\\#".contains(it);
    let realm = Text::copied(written).ok();
    let realm = realm.filter(|it| !it.is_empty() && it.chars().all(is_clean));
    realm.ok_or_else(|| {
        let what = format!("\"{}\" is no realm", written.escape_debug());
        let remedy =
            format!("write 1 to {REALM} letters without blanks and quotes, as desk.example");
        Fault::new(what, remedy)
    })
}

fn entries(text: &str, file: &Path) -> Result<Vec<Entry>, Fault> {
    let mut all: Vec<Entry> = Vec::new();
    for (at, line) in (1..).zip(text.lines()).filter(|(_, it)| !is_blank(it)) {
        let place = format!("{}:{at}", file.display());
        let entry = Entry::read(line);
        let entry = entry.map_err(|it| Fault::new(format!("{place}: {}", it.what), it.remedy))?;
        if all.iter().any(|it| it.is(&entry.name, Some(&entry.realm))) {
            let what = format!("{place}: the user {} is there already", entry.name);
            return Err(Fault::new(what, "leave one of the two lines out"));
        }
        all.push(entry);
    }
    Ok(all)
}

/// The file's text, if it is for its owner alone.
fn text_of(file: &Path) -> Result<String, Fault> {
    let found = fs::metadata(file).map_err(|error| unreadable(file, &error))?;
    if found.permissions().mode() & 0o077 != 0 {
        let file = file.display();
        let what = format!("others than its owner may read the users in {file}");
        return Err(Fault::new(what, format!("chmod 600 {file}")));
    }
    if found.len() > LARGEST {
        let what = format!("{} is too large for a file of users", file.display());
        return Err(Fault::new(what, "name the right file"));
    }
    fs::read_to_string(file).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &io::Error) -> Fault {
    let what = format!("the users in {} cannot be read: {error}", file.display());
    let remedy = match error.kind() {
        _ if sandbox::hides(file, error) => sandbox::OPEN_IT,
        ErrorKind::NotFound => "make the first one: lampfield user add NAME --users FILE",
        ErrorKind::PermissionDenied => "let the file belong to the user that the agent runs as",
        _ => "name a file that `lampfield user add` made",
    };
    Fault::new(what, remedy)
}

/// Changes the lines of the file, if `change` says that it did: all of it or nothing. Who else does so waits.
fn edit(
    file: &Path,
    owner: Option<(u32, u32)>,
    change: impl FnOnce(&mut Vec<String>) -> bool,
) -> Result<bool, Fault> {
    let failed = |error: io::Error| {
        let what = format!("the users in {} cannot be written: {error}", file.display());
        Fault::new(what, "do it as the file's owner, or as root")
    };
    // Of a link, what it leads to.
    let file = &fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let lock = File::open(folder).map_err(failed)?;
    flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
    let (text, owner) = match fs::metadata(file) {
        Ok(found) => (text_of(file)?, Some((found.uid(), found.gid()))),
        Err(error) if error.kind() == ErrorKind::NotFound => (String::new(), owner),
        Err(error) => return Err(failed(error)),
    };
    entries(&text, file)?;
    let mut lines: Vec<String> = text.lines().map(ToString::to_string).collect();
    if !change(&mut lines) {
        return Ok(false);
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    replace(file, &text, owner).map_err(failed)?;
    File::open(folder)
        .and_then(|it| it.sync_all())
        .map_err(failed)?;
    Ok(true)
}

/// Puts a new file in place of `file`.
fn replace(file: &Path, text: &str, owner: Option<(u32, u32)>) -> io::Result<()> {
    let mut name = OsString::from(".");
    name.push(file.file_name().unwrap_or_default());
    name.push(".new");
    let new = file.with_file_name(name);
    let _ = fs::remove_file(&new); // What a cut left of an earlier one.
    let mut options = OpenOptions::new();
    let mut opened = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    let written = opened.write_all(text.as_bytes()).and_then(|()| {
        opened.set_permissions(Permissions::from_mode(0o600))?;
        let is_root = rustix::process::geteuid().is_root();
        if let Some((user, group)) = owner.filter(|_| is_root) {
            fchown(&opened, Some(user), Some(group))?;
        }
        opened.sync_all()?;
        fs::rename(&new, file)
    });
    if written.is_err() {
        let _ = fs::remove_file(&new); // It is of no use.
    }
    written
}

/// How a line is written.
const FORM: &str = "write name realm SHA-256=… on a line, as `lampfield hash-password` prints it";

/// A larger file is none of ours.
const LARGEST: u64 = 1 << 20;

#[cfg(test)]
mod tests;
