//! How a client is spoken to, fixed when it comes.

/// How a client is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Who may speak.
    pub direction: Direction,
    /// How its liveness is watched.
    pub ping: Ping,
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
        direction: Direction::Bidirectional,
        ping: Ping::Message,
    };
    /// A WebSocket client that answers WebSocket ping frames: the plain dialect, or by wish.
    pub const WEBSOCKET_FRAME_PING: Self = Self {
        direction: Direction::Bidirectional,
        ping: Ping::Frame,
    };
}
