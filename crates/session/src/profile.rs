//! Profiles: how the server communicates with a client. A profile does not change.

/// How a client is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The transport of the connection.
    pub transport: Transport,
    /// Which sides may send.
    pub direction: Direction,
    /// How its liveness is watched.
    pub ping: Ping,
}

/// A transport, as it is named in lists of connections and to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// WebSocket.
    WebSocket,
    /// An event stream; the client sends by separate requests.
    Sse,
    /// A stream of messages over HTTP; the client sends by separate requests.
    HttpStream,
    /// An event stream in one direction.
    UniSse,
    /// A stream of messages over HTTP in one direction.
    UniHttpStream,
}

/// Which sides may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both, on one socket. The end of the conversation is announced by a close frame.
    Bidirectional,
    /// Both; the client sends by separate requests. The end is announced by a push.
    Emulated,
    /// Only the server, after one `connect`. The end is announced by a push, and errors are disconnects.
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
    /// An event stream in one direction.
    pub const UNI_SSE: Self = Self {
        transport: Transport::UniSse,
        direction: Direction::Unidirectional,
        ping: Ping::OneWay,
    };
    /// A stream of messages over HTTP in one direction.
    pub const UNI_HTTP_STREAM: Self = Self {
        transport: Transport::UniHttpStream,
        ..Self::UNI_SSE
    };
}

impl Transport {
    /// Its name in Centrifugo.
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
