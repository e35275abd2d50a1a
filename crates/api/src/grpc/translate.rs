//! What requests of the schema ask for, and how its results tell the answers.

mod listing;

use std::collections::BTreeMap;

use bytes::Bytes;

use veche_protocol::claims::Overrides;
use veche_protocol::error_code::CommandError;
use veche_protocol::history::Page;
use veche_protocol::identity;
use veche_protocol::payload::Payload;
use veche_protocol::position;
use veche_protocol::publication::{self, Tags};
use veche_protocol::reply;

use super::schema::{
    BoolValue, BroadcastRequest, BroadcastResult, ClientInfo, DisconnectRequest, DisconnectResult,
    HistoryRemoveRequest, HistoryRemoveResult, HistoryRequest, HistoryResult, InfoRequest,
    InfoResult, Metrics, NodeResult, PresenceRequest, PresenceResult, PresenceStatsRequest,
    PresenceStatsResult, Publication, PublishRequest, PublishResponse, PublishResult,
    RefreshRequest, RefreshResult, RpcRequest, RpcResult, StreamPosition, SubscribeOptionOverride,
    SubscribeRequest, SubscribeResult, UnsubscribeRequest, UnsubscribeResult,
};
use super::status::error;
use crate::backend::NodeInfo;
use crate::method::Command;
use crate::method::addressees::Recipients;
use crate::method::broadcast::Broadcast;
use crate::method::data::Data;
use crate::method::disconnect::Disconnect;
use crate::method::history::History;
use crate::method::history_remove::HistoryRemove;
use crate::method::info::Info;
use crate::method::presence::Presence;
use crate::method::presence_stats::PresenceStats;
use crate::method::publish::{Content, Publish};
use crate::method::refresh::Refresh;
use crate::method::rpc::Rpc;
use crate::method::subscribe::Subscribe;
use crate::method::unsubscribe::Unsubscribe;

/// A request that asks for a command.
pub(super) trait InProtobuf {
    /// The command.
    type Command: Command;
    /// What its answer becomes.
    type Result;

    /// The command that is asked for. Nothing is done yet.
    fn command(self) -> Self::Command;

    /// How its answer is told.
    fn result(answer: <Self::Command as Command>::Output) -> Self::Result;
}

impl InProtobuf for PublishRequest {
    type Command = Publish;
    type Result = PublishResult;

    fn command(self) -> Publish {
        Publish {
            channel: self.channel,
            content: Content {
                data: data(self.data, self.b64data),
                skip_history: self.skip_history,
                tags: tags(self.tags),
                idempotency_key: self.idempotency_key,
                delta: self.delta,
                version: self.version,
                version_epoch: self.version_epoch,
            },
        }
    }

    fn result(position: position::StreamPosition) -> PublishResult {
        PublishResult {
            offset: position.offset,
            epoch: position.epoch.as_str().to_owned(),
        }
    }
}

impl InProtobuf for BroadcastRequest {
    type Command = Broadcast;
    type Result = BroadcastResult;

    fn command(self) -> Broadcast {
        Broadcast {
            channels: Box::new(self.channels.into_iter()),
            content: Content {
                data: data(self.data, self.b64data),
                skip_history: self.skip_history,
                tags: tags(self.tags),
                idempotency_key: self.idempotency_key,
                delta: self.delta,
                version: self.version,
                version_epoch: self.version_epoch,
            },
        }
    }

    fn result(responses: Vec<Result<position::StreamPosition, CommandError>>) -> BroadcastResult {
        let responses = responses.into_iter().map(|response| match response {
            Ok(position) => PublishResponse {
                error: None,
                result: Some(PublishRequest::result(position)),
            },
            Err(cause) => PublishResponse {
                error: Some(error(&cause)),
                result: None,
            },
        });
        BroadcastResult {
            responses: responses.collect(),
        }
    }
}

impl InProtobuf for SubscribeRequest {
    type Command = Subscribe;
    type Result = SubscribeResult;

    fn command(self) -> Subscribe {
        Subscribe {
            recipients: Recipients {
                user: self.user,
                client: self.client,
                session: self.session,
                has_label_filter: self.label_filter.is_some(),
                all_users: self.all_users,
            },
            channel: self.channel,
            info: data(self.info, self.b64info),
            data: data(self.data, self.b64data),
            expire_at: self.expire_at,
            overrides: self.r#override.map(overrides).unwrap_or_default(),
            recover_since: self.recover_since.map(position),
        }
    }

    fn result((): ()) -> SubscribeResult {
        SubscribeResult {}
    }
}

impl InProtobuf for UnsubscribeRequest {
    type Command = Unsubscribe;
    type Result = UnsubscribeResult;

    fn command(self) -> Unsubscribe {
        Unsubscribe {
            recipients: Recipients {
                user: self.user,
                client: self.client,
                session: self.session,
                has_label_filter: self.label_filter.is_some(),
                all_users: self.all_users,
            },
            channel: self.channel,
        }
    }

    fn result((): ()) -> UnsubscribeResult {
        UnsubscribeResult {}
    }
}

impl InProtobuf for DisconnectRequest {
    type Command = Disconnect;
    type Result = DisconnectResult;

    fn command(self) -> Disconnect {
        Disconnect {
            recipients: Recipients {
                user: self.user,
                client: self.client,
                session: self.session,
                has_label_filter: self.label_filter.is_some(),
                all_users: self.all_users,
            },
            whitelist: self.whitelist,
            reason: self.disconnect.map(|it| (it.code, it.reason)),
        }
    }

    fn result((): ()) -> DisconnectResult {
        DisconnectResult {}
    }
}

