//! Which names a request may call this chat by.

use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::refusal::Refusal;

/// The values of `Host` that the chat answers to, without the port.
///
/// A page of another site can point its own name at this machine (DNS rebinding). Its requests then
/// have an `Origin` that equals their `Host`, so only the name in `Host` gives them away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Hosts {
    /// Any name: for a chat behind a proxy that checks it, or one that is open to a network anyway.
    #[default]
    Any,
    /// Names of this machine only: `localhost`, what ends in `.localhost`, and loopback addresses.
    Loopback,
    /// These names, compared without regard to case.
    Only(Vec<String>),
}

impl Hosts {
    /// Whether a request with this `Host` header is answered. A missing header names nobody.
    pub(crate) fn allow(&self, host: Option<&str>) -> bool {
        if *self == Self::Any {
            return true;
        }
        let Some(name) = host.and_then(without_port) else {
            return false;
        };
        match self {
            Self::Any => true,
            Self::Loopback => is_loopback(name),
            Self::Only(names) => names.iter().any(|known| known.eq_ignore_ascii_case(name)),
        }
    }
}

/// Answers 421 to requests for a host that is not ours.
pub(crate) async fn refuse_other_hosts(
    State(hosts): State<Hosts>,
    request: Request,
    next: Next,
) -> Response {
    let mut named = request.headers().get_all(HOST).iter();
    let host = named.next().and_then(|host| host.to_str().ok());
    if hosts.allow(host) && named.next().is_none() {
        next.run(request).await
    } else {
        Refusal::other_host().into_response()
    }
}

/// The name or address in a `Host` header; brackets around an IPv6 address are removed.
fn without_port(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => host.split_once(':').map_or((host, ""), |(name, _)| {
            (name, host.get(name.len()..).unwrap_or_default())
        }),
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    let is_port = digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_port && !name.is_empty()).then_some(name)
}

fn is_loopback(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_this_machine_under_any_of_its_names() {
        for host in [
            "localhost",
            "LocalHost:8000",
            "chat.localhost:80",
            "127.0.0.1",
            "127.1.2.3:9000",
            "[::1]:8000",
            "localhost.:8000",
        ] {
            assert!(Hosts::Loopback.allow(Some(host)), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "192.168.0.7",
            "[::2]:8000",
            "localhost:80:80",
            "localhost:x",
            "127.0.0.1.evil.example",
            "",
            ":8000",
        ] {
            assert!(!Hosts::Loopback.allow(Some(host)), "{host}");
        }
        assert!(!Hosts::Loopback.allow(None));
    }

    #[test]
    fn a_list_of_names_lets_in_no_other() {
        let hosts = Hosts::Only(vec!["Chat.example".to_owned()]);
        assert!(hosts.allow(Some("chat.example:443")));
        assert!(!hosts.allow(Some("example")) && !hosts.allow(None));
        assert!(Hosts::Any.allow(Some("whatever")) && Hosts::Any.allow(None));
    }
}
