//! Effects as lines of a transcript.

use std::sync::Arc;

use veche_protocol::channel::Channel;
use veche_protocol::idempotency::KeyOwner;
use veche_protocol::identity::ClientInfo;
use veche_protocol::payload::Payload;
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_protocol::push;
use veche_protocol::reply::{self, Expiry};

use super::application::show_request;
use crate::effect::{Delta, Effect};
use crate::question::{Notice, Question};

/// An effect in one line.
pub(in crate::tests) fn show(effect: &Effect) -> String {
    match effect {
        Effect::Reply(reply) => match &reply.body {
            reply::Body::Error(error) => {
                let why = error
                    .why
                    .as_ref()
                    .map(|why| format!(": {why}"))
                    .unwrap_or_default();
                format!("{} error {}{why}", reply.id, error.code.0)
            }
            body => format!("{} {}", reply.id, show_reply(body)),
        },
        Effect::Push(push) => format!("{}{}", named(&push.channel), show_push(&push.body)),
        Effect::Ping => "ping".into(),
        Effect::Ask { ask, question } => format!("ask {} {}", ask.0, show_question(question)),
        Effect::Tell(notice) => format!("tell {}", show_notice(notice)),
        Effect::Attach(attach) => {
            let delta = match &attach.delta {
                Delta::Off => String::new(),
                Delta::Whole => " delta".into(),
                Delta::Since(base) => format!(" delta since {}", base.offset),
            };
            let compact = if attach.compact { " compact" } else { "" };
            let after = attach
                .after
                .as_ref()
                .map(|after| format!(" after {}", show_position(after)));
            let join_leave = if attach.join_leave { " join_leave" } else { "" };
            let filter = if attach.filter.is_some() {
                " filtered"
            } else {
                ""
            };
            format!(
                "attach {}{}{join_leave}{filter}{delta}{compact}",
                attach.channel,
                after.unwrap_or_default()
            )
        }
        Effect::Detach { channel } => format!("detach {channel}"),
        Effect::Close(disconnect) => format!("close {} {}", disconnect.code, disconnect.reason),
    }
}

fn named(channel: &Channel) -> String {
    if channel.as_str().is_empty() {
        "push ".into()
    } else {
        format!("push {channel} ")
    }
}

fn show_reply(body: &reply::Body) -> String {
    match body {
        reply::Body::Error(_) => unreachable!("shown by its caller"),
        reply::Body::Connect(connect) => show_connect(connect),
        reply::Body::Subscribe(subscribe) => format!("subscribed{}", show_subscribed(subscribe)),
        reply::Body::Unsubscribe => "unsubscribed".into(),
        reply::Body::Publish(position) => {
            format!("published {}", show_position(position.as_ref().unwrap()))
        }
        reply::Body::Presence(clients) => {
            let users: Vec<_> = clients.iter().map(|client| client.user.as_str()).collect();
            format!("present {}", users.join(" "))
        }
        reply::Body::PresenceStats(stats) => {
            format!("stats {} {}", stats.num_clients, stats.num_users)
        }
        reply::Body::History(page) => {
            format!(
                "history {}{}",
                show_position(&page.position),
                offsets(&page.publications)
            )
        }
        reply::Body::Rpc(data) => format!("called {}", payload(data.as_ref())),
        reply::Body::Refresh(expiry) => format!("refreshed{}", show_expiry(expiry)),
        reply::Body::SubRefresh(expiry) => format!("sub_refreshed{}", show_expiry(expiry)),
    }
}

fn show_connect(connect: &reply::Connect) -> String {
    let subs: String = connect
        .subs
        .iter()
        .map(|(channel, subscribe)| format!(" [{channel}{}]", show_subscribed(subscribe)))
        .collect();
    let pong = if connect.pong { " pong" } else { "" };
    let data = connect.data.as_ref();
    let data = data.map(|data| format!(" data {}", payload(Some(data))));
    let data = data.unwrap_or_default();
    format!(
        "connected{} ping {}{pong}{subs}{data}",
        show_expiry(&connect.expiry),
        connect.ping_secs
    )
}

fn show_subscribed(subscribe: &reply::Subscribe) -> String {
    let mut text = show_expiry(&subscribe.expiry);
    for (is_set, word) in [
        (subscribe.positioned, " positioned"),
        (subscribe.recoverable, " recoverable"),
    ] {
        text += if is_set { word } else { "" };
    }
    if subscribe.positioned {
        text += &format!(" at {}:{}", subscribe.epoch, subscribe.offset);
    }
    if subscribe.was_recovering {
        text += if subscribe.recovered {
            " recovered"
        } else {
            " not recovered"
        };
    }
    if subscribe.delta {
        text += " delta";
    }
    if subscribe.id != 0 {
        text += &format!(" id {}", subscribe.id);
    }
    text += &offsets(&subscribe.publications);
    if let Some(data) = &subscribe.data {
        text += &format!(" data {}", payload(Some(data)));
    }
    text
}

