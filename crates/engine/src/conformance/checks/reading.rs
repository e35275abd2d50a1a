//! Checks of what history gives.

use veche_protocol::channel::Channel;
use veche_protocol::history::Query;

use crate::conformance::{Bench, kept, offsets, query, since};
use crate::error::EngineError;

/// A channel with publications 1 to 5, of which 1 and 2 fell out.
async fn three_of_five(bench: &Bench) -> Channel {
    let channel = Channel::new("news");
    for data in ["1", "2", "3", "4", "5"] {
        bench.publish(&channel, data, &kept(3, 60)).await;
    }
    channel
}

async fn read_offsets(bench: &Bench, channel: &Channel, query: &Query) -> Vec<u64> {
    let page = bench.read(channel, query).await.expect("recoverable");
    assert_eq!(page.position.offset, 5);
    offsets(&page)
}

pub async fn reading_an_unknown_channel_fixes_its_epoch(bench: Bench) {
    let channel = Channel::new("news");
    let page = bench.read_all(&channel).await;
    assert!(page.publications.is_empty());
    assert_eq!(page.position.offset, 0);
    assert!(!page.position.epoch.is_empty());
    let published = bench.publish(&channel, "1", &kept(10, 60)).await;
    assert_eq!(published.position.offset, 1);
    assert_eq!(published.position.epoch, page.position.epoch);
}

pub async fn a_limit_of_zero_reads_the_position_alone(bench: Bench) {
    let channel = three_of_five(&bench).await;
    let nothing = Query {
        limit: Some(0),
        ..query()
    };
    let none: [u64; 0] = [];
    assert_eq!(read_offsets(&bench, &channel, &nothing).await, none);
    let nothing_since = Query {
        limit: Some(0),
        ..since(3, "")
    };
    assert_eq!(read_offsets(&bench, &channel, &nothing_since).await, none);
}

pub async fn a_limit_cuts_the_reading(bench: Bench) {
    let channel = three_of_five(&bench).await;
    let two = Query {
        limit: Some(2),
        ..query()
    };
    assert_eq!(read_offsets(&bench, &channel, &two).await, [3, 4]);
    let two_newest = Query {
        reverse: true,
        ..two
    };
    assert_eq!(read_offsets(&bench, &channel, &two_newest).await, [5, 4]);
}

pub async fn reading_since_a_position_begins_after_it(bench: Bench) {
    let channel = three_of_five(&bench).await;
    assert_eq!(read_offsets(&bench, &channel, &since(3, "")).await, [4, 5]);
    let one = Query {
        limit: Some(1),
        ..since(3, "")
    };
    assert_eq!(read_offsets(&bench, &channel, &one).await, [4]);
    let none: [u64; 0] = [];
    assert_eq!(read_offsets(&bench, &channel, &since(5, "")).await, none);
}

pub async fn reading_in_reverse_begins_before_the_position(bench: Bench) {
    let channel = three_of_five(&bench).await;
    for (offset, expected) in [
        (5, &[4, 3][..]),
        (4, &[3]),
        (6, &[5, 4, 3]),
        (3, &[]),
        (1, &[]),
        (100, &[]),
    ] {
        let query = Query {
            reverse: true,
            ..since(offset, "")
        };
        let read = read_offsets(&bench, &channel, &query).await;
        assert_eq!(read, expected, "before {offset}");
    }
}

pub async fn what_fell_out_of_the_stream_is_left_out(bench: Bench) {
    let channel = three_of_five(&bench).await;
    for offset in [0, 1, 2] {
        let read = read_offsets(&bench, &channel, &since(offset, "")).await;
        assert_eq!(read, [3, 4, 5], "after {offset}");
    }
}

pub async fn a_position_beyond_the_top_has_nothing_after_it(bench: Bench) {
    let channel = three_of_five(&bench).await;
    let none: [u64; 0] = [];
    for offset in [6, u64::MAX] {
        assert_eq!(
            read_offsets(&bench, &channel, &since(offset, "")).await,
            none
        );
    }
}

pub async fn another_epoch_is_unrecoverable_and_an_empty_one_is_not_checked(bench: Bench) {
    let channel = three_of_five(&bench).await;
    let epoch = bench.epoch(&channel).await;
    let same = since(4, epoch.as_str());
    assert_eq!(read_offsets(&bench, &channel, &same).await, [5]);
    for limit in [None, Some(0), Some(1)] {
        let query = Query {
            limit,
            ..since(4, "another")
        };
        let read = bench.read(&channel, &query).await;
        assert_eq!(read, Err(EngineError::UnrecoverablePosition));
    }
}

pub async fn removing_history_keeps_epoch_and_offset(bench: Bench) {
    let channel = three_of_five(&bench).await;
    let before = bench.read_all(&channel).await.position;
    let removed = bench.broker.remove_history(&channel).wait().await;
    assert_eq!(removed, Ok(()));
    let page = bench.read_all(&channel).await;
    assert!(page.publications.is_empty());
    assert_eq!(page.position, before);
    let next = bench.publish(&channel, "6", &kept(3, 60)).await.position;
    assert_eq!((next.offset, &next.epoch), (6, &before.epoch));
    let page = bench.read(&channel, &since(4, "")).await.expect("readable");
    assert_eq!(offsets(&page), [6]);
    let unknown = bench.broker.remove_history(&Channel::new("other"));
    assert_eq!(unknown.wait().await, Ok(()));
}
