//! What the process may reach in the file system from its start on: its configuration, what the machine knows about
//! names, the panel's devices, its control socket. The kernel sees to the rest (Landlock, `landlock(7)`, from Linux
//! 5.13 on), so a mistake in reading what strangers send opens no file. The network is untouched.
//!
//! Folders are allowed where files come and go: an editor replaces a configuration, a DHCP client `resolv.conf`, and
//! devices are plugged in. The sandbox binds the thread that closes it and those that it starts, so it is closed
//! before the first one starts.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::vec::Vec;
use std::{env, fs};

use landlock::{
    ABI, Access, AccessFs, BitFlags, PathBeneath, PathFd, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use log::{debug, warn};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// What stays open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Openings {
    /// Folders whose files are read.
    read: Vec<PathBuf>,
    /// The folder in which the control socket is made and removed.
    socket: Option<PathBuf>,
    /// The folder in which state is kept.
    state: Option<PathBuf>,
    /// Whether the panel has lines of its own.
    devices: bool,
    /// Folders whose programs are run.
    run: Vec<PathBuf>,
}

/// Keeps what is in our memory to ourselves, for there are passwords: no other process of the same user reads it, and none
/// of it gets into a core dump (`PR_SET_DUMPABLE`, `prctl(2)`).
pub fn keep_memory_private() {
    let set = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    if let Err(error) = set {
        debug!("other processes of this user may read our memory: {error}");
    }
}

/// Where names are looked up, and the time zone; links, so what they lead to is opened as well.
const NAMES: [&str; 3] = ["/etc/hosts", "/etc/resolv.conf", "/etc/localtime"];

/// Where programs and their libraries are; links among them lead to one another.
const PROGRAMS: [&str; 6] = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt"];

/// What a program has instead of files, and opens again by itself.
const NOTHING: [&str; 3] = ["/dev/null", "/dev/zero", "/dev/urandom"];

/// What the rules below speak of; an older kernel keeps those of them that it knows.
const RULES: ABI = ABI::V6;

impl Openings {
    /// What every agent needs.
    pub fn new() -> Openings {
        let mut openings = Openings::default();
        for name in NAMES {
            openings.read_beside(Path::new(name));
        }
        openings
    }

    /// Lets `file` be read, and what lies beside it: it may be replaced.
    pub fn read_beside(&mut self, file: &Path) {
        let led_to = match fs::canonicalize(file) {
            Ok(file) => Some(folder_of(&file)),
            Err(_) => nearest(file),
        };
        for folder in [Some(folder_of(file)), led_to].into_iter().flatten() {
            if !self.read.contains(&folder) {
                self.read.push(folder);
            }
        }
    }

    /// Lets the control socket be made and removed. Its folder has to be there.
    pub fn make_socket(&mut self, socket: &Path) {
        self.socket = Some(folder_of(socket));
    }

    /// Lets state be kept in this folder, which has to be there.
    pub fn keep_state(&mut self, folder: &Path) {
        self.state = Some(folder.to_path_buf());
    }

    /// Lets buttons be read and lamps be lit: device files, and LEDs below `/sys`.
    pub fn use_devices(&mut self) {
        self.devices = true;
    }

    /// Lets this program be run, and what lies beside it; with it the machine's programs, which it may need.
    pub fn run_beside(&mut self, program: &Path) {
        if self.run.is_empty() {
            self.run.extend(PROGRAMS.map(PathBuf::from));
        }
        let folder = folder_of(&fs::canonicalize(program).unwrap_or_else(|_| program.into()));
        if !self.run.iter().any(|it| folder.starts_with(it)) {
            self.run.push(folder);
        }
    }

