//! The command line read into a [`Command`].

use std::ffi::OsString;
use std::format;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::string::{String, ToString};
use std::vec::Vec;

use lexopt::prelude::{Long, Short, Value};
use lexopt::{Arg, Parser};

use crate::events::package::Package;
use crate::shell::document::suggestion;
use crate::shell::listen::Listen;

mod certificate;
mod question;
mod user;
mod values;
mod watch;
mod words;
pub use certificate::Certificates;
pub use question::Question;
pub use user::{NewUser, Place, Users};
pub use values::{Login, Secret};
use values::{held_for, name_of, policy_of, set_of, text, watcher_of};
pub use watch::Watch;
use words::{COMMANDS, synopsis};

/// What the user wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Be the agent.
    Run(Run),
    /// Explain a configuration.
    Check {
        /// The configuration.
        file: PathBuf,
        /// A board instead of the file's.
        board: Option<String>,
    },
    /// Ask the running agent something, or tell it something.
    Ask(Ask),
    /// Watch somebody from here.
    Watch(Watch),
    /// Look who announces himself on the local network.
    Discover {
        /// How long; without it as long as it usually takes.
        seconds: Option<u32>,
        /// As JSON.
        json: bool,
    },
    /// See to the users.
    Users(Users),
    /// Print the line of a user for the file of users.
    HashPassword {
        /// Whose.
        user: NewUser,
        /// Whose users these are.
        realm: String,
    },
    /// Make or show certificates.
    Certificates(Certificates),
    /// List the boards that are built in, or print the file of one.
    Boards(Option<String>),
    /// List the tables of this build.
    Capacity {
        /// As JSON.
        json: bool,
    },
    /// Say the version.
    Version,
    /// Say how to use all this.
    Help,
}

/// How to run the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The configuration; without it the demonstration.
    pub config: Option<PathBuf>,
    /// A board instead of the configuration's.
    pub board: Option<String>,
    /// Where to listen instead of the configuration's addresses, if any.
    pub listen: Vec<Listen>,
    /// The control socket instead of the configuration's.
    pub control: Option<PathBuf>,
    /// The folder for state instead of the configuration's.
    pub state: Option<PathBuf>,
    /// The log level instead of the configuration's.
    pub log: Option<&'static str>,
}

/// Something for the running agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Its control socket, where it is not the default one.
    pub control: Option<PathBuf>,
    /// What.
    pub question: Question,
}

/// A fact about a presentity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// `dnd`, `hook`, `activity`, `note`, `idle` or `call`.
    pub what: &'static str,
    /// The value, known to be a good one.
    pub value: String,
    /// What is said besides, by its name at the control socket: whose it is where that is not the first, and of a call
    /// with whom, which one and for how long.
    pub besides: Vec<(&'static str, String)>,
}

