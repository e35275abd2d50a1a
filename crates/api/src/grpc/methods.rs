//! The methods of the service: every request becomes a command, every outcome a response.

use std::sync::Arc;

use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::schema::centrifugo_api_server::CentrifugoApi;
use super::schema::veche::veche_api_server::VecheApi;
use super::schema::veche::{self, UsersRequest, UsersResponse};
use super::schema::{
    BatchRequest, BatchResponse, BroadcastRequest, BroadcastResponse, ChannelsRequest,
    ChannelsResponse, Command, ConnectionsRequest, ConnectionsResponse, DisconnectRequest,
    DisconnectResponse, HistoryRemoveRequest, HistoryRemoveResponse, HistoryRequest,
    HistoryResponse, InfoRequest, InfoResponse, PresenceRequest, PresenceResponse,
    PresenceStatsRequest, PresenceStatsResponse, PublishRequest, PublishResponse, RefreshRequest,
    RefreshResponse, Reply, RpcRequest, RpcResponse, SubscribeRequest, SubscribeResponse,
    UnsubscribeRequest, UnsubscribeResponse,
};
use super::status::{error, status};
use super::translate::InProtobuf;
use crate::backend::Backend;
use crate::concurrently::{run_all, run_in_order};
use crate::error::{is_temporary, message};
use crate::method::batch::no_method;
use crate::method::{carry_out, log};

/// The service.
#[derive(Debug)]
pub(super) struct Methods {
    backend: Arc<dyn Backend>,
    transport_errors: bool,
}

impl Methods {
    pub(super) fn new(backend: Arc<dyn Backend>, transport_errors: bool) -> Self {
        Self {
            backend,
            transport_errors,
        }
    }

    /// How the caller wants to be answered.
    fn manner(&self, metadata: &MetadataMap) -> Manner {
        let mode = metadata.get("x-centrifugo-error-mode");
        Manner {
            transport_errors: self.transport_errors
                || mode.is_some_and(|mode| mode.as_encoded_bytes() == b"transport"),
            is_compressed: metadata
                .get("grpc-encoding")
                .is_some_and(|encoding| encoding.as_encoded_bytes() != b"identity"),
        }
    }
}

/// How a caller wants to be answered.
struct Manner {
    /// Errors are statuses.
    transport_errors: bool,
    /// Compressed, as the request was.
    is_compressed: bool,
}

impl Manner {
    fn response<T>(&self, message: T) -> Response<T> {
        let mut response = Response::new(message);
        if !self.is_compressed {
            response.disable_compression();
        }
        response
    }
}

/// The methods but `Batch`: name, request, response. Of several in one command of a batch the first counts.
macro_rules! methods {
    ($($name:ident $request:ident $response:ident;)*) => {
        #[tonic::async_trait]
        impl CentrifugoApi for Methods {
            $(async fn $name(
                &self,
                request: Request<$request>,
            ) -> Result<Response<$response>, Status> {
                let manner = self.manner(request.metadata());
                let response = match carry_out(request.into_inner().command(), &self.backend).await
                {
                    Ok(answer) => $response {
                        error: None,
                        result: Some($request::result(answer)),
                    },
                    Err(cause) if manner.transport_errors => return Err(status(&cause)),
                    Err(cause) => $response {
                        error: Some(error(&cause)),
                        result: None,
                    },
                };
                Ok(manner.response(response))
            })*

            async fn batch(
                &self,
                request: Request<BatchRequest>,
            ) -> Result<Response<BatchResponse>, Status> {
                let manner = self.manner(request.metadata());
                let BatchRequest { commands, parallel } = request.into_inner();
                let commands = commands.into_iter().map(|command| {
                    let backend = Arc::clone(&self.backend);
                    async move { reply(command, &backend).await }
                });
                let replies = if parallel {
                    run_all(commands).await
                } else {
                    run_in_order(commands).await
                };
                Ok(manner.response(BatchResponse { replies }))
            }
        }

        /// Carries out a command of a batch.
        async fn reply(command: Command, backend: &Arc<dyn Backend>) -> Reply {
            $(if let Some(request) = command.$name {
                return match carry_out(request.command(), backend).await {
                    Ok(answer) => Reply {
                        $name: Some(Box::new($request::result(answer))),
                        ..Reply::default()
                    },
                    Err(cause) => Reply {
                        error: Some(Box::new(error(&cause))),
                        ..Reply::default()
                    },
                };
            })*
            let cause = no_method();
            log("batch", &cause);
            Reply {
                error: Some(Box::new(error(&cause))),
                ..Reply::default()
            }
        }
    };
}

methods! {
    publish PublishRequest PublishResponse;
    broadcast BroadcastRequest BroadcastResponse;
    subscribe SubscribeRequest SubscribeResponse;
    unsubscribe UnsubscribeRequest UnsubscribeResponse;
    disconnect DisconnectRequest DisconnectResponse;
    history HistoryRequest HistoryResponse;
    history_remove HistoryRemoveRequest HistoryRemoveResponse;
    presence PresenceRequest PresenceResponse;
    presence_stats PresenceStatsRequest PresenceStatsResponse;
    info InfoRequest InfoResponse;
    rpc RpcRequest RpcResponse;
    refresh RefreshRequest RefreshResponse;
    channels ChannelsRequest ChannelsResponse;
    connections ConnectionsRequest ConnectionsResponse;
}

#[tonic::async_trait]
impl VecheApi for Methods {
    async fn users(
        &self,
        request: Request<UsersRequest>,
    ) -> Result<Response<UsersResponse>, Status> {
        let manner = self.manner(request.metadata());
        let response = match carry_out(request.into_inner().command(), &self.backend).await {
            Ok(answer) => UsersResponse {
                error: None,
                result: Some(UsersRequest::result(answer)),
            },
            Err(cause) if manner.transport_errors => return Err(status(&cause)),
            Err(cause) => UsersResponse {
                error: Some(veche::Error {
                    code: cause.code.0,
                    message: message(&cause).to_owned(),
                    temporary: is_temporary(&cause),
                }),
                result: None,
            },
        };
        Ok(manner.response(response))
    }
}