    /// Closes everything else, for good. Where the kernel cannot, the agent works without and the log says so.
    pub fn close(&self) {
        match self.enforce() {
            Ok(status) => match status.ruleset {
                RulesetStatus::FullyEnforced => debug!("sandbox closed"),
                RulesetStatus::PartiallyEnforced => {
                    debug!("sandbox closed as far as this kernel can");
                }
                RulesetStatus::NotEnforced => {
                    debug!("no sandbox: this kernel has no Landlock");
                    return;
                }
            },
            Err(error) => {
                warn!("no sandbox: {error}");
                return;
            }
        }
        let _ = CLOSED.set(self.clone()); // A process closes it once.
    }

    /// Takes the right to gain rights as well (`PR_SET_NO_NEW_PRIVS`), whatever the kernel knows of Landlock.
    fn enforce(&self) -> Result<RestrictionStatus, RulesetError> {
        let rules = Ruleset::default()
            .handle_access(AccessFs::from_all(RULES))?
            .scope(Scope::from_all(RULES))?;
        let mut rules = rules.create()?;
        for (path, access) in self.rules() {
            // What is not there cannot be opened either.
            if let Ok(folder) = PathFd::new(&path) {
                rules = rules.add_rule(PathBeneath::new(folder, access))?;
            }
        }
        rules.restrict_self()
    }

    /// Whether the file at this path, which leads through no link, can be read.
    fn lets_read(&self, file: &Path) -> bool {
        let rules = self.rules().into_iter();
        let mut folders = rules.filter(|(_, access)| access.contains(AccessFs::ReadFile));
        folders.any(|(folder, _)| fs::canonicalize(folder).is_ok_and(|it| file.starts_with(it)))
    }

    /// Whether the program at this path, which leads through no link, can be run.
    fn lets_run(&self, program: &Path) -> bool {
        let mut folders = self.run.iter();
        folders.any(|it| fs::canonicalize(it).is_ok_and(|it| program.starts_with(it)))
    }

    fn rules(&self) -> Vec<(PathBuf, BitFlags<AccessFs>)> {
        let read = AccessFs::ReadFile | AccessFs::ReadDir;
        let write = AccessFs::WriteFile | AccessFs::Truncate;
        let mut rules: Vec<_> = self.read.iter().map(|it| (it.clone(), read)).collect();
        let programs = self
            .run
            .iter()
            .map(|it| (it.clone(), read | AccessFs::Execute));
        rules.extend(programs);
        if !self.run.is_empty() {
            rules.extend(NOTHING.map(|it| (it.into(), AccessFs::ReadFile | AccessFs::WriteFile)));
        }
        if let Some(folder) = &self.socket {
            let access = AccessFs::MakeSock | AccessFs::RemoveFile;
            rules.push((folder.clone(), access));
        }
        if let Some(folder) = &self.state {
            let make = AccessFs::MakeReg | AccessFs::RemoveFile;
            rules.push((folder.clone(), read | write | make));
        }
        if self.devices {
            rules.push(("/dev".into(), read | write | AccessFs::IoctlDev));
            rules.push(("/sys".into(), read));
            // Where the links of /sys/class lead to.
            rules.push(("/sys/devices".into(), write));
        }
        rules
    }
}

/// What is closed in this process, once it is.
static CLOSED: OnceLock<Openings> = OnceLock::new();

/// What to do about a file that the sandbox hides.
pub const OPEN_IT: &str = "the sandbox of the running agent hides it: start the agent again, which opens what its \
                           configuration names then; or put the file beside the configuration";

/// What to do about a program that the sandbox keeps from running.
pub const OPEN_PROGRAM: &str = "the sandbox of the running agent forbids it: start the agent again, which allows what its \
                                configuration names then";

/// Whether it is the sandbox of this process that keeps `program` from running.
pub fn keeps_from_running(program: &Path) -> bool {
    let is_closed = |file: PathBuf| CLOSED.get().is_some_and(|it| !it.lets_run(&file));
    fs::canonicalize(program).is_ok_and(is_closed)
}

/// Whether it is the sandbox of this process that refuses to open `file` with this error.
pub fn hides(file: &Path, error: &io::Error) -> bool {
    // The sandbox hides what is in a file, not where it is.
    let is_closed = |file: PathBuf| CLOSED.get().is_some_and(|it| !it.lets_read(&file));
    error.kind() == ErrorKind::PermissionDenied && fs::canonicalize(file).is_ok_and(is_closed)
}

