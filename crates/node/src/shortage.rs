//! What a failure to accept means, and when accepting is tried again.

use std::io;
use std::mem;
use std::time::Duration;

/// Until accepting is tried again after the system gave no socket.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The want of descriptors or memory: accepting is tried again now and then, and the operator is told once.
#[derive(Debug, Default)]
pub(crate) struct Shortage {
    is_told: bool,
    next_try: Option<Duration>,
}

impl Shortage {
    /// The system gave no socket. Returns whether that is news.
    pub(crate) fn begins(&mut self, now: Duration) -> bool {
        self.next_try = Some(now + ACCEPT_PAUSE);
        !mem::replace(&mut self.is_told, true)
    }

    /// Everybody who waited was accepted. Returns whether that is news.
    pub(crate) fn ends(&mut self) -> bool {
        self.next_try = None;
        mem::take(&mut self.is_told)
    }

    /// When accepting is tried again.
    pub(crate) fn next_try(&self) -> Option<Duration> {
        self.next_try
    }

    /// Whether it is time to try. Says so once.
    pub(crate) fn is_over(&mut self, now: Duration) -> bool {
        self.next_try.take_if(|next| *next <= now).is_some()
    }
}

/// What a failure to accept means for the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AcceptFailure {
    /// Nobody waits; the event loop tells when somebody does.
    QueueEmpty,
    /// The connection that was to be accepted failed while it waited, and is gone: the next one may be there.
    ConnectionFailed,
    /// The process or the system has no free descriptor.
    OutOfDescriptors,
    /// Memory is short, or something else that lasts. To try at once would be to try for ever.
    Other,
}

impl AcceptFailure {
    /// Source: accept(2), on Linux: a new socket may report errors of its network, to be treated as if to be tried again.
    pub(crate) fn of(error: &io::Error) -> Self {
        if is_out_of_descriptors(error) {
            return Self::OutOfDescriptors;
        }
        match error.kind() {
            io::ErrorKind::WouldBlock => Self::QueueEmpty,
            io::ErrorKind::Interrupted
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::TimedOut
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::Unsupported => Self::ConnectionFailed,
            _ if is_of_a_protocol(error) => Self::ConnectionFailed,
            _ => Self::Other,
        }
    }
}

#[cfg(unix)]
fn is_out_of_descriptors(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

#[cfg(not(unix))]
fn is_out_of_descriptors(_: &io::Error) -> bool {
    false
}

/// Errors of a connection's network for which the standard library has no name.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_of_a_protocol(error: &io::Error) -> bool {
    const ENONET: i32 = 64;
    const EPROTO: i32 = 71;
    const ENOPROTOOPT: i32 = 92;
    const EHOSTDOWN: i32 = 112;
    let code = error.raw_os_error();
    matches!(code, Some(ENONET | EPROTO | ENOPROTOOPT | EHOSTDOWN))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_of_a_protocol(_: &io::Error) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_want_of_descriptors_is_told_once_however_often_accepting_is_tried() {
        let mut shortage = Shortage::default();
        let mut now = Duration::ZERO;
        assert!(shortage.begins(now));
        for _ in 0..10 {
            assert!(!shortage.is_over(now));
            now += ACCEPT_PAUSE;
            assert_eq!(shortage.next_try(), Some(now));
            assert!(shortage.is_over(now));
            assert!(!shortage.begins(now), "it lasts");
        }
        assert!(shortage.ends());
        assert!(!shortage.ends());
        assert_eq!(shortage.next_try(), None);
        assert!(shortage.begins(now), "another one");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn accepting_goes_on_after_what_one_connection_did_and_pauses_for_all_else() {
        let of = |code| AcceptFailure::of(&io::Error::from_raw_os_error(code));
        const EAGAIN: i32 = 11;
        assert_eq!(of(EAGAIN), AcceptFailure::QueueEmpty);
        for (name, code) in [("EMFILE", 24), ("ENFILE", 23)] {
            assert_eq!(of(code), AcceptFailure::OutOfDescriptors, "{name}");
        }
        for (name, code) in [
            ("EPERM", 1),
            ("EINTR", 4),
            ("ENONET", 64),
            ("EPROTO", 71),
            ("ENOPROTOOPT", 92),
            ("EOPNOTSUPP", 95),
            ("ENETDOWN", 100),
            ("ENETUNREACH", 101),
            ("ECONNABORTED", 103),
            ("ETIMEDOUT", 110),
            ("EHOSTDOWN", 112),
            ("EHOSTUNREACH", 113),
        ] {
            assert_eq!(of(code), AcceptFailure::ConnectionFailed, "{name}");
        }
        for (name, code) in [
            ("ENOMEM", 12),
            ("EINVAL", 22),
            ("ENOBUFS", 105),
            ("none", 9999),
        ] {
            assert_eq!(of(code), AcceptFailure::Other, "{name}");
        }
    }
}
