//! Calls the server's HTTP API: plain HTTP/1.1, one connection for a run of calls.

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::error::ChatError;
use crate::limits;
use crate::store::outbox::Row;

/// Where the API is, and the key to it.
pub(crate) struct ApiClient {
    /// `host:port`.
    authority: String,
    /// The path of `publish`, below the path of the server's URL, and that of `broadcast`.
    publish: String,
    broadcast: String,
    disconnect: String,
    host: HeaderValue,
    key: HeaderValue,
}

/// Why the server did not take a publication. All of them are tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    #[error("no connection to the server")]
    Connect(#[source] std::io::Error),
    #[error("the connection to the server broke")]
    Http(#[from] hyper::Error),
    #[error("no answer from the server within {:?}", limits::API_TIMEOUT)]
    Timeout,
    #[error("the server answered with status {0}")]
    Status(StatusCode),
    #[error("the server's answer cannot be read")]
    Answer,
    #[error("the server refused the publication with code {code}: {message}")]
    Refused { code: u32, message: String },
}

impl ApiClient {
    /// Reads the address, `http://host[:port][/path]`, and the key.
    pub(crate) fn new(server_url: &str, api_key: &str) -> Result<Self, ChatError> {
        let bad = || ChatError::ServerUrl(server_url.to_owned());
        let uri: Uri = server_url.parse().map_err(|_| bad())?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(ChatError::Tls(server_url.to_owned())),
            _ => return Err(bad()),
        }
        let host = uri.host().ok_or_else(bad)?;
        let authority = format!("{host}:{}", uri.port_u16().unwrap_or(80));
        let mut key = HeaderValue::from_str(api_key).map_err(|_| ChatError::ApiKey)?;
        key.set_sensitive(true);
        Ok(Self {
            publish: format!("{}/api/publish", uri.path().trim_end_matches('/')),
            disconnect: format!("{}/api/disconnect", uri.path().trim_end_matches('/')),
            broadcast: format!("{}/api/broadcast", uri.path().trim_end_matches('/')),
            host: HeaderValue::from_str(&authority).map_err(|_| bad())?,
            authority,
            key,
        })
    }

    /// Opens a connection for a run of calls; it closes when it is dropped.
    pub(crate) async fn connect(&self) -> Result<ApiConnection<'_>, PublishError> {
        let connect = TcpStream::connect(&self.authority);
        let stream = timeout(limits::API_TIMEOUT, connect)
            .await
            .map_err(|_| PublishError::Timeout)?;
        let stream = stream.map_err(PublishError::Connect)?;
        stream.set_nodelay(true).map_err(PublishError::Connect)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // What goes wrong on the connection is seen by the call that waits on it.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(ApiConnection {
            client: self,
            sender,
            driver,
        })
    }
}

impl std::fmt::Debug for ApiClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiClient")
            .field("authority", &self.authority)
            .finish_non_exhaustive()
    }
}

/// An open connection to the API.
#[derive(Debug)]
pub(crate) struct ApiConnection<'a> {
    client: &'a ApiClient,
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl ApiConnection<'_> {
    /// Publishes one row. The row's key makes a repetition harmless.
    pub(crate) async fn publish(&mut self, row: &Row) -> Result<(), PublishError> {
        let data = RawValue::from_string(row.data.clone()).map_err(|_| PublishError::Answer)?;
        let mut body = serde_json::json!({
            "data": data,
            "idempotency_key": row.key,
            "tags": { "event": row.event },
        });
        let (path, field, value) = match row.channels.as_slice() {
            [one] => (&self.client.publish, "channel", serde_json::json!(one)),
            several => (
                &self.client.broadcast,
                "channels",
                serde_json::json!(several),
            ),
        };
        if let Some(fields) = body.as_object_mut() {
            fields.insert(field.to_owned(), value);
        }
        self.post(path, &body).await
    }

    /// Ends all connections of a user, with a code after which clients come back: who still has a session does.
    pub(crate) async fn disconnect(&mut self, user: &str) -> Result<(), PublishError> {
        let disconnect = serde_json::json!({ "code": SIGNED_OUT, "reason": "a session has ended" });
        let body = serde_json::json!({ "user": user, "disconnect": disconnect });
        self.post(&self.client.disconnect, &body).await
    }

    async fn post(&mut self, path: &str, body: &serde_json::Value) -> Result<(), PublishError> {
        let request = Request::post(path)
            .header(header::HOST, &self.client.host)
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-api-key", &self.client.key)
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|_| PublishError::Answer)?;
        timeout(limits::API_TIMEOUT, self.call(request))
            .await
            .map_err(|_| PublishError::Timeout)?
    }

    async fn call(&mut self, request: Request<Full<Bytes>>) -> Result<(), PublishError> {
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(PublishError::Status(answer.status()));
        }
        let body = Limited::new(answer.into_body(), limits::API_ANSWER_BYTES)
            .collect()
            .await;
        let body = body.map_err(|_| PublishError::Answer)?.to_bytes();
        match serde_json::from_slice(&body).map_err(|_| PublishError::Answer)? {
            ApiAnswer {
                error: Some(Fault { code, message }),
                ..
            } => Err(PublishError::Refused { code, message }),
            // A broadcast is done when every channel took it; the keys make a repetition harmless.
            ApiAnswer { result, .. } => {
                match result.responses.into_iter().find_map(|one| one.error) {
                    Some(Fault { code, message }) => Err(PublishError::Refused { code, message }),
                    None => Ok(()),
                }
            }
        }
    }
}

impl Drop for ApiConnection<'_> {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Codes from 4000 to 4499 are an application's own, and clients connect again after them (client protocol, "Disconnect
/// codes").
const SIGNED_OUT: u32 = 4000;

/// What the API answers; of a result only the faults of a broadcast are of interest.
#[derive(Deserialize)]
struct ApiAnswer {
    error: Option<Fault>,
    #[serde(default)]
    result: Outcome,
}

#[derive(Default, Deserialize)]
struct Outcome {
    #[serde(default)]
    responses: Vec<Response>,
}

#[derive(Deserialize)]
struct Response {
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    code: u32,
    #[serde(default)]
    message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_plain_http() {
        let client = ApiClient::new("http://[::1]:8000/veche/", "key").expect("valid");
        assert_eq!(
            (client.authority.as_str(), client.publish.as_str()),
            ("[::1]:8000", "/veche/api/publish")
        );
        assert!(matches!(
            ApiClient::new("https://example.org", "key"),
            Err(ChatError::Tls(_))
        ));
        assert!(matches!(
            ApiClient::new("example.org:80", "key"),
            Err(ChatError::ServerUrl(_))
        ));
        assert!(matches!(
            ApiClient::new("http://example.org", "a\nb"),
            Err(ChatError::ApiKey)
        ));
    }
}
