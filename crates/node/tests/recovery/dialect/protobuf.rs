//! The Centrifuge dialect in Protobuf.

use prost::Message;

use super::{Data, Filter, Heard, Name, Publication, Said, Subscribed, Wish};

#[path = "../../../../protocol/tests/protobuf/schema.rs"]
mod schema;

pub(super) fn spell(id: u32, said: &Said) -> Vec<u8> {
    let mut command = schema::Command {
        id,
        ..schema::Command::default()
    };
    match said {
        Said::Connect { subs } => {
            let subs = subs.iter().map(|it| (it.channel.clone(), wish(it)));
            command.connect = Some(schema::ConnectRequest {
                subs: subs.collect(),
                ..schema::ConnectRequest::default()
            });
        }
        Said::Subscribe(it) => command.subscribe = Some(wish(it)),
        Said::Unsubscribe(channel) => {
            command.unsubscribe = Some(schema::UnsubscribeRequest {
                channel: channel.clone(),
            });
        }
        Said::Publish { channel, data } => {
            command.publish = Some(schema::PublishRequest {
                channel: channel.clone(),
                data: data.clone(),
                ..schema::PublishRequest::default()
            });
        }
    }
    command.encode_length_delimited_to_vec()
}

fn wish(wish: &Wish) -> schema::SubscribeRequest {
    let (epoch, offset) = wish.since.clone().unwrap_or_default();
    schema::SubscribeRequest {
        channel: wish.channel.clone(),
        recover: wish.since.is_some(),
        epoch,
        offset,
        positioned: wish.positioned,
        recoverable: wish.positioned,
        flag: i64::from(wish.compact) + 2 * i64::from(wish.rejects),
        delta: if wish.delta { "fossil" } else { "" }.to_owned(),
        tf: filter(wish.filter),
        ..schema::SubscribeRequest::default()
    }
}

fn filter(filter: Filter) -> Option<schema::FilterNode> {
    let (negated, cmp, vals) = filter.parts()?;
    let vals: Vec<String> = vals.iter().map(|&val| val.to_owned()).collect();
    let mut node = schema::FilterNode {
        key: "k".to_owned(),
        cmp: cmp.to_owned(),
        ..schema::FilterNode::default()
    };
    match vals.as_slice() {
        [val] => node.val = val.clone(),
        _ => node.vals = vals,
    }
    if negated {
        node = schema::FilterNode {
            op: "not".to_owned(),
            nodes: vec![node],
            ..schema::FilterNode::default()
        };
    }
    Some(node)
}

pub(super) fn read(message: &[u8]) -> Vec<Heard> {
    let mut rest = message;
    let mut heard = Vec::new();
    while !rest.is_empty() {
        let reply = schema::Reply::decode_length_delimited(&mut rest).expect("a reply");
        heard.push(read_reply(reply));
    }
    heard
}

fn read_reply(reply: schema::Reply) -> Heard {
    let id = reply.id;
    if let Some(push) = reply.push {
        return read_push(push);
    }
    if let Some(error) = reply.error {
        let code = error.code;
        return Heard::Failed { id, code };
    }
    if let Some(connect) = reply.connect {
        let subs = connect.subs.into_iter();
        let subs = subs.map(|(channel, body)| (channel, subscribed(body)));
        return Heard::Connected {
            id,
            subs: subs.collect(),
        };
    }
    if let Some(body) = reply.subscribe {
        let subscribed = subscribed(body);
        return Heard::Subscribed { id, subscribed };
    }
    match (reply.unsubscribe, reply.publish) {
        (Some(_), _) => Heard::Unsubscribed { id },
        (_, Some(_)) => Heard::Published { id },
        _ => panic!("nobody asked for this"),
    }
}

fn read_push(push: schema::Push) -> Heard {
    let channel = push.channel;
    if let Some(publication) = push.r#pub {
        let name = match push.id {
            0 => Name::Whole(channel),
            id => Name::Number(id),
        };
        return Heard::Publication {
            channel: name,
            publication: read_publication(publication),
        };
    }
    if let Some(unsubscribe) = push.unsubscribe {
        let code = unsubscribe.code;
        return Heard::Taken { channel, code };
    }
    let body = push.subscribe.expect("nothing else was asked for");
    Heard::Given {
        channel,
        subscribed: Subscribed {
            epoch: body.epoch,
            offset: body.offset,
            ..Subscribed::default()
        },
    }
}

fn subscribed(body: schema::SubscribeResult) -> Subscribed {
    Subscribed {
        epoch: body.epoch,
        offset: body.offset,
        recovered: body.recovered,
        was_recovering: body.was_recovering,
        delta: body.delta,
        id: body.id,
        publications: body
            .publications
            .into_iter()
            .map(read_publication)
            .collect(),
        publications_follow: false,
    }
}

fn read_publication(publication: schema::Publication) -> Publication {
    Publication {
        data: Data::Bytes(publication.data),
        is_delta: publication.delta,
        offset: publication.offset,
        epoch: publication.epoch,
        tags: publication.tags,
        version: publication.version,
        is_by_client: publication.info.is_some(),
    }
}
