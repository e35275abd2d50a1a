//! An engine that keeps the contract in the least convenient way, step by step.
//!
//! Each step carries out one call, gives one answer or makes one delivery. Calls for one channel take effect in their
//! order; beyond that any order is possible: answers come late and out of order, deliveries come late and twice, calls
//! fail with and without effect. Who calls [`Late::step`] decides, so a failure can be had again.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use veche_protocol::channel::Channel;
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::{ClientId, ClientInfo, UserId};
use veche_protocol::publication::{Publication, PublishOptions};
use veche_protocol::reply::PresenceStats;

use crate::broker::{Broker, Published};
use crate::error::EngineError;
use crate::life::Lifecycle;
use crate::memory::broker::MemoryBroker;
use crate::memory::clock::Clock;
use crate::memory::presence::MemoryPresence;
use crate::pending::Pending;
use crate::presence::PresenceManager;
use crate::sink::{Delivery, Sink};

mod answer;

use answer::answer;

/// An engine in memory that takes its time.
pub struct Late {
    sink: Arc<dyn Sink>,
    broker: OnceLock<MemoryBroker>,
    presence: MemoryPresence,
    state: Mutex<State>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// One call in so many fails; 0 for none. Half of those take effect all the same.
    pub failing: u32,
    /// One delivery in so many comes twice; 0 for none.
    pub doubled: u32,
}

/// What a call did when its turn came. Calls without effect are not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The channel is delivered to the node.
    Subscribed,
    /// The channel is not delivered any more.
    Unsubscribed,
    /// A client was added to presence, or kept there.
    Added(ClientId),
    /// A client was removed from presence.
    Removed(ClientId),
    /// A join was told.
    Joined(ClientId),
    /// A leave was told.
    Left(ClientId),
    /// A publication, a read or a removal of history.
    Other,
}

type Job = Box<dyn FnOnce() + Send>;
type Call = Box<dyn FnOnce(Outcome) -> Job + Send>;

/// What is to become of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    /// It has no effect.
    Unavailable,
    /// It has its effect, and nobody learns of it.
    Uncertain,
}

#[derive(Default)]
struct State {
    calls: Lanes<(Effect, Call)>,
    presence_calls: Lanes<(Effect, Call)>,
    deliveries: Lanes<Job>,
    answers: Vec<Job>,
    faults: Faults,
    random: u64,
    effects: Vec<(Channel, Effect)>,
    is_closed: bool,
    closing: Vec<Waker>,
}

/// Queues by channel.
struct Lanes<T>(Vec<(Channel, VecDeque<T>)>);

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Lanes<T> {
    fn push(&mut self, channel: &Channel, item: T) {
        match self.0.iter_mut().find(|(name, _)| name == channel) {
            Some((_, queue)) => queue.push_back(item),
            None => self.0.push((channel.clone(), VecDeque::from([item]))),
        }
    }

    /// Takes the first of one of the channels.
    fn take(&mut self, which: usize) -> Option<(Channel, T)> {
        let (channel, queue) = self.0.get_mut(which)?;
        let item = queue.pop_front()?;
        let channel = channel.clone();
        if queue.is_empty() {
            self.0.swap_remove(which);
        }
        Some((channel, item))
    }

    /// Channels that have something.
    fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Late").finish_non_exhaustive()
    }
}

impl Late {
    /// An engine that delivers to `sink`, with the time of `clock`.
    #[must_use]
    pub fn new(sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let late = Arc::new(Self {
            sink,
            broker: OnceLock::new(),
            presence: MemoryPresence::new(clock.clone()),
            state: Mutex::default(),
        });
        let deliveries = Arc::new(Deliveries(Arc::downgrade(&late)));
        late.broker
            .get_or_init(|| MemoryBroker::new(deliveries, clock));
        late
    }

    /// From now on things go wrong, as the seed has it.
    pub fn set_faults(&self, faults: Faults, seed: u64) {
        let mut state = self.state.lock();
        state.faults = faults;
        state.random = seed | 1;
    }

    /// Takes one step, of those that are possible: carries out a call, gives an answer, or delivers. Returns whether
    /// there was one.
    pub fn step(&self, which: usize) -> bool {
        // Asked outside the lock: the sink may have locks of its own.
        let has_room = matches!(self.sink.room(), Pending::Ready(()));
        let mut state = self.state.lock();
        let (calls, presence_calls) = (state.calls.len(), state.presence_calls.len());
        let answers = state.answers.len();
        let deliveries = if has_room { state.deliveries.len() } else { 0 };
        let possible = calls + presence_calls + answers + deliveries;
        if possible == 0 {
            return false;
        }
        let at = which % possible;
        if at < calls {
            let call = state.calls.take(at);
            self.carry_out(state, call);
        } else if at < calls + presence_calls {
            let call = state.presence_calls.take(at - calls);
            self.carry_out(state, call);
        } else {
            let at = at - calls - presence_calls;
            let job = if at < answers {
                Some(state.answers.swap_remove(at))
            } else {
                state.deliveries.take(at - answers).map(|(_, job)| job)
            };
            drop(state);
            if let Some(job) = job {
                job();
            }
        }
        self.wake_if_done();
        true
    }

