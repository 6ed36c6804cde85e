//! A configuration file (TOML) read into the agent's [`Settings`] and what the shell itself needs.
//!
//! README.md shows every key, under "Configuration".
//!
//! This machine itself (127.0.0.0/8 and ::1) may always watch, with one exception: `trusted = []` trusts nobody.

use std::boxed::Box;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

use crate::engine::config::{
    LampSettings, Network, PresentitySettings, Settings, Shows, Strangers, is_address, is_same,
};
use crate::ground::limits::{PRESENTITIES, TRUSTED, URI};
use crate::ground::text::Text;
use crate::shell::commands::Commands;
use crate::shell::document::{self, Collector, Faults, Found, Section, has_password, shown};
use crate::shell::listen::Listen;
use crate::shell::panel::board::{Board, Missing};
use crate::shell::tls::Tls;
use crate::shell::users::Roll;
use crate::wire::flow::Transport;

mod authentication;
mod buttons;
mod commands;
mod explain;
mod keys;
mod lamps;
mod lists;
mod local;
pub mod reach;
mod rules;
mod secrets;
mod served_lists;
mod softphones;
mod subscriptions;
mod tls;
mod upstreams;

pub use explain::{in_words, rule_in_words, view_in_words};
use keys::{PRESENTITY, TOP, Table};
use local::LOCAL;
pub use secrets::{Lacking, password_in, password_of};

/// Everything one configuration says.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Where to listen; at least one.
    pub listen: Vec<Listen>,
    /// The control socket, where it is not the default one.
    pub control: Option<PathBuf>,
    /// The folder in which state is kept, where it is said.
    pub state: Option<PathBuf>,
    /// What to log, where it is said: a level of the `log` crate, or `off`.
    pub log: Option<&'static str>,
    /// Whether files that the agent does not need stay closed to it.
    pub sandbox: bool,
    /// Whether our presentities are announced on the local network.
    pub discover: bool,
    /// The panel's hardware.
    pub board: Board,
    /// The files that passwords stand in.
    pub secrets: Vec<PathBuf>,
    /// The users there are.
    pub users: Roll,
    /// Our certificate, and whom we believe.
    pub tls: Tls,
    /// What is run for buttons and lamps.
    pub commands: Commands,
    /// What the agent is told: validated, with every lamp and button of the board in the board's order.
    pub settings: Box<Settings>,
    /// What is possible, but hardly meant.
    pub warnings: Option<Faults>,
}

/// What the command line says instead of the file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overrides<'a> {
    /// The board.
    pub board: Option<&'a str>,
    /// Where to listen, if anywhere.
    pub listen: &'a [Listen],
}

impl Configuration {
    /// Reads `file`.
    ///
    /// # Errors
    /// Everything that is wrong with the file, each with its place and a remedy.
    pub fn load(file: &Path, overrides: Overrides<'_>) -> Result<Configuration, Faults> {
        let name = file.display().to_string();
        let text = document::read(file, "the configuration")?;
        let folder = file.parent().unwrap_or(Path::new(""));
        Configuration::parse(&name, &text, folder, overrides)
    }

