//! What a node is given: its engine, and what it needs besides.

use std::sync::Arc;

use tokio::runtime::Handle;
use veche_engine::broker::Broker;
use veche_engine::control::Controller;
use veche_engine::presence::PresenceManager;

use crate::authority::Authority;
use crate::listener::Listener;
use crate::reception::Reception;

/// What carries channels and knows who is there.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Channel traffic.
    pub broker: Arc<dyn Broker>,
    /// Who is where.
    pub presence: Arc<dyn PresenceManager>,
    /// The way to other nodes; `None` for a node that is alone.
    pub controller: Option<Arc<dyn Controller>>,
}

/// What a node needs of its surroundings.
#[derive(Debug)]
pub struct Surroundings {
    /// Answers what only the application can.
    pub authority: Arc<dyn Authority>,
    /// Looks at fresh sockets.
    pub reception: Arc<dyn Reception>,
    /// Runs what takes long.
    pub control: Handle,
    /// Sockets to accept from, per worker; the first has some.
    pub listeners: Vec<Vec<Listener>>,
}
