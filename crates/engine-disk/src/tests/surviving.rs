//! What a process finds that starts after another one was killed.

use veche_engine::broker::Broker;
use veche_protocol::history::Query;

use crate::testing::{TestFolder, World, block_on};

#[test]
fn whatever_was_answered_is_there_after_the_process_was_killed() {
    let folder = TestFolder::new();
    let world = World::open(&folder);
    let mut epochs = Vec::new();
    for number in 0..300 {
        let channel = format!("news:{}", number % 7);
        let published = world.publish(&channel, &number.to_string());
        assert_eq!(published.position.offset, number / 7 + 1);
        if number < 7 {
            epochs.push(published.position.epoch);
        }
        if number == 150 {
            world.broker.checkpoint().expect("the store is well");
        }
    }
    let killed = folder.copy();
    let after = World::open(&killed);
    for channel in 0..7_u64 {
        let name = format!("news:{channel}");
        let numbers: Vec<u64> = (0..300).filter(|it| it % 7 == channel).collect();
        let expected: Vec<_> = (1..).zip(numbers.iter().map(u64::to_string)).collect();
        assert_eq!(after.kept(&name), expected);
        let index = usize::try_from(channel).expect("small");
        assert_eq!(after.read(&name).position.epoch, epochs[index]);
        let next = after.publish(&name, "next").position;
        assert_eq!(next.offset, expected.len() as u64 + 1);
    }
}

#[test]
fn an_epoch_that_was_told_stays_though_nothing_was_published() {
    let folder = TestFolder::new();
    let world = World::open(&folder);
    let told = world.read("news").position;
    let after = World::open(&folder.copy());
    assert_eq!(after.read("news").position, told);
    assert_eq!(after.publish("news", "1").position.epoch, told.epoch);
}

#[test]
fn what_was_removed_stays_removed() {
    let folder = TestFolder::new();
    let world = World::open(&folder);
    for is_stored in [false, true] {
        let channel = format!("news:{is_stored}");
        world.publish(&channel, "1");
        if is_stored {
            world.broker.checkpoint().expect("the store is well");
        }
        let removed = world.broker.remove_history(&channel.as_str().into());
        block_on(removed.wait()).expect("the disk has room");
    }
    for _ in 0..2 {
        let after = World::open(&folder.copy());
        for is_stored in [false, true] {
            let page = after.read(&format!("news:{is_stored}"));
            assert_eq!((page.publications.len(), page.position.offset), (0, 1));
        }
        world.broker.checkpoint().expect("the store is well");
    }
}

#[test]
fn a_large_history_is_read_from_both_ends_and_from_the_middle() {
    let folder = TestFolder::new();
    let world = World::open(&folder);
    let data = |offset: u64| format!("\"{offset} {}\"", "x".repeat(200));
    let options = crate::testing::kept(1000);
    for offset in 1..=500 {
        world
            .try_publish("news", &data(offset), &options)
            .expect("kept");
    }
    world.close();
    let mut small = crate::testing::options(&folder, crate::durability::Durability::Interval);
    small.cache_size = 0;
    let world = World::with(small, None);
    let read = |since: Option<u64>, limit: Option<usize>, reverse: bool| {
        let query = Query {
            limit,
            since: since
                .map(|offset| veche_protocol::position::StreamPosition::new(offset, "".into())),
            reverse,
            ..Query::default()
        };
        let page = block_on(world.broker.history(&"news".into(), &query).wait()).expect("readable");
        assert_eq!(page.position.offset, 500);
        for publication in &page.publications {
            assert_eq!(
                &publication.data.bytes()[..],
                data(publication.offset).as_bytes()
            );
        }
        let offsets: Vec<_> = page.publications.iter().map(|it| it.offset).collect();
        offsets
    };
    for _ in 0..2 {
        assert_eq!(read(None, None, false), (1..=500).collect::<Vec<_>>());
        assert_eq!(read(None, Some(3), false), [1, 2, 3]);
        assert_eq!(read(Some(250), Some(3), false), [251, 252, 253]);
        assert_eq!(read(Some(498), None, false), [499, 500]);
        assert_eq!(read(None, Some(3), true), [500, 499, 498]);
        assert_eq!(
            read(Some(250), Some(30), true),
            (220..=249).rev().collect::<Vec<_>>()
        );
        assert_eq!(read(Some(3), None, true), [2, 1]);
        // Once more with the newest ones in memory only.
        world.try_publish("other", "1", &options).expect("kept");
    }
}

#[test]
fn what_leaves_memory_at_any_moment_is_read_again_as_it_was() {
    let folder = TestFolder::new();
    let mut options = crate::testing::options(&folder, crate::durability::Durability::Interval);
    options.cache_size = 0;
    let world = World::with(options, None);
    let channels = ["a", "b", "c"];
    let epochs = channels.map(|channel| world.publish(channel, "first").position.epoch);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let forgetting = scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                world.broker.checkpoint().expect("the store is well");
                world.broker.sweep().expect("the store is well");
            }
        });
        let callers: Vec<_> = (0..4)
            .map(|caller| {
                let (world, epochs) = (&world, &epochs);
                scope.spawn(move || {
                    for number in 0..300 {
                        let at = (caller + number) % 3;
                        let channel = channels[at].into();
                        // Calls that wait together for the channel to be read.
                        let query = Query::default();
                        let reads = [0; 3].map(|_| world.broker.history(&channel, &query));
                        if number % 4 == 0 {
                            let position = world.publish(channels[at], "more").position;
                            assert_eq!(position.epoch, epochs[at], "{channel}");
                        }
                        for read in reads {
                            let position = block_on(read.wait()).expect("readable").position;
                            assert_eq!(position.epoch, epochs[at], "{channel}");
                        }
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.join().expect("every epoch stays");
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        forgetting.join().expect("the store is well");
    });
    let tops = channels.map(|channel| world.read(channel).position.offset);
    assert_eq!(tops.iter().sum::<u64>(), 3 + 4 * 75);
}

#[test]
fn calls_that_wait_together_for_a_channel_find_the_same_stream() {
    let folder = TestFolder::new();
    let mut options = crate::testing::options(&folder, crate::durability::Durability::Interval);
    options.cache_size = 0;
    let world = World::with(options, None);
    let position = world.publish("news", "1").position;
    for _ in 0..50 {
        world.broker.checkpoint().expect("the store is well");
        let held = world.broker.stats().cache_bytes;
        assert_eq!(held, 0, "nothing stays in memory");
        let channel = "news".into();
        let reads = [0; 20].map(|_| world.broker.history(&channel, &Query::default()));
        for read in reads {
            let page = block_on(read.wait()).expect("readable");
            assert_eq!(page.position, position);
            assert_eq!(page.publications.len(), 1);
        }
    }
}
