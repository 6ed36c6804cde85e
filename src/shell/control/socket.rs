//! The control socket's file: where it is, and that it is ours alone.

use std::env;
use std::fmt;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::vec::Vec;

/// Where an agent makes its control socket when nobody says otherwise: `$XDG_RUNTIME_DIR/lampfield.sock`, else
/// `/run/lampfield/control.sock` if that directory exists, else `/tmp/lampfield-UID/control.sock`.
pub fn default_path() -> PathBuf {
    choose(&usual_places(), |path| {
        path.parent().is_some_and(Path::is_dir)
    })
}

/// Where a command finds an agent when nobody says otherwise: the first of the same places where there is one. A
/// user's own agent comes before the machine's.
pub fn find() -> PathBuf {
    // A place that may not be looked at is taken: there is an agent, for others.
    let is_taken = |path: &Path| match fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::PermissionDenied,
    };
    let places = usual_places();
    if places.iter().any(|path| is_taken(path)) {
        choose(&places, is_taken)
    } else {
        default_path()
    }
}

fn usual_places() -> Vec<PathBuf> {
    let user = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let uid = rustix::process::geteuid().as_raw();
    places(user, Path::new("/run/lampfield"), uid)
}

/// The last one can always be had.
fn places(user: Option<PathBuf>, service: &Path, uid: u32) -> Vec<PathBuf> {
    let user = user.filter(|path| path.is_absolute());
    let user = user.map(|path| path.join("lampfield.sock"));
    let service = service.join("control.sock");
    let last = PathBuf::from(std::format!("/tmp/lampfield-{uid}/control.sock"));
    user.into_iter().chain([service, last]).collect()
}

fn choose(places: &[PathBuf], fits: impl Fn(&Path) -> bool) -> PathBuf {
    let fitting = places.iter().find(|path| fits(path)).or(places.last());
    fitting.cloned().unwrap_or_default()
}

/// The file is ours while this lives.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    /// Device and inode: somebody may have put another file in its place.
    file: (u64, u64),
}

/// The path cannot be had.
#[derive(Debug)]
pub enum Refused {
    /// Another agent answers there.
    Alive(PathBuf),
    /// Something else than a socket has the name.
    NotASocket(PathBuf),
    /// The directory belongs to somebody else, or others may change it.
    Unsafe(PathBuf),
    /// The system says no.
    Io(PathBuf, io::Error),
}

impl Claim {
    /// Binds the socket. A file that a dead agent left behind is replaced. Only its owner may connect; or its group
    /// as well, if the folder is open to that group and closed to everybody else, as a service's own may be.
    ///
    /// # Errors
    /// Everything else that has the name is left alone.
    pub fn take(path: PathBuf) -> Result<(Claim, UnixListener), Refused> {
        prepare_folder(&path)?;
        if let Ok(found) = fs::symlink_metadata(&path) {
            if !found.file_type().is_socket() {
                return Err(Refused::NotASocket(path));
            }
            match UnixStream::connect(&path) {
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                    let removed = fs::remove_file(&path);
                    removed.map_err(|error| Refused::Io(path.clone(), error))?;
                }
                Ok(_) => return Err(Refused::Alive(path)),
                Err(error) => return Err(Refused::Io(path, error)),
            }
        }
        bind(&path).map_err(|error| Refused::Io(path.clone(), error))
    }

    /// The socket's file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|file| file == self.file) {
            let _ = fs::remove_file(&self.path); // The next agent removes it as well.
        }
    }
}

fn bind(path: &Path) -> io::Result<(Claim, UnixListener)> {
    let listener = UnixListener::bind(path)?;
    let mode = if is_the_groups(path) { 0o660 } else { 0o600 };
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    let claim = Claim {
        path: path.to_path_buf(),
        file: identity(path)?,
    };
    Ok((claim, listener))
}

fn is_the_groups(socket: &Path) -> bool {
    let folder = socket.parent().map(fs::metadata);
    let (Some(Ok(folder)), Ok(socket)) = (folder, fs::symlink_metadata(socket)) else {
        return false;
    };
    folder.mode() & 0o017 == 0o010 && folder.gid() == socket.gid()
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// The directory below `/tmp` is made by us, and must be ours: anybody could have made it first.
///
/// # Errors
/// It is somebody else's, or cannot be made.
pub fn prepare_folder(path: &Path) -> Result<(), Refused> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    if !folder.starts_with("/tmp") || !is_our_name(folder) {
        return Ok(());
    }
    let refused = |error| Refused::Io(folder.to_path_buf(), error);
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(refused(error)),
    }
    let found = fs::symlink_metadata(folder).map_err(refused)?;
    let ours = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw();
    if !ours || found.mode() & 0o022 != 0 {
        return Err(Refused::Unsafe(folder.to_path_buf()));
    }
    Ok(())
}

/// Whether somebody else may have put that socket there: it, or a folder that it is in, stands where anybody can make
/// one, and belongs neither to us nor to root. A command that asked there would believe whoever answers.
pub fn is_a_strangers(path: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let is_anybodys = |folder: &Path| fs::metadata(folder).is_ok_and(|it| it.mode() & 0o002 != 0);
    let is_others = |path: &Path| {
        let found = fs::symlink_metadata(path);
        found.is_ok_and(|it| it.uid() != own && it.uid() != 0)
    };
    let mut all = path.ancestors().zip(path.ancestors().skip(1));
    all.any(|(inside, folder)| is_anybodys(folder) && is_others(inside))
}

