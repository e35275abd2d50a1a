//! What backends can ask of a node: the methods behind the server API.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use veche_engine::broker::Published;
use veche_engine::control::Addressees;
use veche_protocol::channel::Channel;
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::ClientInfo;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_protocol::reply::PresenceStats;
use veche_session::order::Order;
use veche_session::permission;
use veche_session::question::Failure;
use veche_session::refusal::Refusal;
use veche_session::rule::Silent;
use veche_session::rules::ChannelOptions;

use crate::inbox::Item;
use crate::inquiry::Inquiry;
use crate::node::{Node, sum};

/// How much a node has.
#[derive(Clone, Debug, Default)]
pub struct NodeInfo {
    /// Connected clients.
    pub clients: usize,
    /// Distinct users.
    pub users: usize,
    /// Subscriptions.
    pub subscriptions: usize,
    /// Channels that somebody wants.
    pub channels: usize,
}

impl Node {
    /// Publishes, after waiting while the node is congested. The channel's options decide what is kept, unless
    /// `skip_history`.
    ///
    /// # Errors
    /// 102 where the namespace does not exist, 107 where the data has the wrong format, 111 where the node is congested
    /// for longer than [`NodeConfig::publish_timeout`](crate::node::NodeConfig::publish_timeout), 100 where the engine
    /// fails.
    pub async fn publish(
        &self,
        channel: &str,
        publication: Publication,
        mut options: PublishOptions,
        skip_history: bool,
    ) -> Result<Published, CommandError> {
        {
            let rules = self.rules();
            let resolved = rules
                .resolve(channel)
                .ok_or_else(|| unknown_channel(channel))?;
            permission::has_format(&resolved, Some(&publication.data), &mut Silent)
                .map_err(Refusal::into_error)?;
            options.retention = resolved.options.retention.filter(|_| !skip_history);
            options.delta |= resolved.options.delta_publish;
        }
        self.wait_for_room().await?;
        let published = self
            .engine()
            .broker
            .publish(&Channel::new(channel), publication, &options);
        published
            .wait()
            .await
            .map_err(|error| internal(self.failure(error)))
    }

    /// Waits while the workers are behind with what they have to deliver.
    async fn wait_for_room(&self) -> Result<(), CommandError> {
        if !self.is_congested() {
            return Ok(());
        }
        let limit = self.config().publish_timeout;
        let eased = tokio::time::timeout(limit, self.eased()).await;
        eased.map_err(|_| {
            let why = "the workers are too far behind with deliveries to take another one";
            CommandError::because(ErrorCode::TOO_MANY_REQUESTS, why)
        })
    }

    /// Who is in a channel.
    ///
    /// # Errors
    /// 102, 108 where the channel keeps no presence, 100.
    pub async fn presence(&self, channel: &str) -> Result<Vec<ClientInfo>, CommandError> {
        self.keeps(channel, "presence", |options| options.presence)?;
        let presence = self.engine().presence.presence(&Channel::new(channel));
        presence
            .wait()
            .await
            .map_err(|error| internal(self.failure(error)))
    }

    /// How many are in a channel.
    ///
    /// # Errors
    /// 102, 108 where the channel keeps no presence, 100.
    pub async fn presence_stats(&self, channel: &str) -> Result<PresenceStats, CommandError> {
        self.keeps(channel, "presence", |options| options.presence)?;
        let stats = self.engine().presence.stats(&Channel::new(channel));
        stats
            .wait()
            .await
            .map_err(|error| internal(self.failure(error)))
    }

    /// What was published in a channel.
    ///
    /// # Errors
    /// 102, 108 where the channel keeps no history, 112 where the position is of another epoch, 100.
    pub async fn history(&self, channel: &str, mut query: Query) -> Result<Page, CommandError> {
        let options = self.keeps(channel, "history", |options| options.retention.is_some())?;
        query.meta_ttl = options.history_meta_ttl;
        let page = self.engine().broker.history(&Channel::new(channel), &query);
        page.wait()
            .await
            .map_err(|error| internal(self.failure(error)))
    }

    /// Forgets what was published in a channel.
    ///
    /// # Errors
    /// 102, 108 where the channel keeps no history, 100.
    pub async fn remove_history(&self, channel: &str) -> Result<(), CommandError> {
        self.keeps(channel, "history", |options| options.retention.is_some())?;
        let removed = self.engine().broker.remove_history(&Channel::new(channel));
        removed
            .wait()
            .await
            .map_err(|error| internal(self.failure(error)))
    }

