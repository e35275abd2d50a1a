//! Calls that wait: for their channel to be read, or for a sync.

use std::sync::Arc;

use tokio::sync::oneshot;
use veche_engine::broker::Published;
use veche_engine::error::EngineError;
use veche_engine::pending::Pending;
use veche_engine::sink::{Delivery, Sink};
use veche_protocol::channel::Channel;
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::ClientInfo;
use veche_protocol::publication::{Publication, PublishOptions};

/// Where an answer goes. Whoever asked may have gone.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, EngineError>>;

/// A call of the node, with all that it needs.
#[derive(Debug)]
pub(crate) enum Call {
    Publish(Box<Publish>, Answer<Published>),
    Join(Arc<ClientInfo>, Answer<()>),
    Leave(Arc<ClientInfo>, Answer<()>),
    History(Query, Answer<Page>),
    Remove(Answer<()>),
}

/// A publish.
#[derive(Debug)]
pub(crate) struct Publish {
    pub(crate) publication: Publication,
    pub(crate) options: PublishOptions,
}

/// What a sink is told.
#[derive(Debug)]
pub(crate) enum Notice {
    Publication(Delivery),
    Join(Arc<ClientInfo>),
    Leave(Arc<ClientInfo>),
}

impl Notice {
    /// Tells it.
    pub(crate) fn tell(self, sink: &dyn Sink, channel: &Channel) {
        match self {
            Self::Publication(delivery) => sink.publication(channel, delivery),
            Self::Join(info) => sink.join(channel, info),
            Self::Leave(info) => sink.leave(channel, info),
        }
    }

    /// Bytes of data in it.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Publication(delivery) => delivery.publication.data.len(),
            Self::Join(_) | Self::Leave(_) => 0,
        }
    }
}

/// A place for an answer, and the wait for it.
pub(crate) fn answer<T: Send + 'static>() -> (Answer<T>, Pending<Result<T, EngineError>>) {
    let (tell, told) = oneshot::channel();
    let wait = async move {
        let why = "the engine ended before it had answered";
        told.await
            .unwrap_or_else(|_| Err(EngineError::Uncertain(why.into())))
    };
    (tell, Pending::Later(Box::pin(wait)))
}
