//! The control socket's file: where it is, and that it is ours alone.

use std::env;
use std::fmt;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Where the control socket is when nobody says otherwise: `$XDG_RUNTIME_DIR/lampfield.sock`, else
/// `/run/lampfield/control.sock` if that directory exists, else `/tmp/lampfield-UID/control.sock`.
pub fn default_path() -> PathBuf {
    choose(
        env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from),
        Path::new("/run/lampfield"),
        rustix::process::geteuid().as_raw(),
    )
}

fn choose(runtime: Option<PathBuf>, service: &Path, uid: u32) -> PathBuf {
    if let Some(runtime) = runtime.filter(|path| path.is_absolute() && path.is_dir()) {
        return runtime.join("lampfield.sock");
    }
    if service.is_dir() {
        return service.join("control.sock");
    }
    PathBuf::from(std::format!("/tmp/lampfield-{uid}/control.sock"))
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
    /// Binds the socket. A file that a dead agent left behind is replaced; only its owner may connect.
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
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    let claim = Claim {
        path: path.to_path_buf(),
        file: identity(path)?,
    };
    Ok((claim, listener))
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// The directory below `/tmp` is made by us, and must be ours: anybody could have made it first.
fn prepare_folder(path: &Path) -> Result<(), Refused> {
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
        let user = choose(Some(folder.0.clone()), none, 7);
        assert_eq!(user, folder.0.join("lampfield.sock"));
        let service = choose(None, &folder.0, 7);
        assert_eq!(service, folder.0.join("control.sock"));
        let last = choose(Some(PathBuf::from("relative")), none, 7);
        assert_eq!(last, Path::new("/tmp/lampfield-7/control.sock"));
    }
}
