//! The API over gRPC: authentication, limits and responses.
//!
//! The service is Centrifugo's, `centrifugal.centrifugo.api.CentrifugoApi`, and beside it one for what Centrifugo has
//! not, `veche.api.VecheApi`; the folder `schema` beside `src` has both as `.proto`. Each request becomes the same
//! command that HTTP makes of it.

mod body;
mod methods;
mod reflection;
mod schema;
mod status;
mod timeout;
mod translate;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use bytes::Bytes;
use http_body::Body as HttpBody;
use tonic::Status;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::codegen::Service;
use tower::ServiceExt;
use tracing::debug;

use crate::backend::Backend;
use crate::key::ApiKey;
use body::Bounded;
use methods::Methods;
use reflection::Tool;
use schema::centrifugo_api_server::{CentrifugoApiServer, SERVICE_NAME};
use schema::veche::veche_api_server::{SERVICE_NAME as OWN_SERVICE_NAME, VecheApiServer};

/// How the API is served (configuration section `grpc_api`).
#[derive(Clone, Debug)]
pub struct GrpcOptions {
    /// The key of callers. With an empty key everybody may call, unlike over HTTP.
    pub key: ApiKey,
    /// Errors of commands become statuses, as if every caller had sent `x-centrifugo-error-mode: transport`.
    pub transport_errors: bool,
    /// Describes the service to tools that ask, with or without the key: the schema is no secret.
    pub reflection: bool,
    /// Bytes of a message, before and after it is decompressed. More is `RESOURCE_EXHAUSTED`.
    pub max_message: usize,
    /// From the headers to the end of the message; later is `DEADLINE_EXCEEDED`.
    pub read_timeout: Duration,
}

impl Default for GrpcOptions {
    fn default() -> Self {
        Self {
            key: ApiKey::default(),
            transport_errors: false,
            reflection: false,
            max_message: 4 << 20, // As in all implementations of gRPC.
            read_timeout: Duration::from_secs(30),
        }
    }
}

/// Answers gRPC calls, whatever connection they come by.
pub struct Grpc {
    backend: Arc<dyn Backend>,
    options: GrpcOptions,
    api: CentrifugoApiServer<Methods>,
    /// The service for methods that Centrifugo does not have.
    own: VecheApiServer<Methods>,
    /// By the names of their services.
    reflection: Vec<(&'static str, Tool)>,
}

impl Grpc {
    /// A door to `backend`.
    pub fn new(backend: Arc<dyn Backend>, options: GrpcOptions) -> Self {
        let methods = Arc::new(Methods::new(Arc::clone(&backend), options.transport_errors));
        let api = CentrifugoApiServer::from_arc(Arc::clone(&methods))
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(options.max_message);
        let own = VecheApiServer::from_arc(methods)
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(options.max_message);
        let reflection = if options.reflection {
            reflection::services()
        } else {
            Vec::new()
        };
        Self {
            backend,
            options,
            api,
            own,
            reflection,
        }
    }

    /// Answers one call.
    ///
    /// Calls without the key are refused before the message is read.
    ///
    /// # Cancel safety
    /// May be dropped; what has begun by then may still happen.
    pub async fn serve<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<tonic::codegen::StdError> + Send,
    {
        if let Err(status) = is_grpc(&request) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = status;
            return response;
        }
        let path = request.uri().path().to_owned();
        let (service, method) = path
            .trim_start_matches('/')
            .rsplit_once('/')
            .unwrap_or((&path, ""));
        if service == SERVICE_NAME {
            return self.serve_api(self.api.clone(), method, request).await;
        }
        if service == OWN_SERVICE_NAME {
            return self.serve_api(self.own.clone(), method, request).await;
        }
        let tool = self.reflection.iter().find(|(name, _)| *name == service);
        match tool {
            Some((_, tool)) => {
                let Ok(response) = tool.clone().oneshot(request.map(Body::new)).await;
                response
            }
            None => Status::unimplemented(format!("unknown service {service}")).into_http(),
        }
    }

    async fn serve_api<S, B>(&self, mut api: S, method: &str, request: Request<B>) -> Response<Body>
    where
        S: Service<Request<Bounded<B>>, Response = Response<Body>, Error = Infallible>,
    {
        if let Err(status) = self.admit(request.headers()) {
            return status.into_http();
        }
        let deadline = timeout::asked(request.headers());
        let GrpcOptions {
            max_message,
            read_timeout,
            ..
        } = self.options;
        let request = request.map(|body| Bounded::new(body, max_message, read_timeout));
        let call = api.call(request);
        let answered = match deadline {
            Some(deadline) => tokio::time::timeout(deadline, call).await,
            None => Ok(call.await),
        };
        match answered {
            Ok(Ok(response)) if is_unknown(response.headers()) => {
                Status::unimplemented(format!("method {method} not implemented")).into_http()
            }
            Ok(Ok(response)) => response,
            Err(_) => Status::deadline_exceeded("the time of the call is over").into_http(),
        }
    }

    fn admit(&self, headers: &HeaderMap) -> Result<(), Status> {
        if self.backend.is_closing() {
            return Err(Status::unavailable("the server is shutting down"));
        }
        let key = &self.options.key;
        if !key.is_empty() && !key.is_in_metadata(headers) {
            debug!("a gRPC call showed no key, or another one");
            return Err(Status::unauthenticated("unauthenticated"));
        }
        Ok(())
    }
}

impl fmt::Debug for Grpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grpc")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Whether a request is a gRPC call, or else the HTTP status that says what it is not.
fn is_grpc<B>(request: &Request<B>) -> Result<(), StatusCode> {
    if request.method() != Method::POST {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    let kind = request.headers().get(header::CONTENT_TYPE);
    let suffix = kind.and_then(|kind| kind.as_bytes().strip_prefix(b"application/grpc"));
    match suffix {
        Some([] | [b'+' | b';', ..]) => Ok(()),
        _ => Err(StatusCode::UNSUPPORTED_MEDIA_TYPE),
    }
}

/// Whether the generated code found no such method; its response has no message.
fn is_unknown(headers: &HeaderMap) -> bool {
    let unimplemented = tonic::Code::Unimplemented as i32;
    let code = headers.get(Status::GRPC_STATUS);
    code.is_some_and(|code| code.as_bytes() == unimplemented.to_string().as_bytes())
        && !headers.contains_key(Status::GRPC_MESSAGE)
}

#[cfg(test)]
mod tests;
