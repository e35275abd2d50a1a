//! What is said, asked of the session, and answered.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use veche_protocol::claims::TokenError;
use veche_protocol::command::{self, Verb};
use veche_protocol::error_code::ErrorCode;
use veche_protocol::history::Page;
use veche_protocol::identity::ClientInfo;
use veche_protocol::payload::Payload;
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::{Publication, Retention};
use veche_protocol::push::{self, Push};
use veche_protocol::reply::{self, Body, Expiry, Reply};

use super::*;
use crate::effect::Effect;
use crate::profile::Profile;
use crate::question::{Answer, Question};
use crate::rules::{ChannelOptions, Rules};
use crate::session::Session;
use crate::turn::{Now, Turn};

const CLIENT: &str = "6444ed02-c552-4b6d-8825-ded2eabd8959";

/// A client, its translator, and a session that the test plays.
struct Talk {
    translator: Translator,
    commands: VecDeque<Command>,
    begins_anew: bool,
    close: Option<Disconnect>,
}

impl Talk {
    /// Begins; with what came first.
    fn begin(token: Option<&str>, may_connect: bool) -> (Self, Vec<String>) {
        let translator = Translator::new(TranslatorInit {
            client: CLIENT.parse().expect("a UUID"),
            token: token.map(str::to_owned),
            may_connect,
            ping_secs: 25,
        });
        let mut talk = Self {
            translator,
            commands: VecDeque::new(),
            begins_anew: false,
            close: None,
        };
        let frames = talk.with(Translator::begin);
        (talk, frames)
    }

    /// Somebody who is in already.
    fn inside(user: &str) -> Self {
        let (mut talk, _) = Self::begin(Some("t"), false);
        talk.connected(user);
        talk
    }

    fn with(&mut self, act: impl FnOnce(&mut Translator, &mut Output)) -> Vec<String> {
        let mut out = Output::default();
        act(&mut self.translator, &mut out);
        self.commands.extend(out.commands);
        self.begins_anew |= out.begins_anew;
        self.close = self.close.take().or(out.close);
        let shown = |frame| match frame {
            Frame::Text(text) => String::from_utf8(text).expect("UTF-8").replace(CLIENT, "C"),
            Frame::Binary(data) => format!("{data:?}"),
        };
        out.frames.into_iter().map(shown).collect()
    }

    fn say(&mut self, text: &str) -> Vec<String> {
        self.with(|translator, out| translator.handle_text(text.as_bytes(), out))
    }

    fn send(&mut self, data: &'static [u8]) -> Vec<String> {
        self.with(|translator, out| translator.handle_binary(Bytes::from_static(data), out))
    }

    fn effect(&mut self, effect: &Effect) -> Vec<String> {
        self.with(|translator, out| translator.translate(effect, out))
    }

    fn push(&mut self, channel: &str, body: push::Body) -> Vec<String> {
        self.effect(&Effect::Push(Push::new(channel.into(), body)))
    }

    /// The session answers the oldest command.
    fn answer(&mut self, body: Body) -> Vec<String> {
        let command = self.commands.pop_front().expect("a command that waits");
        self.effect(&Effect::Reply(Reply::new(command.id, body)))
    }

    fn connected(&mut self, user: &str) -> Vec<String> {
        self.answer(Body::Connect(Box::new(connected(user))))
    }

    /// What the session is asked next.
    fn asked(&self) -> &Verb {
        &self.commands.front().expect("a command that waits").verb
    }
}

fn connected(user: &str) -> reply::Connect {
    reply::Connect {
        client: CLIENT.parse().expect("a UUID"),
        user: user.into(),
        version: "0".into(),
        expiry: Expiry::Never,
        data: None,
        subs: Vec::new(),
        ping_secs: 0,
        pong: false,
        session: String::new(),
        node: String::new(),
        time_ms: 0,
    }
}

fn publication(offset: u64, data: &'static str) -> Arc<Publication> {
    Arc::new(Publication {
        offset,
        ..Publication::new(Payload::detect(Bytes::from_static(data.as_bytes())))
    })
}

fn subscribed(offset: u64) -> reply::Subscribe {
    reply::Subscribe {
        epoch: "e".into(),
        offset,
        ..reply::Subscribe::default()
    }
}

fn info(user: &str) -> ClientInfo {
    ClientInfo {
        user: user.into(),
        client: CLIENT.parse().expect("a UUID"),
        conn_info: None,
        chan_info: None,
    }
}

