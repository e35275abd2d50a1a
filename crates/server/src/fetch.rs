//! Gets a small document over HTTP or HTTPS, within bounds of time and size.

use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderValue, LOCATION, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri, body::Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use veche_auth::endpoint::without_password;

use crate::version::VERSION;

/// Time for a whole document, redirects included.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Most bytes of a document; a key set of a hundred RSA keys has 60 KiB.
const MAX_BODY: usize = 256 << 10;
/// Redirects that are followed.
const MAX_REDIRECTS: usize = 3;

type Http<Connector> = Client<Connector, Empty<Bytes>>;

/// Fetches documents. Connections are not kept, because a document is fetched at most once an hour.
#[derive(Debug)]
pub(crate) struct Fetcher {
    plain: Http<HttpConnector>,
    /// Made at the first use: the certificates of the system's authorities are read for it.
    encrypted: OnceLock<Result<Http<HttpsConnector<HttpConnector>>, String>>,
}

impl Default for Fetcher {
    fn default() -> Self {
        Self {
            plain: client(HttpConnector::new()),
            encrypted: OnceLock::new(),
        }
    }
}

impl Fetcher {
    /// The body at `address`, which must be answered with 200. Redirects are followed, but not away from HTTPS.
    ///
    /// # Errors
    /// The error, in words.
    /// # Cancel safety
    /// May be dropped; the request ends with it.
    pub(crate) async fn get(&self, address: &str) -> Result<Bytes, String> {
        let got = tokio::time::timeout(TIMEOUT, self.follow(address)).await;
        got.unwrap_or_else(|_| Err(format!("no answer within {} s", TIMEOUT.as_secs())))
    }

    async fn follow(&self, address: &str) -> Result<Bytes, String> {
        let mut address = address.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.ask(&address).await?;
            let status = response.status();
            if status.is_redirection() {
                address = redirected(&address, &response)?;
                continue;
            }
            if status != StatusCode::OK {
                return Err(format!("it answers {status}"));
            }
            let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
            return match body {
                Ok(body) => Ok(body.to_bytes()),
                Err(error) => Err(format!("its answer can't be read: {error}")),
            };
        }
        Err(format!("it redirects more than {MAX_REDIRECTS} times"))
    }

    async fn ask(&self, address: &str) -> Result<Response<Incoming>, String> {
        let uri: Uri = address
            .parse()
            .map_err(|error| format!("{} is no address: {error}", without_password(address)))?;
        let request = request(&uri)?;
        let response = if uri.scheme_str() == Some("https") {
            let made = self.encrypted.get_or_init(encrypted);
            made.as_ref()?.request(request).await
        } else {
            self.plain.request(request).await
        };
        response.map_err(|error| chain(&error))
    }
}

fn client<Connector>(connector: Connector) -> Http<Connector>
where
    Connector: hyper_util::client::legacy::connect::Connect + Clone,
{
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build(connector)
}

fn encrypted() -> Result<Http<HttpsConnector<HttpConnector>>, String> {
    let roots = HttpsConnectorBuilder::new().with_native_roots();
    let roots = roots.map_err(|error| {
        format!("this machine has no certificates of authorities to check HTTPS by ({error}); install ca-certificates")
    })?;
    Ok(client(roots.https_only().enable_http1().build()))
}

fn request(uri: &Uri) -> Result<Request<Empty<Bytes>>, String> {
    let mut request = Request::get(uri)
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, format!("veche/{VERSION}"))
        .body(Empty::new())
        .map_err(|error| error.to_string())?;
    let secret = uri.authority().and_then(|it| it.as_str().rsplit_once('@'));
    if let Some((secret, _)) = secret {
        let secret = percent_encoding::percent_decode_str(secret).decode_utf8_lossy();
        let value = format!("Basic {}", BASE64_STANDARD.encode(secret.as_bytes()));
        let mut value = HeaderValue::try_from(value).map_err(|error| error.to_string())?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    Ok(request)
}

/// Where an answer sends us.
fn redirected(from: &str, response: &Response<Incoming>) -> Result<String, String> {
    let location = response.headers().get(LOCATION);
    let location = location
        .and_then(|it| it.to_str().ok())
        .ok_or("it redirects to nowhere")?;
    let is_absolute = location.starts_with("https://") || location.starts_with("http://");
    if from.starts_with("https://") && location.starts_with("http://") {
        return Err("it redirects away from HTTPS".to_owned());
    }
    if is_absolute {
        return Ok(location.to_owned());
    }
    let (scheme, rest) = from.split_once("://").unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    match location.strip_prefix('/') {
        Some(path) if !path.starts_with('/') => Ok(format!("{scheme}://{authority}/{path}")),
        _ => Err(format!(
            "it redirects to {location:?}, which is not followed"
        )),
    }
}

/// An error and its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
