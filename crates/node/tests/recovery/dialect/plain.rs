//! The plain dialect.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use serde_json::value::RawValue;

use super::{Data, Heard, Name, Publication, Said, Speech, Subscribed, json};

pub(super) fn spell(id: u32, said: &Said) -> Vec<u8> {
    let body = match said {
        // Who comes in is inside at once; a ping is answered, and needs nothing.
        Said::Connect { .. } => json!({ "id": id, "action": "ping" }),
        Said::Subscribe(wish) => {
            let mut body = json!({ "id": id, "action": "subscribe", "channel": wish.channel });
            if let Some((epoch, offset)) = &wish.since {
                body["since"] = json!(format!("{epoch}:{offset}"));
            }
            if let Some(filter) = json::filter(wish.filter) {
                body["filter"] = filter;
            }
            body
        }
        Said::Unsubscribe(channel) => {
            json!({ "id": id, "action": "unsubscribe", "channel": channel })
        }
        Said::Publish { channel, data } => {
            let data = String::from_utf8(data.clone()).expect("JSON is text");
            let line =
                format!(r#"{{"id":{id},"action":"publish","channel":"{channel}","data":{data}}}"#);
            return line.into_bytes();
        }
    };
    body.to_string().into_bytes()
}

#[derive(Deserialize)]
struct Frame<'a> {
    event: Option<String>,
    #[serde(default)]
    system: bool,
    error: Option<IgnoredAny>,
    #[serde(default)]
    code: u32,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    channel: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    binary: bool,
    #[serde(default)]
    size: usize,
    from: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    position: Option<String>,
    recovered: bool,
    code: u32,
}

pub(super) fn read(speech: &mut Speech, is_text: bool, message: &[u8]) -> Option<Heard> {
    if let Some((channel, mut publication)) = speech.announced.take() {
        assert!(!is_text, "announced data come next");
        publication.data = Data::Bytes(message.to_vec());
        return Some(Heard::Publication {
            channel: Name::Whole(channel),
            publication,
        });
    }
    assert!(is_text, "bytes that nobody announced");
    let text = std::str::from_utf8(message).expect("a text frame is UTF-8");
    let frame: Frame<'_> =
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let number = || {
        let id = frame.id.expect("an answer repeats the id").get();
        id.parse().expect("the id is the client's")
    };
    if frame.error.is_some() {
        let (id, code) = (number(), frame.code);
        return Some(Heard::Failed { id, code });
    }
    if !frame.system {
        return read_publication(speech, frame);
    }
    let told = || {
        let data = frame.data.map_or("{}", RawValue::get);
        serde_json::from_str::<Told>(data).unwrap_or_default()
    };
    let channel = frame.channel.clone();
    Some(match frame.event.as_deref().unwrap_or_default() {
        "welcome" => Heard::Nothing,
        "pong" => Heard::Connected {
            id: number(),
            subs: Vec::new(),
        },
        "subscribed" if frame.id.is_none() => Heard::Given {
            channel,
            subscribed: subscribed(&told()),
        },
        "subscribed" => Heard::Subscribed {
            id: number(),
            subscribed: subscribed(&told()),
        },
        "unsubscribed" if frame.id.is_none() => {
            let code = told().code;
            Heard::Taken { channel, code }
        }
        "unsubscribed" => Heard::Unsubscribed { id: number() },
        "published" => Heard::Published { id: number() },
        "disconnect" => Heard::Nothing,
        _ => panic!("nobody asked for this: {text}"),
    })
}

fn read_publication(speech: &mut Speech, frame: Frame<'_>) -> Option<Heard> {
    let (epoch, offset) = match frame.id {
        None => Default::default(),
        Some(id) => position(&serde_json::from_str::<String>(id.get()).expect("a string")),
    };
    let mut publication = Publication {
        offset,
        epoch,
        is_by_client: frame.from.is_some(),
        ..Publication::default()
    };
    if frame.binary {
        assert!(frame.size > 0 && frame.data.is_none());
        speech.announced = Some((frame.channel, publication));
        return None;
    }
    let data = frame.data.expect("a publication has data").get();
    publication.data = Data::Json(data.as_bytes().to_vec());
    Some(Heard::Publication {
        channel: Name::Whole(frame.channel),
        publication,
    })
}

fn subscribed(told: &Told) -> Subscribed {
    let (epoch, offset) = told.position.as_deref().map(position).unwrap_or_default();
    Subscribed {
        epoch,
        offset,
        recovered: told.recovered,
        publications_follow: true,
        ..Subscribed::default()
    }
}

fn position(text: &str) -> (String, u64) {
    let (epoch, offset) = text.rsplit_once(':').expect("epoch:offset");
    (epoch.to_owned(), offset.parse().expect("an offset"))
}
