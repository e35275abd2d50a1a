//! Messages around messages that are bytes already, to be nested without end.

use prost::Message;

/// A filter node around another.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Node {
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) bytes: Vec<u8>,
}

/// A filter in a subscribe request.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Filter {
    #[prost(bytes = "vec", tag = "13")]
    pub(crate) bytes: Vec<u8>,
}

/// A subscribe request in a command.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Subscribed {
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) bytes: Vec<u8>,
}
