//! The methods, described: what each is for, in words for backend developers.

use super::requests::{
    BROADCAST, CHANNEL_ALONE, CHANNELS_WANTED, CONNECTIONS_WANTED, DISCONNECT, HISTORY,
    NOTHING_ASKED, PUBLISH, REFRESH, SUBSCRIBE, UNSUBSCRIBE, USERS_WANTED,
};
use super::results::{
    BROADCASTED, CHANNELS_PAGE, CONNECTIONS_PAGE, HISTORY_PAGE, NODES, NOTHING, PRESENCE,
    PRESENCE_STATS, PUBLISHED, USERS_PAGE,
};
use super::shape::Described;

/// All methods but `batch`, in the order in which people read them. `rpc` is not among them: there is no extension that
/// would answer it.
pub(super) static METHODS: [Described; 14] = [
    Described {
        name: "publish",
        group: PUBLICATIONS,
        summary: "Publish data in a channel",
        about: "Answers with the position that the publication got, where the channel keeps history.",
        request: &PUBLISH,
        result: &PUBLISHED,
        example: r#"{"channel":"news","data":{"text":"hello"}}"#,
        wants_data: true,
    },
    Described {
        name: "broadcast",
        group: PUBLICATIONS,
        summary: "Publish the same data in many channels",
        about: "Each channel has an outcome of its own, in the order of `channels`: one that fails does not keep the others from it.",
        request: &BROADCAST,
        result: &BROADCASTED,
        example: r#"{"channels":["news","sports"],"data":{"text":"hello"}}"#,
        wants_data: true,
    },
    Described {
        name: "subscribe",
        group: CONNECTIONS,
        summary: "Subscribe a user's connections to a channel",
        about: "Begins server-side subscriptions, or replaces them, on all connections of the user, or on those that `client` or `session` names.",
        request: &SUBSCRIBE,
        result: &NOTHING,
        example: r#"{"user":"42","channel":"news"}"#,
        wants_data: false,
    },
    Described {
        name: "unsubscribe",
        group: CONNECTIONS,
        summary: "End a user's subscriptions",
        about: "Without a channel all subscriptions of these connections end.",
        request: &UNSUBSCRIBE,
        result: &NOTHING,
        example: r#"{"user":"42","channel":"news"}"#,
        wants_data: false,
    },
    Described {
        name: "disconnect",
        group: CONNECTIONS,
        summary: "End a user's connections",
        about: "Without `disconnect` the code is 3503, with which clients do not come back.",
        request: &DISCONNECT,
        result: &NOTHING,
        example: r#"{"user":"42"}"#,
        wants_data: false,
    },
    Described {
        name: "refresh",
        group: CONNECTIONS,
        summary: "Change when a user's connections end",
        about: "For connections whose tokens expire.",
        request: &REFRESH,
        result: &NOTHING,
        example: r#"{"user":"42","expire_at":2000000000}"#,
        wants_data: false,
    },
    Described {
        name: "history",
        group: HISTORY_GROUP,
        summary: "Read what was published in a channel",
        about: "A `limit` of 0 asks for the position alone, a negative one for everything.",
        request: &HISTORY,
        result: &HISTORY_PAGE,
        example: r#"{"channel":"news","limit":10}"#,
        wants_data: false,
    },
    Described {
        name: "history_remove",
        group: HISTORY_GROUP,
        summary: "Forget what was published in a channel",
        about: "Offsets go on where they were.",
        request: &CHANNEL_ALONE,
        result: &NOTHING,
        example: r#"{"channel":"news"}"#,
        wants_data: false,
    },
    Described {
        name: "presence",
        group: PRESENCE_GROUP,
        summary: "Who is in a channel",
        about: "For channels that keep presence; of one with very many subscribers ask `presence_stats`.",
        request: &CHANNEL_ALONE,
        result: &PRESENCE,
        example: r#"{"channel":"news"}"#,
        wants_data: false,
    },
    Described {
        name: "presence_stats",
        group: PRESENCE_GROUP,
        summary: "How many are in a channel",
        about: "For channels that keep presence.",
        request: &CHANNEL_ALONE,
        result: &PRESENCE_STATS,
        example: r#"{"channel":"news"}"#,
        wants_data: false,
    },
    Described {
        name: "connections",
        group: LISTS,
        summary: "Connections in pages, filtered",
        about: "In an order that does not change: what is connected from the first page to the last is listed once. A page may hold fewer than `limit`, or none, where the filters let little through; the last page is the one without `cursor`.",
        request: &CONNECTIONS_WANTED,
        result: &CONNECTIONS_PAGE,
        example: r#"{"user":"42","limit":10}"#,
        wants_data: false,
    },
    Described {
        name: "users",
        group: LISTS,
        summary: "Connected users in pages",
        about: "In the order of their ids, with the number of connections of each. The last page is the one without `cursor`.",
        request: &USERS_WANTED,
        result: &USERS_PAGE,
        example: r#"{"limit":10}"#,
        wants_data: false,
    },
    Described {
        name: "channels",
        group: LISTS,
        summary: "Channels that somebody is subscribed to",
        about: "All of them at once; in pages, in the order of their names, if `limit` or `cursor` is given. The last page is the one without `cursor`.",
        request: &CHANNELS_WANTED,
        result: &CHANNELS_PAGE,
        example: r#"{"pattern":"news*","limit":10}"#,
        wants_data: false,
    },
    Described {
        name: "info",
        group: SERVER,
        summary: "The nodes that are running",
        about: "With what each has.",
        request: &NOTHING_ASKED,
        result: &NODES,
        example: "{}",
        wants_data: false,
    },
];

pub(super) const PUBLICATIONS: &str = "publications";
const CONNECTIONS: &str = "connections";
const HISTORY_GROUP: &str = "history";
const PRESENCE_GROUP: &str = "presence";
const LISTS: &str = "lists";
pub(super) const SERVER: &str = "server";