/// The command line is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Usage {
    fn new(what: impl Into<String>, remedy: impl Into<String>) -> Usage {
        Usage {
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

impl From<lexopt::Error> for Usage {
    fn from(error: lexopt::Error) -> Usage {
        Usage::new(error.to_string(), SEE_HELP)
    }
}

/// Reads the arguments behind the program's name.
///
/// # Errors
/// [`Usage`]: what is wrong, and what to do.
pub fn parse<I>(arguments: I) -> Result<Command, Usage>
where
    I: IntoIterator<Item = OsString>,
    I::IntoIter: 'static,
{
    let mut line = Line(Parser::from_args(arguments));
    let Some(word) = line.command()? else {
        return line.run();
    };
    match word.as_str() {
        "run" => line.run(),
        "check" => line.check(),
        "status" => line.ask("status", 0, &[JSON], |it| {
            Ok(Question::Status { json: it.json })
        }),
        "lamps" => line.ask("lamps", 0, &[JSON, FOLLOW, TEST], |it| match it.test {
            true if it.json || it.follow => {
                let remedy = "leave out --json and --follow";
                Err(Usage::new("--test shows nothing here", remedy))
            }
            true => Ok(Question::TestLamps),
            false => Ok(Question::Lamps {
                json: it.json,
                follow: it.follow,
            }),
        }),
        "watchers" => line.ask("watchers", 0, &[JSON], |it| {
            Ok(Question::Watchers { json: it.json })
        }),
        "registrations" => line.ask("registrations", 0, &[JSON], |it| {
            Ok(Question::Registrations { json: it.json })
        }),
        "publications" => line.ask("publications", 0, &[JSON], |it| {
            Ok(Question::Publications { json: it.json })
        }),
        "why" => line.ask("why", 1, &[JSON], |it| {
            Ok(Question::Why {
                json: it.json,
                lamp: name_of("lamp", it)?,
            })
        }),
        "press" => line.ask("press", 1, &[FOR], |it| {
            Ok(Question::Press {
                button: name_of("button", it)?,
                lasts: it.lasts.as_deref().map(held_for).transpose()?,
            })
        }),
        "release" => line.ask("release", 1, &[], |it| {
            Ok(Question::Release(name_of("button", it)?))
        }),
        "allow" => line.ask("allow", 1, &[EVENT, UNTIL], |it| watcher_of(it, "allow")),
        "block" => line.ask("block", 1, &[EVENT, UNTIL], |it| watcher_of(it, "block")),
        "polite-block" => line.ask("polite-block", 1, &[EVENT, UNTIL], |it| {
            watcher_of(it, "polite-block")
        }),
        "forget" => line.ask("forget", 1, &[], |it| watcher_of(it, "forget")),
        "policy" => line.ask("policy", 1, &[EVENT, PRESENTITY, AT, CONFIG, JSON], |it| {
            Ok(policy_of(it))
        }),
        "set" => line.ask("set", 2, &[PRESENTITY, PEER, DIRECTION, ID, FOR], |it| {
            Ok(Question::Set(set_of(it)?))
        }),
        "watch" => line.watch(),
        "discover" => {
            let given = line.options("discover", 0, &[SECONDS, JSON])?;
            given.or_help(|Given { seconds, json, .. }| Ok(Command::Discover { seconds, json }))
        }
        "user" => line.users(),
        "hash-password" => line.hash_password(),
        "certificate" => line.certificates(),
        "boards" => {
            let given = line.words("boards", 0..=1, &[])?;
            given.or_help(|mut given| Ok(Command::Boards(given.words.pop())))
        }
        "capacity" => {
            let given = line.options("capacity", 0, &[JSON])?;
            given.or_help(|given| Ok(Command::Capacity { json: given.json }))
        }
        "version" => {
            let given = line.options("version", 0, &[])?;
            given.or_help(|_| Ok(Command::Version))
        }
        "help" => Ok(Command::Help),
        other => Err(Usage::new(
            format!("there is no command \"{}\"", other.escape_debug()),
            suggestion(other, &COMMANDS),
        )),
    }
}

/// The arguments still to be read.
struct Line(Parser);

/// What stood behind a command.
#[derive(Default)]
struct Given {
    words: Vec<String>,
    run: Run,
    json: bool,
    follow: bool,
    test: bool,
    presentity: Option<String>,
    event: Option<Package>,
    seconds: Option<u32>,
    lasts: Option<String>,
    peer: Option<String>,
    direction: Option<String>,
    id: Option<String>,
    at: Option<String>,
    until: Option<String>,
    server: Option<String>,
    from: Option<String>,
    user: Option<String>,
    secrets: Vec<Secret>,
    users: Option<PathBuf>,
    realm: Option<String>,
    md5: bool,
    authority: Option<PathBuf>,
    authorities: Option<PathBuf>,
    pins: Vec<String>,
    help: bool,
}

impl Line {
    /// The command, if the line begins with one. Options before it belong to `run`.
    fn command(&mut self) -> Result<Option<String>, Usage> {
        let Some(mut raw) = self.0.try_raw_args() else {
            return Ok(None);
        };
        let first = raw.peek().map(|it| it.to_string_lossy().into_owned());
        let word = match first.as_deref() {
            None => return Ok(None),
            Some("-h" | "--help") => "help".to_string(),
            Some("-V" | "--version") => "version".to_string(),
            Some(option) if option.starts_with('-') => return Ok(None),
            Some(word) => word.to_string(),
        };
        raw.next();
        Ok(Some(word))
    }

    fn run(mut self) -> Result<Command, Usage> {
        let given = self.options("run", 0, &[CONFIG, BOARD, LISTEN, CONTROL, STATE, LOG])?;
        given.or_help(|given| Ok(Command::Run(given.run)))
    }

    fn check(mut self) -> Result<Command, Usage> {
        let given = self.options("check", 1, &[BOARD])?;
        given.or_help(|mut given| {
            Ok(Command::Check {
                file: PathBuf::from(given.words.remove(0)),
                board: given.run.board,
            })
        })
    }

    fn ask(
        mut self,
        command: &str,
        words: usize,
        allowed: &[&'static str],
        question: impl FnOnce(&Given) -> Result<Question, Usage>,
    ) -> Result<Command, Usage> {
        let allowed: Vec<&'static str> = allowed.iter().copied().chain([CONTROL]).collect();
        let given = self.options(command, words, &allowed)?;
        given.or_help(|given| {
            Ok(Command::Ask(Ask {
                question: question(&given)?,
                control: given.run.control,
            }))
        })
    }

    /// Reads the rest: exactly `words` words, and options of `allowed`.
    fn options(
        &mut self,
        command: &str,
        words: usize,
        allowed: &[&'static str],
    ) -> Result<Given, Usage> {
        self.words(command, words..=words, allowed)
    }

    /// The same, where the last words may be left out.
    fn words(
        &mut self,
        command: &str,
        words: RangeInclusive<usize>,
        allowed: &[&'static str],
    ) -> Result<Given, Usage> {
        let mut given = Given::default();
        while let Some(argument) = self.0.next()? {
            let option = match argument {
                Value(word) => {
                    given.words.push(text(word)?);
                    continue;
                }
                Short('h') | Long("help") => {
                    given.help = true;
                    continue;
                }
                Arg::Short(letter) => format!("-{letter}"),
                Arg::Long(name) => format!("--{name}"),
            };
            let Some(known) = allowed.iter().find(|it| **it == option) else {
                let what = format!("{command} has no option {}", option.escape_debug());
                let remedy = match allowed {
                    [] => SEE_HELP.to_string(),
                    _ => suggestion(&option, allowed),
                };
                return Err(Usage::new(what, remedy));
            };
            self.option(known, &mut given)?;
        }
        if !given.help && !words.contains(&given.words.len()) {
            let what = match given.words.get(*words.end()) {
                Some(more) => format!("\"{}\" is too much", more.escape_debug()),
                None => format!("{command} needs more words"),
            };
            return Err(Usage::new(
                what,
                format!("write lampfield {}", synopsis(command)),
            ));
        }
        Ok(given)
    }

    fn option(&mut self, option: &str, given: &mut Given) -> Result<(), Usage> {
        match option {
            JSON => given.json = true,
            FOLLOW => given.follow = true,
            TEST => given.test = true,
            CONFIG => given.run.config = Some(PathBuf::from(self.0.value()?)),
            CONTROL => given.run.control = Some(PathBuf::from(self.0.value()?)),
            STATE => given.run.state = Some(PathBuf::from(self.0.value()?)),
            BOARD => given.run.board = Some(self.text()?),
            LISTEN => given.run.listen.push(self.listen()?),
            LOG => given.run.log = Some(self.level()?),
            PRESENTITY => given.presentity = Some(self.address(PRESENTITY)?),
            FROM => given.from = Some(self.address(FROM)?),
            EVENT => given.event = Some(self.event()?),
            AT => given.at = Some(self.text()?),
            UNTIL => given.until = Some(self.text()?),
            FOR => given.lasts = Some(self.text()?),
            PEER => given.peer = Some(self.text()?),
            DIRECTION => given.direction = Some(self.text()?),
            ID => given.id = Some(self.text()?),
            SECONDS => given.seconds = Some(self.seconds()?),
            SERVER => given.server = Some(self.server()?),
            USER => given.user = Some(self.user()?),
            USERS => given.users = Some(PathBuf::from(self.0.value()?)),
            REALM => given.realm = Some(self.text()?),
            MD5 => given.md5 = true,
            AUTHORITY => given.authority = Some(PathBuf::from(self.0.value()?)),
            AUTHORITIES => given.authorities = Some(PathBuf::from(self.0.value()?)),
            PIN => given.pins.push(self.text()?),
            PASSWORD_FILE => given.secrets.push(Secret::File(self.0.value()?.into())),
            PASSWORD_ENV => given.secrets.push(Secret::Variable(self.text()?)),
            _ => {}
        }
        Ok(())
    }
}

impl Given {
    /// The command, unless help was asked for in the middle of it.
    fn or_help(
        self,
        command: impl FnOnce(Given) -> Result<Command, Usage>,
    ) -> Result<Command, Usage> {
        if self.help {
            Ok(Command::Help)
        } else {
            command(self)
        }
    }
}

const SEE_HELP: &str = "see `lampfield help`";

const AUTHORITY: &str = "--authority";
const AUTHORITIES: &str = "--authorities";
const AT: &str = "--at";
const BOARD: &str = "--board";
const CONFIG: &str = "--config";
const CONTROL: &str = "--control";
const DIRECTION: &str = "--direction";
const STATE: &str = "--state";
const EVENT: &str = "--event";
const FOLLOW: &str = "--follow";
const FOR: &str = "--for";
const FROM: &str = "--from";
const ID: &str = "--id";
const JSON: &str = "--json";
const LISTEN: &str = "--listen";
const LOG: &str = "--log";
const PEER: &str = "--peer";
const PIN: &str = "--pin";
const PRESENTITY: &str = "--presentity";
const SECONDS: &str = "--seconds";
const SERVER: &str = "--server";
const TEST: &str = "--test";
const PASSWORD_ENV: &str = "--password-env";
const PASSWORD_FILE: &str = "--password-file";
const UNTIL: &str = "--until";
const USER: &str = "--user";
const USERS: &str = "--users";
const REALM: &str = "--realm";
const MD5: &str = "--md5";

#[cfg(test)]
mod tests;