impl InProtobuf for HistoryRequest {
    type Command = History;
    type Result = HistoryResult;

    fn command(self) -> History {
        History {
            channel: self.channel,
            limit: self.limit,
            since: self.since.map(position),
            reverse: self.reverse,
        }
    }

    fn result(page: Page) -> HistoryResult {
        let publications = page.publications.iter();
        HistoryResult {
            publications: publications.map(|it| publication(it)).collect(),
            epoch: page.position.epoch.as_str().to_owned(),
            offset: page.position.offset,
        }
    }
}

impl InProtobuf for HistoryRemoveRequest {
    type Command = HistoryRemove;
    type Result = HistoryRemoveResult;

    fn command(self) -> HistoryRemove {
        HistoryRemove {
            channel: self.channel,
        }
    }

    fn result((): ()) -> HistoryRemoveResult {
        HistoryRemoveResult {}
    }
}

impl InProtobuf for PresenceRequest {
    type Command = Presence;
    type Result = PresenceResult;

    fn command(self) -> Presence {
        Presence {
            channel: self.channel,
        }
    }

    fn result(clients: BTreeMap<String, identity::ClientInfo>) -> PresenceResult {
        let clients = clients.into_iter();
        PresenceResult {
            presence: clients.map(|(id, info)| (id, client_info(&info))).collect(),
        }
    }
}

impl InProtobuf for PresenceStatsRequest {
    type Command = PresenceStats;
    type Result = PresenceStatsResult;

    fn command(self) -> PresenceStats {
        PresenceStats {
            channel: self.channel,
        }
    }

    fn result(stats: reply::PresenceStats) -> PresenceStatsResult {
        PresenceStatsResult {
            num_clients: stats.num_clients,
            num_users: stats.num_users,
        }
    }
}

impl InProtobuf for InfoRequest {
    type Command = Info;
    type Result = InfoResult;

    fn command(self) -> Info {
        Info
    }

    fn result(nodes: Vec<NodeInfo>) -> InfoResult {
        InfoResult {
            nodes: nodes.into_iter().map(node).collect(),
        }
    }
}

impl InProtobuf for RpcRequest {
    type Command = Rpc;
    type Result = RpcResult;

    fn command(self) -> Rpc {
        Rpc {
            method: self.method,
            params: payload(self.params),
        }
    }

    fn result(data: Option<Payload>) -> RpcResult {
        RpcResult {
            data: bytes(data.as_ref()),
        }
    }
}

impl InProtobuf for RefreshRequest {
    type Command = Refresh;
    type Result = RefreshResult;

    fn command(self) -> Refresh {
        Refresh {
            recipients: Recipients {
                user: self.user,
                client: self.client,
                session: self.session,
                has_label_filter: self.label_filter.is_some(),
                all_users: self.all_users,
            },
            expired: self.expired,
            expire_at: self.expire_at,
            info: payload(self.info),
        }
    }

    fn result((): ()) -> RefreshResult {
        RefreshResult {}
    }
}

fn data(plain: Vec<u8>, encoded: String) -> Data {
    Data {
        plain: payload(plain),
        encoded,
    }
}

/// Bytes that are one JSON value count as JSON; no bytes are nothing.
fn payload(bytes: Vec<u8>) -> Option<Payload> {
    if bytes.is_empty() {
        return None;
    }
    Some(Payload::detect(Bytes::from(bytes)))
}

fn bytes(payload: Option<&Payload>) -> Vec<u8> {
    payload.map_or_else(Vec::new, |payload| payload.bytes().to_vec())
}

fn tags(tags: BTreeMap<String, String>) -> Option<Tags> {
    if tags.is_empty() {
        return None;
    }
    let tags = tags.into_iter();
    Some(tags.map(|(k, v)| (k.into(), v.into())).collect())
}

fn position(position: StreamPosition) -> position::StreamPosition {
    position::StreamPosition::new(position.offset, position.epoch.as_str().into())
}

fn overrides(overrides: SubscribeOptionOverride) -> Overrides {
    let switch = |switch: Option<BoolValue>| switch.map(|switch| switch.value);
    Overrides {
        presence: switch(overrides.presence),
        join_leave: switch(overrides.join_leave),
        force_push_join_leave: switch(overrides.force_push_join_leave),
        force_recovery: switch(overrides.force_recovery),
        force_positioning: switch(overrides.force_positioning),
    }
}

fn publication(publication: &publication::Publication) -> Publication {
    let tags = publication.tags.iter().flat_map(|tags| tags.iter());
    Publication {
        data: publication.data.bytes().to_vec(),
        info: publication.info.as_deref().map(client_info),
        offset: publication.offset,
        tags: tags.map(|(k, v)| (k.to_string(), v.to_string())).collect(),
    }
}

fn client_info(info: &identity::ClientInfo) -> ClientInfo {
    ClientInfo {
        user: info.user.as_str().to_owned(),
        client: info.client.to_string(),
        conn_info: bytes(info.conn_info.as_ref()),
        chan_info: bytes(info.chan_info.as_ref()),
    }
}

fn node(node: NodeInfo) -> NodeResult {
    NodeResult {
        uid: node.uid,
        name: node.name,
        version: node.version,
        num_clients: node.num_clients,
        num_users: node.num_users,
        num_channels: node.num_channels,
        uptime: u32::try_from(node.uptime.as_secs()).unwrap_or(u32::MAX),
        metrics: node.metrics.map(|metrics| Metrics {
            interval: metrics.interval.as_secs_f64(),
            items: metrics.items,
        }),
        process: None,
        num_subs: node.num_subs,
    }
}
