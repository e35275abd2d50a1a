//! How a node is built.

use std::time::Duration;

use veche_websocket::decoder::Limits;

use crate::inbox::InboxLimits;

/// How a node is built. Everything here needs a restart to change.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Threads that own connections: 1 to [`MAX_WORKERS`].
    pub workers: usize,
    /// Bounds of a client's messages.
    pub websocket: Limits,
    /// Level of compression, 1 to 9.
    pub compression_level: u32,
    /// Messages below this many bytes are not compressed.
    pub compression_min_size: usize,
    /// Bytes that wait for one client after a short write; past it the client is closed with 3008. Replies to its own
    /// commands do not count: further commands wait until they are written.
    pub queue_max_size: usize,
    /// Time after which a client is closed with 3008 that is owed something and takes nothing of it. Up to a sixth
    /// more may pass.
    pub stall_timeout: Duration,
    /// Bytes of memory that hold what waits for all clients of a worker; past it those that owe most are closed with
    /// 3008.
    pub worker_backlog_limit: usize,
    /// Bounds of inboxes.
    pub inbox: InboxLimits,
    /// How long a client is present in a channel after it was added or kept. Sessions keep it once in
    /// `presence_update_interval`, so it has to be longer than that.
    pub presence_ttl: Duration,
    /// How long other nodes have to answer a question of this one; what they have is missing after that.
    pub survey_timeout: Duration,
    /// How long the end of the node waits for the engine to answer its last calls and to close. What is not answered by then may be lost: a leave that is not told, a presence that ends by
    /// its time.
    pub drain_timeout: Duration,
    /// How long a publish by the API waits while the node is congested; then it is refused with 111.
    pub publish_timeout: Duration,
    /// Called on a worker's thread when nothing has come for a second, once until something comes again: for what would
    /// cost a busy worker too much, as giving memory back. It must not wait.
    pub when_quiet: Option<fn()>,
    /// Whether connections are counted by user over all workers, for `client.user_connection_limit`.
    pub count_users: bool,
    /// The node's name, for people.
    pub name: String,
    /// The server's version.
    pub version: String,
}

impl Default for NodeConfig {
    /// One worker, and the bounds of a configuration that says nothing.
    fn default() -> Self {
        Self {
            workers: 1,
            websocket: Limits {
                max_message: 64 << 10,
                max_inflated: 640 << 10,
            },
            compression_level: 1,
            compression_min_size: 0,
            queue_max_size: 1 << 20,
            stall_timeout: Duration::from_secs(30),
            worker_backlog_limit: 256 << 20,
            inbox: InboxLimits::default(),
            presence_ttl: Duration::from_secs(60),
            survey_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(2),
            publish_timeout: Duration::from_secs(10),
            when_quiet: None,
            count_users: false,
            name: String::new(),
            version: String::new(),
        }
    }
}
