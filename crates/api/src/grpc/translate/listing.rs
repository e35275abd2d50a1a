//! Lists: of channels, connections and users.

use std::collections::BTreeMap;

use veche_protocol::identity::UserId;

use super::InProtobuf;
use crate::grpc::schema::veche::{UserInfo, UsersRequest, UsersResult};
use crate::grpc::schema::{
    ChannelContext, ChannelInfo, ChannelsRequest, ChannelsResult, ConnectionInfo, ConnectionState,
    ConnectionsRequest, ConnectionsResult,
};
use crate::listing::{Connection, Listing};
use crate::method::channels::Channels;
use crate::method::connections::Connections;
use crate::method::paging::Paging;
use crate::method::users::Users;

impl InProtobuf for ChannelsRequest {
    type Command = Channels;
    type Result = ChannelsResult;

    fn command(self) -> Channels {
        Channels {
            pattern: self.pattern,
            paging: Paging {
                limit: self.limit,
                cursor: self.cursor,
            },
        }
    }

    fn result(listing: Listing<(String, u32)>) -> ChannelsResult {
        let channels = listing.items.into_iter();
        let channels = channels.map(|(name, num_clients)| (name, ChannelInfo { num_clients }));
        ChannelsResult {
            channels: channels.collect(),
            cursor: listing.cursor,
        }
    }
}

impl InProtobuf for ConnectionsRequest {
    type Command = Connections;
    type Result = ConnectionsResult;

    fn command(self) -> Connections {
        Connections {
            user: self.user,
            channel: self.channel,
            pattern: self.pattern,
            transport: self.transport,
            protocol: self.protocol,
            connected_after_ms: self.connected_after_ms,
            connected_before_ms: self.connected_before_ms,
            expression: self.expression,
            has_label_filter: self.label_filter.is_some(),
            paging: Paging {
                limit: self.limit,
                cursor: self.cursor,
            },
        }
    }

    fn result(listing: Listing<Connection>) -> ConnectionsResult {
        let connections = listing.items.into_iter();
        let connections = connections.map(|it| (it.client.to_string(), connection(it)));
        ConnectionsResult {
            connections: connections.collect(),
            cursor: listing.cursor,
        }
    }
}

impl InProtobuf for UsersRequest {
    type Command = Users;
    type Result = UsersResult;

    fn command(self) -> Users {
        Users {
            pattern: self.pattern,
            paging: Paging {
                limit: self.limit,
                cursor: self.cursor,
            },
        }
    }

    fn result(listing: Listing<(UserId, u32)>) -> UsersResult {
        let users = listing.items.into_iter();
        let users =
            users.map(|(user, num_clients)| (user.as_str().to_owned(), UserInfo { num_clients }));
        UsersResult {
            users: users.collect(),
            cursor: listing.cursor,
        }
    }
}

fn connection(connection: Connection) -> ConnectionInfo {
    let app = connection.app.as_deref();
    let latency = connection.latency.map(|latency| latency.as_millis());
    ConnectionInfo {
        app_name: app.map(|app| app.name.to_string()).unwrap_or_default(),
        app_version: app.map(|app| app.version.to_string()).unwrap_or_default(),
        transport: connection.transport.to_owned(),
        protocol: connection.protocol.to_owned(),
        user: connection.user.as_str().to_owned(),
        connected_at_ms: connection.connected_at_ms,
        ping_pong_latency_ms: latency
            .map_or(-1, |latency| i64::try_from(latency).unwrap_or(i64::MAX)),
        state: state(&connection),
        labels: BTreeMap::new(),
    }
}

fn state(connection: &Connection) -> Option<ConnectionState> {
    if connection.channels.is_empty() {
        return None;
    }
    let channels = connection.channels.iter();
    let channels =
        channels.map(|(name, source)| (name.to_string(), ChannelContext { source: *source }));
    Some(ConnectionState {
        channels: channels.collect(),
        ..ConnectionState::default()
    })
}
