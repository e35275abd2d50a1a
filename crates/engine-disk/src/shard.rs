//! The streams of some of the channels, as far as they are in memory.

use std::collections::VecDeque;

use hashbrown::HashMap;
use veche_protocol::channel::Channel;

use crate::call::Call;
use crate::stream::Stream;

/// What some of the channels need, under one lock.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    streams: HashMap<Channel, Stream>,
    /// Channels that are being read, and the calls that wait for it, in their order.
    loading: HashMap<Channel, VecDeque<Call>>,
    /// Channels with deliveries that wait for a sync, and how many; what else is told of them waits behind.
    waiting: HashMap<Channel, usize>,
    /// Channels whose streams the store does not have as they are.
    dirty: Vec<Channel>,
    /// All streams, for the cache to go through.
    ring: VecDeque<Channel>,
    /// About how much memory the streams take, in bytes.
    weight: usize,
}

/// How a channel can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It is in memory.
    Ready,
    /// It is being read; calls wait in [`Shard::line_up`].
    Loading,
    /// It is to be read.
    Cold,
}

impl Shard {
    /// Whether anything of the channel waits, so that a call must wait behind. Costs nothing where nothing waits.
    pub(crate) fn is_busy(&self, channel: &Channel) -> bool {
        (!self.loading.is_empty() && self.loading.contains_key(channel)) || self.is_waiting(channel)
    }

    /// Whether a delivery of the channel waits for a sync.
    pub(crate) fn is_waiting(&self, channel: &Channel) -> bool {
        !self.waiting.is_empty() && self.waiting.contains_key(channel)
    }

    /// How the channel can be used; with `needs_last` its last publication must be there too.
    pub(crate) fn access(&self, channel: &Channel, needs_last: bool) -> Access {
        if !self.loading.is_empty() && self.loading.contains_key(channel) {
            return Access::Loading;
        }
        match self.streams.get(channel) {
            Some(stream) if !(needs_last && stream.misses_last()) => Access::Ready,
            _ => Access::Cold,
        }
    }

    /// The channel is being read from now on.
    pub(crate) fn begin_loading(&mut self, channel: &Channel) {
        self.loading.insert(channel.clone(), VecDeque::new());
    }

    /// Puts a call behind those that wait for the channel to be read.
    pub(crate) fn line_up(&mut self, channel: &Channel, call: Call) {
        if let Some(calls) = self.loading.get_mut(channel) {
            calls.push_back(call);
        }
    }

    /// The calls that wait for the channel, in their order.
    pub(crate) fn loading_calls(&self, channel: &Channel) -> impl Iterator<Item = &Call> {
        self.loading.get(channel).into_iter().flatten()
    }

    /// The channel has been read: takes the next of the calls that waited for it. With the last one the channel can be
    /// used by others, and its stream can leave memory.
    pub(crate) fn next_call(&mut self, channel: &Channel) -> Option<Call> {
        let call = self.loading.get_mut(channel)?.pop_front();
        if call.is_none() {
            self.loading.remove(channel);
        }
        call
    }

    /// One more thing of the channel waits for a sync.
    pub(crate) fn wait(&mut self, channel: &Channel) {
        *self.waiting.entry_ref(channel).or_default() += 1;
    }

    /// One of them waits no more.
    pub(crate) fn end_wait(&mut self, channel: &Channel) {
        if let Some(count) = self.waiting.get_mut(channel) {
            *count -= 1;
            if *count == 0 {
                self.waiting.remove(channel);
            }
        }
    }

    pub(crate) fn stream(&self, channel: &Channel) -> Option<&Stream> {
        self.streams.get(channel)
    }

    /// Changes a stream, and counts what it takes in memory.
    pub(crate) fn change<T>(
        &mut self,
        channel: &Channel,
        change: impl FnOnce(&mut Stream) -> T,
    ) -> Option<T> {
        let stream = self.streams.get_mut(channel)?;
        let (before, was_dirty) = (stream.weight(), stream.is_dirty);
        stream.was_used = true;
        let result = change(stream);
        self.weight = (self.weight + stream.weight()).saturating_sub(before);
        if stream.is_dirty && !was_dirty {
            self.dirty.push(channel.clone());
        }
        Some(result)
    }

    /// Takes a stream into memory, unless there is one.
    pub(crate) fn insert(&mut self, channel: &Channel, stream: Stream) {
        if self.streams.contains_key(channel) {
            return;
        }
        self.weight += stream.weight() + channel.as_str().len();
        if stream.is_dirty {
            self.dirty.push(channel.clone());
        }
        self.streams.insert(channel.clone(), stream);
        self.ring.push_back(channel.clone());
        // Streams that were forgotten have left their places behind.
        if self.ring.len() > 2 * self.streams.len() + LOOKS {
            self.ring = self.streams.keys().cloned().collect();
        }
    }

    /// Forgets a stream.
    pub(crate) fn remove(&mut self, channel: &Channel) {
        if let Some(stream) = self.streams.remove(channel) {
            let weight = stream.weight() + channel.as_str().len();
            self.weight = self.weight.saturating_sub(weight);
        }
    }

    /// Takes the channels whose streams the store does not have as they are.
    pub(crate) fn take_dirty(&mut self) -> Vec<Channel> {
        std::mem::take(&mut self.dirty)
    }

    /// All channels in memory.
    pub(crate) fn channels(&self) -> Vec<Channel> {
        self.streams.keys().cloned().collect()
    }

    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    /// Lets go of what was not used lately until no more than `budget` is taken. What the store does not have stays, and
    /// what is being read; at most [`LOOKS`] streams are looked at in one call.
    pub(crate) fn evict(&mut self, budget: usize) {
        for _ in 0..LOOKS.min(self.ring.len() * 2) {
            if self.weight <= budget {
                return;
            }
            let Some(channel) = self.ring.pop_front() else {
                return;
            };
            let Some(stream) = self.streams.get_mut(&channel) else {
                continue;
            };
            // The calls that wait for it must find it.
            let is_loading = self.loading.contains_key(&channel);
            if std::mem::take(&mut stream.was_used) || stream.is_storing || is_loading {
                self.ring.push_back(channel);
                continue;
            }
            if stream.is_dirty {
                let before = stream.weight();
                stream.let_go();
                self.weight = (self.weight + stream.weight()).saturating_sub(before);
                self.ring.push_back(channel);
                continue;
            }
            self.remove(&channel);
        }
    }
}

/// Streams that the cache looks at for one call that made it too large.
const LOOKS: usize = 64;
