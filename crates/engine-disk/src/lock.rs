//! The folder of a store: made, looked at, and taken for one process.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::store;

/// Why a store can't be used: one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{who} uses the data directory {}: stop it, or give this one another engine.disk.path", .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The process, as far as it is known.
        who: String,
    },
    /// It was written by a newer program.
    #[error("the store in {} was written by a newer veche (its format is {found}, this one knows {known} at most): run that one", .path.display())]
    Newer {
        /// The folder.
        path: PathBuf,
        /// The version of the store.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Its files belong to another user.
    #[error("the store in {} belongs to user {owner}, and this process runs as user {user}: run it as that one, or change the owner of the files", .path.display())]
    OtherOwner {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who asks.
        user: u32,
    },
    /// The system does not let this process write there.
    #[error("cannot write to the data directory {}: {why}", .path.display())]
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// Why: it is read-only, it is full, others may not.
        why: String,
    },
    /// What is there can't be used.
    #[error("cannot use the store in {}: {why}", .path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// A folder that this process alone uses, as long as this value lives.
#[derive(Debug)]
pub(crate) struct Lock {
    /// Unlocked when it is closed, by the system if nobody else.
    _file: File,
}

const LOCK: &str = "lock";

impl Lock {
    /// Takes the folder, and makes it if there is none. Its owner alone may look into a new one.
    pub(crate) fn take(path: &Path) -> Result<Self, OpenError> {
        make(path).map_err(|error| not_writable(path, &error))?;
        check_owner(path)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let opened = options.open(path.join(LOCK));
        let mut file = opened.map_err(|error| not_writable(path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse {
                    path: path.to_owned(),
                    who: holder(&mut file),
                });
            }
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                tracing::warn!(path = %path.display(), "the file system has no locks: a second process that uses this data directory would not be noticed");
            }
            Err(TryLockError::Error(error)) => return Err(not_writable(path, &error)),
        }
        let mut write = || {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}", std::process::id())
        };
        write().map_err(|error| not_writable(path, &error))?;
        Ok(Self { _file: file })
    }
}

pub(crate) fn make(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn holder(file: &mut File) -> String {
    let mut process = String::new();
    // Where a lock forbids reading, the number is just not told.
    let _ = file.take(20).read_to_string(&mut process);
    match process.parse::<u32>() {
        Ok(id) => format!("another process ({id})"),
        Err(_) => "another process".to_owned(),
    }
}

pub(crate) fn not_writable(path: &Path, error: &io::Error) -> OpenError {
    let why = match error.kind() {
        ErrorKind::ReadOnlyFilesystem => "its file system is read-only".to_owned(),
        ErrorKind::StorageFull => "no space is left on its disk".to_owned(),
        ErrorKind::PermissionDenied => format!("this process may not{}", owner_of(path)),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => "it is no directory".to_owned(),
        _ => error.to_string(),
    };
    OpenError::NotWritable {
        path: path.to_owned(),
        why,
    }
}

#[cfg(unix)]
fn owner_of(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt;

    let user = rustix::process::geteuid().as_raw();
    match fs::metadata(path) {
        Ok(found) if found.uid() != user => {
            format!(
                "; it belongs to user {}, and this process runs as user {user}",
                found.uid()
            )
        }
        _ => String::new(),
    }
}

#[cfg(not(unix))]
fn owner_of(_: &Path) -> String {
    String::new()
}

/// What this process would add to the files of another user, that one could not use any more.
#[cfg(unix)]
fn check_owner(path: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::MetadataExt;

    let user = rustix::process::geteuid().as_raw();
    match fs::metadata(store::path(path)) {
        Ok(found) if found.uid() != user => Err(OpenError::OtherOwner {
            path: path.to_owned(),
            owner: found.uid(),
            user,
        }),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn check_owner(_: &Path) -> Result<(), OpenError> {
    let _ = (fs::metadata::<&Path>, store::FILE);
    Ok(())
}