    /// Makes sessions do something, on all nodes. Returns how many there were on this one.
    ///
    /// # Errors
    /// 102 where the order names a channel whose namespace does not exist, 100 where other nodes can't be reached; then
    /// nothing is done here either.
    pub async fn order(&self, addressees: Addressees, order: Order) -> Result<usize, CommandError> {
        if let Order::Unsubscribe {
            channel: Some(channel),
            ..
        }
        | Order::Subscribe { channel, .. } = &order
            && self.rules().resolve(channel.as_str()).is_none()
        {
            return Err(unknown_channel(channel.as_str()));
        }
        self.order_others(&addressees, &order).await?;
        let mut answers = self.send_order(&addressees, &order);
        let mut count = 0;
        while let Some(here) = answers.recv().await {
            count += here;
        }
        Ok(count)
    }

    /// Gives an order to all workers; each says how many it reached, to whoever wants to know.
    pub(crate) fn send_order(
        &self,
        addressees: &Addressees,
        order: &Order,
    ) -> mpsc::UnboundedReceiver<usize> {
        let (done, answers) = mpsc::unbounded_channel();
        let addressees = Arc::new(addressees.clone());
        for inbox in self.inboxes() {
            inbox.push(Item::Order {
                addressees: addressees.clone(),
                order: order.clone(),
                done: done.clone(),
            });
        }
        answers
    }

    /// How much this node has. The numbers are kept as clients come and go, so this costs the same for any number.
    #[must_use]
    pub fn info(&self) -> NodeInfo {
        let counters = self.all_counters();
        NodeInfo {
            clients: sum(counters, |counters| &counters.clients),
            users: self.user_count(),
            subscriptions: sum(counters, |counters| &counters.subscriptions),
            channels: self.channel_count(),
        }
    }

    /// Whether each worker takes its inbox within `limit`.
    ///
    /// Call it on a tokio runtime with a timer.
    pub async fn is_alive(&self, limit: Duration) -> bool {
        let signs = tokio::time::timeout(limit, self.inquire(Inquiry::SignOfLife));
        signs
            .await
            .is_ok_and(|signs| signs.len() == self.inboxes().len())
    }

    /// Whether the node does its work: each worker takes its inbox within `limit`, and all parts of the engine are well.
    ///
    /// Call it on a tokio runtime with a timer.
    ///
    /// # Errors
    /// What does not work, in words for the operator.
    pub async fn check_health(&self, limit: Duration) -> Result<(), String> {
        if let Some((part, why)) = self.engine().trouble() {
            return Err(format!("the {part} of the engine does not work: {why}"));
        }
        if self.is_alive(limit).await {
            return Ok(());
        }
        Err("a worker does not answer".to_owned())
    }

    /// Asks all workers, and gathers their answers.
    pub(crate) async fn inquire<T>(
        &self,
        inquiry: impl Fn(mpsc::UnboundedSender<T>) -> Inquiry,
    ) -> Vec<T> {
        let (reply, mut answers) = mpsc::unbounded_channel();
        for inbox in self.inboxes() {
            inbox.push(Item::Inquiry(inquiry(reply.clone())));
        }
        drop(reply);
        let mut all = Vec::new();
        while let Some(answer) = answers.recv().await {
            all.push(answer);
        }
        all
    }

    /// A channel's options, if it keeps what is asked for.
    fn keeps(
        &self,
        channel: &str,
        what: &str,
        keeps: impl FnOnce(&ChannelOptions) -> bool,
    ) -> Result<Arc<ChannelOptions>, CommandError> {
        let rules = self.rules();
        let resolved = rules
            .resolve(channel)
            .ok_or_else(|| unknown_channel(channel))?;
        if keeps(resolved.options) {
            return Ok(resolved.options.clone());
        }
        Err(CommandError::because(
            ErrorCode::NOT_AVAILABLE,
            format!("channel {channel:?} keeps no {what}"),
        ))
    }
}

fn unknown_channel(channel: &str) -> CommandError {
    CommandError::because(
        ErrorCode::UNKNOWN_CHANNEL,
        format!("channel {channel:?} is in no namespace that exists"),
    )
}

fn internal(failure: Failure) -> CommandError {
    match failure {
        Failure::UnrecoverablePosition => ErrorCode::UNRECOVERABLE_POSITION.into(),
        Failure::NotSupported => ErrorCode::NOT_AVAILABLE.into(),
        Failure::Unavailable => ErrorCode::INTERNAL.into(),
    }
}
