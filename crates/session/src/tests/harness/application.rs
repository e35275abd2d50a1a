//! Questions to the application and its answers, as words of a transcript.

use std::borrow::Cow;

use veche_protocol::claims::ConnectionClaims;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::identity::UserId;

use super::parse::Words;
use super::show::payload;
use crate::application::{
    ConnectResult, Denial, PublishResult, RefreshResult, Request, Response, Verdict,
};

pub(super) fn show_request(request: &Request) -> String {
    match request {
        Request::Connect(it) => {
            let mut text = format!("app connect {:?} {:?}", it.name, it.version);
            for channel in &it.channels {
                text += &format!(" [{channel}]");
            }
            if let Some(data) = &it.data {
                text += &format!(" data {}", payload(Some(data)));
            }
            text
        }
        Request::Refresh => "app refresh".into(),
        Request::Subscribe(it) => {
            let data = it.data.as_ref();
            let data = data.map(|data| format!(" data {}", payload(Some(data))));
            let data = data.unwrap_or_default();
            format!("app subscribe {} by {}{data}", it.channel, it.proxy)
        }
        Request::Publish(it) => {
            let data = payload(Some(&it.data));
            format!("app publish {} {data} by {}", it.channel, it.proxy)
        }
        Request::SubRefresh(it) => format!("app sub_refresh {} by {}", it.channel, it.proxy),
        Request::Rpc(it) => {
            let data = payload(it.data.as_ref());
            format!("app rpc {} {data} by {}", it.method, it.proxy)
        }
    }
}

/// `granted`, with what is granted; `nothing`; `error=403`; `disconnect=4000`; `failed`.
pub(super) fn response(words: &Words<'_>, request: &Request) -> Response {
    match request {
        Request::Connect(_) => Response::Connect(verdict(words).map(|()| {
            (!words.has("nothing")).then(|| {
                Box::new(ConnectResult {
                    claims: claims(words),
                    data: words.payload("data"),
                })
            })
        })),
        Request::Refresh => Response::Refresh(verdict(words).map(|()| refreshed(words))),
        Request::Subscribe(_) => {
            Response::Subscribe(verdict(words).map(|()| Box::new(words.options())))
        }
        Request::Publish(_) => Response::Publish(verdict(words).map(|()| {
            Box::new(PublishResult {
                data: words.payload("data"),
                skip_history: words.has("skip_history"),
                tags: words
                    .values("tag")
                    .map(|tag| tag.split_once(':').unwrap())
                    .map(|(name, value)| (name.into(), value.into()))
                    .collect(),
                idempotency_key: words.value("key").unwrap_or_default(),
                delta: words.has("delta"),
                version: words.value("version").map_or(0, |it| it.parse().unwrap()),
                version_epoch: words.value("version_epoch").unwrap_or_default(),
            })
        })),
        Request::SubRefresh(_) => Response::SubRefresh(verdict(words).map(|()| refreshed(words))),
        Request::Rpc(_) => Response::Rpc(verdict(words).map(|()| words.payload("data"))),
    }
}

fn verdict(words: &Words<'_>) -> Verdict<()> {
    if words.has("failed") {
        return Err(Denial::Failed);
    }
    if let Some(code) = words.value("error") {
        return Err(Denial::Error(Box::new(CommandError {
            code: ErrorCode(code.parse().unwrap()),
            message: Cow::Borrowed("says the application"),
            temporary: words.has("temporary"),
            why: None,
        })));
    }
    match words.value("disconnect") {
        Some(code) => {
            let code = code.parse().unwrap();
            let disconnect = Disconnect::new(code, "says the application");
            Err(Denial::Disconnect(disconnect))
        }
        None => Ok(()),
    }
}

fn claims(words: &Words<'_>) -> ConnectionClaims {
    ConnectionClaims {
        user: UserId::new(&words.value("user").unwrap_or_default()),
        expire_at: words.time("expire"),
        info: words.payload("info"),
        meta: words.payload("meta"),
        subs: words
            .values("sub")
            .map(|name| (name.to_owned(), words.options()))
            .collect(),
    }
}

fn refreshed(words: &Words<'_>) -> Box<RefreshResult> {
    Box::new(RefreshResult {
        expired: words.has("expired"),
        expire_at: words.time("expire"),
        info: words.payload("info"),
        meta: words.payload("meta"),
    })
}
