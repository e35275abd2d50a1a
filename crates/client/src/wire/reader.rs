//! Reads frames. Whatever the server sends, the result is a value.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::frame::{ActionError, Announced, Frame, Reply, Welcome};
use crate::data::Data;
use crate::position::Position;
use crate::publication::{ClientInfo, Publication};

/// The frame is none of the dialect; says what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Reads one text frame.
pub(crate) fn decode(text: &str) -> Result<Frame, Malformed> {
    let raw: Raw<'_> = parse(text, "it is no object of the dialect")?;
    if raw.error.is_some() {
        return Ok(raw.refused());
    }
    if raw.system {
        raw.system()
    } else {
        raw.publication()
    }
}

/// The fields that any object of the server has.
#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow, default)]
    event: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    error: Option<Cow<'a, str>>,
    #[serde(default)]
    code: u32,
    #[serde(borrow, default)]
    action: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    channel: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    system: bool,
    #[serde(default)]
    binary: bool,
    #[serde(rename = "type", default)]
    media_type: Option<String>,
    #[serde(default)]
    size: Option<usize>,
    #[serde(default)]
    time: Option<u64>,
    #[serde(borrow, default)]
    from: Option<RawClient<'a>>,
    #[serde(default)]
    client: Option<String>,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    ping: u32,
    #[serde(default)]
    retry: Option<RawRetry>,
}

#[derive(Deserialize)]
struct RawRetry {
    min_ms: u64,
    max_ms: u64,
}

#[derive(Deserialize)]
struct RawClient<'a> {
    #[serde(default)]
    user: String,
    #[serde(default)]
    client: String,
    #[serde(borrow, default)]
    conn_info: Option<&'a RawValue>,
    #[serde(borrow, default)]
    chan_info: Option<&'a RawValue>,
}

/// What may stand in `data` of an answer.
#[derive(Default, Deserialize)]
struct RawData<'a> {
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    ttl: Option<u64>,
    #[serde(borrow, default)]
    position: Option<Cow<'a, str>>,
    #[serde(default)]
    recovered: bool,
    #[serde(borrow, default)]
    clients: Option<Vec<RawClient<'a>>>,
    #[serde(borrow, default)]
    publications: Vec<Raw<'a>>,
    #[serde(default)]
    num_clients: Option<u64>,
    #[serde(default)]
    num_users: Option<u64>,
    #[serde(default)]
    code: u32,
    #[serde(default)]
    reason: String,
}

/// Bytes where no binary frame can follow.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    binary: bool,
    #[serde(rename = "type", default)]
    media_type: Option<String>,
    #[serde(borrow)]
    base64: Cow<'a, str>,
}

impl<'a> Raw<'a> {
    fn refused(self) -> Frame {
        Frame::Refused {
            id: self.answered(),
            refusal: ActionError {
                code: self.code,
                message: self.error.unwrap_or_default().into_owned(),
            },
            action: self.action.map(Cow::into_owned),
            channel: self.channel.map(Cow::into_owned),
        }
    }

    fn system(self) -> Result<Frame, Malformed> {
        let event = self.event.as_deref().unwrap_or_default();
        match event {
            "welcome" => return Ok(Frame::Welcome(self.welcome())),
            "message" => return Ok(Frame::Message(data(self.data))),
            "disconnect" => {
                let data = self.details()?;
                return Ok(Frame::Disconnect {
                    code: u16::try_from(data.code).unwrap_or_default(),
                    reason: data.reason,
                });
            }
            "join" | "leave" => return self.membership(),
            _ => {}
        }
        match self.answered() {
            Some(id) => match self.answer()? {
                Some(answer) => Ok(Frame::Answer { id, answer }),
                None => Ok(Frame::Unknown),
            },
            None => self.unasked(),
        }
    }

    fn answer(&self) -> Result<Option<Reply>, Malformed> {
        let event = self.event.as_deref().unwrap_or_default();
        Ok(Some(match event {
            // The backend's own data, of any shape.
            "call" => Reply::Call(data(self.data)),
            "pong" => Reply::Pong,
            "unsubscribed" => Reply::Unsubscribed,
            "login" => {
                let data = self.details()?;
                Reply::Login {
                    user: data.user,
                    ttl_secs: data.ttl,
                }
            }
            "subscribed" => {
                let data = self.details()?;
                Reply::Subscribed {
                    position: position(data.position.as_deref())?,
                    recovered: data.recovered,
                    clients: clients(data.clients),
                }
            }
            "published" => Reply::Published {
                position: position(self.details()?.position.as_deref())?,
            },
            "history" => {
                let data = self.details()?;
                Reply::History {
                    position: position(data.position.as_deref())?,
                    publications: (data.publications.into_iter())
                        .map(Raw::past)
                        .collect::<Result<_, _>>()?,
                }
            }
            "presence" => {
                let data = self.details()?;
                match (data.num_clients, data.num_users) {
                    (Some(num_clients), Some(num_users)) => Reply::PresenceStats {
                        num_clients,
                        num_users,
                    },
                    _ => Reply::Presence {
                        clients: clients(data.clients).unwrap_or_default(),
                    },
                }
            }
            _ => return Ok(None),
        }))
    }

