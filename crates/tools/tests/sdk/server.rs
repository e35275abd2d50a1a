//! A real server, in this process.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;
use tokio::runtime::Handle;
use veche_config::{File, Sources};
use veche_server::configuration;
use veche_server::server::Bound;

const SECRET: &str = "the secret of these tests";

pub(crate) struct Server {
    running: veche_server::server::Server,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start() -> Self {
        let config = json!({
            "http_server": {"address": "127.0.0.1"},
            "plain": {"enabled": true},
            "client": {
                "allow_anonymous_connect_without_token": true,
                "ping_interval": "5s",
                "pong_timeout": "4s",
                "token": {"hmac_secret_key": SECRET},
            },
            "channel": {
                "without_namespace": {
                    "allow_subscribe_for_client": true,
                    "allow_subscribe_for_anonymous": true,
                    "allow_publish_for_client": true,
                    "allow_publish_for_anonymous": true,
                    "allow_history_for_client": true,
                    "allow_history_for_anonymous": true,
                    "allow_presence_for_client": true,
                    "allow_presence_for_anonymous": true,
                    "allow_recovery": true,
                    "allow_tags_filter": true,
                    "allowed_delta_types": ["fossil"],
                    "delta_publish": true,
                    "presence": true,
                    "join_leave": true,
                    "history_size": 10000,
                    "history_ttl": "10m",
                },
                "namespaces": [{"name": "closed", "allow_publish_for_client": true}],
            },
        });
        let file = File {
            name: "config.json".into(),
            text: config.to_string(),
        };
        let flags = [("http_server.port", "0"), ("node.workers", "1")];
        let sources = Sources {
            file: Some(file),
            flags: flags
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            ..Sources::default()
        };
        let loaded = configuration::load(&sources).expect("a good configuration");
        let bound = Bound::new(loaded).expect("it listens");
        let address = *bound.addresses().first().expect("an address");
        let running = bound.start(None, Handle::current()).expect("it starts");
        Self { running, address }
    }

    pub(crate) async fn stop(self) {
        self.running.stop(Duration::from_secs(10)).await;
    }

    pub(crate) fn url(&self) -> String {
        url(self.address)
    }

    /// Where a client of the plain dialect connects, who can give publications a tag.
    pub(crate) fn plain_url(&self) -> String {
        format!("ws://{}/connection/plain", self.address)
    }
}

pub(crate) fn url(address: SocketAddr) -> String {
    format!("ws://{address}/connection/websocket")
}

/// A connection token that lives for so many seconds.
pub(crate) fn token(user: &str, secs: i64) -> String {
    signed(&json!({"sub": user, "exp": in_secs(secs)}))
}

/// A subscription token.
pub(crate) fn subscription_token(user: &str, channel: &str, secs: i64) -> String {
    signed(&json!({"sub": user, "channel": channel, "exp": in_secs(secs)}))
}

fn in_secs(secs: i64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("after 1970").as_secs();
    now.saturating_add_signed(secs)
}

fn signed(claims: &serde_json::Value) -> String {
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let text = format!("{}.{}", part(&header), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key will do");
    mac.update(text.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{text}.{signature}")
}
