//! What the methods give.

use super::shape::{Field, Kind, Shape, field, required};

pub(super) const EPOCH: Field = field(
    "epoch",
    Kind::Text,
    "Changes when a channel's history is lost.",
);
const NEXT: Field = field(
    "cursor",
    Kind::Text,
    "Where the list goes on; absent at its end.",
);

pub(super) static NOTHING: Shape = Shape {
    name: "Nothing",
    fields: &[],
};
pub(super) static PUBLISHED: Shape = Shape {
    name: "Published",
    fields: &[
        field("offset", Kind::U64, "Its place in the channel's history."),
        EPOCH,
    ],
};
pub(super) static BROADCASTED: Shape = Shape {
    name: "Broadcasted",
    fields: &[required(
        "responses",
        Kind::Outcomes(&PUBLISHED),
        "What came of each channel.",
    )],
};
pub(super) static HISTORY_PAGE: Shape = Shape {
    name: "History",
    fields: &[
        required("publications", Kind::List(&PUBLICATION), "In order."),
        required(
            "epoch",
            Kind::Text,
            "Changes when a channel's history is lost.",
        ),
        required("offset", Kind::U64, "Of the newest publication."),
    ],
};
static PUBLICATION: Shape = Shape {
    name: "Publication",
    fields: &[
        field("data", Kind::Json, "What was published."),
        field(
            "b64data",
            Kind::Base64,
            "Bytes that were published, in base64.",
        ),
        field(
            "info",
            Kind::Object(&CLIENT_INFO),
            "The client that published it.",
        ),
        field("offset", Kind::U64, "Its place in the channel's history."),
        field("tags", Kind::Tags, "What goes with it."),
    ],
};
static CLIENT_INFO: Shape = Shape {
    name: "ClientInfo",
    fields: &[
        required("user", Kind::Text, "The user; empty is an anonymous one."),
        required("client", Kind::Text, "The connection."),
        field(
            "conn_info",
            Kind::Json,
            "What the connection's token says about the user.",
        ),
        field(
            "b64conn_info",
            Kind::Base64,
            "That, if it is bytes, in base64.",
        ),
        field(
            "chan_info",
            Kind::Json,
            "What the subscription says about the user.",
        ),
        field(
            "b64chan_info",
            Kind::Base64,
            "That, if it is bytes, in base64.",
        ),
    ],
};
pub(super) static PRESENCE: Shape = Shape {
    name: "Presence",
    fields: &[required(
        "presence",
        Kind::Map(&CLIENT_INFO),
        "Clients by their ids.",
    )],
};
pub(super) static PRESENCE_STATS: Shape = Shape {
    name: "PresenceStats",
    fields: &[
        required("num_clients", Kind::U32, "Connections."),
        required("num_users", Kind::U32, "Distinct users."),
    ],
};
pub(super) static CONNECTIONS_PAGE: Shape = Shape {
    name: "Connections",
    fields: &[
        required(
            "connections",
            Kind::Map(&CONNECTION),
            "Connections by their ids, in the list's order.",
        ),
        NEXT,
    ],
};
static CONNECTION: Shape = Shape {
    name: "Connection",
    fields: &[
        field(
            "app_name",
            Kind::Text,
            "The program that the client says it is.",
        ),
        field("app_version", Kind::Text, "Its version."),
        required("transport", Kind::Text, "How it came."),
        required("protocol", Kind::Text, "What it speaks."),
        field("user", Kind::Text, "The user; absent for an anonymous one."),
        field(
            "state",
            Kind::Object(&STATE),
            "What it has; absent for nothing.",
        ),
        field(
            "connected_at_ms",
            Kind::U64,
            "When it connected, in milliseconds of Unix time.",
        ),
        required(
            "ping_pong_latency_ms",
            Kind::I64,
            "From its last ping to the pong; -1 before the first.",
        ),
    ],
};
static STATE: Shape = Shape {
    name: "ConnectionState",
    fields: &[required(
        "channels",
        Kind::Map(&CONTEXT),
        "Its channels by their names.",
    )],
};
static CONTEXT: Shape = Shape {
    name: "ChannelContext",
    fields: &[field(
        "source",
        Kind::U32,
        "Why it is subscribed: 1 connection token, 3 subscription token, 5 the channel's name lists the user, 6 the namespace allows clients, 7 `client.insecure`, 8 `connect` asked for it, 9 personal channel, 10 server API.",
    )],
};
pub(super) static USERS_PAGE: Shape = Shape {
    name: "Users",
    fields: &[
        required(
            "users",
            Kind::Map(&USER_CLIENTS),
            "Users by their ids, in order.",
        ),
        NEXT,
    ],
};
static USER_CLIENTS: Shape = Shape {
    name: "UserInfo",
    fields: &[required(
        "num_clients",
        Kind::U32,
        "Connections of the user.",
    )],
};
pub(super) static CHANNELS_PAGE: Shape = Shape {
    name: "Channels",
    fields: &[
        required(
            "channels",
            Kind::Map(&CHANNEL_CLIENTS),
            "Channels by their names, in order.",
        ),
        NEXT,
    ],
};
static CHANNEL_CLIENTS: Shape = Shape {
    name: "ChannelInfo",
    fields: &[field(
        "num_clients",
        Kind::U32,
        "Connections that are subscribed.",
    )],
};
pub(super) static NODES: Shape = Shape {
    name: "Info",
    fields: &[field("nodes", Kind::List(&NODE), "The nodes.")],
};
static NODE: Shape = Shape {
    name: "Node",
    fields: &[
        required("uid", Kind::Text, "Names this run of the node."),
        required("name", Kind::Text, "The node's name, for people."),
        required("version", Kind::Text, "The server's version."),
        required("num_clients", Kind::U32, "Connections."),
        required("num_users", Kind::U32, "Distinct users."),
        required(
            "num_channels",
            Kind::U32,
            "Channels that somebody is subscribed to.",
        ),
        field("uptime", Kind::U64, "Seconds since the start."),
        field(
            "metrics",
            Kind::Object(&METRICS),
            "What was counted in the last interval.",
        ),
        required("num_subs", Kind::U32, "Subscriptions."),
    ],
};
static METRICS: Shape = Shape {
    name: "Metrics",
    fields: &[
        required("interval", Kind::Decimal, "Its length in seconds."),
        required("items", Kind::Json, "Numbers by their names."),
    ],
};
