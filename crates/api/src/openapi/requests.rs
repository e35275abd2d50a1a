//! What the methods take.

use super::results::EPOCH;
use super::shape::{Field, Kind, Shape, field, required};

const CHANNEL: Field = required("channel", Kind::Name, "The channel.");
const DATA: Field = field(
    "data",
    Kind::Json,
    "Any JSON value. It, or `b64data`, must be there.",
);
const B64_DATA: Field = field(
    "b64data",
    Kind::Base64,
    "Bytes in base64, in place of `data`.",
);
const SKIP_HISTORY: Field = field("skip_history", Kind::Flag, "Keeps it out of history.");
const TAGS: Field = field(
    "tags",
    Kind::Tags,
    "Go with the publication; clients can filter by them.",
);
const IDEMPOTENCY_KEY: Field = field(
    "idempotency_key",
    Kind::Text,
    "The same key again, within five minutes, publishes nothing and is answered as before.",
);
const DELTA: Field = field(
    "delta",
    Kind::Flag,
    "Sends the difference to the publication before, to clients that take it.",
);
const VERSION: Field = field(
    "version",
    Kind::U64,
    "Of what is published: one that is not above the last is not published.",
);
const VERSION_EPOCH: Field = field(
    "version_epoch",
    Kind::Text,
    "Begins the count of versions anew when it changes.",
);
const USER: Field = field("user", Kind::Text, "The user; empty is an anonymous one.");
const CLIENT: Field = field("client", Kind::Text, "Only this connection of the user.");
const SESSION: Field = field(
    "session",
    Kind::Text,
    "Only the connection with this session, of the transports that have one.",
);
const LABEL_FILTER: Field = field(
    "label_filter",
    Kind::NoObject,
    "Of Centrifugo PRO. Refused unless absent: connections have no labels.",
);
const ALL_USERS: Field = field(
    "all_users",
    Kind::NoFlag,
    "Of Centrifugo PRO. Refused unless false: name one user.",
);
const PATTERN: Field = field(
    "pattern",
    Kind::Glob,
    "Only names that match this glob: `?`, `*`, `[a-z]`, `{a,b}`. What stands before the first of these makes it cheap.",
);
const LIMIT: Field = field(
    "limit",
    Kind::U32,
    "How many at most; 0 is 100, and above 1000 is 1000.",
);
const CURSOR: Field = field(
    "cursor",
    Kind::Cursor,
    "Where to go on, as the page before said.",
);
pub(super) static NOTHING_ASKED: Shape = Shape {
    name: "InfoRequest",
    fields: &[],
};
pub(super) static PUBLISH: Shape = Shape {
    name: "PublishRequest",
    fields: &[
        CHANNEL,
        DATA,
        B64_DATA,
        SKIP_HISTORY,
        TAGS,
        IDEMPOTENCY_KEY,
        DELTA,
        VERSION,
        VERSION_EPOCH,
    ],
};
pub(super) static BROADCAST: Shape = Shape {
    name: "BroadcastRequest",
    fields: &[
        required("channels", Kind::Names, "The channels."),
        DATA,
        B64_DATA,
        SKIP_HISTORY,
        TAGS,
        IDEMPOTENCY_KEY,
        DELTA,
        VERSION,
        VERSION_EPOCH,
    ],
};
pub(super) static SUBSCRIBE: Shape = Shape {
    name: "SubscribeRequest",
    fields: &[
        USER,
        CLIENT,
        SESSION,
        LABEL_FILTER,
        ALL_USERS,
        CHANNEL,
        field(
            "info",
            Kind::Json,
            "What others are told about the user in this channel.",
        ),
        field(
            "b64info",
            Kind::Base64,
            "Bytes in base64, in place of `info`.",
        ),
        field(
            "data",
            Kind::Json,
            "Sent to the client with the subscription.",
        ),
        field(
            "b64data",
            Kind::Base64,
            "Bytes in base64, in place of `data`.",
        ),
        field(
            "expire_at",
            Kind::I64,
            "When the subscription ends, in seconds of Unix time; 0 is never. A time that has passed is refused.",
        ),
        field(
            "override",
            Kind::Object(&OVERRIDE),
            "Options of the channel that this subscription has otherwise.",
        ),
        field(
            "recover_since",
            Kind::Object(&POSITION),
            "Sends what was published since.",
        ),
    ],
};
static OVERRIDE: Shape = Shape {
    name: "Override",
    fields: &[
        field("presence", Kind::Object(&SWITCH), "Takes part in presence."),
        field(
            "join_leave",
            Kind::Object(&SWITCH),
            "Tells others when it joins and leaves.",
        ),
        field(
            "force_push_join_leave",
            Kind::Object(&SWITCH),
            "Is told when others join and leave.",
        ),
        field("force_recovery", Kind::Object(&SWITCH), "Recovers."),
        field(
            "force_positioning",
            Kind::Object(&SWITCH),
            "Has its position watched.",
        ),
    ],
};
static SWITCH: Shape = Shape {
    name: "Switch",
    fields: &[field("value", Kind::Flag, "On or off.")],
};
static POSITION: Shape = Shape {
    name: "Position",
    fields: &[
        field("offset", Kind::U64, "A place in the channel's history."),
        EPOCH,
    ],
};
pub(super) static UNSUBSCRIBE: Shape = Shape {
    name: "UnsubscribeRequest",
    fields: &[
        USER,
        CLIENT,
        SESSION,
        LABEL_FILTER,
        ALL_USERS,
        field("channel", Kind::Text, "The channel; empty is all."),
    ],
};
pub(super) static DISCONNECT: Shape = Shape {
    name: "DisconnectRequest",
    fields: &[
        USER,
        CLIENT,
        SESSION,
        LABEL_FILTER,
        ALL_USERS,
        field("whitelist", Kind::Texts, "Not these connections."),
        field("disconnect", Kind::Object(&CLOSE), "How clients are told."),
    ],
};
static CLOSE: Shape = Shape {
    name: "Disconnect",
    fields: &[
        required(
            "code",
            Kind::CloseCode,
            "3000 to 3499 and 4000 to 4499 let clients come back, 3500 to 3999 and 4500 to 4999 do not.",
        ),
        field(
            "reason",
            Kind::Text,
            "Of at most 123 bytes; what is longer is cut.",
        ),
    ],
};
pub(super) static REFRESH: Shape = Shape {
    name: "RefreshRequest",
    fields: &[
        USER,
        CLIENT,
        SESSION,
        LABEL_FILTER,
        ALL_USERS,
        field(
            "expired",
            Kind::Flag,
            "Ends the connections now, with code 3005.",
        ),
        field(
            "expire_at",
            Kind::I64,
            "When they end, in seconds of Unix time; 0 is never.",
        ),
        field(
            "info",
            Kind::Json,
            "What others are told about the user from now on.",
        ),
    ],
};
pub(super) static HISTORY: Shape = Shape {
    name: "HistoryRequest",
    fields: &[
        CHANNEL,
        field("limit", Kind::I32, "How many publications at most."),
        field(
            "since",
            Kind::Object(&POSITION),
            "Only those behind this position.",
        ),
        field("reverse", Kind::Flag, "From the newest to the oldest."),
    ],
};
pub(super) static CHANNEL_ALONE: Shape = Shape {
    name: "ChannelRequest",
    fields: &[CHANNEL],
};
pub(super) static CONNECTIONS_WANTED: Shape = Shape {
    name: "ConnectionsRequest",
    fields: &[
        field("user", Kind::Text, "Only this user's."),
        field(
            "channel",
            Kind::Text,
            "Only those that are subscribed to this channel.",
        ),
        field(
            "pattern",
            Kind::Glob,
            "Only those that are subscribed to a channel that matches this glob, as `chat:*` for a namespace.",
        ),
        field(
            "transport",
            Kind::Text,
            "Only those that came so: `websocket`.",
        ),
        field(
            "protocol",
            Kind::Text,
            "Only those that speak so: `json`, `protobuf` or `plain`.",
        ),
        field(
            "connected_after_ms",
            Kind::I64,
            "Only those that connected then or later, in milliseconds of Unix time; 0 is no filter.",
        ),
        field(
            "connected_before_ms",
            Kind::I64,
            "Only those that connected before then, in milliseconds of Unix time; 0 is no filter.",
        ),
        field(
            "expression",
            Kind::NoText,
            "Of Centrifugo PRO. Refused unless empty.",
        ),
        LABEL_FILTER,
        LIMIT,
        CURSOR,
    ],
};
pub(super) static USERS_WANTED: Shape = Shape {
    name: "UsersRequest",
    fields: &[PATTERN, LIMIT, CURSOR],
};
pub(super) static CHANNELS_WANTED: Shape = Shape {
    name: "ChannelsRequest",
    fields: &[PATTERN, LIMIT, CURSOR],
};
