//! Turns frames into commands.

use bytes::Bytes;
use veche_protocol::channel::Channel;
use veche_protocol::command::{self, Connect, History, Presence, Refresh, Rpc, Unsubscribe};
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::filter::{DEFAULT_EVENT, EVENT_TAG, Filter};
use veche_protocol::identity::UserId;
use veche_protocol::payload::Payload;
use veche_protocol::plain::{
    self, Action, Publish, Rejected, RequestEcho, Subscribe, Verb, decode_action,
};
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::TYPE_TAG;
use veche_protocol::push::{self, Push};
use veche_protocol::reply::Expiry;

use super::pending::{Subscribing, What};
use super::{Output, Standing, Translator};

/// A publication that waits for its data in the next binary frame.
#[derive(Debug)]
pub(super) struct Announced {
    asked: RequestEcho,
    /// `None` where the announcement was refused: the data is awaited, and dropped.
    publish: Option<Box<Publish>>,
}

impl Translator {
    pub(super) fn read_text(&mut self, text: &[u8], out: &mut Output) {
        if let Some(Announced {
            asked,
            publish: Some(_),
        }) = self.announced.take()
        {
            let why = "the announced binary frame did not come: a text frame took its place and cancels the publication";
            out.error(&bad(why), &asked);
        }
        match decode_action(text) {
            Ok(action) => {
                self.mistakes = 0;
                self.act(action, out);
            }
            Err(rejected) => self.reject(*rejected, out),
        }
    }

    pub(super) fn read_binary(&mut self, data: Bytes, out: &mut Output) {
        let Some(Announced { asked, publish }) = self.announced.take() else {
            let why = "a binary frame that nobody announced: first send {\"action\":\"publish\",\"channel\":\"...\",\"binary\":true}";
            return self.reject(
                Rejected {
                    asked: RequestEcho::default(),
                    error: bad(why),
                },
                out,
            );
        };
        if let Some(mut publish) = publish {
            publish.data = Some(Payload::binary(data));
            self.publish(asked, *publish, out);
        }
    }

    fn reject(&mut self, rejected: Rejected, out: &mut Output) {
        out.error(&rejected.error, &rejected.asked);
        self.mistakes += 1;
        if self.mistakes >= MAX_MISTAKES {
            out.close = Some(Disconnect::TOO_MANY_ERRORS);
        }
    }

    fn act(&mut self, action: Action, out: &mut Output) {
        let Action { asked, verb } = action;
        match verb {
            Verb::Ping => out.text(|out| plain::encode_done("pong", &asked, out)),
            Verb::Login { token, user } => self.login(asked, token, user, out),
            verb => {
                if let Standing::Inside(_) = self.standing {
                    return self.act_inside(asked, verb, out);
                }
                if matches!(&verb, Verb::Publish(publish) if publish.data.is_none()) {
                    self.announced = Some(Announced {
                        asked: asked.clone(),
                        publish: None,
                    });
                }
                out.error(&ErrorCode::UNAUTHORIZED.into(), &asked);
            }
        }
    }

    fn act_inside(&mut self, asked: RequestEcho, verb: Verb, out: &mut Output) {
        let channel = asked.channel().to_owned();
        let verb = match verb {
            Verb::Ping | Verb::Login { .. } => return,
            Verb::Subscribe(subscribe) => return self.subscribe(asked, *subscribe, out),
            Verb::Publish(publish) if publish.data.is_none() => {
                let publish = Some(publish);
                self.announced = Some(Announced { asked, publish });
                return;
            }
            Verb::Publish(publish) => return self.publish(asked, *publish, out),
            Verb::Unsubscribe => command::Verb::Unsubscribe(Unsubscribe { channel }),
            Verb::History {
                limit,
                since,
                reverse,
            } => command::Verb::History(history(channel, limit, since, reverse)),
            Verb::Presence { stats: false } => command::Verb::Presence(Presence { channel }),
            Verb::Presence { stats: true } => command::Verb::PresenceStats(Presence { channel }),
            Verb::Call { method, data } => command::Verb::Rpc(Rpc { data, method }),
        };
        self.ask(asked, What::Other, verb, out);
    }