fn show_push(body: &push::Body) -> String {
    match body {
        push::Body::Publication(publication) => format!("publication {}", publication.offset),
        push::Body::Whole(publication) => format!("whole publication {}", publication.offset),
        push::Body::Join(info) => format!("join {}", show_info(info)),
        push::Body::Leave(info) => format!("leave {}", show_info(info)),
        push::Body::Unsubscribe(reason) => {
            format!("unsubscribed {} {}", reason.code, reason.reason)
        }
        push::Body::Message(data) => format!("message {}", payload(Some(data))),
        push::Body::Subscribe(subscribe) => {
            let recoverable = if subscribe.recoverable {
                " recoverable"
            } else {
                ""
            };
            let at = if subscribe.positioned {
                format!(" at {}", show_position(&subscribe.position))
            } else {
                String::new()
            };
            format!("subscribed{recoverable}{at}")
        }
        push::Body::Connect(connect) => show_connect(connect),
        push::Body::Disconnect(disconnect) => format!("disconnect {}", disconnect.code),
        push::Body::Refresh(expiry) => format!("refresh{}", show_expiry(expiry)),
    }
}

fn show_question(question: &Question) -> String {
    match question {
        Question::ConnectionToken { token } => format!("connection_token {token}"),
        Question::SubscriptionToken { token } => format!("subscription_token {token}"),
        Question::UserPlace { user, limit } => format!("user_place {user} of {limit}"),
        Question::Enter { channel } => format!("enter {channel}"),
        Question::ChannelId { channel } => format!("channel_id {channel}"),
        Question::History { channel, query } => {
            let limit = query.limit.map_or("all".into(), |limit| limit.to_string());
            let since = query
                .since
                .as_ref()
                .map(|since| format!(" since {}", show_position(since)));
            let reverse = if query.reverse { " reverse" } else { "" };
            format!(
                "history {channel} limit {limit}{}{reverse}",
                since.unwrap_or_default()
            )
        }
        Question::Publish {
            channel,
            publication,
            options,
        } => {
            let info = publication
                .info
                .as_ref()
                .map(|info| show_info(info))
                .unwrap_or_default();
            let event = publication
                .tag("event")
                .map(|event| format!(" event {event}"));
            let kept = options.retention.map(|kept| format!(" keep {}", kept.size));
            let key = options.idempotency_key.as_ref().map(|key| {
                let owner = match key.owner() {
                    KeyOwner::Backend => "the backend".to_owned(),
                    KeyOwner::User(user) => format!("{user:?}"),
                    KeyOwner::Client(_) => "the client".to_owned(),
                };
                format!(" once as {} of {owner}", key.as_str())
            });
            let data = payload(Some(&publication.data));
            format!(
                "publish {channel} {data} by {info}{}{}{}{}{}",
                event.unwrap_or_default(),
                more_tags(publication),
                kept.unwrap_or_default(),
                key.unwrap_or_default(),
                show_version(options)
            )
        }
        Question::Presence { channel } => format!("presence {channel}"),
        Question::PresenceStats { channel } => format!("presence_stats {channel}"),
        Question::AddPresence { channel, info } => {
            format!("add_presence {channel} {}", show_info(info))
        }
        Question::Application(request) => show_request(request),
    }
}

/// Tags, where there are others than the event's name.
fn more_tags(publication: &Publication) -> String {
    let tags = publication.tags.as_deref();
    let Some(tags) = tags.filter(|tags| tags.keys().any(|name| &**name != "event")) else {
        return String::new();
    };
    let pairs = tags.iter().map(|(name, value)| format!(" {name}={value}"));
    format!(" tags{}", pairs.collect::<String>())
}

fn show_version(options: &PublishOptions) -> String {
    let delta = if options.delta { " delta" } else { "" };
    let version = match options.version {
        0 => String::new(),
        version => format!(" version {version} {}", options.version_epoch),
    };
    format!("{delta}{version}")
}

fn show_notice(notice: &Notice) -> String {
    match notice {
        Notice::Connected { user, .. } => format!("connected {user:?}"),
        Notice::EndOthers { user, .. } => format!("end_others {user:?}"),
        Notice::KeepPresence { channel, info } => {
            format!("keep_presence {channel} {}", show_info(info))
        }
        Notice::RemovePresence { channel, user, .. } => {
            format!("remove_presence {channel} {user:?}")
        }
        Notice::Join { channel, info } => format!("join {channel} {}", show_info(info)),
        Notice::Leave { channel, info } => format!("leave {channel} {}", show_info(info)),
        Notice::Refused(refused) => {
            let rule = refused.rule.map_or("-", |rule| rule.name());
            let change = match refused.change.as_str() {
                "" => String::new(),
                change => format!(" => {change}"),
            };
            format!(
                "refused {} {:?} of {:?} {} {rule} [{}] {}{change}",
                refused.operation,
                refused.channel,
                refused.user,
                refused.code,
                refused.option,
                refused.why,
            )
        }
    }
}

fn show_info(info: &ClientInfo) -> String {
    let mut text = format!("{:?}", info.user);
    if let Some(info) = &info.conn_info {
        text += &format!(" conn_info {}", payload(Some(info)));
    }
    if let Some(info) = &info.chan_info {
        text += &format!(" chan_info {}", payload(Some(info)));
    }
    text
}

fn show_position(position: &StreamPosition) -> String {
    format!("{}:{}", position.epoch, position.offset)
}

fn show_expiry(expiry: &Expiry) -> String {
    match expiry {
        Expiry::Never => String::new(),
        Expiry::In { ttl_secs } => format!(" for {ttl_secs}s"),
    }
}

fn offsets(publications: &[Arc<Publication>]) -> String {
    publications
        .iter()
        .map(|publication| format!(" {}", publication.offset))
        .collect()
}

pub(super) fn payload(data: Option<&Payload>) -> String {
    data.map_or("nothing".into(), |data| {
        String::from_utf8_lossy(data.bytes()).into_owned()
    })
}
