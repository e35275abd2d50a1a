//! The doors for the application and its people: HTTP API, gRPC API, admin.

use crate::schema::server::Tls;
use crate::section::{choices, sections};
use crate::value::Secret;

sections! {
    /// `http_api`.
    HttpApi {
        /// Switches it off.
        disabled: bool,
        /// Its address.
        handler_prefix: String = "/api",
        /// The key a request must carry; empty refuses every request.
        key: Secret,
        /// How errors are told.
        error_mode: ErrorMode,
        /// Serves it on the external port too, where there is an internal one.
        external: bool,
        /// Asks for no key.
        insecure: bool,
    }

    /// `grpc_api`.
    GrpcApi {
        /// Switches it on.
        enabled: bool,
        /// How errors are told.
        error_mode: ErrorMode,
        /// Host to listen on; empty is every interface.
        address: String,
        /// Port to listen on; 0 is any that is free.
        port: u16 = "10000",
        /// The key a call must carry.
        key: Secret,
        /// TLS of the listener.
        tls: Tls,
        /// Describes the service to tools.
        reflection: bool,
        /// Largest message in bytes; 0 is the library's limit.
        max_receive_message_size: usize,
    }

    /// `admin`.
    Admin {
        /// Switches it on.
        enabled: bool,
        /// Its address.
        handler_prefix: String,
        /// Password of the pages.
        password: Secret,
        /// Key of the sessions.
        secret: Secret,
        /// Asks for no password.
        insecure: bool,
        /// Folder of other pages.
        web_path: String,
        /// Server of other pages.
        web_proxy_address: String,
        /// Serves them on the external port too, where there is an internal one.
        external: bool,
    }
}

choices! {
    /// `error_mode`.
    ErrorMode {
        /// In the body of an answer that is 200.
        Default = "",
        /// By the status of the transport.
        Transport = "transport",
    }
}
