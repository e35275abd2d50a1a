//! The folder in which the demo keeps its messages and its secrets.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::genconfig::secret;
use crate::private_file;

/// Name of the file whose lock says that a demo uses the folder.
const LOCK: &str = "lock";
const API_KEY: &str = "api_key";
const TOKEN_SECRET: &str = "token_secret";

/// A folder that this process alone uses, as long as this value lives.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    /// Unlocked when it is closed, by the system if nobody else.
    _lock: File,
}

/// Secrets of the demo. They outlive a restart, and so do the tokens of the clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Secrets {
    /// Key of the HTTP API.
    pub(crate) api_key: String,
    /// Signs the tokens of clients.
    pub(crate) token_secret: String,
}

impl DataFolder {
    /// Takes the folder for this process, and makes it if there is none. Its owner alone may look into it.
    ///
    /// # Errors
    /// One line where another process has it, or the system does not allow it; then nothing in it was changed.
    pub(crate) fn take(path: &Path) -> Result<Self, Failure> {
        let cannot =
            |error| Failure::new(format!("cannot use the folder {}: {error}", path.display()));
        make(path).map_err(cannot)?;
        let lock = lock(path).map_err(cannot)??;
        close_to_others(path).map_err(cannot)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file with the key of the HTTP API.
    pub(crate) fn api_key_file(&self) -> PathBuf {
        self.path.join(API_KEY)
    }

    /// The secrets in it; those that are missing are made.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub(crate) fn secrets(&self) -> Result<Secrets, Failure> {
        Ok(Secrets {
            api_key: kept(&self.api_key_file())?,
            token_secret: kept(&self.path.join(TOKEN_SECRET))?,
        })
    }
}

fn make(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The locked file; the inner failure says who has it.
fn lock(folder: &Path) -> io::Result<Result<File, Failure>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(folder.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Err(taken(folder, &mut file))),
        // Some file systems of networks know no locks; then it is as it was before there were any.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
            tracing::warn!(folder = %folder.display(), "the file system has no locks: a second demo in this folder would not be noticed");
            return Ok(Ok(file));
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}", std::process::id())?;
    Ok(Ok(file))
}

fn taken(folder: &Path, file: &mut File) -> Failure {
    let mut process = String::new();
    // Where a lock forbids reading, the number is just not told.
    let _ = file.take(20).read_to_string(&mut process);
    let who = match process.parse::<u32>() {
        Ok(id) => format!("another demo (process {id})"),
        Err(_) => "another demo".to_owned(),
    };
    Failure::new(format!(
        "{who} uses the folder {}: stop it, or give this one a folder of its own with --data DIR",
        folder.display()
    ))
}

/// Takes the folder from the sight of others, if it is the demo's: one that is empty but for the lock, or has secrets.
/// A folder with other things in it is left as it is.
#[cfg(unix)]
fn close_to_others(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let mode = fs::metadata(path)?.permissions().mode();
    let is_shared = mode & 0o1000 != 0;
    let is_open = mode & 0o077 != 0;
    let is_ours = path.join(TOKEN_SECRET).exists() || fs::read_dir(path)?.count() <= 1;
    if is_open && is_ours && !is_shared {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) -> io::Result<()> {
    Ok(())
}

/// The secret in a file, made if there is none.
fn kept(path: &Path) -> Result<String, Failure> {
    let cannot = |error| Failure::new(format!("cannot use {}: {error}", path.display()));
    match fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(cannot(error)),
        _ => {}
    }
    let secret = secret(32)?;
    private_file::replace(path, &secret).map_err(cannot)?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    #[test]
    fn a_folder_has_one_demo_at_a_time_and_keeps_its_secrets() {
        let folder = Folder::new("taken");
        let path = folder.path.join("data");
        let first = DataFolder::take(&path).unwrap();
        let secrets = first.secrets().unwrap();
        let Err(Failure::Said { what, details }) = DataFolder::take(&path) else {
            panic!("taken twice")
        };
        let id = std::process::id();
        assert!(what.contains(&format!("process {id}")), "{what}");
        assert!(what.contains("--data"), "{what}");
        assert!(details.is_empty());
        drop(first);
        let second = DataFolder::take(&path).unwrap();
        assert_eq!(second.secrets().unwrap(), secrets);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_look_into_the_folder_or_read_a_fresh_secret() {
        use std::os::unix::fs::PermissionsExt;

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let folder = Folder::new("private");
        let fresh = folder.path.join("fresh");
        DataFolder::take(&fresh).unwrap().secrets().unwrap();
        assert_eq!(mode(&fresh), 0o700);

        let old = folder.path.join("old");
        fs::create_dir(&old).unwrap();
        set(&old, 0o755);
        fs::write(old.join(API_KEY), "").unwrap();
        set(&old.join(API_KEY), 0o644);
        fs::write(old.join(TOKEN_SECRET), "of old\n").unwrap();
        let secrets = DataFolder::take(&old).unwrap().secrets().unwrap();
        assert_eq!(mode(&old), 0o700);
        assert_eq!(mode(&old.join(API_KEY)), 0o600);
        assert_eq!(secrets.token_secret, "of old");
        assert!(!secrets.api_key.is_empty());

        let of_others = folder.path.join("others");
        fs::create_dir(&of_others).unwrap();
        set(&of_others, 0o755);
        fs::write(of_others.join("letter"), "").unwrap();
        DataFolder::take(&of_others).unwrap();
        assert_eq!(mode(&of_others), 0o755);
    }
}
