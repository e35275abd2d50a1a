//! A node for tests: each worker has a port of its own, and the first line of a connection is its upgrade.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Runtime;
use veche_engine::broker::{Broker, Published};
use veche_engine::error::EngineError;
use veche_engine::life::Lifecycle;
use veche_engine::memory::broker::MemoryBroker;
use veche_engine::memory::clock::SystemClock;
use veche_engine::memory::presence::MemoryPresence;
use veche_engine::pending::Pending;
use veche_engine::sink::Sink;
use veche_node::authority::{Authority, Caller};
use veche_node::connection::{Conversation, Opening};
use veche_node::link::handover::Handover;
use veche_node::listener::{Listener, Role};
use veche_node::node::{Engine, Node, NodeConfig, Surroundings};
use veche_node::reception::{Decision, Reception};
use veche_protocol::batch::Encoding;
use veche_protocol::channel::Channel;
use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims, TokenError};
use veche_protocol::headers::Headers;
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::{ClientInfo, UserId};
use veche_protocol::payload::Payload;
use veche_protocol::publication::{Publication, PublishOptions, Retention};
use veche_session::application::{ProxyName, RpcRequest, Verdict};
use veche_session::rules::{ChannelOptions, ChannelPattern, Rules};

/// In which every channel is looked at once: so often that no test is too short for it.
pub(crate) const CHECK_DELAY: Duration = Duration::from_millis(50);

/// A node, and the runtime beside it.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) node: Arc<Node>,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) runtime: Arc<Runtime>,
    /// Calls of the application are answered as soon as it has a permit.
    pub(crate) gate: Arc<tokio::sync::Semaphore>,
    /// Where the engine delivers.
    pub(crate) sink: Arc<dyn Sink>,
}

impl Server {
    /// A node of two workers.
    pub(crate) fn start() -> Self {
        Self::start_with(two_workers(), |broker| Arc::new(broker))
    }

    /// A node of so many workers.
    pub(crate) fn start_of(workers: usize) -> Self {
        let config = NodeConfig {
            workers,
            ..NodeConfig::default()
        };
        Self::start_with(config, |broker| Arc::new(broker))
    }

    /// A node of so many workers whose engine answers later.
    pub(crate) fn start_later_of(workers: usize) -> Self {
        let config = NodeConfig {
            workers,
            ..NodeConfig::default()
        };
        Self::start_with(config, |broker| Arc::new(LaterBroker(Arc::new(broker))))
    }

    pub(crate) fn start_with(
        config: NodeConfig,
        broker: impl FnOnce(MemoryBroker) -> Arc<dyn Broker>,
    ) -> Self {
        Self::start_on(config, rules(), |sink| in_memory(sink, broker))
    }

    /// A node whose sessions ask this authority.
    pub(crate) fn start_asking(
        config: NodeConfig,
        rules: Rules,
        authority: Arc<dyn Authority>,
    ) -> Self {
        let engine = |sink| in_memory(sink, |broker| Arc::new(broker));
        Self::start_beside(config, rules, Some(authority), engine)
    }

    pub(crate) fn start_on(
        config: NodeConfig,
        rules: Rules,
        engine: impl FnOnce(Arc<dyn Sink>) -> Engine,
    ) -> Self {
        Self::start_beside(config, rules, None, engine)
    }

    fn start_beside(
        config: NodeConfig,
        rules: Rules,
        authority: Option<Arc<dyn Authority>>,
        engine: impl FnOnce(Arc<dyn Sink>) -> Engine,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let listeners: Vec<_> = (0..config.workers).map(|_| listener()).collect();
        let addresses = listeners
            .iter()
            .map(|listener| listener.local_addr().expect("it is bound"))
            .collect();
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        let surroundings = Surroundings {
            authority: authority.unwrap_or_else(|| Arc::new(Application(gate.clone()))),
            reception: Arc::new(FirstLine),
            control: runtime.handle().clone(),
            listeners: listeners
                .into_iter()
                .map(|socket| {
                    let role = Role::OUTSIDE;
                    vec![Listener { socket, role }]
                })
                .collect(),
        };
        let mut delivers_to = None;
        let engine = |sink: Arc<dyn Sink>| {
            delivers_to = Some(sink.clone());
            engine(sink)
        };
        let node = Node::start(config, rules, surroundings, engine).expect("threads and sockets");
        Self {
            node,
            addresses,
            runtime: Arc::new(runtime),
            gate,
            sink: delivers_to.expect("the engine was built"),
        }
    }

