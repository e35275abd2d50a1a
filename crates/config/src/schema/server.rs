//! The process itself: listeners, TLS, logging, node, shutdown.

use std::time::Duration;

use crate::section::{choices, sections};
use crate::value::Secret;

sections! {
    /// `http_server`: the listeners.
    HttpServer {
        /// Host to listen on; empty is every interface.
        address: String,
        /// Port to listen on; 0 is any that is free.
        port: u16 = "8000",
        /// How long an HTTP connection is kept between two requests; `0s` closes it after each answer.
        keepalive_timeout: Duration = "75s",
        /// Host for the internal endpoints.
        internal_address: String,
        /// Port of its own for API, admin, metrics and health; empty serves them on `port`.
        internal_port: String,
        /// TLS of the listener.
        tls: Tls,
        /// Certificates fetched by ACME.
        tls_autocert: TlsAutocert,
        /// TLS on the external port only.
        tls_external: bool,
        /// TLS of the internal port; without it `tls` holds there too.
        internal_tls: Tls,
        /// HTTP/3.
        http3: Http3,
        /// HTTP/2 without TLS on the external port.
        h2c_external: bool,
    }

    /// A TLS endpoint, or the TLS of a connection to another server.
    Tls {
        /// Switches TLS on.
        enabled: bool,
        /// Certificate: PEM, PEM in base64, or a path.
        cert_pem: String,
        /// Private key: PEM, PEM in base64, or a path.
        key_pem: Secret,
        /// Authority that must have signed the server's certificate.
        server_ca_pem: String,
        /// Authority that must have signed the client's certificate; set, every client needs one.
        client_ca_pem: String,
        /// Accepts any certificate of the server.
        insecure_skip_verify: bool,
        /// Name that the server's certificate must carry.
        server_name: String,
    }

    /// `http_server.tls_autocert`: certificates by ACME.
    TlsAutocert {
        /// Switches it on.
        enabled: bool,
        /// Host names a certificate may be asked for.
        host_whitelist: Vec<String>,
        /// Folder that keeps certificates.
        cache_dir: String,
        /// Address told to the authority.
        email: String,
        /// Name assumed for clients that send none.
        server_name: String,
        /// Answers HTTP challenges.
        http: bool,
        /// Where HTTP challenges are answered.
        http_addr: String = ":80",
    }

    /// `http_server.http3`.
    Http3 {
        /// Switches HTTP/3 on.
        enabled: bool,
    }

    /// `log`.
    Log {
        /// The least serious level that is written.
        level: LogLevel,
        /// File to write to; empty is standard output.
        file: String,
    }

    /// `node`.
    Node {
        /// Name shown to people; empty is host name and port.
        name: String,
        /// How often this node's figures are summed for `info`.
        info_metrics_aggregate_interval: Duration = "60s",
        /// Threads that own connections, at most 64; 0 is one for each processor.
        workers: usize,
    }

    /// `shutdown`.
    Shutdown {
        /// Longest time from the signal to the exit; `0s` ends at once.
        timeout: Duration = "30s",
    }
}

choices! {
    /// `log.level`.
    LogLevel {
        /// Notable events.
        Info = "info",
        /// Nothing.
        None = "none",
        /// Every step.
        Trace = "trace",
        /// Steps that help to find a mistake.
        Debug = "debug",
        /// What may be wrong.
        Warn = "warn",
        /// What went wrong.
        Error = "error",
        /// What ends the process.
        Fatal = "fatal",
    }
}
