//! Whose session ends hears of it at once.

use std::sync::Arc;

use serde_json::json;
use tracing::debug;

use super::Service;
use crate::api_client::ApiClient;
use crate::channels;

/// Tells the windows of sessions that these have ended, and has the server end the user's connections: who has a session
/// left connects again, who had one of these does not.
pub(super) fn tell(service: &Service, user: &str, ended: &[String]) {
    if ended.is_empty() {
        return;
    }
    announce_ends(service, user, ended);
    tokio::spawn(disconnect(Arc::clone(&service.client), user.to_owned()));
}

async fn disconnect(client: Arc<ApiClient>, user: String) {
    let outcome = match client.connect().await {
        Ok(mut connection) => connection.disconnect(&user).await,
        Err(error) => Err(error),
    };
    // Without it the connections end when their tokens do.
    if let Err(error) = outcome {
        debug!(%error, "connections of ended sessions were not closed at once");
    }
}

/// Tells the windows of sessions that they have ended.
pub(super) fn announce_ends(service: &Service, user: &str, ended: &[String]) {
    for session in ended {
        let news = json!({ "type": "session-ended", "session": session });
        service
            .announcer
            .announce(channels::personal(user), format!("session:{session}"), news);
    }
}
