//! Who decides about a client: a token, the application, or the rules. This is the one place that states the order.
//!
//! | question | who decides: the first that is responsible |
//! |---|---|
//! | `rpc` | the server itself for `rpc.ping`; the application, by the proxy of the method's namespace |

use crate::application::ProxyName;
use crate::rules::Rules;

/// Who answers a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RpcAuthority<'a> {
    /// The server: it is a ping.
    Ping,
    /// The application, by this proxy.
    Application(&'a ProxyName),
    /// Nobody answers this method.
    Nobody,
}

/// Who answers a call of a method.
#[must_use]
pub fn rpc<'a>(rules: &'a Rules, method: &str) -> RpcAuthority<'a> {
    let rpc = &rules.rpc;
    if rpc.ping.as_deref() == Some(method) {
        return RpcAuthority::Ping;
    }
    let boundary = rpc.namespace_boundary.as_str();
    let namespace = method
        .split_once(boundary)
        .filter(|_| !boundary.is_empty())
        .map(|(namespace, _)| namespace);
    let proxy = match namespace {
        None | Some("") => rpc.without_namespace.as_ref(),
        Some(namespace) => rpc.namespaces.get(namespace),
    };
    proxy.map_or(RpcAuthority::Nobody, RpcAuthority::Application)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> ProxyName {
        ProxyName::from(name)
    }

    #[test]
    fn a_method_is_answered_by_the_proxy_of_its_namespace() {
        let mut rules = Rules::default();
        rules.rpc.ping = Some("ping".into());
        rules.rpc.namespaces.insert("chat".into(), named("chats"));
        assert_eq!(rpc(&rules, "ping"), RpcAuthority::Ping);
        let chats = named("chats");
        for (method, by) in [
            ("chat:send", RpcAuthority::Application(&chats)),
            ("chat:a:b", RpcAuthority::Application(&chats)),
            ("chat", RpcAuthority::Nobody),
            ("other:send", RpcAuthority::Nobody),
            ("", RpcAuthority::Nobody),
        ] {
            assert_eq!(rpc(&rules, method), by, "{method}");
        }
        rules.rpc.without_namespace = Some(named("default"));
        let default = named("default");
        for method in ["chat", "", ":send"] {
            let by = RpcAuthority::Application(&default);
            assert_eq!(rpc(&rules, method), by, "{method}");
        }
        assert_eq!(rpc(&rules, "other:send"), RpcAuthority::Nobody);
        rules.rpc.namespace_boundary = String::new();
        assert_eq!(
            rpc(&rules, "chat:send"),
            RpcAuthority::Application(&default)
        );
    }
}
