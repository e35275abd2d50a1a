//! Looking after a store, also while a server uses it: copies, checks, figures.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::coding::Reader;
use crate::files::{self, Files, Folder};
use crate::journal::entry::Kind;
use crate::journal::scan::{End, scan};
use crate::keys;
use crate::lock::{Lock, OpenError};
use crate::open::{boot, not_opened};
use crate::record;
use crate::store::sqlite::{self, Sqlite};
use crate::store::{self, Info, Row, StoreError};

/// How often a copy is begun again, because the server has written to its store meanwhile.
const ATTEMPTS: usize = 10;

/// Copies a store into an empty folder, or one that is made, as it is at one moment. A server may go on using it.
///
/// # Errors
/// One line.
pub fn backup(from: &Path, to: &Path) -> Result<(), OpenError> {
    let unusable = |error: &dyn fmt::Display| unusable(from, error);
    let database = sqlite::look(&store::path(from)).map_err(|error| not_opened(from, &error))?;
    begin_empty(to)?;
    for _ in 0..ATTEMPTS {
        sqlite::copy(&database, &store::path(to)).map_err(|error| unusable(&error))?;
        let info = info_of(to)?;
        let is_copied = copy_journal(from, to, info.journal);
        let now = sqlite::read_info(&database).map_err(|error| unusable(&error))?;
        // A checkpoint has removed files that the copy of the database needs.
        let is_whole = now.is_some_and(|now| now.journal == info.journal);
        match is_copied {
            Ok(()) if is_whole => {
                return files::sync_folder(to).map_err(|error| unusable(&error));
            }
            Err(error) if is_whole => return Err(unusable(&error)),
            _ => empty(to).map_err(|error| unusable(&error))?,
        }
    }
    Err(unusable(&"it is written to faster than it can be copied"))
}

/// Makes a store of a backup. All channels begin a new epoch: clients may have seen publications that came after the
/// backup, and their offsets will be given to others.
///
/// # Errors
/// One line. A store that is there is not touched.
pub fn restore(from: &Path, to: &Path) -> Result<(), OpenError> {
    drop(sqlite::look(&store::path(from)).map_err(|error| not_opened(from, &error))?);
    let info = info_of(from)?;
    let _lock = Lock::take(to)?;
    if store::path(to).exists() {
        let why = "there is a store already: move it away, or name another engine.disk.path";
        return Err(unusable(to, &why));
    }
    let failed = |error: io::Error| unusable(to, &error);
    copy_journal(from, to, info.journal).map_err(failed)?;
    // The database comes last: without it there is no store.
    let beside = to.join("restoring");
    copy_file(&store::path(from), &beside).map_err(failed)?;
    fs::rename(&beside, store::path(to)).map_err(failed)?;
    files::sync_folder(to).map_err(failed)?;
    let database = Sqlite::open(&store::path(to), 1 << 20);
    let database = database.map_err(|error| not_opened(to, &error))?;
    let generation = info.interval_generation.max(info.sync_generation) + 1;
    let restored = Info {
        boot: boot(),
        is_clean: false,
        interval_generation: generation,
        sync_generation: generation,
        ..info
    };
    (database.set_info(&restored)).map_err(|error| unusable(to, &error))
}

/// What a check has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Channels that were looked at.
    pub channels: u64,
    /// Publications that were looked at, those in the journal among them.
    pub publications: u64,
    /// What is wrong, and what that means: a line each.
    pub problems: Vec<String>,
}

