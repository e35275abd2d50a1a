//! What goes, also where nobody asks, and what becomes of its space.

use std::time::Duration;

use veche_protocol::publication::{PublishOptions, Retention};

use crate::durability::Durability;
use crate::testing::{TestFolder, World, options};

fn short() -> PublishOptions {
    PublishOptions {
        retention: Some(Retention {
            size: 100,
            ttl: Duration::from_secs(10),
            meta_ttl: Duration::from_secs(60),
        }),
        ..PublishOptions::default()
    }
}

fn data() -> String {
    format!("\"{}\"", "x".repeat(2000))
}

impl World {
    fn used(&self) -> u64 {
        self.broker.disk.store.size().expect("readable").used
    }

    fn pass(&self, seconds: u64) {
        self.clock.pass(Duration::from_secs(seconds));
        self.broker.sweep().expect("the store is well");
    }
}

#[test]
fn channels_that_nobody_asks_about_lose_what_is_over_and_the_space_comes_back() {
    let folder = TestFolder::new();
    let world = World::open(&folder);
    let empty = world.used();
    for number in 0..3000 {
        let channel = format!("news:{number}");
        world
            .try_publish(&channel, &data(), &short())
            .expect("kept");
    }
    world.broker.checkpoint().expect("the store is well");
    world.close();
    let world = World::open(&folder);
    let full = world.used();
    assert!(full > empty + 3000 * 2000, "{full}");
    world.pass(11);
    let positions = world.used();
    assert!(positions < full / 4, "{positions} of {full}");
    assert_eq!(world.read("news:7").position.offset, 1);
    let file = || {
        std::fs::metadata(crate::store::path(&folder.store()))
            .expect("it is there")
            .len()
    };
    for _ in 0..20 {
        world.broker.sweep().expect("the store is well");
    }
    assert!(file() < full / 2, "the file has {} of {full}", file());
    world.pass(60);
    assert!(world.used() < positions, "positions go too");
    assert_eq!(world.read("news:8").position.offset, 0);
    // One channel was asked about meanwhile; its position lives on.
    assert_eq!(world.read("news:7").position.offset, 1);
}

#[test]
fn publications_that_fell_out_leave_the_store() {
    let folder = TestFolder::new();
    let world = World::open(&folder);
    let kept = crate::testing::kept(10);
    for _ in 0..20 {
        for _ in 0..30 {
            world.try_publish("news", &data(), &kept).expect("kept");
        }
        world.broker.checkpoint().expect("the store is well");
    }
    assert!(world.used() < 200_000, "{}", world.used());
    let offsets: Vec<_> = world
        .kept("news")
        .iter()
        .map(|(offset, _)| *offset)
        .collect();
    assert_eq!(offsets, (591..=600).collect::<Vec<_>>());
}

#[test]
fn beyond_the_largest_size_the_publications_that_were_written_first_go_first() {
    let folder = TestFolder::new();
    let mut options = options(&folder, Durability::Interval);
    options.max_size = 2_000_000;
    let world = World::with(options, None);
    world.publish("first", &data());
    let kept = crate::testing::kept(1000);
    for number in 0..2000 {
        let channel = format!("news:{}", number % 10);
        world.try_publish(&channel, &data(), &kept).expect("kept");
        if number % 100 == 0 {
            world.broker.checkpoint().expect("the store is well");
        }
    }
    world.publish("last", &data());
    world.broker.checkpoint().expect("the store is well");
    world.broker.sweep().expect("the store is well");
    let used = world.used();
    assert!((1_000_000..=2_000_000).contains(&used), "{used}");
    assert!(world.broker.stats().dropped_chunks > 100);
    let first = world.read("first");
    assert_eq!((first.publications.len(), first.position.offset), (0, 1));
    assert_eq!(world.kept("last").len(), 1);
    for channel in 0..10 {
        let channel = format!("news:{channel}");
        let offsets: Vec<_> = world
            .kept(&channel)
            .iter()
            .map(|(offset, _)| *offset)
            .collect();
        let expected: Vec<_> = (201 - offsets.len() as u64..=200).collect();
        assert_eq!(offsets, expected, "the newest are left");
        assert!(
            offsets.len() > 10 && offsets.len() < 150,
            "{}",
            offsets.len()
        );
    }
    let again = World::open(&folder.copy());
    assert_eq!(again.read("first").position, first.position);
}

#[test]
fn positions_alone_are_held_below_the_largest_size_too() {
    let folder = TestFolder::new();
    let mut options = options(&folder, Durability::Interval);
    options.max_size = 300_000;
    let world = World::with(options, None);
    for number in 0..5000 {
        world.publish(&format!("a rather long name of a channel: {number}"), "1");
    }
    world.broker.checkpoint().expect("the store is well");
    world.broker.sweep().expect("the store is well");
    assert!(world.used() <= 300_000, "{}", world.used());
}

#[test]
fn memory_is_bounded_by_the_cache_and_not_by_what_is_kept() {
    let folder = TestFolder::new();
    let mut options = options(&folder, Durability::Interval);
    options.cache_size = 1_000_000;
    let world = World::with(options, None);
    for number in 0..3000 {
        world.publish(&format!("news:{number}"), &data());
        if number % 500 == 499 {
            world.broker.checkpoint().expect("the store is well");
        }
    }
    for number in 0..3000 {
        assert_eq!(world.kept(&format!("news:{number}")).len(), 1);
    }
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while world.broker.stats().cache_bytes > 3_000_000 {
        assert!(std::time::Instant::now() < deadline, "too much is held");
        std::thread::yield_now();
    }
    assert!(world.broker.stats().loads > 2000);
}

#[test]
fn what_is_over_goes_though_nothing_is_held_in_memory() {
    let folder = TestFolder::new();
    let mut options = options(&folder, Durability::Interval);
    options.cache_size = 0;
    let world = World::with(options, None);
    for number in 0..300 {
        let channel = format!("news:{number}");
        world
            .try_publish(&channel, &data(), &short())
            .expect("kept");
    }
    world.broker.checkpoint().expect("the store is well");
    let full = world.used();
    world.pass(11);
    assert!(world.used() < full / 2, "publications");
    world.pass(60);
    let due = world
        .broker
        .disk
        .store
        .due(u64::MAX, 1000)
        .expect("readable");
    assert_eq!(due.len(), 0, "positions");
}
