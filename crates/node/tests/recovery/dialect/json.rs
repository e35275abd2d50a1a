//! The Centrifuge dialect in JSON.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Data, Filter, Heard, Name, Publication, Said, Speech, Subscribed, Wish};

pub(super) fn spell(id: u32, said: &Said) -> Vec<u8> {
    let body = match said {
        Said::Connect { subs } => {
            let subs: BTreeMap<_, _> = subs.iter().map(|it| (&it.channel, wish(it))).collect();
            json!({ "id": id, "connect": { "subs": subs } })
        }
        Said::Subscribe(it) => json!({ "id": id, "subscribe": wish(it) }),
        Said::Unsubscribe(channel) => json!({ "id": id, "unsubscribe": { "channel": channel } }),
        Said::Publish { channel, data } => {
            // The data go as they are: a value would lose its spaces.
            let data = String::from_utf8(data.clone()).expect("JSON is text");
            let line =
                format!(r#"{{"id":{id},"publish":{{"channel":"{channel}","data":{data}}}}}"#);
            return line.into_bytes();
        }
    };
    body.to_string().into_bytes()
}

fn wish(wish: &Wish) -> Value {
    let mut body = json!({
        "channel": wish.channel,
        "positioned": wish.positioned,
        "recoverable": wish.positioned,
        "flag": u8::from(wish.compact) + 2 * u8::from(wish.rejects),
    });
    if let Some((epoch, offset)) = &wish.since {
        body["recover"] = json!(true);
        body["epoch"] = json!(epoch);
        body["offset"] = json!(offset);
    }
    if wish.delta {
        body["delta"] = json!("fossil");
    }
    if let Some(filter) = filter(wish.filter) {
        body["tf"] = filter;
    }
    body
}

pub(super) fn filter(filter: Filter) -> Option<Value> {
    let (negated, cmp, vals) = filter.parts()?;
    let mut node = json!({ "key": "k", "cmp": cmp });
    match vals {
        [val] => node["val"] = json!(val),
        [] => {}
        vals => node["vals"] = json!(vals),
    }
    if negated {
        node = json!({ "op": "not", "nodes": [node] });
    }
    Some(node)
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(default)]
    id: u32,
    error: Option<Failure>,
    #[serde(borrow)]
    connect: Option<Connect<'a>>,
    #[serde(borrow)]
    subscribe: Option<Body<'a>>,
    unsubscribe: Option<IgnoredAny>,
    publish: Option<IgnoredAny>,
    #[serde(borrow)]
    push: Option<Push<'a>>,
}

#[derive(Deserialize)]
struct Failure {
    code: u32,
}

#[derive(Deserialize)]
struct Connect<'a> {
    #[serde(borrow, default)]
    subs: BTreeMap<String, Body<'a>>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default)]
    epoch: String,
    #[serde(default)]
    offset: u64,
    #[serde(default)]
    recovered: bool,
    #[serde(default)]
    was_recovering: bool,
    #[serde(default)]
    delta: bool,
    #[serde(default)]
    id: i64,
    #[serde(borrow, default)]
    publications: Vec<Pub<'a>>,
}

#[derive(Deserialize)]
struct Push<'a> {
    #[serde(default)]
    id: i64,
    #[serde(default)]
    channel: String,
    #[serde(borrow, rename = "pub")]
    publication: Option<Pub<'a>>,
    unsubscribe: Option<Failure>,
    #[serde(borrow)]
    subscribe: Option<Body<'a>>,
}

#[derive(Deserialize)]
struct Pub<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(default)]
    offset: u64,
    #[serde(default)]
    delta: bool,
    #[serde(default)]
    epoch: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    version: u64,
    info: Option<IgnoredAny>,
}

pub(super) fn read(speech: &mut Speech, message: &[u8]) -> Vec<Heard> {
    let text = std::str::from_utf8(message).expect("a text frame is UTF-8");
    text.split('\n').map(|line| reply(speech, line)).collect()
}

fn reply(speech: &mut Speech, line: &str) -> Heard {
    let reply: Reply<'_> =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let id = reply.id;
    if let Some(push) = reply.push {
        return read_push(speech, push, line);
    }
    if let Some(Failure { code }) = reply.error {
        return Heard::Failed { id, code };
    }
    if let Some(connect) = reply.connect {
        let subs = connect
            .subs
            .into_iter()
            .map(|(channel, body)| (channel.clone(), subscribed(speech, &channel, body)))
            .collect();
        return Heard::Connected { id, subs };
    }
    if let Some(body) = reply.subscribe {
        let channel = speech.asked.remove(&id).expect("it was asked for");
        let subscribed = subscribed(speech, &channel, body);
        return Heard::Subscribed { id, subscribed };
    }
    match (reply.unsubscribe, reply.publish) {
        (Some(_), _) => Heard::Unsubscribed { id },
        (_, Some(_)) => Heard::Published { id },
        _ => panic!("nobody asked for this: {line}"),
    }
}

fn read_push(speech: &mut Speech, push: Push<'_>, line: &str) -> Heard {
    let channel = push.channel;
    if let Some(publication) = push.publication {
        let known = speech.numbers.get(&push.id).unwrap_or(&channel);
        let is_string = speech.told_strings.contains(known);
        let name = match push.id {
            0 => Name::Whole(channel),
            id => Name::Number(id),
        };
        return Heard::Publication {
            channel: name,
            publication: read_publication(publication, is_string),
        };
    }
    if let Some(Failure { code }) = push.unsubscribe {
        return Heard::Taken { channel, code };
    }
    let Some(body) = push.subscribe else {
        panic!("nobody asked for this: {line}");
    };
    speech.told_strings.remove(&channel);
    let mut subscribed = with_delta(body, false);
    subscribed.publications_follow = false;
    Heard::Given {
        channel,
        subscribed,
    }
}

fn subscribed(speech: &mut Speech, channel: &str, body: Body<'_>) -> Subscribed {
    let delta = body.delta;
    let subscribed = with_delta(body, delta);
    speech.note(channel, &subscribed);
    subscribed
}

fn with_delta(body: Body<'_>, delta: bool) -> Subscribed {
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
            .map(|it| read_publication(it, delta))
            .collect(),
        publications_follow: false,
    }
}

fn read_publication(publication: Pub<'_>, is_string: bool) -> Publication {
    let raw = publication.data.get();
    let data = if is_string {
        Data::Text(serde_json::from_str(raw).expect("with deltas the data are a string"))
    } else {
        Data::Json(raw.as_bytes().to_vec())
    };
    Publication {
        data,
        is_delta: publication.delta,
        offset: publication.offset,
        epoch: publication.epoch,
        tags: publication.tags,
        version: publication.version,
        is_by_client: publication.info.is_some(),
    }
}

impl Speech {
    /// From now on the data in this channel are strings, or are not; and a number may stand for its name.
    pub(crate) fn note(&mut self, channel: &str, subscribed: &Subscribed) {
        if subscribed.delta {
            self.told_strings.insert(channel.to_owned());
        } else {
            self.told_strings.remove(channel);
        }
        if subscribed.id != 0 {
            self.numbers.insert(subscribed.id, channel.to_owned());
        }
    }
}
