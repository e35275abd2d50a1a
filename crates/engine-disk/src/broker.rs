//! The broker: channel traffic of one node, whose history survives.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use veche_engine::broker::{Broker, Published};
use veche_engine::error::EngineError;
use veche_engine::life::Lifecycle;
use veche_engine::memory::clock::Clock;
use veche_engine::pending::Pending;
use veche_engine::sink::Sink;
use veche_protocol::channel::Channel;
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::ClientInfo;
use veche_protocol::publication::{Publication, PublishOptions};

use crate::call::{Call, Notice, Publish, answer};
use crate::counters::Stats;
use crate::disk::{Disk, Stop};
use crate::open::{Closing, Opened};
use crate::publish::{Done, keeps_anything};
use crate::shard::{Access, Shard};
use crate::stream::Reading;

/// A broker that keeps history on disk.
///
/// Every publication goes to the sink, wanted or not, under the lock of the channel's shard; the sink must not call the
/// broker back. What is in memory is answered at once. A call for a channel that is not waits for a thread that reads it,
/// and a publication that must be synced first for a thread that syncs.
///
/// When it is dropped without [`close`](Lifecycle::close), everything stays as it is on the disk, as if the process had
/// ended.
#[derive(Debug)]
pub struct DiskBroker {
    pub(crate) disk: Arc<Disk>,
    threads: Mutex<Threads>,
}

#[derive(Debug, Default)]
struct Threads {
    loader: Option<JoinHandle<()>>,
    commits: Option<JoinHandle<()>>,
    store: Option<JoinHandle<()>>,
    closing: Option<Closing>,
}

impl DiskBroker {
    /// A broker on a store that is open. It serves when it is started.
    #[must_use]
    pub fn new(opened: Opened, sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> Self {
        let (disk, closing) = opened.into_disk(sink, clock);
        let threads = Threads {
            closing: Some(closing),
            ..Threads::default()
        };
        Self {
            disk: Arc::new(disk),
            threads: Mutex::new(threads),
        }
    }

    /// How it stands, for metrics.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.disk.stats()
    }

    /// Forgets now what is over, and drops what is too much. It happens by itself every second.
    ///
    /// # Errors
    /// What the store says.
    pub fn sweep(&self) -> Result<(), EngineError> {
        let swept = self.disk.sweep();
        swept.map_err(|error| EngineError::Unavailable(error.to_string().into()))
    }

    /// Writes now to the store what the journal has. It happens by itself as the journal grows.
    ///
    /// # Errors
    /// What does not work.
    pub fn checkpoint(&self) -> Result<(), EngineError> {
        if self.disk.checkpoint() {
            return Ok(());
        }
        let why = self.disk.trouble.health().err();
        Err(EngineError::Unavailable(why.unwrap_or_default()))
    }

    /// Has a call wait for its channel to be read.
    fn wait_for_load<T: Send + 'static>(
        &self,
        shard: &mut Shard,
        channel: &Channel,
        access: Access,
        call: impl FnOnce(crate::call::Answer<T>) -> Call,
    ) -> Pending<Result<T, EngineError>> {
        if access == Access::Cold {
            if self.disk.loads.is_full() {
                let why = "too many calls wait for the store";
                return Pending::Ready(Err(EngineError::Unavailable(why.into())));
            }
            self.disk.load(shard, channel);
        }
        let (give, wait) = answer();
        shard.line_up(channel, call(give));
        wait
    }

    /// Tells something that is not kept, behind what waits.
    fn tell(
        &self,
        channel: &Channel,
        notice: Notice,
        call: impl FnOnce(Notice, crate::call::Answer<()>) -> Call,
    ) -> Pending<Result<(), EngineError>> {
        if let Err(error) = self.disk.is_open() {
            return Pending::Ready(Err(error));
        }
        let mut shard = self.disk.shards.lock(channel);
        if shard.is_busy(channel) && shard.access(channel, false) == Access::Loading {
            let loading = Access::Loading;
            return self.wait_for_load(&mut shard, channel, loading, |give| call(notice, give));
        }
        let done = Done::now((), Some(notice));
        answered(self.disk.settle(&mut shard, channel, done, None))
    }
}

/// What [`Disk::settle`] returns where nobody else gives the answer.
fn answered<T>(
    pending: Option<Pending<Result<T, EngineError>>>,
) -> Pending<Result<T, EngineError>> {
    pending.unwrap_or_else(|| {
        let why = "the answer went to somebody else";
        Pending::Ready(Err(EngineError::Uncertain(why.into())))
    })
}

fn spawn(name: &str, disk: &Arc<Disk>, run: fn(&Disk)) -> io::Result<JoinHandle<()>> {
    let disk = disk.clone();
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || run(&disk))
}

impl Broker for DiskBroker {
    fn subscribe(&self, _channel: &Channel) -> Pending<Result<(), EngineError>> {
        Pending::Ready(self.disk.is_open())
    }

    fn unsubscribe(&self, _channel: &Channel) -> Pending<Result<(), EngineError>> {
        Pending::Ready(self.disk.is_open())
    }