fn error(code: ErrorCode) -> Body {
    Body::Error(Box::new(code.into()))
}

const WELCOME: &str = r#"{"event":"welcome","client":"C","ping":25,"retry":{"min_ms":500,"max_ms":20000},"system":true}"#;

#[test]
fn who_brings_a_token_is_welcomed_by_name() {
    let (mut talk, first) = Talk::begin(Some("t"), false);
    assert!(first.is_empty());
    assert!(matches!(talk.asked(), Verb::Connect(connect) if connect.token == "t"));
    let welcome = talk.connected("ann");
    assert_eq!(
        welcome,
        [WELCOME.replace(r#""ping""#, r#""user":"ann","ping""#)]
    );
}

#[test]
fn who_brings_nothing_is_anonymous_where_that_is_allowed() {
    let (mut talk, first) = Talk::begin(None, true);
    assert!(first.is_empty());
    assert_eq!(talk.connected(""), [WELCOME]);
}

#[test]
fn who_brings_nothing_is_welcomed_and_must_log_in() {
    let (mut talk, first) = Talk::begin(None, false);
    assert_eq!(first, [WELCOME]);
    let refused = talk.say(r#"{"action":"subscribe","channel":"c","id":1}"#);
    assert!(
        refused[0].contains("log in first")
            && refused[0].contains(r#""code":101,"action":"subscribe","channel":"c","id":1"#)
    );
    assert_eq!(
        talk.say(r#"{"action":"ping","id":2}"#),
        [r#"{"event":"pong","id":2,"data":{},"system":true}"#]
    );
    assert!(talk.commands.is_empty());
    assert!(
        talk.say(r#"{"action":"login","token":"t","id":3}"#)
            .is_empty()
    );
    assert_eq!(
        talk.connected("ann"),
        [r#"{"event":"login","id":3,"data":{"user":"ann"},"system":true}"#]
    );
}

#[test]
fn a_name_is_passed_on_for_the_session_to_judge() {
    let (mut talk, _) = Talk::begin(None, false);
    talk.say(r#"{"action":"login","user":"ann"}"#);
    assert!(
        matches!(talk.asked(), Verb::Connect(connect) if connect.name_login.as_deref() == Some("ann"))
    );
    let refused = talk.answer(error(ErrorCode::UNAUTHORIZED));
    assert!(refused[0].contains(r#""code":101,"action":"login""#));
    talk.say(r#"{"action":"login","token":"t"}"#);
    assert!(matches!(talk.asked(), Verb::Connect(connect) if connect.token == "t"));
}

#[test]
fn no_frame_is_taken_until_the_login_is_decided() {
    let (mut talk, _) = Talk::begin(Some("t"), false);
    assert!(!talk.translator.accepts_frame());
    talk.connected("ann");
    assert!(talk.translator.accepts_frame());
    let (mut talk, _) = Talk::begin(None, false);
    assert!(talk.translator.accepts_frame(), "a login may come");
    talk.say(r#"{"action":"login","token":"t"}"#);
    assert!(!talk.translator.accepts_frame());
    talk.answer(error(ErrorCode::UNAUTHORIZED));
    assert!(talk.translator.accepts_frame(), "another may come");
}

#[test]
fn an_expired_token_leaves_the_door_open() {
    let (mut talk, _) = Talk::begin(Some("t"), false);
    let frames = talk.answer(error(ErrorCode::TOKEN_EXPIRED));
    assert_eq!(frames[0], WELCOME);
    assert!(frames[1].contains(r#""code":109"#));
    talk.say(r#"{"action":"login","token":"new"}"#);
    assert!(matches!(talk.asked(), Verb::Connect(connect) if connect.token == "new"));
}

#[test]
fn a_bad_token_is_told_before_the_end() {
    let (mut talk, _) = Talk::begin(Some("t"), false);
    let frames = talk.effect(&Effect::Close(Disconnect::INVALID_TOKEN));
    assert!(frames[0].contains("the token is not valid") && frames[0].contains(r#""code":101"#));
    assert_eq!(
        frames[1],
        r#"{"event":"disconnect","data":{"code":3500,"reason":"invalid token","reconnect":false},"system":true}"#
    );
}

#[test]
fn nobody_may_become_somebody_in_a_new_session() {
    let (mut talk, _) = Talk::begin(None, true);
    talk.connected("");
    talk.say(r#"{"action":"subscribe","channel":"c"}"#);
    talk.answer(Body::Subscribe(Box::new(subscribed(1))));
    talk.say(r#"{"action":"history","channel":"c","id":1}"#);
    talk.commands.clear();
    let frames = talk.say(r#"{"action":"login","token":"t"}"#);
    assert!(talk.begins_anew);
    assert!(
        frames[0].contains("cancelled")
            && frames[0].contains(r#""action":"history","channel":"c","id":1"#)
    );
    assert!(frames[1].contains(r#""event":"unsubscribed","channel":"c","data":{"code":2502"#));
    assert!(matches!(talk.asked(), Verb::Connect(connect) if connect.token == "t"));
    assert_eq!(
        talk.connected("ann"),
        [r#"{"event":"login","data":{"user":"ann"},"system":true}"#]
    );
}

#[test]
fn nobody_stays_nobody_if_the_login_is_refused() {
    let (mut talk, _) = Talk::begin(None, true);
    talk.connected("");
    talk.say(r#"{"action":"login","token":"old"}"#);
    let refused = talk.answer(error(ErrorCode::TOKEN_EXPIRED));
    assert!(refused[0].contains(r#""code":109,"action":"login""#));
    assert!(matches!(talk.asked(), Verb::Connect(connect) if connect.token.is_empty()));
    assert!(talk.connected("").is_empty());
    talk.say(r#"{"action":"subscribe","channel":"c"}"#);
    assert!(matches!(talk.asked(), Verb::Subscribe(_)));
}

#[test]
fn somebody_renews_and_stays_who_it_is() {
    let mut talk = Talk::inside("ann");
    talk.say(r#"{"action":"login","token":"u"}"#);
    assert!(matches!(talk.asked(), Verb::Refresh(refresh) if refresh.token == "u"));
    let renewed = talk.answer(Body::Refresh(Expiry::In { ttl_secs: 9 }));
    assert_eq!(
        renewed,
        [r#"{"event":"login","data":{"user":"ann","ttl":9},"system":true}"#]
    );
    assert!(talk.say(r#"{"action":"login","user":"bob"}"#)[0].contains("logged in already, as"));
}

#[test]
fn one_subscribe_is_several_commands_with_one_answer() {
    let mut talk = Talk::inside("ann");
    talk.say(r#"{"action":"subscribe","channel":"c","id":5,"history":2,"presence":true}"#);
    let Verb::Subscribe(subscribe) = talk.asked() else {
        panic!("not subscribe")
    };
    assert!(
        subscribe.positioned && subscribe.recoverable && subscribe.join_leave && !subscribe.recover
    );
    assert!(
        talk.answer(Body::Subscribe(Box::new(subscribed(7))))
            .is_empty()
    );
    assert!(
        matches!(talk.asked(), Verb::History(history) if history.limit == 2 && history.reverse)
    );
    // What comes meanwhile follows the answer.
    assert!(
        talk.push("c", push::Body::Join(Arc::new(info("bob"))))
            .is_empty()
    );
    // The last was published after the subscription was made, and is delivered live.
    let page = Page {
        publications: vec![
            publication(8, "8"),
            publication(7, "7"),
            publication(6, "6"),
        ],
        position: StreamPosition::new(8, "e".into()),
    };
    assert!(talk.answer(Body::History(page)).is_empty());
    assert!(matches!(talk.asked(), Verb::Presence(presence) if presence.channel == "c"));
    assert_eq!(
        talk.answer(Body::Presence(vec![info("ann")])),
        [
            r#"{"event":"subscribed","id":5,"channel":"c","data":{"position":"e:7","recovered":false,"clients":[{"user":"ann","client":"C"}]},"system":true}"#,
            r#"{"event":"message","channel":"c","data":6,"id":"e:6"}"#,
            r#"{"event":"message","channel":"c","data":7,"id":"e:7"}"#,
            r#"{"event":"join","channel":"c","data":{"user":"bob","client":"C"},"system":true}"#,
        ]
    );
    assert!(talk.commands.is_empty());
}

#[test]
fn who_resumes_gets_what_was_missed_and_not_what_is_recent() {
    let mut talk = Talk::inside("ann");
    talk.say(r#"{"action":"subscribe","channel":"c","since":"e:5","history":10}"#);
    assert!(
        matches!(talk.asked(), Verb::Subscribe(it) if it.recover && it.since.offset == 5 && it.since.epoch.as_str() == "e")
    );
    let recovered = reply::Subscribe {
        recovered: true,
        publications: vec![publication(6, "6"), publication(7, "\u{1}")],
        ..subscribed(5)
    };
    assert_eq!(
        talk.answer(Body::Subscribe(Box::new(recovered))),
        [
            r#"{"event":"subscribed","channel":"c","data":{"position":"e:7","recovered":true},"system":true}"#,
            r#"{"event":"message","channel":"c","data":6,"id":"e:6"}"#,
            r#"{"event":"message","channel":"c","binary":true,"size":1,"id":"e:7"}"#,
            r#"b"\x01""#,
        ]
    );
}

#[test]
fn a_subscription_stands_even_if_the_past_is_not_told() {
    let mut talk = Talk::inside("ann");
    talk.say(r#"{"action":"subscribe","channel":"c","id":1,"history":2}"#);
    talk.answer(Body::Subscribe(Box::new(subscribed(0))));
    let frames = talk.answer(error(ErrorCode::PERMISSION_DENIED));
    assert!(frames[0].contains(r#""event":"subscribed","id":1"#));
    assert!(frames[1].contains(r#""code":103,"action":"history","channel":"c""#));
    talk.say(r#"{"action":"subscribe","channel":"d","id":2,"history":2}"#);
    assert!(
        talk.answer(error(ErrorCode::PERMISSION_DENIED))[0]
            .contains(r#""action":"subscribe","channel":"d","id":2"#)
    );
    assert!(talk.commands.is_empty());
}

#[test]
fn events_and_filter_go_to_the_session_and_hold_for_the_past() {
    let mut talk = Talk::inside("ann");
    talk.say(r#"{"action":"subscribe","channel":"c","events":["typing"],"history":5}"#);
    assert!(
        matches!(talk.asked(), Verb::Subscribe(it) if it.events == ["typing"] && it.filter.is_none())
    );
    talk.answer(Body::Subscribe(Box::new(subscribed(1))));
    let page = Page {
        publications: vec![publication(1, "1")],
        position: StreamPosition::new(1, "e".into()),
    };
    assert_eq!(talk.answer(Body::History(page)).len(), 1);
    let refused = talk.say(r#"{"action":"subscribe","channel":"d","filter":{"cmp":"like"}}"#);
    assert!(refused[0].contains("unknown cmp") && refused[0].contains(r#""code":107"#));
}

#[test]
fn a_publication_travels_with_its_name_and_key() {
    let mut talk = Talk::inside("ann");
    talk.say(r#"{"action":"publish","channel":"c","event":"typing","data":1,"key":"k","id":"x"}"#);
    let Verb::Publish(publish) = talk.asked() else {
        panic!("not publish")
    };
    assert_eq!(publish.tags, [("event".to_owned(), "typing".to_owned())]);
    assert_eq!(publish.idempotency_key, "k");
    assert_eq!(
        talk.answer(Body::Publish(Some(StreamPosition::new(3, "e".into())))),
        [r#"{"event":"published","id":"x","channel":"c","data":{"position":"e:3"},"system":true}"#]
    );
    talk.say(r#"{"event":"publish","topic":"c","data":1}"#);
    assert!(matches!(talk.asked(), Verb::Publish(publish) if publish.tags.is_empty()));
}

#[test]
fn the_binary_frame_after_an_announcement_is_the_data() {
    let mut talk = Talk::inside("ann");
    talk.say(r#"{"action":"publish","channel":"p","event":"image","binary":true,"type":"image/png","id":1}"#);
    assert!(talk.commands.is_empty());
    talk.send(b"123");
    let Verb::Publish(publish) = talk.asked() else {
        panic!("not publish")
    };
    assert!(
        publish
            .data
            .as_ref()
            .is_some_and(|data| !data.is_json() && data.len() == 3)
    );
    let tag = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        publish.tags,
        [tag("event", "image"), tag("type", "image/png")]
    );
}

#[test]
fn a_text_frame_cancels_an_announcement() {
    let mut talk = Talk::inside("ann");
    talk.say(r#"{"action":"publish","channel":"p","binary":true,"id":1}"#);
    let frames = talk.say(r#"{"action":"ping"}"#);
    assert!(frames[0].contains(r#""code":107,"action":"publish","channel":"p","id":1"#));
    assert!(frames[1].contains("pong"));
    assert!(talk.send(b"1")[0].contains("nobody announced"));
    assert!(talk.commands.is_empty());
}

#[test]
fn the_data_of_a_refused_announcement_is_dropped() {
    let (mut talk, _) = Talk::begin(None, false);
    assert!(
        talk.say(r#"{"action":"publish","channel":"p","binary":true}"#)[0]
            .contains(r#""code":101"#)
    );
    assert!(talk.send(b"1").is_empty());
    assert_eq!(talk.say(r#"{"action":"ping"}"#).len(), 1);
}

#[test]
fn the_other_actions_are_one_command_each() {
    let mut talk = Talk::inside("ann");
    talk.say(r#"{"action":"history","channel":"c"}"#);
    assert!(
        matches!(talk.asked(), Verb::History(history) if history.limit == -1 && !history.reverse)
    );
    assert!(
        talk.answer(Body::History(Page::default()))[0].contains(r#""data":{"publications":[]}"#)
    );
    talk.say(r#"{"action":"presence","channel":"c","stats":true}"#);
    assert!(matches!(talk.asked(), Verb::PresenceStats(_)));
    assert!(
        talk.answer(Body::PresenceStats(reply::PresenceStats::default()))[0]
            .contains("num_clients")
    );
    talk.say(r#"{"action":"call","method":"m","data":[1]}"#);
    assert!(matches!(
        talk.asked(),
        Verb::Rpc(command::Rpc { data: Some(_), .. })
    ));
    assert!(
        talk.answer(error(ErrorCode::NOT_AVAILABLE))[0].contains(r#""code":108,"action":"call""#)
    );
    talk.say(r#"{"action":"unsubscribe","channel":"c","id":4}"#);
    assert_eq!(
        talk.answer(Body::Unsubscribe),
        [r#"{"event":"unsubscribed","id":4,"channel":"c","data":{},"system":true}"#]
    );
}

#[test]
fn server_side_subscriptions_are_told_after_the_welcome() {
    let (mut talk, _) = Talk::begin(Some("t"), false);
    let mut connect = connected("ann");
    connect.subs = vec![("news".into(), subscribed(4))];
    assert_eq!(
        talk.answer(Body::Connect(Box::new(connect)))[1..],
        [
            r#"{"event":"subscribed","channel":"news","data":{"position":"e:4","recovered":false},"system":true}"#
        ]
    );
    let pushed = talk.push("news", push::Body::Publication(publication(5, "5")));
    assert_eq!(
        pushed,
        [r#"{"event":"message","channel":"news","data":5,"id":"e:5"}"#]
    );
    let ended = talk.push(
        "news",
        push::Body::Unsubscribe(push::Unsubscribe::INSUFFICIENT_STATE),
    );
    assert!(ended[0].contains(r#""data":{"code":2500,"reason":"insufficient state"}"#));
}

#[test]
fn only_repeated_abuse_is_cut_off() {
    let mut talk = Talk::inside("ann");
    for _ in 0..29 {
        assert!(talk.say("not json")[0].contains(r#""code":107"#));
    }
    talk.say(r#"{"action":"ping"}"#);
    for _ in 0..29 {
        talk.say("not json");
    }
    assert_eq!(talk.close, None);
    talk.say("not json");
    assert_eq!(talk.close, Some(Disconnect::TOO_MANY_ERRORS));
}

/// A client, its translator, and a real session in a world that has nothing but an empty stream in each channel.
struct Whole {
    translator: Translator,
    session: Session,
    rules: Rules,
    frames: Vec<String>,
    closed: Option<Disconnect>,
}

impl Whole {
    fn begin(rules: Rules) -> Self {
        let client = CLIENT.parse().expect("a UUID");
        let translator = Translator::new(TranslatorInit {
            client,
            token: None,
            may_connect: crate::permission::may_try_without_token(&rules),
            ping_secs: 25,
        });
        let mut whole = Self {
            translator,
            session: session(&rules),
            rules,
            frames: Vec::new(),
            closed: None,
        };
        let mut out = Output::default();
        whole.translator.begin(&mut out);
        whole.carry_out(out);
        whole
    }

    /// What came since the last time.
    fn say(&mut self, text: &str) -> Vec<String> {
        let mut out = Output::default();
        self.translator.handle_text(text.as_bytes(), &mut out);
        self.carry_out(out);
        std::mem::take(&mut self.frames)
    }

    fn carry_out(&mut self, out: Output) {
        if out.begins_anew {
            self.session = session(&self.rules);
        }
        for frame in out.frames {
            if let Frame::Text(text) = frame {
                self.frames
                    .push(String::from_utf8(text).expect("UTF-8").replace(CLIENT, "C"));
            }
        }
        for command in out.commands {
            let mut effects = Vec::new();
            let turn = turn(&self.rules);
            assert!(self.session.accepts_command(&turn));
            self.session.handle_command(command, &turn, &mut effects);
            self.carry_out_effects(effects);
        }
    }

    fn carry_out_effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let mut out = Output::default();
            self.translator.translate(&effect, &mut out);
            self.carry_out(out);
            match effect {
                Effect::Ask { ask, question } => {
                    let mut effects = Vec::new();
                    let answer = world(question);
                    self.session
                        .handle_answer(ask, answer, &turn(&self.rules), &mut effects);
                    self.carry_out_effects(effects);
                }
                Effect::Close(disconnect) => self.closed = Some(disconnect),
                _ => {}
            }
        }
    }
}

fn session(rules: &Rules) -> Session {
    let init = crate::session::SessionInit {
        user: None,
        client: CLIENT.parse().expect("a UUID"),
        seed: 1,
        profile: Profile::WEBSOCKET_FRAME_PING,
        emulation: None,
        headers: None,
    };
    Session::new(init, &turn(rules))
}

fn turn(rules: &Rules) -> Turn<'_> {
    Turn {
        now: Now::default(),
        rules,
    }
}

fn world(question: Question) -> Answer {
    match question {
        Question::History { .. } => Answer::History(Ok(Page {
            publications: Vec::new(),
            position: StreamPosition::new(0, "e".into()),
        })),
        Question::Enter { .. } | Question::AddPresence { .. } => Answer::Done(Ok(())),
        Question::ChannelId { .. } => Answer::ChannelId(1),
        Question::Publish { .. } => Answer::Published(Ok(StreamPosition::new(1, "e".into()))),
        Question::Presence { .. } => Answer::Presence(Ok(vec![info("ann")])),
        Question::PresenceStats { .. } => {
            Answer::PresenceStats(Ok(reply::PresenceStats::default()))
        }
        Question::UserPlace { .. } => Answer::Count(0),
        Question::ConnectionToken { token } if token == "unchecked" => {
            let why =
                "the keys of http://10.0.0.7/jwks can't be had: Connection refused (os error 111)";
            Answer::ConnectionToken(Err(TokenError::Failed(why.into())))
        }
        Question::ConnectionToken { .. } => {
            Answer::ConnectionToken(Err(TokenError::Expired("it expired 5 s ago".into())))
        }
        Question::SubscriptionToken { .. } => {
            Answer::SubscriptionToken(Err(TokenError::Expired("it expired 5 s ago".into())))
        }
        Question::Application(request) => panic!("{request:?}"),
    }
}

fn open_rules() -> Rules {
    let mut rules = Rules::default();
    rules.client.allow_name_login = true;
    rules.channel.without_namespace = Arc::new(ChannelOptions {
        allow_subscribe_for_client: true,
        allow_publish_for_client: true,
        allow_history_for_subscriber: true,
        allow_presence_for_subscriber: true,
        presence: true,
        retention: Some(Retention {
            size: 10,
            ttl: Duration::from_secs(60),
            meta_ttl: Duration::from_secs(60),
        }),
        ..ChannelOptions::default()
    });
    rules
}

#[test]
fn ten_lines_are_enough_to_chat() {
    let mut whole = Whole::begin(open_rules());
    assert_eq!(std::mem::take(&mut whole.frames), [WELCOME]);
    assert_eq!(
        whole.say(r#"{"action":"login","user":"ann"}"#),
        [r#"{"event":"login","data":{"user":"ann"},"system":true}"#]
    );
    assert_eq!(
        whole.say(r#"{"action":"subscribe","channel":"chat","id":1,"history":5,"presence":true}"#),
        [
            r#"{"event":"subscribed","id":1,"channel":"chat","data":{"position":"e:0","recovered":false,"clients":[{"user":"ann","client":"C"}]},"system":true}"#
        ]
    );
    assert_eq!(
        whole.say(r#"{"action":"publish","channel":"chat","data":"hello","id":2}"#),
        [
            r#"{"event":"published","id":2,"channel":"chat","data":{"position":"e:1"},"system":true}"#
        ]
    );
    assert!(
        whole.say(r#"{"action":"subscribe","channel":"chat","id":3}"#)[0].contains(r#""code":105"#)
    );
    assert!(whole.say(r#"{"action":"call","method":"m","id":4}"#)[0].contains(r#""code":108"#));
    assert!(
        whole.say(r#"{"action":"unsubscribe","channel":"chat","id":5}"#)[0]
            .contains("unsubscribed")
    );
    assert_eq!(whole.closed, None);
}

#[test]
fn a_stranger_may_try_again_and_is_told_why_not() {
    let mut rules = open_rules();
    rules.client.allow_name_login = false;
    let mut whole = Whole::begin(rules);
    whole.frames.clear();
    let refused = whole.say(r#"{"action":"login","user":"ann","id":1}"#);
    assert!(refused[0].contains("plain.allow_name_login") && refused[0].contains(r#""code":101"#));
    assert!(whole.say(r#"{"action":"login","token":"old","id":2}"#)[0].contains(r#""code":109"#));
    assert!(whole.say(r#"{"action":"presence","channel":"chat"}"#)[0].contains("log in first"));
    assert_eq!(whole.closed, None);
}

#[test]
fn a_stranger_hears_nothing_of_the_inside() {
    let mut whole = Whole::begin(open_rules());
    whole.frames.clear();
    assert_eq!(
        whole.say(r#"{"action":"login","token":"unchecked","id":1}"#),
        [
            r#"{"error":"the token could not be checked; try again later","code":100,"action":"login","id":1,"system":true}"#
        ]
    );
}

#[test]
fn nobody_logs_in_late_by_name() {
    let mut rules = open_rules();
    rules.client.allow_anonymous_connect_without_token = true;
    let mut whole = Whole::begin(rules);
    assert_eq!(std::mem::take(&mut whole.frames), [WELCOME]);
    assert!(whole.say(r#"{"action":"subscribe","channel":"chat"}"#)[0].contains(r#""code":103"#));
    assert!(whole.say(r#"{"action":"login","user":"ann"}"#)[0].contains(r#""user":"ann""#));
    assert!(whole.say(r#"{"action":"subscribe","channel":"chat"}"#)[0].contains("subscribed"));
    assert_eq!(whole.closed, None);
}

#[test]
fn a_login_that_waited_behind_an_anonymous_token_makes_a_new_session() {
    let mut translator = Translator::new(TranslatorInit {
        client: CLIENT.parse().expect("a UUID"),
        token: Some("anonymous".to_owned()),
        may_connect: false,
        ping_secs: 25,
    });
    let mut out = Output::default();
    translator.begin(&mut out);
    let connected = reply::Connect {
        client: CLIENT.parse().expect("a UUID"),
        user: UserId::default(),
        version: "".into(),
        expiry: Expiry::Never,
        data: None,
        subs: Vec::new(),
        ping_secs: 0,
        pong: false,
        session: String::new(),
        node: String::new(),
        time_ms: 0,
    };
    let body = Body::Connect(Box::new(connected));
    translator.translate(&Effect::Reply(Reply::new(1, body)), &mut Output::default());
    // What the client said while its token was looked at comes now.
    let mut out = Output::default();
    let subscribe = r#"{"action":"subscribe","channel":"chat","id":1}"#;
    translator.handle_text(subscribe.as_bytes(), &mut out);
    assert!(!out.begins_anew);
    let mut out = Output::default();
    let login = r#"{"action":"login","user":"ann","id":2}"#;
    translator.handle_text(login.as_bytes(), &mut out);
    assert!(out.begins_anew);
    // The new session hears of the login alone: what was asked as nobody is cancelled, and the client is told.
    let verbs: Vec<_> = out.commands.iter().map(|it| it.verb.name()).collect();
    assert_eq!(verbs, ["connect"]);
    let [Frame::Text(cancelled)] = &out.frames[..] else {
        panic!("one frame: {:?}", out.frames);
    };
    let cancelled = String::from_utf8_lossy(cancelled);
    assert!(
        cancelled.contains("cancelled") && cancelled.contains(r#""id":1"#),
        "{cancelled}"
    );
}
