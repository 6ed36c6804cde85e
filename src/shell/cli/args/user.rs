//! `lampfield user` and `lampfield hash-password`: who has a password. None ever stands on the command line, which
//! everybody on the machine can read.

use std::format;
use std::path::PathBuf;
use std::string::String;
use std::vec::Vec;

use super::{
    CONFIG, CONTROL, Command, Given, JSON, Line, MD5, PASSWORD_FILE, REALM, Secret, USERS, Usage,
};
use crate::shell::document::suggestion;

/// What becomes of the users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Users {
    /// One comes, or has another password.
    Add {
        /// Who.
        user: NewUser,
        /// Where they stand.
        place: Place,
    },
    /// One goes.
    Remove {
        /// Its name.
        name: String,
        /// Where they stand.
        place: Place,
    },
    /// They are shown.
    List {
        /// As JSON.
        json: bool,
        /// Where they stand.
        place: Place,
    },
}

/// Somebody who gets a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// Its name.
    pub name: String,
    /// Whether old phones may use MD5.
    pub may_md5: bool,
    /// The file that the password is in; without it it is asked for.
    pub password: Option<PathBuf>,
}

/// Where the users stand: in the file that is named, or that the configuration names, or that the running agent has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file itself.
    pub users: Option<PathBuf>,
    /// The configuration that names it.
    pub config: Option<PathBuf>,
    /// Whose users these are, where nothing else says it.
    pub realm: Option<String>,
    /// The agent's control socket, where it is not the default one.
    pub control: Option<PathBuf>,
}

impl Line {
    pub(super) fn users(mut self) -> Result<Command, Usage> {
        let allowed = [CONFIG, USERS, REALM, MD5, PASSWORD_FILE, JSON, CONTROL];
        let given = self.words("user", 1..=2, &allowed)?;
        given.or_help(|mut given| {
            let verb = given.words.remove(0);
            let is_alone = given.words.is_empty();
            match verb.as_str() {
                "list" if is_alone && given.is_for_known() => Ok(Command::Users(Users::List {
                    json: given.json,
                    place: given.place(),
                })),
                "remove" if !is_alone && given.is_for_known() => {
                    Ok(Command::Users(Users::Remove {
                        name: given.words.remove(0),
                        place: given.place(),
                    }))
                }
                "add" if !is_alone => Ok(Command::Users(Users::Add {
                    user: given.new_user(),
                    place: given.place(),
                })),
                "add" | "remove" | "list" => {
                    let what = format!("user {verb} is written otherwise");
                    let remedy = "write lampfield user add NAME, user remove NAME, or user list; \
                                  --md5 and --password-file are for add";
                    Err(Usage::new(what, remedy))
                }
                other => {
                    let what = format!("a user cannot be \"{}\"", other.escape_debug());
                    Err(Usage::new(
                        what,
                        suggestion(other, &["add", "remove", "list"]),
                    ))
                }
            }
        })
    }

    pub(super) fn hash_password(mut self) -> Result<Command, Usage> {
        let given = self.options("hash-password", 2, &[MD5, PASSWORD_FILE])?;
        given.or_help(|mut given| {
            Ok(Command::HashPassword {
                user: given.new_user(),
                realm: given.words.remove(0),
            })
        })
    }
}

impl Given {
    /// Whether there is nothing that only a new user needs.
    fn is_for_known(&self) -> bool {
        !self.md5 && self.secrets.is_empty()
    }

    fn new_user(&mut self) -> NewUser {
        let files = self.secrets.drain(..).filter_map(|it| match it {
            Secret::File(file) => Some(file),
            Secret::Variable(_) => None,
        });
        let files: Vec<PathBuf> = files.collect();
        NewUser {
            name: self.words.remove(0),
            may_md5: self.md5,
            password: files.into_iter().next_back(),
        }
    }

    fn place(&mut self) -> Place {
        Place {
            users: self.users.take(),
            config: self.run.config.take(),
            realm: self.realm.take(),
            control: self.run.control.take(),
        }
    }
}