    /// Reads the text of a file called `name`, whose relative paths count from `folder`.
    ///
    /// # Errors
    /// As [`Configuration::load`].
    pub fn parse(
        name: &str,
        text: &str,
        folder: &Path,
        overrides: Overrides<'_>,
    ) -> Result<Configuration, Faults> {
        let mut faults = Collector::with_advice(text, keys::advice);
        let table = faults.parse();
        if !faults.is_clean() {
            return Err(faults.finish(name, ()).expect_err("something was found"));
        }
        let known = keys::of_the_file();
        let root = Section::open(TOP.name, table.get_ref(), 0, &known, &mut faults);
        let board = match overrides.board {
            Some(named) => Board::find(named)?,
            None => board_of(&root, folder, &mut faults)?,
        };
        let mut settings = Box::new(Settings::new());
        settings.restore_defaults();
        let mut reader = Reader {
            settings: &mut settings,
            board: &board,
            faults,
            secrets: Vec::new(),
            folder,
            commands: Commands::default(),
        };
        let listen = match overrides.listen {
            [] => reader.listen(&root),
            instead => instead.to_vec(),
        };
        let control = reader.control(&root, folder);
        let state = reader.state(&root, folder);
        let log = root.choice("log", &LEVELS, &mut reader.faults);
        let sandbox = root.flag("sandbox", &mut reader.faults);
        let discover = root.flag("discover", &mut reader.faults);
        reader.trusted(&root);
        if let Some(strangers) = root.choice("strangers", &STRANGERS, &mut reader.faults) {
            reader.settings.strangers = strangers.value;
        }
        reader.subscriptions(&root);
        reader.registrations(&root);
        reader.publications(&root);
        reader.presentities(&root);
        reader.served_lists(&root);
        reader.softphones(&root);
        let users = reader.authentication(&root, folder, &listen);
        reader.upstreams(&root, folder);
        reader.lists(&root);
        reader.lamps(&root);
        reader.buttons(&root);
        let tls = reader.tls(&root, folder, &listen);
        // What names stand in certificates, whoever signs them knows.
        let named: &[_] = if tls.knows_peers() { &[] } else { &users.users };
        reader.rules(&root, named);
        let announced = discover.is_some_and(|it| it.value);
        reader.reach(&root, &listen, announced);
        let (secrets, commands, mut faults) = (reader.secrets, reader.commands, reader.faults);
        let configuration = Configuration {
            listen,
            control,
            state,
            log: log.map(|it| it.value),
            sandbox: sandbox.is_none_or(|it| it.value),
            discover: announced,
            board,
            secrets,
            users,
            tls,
            commands,
            settings,
            warnings: faults.warnings(name),
        };
        let configuration = faults.finish(name, configuration)?;
        match configuration.settings.validate() {
            Ok(()) => Ok(configuration),
            Err(invalid) => Err(Faults::whole(name, invalid.to_string(), "change it so")),
        }
    }

    /// The demonstration, where no configuration is given: [`Settings::demo`] on `board` (default: `sim`).
    /// An empty `listen` means the default.
    ///
    /// # Errors
    /// What is wrong with the board.
    pub fn demo(listen: Vec<Listen>, board: Option<&str>) -> Result<Configuration, Faults> {
        let listen = if listen.is_empty() {
            vec![Listen::DEFAULT]
        } else {
            listen
        };
        let board = Board::find(board.unwrap_or(Board::DEFAULT))?;
        let mut settings = Box::new(Settings::new());
        let by_udp = |it: &&Listen| it.transport == Transport::Udp;
        let elsewhere = listen
            .iter()
            .find(by_udp)
            .filter(|first| **first != Listen::DEFAULT);
        settings.restore_demo(elsewhere.map(|first| first.seen_from_here()));
        fit_to(&board, &mut settings);
        Ok(Configuration {
            listen,
            control: None,
            state: None,
            log: None,
            sandbox: true,
            discover: false,
            board,
            secrets: Vec::new(),
            users: Roll::default(),
            tls: Tls::default(),
            commands: Commands::default(),
            settings,
            warnings: None,
        })
    }
}

/// Gives the demonstration the lamps and buttons of `board`: its first lamp watches, its buttons keep what
/// their names say.
fn fit_to(board: &Board, settings: &mut Settings) {
    let named = settings.buttons.clone();
    settings.lamps.clear();
    settings.buttons.clear();
    for (at, lamp) in board.lamps.iter().enumerate() {
        let mut lamp = LampSettings::new(text(&lamp.name));
        if at == 0 {
            lamp.shows = Shows::Watch(0);
        }
        let _ = settings.lamps.push(lamp); // A board has no more than there is room for.
    }
    for button in &board.buttons {
        let known = named.iter().find(|it| it.name.as_str() == button.name);
        let mut button = buttons::untouched(button);
        if let Some(known) = known {
            button.press = known.press;
        }
        let _ = settings.buttons.push(button);
    }
}

fn board_of(
    root: &Section<'_, '_>,
    folder: &Path,
    faults: &mut Collector<'_>,
) -> Result<Board, Faults> {
    let named = root.text("board", faults);
    match Board::locate(named.map_or(Board::DEFAULT, |it| it.value), folder) {
        Ok((file, text)) => Board::parse(&file, &text),
        Err(Missing { what, remedy }) => {
            faults.add(named.map_or(0, |it| it.at), what, remedy);
            Board::find(Board::DEFAULT)
        }
    }
}

