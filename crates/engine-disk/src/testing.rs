//! What tests of a store need: a folder, an engine in it, waiting, and the past.

use std::fs;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use bytes::Bytes;
use veche_engine::broker::{Broker, Published};
use veche_engine::conformance::recorder::Recorder;
use veche_engine::error::EngineError;
use veche_engine::life::Lifecycle;
use veche_engine::memory::clock::ManualClock;
use veche_protocol::channel::Channel;
use veche_protocol::history::{Page, Query};
use veche_protocol::payload::Payload;
use veche_protocol::publication::{Publication, PublishOptions, Retention};

use crate::broker::DiskBroker;
use crate::durability::Durability;
use crate::files::Files;
use crate::open::{DiskOptions, Opened};

/// A folder that goes when it is dropped.
#[derive(Debug)]
pub(crate) struct TestFolder(PathBuf);

impl TestFolder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("veche-disk-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder for temporary files");
        Self(path)
    }

    /// Where the store is.
    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    /// A copy of the store as it is now: what a process finds that starts after this one was killed.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new();
        fs::create_dir_all(copy.store()).expect("a new folder");
        for entry in fs::read_dir(self.store()).expect("the store is there") {
            let from = entry.expect("readable").path();
            let name = from.file_name().expect("a file has a name");
            match fs::copy(&from, copy.store().join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
                _ => {}
            }
        }
        copy
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        // What stays does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An engine in a folder, and what is around it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) broker: Arc<DiskBroker>,
    pub(crate) sink: Arc<Recorder>,
    pub(crate) clock: Arc<ManualClock>,
}

/// When the clocks of tests begin.
pub(crate) const START_MS: i64 = 1_700_000_000_000;

impl World {
    pub(crate) fn open(folder: &TestFolder) -> Self {
        Self::with(options(folder, Durability::Interval), None)
    }

    pub(crate) fn with(options: DiskOptions, files: Option<Arc<dyn Files>>) -> Self {
        let opened = match files {
            Some(files) => Opened::with_files(options, files, "a run"),
            None => Opened::new(options),
        };
        Self::at(opened.expect("the store opens"), START_MS)
    }

    pub(crate) fn at(opened: Opened, unix_ms: i64) -> Self {
        let clock = Arc::new(ManualClock::at(unix_ms));
        let sink = Arc::new(Recorder::default());
        let broker = DiskBroker::new(opened, sink.clone(), clock.clone());
        block_on(broker.start().wait()).expect("the engine starts");
        Self {
            broker: Arc::new(broker),
            sink,
            clock,
        }
    }

    pub(crate) fn try_publish(
        &self,
        channel: &str,
        data: &str,
        options: &PublishOptions,
    ) -> Result<Published, EngineError> {
        let publication = publication(data);
        block_on((self.broker.publish(&channel.into(), publication, options)).wait())
    }

    pub(crate) fn publish(&self, channel: &str, data: &str) -> Published {
        let published = self.try_publish(channel, data, &kept(100));
        published.expect("the engine is up")
    }

    pub(crate) fn read(&self, channel: &str) -> Page {
        let query = Query {
            meta_ttl: Duration::from_hours(1),
            ..Query::default()
        };
        let channel = Channel::new(channel);
        block_on(self.broker.history(&channel, &query).wait()).expect("readable")
    }

    /// Offset and data of all that is kept.
    pub(crate) fn kept(&self, channel: &str) -> Vec<(u64, String)> {
        let page = self.read(channel);
        let publications = page.publications.iter().map(|it| {
            let data = String::from_utf8_lossy(it.data.bytes());
            (it.offset, data.into_owned())
        });
        publications.collect()
    }

    pub(crate) fn close(self) {
        block_on(self.broker.close().wait());
    }
}

pub(crate) fn options(folder: &TestFolder, durability: Durability) -> DiskOptions {
    let mut options = DiskOptions::new(folder.store());
    options.durability.general = durability;
    options
}

pub(crate) fn publication(data: &str) -> Publication {
    Publication::new(Payload::detect(Bytes::copy_from_slice(data.as_bytes())))
}

/// Keeps so many publications for an hour.
pub(crate) fn kept(size: usize) -> PublishOptions {
    PublishOptions {
        retention: Some(Retention {
            size,
            ttl: Duration::from_hours(1),
            meta_ttl: Duration::from_hours(24),
        }),
        ..PublishOptions::default()
    }
}

/// Runs a future to its end on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = Box::pin(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park_timeout(Duration::from_secs(30)),
        }
    }
}
