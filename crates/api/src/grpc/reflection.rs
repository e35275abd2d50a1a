//! Server reflection: describes the services to tools, in both versions of the protocol.
//!
//! A question that has no answer gets an error response and the stream goes on, so that a tool may ask the next one on
//! it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::http::{Request, Response};
use prost::{DecodeError, Message};
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet};
use tonic::body::Body;
use tower::util::BoxCloneSyncService;

use super::schema;

/// A service that tools call.
pub(super) type Tool = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// Both versions of the service, by name: tools ask for the newer first, or know the older alone.
pub(super) fn services() -> Vec<(&'static str, Tool)> {
    let sets = [
        schema::DESCRIPTORS,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let index = Index::new(sets).expect("the committed descriptors are whole");
    let index = Arc::new(index);
    vec![v1::service(Arc::clone(&index)), v1alpha::service(index)]
}

/// What tools may ask for, by name.
#[derive(Debug, Default)]
struct Index {
    /// Encoded files.
    files: BTreeMap<String, Vec<u8>>,
    /// The file that declares a symbol.
    symbols: BTreeMap<String, String>,
    services: Vec<String>,
}

impl Index {
    /// Indexes encoded `FileDescriptorSet`s.
    fn new<'a>(sets: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, DecodeError> {
        let mut index = Self::default();
        for set in sets {
            for file in FileDescriptorSet::decode(set)?.file {
                index.add(&file);
            }
        }
        Ok(index)
    }

    fn add(&mut self, file: &FileDescriptorProto) {
        let (name, package) = (file.name(), file.package());
        for message in &file.message_type {
            self.add_message(name, package, message);
        }
        for kind in &file.enum_type {
            self.add_enum(name, package, kind);
        }
        for service in &file.service {
            let path = self.add_symbol(name, package, service.name());
            for method in &service.method {
                self.add_symbol(name, &path, method.name());
            }
            self.services.push(path);
        }
        self.files.insert(name.to_owned(), file.encode_to_vec());
    }

    fn add_message(&mut self, file: &str, scope: &str, message: &DescriptorProto) {
        let path = self.add_symbol(file, scope, message.name());
        for field in &message.field {
            self.add_symbol(file, &path, field.name());
        }
        for choice in &message.oneof_decl {
            self.add_symbol(file, &path, choice.name());
        }
        for nested in &message.nested_type {
            self.add_message(file, &path, nested);
        }
        for kind in &message.enum_type {
            self.add_enum(file, &path, kind);
        }
    }

    /// The values of an enum stand beside it, not within it.
    fn add_enum(&mut self, file: &str, scope: &str, kind: &EnumDescriptorProto) {
        self.add_symbol(file, scope, kind.name());
        for value in &kind.value {
            self.add_symbol(file, scope, value.name());
        }
    }

    fn add_symbol(&mut self, file: &str, scope: &str, name: &str) -> String {
        let path = if scope.is_empty() {
            name.to_owned()
        } else {
            format!("{scope}.{name}")
        };
        self.symbols.insert(path.clone(), file.to_owned());
        path
    }

    fn file(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let file = self.files.get(name);
        file.cloned().ok_or_else(|| Failure::unknown("file", name))
    }

    fn file_of(&self, symbol: &str) -> Result<Vec<u8>, Failure> {
        match self.symbols.get(symbol) {
            Some(file) => self.file(file),
            None => Err(Failure::unknown("symbol", symbol)),
        }
    }
}

/// Why a question has no answer: a gRPC status code, and words.
struct Failure(tonic::Code, String);

impl Failure {
    fn unknown(kind: &str, name: &str) -> Self {
        Self(tonic::Code::NotFound, format!("there is no {kind} {name}"))
    }
}

/// One version of the protocol. The messages of both are the same but for their package.
macro_rules! version {
    ($version:ident) => {
        mod $version {
            use std::pin::Pin;
            use std::sync::Arc;

            use tokio_stream::{Stream, StreamExt};
            use tonic::{Request, Response, Status, Streaming};
            use tonic_reflection::pb::$version::server_reflection_request::MessageRequest as Question;
            use tonic_reflection::pb::$version::server_reflection_response::MessageResponse as Answer;
            use tonic_reflection::pb::$version::server_reflection_server::{
                SERVICE_NAME, ServerReflection, ServerReflectionServer,
            };
            use tonic_reflection::pb::$version::{
                ErrorResponse, ExtensionNumberResponse, FileDescriptorResponse,
                ListServiceResponse, ServerReflectionRequest, ServerReflectionResponse,
                ServiceResponse,
            };
            use tower::util::BoxCloneSyncService;

            use super::{Failure, Index, Tool};

            pub(super) fn service(index: Arc<Index>) -> (&'static str, Tool) {
                let server = ServerReflectionServer::new(Reflection(index));
                (SERVICE_NAME, BoxCloneSyncService::new(server))
            }

            struct Reflection(Arc<Index>);

            #[tonic::async_trait]
            impl ServerReflection for Reflection {
                type ServerReflectionInfoStream =
                    Pin<Box<dyn Stream<Item = Result<ServerReflectionResponse, Status>> + Send>>;

                async fn server_reflection_info(
                    &self,
                    questions: Request<Streaming<ServerReflectionRequest>>,
                ) -> Result<Response<Self::ServerReflectionInfoStream>, Status> {
                    let index = Arc::clone(&self.0);
                    let answers = questions
                        .into_inner()
                        .map(move |question| Ok(response(&index, question?)));
                    Ok(Response::new(Box::pin(answers)))
                }
            }

            fn response(
                index: &Index,
                request: ServerReflectionRequest,
            ) -> ServerReflectionResponse {
                let answer = answer(index, request.message_request.as_ref());
                let answer = answer.unwrap_or_else(|Failure(code, error_message)| {
                    Answer::ErrorResponse(ErrorResponse {
                        error_code: code.into(),
                        error_message,
                    })
                });
                ServerReflectionResponse {
                    valid_host: request.host.clone(),
                    original_request: Some(request),
                    message_response: Some(answer),
                }
            }

            fn answer(index: &Index, question: Option<&Question>) -> Result<Answer, Failure> {
                let file = |file| {
                    Answer::FileDescriptorResponse(FileDescriptorResponse {
                        file_descriptor_proto: vec![file],
                    })
                };
                match question {
                    Some(Question::FileByFilename(name)) => index.file(name).map(file),
                    Some(Question::FileContainingSymbol(symbol)) => index.file_of(symbol).map(file),
                    Some(Question::FileContainingExtension(extension)) => {
                        let name = format!("{} of {}", extension.extension_number, extension.containing_type);
                        Err(Failure::unknown("extension", &name))
                    }
                    // The schema has no extensions.
                    Some(Question::AllExtensionNumbersOfType(kind)) => {
                        index.file_of(kind)?;
                        Ok(Answer::AllExtensionNumbersResponse(ExtensionNumberResponse {
                            base_type_name: kind.clone(),
                            extension_number: Vec::new(),
                        }))
                    }
                    Some(Question::ListServices(_)) => {
                        let services = index.services.iter();
                        let service = services.map(|name| ServiceResponse { name: name.clone() });
                        Ok(Answer::ListServicesResponse(ListServiceResponse {
                            service: service.collect(),
                        }))
                    }
                    None => {
                        let why = "the request asks nothing".to_owned();
                        Err(Failure(tonic::Code::InvalidArgument, why))
                    }
                }
            }
        }
    };
}

version!(v1);
version!(v1alpha);