/// Fills the settings, collecting what is wrong.
struct Reader<'r, 't> {
    settings: &'r mut Settings,
    board: &'r Board,
    faults: Collector<'t>,
    /// The files that passwords stand in.
    secrets: Vec<PathBuf>,
    /// Where paths count from.
    folder: &'r Path,
    commands: Commands,
}

impl Reader<'_, '_> {
    fn listen(&mut self, root: &Section<'_, '_>) -> Vec<Listen> {
        let Some(texts) = root.texts("listen", &mut self.faults) else {
            return vec![Listen::DEFAULT];
        };
        if texts.is_empty() {
            let at = root.key_place("listen").unwrap_or(0);
            let remedy = "leave the line out to listen on udp:127.0.0.1:5060";
            self.faults.add(at, "listen is empty", remedy);
        }
        let mut listen: Vec<Listen> = Vec::new();
        for text in texts {
            let shown = text.value.escape_debug();
            match text.value.parse() {
                Ok(one) if listen.contains(&one) => {
                    let what = format!("\"{shown}\" is there already");
                    self.faults.add(text.at, what, "leave it out");
                }
                Ok(one) => listen.push(one),
                Err(error) => {
                    let what = format!("cannot listen on \"{shown}\"");
                    self.faults.add(text.at, what, error.to_string());
                }
            }
        }
        listen
    }

    /// Warns of those whom the agent cannot reach, nor they it.
    fn reach(&mut self, root: &Section<'_, '_>, listen: &[Listen], announced: bool) {
        let written = root.key_place("listen");
        // Who writes down that only this machine counts knows which names are its own.
        let is_default = written.is_none() && *listen == [Listen::DEFAULT];
        if !reach::is_for_this_machine(listen) {
            return;
        }
        if let Some(at) = root.key_place("discover").filter(|_| announced) {
            let what =
                "the agent speaks to this machine alone, and discover announces it to others";
            self.faults.warn(at, what, reach::LISTEN);
        } else if let Some(who) = reach::elsewhere(self.settings, is_default) {
            let what = format!("the agent speaks to this machine alone, and {who} is elsewhere");
            let at = written.unwrap_or(0);
            self.faults.warn(at, &what, reach::LISTEN);
        }
    }

    fn control(&mut self, root: &Section<'_, '_>, folder: &Path) -> Option<PathBuf> {
        /// What the kernel allows (unix(7): 108 with the byte that ends it).
        const LONGEST: usize = 107;
        let written = root.text("control", &mut self.faults)?;
        let path = folder.join(written.value);
        let length = path.as_os_str().len();
        if written.value.is_empty() || length > LONGEST || written.value.contains('\0') {
            let remedy = format!("write a path of 1 to {LONGEST} bytes");
            self.faults
                .add(written.at, "control cannot be the path of a socket", remedy);
        }
        Some(path)
    }

    fn state(&mut self, root: &Section<'_, '_>, folder: &Path) -> Option<PathBuf> {
        let path = root.text("state", &mut self.faults)?;
        if path.value.is_empty() || path.value.contains('\0') {
            let remedy = "write the path of a folder, as /var/lib/lampfield";
            self.faults.add(path.at, "state cannot be a folder", remedy);
        }
        Some(folder.join(path.value))
    }

    fn trusted(&mut self, root: &Section<'_, '_>) {
        let networks = root.texts("trusted", &mut self.faults);
        if networks.as_ref().is_some_and(Vec::is_empty) && root.key_place("trusted").is_some() {
            return;
        }
        for own in Network::LOOPBACK {
            let _ = self.settings.trusted.push(own); // The list is empty and holds more than two.
        }
        for text in networks.unwrap_or_default() {
            let Some(network) = Network::parse(text.value) else {
                let what = format!("\"{}\" is no network", text.value.escape_debug());
                let remedy = "write address/bits, as 192.168.1.0/24 or fd00::/8, or one address";
                self.faults.add(text.at, what, remedy);
                continue;
            };
            let known = self.settings.trusted.contains(&network);
            if !known && self.settings.trusted.push(network).is_err() {
                let what = format!("more than {TRUSTED} trusted networks");
                self.faults.add(text.at, what, "join some into larger ones");
                return;
            }
        }
    }