/// Reads a whole store and verifies all checksums. A server may go on using it.
///
/// # Errors
/// One line, where there is nothing that can be read.
pub fn check(path: &Path) -> Result<Report, OpenError> {
    let database = sqlite::look(&store::path(path)).map_err(|error| not_opened(path, &error))?;
    let unusable = |error: StoreError| unusable(path, &error);
    let mut report = Report::default();
    // All is read as it is at one moment.
    database
        .execute_batch("BEGIN")
        .map_err(|error| self::unusable(path, &error))?;
    for line in sqlite::integrity(&database).map_err(unusable)? {
        let meaning = "channels on the damaged pages can't be read or written; restore a backup";
        report
            .problems
            .push(format!("{}: {line}: {meaning}", store::FILE));
    }
    let mut streams = HashMap::new();
    let read = sqlite::each_row(&database, |channel, id, row| {
        report.channels += 1;
        if row.is_none() {
            let meaning = "it begins a new epoch when it is used next, without its publications";
            report.problems.push(format!(
                "channel {channel:?}: its row is damaged: {meaning}"
            ));
        }
        streams.insert(id, Checked::new(channel, row));
    });
    read.map_err(unusable)?;
    let mut orphans = 0_u64;
    let read = sqlite::each_chunk(&database, |(stream, first, bytes)| {
        match streams.get_mut(&stream) {
            Some(checked) => report.publications += checked.chunk(stream, first, &bytes),
            None => orphans += 1,
        }
    });
    read.map_err(unusable)?;
    report
        .problems
        .extend(streams.values().filter_map(Checked::verdict));
    if orphans > 0 {
        let meaning = "they take space and do no other harm";
        report
            .problems
            .push(format!("{orphans} chunks belong to no channel: {meaning}"));
    }
    check_keys(&database, &mut report).map_err(unusable)?;
    let info = sqlite::read_info(&database).map_err(unusable)?;
    if let Some(info) = info {
        check_journal(path, &info, &mut report).map_err(|error| self::unusable(path, &error))?;
    }
    report.problems.sort_unstable();
    Ok(report)
}

/// What is found out about a stream.
struct Checked {
    channel: String,
    row: Option<Row>,
    /// Where the next chunk must begin.
    end: Option<u64>,
    damaged: Option<u64>,
}

impl Checked {
    fn new(channel: &str, row: Option<Row>) -> Self {
        Self {
            channel: channel.to_owned(),
            row,
            end: None,
            damaged: None,
        }
    }

    /// Takes the next chunk. Returns how many publications were in it.
    fn chunk(&mut self, stream: u64, first: u64, bytes: &[u8]) -> u64 {
        let mut reader = Reader::new(bytes);
        let mut offset = first;
        if self.end.is_some_and(|end| end != first) {
            self.damaged = Some(first.saturating_sub(1));
        }
        while !reader.is_at_end() {
            if record::decode(&mut reader, stream, offset).is_err() {
                self.damaged = Some(offset);
            }
            offset += 1;
        }
        self.end = Some(offset);
        offset - first
    }

    fn verdict(&self) -> Option<String> {
        let row = self.row.as_ref()?;
        let is_short = row.first <= row.top && self.end != Some(row.top + 1);
        let damaged = if is_short {
            Some(row.top)
        } else {
            self.damaged
        };
        let last = damaged.filter(|last| *last >= row.first)?;
        let channel = &self.channel;
        Some(format!(
            "channel {channel:?}: publication {last} is damaged: those from {} to {last} can't be recovered any more, \
             newer ones can",
            row.first
        ))
    }
}

fn check_keys(database: &rusqlite::Connection, report: &mut Report) -> Result<(), StoreError> {
    let batches = sqlite::each_key_batch(database)?;
    let damaged = batches
        .iter()
        .filter(|batch| keys::checked(batch).is_none())
        .count();
    if damaged > 0 {
        let meaning =
            "what was published under them in the last five minutes may be published again";
        report.problems.push(format!(
            "{damaged} batches of idempotency keys are damaged: {meaning}"
        ));
    }
    Ok(())
}

fn check_journal(path: &Path, info: &Info, report: &mut Report) -> io::Result<()> {
    let folder = Folder::new(path);
    for number in folder.list()?.into_iter().filter(|it| *it >= info.journal) {
        let bytes = match folder.read(number) {
            // A checkpoint of the server has removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            bytes => bytes?,
        };
        let mut lost = Vec::new();
        let scanned = scan(&bytes, info.salt, |entry| {
            if entry.kind == Kind::Published {
                report.publications += 1;
                if entry.payload.is_none()
                    && let Some(change) = crate::journal::entry::Change::get(entry.header)
                {
                    lost.push(format!(
                        "channel {:?}: publication {} is damaged in the journal: it and the older ones can't be recovered",
                        change.channel.as_str(),
                        change.top
                    ));
                }
            }
        });
        report.problems.append(&mut lost);
        if scanned.holes > 0 || scanned.end == End::Damaged {
            let meaning = "nobody knows which channels they were of, so all begin a new epoch at the next start";
            report.problems.push(format!(
                "{}: entries are damaged: {meaning}",
                files::name(number)
            ));
        }
    }
    Ok(())
}

