//! `lampfield run`: the agent as a process.

use std::boxed::Box;
use std::env;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;

use log::{info, warn};
use static_cell::ConstStaticCell;

use super::cli::args::Run;
use super::clock;
use super::control::socket::{default_path, prepare_folder};
use super::dns::Paths;
use super::document::Faults;
use super::failed::Failed;
use super::hub::Fresh;
use super::journal;
use super::listen::Listen;
use super::mdns;
use super::panel::board::{Backend, Board};
use super::runtime::{Options, Runtime};
use super::sandbox::{Openings, keep_memory_private};
use super::service::Service;
use super::settings::{Configuration, Overrides};
use crate::engine::agent::Agent;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was asked to end, and did.
    Done,
    /// Something of the machine could not be had.
    Failed,
    /// The configuration is wrong.
    Wrong,
}

/// All of the agent's state: zeroes in the program's image, so that it costs neither flash nor stack.
static AGENT: ConstStaticCell<Agent> = ConstStaticCell::new(Agent::new());

/// Is the agent until somebody stops it. What goes wrong is said on standard error.
pub fn run(options: Run) -> Outcome {
    let configuration = match configure(&options) {
        Ok(configuration) => configuration,
        Err(faults) => {
            journal::complain(&faults);
            return Outcome::Wrong;
        }
    };
    if let Err(level) = journal::start(configuration.log) {
        journal::complain(&format_args!(
            "lampfield: there is no log level \"{level}\"\nremedy: off, error, warn, info, debug or trace"
        ));
        return Outcome::Wrong;
    }
    if let Some(warnings) = &configuration.warnings {
        warn_of(warnings);
    }
    match serve(options, configuration) {
        Ok(()) => {
            info!("stopped");
            Outcome::Done
        }
        Err(Failed(text)) => {
            journal::complain(&format_args!("lampfield: {text}"));
            Outcome::Failed
        }
    }
}

/// The agent of this process; there is only one.
///
/// # Errors
/// Somebody has it already.
pub fn take_agent() -> Result<&'static mut Agent, Failed> {
    AGENT
        .try_take()
        .ok_or_else(|| Failed("an agent runs already in this process".to_string()))
}

fn configure(options: &Run) -> Result<Configuration, Faults> {
    let overrides = Overrides {
        board: options.board.as_deref(),
        listen: &options.listen,
    };
    let mut configuration = match &options.config {
        Some(file) => Configuration::load(file, overrides)?,
        None => Configuration::demo(options.listen.clone(), overrides.board)?,
    };
    let Configuration {
        control,
        state,
        log,
        ..
    } = &mut configuration;
    let instead = |given: &Option<PathBuf>, read: Option<PathBuf>| given.clone().or(read);
    *control = instead(&options.control, control.take());
    *state = instead(&options.state, state.take());
    *log = options.log.or(*log);
    Ok(configuration)
}

/// Tells the log, line by line, as it cuts long ones.
fn warn_of(warnings: &Faults) {
    for line in warnings.to_string().lines() {
        warn!("{line}");
    }
}

