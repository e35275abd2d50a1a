//! Power cuts: the journal lies on a layer that drops, tears and reorders what was not synced. Every state that is left
//! opens, and keeps its promise.
//!
//! `POWER_CUTS` says how many worlds are tried.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use veche_engine::conformance::recorder::Told;
use veche_protocol::position::Epoch;

use crate::durability::Durability;
use crate::files::{Files, JournalFile};
use crate::open::{DiskOptions, Opened};
use crate::testing::{START_MS, TestFolder, World, options};

/// Files in memory that know what of them was synced.
#[derive(Debug, Default)]
struct Platter {
    files: Mutex<BTreeMap<u64, Arc<Plate>>>,
}

#[derive(Debug, Default)]
struct Plate(Mutex<Content>);

#[derive(Clone, Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    synced: usize,
}

impl Files for Platter {
    fn list(&self) -> io::Result<Vec<u64>> {
        Ok(self.files.lock().keys().copied().collect())
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        let files = self.files.lock();
        let file = files.get(&number).ok_or(io::ErrorKind::NotFound)?;
        Ok(file.0.lock().bytes.clone())
    }

    fn sync(&self, number: u64) -> io::Result<()> {
        let file = self.files.lock().get(&number).cloned();
        file.ok_or(io::ErrorKind::NotFound)?.sync()
    }

    fn create(&self, number: u64) -> io::Result<Arc<dyn JournalFile>> {
        let plate = Arc::<Plate>::default();
        self.files.lock().insert(number, plate.clone());
        Ok(plate)
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        self.files.lock().remove(&number);
        Ok(())
    }
}

impl JournalFile for Plate {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).expect("a small file");
        self.0.lock().bytes.truncate(len);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut content = self.0.lock();
        content.synced = content.bytes.len();
        Ok(())
    }
}

/// How what was not synced is lost.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// Nothing is: only the process ended.
    Killed,
    /// All of it.
    Dropped,
    /// Behind some byte.
    Torn,
    /// Some pieces are there, and zeros in the place of others.
    Reordered,
}

impl Platter {
    /// What is left of all files.
    fn cut(&self, cut: Cut, random: &mut fastrand::Rng) -> Arc<Self> {
        let left = Arc::<Self>::default();
        for (number, plate) in self.files.lock().iter() {
            let Content { mut bytes, synced } = plate.0.lock().clone();
            match cut {
                Cut::Killed => {}
                Cut::Dropped => bytes.truncate(synced),
                Cut::Torn => bytes.truncate(random.usize(synced..=bytes.len())),
                Cut::Reordered => {
                    bytes.truncate(random.usize(synced..=bytes.len()));
                    for piece in bytes[synced..].chunks_mut(64) {
                        if random.bool() {
                            piece.fill(0);
                        }
                    }
                }
            }
            // After the end of the process alone the system has the rest still to write.
            let synced = match cut {
                Cut::Killed => synced,
                _ => bytes.len(),
            };
            let content = Content { bytes, synced };
            let plate = Arc::new(Plate(Mutex::new(content)));
            left.files.lock().insert(*number, plate);
        }
        left
    }
}

/// What anybody was told: by which position which publication.
#[derive(Debug, Default)]
struct Known {
    publications: HashMap<(String, Epoch, u64), String>,
    /// Where each channel stood when it was last asked, and the oldest publication that it had.
    last: HashMap<String, (Epoch, u64, Option<u64>)>,
}

const CHANNELS: [&str; 4] = ["interval:a", "interval:b", "sync:a", "sync:b"];

fn with_policy(folder: &TestFolder) -> DiskOptions {
    let mut options = options(folder, Durability::Interval);
    options.interval = std::time::Duration::from_hours(1);
    options.durability.of = Some(Arc::new(|channel| {
        channel.starts_with("sync").then_some(Durability::Sync)
    }));
    options
}

impl Known {
    fn tell(&mut self, channel: &str, epoch: &Epoch, offset: u64, data: &str) {
        let key = (channel.to_owned(), epoch.clone(), offset);
        let known = self.publications.entry(key).or_insert(data.to_owned());
        assert_eq!(
            known, data,
            "{channel}: offset {offset} of {epoch} was given twice"
        );
    }

