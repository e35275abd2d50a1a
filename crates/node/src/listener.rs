//! Where clients and backends connect, and what each place is for.

use std::net::TcpListener;

/// A socket that listens for a worker.
#[derive(Debug)]
pub struct Listener {
    /// The socket. It does not block.
    pub socket: TcpListener,
    /// What is to be found there.
    pub role: Role,
}

/// What a listener is for. It decides which doors there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// For whom it is.
    pub side: Side,
    /// Whether what is read and written there is encrypted.
    pub is_encrypted: bool,
}

/// For whom a listener is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Clients, and, where there is no other listener, the application and operators too.
    Outside,
    /// The application and operators alone: no client comes in by it.
    Internal,
}

impl Role {
    /// Clients and whoever else, in the clear.
    pub const OUTSIDE: Self = Self {
        side: Side::Outside,
        is_encrypted: false,
    };
}