    fn carry_out(&self, mut state: MutexGuard<'_, State>, call: Option<(Channel, (Effect, Call))>) {
        let Some((channel, (effect, call))) = call else {
            return;
        };
        let outcome = state.outcome();
        if outcome != Outcome::Unavailable {
            state.effects.push((channel, effect));
        }
        // What the call publishes is queued under the same lock.
        drop(state);
        let answer = call(outcome);
        self.state.lock().answers.push(answer);
    }

    /// What calls did until now, in the order in which they did it.
    #[must_use]
    pub fn effects(&self) -> Vec<(Channel, Effect)> {
        self.state.lock().effects.clone()
    }

    /// Who is present in a channel now, whatever is still to be carried out.
    #[must_use]
    pub fn present(&self, channel: &Channel) -> Vec<ClientId> {
        match self.presence.presence(channel) {
            Pending::Ready(Ok(clients)) => clients.into_iter().map(|info| info.client).collect(),
            _ => Vec::new(),
        }
    }

    fn broker(&self) -> &MemoryBroker {
        self.broker.get().expect("it is made with the engine")
    }

    fn call<T: Send + 'static>(
        self: Arc<Self>,
        lanes: fn(&mut State) -> &mut Lanes<(Effect, Call)>,
        channel: &Channel,
        effect: Effect,
        act: impl FnOnce(&Self) -> Pending<Result<T, EngineError>> + Send + 'static,
    ) -> Pending<Result<T, EngineError>> {
        let (tell, told) = answer();
        let late = self.clone();
        let call: Call = Box::new(move |outcome| {
            let result = match outcome {
                Outcome::Unavailable => Err(EngineError::Unavailable("as the test has it".into())),
                Outcome::Done => at_once(act(&late)),
                Outcome::Uncertain => {
                    drop(at_once(act(&late)));
                    Err(EngineError::Uncertain("as the test has it".into()))
                }
            };
            Box::new(move || tell.send(result))
        });
        let mut state = self.state.lock();
        if state.is_closed {
            return Pending::Ready(Err(EngineError::Unavailable("it is closed".into())));
        }
        lanes(&mut state).push(channel, (effect, call));
        drop(state);
        Pending::Later(told)
    }

    /// Whether everything that was asked for is done, answered and delivered.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let state = self.state.lock();
        state.calls.len() + state.presence_calls.len() + state.deliveries.len() == 0
            && state.answers.is_empty()
    }

    fn wake_if_done(&self) {
        if self.is_done() {
            for waker in std::mem::take(&mut self.state.lock().closing) {
                waker.wake();
            }
        }
    }
}

impl State {
    fn calls(&mut self) -> &mut Lanes<(Effect, Call)> {
        &mut self.calls
    }

    fn presence_calls(&mut self) -> &mut Lanes<(Effect, Call)> {
        &mut self.presence_calls
    }

    fn chance(&mut self, one_in: u32) -> bool {
        // xorshift64: the same sequence for the same seed, everywhere.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        one_in > 0 && self.random.is_multiple_of(u64::from(one_in))
    }

    fn outcome(&mut self) -> Outcome {
        let failing = self.faults.failing;
        if !self.chance(failing) {
            Outcome::Done
        } else if self.chance(2) {
            Outcome::Unavailable
        } else {
            Outcome::Uncertain
        }
    }
}

fn at_once<T>(pending: Pending<T>) -> T {
    match pending {
        Pending::Ready(answer) => answer,
        Pending::Later(_) => unreachable!("the engine in memory answers at once"),
    }
}

/// Where the engine in memory delivers: into the queues, some things twice.
#[derive(Debug)]
struct Deliveries(Weak<Late>);

impl Deliveries {
    fn push(
        &self,
        channel: &Channel,
        deliver: impl Fn(&dyn Sink, &Channel) + Send + Sync + 'static,
    ) {
        let Some(late) = self.0.upgrade() else { return };
        let deliver = Arc::new(deliver);
        let mut state = late.state.lock();
        let doubled = state.faults.doubled;
        let times = if state.chance(doubled) { 2 } else { 1 };
        for _ in 0..times {
            let (sink, name, deliver) = (late.sink.clone(), channel.clone(), deliver.clone());
            let job: Job = Box::new(move || deliver(&*sink, &name));
            state.deliveries.push(channel, job);
        }
    }
}

