//! The machine against a small model of a server and a network, under simulated time and seeded faults.
//!
//! Links are cut, stall and die without a word; frames and answers are lost on the way; the device sleeps for hours,
//! with clocks that rest meanwhile or do not; clocks are set; servers restart, and forget or do not; tokens expire;
//! stores fail; the process crashes. Whatever happens, every publication stands in a stream once and in order, and
//! every reader gets every publication once and in order, or is told that some may be lost.
//!
//! A million steps are run by default; `CLIENT_MODEL_STEPS=100000000` runs more, `CLIENT_MODEL_SEED=7` begins with
//! another seed. A failure names its seed: with that and `CLIENT_MODEL_STEPS=1` it comes again, alone.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod application;
mod happening;
mod kind;
mod network;
mod server;
mod totals;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use totals::Totals;
use world::World;

#[test]
fn nothing_is_lost_doubled_or_disordered_whatever_fails() {
    let wanted = number("CLIENT_MODEL_STEPS").unwrap_or(1_000_000);
    let mut seed = number("CLIENT_MODEL_SEED").unwrap_or(1);
    let mut totals = Totals::default();
    while totals.steps < wanted {
        let before = totals.steps / TOLD;
        let run = catch_unwind(AssertUnwindSafe(|| World::new(seed).run()));
        match run {
            Ok(these) => totals.add(&these),
            Err(panic) => {
                eprintln!("failed with CLIENT_MODEL_SEED={seed} CLIENT_MODEL_STEPS=1");
                resume_unwind(panic);
            }
        }
        if totals.steps / TOLD > before {
            println!(
                "{} million steps, the last with seed {seed}",
                totals.steps / 1_000_000
            );
        }
        seed += 1;
    }
    println!("{totals:?}");
    // A model in which nothing happens proves nothing.
    let per_million = |count: u64| count * 1_000_000 / totals.steps.max(1);
    if totals.steps >= 100_000 {
        assert!(per_million(totals.delivered) > 50_000, "{totals:?}");
        assert!(per_million(totals.published) > 10_000, "{totals:?}");
        assert!(per_million(totals.resumed) > 1_000, "{totals:?}");
        assert!(per_million(totals.deduplicated) > 100, "{totals:?}");
        assert!(per_million(totals.crashes) > 10, "{totals:?}");
    }
}

/// A long run says after so many steps that it goes on.
const TOLD: u64 = 10_000_000;

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().expect("a number"))
}