    /// Publishes JSON.
    pub(crate) fn publish(&self, channel: &str, data: &str) {
        self.publish_at(channel, data, 0);
    }

    /// Publishes JSON as of a time, in milliseconds of Unix time; 0 is now.
    pub(crate) fn publish_at(&self, channel: &str, data: &str, time_ms: i64) {
        let payload = Payload::json(Bytes::copy_from_slice(data.as_bytes()));
        let options = PublishOptions::default();
        let mut publication = Publication::new(payload);
        publication.time_ms = time_ms;
        let published = self.node.publish(channel, publication, options, false);
        self.runtime
            .block_on(published)
            .expect("the channel exists");
    }
}

impl Server {
    /// Publishes the same JSON in several channels at once.
    pub(crate) fn broadcast(&self, channels: &'static [&str], data: &str) {
        let calls: Vec<_> = channels
            .iter()
            .map(|channel| {
                let node = self.node.clone();
                let payload = Payload::json(Bytes::copy_from_slice(data.as_bytes()));
                let publication = Publication::new(payload);
                self.runtime.spawn(async move {
                    let options = PublishOptions::default();
                    node.publish(channel, publication, options, false).await
                })
            })
            .collect();
        for call in calls {
            let published = self.runtime.block_on(call).expect("it ran");
            published.expect("the channel exists");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whoever waits for the application must not keep the node from ending.
        self.gate.close();
        self.node.stop();
    }
}

fn in_memory(sink: Arc<dyn Sink>, broker: impl FnOnce(MemoryBroker) -> Arc<dyn Broker>) -> Engine {
    let clock = Arc::new(SystemClock::default());
    Engine {
        broker: broker(MemoryBroker::new(sink, clock.clone())),
        presence: Arc::new(MemoryPresence::new(clock)),
        controller: None,
    }
}

pub(crate) fn two_workers() -> NodeConfig {
    NodeConfig {
        workers: 2,
        ..NodeConfig::default()
    }
}

fn listener() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("it is a socket");
    listener
}

/// Anonymous clients may do everything; `boom:` has a pattern that panics.
pub(crate) fn rules() -> Rules {
    let options = ChannelOptions {
        retention: Some(Retention {
            size: 100_000,
            ttl: Duration::from_secs(600),
            meta_ttl: Duration::from_secs(600),
        }),
        history_meta_ttl: Duration::from_secs(600),
        force_recovery: true,
        allow_subscribe_for_client: true,
        allow_subscribe_for_anonymous: true,
        allow_publish_for_client: true,
        allow_publish_for_anonymous: true,
        ..ChannelOptions::default()
    };
    let boom = ChannelOptions {
        namespace: "boom".into(),
        channel_regex: Some(ChannelPattern {
            text: "boom".into(),
            is_match: Arc::new(|_| panic!("a fault of ours, for a test")),
        }),
        ..options.clone()
    };
    let mut rules = Rules::default();
    rules.client.allow_anonymous_connect_without_token = true;
    rules.client.ping_interval = None;
    rules.client.position_check_delay = CHECK_DELAY;
    rules.client.recovery_max_publication_limit = 0;
    rules.rpc.without_namespace = Some(ProxyName::from("default"));
    rules.channel.without_namespace = Arc::new(options);
    rules
        .channel
        .namespaces
        .insert("boom".into(), Arc::new(boom));
    rules
}

