//! What history on disk costs: beside the engine in memory, and beside what the disk does with a bare file.
//!
//!     cargo run --release -p veche-micro --example store [FOLDER]
//!
//! FOLDER is on the disk that is to be measured; without one it is the folder for temporary files. Figures are of the
//! processor's time of the whole process, so what the engine's threads do is in them.

use std::fs::{self, File};
use std::future::Future;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use bytes::Bytes;
use veche_engine::broker::Broker;
use veche_engine::life::Lifecycle;
use veche_engine::memory::broker::MemoryBroker;
use veche_engine::memory::clock::SystemClock;
use veche_engine::pending::Pending;
use veche_engine::sink::{Delivery, Sink};
use veche_engine_disk::broker::DiskBroker;
use veche_engine_disk::durability::Durability;
use veche_engine_disk::open::{DiskOptions, Opened};
use veche_protocol::channel::Channel;
use veche_protocol::history::Query;
use veche_protocol::identity::ClientInfo;
use veche_protocol::payload::Payload;
use veche_protocol::publication::{Publication, PublishOptions, Retention};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Publishes that are under way at once.
const OUTSTANDING: usize = 64;
/// Channels in which is published, and how many publications of each are kept.
const CHANNELS: usize = 1000;
const KEPT: usize = 100;
/// Publications of a measurement.
const PUBLICATIONS: usize = 300_000;
/// Channels of the store that is started.
const MILLION: usize = 1_000_000;
/// Bytes of a publication's data.
const DATA: usize = 128;
/// Bytes of the journal for such a publication, about: for the bare file.
const ENTRY: usize = 250;

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A sink that takes everything and keeps nothing.
#[derive(Debug)]
struct Nowhere;

impl Sink for Nowhere {
    fn publication(&self, _channel: &Channel, delivery: Delivery) {
        std::hint::black_box(delivery);
    }
    fn join(&self, _channel: &Channel, _info: Arc<ClientInfo>) {}
    fn leave(&self, _channel: &Channel, _info: Arc<ClientInfo>) {}
    fn gap(&self, _channel: &Channel) {}
    fn resumed(&self) {}
    fn room(&self) -> Pending<()> {
        Pending::Ready(())
    }
}

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1);
    let folder = folder.map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("veche-store-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = measure(&folder);
    fs::remove_dir_all(&folder)?;
    measured
}

fn measure(folder: &Path) -> io::Result<()> {
    let memory = MemoryBroker::new(Arc::new(Nowhere), Arc::new(SystemClock::default()));
    let in_memory = cpu_of_publications(&memory, "memory")?;
    let disk = open(&folder.join("interval"), Durability::Interval)?;
    let on_disk = cpu_of_publications(&disk, "disk, interval")?;
    say(&format!(
        "  difference: {:.2} µs (the mark is 5)",
        on_disk - in_memory
    ))?;
    close(&disk);
    drop(disk);

    let bare = bare_groups(&folder.join("bare"))?;
    let disk = open(&folder.join("sync"), Durability::Sync)?;
    let synced = publications_in_a_second(&disk);
    close(&disk);
    drop(disk);
    say(&format!(
        "sync, {OUTSTANDING} outstanding: {synced:.0} publications/s; a bare file in groups of {OUTSTANDING}: {bare:.0}/s; \
         ratio {:.2} (the mark is 0.5)",
        synced / bare
    ))?;
    size_of_publications(&folder.join("size"))?;
    start(&folder.join("million"))
}

fn open(path: &Path, durability: Durability) -> io::Result<DiskBroker> {
    let mut options = DiskOptions::new(path);
    options.durability.general = durability;
    let opened = Opened::new(options).map_err(io::Error::other)?;
    let broker = DiskBroker::new(opened, Arc::new(Nowhere), Arc::new(SystemClock::default()));
    wait(broker.start()).map_err(io::Error::other)?;
    Ok(broker)
}

fn close(broker: &DiskBroker) {
    wait(broker.close());
}

fn channels() -> Vec<Channel> {
    let names = (0..CHANNELS).map(|number| format!("prices:{number}").into());
    names.collect()
}

fn publication() -> Publication {
    // Neither an engine nor a disk may find them alike.
    let data: Vec<u8> = (0..DATA).map(|_| fastrand::u8(..)).collect();
    Publication::new(Payload::binary(Bytes::from(data)))
}

fn kept(size: usize) -> PublishOptions {
    PublishOptions {
        retention: Some(Retention {
            size,
            ttl: Duration::from_hours(1),
            meta_ttl: Duration::from_hours(24),
        }),
        ..PublishOptions::default()
    }
}

