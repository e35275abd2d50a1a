//! The journal: every change, in the order in which they were made, until the store has it.
//!
//! A change is appended before it takes effect: when `append` has returned, the end of the process takes nothing back.
//! When [`Journal::sync`] has returned, a power cut doesn't either. The journal consists of files; a checkpoint begins a
//! new one ([`Journal::rotate`]), and removes those before it when the store has all that is in them.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::coding::put_number;
use crate::files::{Files, JournalFile};

pub(crate) mod entry;
pub(crate) mod scan;

use entry::Kind;

/// Counts changes; each has its own, and later ones have higher ones.
pub(crate) type Lsn = u64;

/// The journal, open for appending.
pub(crate) struct Journal {
    salt: u32,
    files: Arc<dyn Files>,
    state: Mutex<State>,
    /// Up to here a power cut takes nothing.
    synced: AtomicU64,
    /// Bytes in files that are still needed.
    len: AtomicU64,
}

struct State {
    number: u64,
    file: Arc<dyn JournalFile>,
    file_len: u64,
    /// Lengths of the files before this one that are still needed, with their numbers.
    earlier: Vec<(u64, u64)>,
    /// Files before this one that are not synced.
    unsynced: Vec<Arc<dyn JournalFile>>,
    last: Lsn,
    /// An append failed and could not be undone: the file must not get longer.
    is_torn: bool,
    buffer: Vec<u8>,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}

impl Journal {
    /// Begins a new file behind those that are there. `earlier` are the numbers and lengths of those that are still
    /// needed, `last` is the last change that anybody knows.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open(
        files: Arc<dyn Files>,
        salt: u32,
        number: u64,
        earlier: Vec<(u64, u64)>,
        last: Lsn,
    ) -> io::Result<Self> {
        let file = files.create(number)?;
        let len = earlier.iter().map(|(_, len)| len).sum();
        Ok(Self {
            salt,
            files,
            state: Mutex::new(State {
                number,
                file,
                file_len: 0,
                earlier,
                unsynced: Vec::new(),
                last,
                is_torn: false,
                buffer: Vec::new(),
            }),
            synced: AtomicU64::new(last),
            len: AtomicU64::new(len),
        })
    }

    /// Appends a change.
    ///
    /// # Errors
    /// What the system says; then nothing was appended. Until [`Self::rotate`], if what was appended in part could not be
    /// undone.
    pub(crate) fn append(
        &self,
        kind: Kind,
        header: impl FnOnce(&mut Vec<u8>),
        payload: impl FnOnce(&mut Vec<u8>),
    ) -> io::Result<Lsn> {
        let mut state = self.state.lock();
        if state.is_torn {
            let why = "an append that failed could not be undone; a new file is to be begun";
            return Err(io::Error::other(why));
        }
        let lsn = state.last + 1;
        let mut buffer = std::mem::take(&mut state.buffer);
        buffer.clear();
        let appended = entry::put(&mut buffer, self.salt, kind, lsn, header, payload)
            .and_then(|()| state.file.append(&buffer));
        let len = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        if buffer.capacity() > MAX_BUFFER {
            buffer = Vec::new();
        }
        state.buffer = buffer;
        match appended {
            Ok(()) => {
                state.last = lsn;
                state.file_len += len;
                self.len.fetch_add(len, Ordering::Relaxed);
                Ok(lsn)
            }
            Err(error) => {
                state.is_torn = state.file.truncate(state.file_len).is_err();
                Err(error)
            }
        }
    }

    /// The last change that was appended.
    pub(crate) fn last(&self) -> Lsn {
        self.state.lock().last
    }

    /// Up to which change a power cut takes nothing.
    pub(crate) fn synced(&self) -> Lsn {
        self.synced.load(Ordering::Acquire)
    }

    /// Bytes that the store does not have yet.
    pub(crate) fn len(&self) -> u64 {
        self.len.load(Ordering::Relaxed)
    }

    /// Waits until a power cut takes nothing of what was appended before the call, and says up to which change.
    ///
    /// # Errors
    /// What the system says. What was not synced before may then be lost, even if a later call succeeds: only the store
    /// makes it safe ([`Self::stored`]).
    pub(crate) fn sync(&self) -> io::Result<Lsn> {
        let (file, unsynced, last) = {
            let mut state = self.state.lock();
            let unsynced = std::mem::take(&mut state.unsynced);
            (state.file.clone(), unsynced, state.last)
        };
        let synced = unsynced.iter().try_for_each(|file| file.sync());
        if let Err(error) = synced.and_then(|()| file.sync()) {
            self.state.lock().unsynced.extend(unsynced);
            return Err(error);
        }
        self.synced.fetch_max(last, Ordering::AcqRel);
        Ok(last)
    }

    /// Begins a new file, unless this one is empty. Returns its number, and the last change before it. Only one thread may
    /// do it; others append meanwhile, and do not wait for the disk.
    ///
    /// # Errors
    /// What the system says; then it goes on with the file that it has.
    pub(crate) fn rotate(&self) -> io::Result<(u64, Lsn)> {
        let number = {
            let state = self.state.lock();
            if state.file_len == 0 && !state.is_torn {
                return Ok((state.number, state.last));
            }
            state.number + 1
        };
        let file = match self.files.create(number) {
            // An attempt has left it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.files.remove(number)?;
                self.files.create(number)?
            }
            created => created?,
        };
        let mut state = self.state.lock();
        let mut cut = Vec::new();
        if state.is_torn {
            let header = |into: &mut Vec<u8>| put_number(into, state.number);
            entry::put(
                &mut cut,
                self.salt,
                Kind::Cut,
                state.last + 1,
                header,
                |_| {},
            )?;
            file.append(&cut)?;
            state.last += 1;
        }
        let before = std::mem::replace(&mut state.file, file);
        let earlier = (state.number, state.file_len);
        state.unsynced.push(before);
        state.earlier.push(earlier);
        state.number = number;
        state.file_len = u64::try_from(cut.len()).unwrap_or(u64::MAX);
        self.len.fetch_add(state.file_len, Ordering::Relaxed);
        state.is_torn = false;
        Ok((number, state.last))
    }

    /// The store has all that is in the files before `number`, up to `lsn`: they are removed.
    pub(crate) fn stored(&self, number: u64, lsn: Lsn) {
        let gone = {
            let mut state = self.state.lock();
            let (gone, kept) = (state.earlier.iter()).partition(|(earlier, _)| *earlier < number);
            state.earlier = kept;
            state.unsynced.clear();
            gone
        };
        self.synced.fetch_max(lsn, Ordering::AcqRel);
        let gone: Vec<(u64, u64)> = gone;
        for (number, len) in gone {
            self.len.fetch_sub(len, Ordering::Relaxed);
            // A file that stays does no harm: the store says from where on it needs the journal.
            if let Err(error) = self.files.remove(number) {
                tracing::warn!("cannot remove file {number} of the journal: {error}");
            }
        }
    }
}

/// A larger buffer is given back after the append that needed it.
const MAX_BUFFER: usize = 1 << 20;
