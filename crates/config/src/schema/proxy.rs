//! The application, asked by the server: proxies and RPC.

use std::time::Duration;

use crate::schema::server::Tls;
use crate::section::sections;
use crate::value::{Secret, TextMap};

sections! {
    /// One backend the server may ask.
    Proxy {
        /// Its address: `http://`, `https://` or `grpc://`.
        endpoint: String,
        /// Time it has to answer.
        timeout: Duration = "1s",
        /// Headers of the client's request that are passed on.
        http_headers: Vec<String>,
        /// gRPC metadata of the client's request that is passed on.
        grpc_metadata: Vec<String>,
        /// Headers a client may send inside its connect command that are passed on.
        emulated_headers: Vec<String>,
        /// Passes payloads on in base64.
        binary_encoding: bool,
        /// Passes the connection's meta on.
        include_connection_meta: bool,
        /// What holds for HTTP.
        http: ProxyHttp,
        /// What holds for gRPC.
        grpc: ProxyGrpc,
    }

    /// `http` of a proxy.
    ProxyHttp {
        /// TLS to the backend.
        tls: Tls,
        /// Headers sent with each question.
        static_headers: TextMap,
        /// What HTTP statuses mean.
        status_to_code_transforms: Vec<StatusTransform>,
    }

    /// `grpc` of a proxy.
    ProxyGrpc {
        /// TLS to the backend.
        tls: Tls,
        /// Name of the credential sent with each question.
        credentials_key: String,
        /// The credential.
        credentials_value: Secret,
        /// Compresses questions with gzip.
        compression: bool,
        /// Metadata sent with each question.
        static_metadata: TextMap,
    }

    /// One rule of `status_to_code_transforms`.
    StatusTransform {
        /// The HTTP status.
        status_code: u16,
        /// The error it becomes.
        to_error: TransformedError,
        /// The disconnect it becomes.
        to_disconnect: Disconnect,
    }

    /// An error told to a client.
    TransformedError {
        /// Error code.
        code: u32,
        /// Message, at most 123 bytes of ASCII.
        message: String,
        /// Whether the client may try again.
        temporary: bool,
    }

    /// A disconnect told to a client.
    Disconnect {
        /// Disconnect code.
        code: u32,
        /// Reason, at most 123 bytes of ASCII.
        reason: String,
    }

    /// A proxy with a switch.
    EnabledProxy {
        /// Switches it on.
        enabled: bool,
        /// The backend.
        [flat] proxy: Proxy,
    }

    /// One of `proxies`.
    NamedProxy {
        /// The name that namespaces use.
        name: String,
        /// The backend.
        [flat] proxy: Proxy,
    }

    /// `rpc`.
    Rpc {
        /// The proxy called `default`.
        proxy: Proxy,
        /// Methods without a namespace.
        without_namespace: RpcOptions,
        /// Namespaces of methods.
        namespaces: Vec<RpcNamespace>,
        /// A method that answers by itself.
        ping: RpcPing,
        /// What ends the namespace in a method's name.
        namespace_boundary: String = ":",
    }

    /// The rules of a namespace of methods.
    RpcOptions {
        /// Passes calls on.
        proxy_enabled: bool,
        /// The proxy they go to.
        proxy_name: String = "default",
    }

    /// One of `rpc.namespaces`.
    RpcNamespace {
        /// Its name.
        name: String,
        /// Its rules.
        [flat] options: RpcOptions,
    }

    /// `rpc.ping`.
    RpcPing {
        /// Switches it on.
        enabled: bool,
        /// Name of the method.
        method: String = "ping",
    }
}