/// Publishes so many, with a number of them under way.
fn publish(broker: &dyn Broker, count: usize, size: usize) {
    let (channels, options) = (channels(), kept(size));
    let mut under_way: Vec<Wait> = Vec::with_capacity(OUTSTANDING);
    for channel in channels.iter().cycle().take(count) {
        if let Pending::Later(answer) = broker.publish(channel, publication(), &options) {
            under_way.push(Box::pin(async move { drop(answer.await) }));
        }
        if under_way.len() == OUTSTANDING {
            wait_for_all(&mut under_way);
        }
    }
    wait_for_all(&mut under_way);
}

fn cpu_of_publications(broker: &dyn Broker, name: &str) -> io::Result<f64> {
    publish(broker, PUBLICATIONS / 10, KEPT);
    let before = processor_time()?;
    publish(broker, PUBLICATIONS, KEPT);
    let spent = processor_time()?.saturating_sub(before);
    let each = spent.as_secs_f64() * 1e6 / PUBLICATIONS as f64;
    say(&format!(
        "{name}: {each:.2} µs of the processor for a publication with history"
    ))?;
    Ok(each)
}

fn publications_in_a_second(broker: &dyn Broker) -> f64 {
    publish(broker, OUTSTANDING * 20, KEPT);
    let count = OUTSTANDING * 300;
    let began = Instant::now();
    publish(broker, count, KEPT);
    count as f64 / began.elapsed().as_secs_f64()
}

/// What the disk does: groups of entries appended to a file, each followed by a sync.
fn bare_groups(path: &Path) -> io::Result<f64> {
    let mut file = File::create(path)?;
    let groups = 300;
    let began = Instant::now();
    for _ in 0..groups {
        file.write_all(&[7; ENTRY * OUTSTANDING])?;
        file.sync_data()?;
    }
    Ok((groups * OUTSTANDING) as f64 / began.elapsed().as_secs_f64())
}

fn size_of_publications(path: &Path) -> io::Result<()> {
    let broker = open(path, Durability::Interval)?;
    publish(&broker, CHANNELS * 500, 1000);
    close(&broker);
    drop(broker);
    let bytes = allocated(path)?;
    let each = bytes as f64 / (CHANNELS * 500) as f64;
    say(&format!(
        "{} channels with 500 publications of {DATA} bytes: {each:.1} bytes on disk for each (the mark is 200)",
        CHANNELS
    ))
}

/// A store with a million channels, each with a publication, is opened after a clean end, and after a kill.
fn start(path: &Path) -> io::Result<()> {
    let broker = open(path, Durability::Interval)?;
    let options = kept(10);
    for number in 0..MILLION {
        let channel = Channel::from(format!("user:{number}"));
        let answer = broker.publish(&channel, publication(), &options);
        wait(answer).map_err(io::Error::other)?;
    }
    close(&broker);
    drop(broker);
    let bytes = allocated(path)?;
    say(&format!(
        "a million channels with a publication each: {:.0} bytes on disk for each channel",
        bytes as f64 / MILLION as f64
    ))?;
    for name in ["after a clean end", "after an end without a word"] {
        let began = Instant::now();
        let broker = open(path, Durability::Interval)?;
        let opened = began.elapsed();
        let asked = Instant::now();
        let page = wait(broker.history(&"user:777777".into(), &Query::default()));
        let page = page.map_err(io::Error::other)?;
        say(&format!(
            "start with a million channels {name}: {opened:.0?} (the mark is 1 s), the first history {:.0?} later ({} publication)",
            asked.elapsed(),
            page.publications.len()
        ))?;
        // What a start has to read at most: a journal that was not written to the store yet.
        for number in 0..50_000 {
            let channel = Channel::from(format!("user:{}", number * 19 % MILLION));
            wait(broker.publish(&channel, publication(), &options)).map_err(io::Error::other)?;
        }
        drop(broker);
    }
    Ok(())
}

fn allocated(path: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(path)? {
        let found = entry?.metadata()?;
        bytes += std::os::unix::fs::MetadataExt::blocks(&found) * 512;
    }
    Ok(bytes)
}

/// The processor's time of this process, from the system.
fn processor_time() -> io::Result<Duration> {
    // Nanoseconds that each thread has run, as the scheduler counts them.
    let mut nanos = 0;
    for task in fs::read_dir("/proc/self/task")? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        let first = text.split(' ').next().unwrap_or_default();
        nanos += first.parse::<u64>().map_err(io::Error::other)?;
    }
    Ok(Duration::from_nanos(nanos))
}

fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait<T>(pending: Pending<T>) -> T {
    let mut future = match pending {
        Pending::Ready(answer) => return answer,
        Pending::Later(future) => future,
    };
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}

fn wait_for_all(under_way: &mut Vec<Wait>) {
    for answer in under_way.drain(..) {
        wait(Pending::Later(answer));
    }
}