    fn publish(
        &self,
        channel: &Channel,
        publication: Publication,
        options: &PublishOptions,
    ) -> Pending<Result<Published, EngineError>> {
        let disk = &*self.disk;
        if let Err(error) = disk.is_open() {
            return Pending::Ready(Err(error));
        }
        let now = disk.now();
        let mut shard = disk.shards.lock(channel);
        let retention = options.retention.filter(keeps_anything);
        let access = match retention {
            Some(_) => shard.access(channel, options.delta),
            None if shard.is_busy(channel) => shard.access(channel, false),
            None => Access::Ready,
        };
        if access == Access::Loading || (access == Access::Cold && retention.is_some()) {
            let options = options.clone();
            let publish = Box::new(Publish {
                publication,
                options,
            });
            return self.wait_for_load(&mut shard, channel, access, |give| {
                Call::Publish(publish, give)
            });
        }
        let done = match retention {
            Some(retention) => disk.keep(&mut shard, channel, publication, options, retention, now),
            None => Ok(disk.pass(channel, publication, options, now)),
        };
        match done {
            Ok(done) => answered(disk.settle(&mut shard, channel, done, None)),
            Err(error) => Pending::Ready(Err(error)),
        }
    }

    fn publish_join(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>> {
        let again = info.clone();
        self.tell(channel, Notice::Join(info), |_, give| {
            Call::Join(again, give)
        })
    }

    fn publish_leave(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>> {
        let again = info.clone();
        self.tell(channel, Notice::Leave(info), |_, give| {
            Call::Leave(again, give)
        })
    }

    fn history(&self, channel: &Channel, query: &Query) -> Pending<Result<Page, EngineError>> {
        let disk = &*self.disk;
        if let Err(error) = disk.is_open() {
            return Pending::Ready(Err(error));
        }
        let now = disk.now();
        let mut shard = disk.shards.lock(channel);
        let access = shard.access(channel, false);
        if access != Access::Ready {
            let query = query.clone();
            return self.wait_for_load(&mut shard, channel, access, |give| {
                Call::History(query, give)
            });
        }
        match disk.read(&mut shard, channel, query, now) {
            Ok(Reading::Page(page)) => {
                answered(disk.settle(&mut shard, channel, Done::now(page, None), None))
            }
            Ok(partial) => {
                if disk.loads.is_full() {
                    let why = "too many calls wait for the store";
                    return Pending::Ready(Err(EngineError::Unavailable(why.into())));
                }
                let (give, wait) = answer();
                disk.give_page(&mut shard, channel, Ok(partial), give);
                wait
            }
            Err(error) => Pending::Ready(Err(error)),
        }
    }

    fn remove_history(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        let disk = &*self.disk;
        if let Err(error) = disk.is_open() {
            return Pending::Ready(Err(error));
        }
        let mut shard = disk.shards.lock(channel);
        let access = shard.access(channel, false);
        if access != Access::Ready {
            return self.wait_for_load(&mut shard, channel, access, Call::Remove);
        }
        match disk.remove(&mut shard, channel) {
            Ok(done) => answered(disk.settle(&mut shard, channel, done, None)),
            Err(error) => Pending::Ready(Err(error)),
        }
    }
}

impl Lifecycle for DiskBroker {
    fn start(&self) -> Pending<Result<(), EngineError>> {
        let started = self.threads.lock().start(&self.disk);
        let why = |error: io::Error| format!("the system gives no thread: {error}");
        Pending::Ready(started.map_err(|error| EngineError::Unavailable(why(error).into())))
    }

    fn health(&self) -> Result<(), Cow<'static, str>> {
        self.disk.trouble.health()
    }

    fn close(&self) -> Pending<()> {
        self.disk.is_closed.store(true, Ordering::Relaxed);
        let threads = std::mem::take(&mut *self.threads.lock());
        if threads.closing.is_none() {
            return Pending::Ready(());
        }
        let disk = self.disk.clone();
        let (tell, told) = oneshot::channel();
        let ended = thread::Builder::new()
            .name("disk-close".to_owned())
            .spawn(move || {
                threads.end(&disk, Stop::InOrder);
                // Whoever waited may have given up.
                let _ = tell.send(());
            });
        if let Err(error) = ended {
            tracing::warn!(
                "the store is left to the next start: the system gives no thread: {error}"
            );
            return Pending::Ready(());
        }
        Pending::Later(Box::pin(async move {
            // Without an answer the thread has failed, and there is nothing to wait for.
            let _ = told.await;
        }))
    }
}

impl Threads {
    /// Begins those that do not run yet.
    fn start(&mut self, disk: &Arc<Disk>) -> io::Result<()> {
        if self.closing.is_none() || self.loader.is_some() {
            return Ok(());
        }
        self.loader = Some(spawn("disk-load", disk, Disk::run_loader)?);
        self.commits = Some(spawn("disk-sync", disk, Disk::run_commits)?);
        self.store = Some(spawn("disk-store", disk, Disk::run_store)?);
        Ok(())
    }

    /// Ends them one after the other: calls that wait are answered first.
    fn end(self, disk: &Disk, how: Stop) {
        disk.loads.stop();
        join(self.loader);
        disk.commits.stop();
        join(self.commits);
        disk.checkpoints.stop(how);
        join(self.store);
        let is_in_order = how == Stop::InOrder;
        let is_whole = disk.journal.len() == 0 && disk.trouble.health().is_ok();
        if let Some(closing) = self.closing {
            closing.close(is_in_order && is_whole);
        }
    }
}

fn join(thread: Option<JoinHandle<()>>) {
    if thread.is_some_and(|thread| thread.join().is_err()) {
        tracing::error!("a thread of the store has failed");
    }
}

impl Drop for DiskBroker {
    fn drop(&mut self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        if threads.closing.is_some() {
            threads.end(&self.disk, Stop::AtOnce);
        }
    }
}
