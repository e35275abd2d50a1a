//! The task of a client: carries out what the machine says, and decides nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::sleep_until;
use veche_channel::Message;

use super::clock::{Clock, millis};
use super::outcome::{Outcome, Published};
use super::reading::Reading;
use super::storing::{Report, Storing};
use super::tokens::Tokens;
use super::transport::{News, Transport};
use crate::data::Data;
use crate::machine::{
    Answer, Draft, Event, Machine, Output, PublicationId, Request, RequestId, Stored,
    SubscribeError, SubscribeOptions, SubscriptionEvent, SubscriptionId, TokenError, TokenId,
    TokenRequest,
};
use crate::position::Position;
use crate::state::{PublishError, RequestError, State};

/// What a handle asks of the task.
pub(super) enum Command {
    Subscribe {
        channel: String,
        options: SubscribeOptions,
        tokens: Option<Tokens>,
        reply: oneshot::Sender<Result<Declared, SubscribeError>>,
    },
    Publish {
        draft: Draft,
        queued: oneshot::Sender<Result<(), PublishError>>,
        reply: oneshot::Sender<Result<Published, PublishError>>,
    },
    Request {
        request: Request,
        timeout: Duration,
        reply: oneshot::Sender<Result<Answer, RequestError>>,
    },
    Hint,
    Close,
}

/// A declared subscription, as its reader gets it. The machine bounds what is in the channel.
type Declared = (mpsc::UnboundedReceiver<SubscriptionEvent>, Arc<Reading>);

/// Where the task tells what everybody may know.
pub(super) struct Senders {
    pub(super) state: watch::Sender<State>,
    pub(super) transitions: broadcast::Sender<State>,
    pub(super) unconfirmed: watch::Sender<usize>,
    pub(super) messages: broadcast::Sender<Data>,
    pub(super) outcomes: broadcast::Sender<Outcome>,
}

pub(super) struct Driver {
    machine: Machine,
    clock: Clock,
    transport: Transport,
    storing: Option<Storing>,
    tokens: Option<Tokens>,
    asking: JoinSet<(TokenId, Result<String, TokenError>)>,
    senders: Senders,
    readers: HashMap<SubscriptionId, Reader>,
    requests: HashMap<RequestId, oneshot::Sender<Result<Answer, RequestError>>>,
    waiting: HashMap<PublicationId, PublishWaiter>,
    /// Readers wake the task by it.
    wake: Arc<Notify>,
}

struct Reader {
    channel: String,
    events: mpsc::UnboundedSender<SubscriptionEvent>,
    reading: Arc<Reading>,
    tokens: Option<Tokens>,
}

/// Who waits for a publication.
struct PublishWaiter {
    queued: Option<oneshot::Sender<Result<(), PublishError>>>,
    reply: oneshot::Sender<Result<Published, PublishError>>,
}

impl Driver {
    pub(super) fn new(
        machine: Machine,
        clock: Clock,
        transport: Transport,
        storing: Option<Storing>,
        tokens: Option<Tokens>,
        senders: Senders,
    ) -> Self {
        Self {
            machine,
            clock,
            transport,
            storing,
            tokens,
            asking: JoinSet::new(),
            senders,
            readers: HashMap::new(),
            requests: HashMap::new(),
            waiting: HashMap::new(),
            wake: Arc::new(Notify::new()),
        }
    }

