//! The engine, in memory or on disk, under watch: each answer is compared with the book, deliveries are lost when the test wants it,
//! and requests can take their time.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use veche_engine::broker::{Broker, Published};
use veche_engine::error::EngineError;
use veche_engine::life::Lifecycle;
use veche_engine::memory::broker::MemoryBroker;
use veche_engine::memory::clock::{Clock, ManualClock};
use veche_engine::pending::Pending;
use veche_engine::sink::{Delivery, Sink};
use veche_engine_disk::broker::DiskBroker;
use veche_engine_disk::open::{DiskOptions, Opened};
use veche_protocol::channel::Channel;
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::ClientInfo;
use veche_protocol::publication::{Publication, PublishOptions};

use crate::book::{Book, Entry, Loss, Verdict};

/// The engine. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    inner: Arc<Inner>,
}

struct Inner {
    book: Arc<Mutex<Book>>,
    clock: Arc<ManualClock>,
    sink: Arc<dyn Sink>,
    broker: Mutex<Kept>,
    /// Where the engine on disk is.
    folder: Option<Folder>,
    /// Requests under way, where they take their time.
    jobs: Mutex<Vec<Job>>,
    is_slow: bool,
}

/// What the engine is.
#[derive(Clone)]
enum Kept {
    Memory(Arc<MemoryBroker>),
    /// `None` for the moment in which its process is not there.
    Disk(Option<Arc<DiskBroker>>),
}

impl Kept {
    fn broker(&self) -> Arc<dyn Broker> {
        match self {
            Self::Memory(broker) => broker.clone(),
            Self::Disk(broker) => broker.clone().expect("it is open"),
        }
    }
}

/// A folder that goes with the engine.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("veche-recovery-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn open(&self, sink: Arc<dyn Sink>, clock: Arc<ManualClock>) -> Kept {
        let opened = Opened::new(DiskOptions::new(&self.0)).expect("the store opens");
        let broker = DiskBroker::new(opened, sink, clock);
        ready(broker.start()).expect("the engine starts");
        Kept::Disk(Some(Arc::new(broker)))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

type Job = Box<dyn FnOnce() -> Option<Later> + Send>;
struct Later(Job);

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an engine with {} requests", self.jobs.lock().len())
    }
}

impl Watched {
    pub(crate) fn new(
        sink: Arc<dyn Sink>,
        book: Arc<Mutex<Book>>,
        clock: Arc<ManualClock>,
        is_slow: bool,
        is_durable: bool,
    ) -> Self {
        let sink: Arc<dyn Sink> = Arc::new(Lossy {
            book: book.clone(),
            sink,
        });
        let folder = is_durable.then(Folder::new);
        let broker = match &folder {
            Some(folder) => folder.open(sink.clone(), clock.clone()),
            None => Kept::Memory(Arc::new(MemoryBroker::new(sink.clone(), clock.clone()))),
        };
        let broker = Mutex::new(broker);
        Self {
            inner: Arc::new(Inner {
                book,
                clock,
                sink,
                broker,
                folder,
                jobs: Mutex::default(),
                is_slow,
            }),
        }
    }

    /// Takes the next step of one of the requests under way. Returns whether there was one.
    pub(crate) fn step(&self, which: usize) -> bool {
        let job = {
            let mut jobs = self.inner.jobs.lock();
            if jobs.is_empty() {
                return false;
            }
            let at = which % jobs.len();
            jobs.remove(at)
        };
        if let Some(Later(job)) = job() {
            self.inner.jobs.lock().push(job);
        }
        true
    }

    /// The engine's process ends, without a word, and begins anew. In memory everything is forgotten; on disk nothing is.
    pub(crate) fn restart(&self) {
        let inner = &self.inner;
        if let Some(folder) = &inner.folder {
            inner.book.lock().restart_on_disk();
            let mut broker = inner.broker.lock();
            drop(std::mem::replace(&mut *broker, Kept::Disk(None)));
            *broker = folder.open(inner.sink.clone(), inner.clock.clone());
            return;
        }
        let now = inner.clock.now().monotonic;
        inner.book.lock().restart(now);
        let fresh = MemoryBroker::new(inner.sink.clone(), inner.clock.clone());
        *inner.broker.lock() = Kept::Memory(Arc::new(fresh));
    }

    /// Gives back what has expired.
    pub(crate) fn sweep(&self) {
        let broker = self.inner.broker.lock().clone();
        match broker {
            Kept::Memory(broker) => broker.sweep(),
            Kept::Disk(broker) => {
                let broker = broker.expect("it is open");
                broker.sweep().expect("the store is well");
            }
        }
    }

    pub(crate) fn sink(&self) -> &Arc<dyn Sink> {
        &self.inner.sink
    }

