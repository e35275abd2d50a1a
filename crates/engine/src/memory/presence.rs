//! Who is in a channel of one node.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::{HashMap, HashSet};

use veche_protocol::channel::Channel;
use veche_protocol::identity::{ClientId, ClientInfo, UserId};
use veche_protocol::reply::PresenceStats;

use crate::error::EngineError;
use crate::life::Lifecycle;
use crate::memory::clock::Clock;
use crate::memory::deadlines::Deadlines;
use crate::memory::shards::Shards;
use crate::pending::Pending;
use crate::presence::PresenceManager;

/// A presence manager whose answers are there at once.
///
/// Listing and counting look at every client of the channel.
#[derive(Debug)]
pub struct MemoryPresence {
    clock: Arc<dyn Clock>,
    shards: Shards<Shard>,
}

impl MemoryPresence {
    /// Nobody is anywhere yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            shards: Shards::default(),
        }
    }

    /// Gives back the memory of clients that went without a word. To be called about once a second.
    pub fn sweep(&self) {
        let now = self.clock.now().monotonic;
        for shard in self.shards.iter() {
            while shard.lock().sweep(now) >= SWEEP_SLICE {}
        }
    }
}

impl Lifecycle for MemoryPresence {}

impl PresenceManager for MemoryPresence {
    fn add(
        &self,
        channel: &Channel,
        info: &ClientInfo,
        ttl: Duration,
    ) -> Pending<Result<(), EngineError>> {
        let until = self.clock.now().monotonic.saturating_add(ttl);
        self.shards.lock(channel).add(channel, info, until);
        Pending::Ready(Ok(()))
    }

    fn remove(
        &self,
        channel: &Channel,
        client: ClientId,
        _user: &UserId,
    ) -> Pending<Result<(), EngineError>> {
        self.shards.lock(channel).remove(channel, client);
        Pending::Ready(Ok(()))
    }

    fn presence(&self, channel: &Channel) -> Pending<Result<Vec<ClientInfo>, EngineError>> {
        let now = self.clock.now().monotonic;
        let shard = self.shards.lock(channel);
        let present = shard.present(channel, now);
        Pending::Ready(Ok(present.cloned().collect()))
    }

    fn stats(&self, channel: &Channel) -> Pending<Result<PresenceStats, EngineError>> {
        let now = self.clock.now().monotonic;
        let shard = self.shards.lock(channel);
        let mut users = HashSet::new();
        let mut clients = 0_usize;
        for info in shard.present(channel, now) {
            clients += 1;
            users.insert(&info.user);
        }
        Pending::Ready(Ok(PresenceStats {
            num_clients: u32::try_from(clients).unwrap_or(u32::MAX),
            num_users: u32::try_from(users.len()).unwrap_or(u32::MAX),
        }))
    }
}

/// Who is in some of the channels.
#[derive(Debug, Default)]
struct Shard {
    channels: HashMap<Channel, HashMap<ClientId, Present>>,
    reminders: Deadlines<(Channel, ClientId)>,
}

#[derive(Debug)]
struct Present {
    info: ClientInfo,
    until: Duration,
    /// When the sweep looks at this client next.
    reminder: Duration,
}

impl Shard {
    fn add(&mut self, channel: &Channel, info: &ClientInfo, until: Duration) {
        let client = info.client;
        let clients = self.channels.entry_ref(channel).or_default();
        let reminder = match clients.get(&client).map(|present| present.reminder) {
            Some(reminder) if reminder <= until => reminder,
            Some(reminder) => {
                let key = (channel.clone(), client);
                self.reminders.reschedule(reminder, until, key);
                until
            }
            None => {
                self.reminders.push(until, (channel.clone(), client));
                until
            }
        };
        let info = info.clone();
        let present = Present {
            info,
            until,
            reminder,
        };
        clients.insert(client, present);
    }

    fn remove(&mut self, channel: &Channel, client: ClientId) {
        let Some(clients) = self.channels.get_mut(channel) else {
            return;
        };
        if let Some(present) = clients.remove(&client) {
            let key = (channel.clone(), client);
            self.reminders.remove(present.reminder, key);
        }
        if clients.is_empty() {
            self.channels.remove(channel);
        }
    }

    fn present(&self, channel: &Channel, now: Duration) -> impl Iterator<Item = &ClientInfo> {
        let clients = self.channels.get(channel).into_iter().flatten();
        clients
            .filter(move |(_, present)| now < present.until)
            .map(|(_, present)| &present.info)
    }

    /// Forgets who is over, one slice of them, and says how many it looked at.
    fn sweep(&mut self, now: Duration) -> usize {
        let mut seen = 0;
        while seen < SWEEP_SLICE
            && let Some((_, (channel, client))) = self.reminders.pop_due(now)
        {
            seen += 1;
            let clients = self.channels.get_mut(&channel);
            let Some(present) = clients.and_then(|clients| clients.get_mut(&client)) else {
                continue;
            };
            if present.until <= now {
                self.remove(&channel, client);
            } else {
                present.reminder = present.until;
                self.reminders.push(present.until, (channel, client));
            }
        }
        seen
    }
}

/// Entries that a sweep looks at while it holds a lock.
const SWEEP_SLICE: usize = 256;

#[cfg(test)]
mod tests;
