//! Who watches a position is found, and told when what was published did not come.

use super::*;

fn watched(world: &World) -> Vec<StreamPosition> {
    let hub = &world.hub;
    let watched: Vec<_> = (0..hub.indices())
        .flat_map(|place| hub.watched_at(place))
        .map(|(_, position)| position.clone())
        .collect();
    for position in &watched {
        assert!(hub.is_watched_at(&channel(), position));
    }
    assert!(!hub.is_watched_at(&channel(), &position("nowhere", 1)));
    watched
}

#[test]
fn a_channel_is_watched_while_somebody_is_attached_with_a_position() {
    let mut world = World::new();
    assert!(world.hub.is_empty());
    world.join(0, key(false), None);
    world.publish("a", 1);
    assert_eq!(watched(&world), []);
    world.join(1, key(true), Some(position("a", 1)));
    assert_eq!(watched(&world), [position("a", 1)]);
    world.publish("a", 2);
    assert_eq!(watched(&world), [position("a", 2)]);
    world.detach(1);
    assert_eq!(watched(&world), []);
}

#[test]
fn who_is_ahead_of_the_channel_counts_where_nobody_else_watches() {
    let mut world = World::new();
    world.join(0, key(false), None);
    world.join(1, key(true), Some(position("a", 5)));
    assert_eq!(watched(&world), [position("a", 5)]);
    world.publish("a", 5);
    world.publish("a", 6);
    assert_eq!(watched(&world), [position("a", 6)]);
}

#[test]
fn each_place_where_somebody_stands_is_watched_once() {
    let mut world = World::new();
    world.join(0, key(true), Some(position("a", 3)));
    for (slot, offset) in [(1, 9), (2, 9), (3, 12)] {
        world.join(slot, key(true), Some(position("a", offset)));
    }
    let places = [3, 9, 12].map(|offset| position("a", offset));
    assert_eq!(watched(&world), places);
}

#[test]
fn a_loss_is_told_to_those_who_stand_before_it() {
    let mut world = World::new();
    world.join(0, key(true), Some(position("a", 3)));
    world.join(1, key(true), Some(position("a", 9)));
    world.join(2, key(false), None);
    world.enter(3);
    let lost_after = |world: &mut World, offset| {
        let mut aftermath = Aftermath::default();
        let stood = position("a", offset);
        world.hub.lose(&channel(), &stood, &mut aftermath);
        aftermath.gap
    };
    assert_eq!(lost_after(&mut world, 3), [0]);
    assert_eq!(lost_after(&mut world, 9), [1]);
}

#[test]
fn what_comes_too_late_is_told_to_those_who_do_not_have_it() {
    let mut world = World::new();
    world.join(0, key(true), Some(position("a", 3)));
    world.join(1, key(true), Some(position("a", 4)));
    world.join(2, key(false), None);
    let lagging = |world: &mut World, offset| {
        let mut aftermath = Aftermath::default();
        let event = Event::new(channel(), 7, publication("a", offset));
        world.hub.lag(&event, &mut aftermath);
        aftermath.gap.sort_unstable();
        aftermath.gap
    };
    assert!(lagging(&mut world, 3).is_empty());
    assert_eq!(lagging(&mut world, 4), [0]);
    assert_eq!(lagging(&mut world, 5), [0, 1]);
    assert!(
        lagging(&mut world, 0).is_empty(),
        "it has no place in the stream"
    );
}

#[test]
fn who_stands_where_no_stream_is_learns_its_epoch_by_the_first_publication_and_by_no_other() {
    let mut world = World::new();
    world.join(0, key(true), Some(position("", 0)));
    world.join(1, key(true), Some(position("a", 0)));
    assert!(world.publish("a", 1).gap.is_empty());
    assert_eq!(watched(&world), [position("a", 1)]);
    assert!(world.publish("a", 2).gap.is_empty());
    // A known epoch never becomes another one.
    let mut gap = world.publish("b", 1).gap;
    gap.sort_unstable();
    assert_eq!(gap, [0, 1]);

    let mut world = World::new();
    world.join(0, key(true), Some(position("", 0)));
    assert_eq!(world.publish("a", 2).gap, [0], "the first did not come");

    // Whoever joins others that stand further on is no exception.
    let mut world = World::new();
    world.join(0, key(true), Some(position("a", 0)));
    world.join(1, key(true), Some(position("", 0)));
    assert!(world.publish("a", 1).gap.is_empty());
    assert_eq!(watched(&world), [position("a", 1)]);
    let mut world = World::new();
    world.join(0, key(true), Some(position("a", 4)));
    world.join(1, key(true), Some(position("", 0)));
    assert_eq!(world.publish("a", 5).gap, [1]);
}
