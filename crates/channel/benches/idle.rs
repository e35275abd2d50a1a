//! The bytes that an idle client keeps, beside tokio-tungstenite and fastwebsockets.
//!
//! `cargo bench -p veche-channel --bench idle`. Counted by the allocator, without TLS; apart from
//! the other benchmark, since the count makes each allocation dearer.

use std::alloc::System;
use std::io::Read;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[path = "beside/clients.rs"]
#[expect(dead_code, reason = "the other benchmark uses the rest")]
mod clients;

use clients::{Client, Fast, Ours, Tungstenite, peer};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const IDLE: usize = 100;

/// Bytes that an idle client keeps, its own value included.
async fn idle<C: Client>() -> usize {
    let mut threads = Vec::new();
    let mut clients = Vec::with_capacity(IDLE);
    let mut kept = 0;
    for n in 0..IDLE {
        let (address, thread) = peer(|mut stream| {
            let _ = stream.read(&mut [0]);
        });
        let region = Region::new(ALLOCATOR);
        let mut client = C::connect(&address).await;
        client.rest();
        let change = region.change();
        if n >= 10 {
            kept += change
                .bytes_allocated
                .saturating_sub(change.bytes_deallocated);
        }
        clients.push(client);
        threads.push(thread);
    }
    drop(clients);
    for thread in threads {
        thread.join().expect("no panic");
    }
    kept / (IDLE - 10) + size_of::<C>()
}

#[expect(clippy::print_stdout, reason = "its figures are what it is for")]
#[tokio::main(flavor = "current_thread")]
async fn main() {
    for (name, bytes) in [
        (Ours::NAME, idle::<Ours>().await),
        (Tungstenite::NAME, idle::<Tungstenite>().await),
        (Fast::NAME, idle::<Fast>().await),
    ] {
        println!("{name:<20}{bytes:>12} bytes");
    }
}
