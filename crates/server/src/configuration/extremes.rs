//! What zero, a negative and a huge value do to every key that holds a number or a duration.

use std::time::Duration;

use veche_config::setting::Kind;
use veche_config::{Sources, table};
use veche_protocol::claims::ConnectionClaims;
use veche_protocol::command::{Command, Connect, Subscribe, Verb};
use veche_session::profile::Profile;
use veche_session::question::{Answer, Ask};
use veche_session::rules::Rules;
use veche_session::session::{Session, SessionInit};
use veche_session::turn::{Now, Turn};

use super::load;
use crate::rules::rules;

/// What becomes of a value.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    /// It stops the start, with these words.
    Refused(&'static str),
    /// It means what the key's documentation says in these words.
    Means(&'static str),
    /// It is a value like others.
    Plain,
}

use Verdict::{Means, Plain, Refused};

/// Keys that have effect: what zero does, what -1 (-1s) does, and what the largest number does that can be written.
const KEYS: &[(&str, Verdict, Verdict, Verdict)] = &[
    ("http_server.port", Means("0 is any"), NEGATIVE, TOO_LARGE),
    ("grpc_api.port", Means("0 is any"), NEGATIVE, TOO_LARGE),
    (
        "grpc_api.max_receive_message_size",
        Means("0 is the library's limit"),
        NEGATIVE,
        Plain,
    ),
    (
        "node.workers",
        Means("0 is one for each"),
        NEGATIVE,
        Means("at most 64"),
    ),
    (
        "http_server.keepalive_timeout",
        Means("`0s` closes it after each answer"),
        BACKWARD,
        Plain,
    ),
    (
        "shutdown.timeout",
        Means("`0s` ends at once"),
        BACKWARD,
        Plain,
    ),
    (
        "engine.disk.interval",
        Refused("\"0s\" leaves no time between two syncs"),
        BACKWARD,
        Plain,
    ),
    (
        "engine.disk.max_size",
        Means("0 is no limit"),
        NEGATIVE,
        Plain,
    ),
    (
        "engine.disk.cache_size",
        Means("0 holds nothing"),
        NEGATIVE,
        Plain,
    ),
    (
        "client.ping_interval",
        Refused("write \"-1s\" to switch pings off"),
        Means("`-1s` never"),
        Plain,
    ),
    (
        "client.pong_timeout",
        Refused("write \"-1s\" to switch the wait for pongs off"),
        Means("`-1s` forever"),
        Refused("is not less than client.ping_interval"),
    ),
    (
        "client.expired_close_delay",
        Means("`0s` is none"),
        BACKWARD,
        Plain,
    ),
    (
        "client.expired_sub_close_delay",
        Means("`0s` is none"),
        BACKWARD,
        Plain,
    ),
    (
        "client.stale_close_delay",
        Refused("leaves clients no time"),
        BACKWARD,
        Plain,
    ),
    (
        "client.channel_limit",
        Means("0 is no limit"),
        NEGATIVE,
        Plain,
    ),
    (
        "client.queue_max_size",
        Refused("0 leaves no room"),
        NEGATIVE,
        Plain,
    ),
    (
        "client.presence_update_interval",
        Means("`0s` is the default"),
        BACKWARD,
        Plain,
    ),
    (
        "client.concurrency",
        Means("0 and 1 keep their order"),
        NEGATIVE,
        Plain,
    ),
    (
        "client.channel_position_check_delay",
        Means("`0s` is the default"),
        BACKWARD,
        Plain,
    ),
    (
        "client.channel_position_max_time_lag",
        Means("`0s` is none"),
        BACKWARD,
        Plain,
    ),
    (
        "client.connection_limit",
        Means("0 is no limit"),
        NEGATIVE,
        Plain,
    ),
    (
        "client.user_connection_limit",
        Means("0 is no limit"),
        NEGATIVE,
        Plain,
    ),
    (
        "client.connection_rate_limit",
        Means("0 is no limit"),
        NEGATIVE,
        Plain,
    ),
    (
        "client.history_max_publication_limit",
        Means("0 is no limit"),
        NEGATIVE,
        Plain,
    ),
    (
        "client.recovery_max_publication_limit",
        Means("0 is no limit"),
        NEGATIVE,
        Plain,
    ),
    (
        "client.token.hmac_previous_secret_key_valid_until",
        Means("0 is without end"),
        Refused("-1 is not a time"),
        Plain,
    ),
    (
        "client.subscription_token.hmac_previous_secret_key_valid_until",
        Means("0 is without end"),
        Refused("-1 is not a time"),
        Plain,
    ),
    (
        "channel.history_meta_ttl",
        Refused("would forget positions at once"),
        BACKWARD,
        Plain,
    ),
    (
        "channel.max_length",
        Refused("0 allows no channel"),
        NEGATIVE,
        Plain,
    ),
    (
        "channel.without_namespace.history_size",
        Means("0 keeps none"),
        NEGATIVE,
        Refused("history needs history_size and history_ttl"),
    ),
    (
        "channel.without_namespace.history_ttl",
        Means("`0s` keeps none"),
        BACKWARD,
        Refused("is longer than history_meta_ttl"),
    ),
    (
        "channel.without_namespace.history_meta_ttl",
        Means("0 takes `channel.history_meta_ttl`"),
        BACKWARD,
        Plain,
    ),
    (
        "websocket.compression_min_size",
        Means("0 compresses all"),
        NEGATIVE,
        Plain,
    ),
    (
        "websocket.compression_level",
        Refused("write 1 to 9"),
        Refused("write 1 to 9"),
        TOO_LARGE,
    ),
    (
        "websocket.message_size_limit",
        Refused("0 allows no message"),
        NEGATIVE,
        Plain,
    ),
    (
        "websocket.decompressed_message_size_limit",
        Means("0 is ten times"),
        NEGATIVE,
        Plain,
    ),
];

const NEGATIVE: Verdict = Refused("is not a whole number from 0 up");
const BACKWARD: Verdict = Refused("is negative; write a duration from \"0s\" up");
const TOO_LARGE: Verdict = Refused("is too large; write at most");

/// Keys and sections of what is not there yet, or has no effect in this server: their numbers are read and no more.
const WITHOUT_EFFECT: &[&str] = &[
    "engine.redis",
    "broker",
    "presence_manager",
    "map_broker",
    "controller",
    "shared_poll",
    "client.proxy",
    "client.connect_code_to_unidirectional_disconnect",
    "channel.proxy",
    "channel.without_namespace.map",
    "channel.without_namespace.shared_poll",
    // The same keys as those of channel.without_namespace, read by the same code.
    "channel.namespaces[]",
    "rpc",
    "proxies[]",
    "consumers[]",
    "websocket.read_buffer_size",
    "websocket.write_buffer_size",
    "websocket.write_timeout",
    "sse",
    "http_stream",
    "webtransport",
    "uni_sse",
    "uni_http_stream",
    "uni_websocket",
    "uni_grpc",
    "emulation",
    "graphite",
    "node.info_metrics_aggregate_interval",
];

fn is_without_effect(path: &str) -> bool {
    WITHOUT_EFFECT.iter().any(|known| {
        path.strip_prefix(known)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

#[test]
fn every_number_and_duration_has_its_row() {
    let numbers = table::keys()
        .iter()
        .filter(|key| matches!(key.kind, Kind::Integer | Kind::Duration));
    for key in numbers {
        let rows = KEYS.iter().filter(|(path, ..)| *path == key.path).count();
        let expected = usize::from(!is_without_effect(&key.path));
        assert_eq!(rows, expected, "{}", key.path);
    }
    for (path, ..) in KEYS {
        assert!(table::find(path).is_some(), "{path}");
    }
}

#[test]
fn zero_negative_and_huge_values_are_refused_or_mean_what_is_documented() {
    for (path, zero, negative, huge) in KEYS {
        let key = table::find(path).expect("a key of the table");
        let (none, less, most, beyond) = match key.kind {
            Kind::Duration => ("0s", "-1s", "2562047h", "2562048h"),
            _ => ("0", "-1", "9223372036854775807", "18446744073709551616"),
        };
        for (text, verdict) in [
            (none, *zero),
            (less, *negative),
            (most, *huge),
            (beyond, Refused("is too ")),
        ] {
            check(key, text, verdict);
        }
    }
}

/// Gives a value by a flag, where zero is meant.
fn check(key: &table::Key, text: &str, verdict: Verdict) {
    let path = key.path.as_str();
    let loaded = load(&Sources {
        flags: vec![(path.to_owned(), text.to_owned())],
        ..Sources::default()
    });
    match (verdict, loaded) {
        (Refused(words), Err(error)) => {
            let is_told =
                |line: &String| line.starts_with(&format!("{path}: ")) && line.contains(words);
            let section = path.rsplit_once('.').map_or("", |(section, _)| section);
            let is_told_beside = |line: &String| line.starts_with(section) && line.contains(words);
            let lines = &error.problems;
            assert!(
                lines.iter().any(is_told) || lines.iter().any(is_told_beside),
                "{path} {text}: {lines:?}"
            );
        }
        (Means(words), Ok(loaded)) => {
            assert!(key.doc.contains(words), "{path} {text}: {}", key.doc);
            converse(&rules(&loaded.config, ""));
        }
        (Plain, Ok(loaded)) => converse(&rules(&loaded.config, "")),
        (verdict, loaded) => panic!("{path} {text}: {verdict:?}, but {loaded:?}"),
    }
}

/// A conversation in which every timer is set, and looked at until long after the largest of them.
fn converse(rules: &Rules) {
    let ages = [0, 1, 60, 3600, 1 << 33, 1 << 34].map(Duration::from_secs);
    let turn = |monotonic| Turn {
        now: Now {
            monotonic,
            unix_ms: 1_000,
        },
        rules,
    };
    let start = turn(Duration::from_secs(5));
    let init = SessionInit {
        client: "00000000-0000-4000-8000-000000000000"
            .parse()
            .expect("a UUID"),
        user: None,
        seed: 1,
        profile: Profile::WEBSOCKET,
        emulation: None,
        headers: None,
    };
    for expire_at in [None, Some(2), Some(i64::MAX)] {
        let mut effects = Vec::new();
        let mut session = Session::new(init.clone(), &start);
        let connect = Connect {
            token: "token".to_owned(),
            ..Connect::default()
        };
        let connect = Command {
            id: 1,
            verb: Verb::Connect(Box::new(connect)),
        };
        session.handle_command(connect, &start, &mut effects);
        let claims = ConnectionClaims {
            user: "anna".into(),
            expire_at,
            ..ConnectionClaims::default()
        };
        let answer = Answer::ConnectionToken(Ok(Box::new(claims)));
        session.handle_answer(Ask(1), answer, &start, &mut effects);
        let subscribe = Command {
            id: 2,
            verb: Verb::Subscribe(Box::new(Subscribe {
                channel: "news".to_owned(),
                ..Subscribe::default()
            })),
        };
        session.handle_command(subscribe, &start, &mut effects);
        for age in ages {
            session.handle_timeout(&turn(age), &mut effects);
            let _ = session.poll_timeout();
        }
    }
}