fn is_our_name(folder: &Path) -> bool {
    let uid = rustix::process::geteuid().as_raw();
    folder.file_name() == Some(std::format!("lampfield-{uid}").as_ref())
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Alive(path) => write!(
                f,
                "another agent is running: it answers on {}\nremedy: end it, or give this one another socket \
                 with --control",
                path.display()
            ),
            Refused::NotASocket(path) => write!(
                f,
                "{} is in the way: it is not a socket\nremedy: remove it, or choose another path with --control",
                path.display()
            ),
            Refused::Unsafe(path) => write!(
                f,
                "{} is not safe: others own it or may write there\nremedy: remove it, or choose another path \
                 with --control",
                path.display()
            ),
            Refused::Io(path, error) => write!(
                f,
                "cannot open the control socket {}: {error}\nremedy: choose another path with --control",
                path.display()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    struct Folder(PathBuf);

    impl Folder {
        fn new(test: &str) -> Folder {
            let name = std::format!("lampfield-socket-{}-{test}", std::process::id());
            let path = env::temp_dir().join(name);
            fs::create_dir_all(&path).expect("a folder");
            Folder(path)
        }

        fn socket(&self) -> PathBuf {
            self.0.join("control.sock")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0); // The system clears its temporary files too.
        }
    }

    #[test]
    fn only_the_owner_may_connect_and_the_file_goes_with_the_claim() {
        let folder = Folder::new("owner");
        let (claim, _listener) = Claim::take(folder.socket()).expect("free");
        let mode = fs::metadata(folder.socket()).expect("there").mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(claim);
        assert!(!folder.socket().exists());
    }

    #[test]
    fn a_folder_for_a_group_lets_the_group_connect() {
        let folder = Folder::new("group");
        for (folder_mode, mode) in [(0o750, 0o660), (0o700, 0o600), (0o755, 0o600)] {
            fs::set_permissions(&folder.0, Permissions::from_mode(folder_mode)).expect("ours");
            let (_claim, _listener) = Claim::take(folder.socket()).expect("free");
            let found = fs::metadata(folder.socket()).expect("there").mode();
            assert_eq!(found & 0o777, mode, "in {folder_mode:o}");
        }
    }

    #[test]
    fn a_socket_of_another_user_where_anybody_can_make_one_is_a_strangers() {
        let folder = Folder::new("stranger");
        let (_claim, _listener) = Claim::take(folder.socket()).expect("free");
        assert!(!is_a_strangers(&folder.socket()));
        // Only root gives things away.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&folder.0, Some(12_345), None).expect("given away");
            assert!(is_a_strangers(&folder.socket()));
            let inner = folder.0.join("inner");
            fs::create_dir(&inner).expect("made");
            assert!(is_a_strangers(&inner.join("control.sock")));
        }
        // As a service's own: not everybody can make a folder there.
        assert!(!is_a_strangers(Path::new("/run/lampfield/control.sock")));
    }

    #[test]
    fn a_dead_agents_socket_is_replaced() {
        let folder = Folder::new("dead");
        drop(UnixListener::bind(folder.socket()).expect("free"));
        assert!(folder.socket().exists());
        let (_claim, _listener) = Claim::take(folder.socket()).expect("replaced");
        UnixStream::connect(folder.socket()).expect("alive");
    }

    #[test]
    fn a_living_agent_keeps_its_socket() {
        let folder = Folder::new("alive");
        let (_claim, _listener) = Claim::take(folder.socket()).expect("free");
        let refused = Claim::take(folder.socket()).expect_err("taken");
        let text = refused.to_string();
        assert!(text.starts_with("another agent is running: "), "{text}");
        UnixStream::connect(folder.socket()).expect("still alive");
    }

    #[test]
    fn a_file_is_never_removed() {
        let folder = Folder::new("file");
        fs::write(folder.socket(), "precious").expect("written");
        let refused = Claim::take(folder.socket()).expect_err("taken");
        assert!(matches!(refused, Refused::NotASocket(_)));
        assert_eq!(
            fs::read_to_string(folder.socket()).expect("there"),
            "precious"
        );
    }

    #[test]
    fn a_claim_removes_only_its_own_file() {
        let folder = Folder::new("own");
        let (claim, _listener) = Claim::take(folder.socket()).expect("free");
        fs::remove_file(folder.socket()).expect("removed");
        fs::write(folder.socket(), "another's").expect("written");
        drop(claim);
        assert!(folder.socket().exists());
    }

    #[test]
    fn the_default_goes_from_the_user_to_the_service_to_tmp() {
        let folder = Folder::new("default");
        let none = Path::new("/nonexistent/lampfield");
        let there = |path: &Path| path.parent().is_some_and(Path::is_dir);
        let user = places(Some(folder.0.clone()), none, 7);
        assert_eq!(choose(&user, there), folder.0.join("lampfield.sock"));
        let service = places(None, &folder.0, 7);
        assert_eq!(choose(&service, there), folder.0.join("control.sock"));
        let last = places(Some(PathBuf::from("relative")), none, 7);
        let tmp = Path::new("/tmp/lampfield-7/control.sock");
        assert_eq!(choose(&last, there), tmp);
    }

    #[test]
    fn a_command_passes_a_place_without_an_agent() {
        let (user, service) = (Folder::new("user"), Folder::new("service"));
        let (_claim, _listener) = Claim::take(service.socket()).expect("free");
        let places = places(Some(user.0.clone()), &service.0, 7);
        assert_eq!(choose(&places, Path::exists), service.socket());
    }
}