/// Where the target of a link will be that leads to nothing yet, as `resolv.conf` before a network manager has
/// started: the folder nearest to it that is there. Not the root, which would open everything.
fn nearest(link: &Path) -> Option<PathBuf> {
    const LINKS: usize = 40;
    let mut file = link.to_path_buf();
    for _ in 0..LINKS {
        let Ok(target) = fs::read_link(&file) else {
            break;
        };
        file = folder_of(&file).join(target);
    }
    let mut folders = file.ancestors().skip(1);
    let there = folders.find_map(|folder| fs::canonicalize(folder).ok());
    there.filter(|folder| file != link && folder.parent().is_some())
}

/// The folder of a file that is named from where we are.
fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => env::current_dir().unwrap_or_else(|_| ".".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::dumpable_behavior;
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;
    use std::{format, thread};

    #[test]
    fn memory_is_private_from_then_on() {
        keep_memory_private();
        let now = dumpable_behavior().expect("the kernel knows");
        assert_eq!(now, DumpableBehavior::NotDumpable);
        set_dumpable_behavior(DumpableBehavior::Dumpable).expect("for the other tests");
    }

    struct Folder(PathBuf);

    impl Folder {
        fn new(test: &str) -> Folder {
            let name = format!("lampfield-sandbox-{}-{test}", std::process::id());
            let path = env::temp_dir().join(name);
            for inside in ["etc", "run", "secret"] {
                fs::create_dir_all(path.join(inside)).expect("a folder");
                fs::write(path.join(inside).join("file"), inside).expect("written");
            }
            Folder(path)
        }

        fn at(&self, inside: &str) -> PathBuf {
            self.0.join(inside)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0); // The system clears its temporary files too.
        }
    }

    /// Runs `check` on a thread inside, as only that thread is bound. `None` where the kernel has no Landlock.
    fn inside<T: Send>(openings: &Openings, check: impl FnOnce() -> T + Send) -> Option<T> {
        thread::scope(|scope| {
            let sandboxed = scope.spawn(|| {
                let status = openings.enforce().expect("no error");
                assert!(status.no_new_privs);
                (status.ruleset != RulesetStatus::NotEnforced).then(check)
            });
            sandboxed.join().expect("no panic")
        })
    }

    #[test]
    fn nothing_can_be_opened_but_what_was_named() {
        let folder = Folder::new("open");
        let mut openings = Openings::new();
        openings.read_beside(&folder.at("etc/file"));
        let checked = inside(&openings, || {
            // Replaced, as editors do it: by another process, so a right that this one does not have.
            fs::read_to_string(folder.at("etc/file")).expect("named");
            fs::read("/etc/hosts").expect("every agent's");
            let denied = |error: std::io::Error| error.kind() == ErrorKind::PermissionDenied;
            assert!(fs::read(folder.at("secret/file")).is_err_and(denied));
            assert!(fs::write(folder.at("etc/file"), "changed").is_err_and(denied));
            assert!(fs::write(folder.at("secret/new"), "").is_err_and(denied));
            assert!(fs::read("/dev/null").is_err_and(denied));
            assert!(
                std::process::Command::new("/bin/true")
                    .status()
                    .is_err_and(denied)
            );
        });
        if checked.is_none() {
            std::eprintln!("this kernel has no Landlock: nothing was tested");
        }
    }

    #[test]
    fn programs_run_only_where_one_is_named() {
        let folder = Folder::new("run");
        let script = folder.at("run/file");
        fs::write(&script, "#!/bin/sh\n/bin/cat /etc/hosts > /dev/null").expect("written");
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&script, executable).expect("executable");
        let run = |file: &Path| std::process::Command::new(file).status();
        let denied = |error: io::Error| error.kind() == ErrorKind::PermissionDenied;
        let mut openings = Openings::new();
        inside(&openings, || assert!(run(&script).is_err_and(denied)));
        openings.run_beside(&script);
        inside(&openings, || {
            assert!(run(&script).expect("named").success());
            assert!(
                run(Path::new("/bin/true"))
                    .expect("the machine's")
                    .success()
            );
            assert!(fs::read(folder.at("secret/file")).is_err_and(denied));
            assert!(fs::write(folder.at("run/file"), "changed").is_err_and(denied));
        });
        let lets = |at: &str| openings.lets_run(&fs::canonicalize(at).expect("there"));
        assert!(lets("/bin/true") && !lets("/etc/hosts"));
    }

    #[test]
    fn the_control_socket_comes_and_goes() {
        let folder = Folder::new("socket");
        let mut openings = Openings::new();
        openings.make_socket(&folder.at("run/control.sock"));
        inside(&openings, || {
            let path = folder.at("run/control.sock");
            drop(UnixListener::bind(&path).expect("allowed"));
            fs::remove_file(&path).expect("allowed");
            assert!(UnixListener::bind(folder.at("etc/control.sock")).is_err());
        });
    }

    #[test]
    fn state_is_kept_in_its_folder_and_nowhere_else() {
        let folder = Folder::new("state");
        let mut openings = Openings::new();
        openings.keep_state(&folder.at("run"));
        inside(&openings, || {
            let (new, old) = (folder.at("run/state.new"), folder.at("run/state"));
            fs::write(&new, "x").expect("made");
            fs::rename(&new, &old).expect("renamed");
            fs::write(&old, "").expect("cut");
            let listed = fs::File::open(folder.at("run")).expect("opened");
            listed.sync_all().expect("synced");
            assert!(fs::rename(&old, folder.at("etc/state")).is_err());
            assert!(fs::write(folder.at("secret/file"), "x").is_err());
        });
    }

    #[test]
    fn devices_stay_open_for_a_panel() {
        let mut openings = Openings::new();
        openings.use_devices();
        inside(&openings, || {
            let mut null = fs::File::options().read(true).write(true).open("/dev/null");
            null.as_mut()
                .expect("a device")
                .write_all(b"x")
                .expect("written");
            fs::read_dir("/sys/class").expect("listed");
        });
    }

    #[test]
    fn a_link_opens_the_folder_that_it_leads_to() {
        let folder = Folder::new("link");
        symlink(folder.at("secret/file"), folder.at("etc/link")).expect("made");
        let mut openings = Openings::default();
        openings.read_beside(&folder.at("etc/link"));
        let real = fs::canonicalize(folder.at("secret")).expect("there");
        assert_eq!(openings.read, [folder.at("etc"), real]);
        assert!(folder_of(Path::new("lampfield.toml")).is_absolute());
    }

    /// As `resolv.conf` does, which is there only once a network manager has started.
    #[test]
    fn a_link_that_leads_nowhere_yet_opens_where_its_target_will_be() {
        let folder = Folder::new("nowhere");
        let link = folder.at("etc/link");
        symlink("../run/later/deeper/file", &link).expect("made");
        let mut openings = Openings::default();
        openings.read_beside(&link);
        let run = fs::canonicalize(folder.at("run")).expect("there");
        assert_eq!(openings.read, [folder.at("etc"), run]);
        fs::create_dir_all(folder.at("run/later/deeper")).expect("made");
        fs::write(folder.at("run/later/deeper/file"), "here").expect("written");
        inside(&openings, || {
            assert_eq!(fs::read_to_string(&link).expect("open"), "here");
        });
    }

    #[test]
    fn a_link_to_nowhere_at_all_does_not_open_the_root() {
        let folder = Folder::new("root");
        let link = folder.at("etc/link");
        symlink("/lampfield-no-such-folder/file", &link).expect("made");
        let mut openings = Openings::default();
        openings.read_beside(&link);
        assert_eq!(openings.read, [folder.at("etc")]);
    }
}
