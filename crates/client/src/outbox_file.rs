//! The outbox on disk: a file that records are appended to, checked by sums, and written anew when it is mostly
//! history.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::machine::{Change, PublicationId, Stored};

mod record;

use record::Record;

/// The file of an outbox, which nobody else has open.
#[derive(Debug)]
pub(crate) struct OutboxFile {
    path: PathBuf,
    file: File,
    /// Held as long as the file is open. It is another file, because this one is replaced.
    _lock: File,
    /// Up to here the file is good.
    len: u64,
    /// What is behind it has to be cut off first: an earlier change was written in part.
    is_torn: bool,
    /// Whether changes are to survive the loss of power, not only the end of the process.
    syncs: bool,
    /// What is in the outbox, and where it stands in the file.
    live: BTreeMap<PublicationId, Places>,
    live_bytes: u64,
}

/// Where the records of one publication stand.
#[derive(Debug, Default)]
struct Places {
    added: (u64, u64),
    sent: Option<(u64, u64)>,
}

/// Why an outbox cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// Another client has it open.
    #[error("another client has the outbox {0} open")]
    InUse(PathBuf),
    /// The file is no outbox.
    #[error("{0} is no outbox")]
    Foreign(PathBuf),
    /// The file cannot be read or written.
    #[error("cannot open the outbox {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl OutboxFile {
    /// Opens or makes an outbox, and yields what is in it, in order.
    ///
    /// A record that is not whole ends the file: it was being written when the process or the
    /// machine died. What is behind it is moved to a file with `.broken` behind its name.
    pub(crate) fn open(path: &Path, syncs: bool) -> Result<(Self, Vec<Stored>), OutboxError> {
        let failed = |source| OutboxError::Io {
            path: path.to_owned(),
            source,
        };
        let lock = lock(path)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let mut outbox = Self {
            path: path.to_owned(),
            file,
            _lock: lock,
            len: 0,
            is_torn: false,
            syncs,
            live: BTreeMap::new(),
            live_bytes: 0,
        };
        if bytes.len() < MAGIC.len() && MAGIC.starts_with(&bytes) {
            outbox.begin().map_err(failed)?;
            return Ok((outbox, Vec::new()));
        }
        let Some(records) = bytes.strip_prefix(MAGIC) else {
            return Err(OutboxError::Foreign(path.to_owned()));
        };
        outbox.len = MAGIC.len() as u64;
        let stored = outbox.read(records);
        outbox.put_aside(&bytes).map_err(failed)?;
        Ok((outbox, stored.into_values().collect()))
    }

    /// Appends changes, all or none of them.
    pub(crate) fn apply(&mut self, changes: &[Change]) -> io::Result<()> {
        if self.is_torn {
            self.cut()?;
        }
        let mut bytes = Vec::new();
        let mut places = Vec::new();
        for change in changes {
            let start = bytes.len();
            record::write(change, &mut bytes);
            let len = (bytes.len() - start) as u64;
            places.push((self.len + start as u64, len));
        }
        self.is_torn = true;
        self.file.write_all(&bytes)?;
        if self.syncs {
            self.file.sync_data()?;
        }
        self.is_torn = false;
        self.len += bytes.len() as u64;
        for (change, place) in changes.iter().zip(places) {
            self.note(change, place);
        }
        if self.len > COMPACT_FROM && self.live_bytes < self.len / 2 {
            // What is stored is stored; a file that could not be written anew stays as it is.
            if let Err(error) = self.compact() {
                tracing::warn!(%error, "the outbox could not be compacted");
                self.is_torn = true;
            }
        }
        Ok(())
    }

    /// Reads records up to the first one that is not whole.
    fn read(&mut self, mut records: &[u8]) -> BTreeMap<PublicationId, Stored> {
        let mut stored = BTreeMap::new();
        while let Some((Record { change, len }, rest)) = record::read(records) {
            self.note(&change, (self.len, len));
            self.len += len;
            records = rest;
            match change {
                Change::Added(added) => {
                    stored.insert(added.id, added);
                }
                Change::Sent(id, sent) => {
                    if let Some(stored) = stored.get_mut(&id) {
                        stored.sent = Some(sent);
                    }
                }
                Change::Removed(id) => {
                    stored.remove(&id);
                }
            }
        }
        stored
    }

    /// Notes where a change stands that is in the file now.
    fn note(&mut self, change: &Change, place: (u64, u64)) {
        match change {
            Change::Added(stored) => {
                let places = Places {
                    added: place,
                    sent: None,
                };
                self.live.insert(stored.id, places);
                self.live_bytes += place.1;
            }
            Change::Sent(id, _) => {
                if let Some(places) = self.live.get_mut(id) {
                    let before = places.sent.replace(place).map_or(0, |(_, len)| len);
                    self.live_bytes = self.live_bytes - before + place.1;
                }
            }
            Change::Removed(id) => {
                if let Some(places) = self.live.remove(id) {
                    self.live_bytes -= places.added.1 + places.sent.map_or(0, |(_, len)| len);
                }
            }
        }
    }

    /// Writes a file with what is in the outbox alone, and puts it in the place of this one. The
    /// process may die at any point: either file is whole.
    fn compact(&mut self) -> io::Result<()> {
        let path = beside(&self.path, "new");
        let mut new = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        new.write_all(MAGIC)?;
        let mut len = MAGIC.len() as u64;
        let mut live = BTreeMap::new();
        for (id, places) in &self.live {
            let mut copy = |place: (u64, u64)| {
                self.file.seek(SeekFrom::Start(place.0))?;
                let copied = io::copy(&mut (&self.file).take(place.1), &mut new)?;
                if copied != place.1 {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
                }
                let copy = (len, place.1);
                len += place.1;
                Ok(copy)
            };
            let added = copy(places.added)?;
            let sent = places.sent.map(&mut copy).transpose()?;
            live.insert(*id, Places { added, sent });
        }
        new.sync_all()?;
        std::fs::rename(&path, &self.path)?;
        (self.file, self.len, self.live) = (new, len, live);
        sync_folder(&self.path)
    }

    /// Begins an empty file.
    fn begin(&mut self) -> io::Result<()> {
        self.cut()?;
        self.file.write_all(MAGIC)?;
        self.file.sync_all()?;
        sync_folder(&self.path)?;
        self.len = MAGIC.len() as u64;
        Ok(())
    }

    /// Cuts off what is not whole.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.len)?;
        self.file.seek(SeekFrom::Start(self.len))?;
        self.is_torn = false;
        Ok(())
    }

    /// Moves what is not whole to another file.
    fn put_aside(&mut self, bytes: &[u8]) -> io::Result<()> {
        let good = usize::try_from(self.len).unwrap_or(usize::MAX);
        let broken = bytes.get(good..).unwrap_or_default();
        if !broken.is_empty() {
            tracing::warn!(bytes = broken.len(), "the end of the outbox is broken");
            std::fs::write(beside(&self.path, "broken"), broken)?;
        }
        self.cut()
    }
}

/// Keeps others from opening the same outbox.
fn lock(path: &Path) -> Result<File, OutboxError> {
    let failed = |source| OutboxError::Io {
        path: path.to_owned(),
        source,
    };
    let lock = File::create(beside(path, "lock")).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OutboxError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// Makes a new name in a folder survive the loss of power, where folders can be synced.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if cfg!(unix) {
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// How the file begins: what it is, and the version of its format.
const MAGIC: &[u8] = b"vecheob1";
/// A file of fewer bytes is not written anew.
const COMPACT_FROM: u64 = 256 << 10;

#[cfg(test)]
mod tests;