/// The first line is the upgrade: `hello`, and who it is if somebody; `plain`, for the plain dialect; or `cookie`, and
/// one that is kept.
#[derive(Debug)]
struct FirstLine;

impl Reception for FirstLine {
    fn receive(&self, received: &[u8], _role: Role) -> Decision {
        let Some(end) = received.iter().position(|byte| *byte == b'\n') else {
            return Decision::Incomplete;
        };
        let line = received.get(..end).unwrap_or_default();
        let conversation = if line == b"plain" {
            Conversation::Plain { token: None }
        } else {
            Conversation::Centrifuge {
                encoding: Encoding::Json,
            }
        };
        Decision::Open {
            opening: Box::new(Opening {
                answer: b"welcome\n".to_vec(),
                user: line
                    .strip_prefix(b"hello ")
                    .and_then(|user| std::str::from_utf8(user).ok())
                    .map(UserId::new),
                headers: line
                    .strip_prefix(b"cookie ")
                    .and_then(|cookie| std::str::from_utf8(cookie).ok())
                    .and_then(|cookie| Headers::new(&["Cookie"], [("Cookie", cookie)])),
                ..Opening::websocket(conversation)
            }),
            consumed: end + 1,
        }
    }

    fn pass_on(&self, _handover: Handover) {
        unreachable!("nothing is passed on");
    }
}

/// An application whose tokens are the names of their users, and whose calls wait at a gate.
#[derive(Debug)]
struct Application(Arc<tokio::sync::Semaphore>);

impl Authority for Application {
    fn connection_token(
        &self,
        _caller: &Caller<'_>,
        token: &str,
        _now: i64,
    ) -> Pending<Result<Box<ConnectionClaims>, TokenError>> {
        Pending::Ready(Ok(Box::new(ConnectionClaims {
            user: UserId::new(token),
            ..ConnectionClaims::default()
        })))
    }

    fn subscription_token(
        &self,
        _caller: &Caller<'_>,
        _token: &str,
        _now: i64,
    ) -> Pending<Result<Box<SubscriptionClaims>, TokenError>> {
        Pending::Ready(Err(TokenError::Expired("no token is accepted here".into())))
    }

    fn rpc(&self, _caller: &Caller<'_>, request: RpcRequest) -> Pending<Verdict<Option<Payload>>> {
        let gate = self.0.clone();
        Pending::Later(Box::pin(async move {
            let _permit = gate.acquire().await;
            Ok(request.data)
        }))
    }
}

/// An engine that answers later than it acts.
#[derive(Debug)]
struct LaterBroker(Arc<MemoryBroker>);

fn later<T: Send + 'static>(
    broker: &Arc<MemoryBroker>,
    act: impl FnOnce(&MemoryBroker) -> Pending<T> + Send + 'static,
) -> Pending<T> {
    let answer = act(broker);
    Pending::Later(Box::pin(async move {
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        answer.wait().await
    }))
}

impl Lifecycle for LaterBroker {}

impl Broker for LaterBroker {
    fn subscribe(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        let channel = channel.clone();
        later(&self.0, move |broker| broker.subscribe(&channel))
    }

    fn unsubscribe(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        let channel = channel.clone();
        later(&self.0, move |broker| broker.unsubscribe(&channel))
    }

    fn publish(
        &self,
        channel: &Channel,
        publication: Publication,
        options: &PublishOptions,
    ) -> Pending<Result<Published, EngineError>> {
        let (channel, options) = (channel.clone(), options.clone());
        later(&self.0, move |broker| {
            broker.publish(&channel, publication, &options)
        })
    }

    fn publish_join(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>> {
        self.0.publish_join(channel, info)
    }

    fn publish_leave(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>> {
        self.0.publish_leave(channel, info)
    }

    fn history(&self, channel: &Channel, query: &Query) -> Pending<Result<Page, EngineError>> {
        let (channel, query) = (channel.clone(), query.clone());
        later(&self.0, move |broker| broker.history(&channel, &query))
    }

    fn remove_history(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        self.0.remove_history(channel)
    }
}