    /// News that nobody asked for.
    fn unasked(self) -> Result<Frame, Malformed> {
        let channel = || {
            let channel = self.channel.as_deref().map(str::to_owned);
            channel.ok_or(Malformed("it names no channel"))
        };
        match self.event.as_deref().unwrap_or_default() {
            "subscribed" => Ok(Frame::Subscribed {
                position: position(self.details()?.position.as_deref())?,
                channel: channel()?,
            }),
            "unsubscribed" => {
                let data = self.details()?;
                Ok(Frame::Unsubscribed {
                    channel: channel()?,
                    code: data.code,
                    reason: data.reason,
                })
            }
            _ => Ok(Frame::Unknown),
        }
    }

    fn membership(self) -> Result<Frame, Malformed> {
        let client: RawClient<'_> = match self.data {
            Some(data) => parse(data.get(), "the client in it cannot be read")?,
            None => return Err(Malformed("it names no client")),
        };
        let client = client.into_info();
        let is_join = self.event.as_deref() == Some("join");
        let channel = self.channel.ok_or(Malformed("it names no channel"))?;
        let channel = channel.into_owned();
        Ok(if is_join {
            Frame::Join { channel, client }
        } else {
            Frame::Leave { channel, client }
        })
    }

    fn welcome(self) -> Welcome {
        Welcome {
            client: self.client.unwrap_or_default(),
            user: self.user,
            ping_secs: self.ping,
            retry_ms: self.retry.map(|retry| (retry.min_ms, retry.max_ms)),
        }
    }

    fn publication(mut self) -> Result<Frame, Malformed> {
        let channel = self.channel.take();
        let channel = channel.ok_or(Malformed("a publication names no channel"))?;
        let announced = match (self.binary, self.size) {
            (false, _) => None,
            (true, Some(size)) => Some(Announced {
                size,
                media_type: self.media_type.take(),
            }),
            (true, None) => return Err(Malformed("announced bytes have no size")),
        };
        Ok(Frame::Publication {
            channel: channel.into_owned(),
            publication: self.into_publication(data)?,
            announced,
        })
    }

    /// A publication in an answer to `history`.
    fn past(self) -> Result<Publication, Malformed> {
        self.into_publication(enveloped)
    }

    fn into_publication(
        self,
        data: impl FnOnce(Option<&RawValue>) -> Data,
    ) -> Result<Publication, Malformed> {
        let id: Option<Cow<'_, str>> = match self.id {
            Some(id) => Some(parse(id.get(), "the id of a publication is no string")?),
            None => None,
        };
        Ok(Publication {
            event: self.event.map_or("message".into(), Cow::into_owned),
            data: data(self.data),
            position: position(id.as_deref())?,
            time_ms: self.time,
            from: self.from.map(RawClient::into_info),
        })
    }

    /// The id of the action that this answers. This client uses numbers; others are not its own.
    fn answered(&self) -> Option<u64> {
        self.id?.get().parse().ok()
    }

    fn details(&self) -> Result<RawData<'a>, Malformed> {
        match self.data {
            Some(data) => parse(data.get(), "its data cannot be read"),
            None => Ok(RawData::default()),
        }
    }
}

impl RawClient<'_> {
    fn into_info(self) -> ClientInfo {
        let data = |raw: &RawValue| Data::from_raw(raw.to_owned());
        ClientInfo {
            user: self.user,
            client: self.client,
            conn_info: self.conn_info.map(data),
            chan_info: self.chan_info.map(data),
        }
    }
}

fn clients(clients: Option<Vec<RawClient<'_>>>) -> Option<Vec<ClientInfo>> {
    Some(clients?.into_iter().map(RawClient::into_info).collect())
}

fn position(text: Option<&str>) -> Result<Option<Position>, Malformed> {
    let Some(text) = text else { return Ok(None) };
    let position = text.parse().map_err(|_| Malformed("a position is none"))?;
    Ok(Some(position))
}

fn data(raw: Option<&RawValue>) -> Data {
    raw.map_or_else(Data::null, |raw| Data::from_raw(raw.to_owned()))
}

fn enveloped(raw: Option<&RawValue>) -> Data {
    let bytes = raw.and_then(|raw| {
        let envelope: Envelope<'_> = serde_json::from_str(raw.get()).ok()?;
        let bytes = STANDARD.decode(envelope.base64.as_bytes()).ok()?;
        let data = Data::binary(bytes);
        envelope.binary.then(|| match envelope.media_type {
            Some(media_type) => data.with_media_type(media_type),
            None => data,
        })
    });
    bytes.unwrap_or_else(|| data(raw))
}

fn parse<'de, T: Deserialize<'de>>(text: &'de str, what: &'static str) -> Result<T, Malformed> {
    serde_json::from_str(text).map_err(|_| Malformed(what))
}

#[cfg(test)]
mod tests;
