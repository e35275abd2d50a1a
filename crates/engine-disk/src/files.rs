//! The files of the journal, as the engine sees them. Tests put a layer in their place that loses and tears.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of a journal, by their numbers.
pub trait Files: Send + Sync + fmt::Debug {
    /// The numbers of the files that are there, the lowest first.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self) -> io::Result<Vec<u64>>;

    /// All bytes of a file.
    ///
    /// # Errors
    /// What the system says.
    fn read(&self, number: u64) -> io::Result<Vec<u8>>;

    /// Waits until a file that is there survives a power cut: an earlier process may have left it to the system.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&self, number: u64) -> io::Result<()>;

    /// Makes an empty file. When this returns, the file is there after a power cut too.
    ///
    /// # Errors
    /// What the system says; then there is no such file, or an empty one.
    fn create(&self, number: u64) -> io::Result<Arc<dyn JournalFile>>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, number: u64) -> io::Result<()>;
}

/// One file of a journal, which is only appended to.
pub trait JournalFile: Send + Sync + fmt::Debug {
    /// Appends. When this returns, the bytes survive the end of the process, and not yet a power cut.
    ///
    /// # Errors
    /// What the system says; then any part of the bytes may be there.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file, to undo an append that failed.
    ///
    /// # Errors
    /// What the system says.
    fn truncate(&self, len: u64) -> io::Result<()>;

    /// Waits until all that was appended survives a power cut.
    ///
    /// # Errors
    /// What the system says. Then what was appended since the last success may be lost, whatever a later call says.
    fn sync(&self) -> io::Result<()>;
}

/// Files in a folder.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

#[derive(Debug)]
struct OneFile(File);

impl Folder {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    fn path_of(&self, number: u64) -> PathBuf {
        self.path.join(name(number))
    }
}

/// The name of a file of the journal.
pub(crate) fn name(number: u64) -> String {
    format!("{PREFIX}{number:012}")
}

/// The number of a file of the journal, by its name.
pub(crate) fn number(name: &str) -> Option<u64> {
    name.strip_prefix(PREFIX)?.parse().ok()
}

/// Waits until the names in a folder survive a power cut.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    // Windows knows no folders that can be opened, and needs none: its file systems log their names.
    if cfg!(unix) {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

const PREFIX: &str = "journal-";

impl Files for Folder {
    fn list(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            numbers.extend(entry?.file_name().to_str().and_then(number));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        fs::read(self.path_of(number))
    }

    fn sync(&self, number: u64) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.append(true);
        options.open(self.path_of(number))?.sync_data()
    }

    fn create(&self, number: u64) -> io::Result<Arc<dyn JournalFile>> {
        let mut options = OpenOptions::new();
        options.append(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(self.path_of(number))?;
        sync_folder(&self.path)?;
        Ok(Arc::new(OneFile(file)))
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        fs::remove_file(self.path_of(number))
    }
}

impl JournalFile for OneFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.0).write_all(bytes)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