    /// Acts now, or when the test lets it; then answers, which the test lets happen too.
    fn perform<T: Send + 'static>(
        &self,
        can_fail: bool,
        act: impl FnOnce(&Self) -> Result<T, EngineError> + Send + 'static,
    ) -> Pending<Result<T, EngineError>> {
        let act = move |engine: &Self| {
            if can_fail {
                let mut book = engine.inner.book.lock();
                if book.failing > 0 {
                    book.failing -= 1;
                    book.failed += 1;
                    return Err(EngineError::Unavailable("the test wants it".into()));
                }
            }
            act(engine)
        };
        if !self.inner.is_slow {
            return Pending::Ready(act(self));
        }
        let (tell, told) = oneshot::channel();
        let engine = self.clone();
        let job: Job = Box::new(move || {
            let answer = act(&engine);
            Some(Later(Box::new(move || {
                // Whoever asked may have gone.
                let _ = tell.send(answer);
                None
            })))
        });
        self.inner.jobs.lock().push(job);
        Pending::Later(Box::pin(async move {
            told.await
                .unwrap_or(Err(EngineError::Unavailable("the test wants it".into())))
        }))
    }

    fn publish_now(
        &self,
        channel: &Channel,
        publication: Publication,
        options: &PublishOptions,
    ) -> Result<Published, EngineError> {
        let inner = &self.inner;
        let (now, name) = (inner.clock.now().monotonic, channel.as_str());
        let verdict = (inner.book.lock()).publish(name, &publication, options, now);
        let broker = inner.broker.lock().broker();
        let published = ready(broker.publish(channel, publication, options))?;
        let position = &published.position;
        if position.offset > 0 && !published.suppressed {
            inner.book.lock().named(name, position.epoch.as_str());
        }
        let found = match published.suppressed {
            false => Verdict::New(position.offset),
            true => Verdict::Repeated(position.offset, position.epoch.as_str().to_owned()),
        };
        match (&verdict, &found) {
            // The book may not have heard the epoch yet.
            (Verdict::Repeated(a, epoch), Verdict::Repeated(b, _)) if epoch.is_empty() => {
                assert_eq!(a, b);
            }
            _ => assert_eq!(verdict, found, "a publish in {name}"),
        }
        Ok(published)
    }

    fn history_now(&self, channel: &Channel, query: &Query) -> Result<Page, EngineError> {
        let inner = &self.inner;
        let (now, name) = (inner.clock.now().monotonic, channel.as_str());
        let (offsets, top) = inner.book.lock().read(name, query, now);
        let broker = inner.broker.lock().broker();
        let page = ready(broker.history(channel, query))?;
        let found: Vec<_> = page.publications.iter().map(|it| it.offset).collect();
        assert_eq!((found, page.position.offset), (offsets, top), "{query:?}");
        (inner.book.lock()).named(name, page.position.epoch.as_str());
        Ok(page)
    }
}

impl Lifecycle for Watched {}

impl Broker for Watched {
    fn subscribe(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        let channel = channel.as_str().to_owned();
        self.perform(true, move |engine| {
            engine.inner.book.lock().wanted.insert(channel);
            Ok(())
        })
    }

    fn unsubscribe(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        let channel = channel.as_str().to_owned();
        self.perform(false, move |engine| {
            engine.inner.book.lock().wanted.remove(&channel);
            Ok(())
        })
    }

    fn publish(
        &self,
        channel: &Channel,
        publication: Publication,
        options: &PublishOptions,
    ) -> Pending<Result<Published, EngineError>> {
        let (channel, options) = (channel.clone(), options.clone());
        self.perform(true, move |engine| {
            engine.publish_now(&channel, publication, &options)
        })
    }

    fn publish_join(
        &self,
        _channel: &Channel,
        _info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>> {
        Pending::Ready(Ok(()))
    }

    fn publish_leave(
        &self,
        _channel: &Channel,
        _info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>> {
        Pending::Ready(Ok(()))
    }

    fn history(&self, channel: &Channel, query: &Query) -> Pending<Result<Page, EngineError>> {
        let (channel, query) = (channel.clone(), query.clone());
        self.perform(true, move |engine| engine.history_now(&channel, &query))
    }

    fn remove_history(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        let channel = channel.clone();
        self.perform(false, move |engine| {
            let now = engine.inner.clock.now().monotonic;
            engine.inner.book.lock().forget(channel.as_str(), now);
            let broker = engine.inner.broker.lock().broker();
            ready(broker.remove_history(&channel))
        })
    }
}

/// The answer of an engine: of the one in memory at once, of the one on disk when it has read what it needs.
fn ready<T>(pending: Pending<T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
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

/// What lies between the engine and the node: it loses what the test wants lost, and everything of channels that the
/// node has not asked for.
#[derive(Debug)]
struct Lossy {
    book: Arc<Mutex<Book>>,
    sink: Arc<dyn Sink>,
}

impl Sink for Lossy {
    fn publication(&self, channel: &Channel, delivery: Delivery) {
        let publication = &delivery.publication;
        let entry = Entry {
            offset: publication.offset,
            data: publication.data.bytes().to_vec(),
            is_json: publication.data.is_json(),
            tag: publication.tag("k").map(str::to_owned),
            version: publication.version,
            is_by_client: publication.info.is_some(),
        };
        let epoch = delivery.epoch.as_str();
        let loss = (self.book.lock()).deliver(channel.as_str(), epoch, entry);
        match loss {
            None => self.sink.publication(channel, delivery),
            Some(Loss::Told) => self.sink.gap(channel),
            Some(Loss::Silent) => {}
        }
    }

    fn join(&self, _channel: &Channel, _info: Arc<ClientInfo>) {}

    fn leave(&self, _channel: &Channel, _info: Arc<ClientInfo>) {}

    fn gap(&self, channel: &Channel) {
        self.book.lock().trouble(channel.as_str());
        self.sink.gap(channel);
    }

    fn resumed(&self) {
        self.book.lock().trouble_all();
        self.sink.resumed();
    }

    fn room(&self) -> Pending<()> {
        self.sink.room()
    }
}