    fn presentities(&mut self, root: &Section<'_, '_>) {
        let Table { name, keys } = PRESENTITY;
        for section in root.sections("presentity", name, keys, &mut self.faults) {
            let shows = section.flag("dialog_shows_dnd", &mut self.faults);
            let registers = section.flag("registers", &mut self.faults);
            let uri = section.required("uri", "sip:desk@192.168.1.20", &mut self.faults);
            let Some((uri, at)) = uri.and_then(|it| Some((self.address("uri", it)?, it.at))) else {
                continue;
            };
            if self
                .settings
                .presentities
                .iter()
                .any(|it| is_same(&it.uri, &uri))
            {
                let what = format!("{uri} is there already");
                self.faults.add(at, what, "name each presentity only once");
                continue;
            }
            let mut presentity = PresentitySettings::new(uri);
            if let Some(shows) = shows {
                presentity.dialog_shows_dnd = shows.value;
            }
            presentity.registers = registers.is_some_and(|it| it.value);
            self.owners(&section, &mut presentity);
            if self.settings.presentities.push(presentity).is_err() {
                let what = format!("more than {PRESENTITIES} presentities");
                self.faults
                    .add(section.at, what, build_with("PRESENTITIES"));
                return;
            }
        }
    }

    /// Which of the board's `names` a section is about; each only once.
    fn place(
        &mut self,
        section: &Section<'_, '_>,
        names: &[&str],
        told: &mut Vec<Found<usize>>,
    ) -> Option<usize> {
        let example = names.first().copied().unwrap_or("…");
        let name = section.required("name", example, &mut self.faults)?;
        let shown = name.value.escape_debug();
        let Some(at) = names.iter().position(|it| *it == name.value) else {
            let what = format!("the board {} has no \"{shown}\"", self.board.name);
            let remedy = format!("use one of: {}", names.join(", "));
            self.faults.add(name.at, what, remedy);
            return None;
        };
        if let Some(earlier) = told.iter().find(|it| it.value == at) {
            let line = self.faults.line(earlier.at);
            let what = format!("\"{shown}\" is there already, in line {line}");
            self.faults.add(name.at, what, "leave one of them out");
            return None;
        }
        told.push(Found {
            value: at,
            at: name.at,
        });
        Some(at)
    }

    fn address(&mut self, key: &str, written: Found<&str>) -> Option<Text<URI>> {
        if let Some(name) = written.value.strip_prefix(LOCAL) {
            return self.local(key, name, written.at);
        }
        let shown = shown(written.value);
        if has_password(written.value) {
            let what = format!("{key} holds a password: \"{shown}\"");
            let remedy =
                "leave it out; it stands in a file, which password_file of an [[upstream]] names";
            self.faults.add(written.at, what, remedy);
            return None;
        }
        let address = Text::copied(written.value).ok();
        let address = address.filter(|it| is_address(it));
        if address.is_none() {
            let what = format!("{key} is no address: \"{shown}\"");
            let remedy = format!("write sip:name@host, at most {URI} bytes");
            self.faults.add(written.at, what, remedy);
        }
        address
    }
}

/// A name that the board's reader has measured.
fn text<const N: usize>(name: &str) -> Text<N> {
    Text::copied(name).unwrap_or_default()
}

fn build_with(limit: &str) -> String {
    format!("leave some out, or build with a larger LAMPFIELD_{limit}")
}

/// Seconds.
const DAY: u32 = 86_400;

const STRANGERS: [(&str, Strangers); 2] = [("refuse", Strangers::Refuse), ("ask", Strangers::Ask)];

const LEVELS: [(&str, &str); 6] = [
    ("off", "off"),
    ("error", "error"),
    ("warn", "warn"),
    ("info", "info"),
    ("debug", "debug"),
    ("trace", "trace"),
];

#[cfg(test)]
mod tests;
