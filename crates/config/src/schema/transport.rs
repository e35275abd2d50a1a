//! The doors for clients.

use std::time::Duration;

use crate::schema::server::Tls;
use crate::section::sections;

sections! {
    /// `websocket`.
    WebSocket {
        /// Switches it off.
        disabled: bool,
        /// Its address.
        handler_prefix: String = "/connection/websocket",
        /// What all WebSocket doors share.
        [flat] framing: WebSocketFraming,
    }

    /// Limits and compression of a WebSocket door.
    WebSocketFraming {
        /// Offers permessage-deflate.
        compression: bool,
        /// Fewest bytes worth compressing; 0 compresses all.
        compression_min_size: usize,
        /// 1 is fast, 9 is small.
        compression_level: i32 = "1",
        /// Bytes of the read buffer in the original; Veche has none for each connection.
        read_buffer_size: usize,
        /// Pools write buffers in the original; Veche has none for each connection.
        use_write_buffer_pool: bool,
        /// Bytes of the write buffer in the original; Veche has none for each connection.
        write_buffer_size: usize,
        /// Time for one write.
        write_timeout: Duration = "1s",
        /// Largest message in bytes.
        message_size_limit: usize = "65536",
        /// Largest inflated message in bytes; 0 is ten times `message_size_limit`.
        decompressed_message_size_limit: usize,
    }

    /// `plain`: the dialect for a bare WebSocket.
    Plain {
        /// Switches it on.
        enabled: bool,
        /// Its address.
        handler_prefix: String = "/connection/plain",
        /// More addresses of the same door.
        aliases: Vec<String>,
        /// Believes a bare name at login.
        allow_name_login: bool,
    }

    /// `sse`.
    Sse {
        /// Switches it on.
        enabled: bool,
        /// Its address.
        handler_prefix: String = "/connection/sse",
        /// Largest request body in bytes.
        max_request_body_size: usize = "65536",
    }

    /// `http_stream`.
    HttpStream {
        /// Switches it on.
        enabled: bool,
        /// Its address.
        handler_prefix: String = "/connection/http_stream",
        /// Largest request body in bytes.
        max_request_body_size: usize = "65536",
    }

    /// `webtransport`.
    WebTransport {
        /// Switches it on.
        enabled: bool,
        /// Its address.
        handler_prefix: String = "/connection/webtransport",
        /// Largest message in bytes.
        message_size_limit: usize = "65536",
    }

    /// `uni_sse`.
    UniSse {
        /// Switches it on.
        enabled: bool,
        /// Its address.
        handler_prefix: String = "/connection/uni_sse",
        /// Largest request body in bytes.
        max_request_body_size: usize = "65536",
        /// Turns errors at connect into HTTP answers.
        connect_code_to_http_response: ConnectCodeToHttp,
    }

    /// `uni_http_stream`.
    UniHttpStream {
        /// Switches it on.
        enabled: bool,
        /// Its address.
        handler_prefix: String = "/connection/uni_http_stream",
        /// Largest request body in bytes.
        max_request_body_size: usize = "65536",
        /// Turns errors at connect into HTTP answers.
        connect_code_to_http_response: ConnectCodeToHttp,
    }

    /// `connect_code_to_http_response` of a one-way door.
    ConnectCodeToHttp {
        /// Switches it on.
        enabled: bool,
        /// The rules.
        transforms: Vec<ConnectCodeToHttpTransform>,
    }

    /// One rule of it.
    ConnectCodeToHttpTransform {
        /// Error code at connect.
        code: u32,
        /// What it becomes.
        to: HttpAnswer,
    }

    /// An HTTP answer.
    HttpAnswer {
        /// Its status.
        status_code: u16,
        /// Its body.
        body: String,
    }

    /// `uni_websocket`.
    UniWebSocket {
        /// Switches it on.
        enabled: bool,
        /// Its address.
        handler_prefix: String = "/connection/uni_websocket",
        /// What all WebSocket doors share.
        [flat] framing: WebSocketFraming,
        /// Ends without a close frame.
        disable_closing_handshake: bool,
        /// Ends without the disconnect push.
        disable_disconnect_push: bool,
        /// Puts several pushes into one frame.
        join_push_messages: bool,
    }

    /// `uni_grpc`.
    UniGrpc {
        /// Switches it on.
        enabled: bool,
        /// Host to listen on; empty is every interface.
        address: String,
        /// Port to listen on.
        port: u16 = "11000",
        /// Largest message in bytes; 0 is the library's limit.
        max_receive_message_size: usize,
        /// TLS of the listener.
        tls: Tls,
    }

    /// `emulation`.
    Emulation {
        /// Its address.
        handler_prefix: String = "/emulation",
        /// Largest request body in bytes.
        max_request_body_size: usize = "65536",
    }

    /// `init`.
    Init {
        /// Switches it on.
        enabled: bool,
        /// Its address.
        handler_prefix: String = "/connection/init",
    }
}