/// How much is in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Channels that have a position.
    pub channels: u64,
    /// Channels that keep a publication.
    pub with_history: u64,
    /// Publications in the store, without those that only the journal has.
    pub publications: u64,
    /// Bytes of chunks.
    pub chunk_bytes: u64,
    /// Bytes of the database that are in use.
    pub used_bytes: u64,
    /// Bytes of the database that are free.
    pub free_bytes: u64,
    /// Bytes of the journal.
    pub journal_bytes: u64,
    /// The channels with most bytes of chunks, the largest first: name, publications, bytes.
    pub largest: Vec<(String, u64, u64)>,
}

/// Counts what is in a store. A server may go on using it.
///
/// # Errors
/// One line.
pub fn figures(path: &Path) -> Result<Figures, OpenError> {
    let database = sqlite::look(&store::path(path)).map_err(|error| not_opened(path, &error))?;
    let unusable = |error: StoreError| unusable(path, &error);
    let size = sqlite::size(&database).map_err(unusable)?;
    let mut figures = Figures {
        used_bytes: size.used,
        free_bytes: size.free,
        ..Figures::default()
    };
    let mut streams = HashMap::new();
    let read = sqlite::each_row(&database, |channel, id, row| {
        figures.channels += 1;
        let kept = row.map_or(0, |row| (row.top + 1).saturating_sub(row.first));
        if kept > 0 {
            figures.with_history += 1;
            figures.publications += kept;
            streams.insert(id, (channel.to_owned(), kept, 0_u64));
        }
    });
    read.map_err(unusable)?;
    let sizes = sqlite::chunk_sizes(&database).map_err(unusable)?;
    for (stream, bytes) in sizes {
        figures.chunk_bytes += bytes;
        if let Some(entry) = streams.get_mut(&stream) {
            entry.2 = bytes;
        }
    }
    let mut largest: Vec<_> = streams.into_values().collect();
    largest.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    largest.truncate(LARGEST);
    figures.largest = largest;
    for number in Folder::new(path).list().unwrap_or_default() {
        let file = fs::metadata(path.join(files::name(number)));
        figures.journal_bytes += file.map_or(0, |file| file.len());
    }
    Ok(figures)
}

/// Channels that are named.
const LARGEST: usize = 10;

fn info_of(path: &Path) -> Result<Info, OpenError> {
    let database = sqlite::look(&store::path(path)).map_err(|error| not_opened(path, &error))?;
    let info = sqlite::read_info(&database).map_err(|error| unusable(path, &error))?;
    info.ok_or_else(|| unusable(path, &"it was never used"))
}

fn unusable(path: &Path, why: &dyn fmt::Display) -> OpenError {
    OpenError::Unusable {
        path: path.to_owned(),
        why: why.to_string(),
    }
}

/// Makes the folder, or finds it empty.
fn begin_empty(path: &Path) -> Result<(), OpenError> {
    let made = crate::lock::make(path).and_then(|()| fs::read_dir(path)?.next().transpose());
    match made {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err(OpenError::NotWritable {
            path: path.to_owned(),
            why: "it is not empty".to_owned(),
        }),
        Err(error) => Err(crate::lock::not_writable(path, &error)),
    }
}

/// Removes what an attempt has left.
fn empty(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}

/// Copies the files of the journal from a number on, the first one first.
fn copy_journal(from: &Path, to: &Path, number: u64) -> io::Result<()> {
    for number in Folder::new(from)
        .list()?
        .into_iter()
        .filter(|it| *it >= number)
    {
        let name: PathBuf = files::name(number).into();
        copy_file(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

/// Copies a file, for its owner alone; it survives a power cut.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = fs::File::open(from)?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut copy = options.open(to)?;
    io::copy(&mut source, &mut copy)?;
    copy.sync_all()
}
