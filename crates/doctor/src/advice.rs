//! What to change, in lines that can be copied.

use std::time::Duration;

/// What nginx needs to pass an upgrade on.
pub(crate) const PASS_UPGRADES: [&str; 8] = [
    "let the proxy pass WebSocket upgrades on; in nginx:",
    "    location /connection/ {",
    "        proxy_pass http://127.0.0.1:8000;",
    "        proxy_http_version 1.1;",
    "        proxy_set_header Upgrade $http_upgrade;",
    "        proxy_set_header Connection \"upgrade\";",
    "        proxy_set_header Host $host;",
    "    }",
];

/// What lets replies through at once.
pub(crate) const DO_NOT_BUFFER: [&str; 2] = [
    "let the proxy pass each message on at once; in nginx, in the location of the server:",
    "    proxy_buffering off;",
];

/// What keeps idle connections.
pub(crate) fn keep_idle(cut_after: Duration, ping: Duration) -> Vec<String> {
    let enough = ping.as_secs().saturating_mul(2).saturating_add(10);
    let sooner = cut_after.as_secs().saturating_mul(2) / 3;
    let mut lines = vec![
        "let the proxy keep idle connections for longer than client.ping_interval; in nginx:"
            .to_owned(),
        format!("    proxy_read_timeout {enough}s;"),
        format!("    proxy_send_timeout {enough}s;"),
    ];
    if sooner > 0 {
        lines.push(format!(
            "or let the server ping sooner: client.ping_interval \"{sooner}s\" (pong_timeout must be less)"
        ));
    }
    lines
}
