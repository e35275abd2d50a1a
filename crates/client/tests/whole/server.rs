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
            "plain": {"enabled": true, "allow_name_login": true},
            "client": {
                "allow_anonymous_connect_without_token": true,
                "token": {"hmac_secret_key": SECRET},
            },
            "channel": {
                "without_namespace": {
                    "allow_subscribe_for_client": true,
                    "allow_subscribe_for_anonymous": true,
                    "allow_publish_for_client": true,
                    "allow_publish_for_anonymous": true,
                    "allow_history_for_subscriber": true,
                    "allow_presence_for_subscriber": true,
                    "presence": true,
                    "join_leave": true,
                    "allow_recovery": true,
                    "allow_tags_filter": true,
                    "history_size": 10000,
                    "history_ttl": "10m",
                },
                "namespaces": [
                    {"name": "bare", "allow_subscribe_for_client": true, "allow_publish_for_client": true},
                    {"name": "closed", "allow_subscribe_for_client": true},
                    {"name": "private", "allow_publish_for_client": true},
                ],
            },
        });
        let file = File {
            name: "config.json".into(),
            text: config.to_string(),
        };
        let sources = Sources {
            file: Some(file),
            flags: [("http_server.port", "0"), ("node.workers", "1")]
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

    /// Ends the server, with all that it remembers.
    pub(crate) async fn stop(self) {
        self.running.stop(Duration::from_secs(10)).await;
    }

    pub(crate) fn url(&self) -> String {
        url(self.address)
    }
}

pub(crate) fn url(address: SocketAddr) -> String {
    format!("ws://{address}/connection/plain")
}

/// A token of a user's, which lives for so many seconds.
pub(crate) fn token(user: &str, secs: u64) -> String {
    signed(&json!({"sub": user, "exp": now() + secs}))
}

/// A subscription token, which lives for so many seconds, or has run out so many seconds ago.
pub(crate) fn subscription_token(user: &str, channel: &str, secs: i64) -> String {
    let exp = now().saturating_add_signed(secs);
    signed(&json!({"sub": user, "channel": channel, "exp": exp}))
}

/// A token that has run out.
pub(crate) fn expired_token(user: &str) -> String {
    signed(&json!({"sub": user, "exp": now() - 100}))
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_secs()
}

fn signed(claims: &serde_json::Value) -> String {
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!(
        "{}.{}",
        part(&json!({"alg": "HS256", "typ": "JWT"})),
        part(claims)
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key will do");
    mac.update(text.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{text}.{signature}")
}
