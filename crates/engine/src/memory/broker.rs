//! Channel traffic within one node.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use veche_protocol::channel::Channel;
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::ClientInfo;
use veche_protocol::position::{Epoch, StreamPosition};
use veche_protocol::publication::{Publication, PublishOptions, Retention};

use crate::broker::{Broker, Published};
use crate::error::EngineError;
use crate::life::Lifecycle;
use crate::memory::clock::{Clock, Now};
use crate::memory::deadlines::Deadlines;
use crate::memory::idempotency::{Idempotency, KeyHash};
use crate::memory::shards::Shards;
use crate::memory::stream::Stream;
use crate::pending::Pending;
use crate::sink::{Delivery, Sink};

/// A broker whose answers are there at once.
///
/// Every publication goes to the sink, wanted or not: the node knows who wants it. The sink is called under the lock
/// of the channel's shard, so publications of a channel come one at a time and in order, whoever publishes; the sink
/// must not call the broker back.
#[derive(Debug)]
pub struct MemoryBroker {
    sink: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
    shards: Shards<Shard>,
}

impl MemoryBroker {
    /// A broker that knows no channel yet.
    #[must_use]
    pub fn new(sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> Self {
        Self {
            sink,
            clock,
            shards: Shards::default(),
        }
    }

    /// Gives back the memory of what has expired. To be called about once a second.
    ///
    /// A lock is held for a few hundred entries at a time, so publishers wait microseconds.
    pub fn sweep(&self) {
        let now = self.clock.now().monotonic;
        for shard in self.shards.iter() {
            while shard.lock().sweep(now) >= SWEEP_SLICE {}
        }
    }
}

impl Lifecycle for MemoryBroker {}

impl Broker for MemoryBroker {
    fn subscribe(&self, _channel: &Channel) -> Pending<Result<(), EngineError>> {
        Pending::Ready(Ok(()))
    }

    fn unsubscribe(&self, _channel: &Channel) -> Pending<Result<(), EngineError>> {
        Pending::Ready(Ok(()))
    }

    fn publish(
        &self,
        channel: &Channel,
        publication: Publication,
        options: &PublishOptions,
    ) -> Pending<Result<Published, EngineError>> {
        let now = self.clock.now();
        let key = options.idempotency_key.as_ref();
        let key = key.map(|key| KeyHash::new(channel, key));
        let mut shard = self.shards.lock(channel);
        let outcome = shard.publish(channel, publication, options, key, now);
        let published = match outcome {
            Outcome::Delivered(delivery) => {
                let position =
                    StreamPosition::new(delivery.publication.offset, delivery.epoch.clone());
                self.sink.publication(channel, delivery);
                Published {
                    position,
                    suppressed: false,
                }
            }
            Outcome::Suppressed(position) => Published {
                position,
                suppressed: true,
            },
        };
        Pending::Ready(Ok(published))
    }