    fn login(
        &mut self,
        asked: RequestEcho,
        token: Option<String>,
        user: Option<String>,
        out: &mut Output,
    ) {
        let known = match &self.standing {
            Standing::Inside(known) if !known.is_anonymous() => known.clone(),
            _ => return self.connect(asked, token, user, out),
        };
        match (token, user) {
            (Some(token), _) => {
                self.ask(
                    asked,
                    What::Refresh,
                    command::Verb::Refresh(Refresh { token }),
                    out,
                );
            }
            (None, Some(user)) if user == known.as_str() => {
                out.text(|out| {
                    plain::encode_login(&asked, &UserId::new(&user), Expiry::Never, out)
                });
            }
            _ => {
                let why = format!(
                    "you are logged in already, as \"{known}\": connect again to be somebody else"
                );
                out.error(&bad(why), &asked);
            }
        }
    }

    /// Says to the session who the client is; to a new one, if it was nobody so far.
    pub(super) fn connect(
        &mut self,
        asked: RequestEcho,
        token: Option<String>,
        user: Option<String>,
        out: &mut Output,
    ) {
        let before = std::mem::replace(&mut self.standing, Standing::Asking);
        let was_inside = matches!(before, Standing::Inside(_));
        let is_attempt = asked.action.is_none() && token.is_none() && user.is_none();
        if was_inside {
            self.begin_anew(out);
        }
        let connect = Connect {
            may_log_in: is_attempt,
            name_login: user.filter(|_| token.is_none()),
            token: token.unwrap_or_default(),
            ..Connect::default()
        };
        let verb = command::Verb::Connect(Box::new(connect));
        let what = What::Connect {
            was_inside,
            is_attempt,
        };
        self.ask(asked, what, verb, out);
    }

    fn begin_anew(&mut self, out: &mut Output) {
        out.begins_anew = true;
        // The commands of this step that were for the old session are cancelled too.
        out.commands.clear();
        for pending in std::mem::take(&mut self.pending) {
            let why = "cancelled, because you logged in meanwhile: ask again";
            let error = CommandError::because(ErrorCode::INTERNAL, why);
            out.error(&error, &pending.asked);
        }
        for channel in std::mem::take(&mut self.channels).into_keys() {
            let body = push::Body::Unsubscribe(push::Unsubscribe::STATE_INVALIDATED);
            out.text(|out| plain::encode_push(&Push::new(channel, body), out));
        }
    }

    fn subscribe(&mut self, asked: RequestEcho, subscribe: Subscribe, out: &mut Output) {
        let filter = match &subscribe.filter {
            Some(node) => match Filter::compile(node) {
                Ok(filter) => Some(filter.and_events(&subscribe.events)),
                Err(invalid) => return out.error(&bad(invalid.to_string()), &asked),
            },
            None => Some(Filter::events(&subscribe.events)),
        };
        let what = What::Subscribe(Box::new(Subscribing {
            channel: Channel::new(asked.channel()),
            filter,
            is_resuming: subscribe.since.is_some(),
            history: subscribe.history,
            presence: subscribe.presence,
            ..Subscribing::default()
        }));
        let verb = command::Verb::Subscribe(Box::new(command::Subscribe {
            channel: asked.channel().to_owned(),
            token: subscribe.token,
            recover: subscribe.since.is_some(),
            since: subscribe.since.unwrap_or_default(),
            positioned: true,
            recoverable: true,
            join_leave: subscribe.presence,
            filter: subscribe.filter,
            events: subscribe.events,
            ..command::Subscribe::default()
        }));
        self.ask(asked, what, verb, out);
    }

    fn publish(&mut self, asked: RequestEcho, publish: Publish, out: &mut Output) {
        let event = publish.event.filter(|event| event != DEFAULT_EVENT);
        let tags = [(EVENT_TAG, event), (TYPE_TAG, publish.media_type)];
        let tags = tags
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let verb = command::Verb::Publish(Box::new(command::Publish {
            channel: asked.channel().to_owned(),
            data: publish.data,
            tags: tags.collect(),
            idempotency_key: publish.key,
            ..command::Publish::default()
        }));
        self.ask(asked, What::Other, verb, out);
    }
}

/// A `history` command; without a limit of the client's the server's counts.
pub(super) fn history(
    channel: String,
    limit: Option<u32>,
    since: Option<StreamPosition>,
    reverse: bool,
) -> History {
    History {
        channel,
        limit: limit.map_or(-1, |limit| i32::try_from(limit).unwrap_or(i32::MAX)),
        since,
        reverse,
    }
}

fn bad(why: impl Into<std::borrow::Cow<'static, str>>) -> CommandError {
    CommandError::because(ErrorCode::BAD_REQUEST, why)
}

/// Most consecutive frames that are not actions; one more closes the connection.
const MAX_MISTAKES: u32 = 30;