fn serve(options: Run, configuration: Configuration) -> Result<(), Failed> {
    let control = configuration.control.clone();
    let control = control.unwrap_or_else(default_path);
    let state = configuration.state.clone().or_else(managed_state);
    let service = Service::from_environment(clock::now());
    if configuration.sandbox {
        prepare_folder(&control)?;
        let mut openings = openings(&options, &configuration, &control);
        if let Some(state) = &state {
            // What cannot be made is said by the one who needs it.
            let _ = DirBuilder::new().recursive(true).mode(0o700).create(state);
            openings.keep_state(state);
        }
        openings.close();
    }
    keep_secrets(&configuration);
    let agent = take_agent()?;
    let at_start = AtStart::of(&configuration);
    let mut runtime = Runtime::new(
        agent,
        Options {
            listen: configuration.listen,
            control: Some(control),
            state,
            board: configuration.board,
            commands: configuration.commands,
            settings: configuration.settings,
            users: configuration.users,
            tls: configuration.tls,
            names: Paths::default(),
            discover: configuration.discover.then(mdns::host),
            signals: true,
            reload: Some(Box::new(move || {
                if options.config.is_none() {
                    return Err("there is no configuration file to read again".to_string());
                }
                let new = configure(&options).map_err(|faults| faults.to_string())?;
                if let Some(warnings) = &new.warnings {
                    warn_of(warnings);
                }
                keep_secrets(&new);
                let new_start = AtStart::of(&new);
                if let Some(waits) = at_start.changed_in(&new_start) {
                    warn!("changed, but counting only from the next start on: {waits}");
                }
                if new_start.board != at_start.board {
                    return Err("the board has changed: start the agent again".to_string());
                }
                Ok(Fresh {
                    settings: new.settings,
                    users: new.users,
                    tls: new.tls,
                    commands: new.commands,
                    discover: new.discover.then(mdns::host),
                })
            })),
            lasts: None,
        },
    )?;
    announce(&runtime);
    runtime.report_to(service);
    runtime.run()
}

/// Without a password nobody is kept from looking into the process.
fn keep_secrets(configuration: &Configuration) {
    let has_accounts = !configuration.settings.upstreams.is_empty();
    if has_accounts || !configuration.secrets.is_empty() {
        keep_memory_private();
    }
}

/// What a reload cannot change.
struct AtStart {
    listen: Vec<Listen>,
    board: Board,
    control: Option<PathBuf>,
    state: Option<PathBuf>,
    log: Option<&'static str>,
    sandbox: bool,
}

impl AtStart {
    fn of(configuration: &Configuration) -> AtStart {
        AtStart {
            listen: configuration.listen.clone(),
            board: configuration.board.clone(),
            control: configuration.control.clone(),
            state: configuration.state.clone(),
            log: configuration.log,
            sandbox: configuration.sandbox,
        }
    }

    /// The keys that say something else in `new`, if any do: "`listen`, `log`".
    fn changed_in(&self, new: &AtStart) -> Option<String> {
        let AtStart {
            listen,
            board,
            control,
            state,
            log,
            sandbox,
        } = new;
        let keys = [
            ("`listen`", self.listen != *listen),
            ("`board`", self.board != *board),
            ("`control`", self.control != *control),
            ("`state`", self.state != *state),
            ("`log`", self.log != *log),
            ("`sandbox`", self.sandbox != *sandbox),
        ];
        let changed: Vec<&str> = keys
            .into_iter()
            .filter_map(|(key, has_changed)| has_changed.then_some(key))
            .collect();
        (!changed.is_empty()).then(|| changed.join(", "))
    }
}

/// What this run needs of the file system, now and when it reads its configuration again.
fn openings(options: &Run, configuration: &Configuration, control: &Path) -> Openings {
    let mut openings = Openings::new();
    openings.make_socket(control);
    // Of a board that is built in, the name is no file's: then nothing is opened.
    let board = Path::new(&configuration.board.file);
    for file in options.config.as_deref().into_iter().chain([board]) {
        openings.read_beside(file);
    }
    for secret in &configuration.secrets {
        openings.read_beside(secret);
    }
    if env::var_os("TZ").is_some() {
        openings.read_beside(Path::new("/usr/share/zoneinfo/tzdata.zi"));
    }
    for command in configuration.commands.all() {
        openings.run_beside(command.program());
    }
    if configuration.board.backend != Backend::Simulated {
        openings.use_devices();
    }
    openings
}

/// The folder that the service manager made for our state (systemd.exec(5), `StateDirectory=`).
fn managed_state() -> Option<PathBuf> {
    let folders = env::var("STATE_DIRECTORY").ok()?;
    let first = folders.split(':').next().filter(|it| !it.is_empty())?;
    Some(PathBuf::from(first))
}

fn announce(runtime: &Runtime) {
    let control = runtime
        .control()
        .map_or_else(|| "off".to_string(), |path| path.display().to_string());
    info!("ready, {}, control on {control}", runtime.status());
}