    fn publish_join(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>> {
        let _turn = self.shards.lock(channel);
        self.sink.join(channel, info);
        Pending::Ready(Ok(()))
    }

    fn publish_leave(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>> {
        let _turn = self.shards.lock(channel);
        self.sink.leave(channel, info);
        Pending::Ready(Ok(()))
    }

    fn history(&self, channel: &Channel, query: &Query) -> Pending<Result<Page, EngineError>> {
        let now = self.clock.now().monotonic;
        let mut shard = self.shards.lock(channel);
        Pending::Ready(shard.on_stream(channel, now, |stream| {
            stream.touch(query.meta_ttl, now);
            stream.read(query)
        }))
    }

    fn remove_history(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        if let Some(stream) = self.shards.lock(channel).streams.get_mut(channel) {
            stream.clear();
        }
        Pending::Ready(Ok(()))
    }
}

/// What some of the channels need to be remembered.
#[derive(Debug, Default)]
struct Shard {
    streams: HashMap<Channel, Stream>,
    reminders: Deadlines<Channel>,
    idempotency: Idempotency,
}

/// What became of a publish.
enum Outcome {
    Delivered(Delivery),
    Suppressed(StreamPosition),
}

impl Shard {
    fn publish(
        &mut self,
        channel: &Channel,
        mut publication: Publication,
        options: &PublishOptions,
        key: Option<KeyHash>,
        now: Now,
    ) -> Outcome {
        if let Some(key) = key
            && let Some(position) = self.idempotency.answer(key, now.monotonic)
        {
            return Outcome::Suppressed(position);
        }
        if publication.time_ms == 0 {
            publication.time_ms = now.unix_ms;
        }
        if options.version > 0 {
            publication.version = options.version;
        }
        let outcome = match options.retention.filter(keeps_anything) {
            Some(retention) => self.keep(channel, publication, options, retention, now.monotonic),
            None => Outcome::Delivered(unkept(publication, options.delta)),
        };
        if let Outcome::Delivered(delivery) = &outcome
            && let Some(key) = key
        {
            let position = StreamPosition::new(delivery.publication.offset, delivery.epoch.clone());
            self.idempotency.remember(key, position, now.monotonic);
        }
        outcome
    }

    fn keep(
        &mut self,
        channel: &Channel,
        publication: Publication,
        options: &PublishOptions,
        retention: Retention,
        now: Duration,
    ) -> Outcome {
        self.on_stream(channel, now, |stream| {
            stream.touch(retention.meta_ttl, now);
            if stream.has_seen(options.version, &options.version_epoch) {
                return Outcome::Suppressed(stream.position());
            }
            let previous = stream.last().filter(|_| options.delta).cloned();
            let publication = stream.add(publication, &options.version_epoch, retention, now);
            Outcome::Delivered(Delivery {
                publication,
                epoch: stream.position().epoch,
                previous,
                delta: options.delta,
            })
        })
    }

    /// Does something with a channel's stream as it is now, and has the sweep look at it in time.
    fn on_stream<T>(
        &mut self,
        channel: &Channel,
        now: Duration,
        action: impl FnOnce(&mut Stream) -> T,
    ) -> T {
        let stream = self
            .streams
            .entry_ref(channel)
            .or_insert_with(|| Stream::new(now));
        if stream.expire(now) {
            let reminder = stream.reminder;
            *stream = Stream::new(now);
            stream.reminder = reminder;
        }
        let result = action(stream);
        let deadline = stream.deadline();
        let reminder = stream.reminder;
        if reminder.is_zero() {
            stream.reminder = deadline;
            self.reminders.push(deadline, channel.clone());
        } else if deadline < reminder {
            stream.reminder = deadline;
            self.reminders
                .reschedule(reminder, deadline, channel.clone());
        }
        result
    }

    /// Forgets what expired, one slice of it, and says how much it looked at.
    fn sweep(&mut self, now: Duration) -> usize {
        let mut seen = self.idempotency.sweep(now, SWEEP_SLICE);
        while seen < SWEEP_SLICE
            && let Some((_, channel)) = self.reminders.pop_due(now)
        {
            seen += 1;
            let Some(stream) = self.streams.get_mut(&channel) else {
                continue;
            };
            if stream.expire(now) {
                self.streams.remove(&channel);
            } else {
                stream.reminder = stream.deadline();
                self.reminders.push(stream.reminder, channel);
            }
        }
        if seen < SWEEP_SLICE && self.streams.capacity() > 4 * self.streams.len().max(64) {
            self.streams.shrink_to(2 * self.streams.len());
        }
        seen
    }
}

/// Whether a retention keeps a publication for any time at all.
fn keeps_anything(retention: &Retention) -> bool {
    retention.size > 0 && !retention.ttl.is_zero()
}

fn unkept(publication: Publication, delta: bool) -> Delivery {
    Delivery {
        publication: Arc::new(publication),
        epoch: Epoch::default(),
        previous: None,
        delta,
    }
}

/// Entries that a sweep looks at while it holds a lock.
const SWEEP_SLICE: usize = 256;

#[cfg(test)]
mod tests;