impl Sink for Deliveries {
    fn publication(&self, channel: &Channel, delivery: Delivery) {
        self.push(channel, move |sink, channel| {
            sink.publication(channel, delivery.clone());
        });
    }

    fn join(&self, channel: &Channel, info: Arc<ClientInfo>) {
        self.push(channel, move |sink, channel| {
            sink.join(channel, info.clone())
        });
    }

    fn leave(&self, channel: &Channel, info: Arc<ClientInfo>) {
        self.push(channel, move |sink, channel| {
            sink.leave(channel, info.clone())
        });
    }

    fn gap(&self, channel: &Channel) {
        self.push(channel, |sink, channel| sink.gap(channel));
    }

    fn resumed(&self) {}

    fn room(&self) -> Pending<()> {
        Pending::Ready(())
    }
}

/// The engine as its owner hands it out: calls keep it alive until they are carried out.
#[derive(Clone, Debug)]
pub struct Handle(pub Arc<Late>);

impl Lifecycle for Handle {
    fn close(&self) -> Pending<()> {
        let late = self.0.clone();
        Pending::Later(Box::pin(std::future::poll_fn(move |context| {
            if late.is_done() {
                late.state.lock().is_closed = true;
                return Poll::Ready(());
            }
            late.state.lock().closing.push(context.waker().clone());
            Poll::Pending
        })))
    }
}

impl Broker for Handle {
    fn subscribe(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        let name = channel.clone();
        self.broker_call(channel, Effect::Subscribed, move |it| it.subscribe(&name))
    }

    fn unsubscribe(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        let name = channel.clone();
        self.broker_call(channel, Effect::Unsubscribed, move |it| {
            it.unsubscribe(&name)
        })
    }

    fn publish(
        &self,
        channel: &Channel,
        publication: Publication,
        options: &PublishOptions,
    ) -> Pending<Result<Published, EngineError>> {
        let (name, options) = (channel.clone(), options.clone());
        self.broker_call(channel, Effect::Other, move |it| {
            it.publish(&name, publication, &options)
        })
    }

    fn publish_join(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>> {
        let name = channel.clone();
        self.broker_call(channel, Effect::Joined(info.client), move |it| {
            it.publish_join(&name, info)
        })
    }

    fn publish_leave(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>> {
        let name = channel.clone();
        self.broker_call(channel, Effect::Left(info.client), move |it| {
            it.publish_leave(&name, info)
        })
    }

    fn history(&self, channel: &Channel, query: &Query) -> Pending<Result<Page, EngineError>> {
        let (name, query) = (channel.clone(), query.clone());
        self.broker_call(channel, Effect::Other, move |it| it.history(&name, &query))
    }

    fn remove_history(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        let name = channel.clone();
        self.broker_call(channel, Effect::Other, move |it| it.remove_history(&name))
    }
}

impl PresenceManager for Handle {
    fn add(
        &self,
        channel: &Channel,
        info: &ClientInfo,
        ttl: Duration,
    ) -> Pending<Result<(), EngineError>> {
        let (name, info) = (channel.clone(), info.clone());
        self.presence_call(channel, Effect::Added(info.client), move |it| {
            it.add(&name, &info, ttl)
        })
    }

    fn remove(
        &self,
        channel: &Channel,
        client: ClientId,
        user: &UserId,
    ) -> Pending<Result<(), EngineError>> {
        let (name, user) = (channel.clone(), user.clone());
        self.presence_call(channel, Effect::Removed(client), move |it| {
            it.remove(&name, client, &user)
        })
    }

    fn presence(&self, channel: &Channel) -> Pending<Result<Vec<ClientInfo>, EngineError>> {
        let name = channel.clone();
        self.presence_call(channel, Effect::Other, move |it| it.presence(&name))
    }

    fn stats(&self, channel: &Channel) -> Pending<Result<PresenceStats, EngineError>> {
        let name = channel.clone();
        self.presence_call(channel, Effect::Other, move |it| it.stats(&name))
    }
}

impl Handle {
    fn broker_call<T: Send + 'static>(
        &self,
        channel: &Channel,
        effect: Effect,
        act: impl FnOnce(&MemoryBroker) -> Pending<Result<T, EngineError>> + Send + 'static,
    ) -> Pending<Result<T, EngineError>> {
        let late = self.0.clone();
        late.call(State::calls, channel, effect, |it| act(it.broker()))
    }

    fn presence_call<T: Send + 'static>(
        &self,
        channel: &Channel,
        effect: Effect,
        act: impl FnOnce(&MemoryPresence) -> Pending<Result<T, EngineError>> + Send + 'static,
    ) -> Pending<Result<T, EngineError>> {
        let late = self.0.clone();
        late.call(State::presence_calls, channel, effect, |it| {
            act(&it.presence)
        })
    }
}

#[cfg(test)]
mod tests;
