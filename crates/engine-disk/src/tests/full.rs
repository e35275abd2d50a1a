//! A disk that takes nothing any more, and then does again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use veche_engine::broker::Broker;
use veche_engine::error::{EngineError, Retry};
use veche_engine::life::Lifecycle;
use veche_protocol::publication::PublishOptions;

use crate::durability::Durability;
use crate::files::{Files, Folder, JournalFile};
use crate::testing::{TestFolder, World, block_on, kept, options};

/// Files on a disk that is full when the test wants it: half of what is appended still fits.
#[derive(Debug)]
struct Narrow {
    folder: Folder,
    /// What was appended in part can't be undone.
    is_rigid: bool,
    is_full: Arc<AtomicBool>,
}

#[derive(Debug)]
struct NarrowFile {
    is_rigid: bool,
    file: Arc<dyn JournalFile>,
    is_full: Arc<AtomicBool>,
}

impl Narrow {
    fn check(&self) -> io::Result<()> {
        check(&self.is_full)
    }
}

fn check(is_full: &AtomicBool) -> io::Result<()> {
    if is_full.load(Ordering::SeqCst) {
        return Err(io::ErrorKind::StorageFull.into());
    }
    Ok(())
}

impl Files for Narrow {
    fn list(&self) -> io::Result<Vec<u64>> {
        self.folder.list()
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        self.folder.read(number)
    }

    fn sync(&self, number: u64) -> io::Result<()> {
        self.folder.sync(number)
    }

    fn create(&self, number: u64) -> io::Result<Arc<dyn JournalFile>> {
        self.check()?;
        Ok(Arc::new(NarrowFile {
            is_rigid: self.is_rigid,
            file: self.folder.create(number)?,
            is_full: self.is_full.clone(),
        }))
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        self.folder.remove(number)
    }
}

impl JournalFile for NarrowFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = check(&self.is_full) {
            self.file.append(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.file.append(bytes)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        if self.is_rigid {
            return Err(io::ErrorKind::Other.into());
        }
        self.file.truncate(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

fn narrow(folder: &TestFolder, durability: Durability) -> (World, Arc<AtomicBool>) {
    narrow_and(folder, durability, false)
}

fn narrow_and(
    folder: &TestFolder,
    durability: Durability,
    is_rigid: bool,
) -> (World, Arc<AtomicBool>) {
    let is_full = Arc::<AtomicBool>::default();
    let files = Narrow {
        folder: Folder::new(&folder.store()),
        is_rigid,
        is_full: is_full.clone(),
    };
    let world = World::with(options(folder, durability), Some(Arc::new(files)));
    (world, is_full)
}

#[test]
fn kept_publications_are_refused_while_the_disk_is_full_and_all_else_goes_on() {
    for durability in [Durability::Interval, Durability::Sync] {
        let folder = TestFolder::new();
        let (world, is_full) = narrow(&folder, durability);
        let first = world.publish("news", "1").position;
        is_full.store(true, Ordering::SeqCst);
        for _ in 0..3 {
            let refused = world.try_publish("news", "2", &kept(100));
            let error = refused.expect_err("there is no room");
            assert_eq!(error.retry(), Retry::Later, "{error}");
        }
        let why = world.broker.health().expect_err("it is not well");
        assert!(why.contains("no storage space"), "{why}");
        assert_eq!(world.kept("news"), [(1, "1".to_owned())]);
        assert_eq!(
            world.read("other").position.offset,
            0,
            "subscribing goes on"
        );
        let passed = world.try_publish("news", "3", &PublishOptions::default());
        assert!(passed.is_ok(), "{passed:?}");

        is_full.store(false, Ordering::SeqCst);
        let next = world.publish("news", "4").position;
        assert_eq!((next.offset, &next.epoch), (2, &first.epoch));
        assert_eq!(world.broker.health(), Ok(()));
        let killed = folder.copy();
        let (after, _) = narrow(&killed, durability);
        let expected = [(1, "1".to_owned()), (2, "4".to_owned())];
        assert_eq!(after.kept("news"), expected);
        assert_eq!(after.read("news").position, next);
        assert_eq!(
            after.broker.stats().damaged,
            0,
            "nothing half written stays"
        );
    }
}

#[test]
fn a_piece_that_cannot_be_undone_is_left_behind_in_its_file() {
    let folder = TestFolder::new();
    let (world, is_full) = narrow_and(&folder, Durability::Interval, true);
    let first = world.publish("news", "1").position;
    is_full.store(true, Ordering::SeqCst);
    world
        .try_publish("news", "2", &kept(10))
        .expect_err("there is no room");
    is_full.store(false, Ordering::SeqCst);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let next = loop {
        // Until there is a new file.
        match world.try_publish("news", "3", &kept(10)) {
            Ok(published) => break published.position,
            Err(error) => assert!(std::time::Instant::now() < deadline, "{error}"),
        }
        std::thread::yield_now();
    };
    assert_eq!((next.offset, &next.epoch), (2, &first.epoch));
    let killed = folder.copy();
    let (after, _) = narrow(&killed, Durability::Interval);
    let expected = [(1, "1".to_owned()), (2, "3".to_owned())];
    assert_eq!(after.kept("news"), expected);
    assert_eq!(after.read("news").position, next);
}

#[test]
fn health_heals_by_itself() {
    let folder = TestFolder::new();
    let (world, is_full) = narrow(&folder, Durability::Interval);
    is_full.store(true, Ordering::SeqCst);
    world
        .try_publish("news", "1", &kept(10))
        .expect_err("there is no room");
    is_full.store(false, Ordering::SeqCst);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while world.broker.health().is_err() {
        assert!(std::time::Instant::now() < deadline, "it stays ill");
        std::thread::yield_now();
    }
}

#[test]
fn what_the_store_does_not_take_stays_in_the_journal() {
    let folder = TestFolder::new();
    let world = World::open(&folder);
    let data = format!("\"{}\"", "x".repeat(1000));
    world.publish("news", &data);
    let pages = world.broker.disk.store.size().expect("readable").used / 4096;
    world.broker.disk.store.set_most_pages(pages);
    for _ in 0..50 {
        world.publish("news", &data);
    }
    let error = world.broker.checkpoint().expect_err("the store is full");
    assert!(matches!(error, EngineError::Unavailable(_)), "{error}");
    assert!(world.broker.health().is_err());
    assert_eq!(world.kept("news").len(), 51);
    assert_eq!(World::open(&folder.copy()).kept("news").len(), 51);
    world.broker.disk.store.set_most_pages(1 << 30);
    world.broker.checkpoint().expect("there is room again");
    assert_eq!(world.broker.health(), Ok(()));
    assert_eq!(world.broker.disk.journal.len(), 0);
    let removed = world.broker.remove_history(&"news".into());
    block_on(removed.wait()).expect("the disk has room");
    assert_eq!(World::open(&folder.copy()).read("news").position.offset, 51);
}
