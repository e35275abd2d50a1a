//! What a message costs, beside tokio-tungstenite and fastwebsockets.
//!
//! `cargo bench -p veche-channel --bench beside` prints a table: nanoseconds of this thread's
//! processor time for each message, sent and received over TCP on this machine, with the other
//! end on a thread of its own. `--bench idle` has the memory.

use std::io::{Read, Write};

use rustix::time::{ClockId, clock_gettime};
use veche_websocket::frame::{self, Opcode};

#[path = "beside/clients.rs"]
#[expect(dead_code, reason = "the other benchmark uses the rest")]
mod clients;

use clients::{Client, Fast, Ours, Tungstenite, peer};

const SIZES: [(usize, usize); 2] = [(128, 200_000), (64 << 10, 8_000)];
const ROUNDS: usize = 5;

fn processor_time() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Nanoseconds for each message received. The peer writes many messages at once, and waits for
/// nobody.
async fn receiving<C: Client>(len: usize, count: usize) -> f64 {
    let (address, thread) = peer(move |mut stream| {
        let mut frames = Vec::new();
        let batch = ((64 << 10) / len).max(1);
        for _ in 0..batch {
            frame::write(&mut frames, Opcode::Binary, &vec![7; len]);
        }
        for _ in 0..count.div_ceil(batch) {
            stream.write_all(&frames).expect("sent");
        }
        // Until the client goes.
        let _ = stream.read(&mut [0]);
    });
    let mut client = C::connect(&address).await;
    let began = processor_time();
    for _ in 0..count {
        assert_eq!(client.receive().await, len);
    }
    let took = processor_time() - began;
    drop(client);
    thread.join().expect("no panic");
    took as f64 / count as f64
}

/// Nanoseconds for each message sent on its own.
async fn sending<C: Client>(len: usize, count: usize) -> f64 {
    let (address, thread) = peer(move |mut stream| {
        let mut buffer = vec![0; 1 << 20];
        while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
    });
    let mut client = C::connect(&address).await;
    let payload = vec![7; len];
    let began = processor_time();
    for _ in 0..count {
        client.send(&payload).await;
    }
    let took = processor_time() - began;
    drop(client);
    thread.join().expect("no panic");
    took as f64 / count as f64
}

async fn best(mut run: impl AsyncFnMut() -> f64) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        best = best.min(run().await);
    }
    best
}

async fn measure<C: Client>() -> Vec<f64> {
    let mut row = Vec::new();
    for (len, count) in SIZES {
        row.push(best(async || receiving::<C>(len, count).await).await);
        row.push(best(async || sending::<C>(len, count).await).await);
    }
    row
}

#[expect(clippy::print_stdout, reason = "its figures are what it is for")]
#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!(
        "{:<20}{:>12}{:>12}{:>12}{:>12}",
        "", "128 B in", "128 B out", "64 KiB in", "64 KiB out"
    );
    let rows = [
        (Ours::NAME, measure::<Ours>().await),
        (Tungstenite::NAME, measure::<Tungstenite>().await),
        (Fast::NAME, measure::<Fast>().await),
    ];
    for (name, row) in &rows {
        print!("{name:<20}");
        row.iter().for_each(|figure| print!("{figure:>12.0}"));
        println!();
    }
    let [(_, ours), others @ ..] = &rows;
    for (name, row) in others {
        print!("{:<20}", format!("ours / {name}"));
        (ours.iter().zip(row)).for_each(|(ours, theirs)| print!("{:>12.2}", ours / theirs));
        println!();
    }
}