    /// Notes all that the sink was told, and all that was answered.
    fn work(&mut self, world: &World, random: &mut fastrand::Rng, serial: &mut u64) {
        for _ in 0..random.usize(1..40) {
            let channel = CHANNELS[random.usize(..CHANNELS.len())];
            match random.u8(..20) {
                0 => drop(world.broker.checkpoint()),
                1 => drop(world.broker.disk.commit()),
                2 => drop(world.read(channel)),
                _ => {
                    *serial += 1;
                    let data = serial.to_string();
                    let position = world.publish(channel, &data).position;
                    self.tell(channel, &position.epoch, position.offset, &data);
                }
            }
        }
        for told in world.sink.so_far() {
            if let Told::Publication(channel, delivery) = told {
                let data = String::from_utf8_lossy(delivery.publication.data.bytes());
                let offset = delivery.publication.offset;
                self.tell(channel.as_str(), &delivery.epoch, offset, &data);
            }
        }
        for channel in CHANNELS {
            let page = world.read(channel);
            let first = page.publications.first().map(|it| it.offset);
            let last = (page.position.epoch, page.position.offset, first);
            self.last.insert(channel.to_owned(), last);
        }
    }

    /// What was told is there, or the epoch is another one.
    fn check(&mut self, world: &World, cut: Cut) {
        for channel in CHANNELS {
            let page = world.read(channel);
            let (epoch, top, first) = &self.last[channel];
            if page.position.epoch == *epoch {
                assert!(
                    page.position.offset >= *top,
                    "{channel}: lost in silence, {cut:?}"
                );
                let is_first =
                    |it: u64| page.publications.first().is_some_and(|at| at.offset == it);
                assert!(first.is_none_or(is_first), "{channel}: {cut:?}");
            } else {
                // The epoch of an empty stream may be lost: nothing else was.
                let is_unsafe = channel.starts_with("interval") || *top == 0;
                let may = is_unsafe && !matches!(cut, Cut::Killed);
                let is_reordered = matches!(cut, Cut::Reordered);
                assert!(
                    may || is_reordered,
                    "{channel}: a new epoch without need, {cut:?}"
                );
            }
            for (offset, data) in world.kept(channel) {
                self.tell(channel, &page.position.epoch, offset, &data);
            }
        }
    }
}

#[test]
fn after_every_power_cut_positions_tell_the_truth() {
    let worlds = std::env::var("POWER_CUTS")
        .ok()
        .and_then(|it| it.parse().ok());
    for seed in 0..worlds.unwrap_or(15) {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut folder = TestFolder::new();
        let mut platter = Arc::<Platter>::default();
        let mut known = Known::default();
        let mut serial = 0;
        let mut world = World::with(with_policy(&folder), Some(platter.clone()));
        for cut in 0..4 {
            known.work(&world, &mut random, &mut serial);
            let kinds = [Cut::Killed, Cut::Dropped, Cut::Torn, Cut::Reordered];
            let kind = kinds[random.usize(..kinds.len())];
            let copy = folder.copy();
            let left = platter.cut(kind, &mut random);
            drop(world);
            (folder, platter) = (copy, left);
            let boot = match kind {
                Cut::Killed => None,
                _ => Some(format!("the run after cut {cut}")),
            };
            let before = if cut == 0 {
                "a run".to_owned()
            } else {
                last_boot(&folder)
            };
            let boot = boot.unwrap_or(before);
            let opened = Opened::with_files(with_policy(&folder), platter.clone(), &boot);
            let opened = opened.unwrap_or_else(|error| panic!("seed {seed}, {kind:?}: {error}"));
            world = World::at(opened, START_MS);
            known.check(&world, kind);
        }
    }
}

/// The run of the system in which the store was open last.
fn last_boot(folder: &TestFolder) -> String {
    let store = crate::store::sqlite::Sqlite::open(&crate::store::path(&folder.store()), 1 << 20);
    let info = store.expect("it opens").info().expect("readable");
    info.expect("it was open before").boot
}

/// A checkpoint has three steps that a power cut may come between.
#[test]
fn a_cut_between_the_steps_of_a_checkpoint_takes_nothing() {
    let folder = TestFolder::new();
    let platter = Arc::<Platter>::default();
    let world = World::with(with_policy(&folder), Some(platter.clone()));
    for number in 0..20 {
        world.publish("sync:a", &number.to_string());
    }
    let expected = (world.read("sync:a").position, world.kept("sync:a"));
    let before = folder.copy();
    let journal = platter.cut(Cut::Dropped, &mut fastrand::Rng::with_seed(1));
    world.broker.checkpoint().expect("the store is well");
    // The store has it, and the journal still has it too; and: the store does not have it yet.
    for folder in [folder.copy(), before] {
        let journal = journal.cut(Cut::Killed, &mut fastrand::Rng::with_seed(1));
        let opened = Opened::with_files(with_policy(&folder), journal, "another run");
        let world = World::at(opened.expect("it opens"), START_MS);
        assert_eq!(
            (world.read("sync:a").position, world.kept("sync:a")),
            expected
        );
    }
}
