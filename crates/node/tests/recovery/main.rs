//! Recovery and deltas over the whole node, against a model: clients that come and go, losses on the way, an engine that
//! forgets, workers in any order. A client has everything after its position once, in order and byte for byte, or was
//! told that it has not.
//!
//! `PROPTEST_CASES` says how many worlds are tried, `PROPTEST_RNG_SEED` which ones; a failure prints its shortest world.

#[cfg(test)]
#[cfg(unix)]
mod book;
#[cfg(test)]
#[cfg(unix)]
mod client;
#[cfg(test)]
#[cfg(unix)]
mod dialect;
#[cfg(test)]
#[cfg(unix)]
mod engine;
#[cfg(test)]
#[cfg(unix)]
mod fossil;
#[cfg(test)]
#[cfg(unix)]
mod past;
#[cfg(test)]
#[cfg(unix)]
mod step;
#[cfg(test)]
#[cfg(unix)]
mod view;
#[cfg(test)]
#[cfg(unix)]
mod world;

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use proptest::prelude::*;

    use crate::step::{Script, Setup, durable, script, setup};
    use crate::world::World;

    fn check(setup: Setup, Script(steps): Script) {
        let mut world = World::new(setup);
        for step in steps {
            world.step(step);
        }
        world.finish();
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, max_shrink_iters: 3000, ..ProptestConfig::default() })]

        #[test]
        fn on_one_worker_everybody_has_everything_or_is_told((setup, script) in (setup(1), script(1))) {
            check(setup, script);
        }

        #[test]
        fn on_two_workers_everybody_has_everything_or_is_told((setup, script) in (setup(2), script(2))) {
            check(setup, script);
        }

        #[test]
        fn on_four_workers_everybody_has_everything_or_is_told((setup, script) in (setup(4), script(4))) {
            check(setup, script);
        }
    }

    proptest! {
        // Each world opens a store, and again at each restart.
        #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::default() })]

        #[test]
        fn with_history_on_disk_restarts_in_between_take_nothing((setup, script) in (durable(2), script(2))) {
            check(setup, script);
        }
    }
}
