//! How a client is spoken to, fixed when it comes.

/// How a client is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The transport by which it came.
    pub transport: Transport,
    /// Who may speak.
    pub direction: Direction,
    /// How its liveness is watched.
    pub ping: Ping,
}

/// A transport, as lists of connections and an application are told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// WebSocket.
    WebSocket,
    /// An event stream; what the client says comes by other requests.
    Sse,
    /// A stream of messages over HTTP; what the client says comes by other requests.
    HttpStream,
    /// An event stream alone.
    UniSse,
    /// A stream of messages over HTTP alone.
    UniHttpStream,
}

/// Who may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both, on one socket. The end of the conversation is said by a close frame.
    Bidirectional,
    /// Both; what the client says comes by other requests. The end is said by a push.
    Emulated,
    /// The server alone, after one `connect`. The end is said by a push, and errors are disconnects.
    Unidirectional,
}

/// How a client's liveness is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ping {
    /// An empty reply, answered by an empty command.
    Message,
    /// A WebSocket ping frame, answered by a pong frame. The reply to `connect` promises nothing.
    Frame,
    /// An empty push that is not answered.
    OneWay,
}

impl Profile {
    /// A WebSocket client of the Centrifuge dialects.
    pub const WEBSOCKET: Self = Self {
        transport: Transport::WebSocket,
        direction: Direction::Bidirectional,
        ping: Ping::Message,
    };
    /// A WebSocket client that answers WebSocket ping frames: the plain dialect, or by wish.
    pub const WEBSOCKET_FRAME_PING: Self = Self {
        ping: Ping::Frame,
        ..Self::WEBSOCKET
    };
    /// An event stream with requests beside it.
    pub const SSE: Self = Self {
        transport: Transport::Sse,
        direction: Direction::Emulated,
        ping: Ping::Message,
    };
    /// A stream of messages over HTTP with requests beside it.
    pub const HTTP_STREAM: Self = Self {
        transport: Transport::HttpStream,
        ..Self::SSE
    };
    /// An event stream alone.
    pub const UNI_SSE: Self = Self {
        transport: Transport::UniSse,
        direction: Direction::Unidirectional,
        ping: Ping::OneWay,
    };
    /// A stream of messages over HTTP alone.
    pub const UNI_HTTP_STREAM: Self = Self {
        transport: Transport::UniHttpStream,
        ..Self::UNI_SSE
    };
}

impl Transport {
    /// Its name, as Centrifugo tells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
            Self::HttpStream => "http_stream",
            Self::UniSse => "uni_sse",
            Self::UniHttpStream => "uni_http_stream",
        }
    }
}
