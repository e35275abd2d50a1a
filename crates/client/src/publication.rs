//! What comes out of a channel.

use crate::data::Data;
use crate::position::Position;

/// Data that was published in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The event's name; `message` unless the publisher chose another one.
    pub event: String,
    /// What was published.
    pub data: Data,
    /// Where it stands in the channel's stream; `None` if the channel keeps no history.
    pub position: Option<Position>,
    /// When the server took it, in milliseconds of Unix time.
    pub time_ms: Option<u64>,
    /// Who published it, if a client did.
    pub from: Option<ClientInfo>,
}

/// A connection of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientInfo {
    /// The user's id; empty for an anonymous client.
    pub user: String,
    /// The connection's id.
    pub client: String,
    /// What the application says of the connection.
    pub conn_info: Option<Data>,
    /// What the application says of the connection in this channel.
    pub chan_info: Option<Data>,
}

impl Publication {
    /// What it counts for in a bounded buffer.
    pub(crate) fn weight(&self) -> usize {
        let from = self.from.as_ref().map_or(0, ClientInfo::weight);
        OVERHEAD + self.event.len() + self.data.len() + from
    }
}

impl ClientInfo {
    pub(crate) fn weight(&self) -> usize {
        let data = |data: &Option<Data>| data.as_ref().map_or(0, Data::len);
        let infos = data(&self.conn_info) + data(&self.chan_info);
        OVERHEAD + self.user.len() + self.client.len() + infos
    }
}

/// Bytes that an event takes beside its contents.
pub(crate) const OVERHEAD: usize = 256;
