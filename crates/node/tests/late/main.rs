//! A node whose engine answers late, out of order across channels, and fails: nobody stays behind as a ghost.

#[cfg(test)]
mod world;

#[cfg(test)]
mod tests {
    use veche_engine::conformance::late::{Effect, Faults};
    use veche_node::inbox::InboxLimits;
    use veche_node::node::NodeConfig;

    use crate::world::{CHANNELS, World, name};

    #[test]
    fn a_client_that_goes_while_it_is_made_present_is_not_present_afterwards() {
        let mut world = World::new();
        let client = world.connect();
        world.subscribe(client, 0);
        // It is entered, and the call that makes it present waits for its turn.
        while world.late.effects().is_empty() {
            assert!(world.step(0));
        }
        assert!(world.step(0), "the answer");
        world.settle_node();
        world.lose(client);
        assert!(world.late.present(&name(0)).is_empty());
        world.settle();
        assert!(world.late.present(&name(0)).is_empty());
        let effects = world.effects_of_presence(0);
        assert!(
            matches!(
                effects.as_slice(),
                [Effect::Added(_), .., Effect::Removed(_)]
            ),
            "{effects:?}"
        );
        assert_eq!(world.channels_at_the_engine(), 0);
    }

    #[test]
    fn a_client_that_goes_before_the_node_has_the_channel_leaves_nothing() {
        let mut world = World::new();
        let client = world.connect();
        world.subscribe(client, 0);
        world.lose(client);
        world.settle();
        assert_eq!(
            world.late.effects(),
            [
                (name(0), Effect::Subscribed),
                (name(0), Effect::Unsubscribed)
            ]
        );
        assert_eq!(world.channels_at_the_engine(), 0);
    }

    #[test]
    fn who_comes_and_goes_is_told_in_this_order_and_presence_is_what_is_true() {
        for seed in 1..=60 {
            let mut world = World::new();
            world.run(
                seed,
                Faults {
                    failing: 0,
                    doubled: 3,
                },
                150,
            );
            world.settle();
            // An answer may have taken so long that a client's time was over: it is kept.
            world.pass_presence_update();
            world.settle();
            for channel in 0..CHANNELS {
                assert_eq!(
                    world.present(channel),
                    world.subscribed(channel),
                    "seed {seed}"
                );
                world.assert_alternating(channel, seed);
            }
            world.lose_all();
            world.settle();
            for channel in 0..CHANNELS {
                assert_eq!(world.present(channel), 0, "seed {seed}");
                world.assert_alternating(channel, seed);
            }
            assert_eq!(world.channels_at_the_engine(), 0, "seed {seed}");
        }
    }

    #[test]
    fn what_failing_calls_leave_behind_ends_by_time_and_nothing_else_stays() {
        for seed in 1..=60 {
            let mut world = World::new();
            world.run(
                seed,
                Faults {
                    failing: 4,
                    doubled: 4,
                },
                150,
            );
            world.late.set_faults(Faults::default(), seed);
            world.lose_all();
            world.settle();
            assert_eq!(world.population(), (0, 0), "seed {seed}");
            assert_eq!(world.channels_at_the_engine(), 0, "seed {seed}");
            world.pass_presence_ttl();
            for channel in 0..CHANNELS {
                assert_eq!(world.present(channel), 0, "seed {seed}");
            }
        }
    }

    #[test]
    fn an_engine_that_waits_for_room_loses_nothing_however_slow_the_workers_are() {
        const SIZE: usize = 500;
        const COUNT: u64 = 300;
        let mut world = World::with(NodeConfig {
            inbox: InboxLimits {
                high_water: 10 * SIZE,
                hard_limit: 20 * SIZE,
            },
            ..NodeConfig::default()
        });
        let client = world.connect();
        world.subscribe(client, 0);
        world.settle();
        for _ in 0..COUNT {
            world.publish(0, SIZE);
        }
        let mut turns = 0;
        while !world.late.is_done() {
            let (before, _) = world.publications();
            while world.step(0) {}
            let (received, _) = world.publications();
            assert!(received - before <= 11, "more than there is room for");
            world.settle_node();
            turns += 1;
        }
        assert!(turns > 20, "it was held back {turns} times");
        world.settle();
        assert_eq!(world.publications(), (COUNT, COUNT));
    }
}
