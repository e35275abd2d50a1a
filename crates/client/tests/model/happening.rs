//! What happens in a run, and where.

use veche_client::machine::{Frame, LinkId, TokenId};

use crate::server::Out;

/// A link of one process: the next process numbers its links anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wire {
    /// How many processes there were before.
    pub(crate) life: u64,
    pub(crate) link: LinkId,
}

/// Something that happens at its time.
pub(crate) enum Happening {
    Opened(Wire),
    Failed(Wire),
    Up(Wire, Frame),
    Down(Wire, Out),
    Broken(Wire),
    ServerSees(Wire),
    Timer,
    Token(TokenId),
    Stored(usize),
    NotStored(usize),
    Application,
    Others,
    Fault,
}

impl Happening {
    /// Whether it is the client's process that it happens in.
    pub(crate) fn is_the_clients(&self) -> bool {
        !matches!(
            self,
            Self::Up(..) | Self::ServerSees(_) | Self::Others | Self::Fault
        )
    }
}

pub(crate) struct Queued {
    pub(crate) order: u64,
    pub(crate) life: u64,
    pub(crate) what: Happening,
}