    /// Runs until the client has ended.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        self.machine.start(self.clock.now());
        loop {
            self.carry_out();
            if matches!(self.machine.state(), State::Ended(_)) {
                break;
            }
            self.step(&mut commands).await;
        }
        self.asking.shutdown().await;
        self.transport.closed().await;
        if let Some(storing) = self.storing {
            storing.finish().await;
        }
        // Handles take the end of this receiver for the end of the task.
        drop(commands);
    }

    /// Waits for something to happen, and tells the machine.
    async fn step(&mut self, commands: &mut mpsc::Receiver<Command>) {
        let due = self.machine.poll_timeout();
        let due = due.map(|due| self.clock.instant(due));
        tokio::select! {
            command = commands.recv() => match command {
                Some(command) => self.obey(command),
                None => self.machine.close(self.clock.now()),
            },
            news = self.transport.next() => self.take_news(news),
            Some(asked) = self.asking.join_next() => {
                // One that panicked is late, and is asked again.
                if let Ok((id, token)) = asked {
                    self.machine.handle_token(id, token, self.clock.now());
                }
            }
            report = report(&mut self.storing) => self.take_report(&report),
            () = self.wake.notified() => self.take_reading(),
            () = wait(due) => {
                if let Some(link) = self.transport.heard() {
                    self.machine.handle_heard(link, self.clock.now());
                }
                self.machine.handle_timeout(self.clock.now());
            }
        }
    }

    fn obey(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Subscribe {
                channel,
                options,
                tokens,
                reply,
            } => {
                let declared = self.machine.subscribe(channel.clone(), options, now);
                let declared = declared.map(|id| self.add_reader(id, channel, tokens));
                // Whoever gave up meanwhile has dropped the receiver, which ends the subscription.
                if reply.send(declared).is_err() {
                    self.wake.notify_one();
                }
            }
            Command::Publish {
                draft,
                queued,
                reply,
            } => match self.machine.publish(draft, now) {
                Ok(id) => {
                    let queued = Some(queued);
                    self.waiting.insert(id, PublishWaiter { queued, reply });
                }
                Err(error) => {
                    queued.send(Err(error)).ok();
                }
            },
            Command::Request {
                request,
                timeout,
                reply,
            } => match self.machine.request(request, millis(timeout), now) {
                Ok(id) => {
                    self.requests.insert(id, reply);
                }
                Err(error) => {
                    reply.send(Err(error)).ok();
                }
            },
            Command::Hint => self.machine.handle_hint(now),
            Command::Close => self.machine.close(now),
        }
    }

    fn add_reader(
        &mut self,
        id: SubscriptionId,
        channel: String,
        tokens: Option<Tokens>,
    ) -> Declared {
        let (events, receiver) = mpsc::unbounded_channel();
        let (most_events, most_bytes) = self.machine.unread_limit();
        let report_from = ((most_events / 4).max(1), (most_bytes / 4).max(1));
        let reading = Arc::new(Reading::new(report_from, Arc::clone(&self.wake)));
        let reader = Reader {
            channel,
            events,
            reading: Arc::clone(&reading),
            tokens,
        };
        self.readers.insert(id, reader);
        (receiver, reading)
    }

    fn take_news(&mut self, news: News) {
        let now = self.clock.now();
        match news {
            News::Opened(link) => self.machine.handle_opened(link, now),
            News::Failed(link, failure) => {
                self.machine.handle_connect_failed(link, failure, now);
            }
            News::Message(link, Message::Text(text)) => {
                self.machine.handle_text(link, &text, now);
            }
            News::Message(link, Message::Binary(bytes)) => {
                self.machine.handle_binary(link, bytes, now);
            }
            News::Closed(link, end) => self.machine.handle_closed(link, end, now),
        }
    }

    fn take_report(&mut self, report: &Report) {
        let now = self.clock.now();
        match &report.error {
            None => self.machine.handle_stored(report.count, now),
            Some(error) => self.machine.handle_not_stored(report.count, error, now),
        }
    }

    /// Readers have read, or have gone.
    fn take_reading(&mut self) {
        let now = self.clock.now();
        let machine = &mut self.machine;
        self.readers.retain(|id, reader| {
            if reader.events.is_closed() {
                machine.unsubscribe(*id, now);
                return false;
            }
            let (events, bytes) = reader.reading.report();
            if events > 0 {
                machine.handle_read(*id, events, bytes, now);
            }
            true
        });
    }

    /// Does all that the machine says.
    fn carry_out(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Connect(link) => self.transport.connect(link),
                Output::Send(link, frame) => self.transport.send(link, frame),
                Output::Close { code, reason, .. } => self.transport.close(code, reason),
                Output::AskToken { id, request } => self.ask_token(id, request),
                Output::Store(change) => {
                    if let Some(storing) = &self.storing {
                        storing.store(change);
                    }
                }
                Output::Event(event) => self.tell(event),
            }
        }
        let unconfirmed = self.machine.unconfirmed();
        self.senders
            .unconfirmed
            .send_if_modified(|before| std::mem::replace(before, unconfirmed) != unconfirmed);
    }

    fn ask_token(&mut self, id: TokenId, request: TokenRequest) {
        let tokens = match &request.channel {
            None => self.tokens.as_ref(),
            Some(channel) => {
                let mut readers = self.readers.values();
                let reader = readers.find(|reader| reader.channel == *channel);
                reader.and_then(|reader| reader.tokens.as_ref())
            }
        };
        if let Some(tokens) = tokens {
            let token = tokens(request);
            self.asking.spawn(async move { (id, token.await) });
        }
    }

    fn tell(&mut self, event: Event) {
        match event {
            Event::State(state) => {
                self.senders.transitions.send(state.clone()).ok();
                self.senders.state.send_replace(state);
            }
            Event::Subscription(id, event) => {
                let is_end = matches!(event, SubscriptionEvent::Ended(_));
                if let Some(reader) = self.readers.get(&id) {
                    // A reader that has gone is noticed when the task is woken for it.
                    reader.events.send(event).ok();
                }
                if is_end {
                    self.readers.remove(&id);
                }
            }
            Event::Answer(id, answer) => {
                if let Some(reply) = self.requests.remove(&id) {
                    reply.send(answer).ok();
                }
            }
            Event::Queued(id) => {
                let waiting = self.waiting.get_mut(&id);
                if let Some(queued) = waiting.and_then(|waiting| waiting.queued.take()) {
                    queued.send(Ok(())).ok();
                }
            }
            Event::Published(stored, result) => self.tell_published(*stored, result),
            Event::Message(data) => {
                self.senders.messages.send(data).ok();
            }
        }
    }

    fn tell_published(&mut self, stored: Stored, result: Result<Option<Position>, PublishError>) {
        let result = result.map(|position| Published { position });
        let Some(waiting) = self.waiting.remove(&stored.id) else {
            return self.tell_outcome(stored, result);
        };
        if let (Some(queued), Err(error)) = (waiting.queued, &result) {
            // It has not even been stored.
            queued.send(Err(error.clone())).ok();
        } else if let Err(result) = waiting.reply.send(result) {
            self.tell_outcome(stored, result);
        }
    }

    fn tell_outcome(&mut self, stored: Stored, result: Result<Published, PublishError>) {
        let outcome = Outcome {
            channel: stored.channel,
            event: stored.event,
            key: stored.key,
            data: stored.data,
            result,
        };
        self.senders.outcomes.send(outcome).ok();
    }
}

async fn report(storing: &mut Option<Storing>) -> Report {
    match storing {
        Some(storing) => storing.report().await,
        None => std::future::pending().await,
    }
}

async fn wait(due: Option<tokio::time::Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
