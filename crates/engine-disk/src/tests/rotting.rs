//! Flipped bits: they are noticed, named, and confined to their channel.

use std::fs;
use std::time::Duration;

use veche_engine::broker::Broker;
use veche_protocol::history::Query;

use crate::durability::Durability;
use crate::open::Opened;
use crate::store;
use crate::testing::{START_MS, TestFolder, World, block_on, options};

const COUNT: u64 = 60;

fn data(channel: &str, offset: u64) -> String {
    format!("\"{channel} {offset} {}\"", "-".repeat(60))
}

/// Three channels with publications, all of them in the store.
fn filled() -> TestFolder {
    let folder = TestFolder::new();
    let world = World::open(&folder);
    for offset in 1..=COUNT {
        for channel in ["a", "b", "c"] {
            world.publish(channel, &data(channel, offset));
        }
    }
    world.close();
    folder
}

fn flip(folder: &TestFolder, file: &str, at: usize, mask: u8) {
    let path = folder.store().join(file);
    let mut bytes = fs::read(&path).expect("it is there");
    bytes[at] ^= mask;
    fs::write(&path, bytes).expect("it can be written");
}

/// Flips a bit of a text wherever it is in a file: a database may have old copies in pages that are free.
fn flip_text(folder: &TestFolder, file: &str, text: &str, at: usize) {
    let bytes = fs::read(folder.store().join(file)).expect("it is there");
    let places: Vec<_> = (bytes.windows(text.len()).enumerate())
        .filter(|(_, window)| *window == text.as_bytes())
        .map(|(place, _)| place)
        .collect();
    assert!(!places.is_empty(), "{text} is not in {file}");
    for place in places {
        flip(folder, file, place + at, 1);
    }
}

/// All offsets of a channel whose publications are right, or `None` where it can't be read.
fn read(world: &World, channel: &str) -> Option<Vec<u64>> {
    let query = Query {
        meta_ttl: Duration::from_hours(1),
        ..Query::default()
    };
    let page = block_on(world.broker.history(&channel.into(), &query).wait()).ok()?;
    let offsets = page.publications.iter().map(|publication| {
        let expected = data(channel, publication.offset);
        assert_eq!(publication.data.bytes(), expected.as_bytes(), "{channel}");
        publication.offset
    });
    Some(offsets.collect())
}

#[test]
fn a_damaged_publication_takes_the_older_ones_of_its_channel_and_nothing_else() {
    let folder = filled();
    flip_text(&folder, store::FILE, &data("b", 20), 5);
    let world = World::open(&folder);
    let whole: Vec<u64> = (1..=COUNT).collect();
    assert_eq!(read(&world, "a"), Some(whole.clone()));
    assert_eq!(read(&world, "b"), Some((21..=COUNT).collect()));
    assert_eq!(read(&world, "c"), Some(whole));
    assert_eq!(world.broker.stats().damaged, 1);
    let next = world.publish("b", &data("b", COUNT + 1)).position;
    assert_eq!(next.offset, COUNT + 1);
    let after = World::open(&folder.copy());
    assert_eq!(read(&after, "b"), Some((21..=COUNT + 1).collect()));
}

#[test]
fn a_damaged_publication_in_the_journal_is_its_channels_affair() {
    let folder = TestFolder::new();
    let world = World::open(&folder);
    for offset in 1..=5 {
        for channel in ["a", "b"] {
            world.publish(channel, &data(channel, offset));
        }
    }
    let position = world.read("b").position;
    for (damaged, left) in [(3, vec![4, 5]), (5, vec![])] {
        let killed = folder.copy();
        let file = crate::files::name(1);
        flip_text(&killed, &file, &data("b", damaged), 5);
        let after = World::open(&killed);
        assert_eq!(read(&after, "a"), Some(vec![1, 2, 3, 4, 5]));
        assert_eq!(read(&after, "b"), Some(left));
        assert_eq!(
            after.read("b").position,
            position,
            "its offset is not given again"
        );
        assert_eq!(after.broker.stats().damaged, 1);
    }
}

#[test]
fn where_nobody_knows_what_an_entry_was_all_epochs_begin_anew() {
    let folder = TestFolder::new();
    let world = World::open(&folder);
    for offset in 1..=3 {
        world.publish("a", &data("a", offset));
        world.publish("b", &data("b", offset));
    }
    let (a, b) = (world.read("a").position, world.read("b").position);
    let killed = folder.copy();
    // The number of the first change.
    flip(&killed, &crate::files::name(1), 12, 1);
    let after = World::open(&killed);
    for (channel, before) in [("a", a), ("b", b)] {
        let now = after.read(channel).position;
        assert_ne!(now.epoch, before.epoch, "{channel}");
        assert_eq!(now.offset, 3, "{channel}");
    }
    assert_eq!(read(&after, "b"), Some(vec![1, 2, 3]));
}

#[test]
fn a_damaged_row_begins_a_new_epoch_of_its_channel() {
    let folder = filled();
    let before = {
        let world = World::open(&folder.copy());
        (world.read("a").position, world.read("b").position)
    };
    flip_text(&folder, store::FILE, before.1.epoch.as_str(), 0);
    let world = World::open(&folder);
    assert_eq!(world.read("a").position, before.0);
    let now = world.read("b").position;
    assert_eq!(now.offset, 0);
    assert_ne!(now.epoch, before.1.epoch);
    assert_eq!(world.publish("b", &data("b", 1)).position.epoch, now.epoch);
    world.broker.checkpoint().expect("the store is well");
    assert_eq!(read(&World::open(&folder.copy()), "b"), Some(vec![1]));
}

#[test]
fn wherever_a_bit_flips_nothing_wrong_is_told() {
    let folder = filled();
    let len = fs::metadata(folder.store().join(store::FILE))
        .expect("it is there")
        .len();
    let len = usize::try_from(len).expect("a small file");
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..150 {
        let rotten = folder.copy();
        let at = random.usize(..len);
        flip(&rotten, store::FILE, at, 1 << random.u8(..8));
        let Ok(opened) = Opened::new(options(&rotten, Durability::Interval)) else {
            continue;
        };
        let world = World::at(opened, START_MS);
        for channel in ["a", "b", "c"] {
            let Some(offsets) = read(&world, channel) else {
                continue;
            };
            let is_whole = offsets.len() as u64 == COUNT;
            let is_suffix = offsets
                .iter()
                .rev()
                .zip((1..=COUNT).rev())
                .all(|(a, b)| *a == b);
            let is_noticed = world.broker.stats().damaged > 0;
            assert!(
                is_whole || (is_suffix && is_noticed),
                "byte {at}: {channel} has {offsets:?}"
            );
        }
    }
}
