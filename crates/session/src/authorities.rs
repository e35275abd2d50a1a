//! Who decides about a client: a token, the application, or the rules. This is the one place that states the order.
//!
//! | question | who decides: the first that is responsible |
//! |---|---|
//! | `connect` | the connection token; the application (`client.proxy.connect.enabled`), which may know nothing of the client; a bare name, in the plain dialect; the user whom a proxy before the server has named; the rules for anonymous clients |
//! | `subscribe` | the subscription token; nobody, where the name has the private prefix; the name, where it lists the user; the application (`subscribe_proxy_enabled`), but not where names list users; the rules for clients; `client.insecure` |
//! | channels that `connect` asks for | as for `subscribe` without a token, but none in a namespace where the application is asked, and none beside what the application has granted with `connect` |
//! | `publish` | the application alone (`publish_proxy_enabled`); else the rules for clients and subscribers; `client.insecure` |
//! | `refresh`, when the time of a connection has run out | the application alone (`client.proxy.refresh.enabled`); else the client, by a new connection token |
//! | `sub_refresh`, when the time of a subscription has run out | the application alone (`sub_refresh_proxy_enabled`); else the client, by a new subscription token |
//! | `rpc` | the server itself for `rpc.ping`; the application, by the proxy of the method's namespace |

use veche_protocol::identity::UserId;

use crate::application::ProxyName;
use crate::namespace::ResolvedChannel;
use crate::rules::{ChannelOptions, Rules};

/// What a client has to connect with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// A connection token.
    pub has_token: bool,
    /// A bare name.
    pub has_name: bool,
    /// A proxy before the server has named the user.
    pub has_header: bool,
}

/// How a client proves its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By a connection token.
    Token,
    /// The application says who it is.
    Application,
    /// By a name without proof.
    Name,
    /// By a header that a proxy before the server has set.
    Header,
    /// Not at all; the client is anonymous.
    Nothing,
}

/// Who decides about a client that connects with these credentials.
#[must_use]
pub fn connect(rules: &Rules, credentials: Credentials) -> Proof {
    if credentials.has_token {
        Proof::Token
    } else if rules.client.connect_proxy {
        Proof::Application
    } else {
        connect_unknown(credentials)
    }
}

/// Who decides about a client of which the application knows nothing.
#[must_use]
pub fn connect_unknown(credentials: Credentials) -> Proof {
    if credentials.has_name {
        Proof::Name
    } else if credentials.has_header {
        Proof::Header
    } else {
        Proof::Nothing
    }
}

/// Who decides whether a client may subscribe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscribeAuthority<'a> {
    /// The subscription token, whatever else would allow or deny it.
    Token,
    /// Nobody: only a token opens the channel.
    Nobody,
    /// The channel's name lists the user.
    Name,
    /// The application, by this proxy.
    Application(&'a ProxyName),
    /// The rules for clients.
    Rules,
}

/// Who decides whether a client of this user may subscribe by a command.
#[must_use]
pub fn subscribe<'a>(
    resolved: &ResolvedChannel<'a>,
    user: &UserId,
    has_token: bool,
) -> SubscribeAuthority<'a> {
    if has_token {
        return SubscribeAuthority::Token;
    }
    if resolved.is_private() {
        return SubscribeAuthority::Nobody;
    }
    if resolved.is_user_limited() {
        return match resolved.lists_user(user.as_str()) {
            true => SubscribeAuthority::Name,
            false => SubscribeAuthority::Rules,
        };
    }
    let proxy = resolved.options.subscribe_proxy.as_ref();
    proxy.map_or(SubscribeAuthority::Rules, SubscribeAuthority::Application)
}

/// Whether clients get channels of this namespace by asking for them with `connect`.
#[must_use]
pub fn may_come_with_connect(options: &ChannelOptions) -> bool {
    options.subscribe_proxy.is_none()
}

/// The proxy by which the application decides about publishing; else the rules for clients do.
#[must_use]
pub fn publish(options: &ChannelOptions) -> Option<&ProxyName> {
    options.publish_proxy.as_ref()
}

/// Whether the application decides if connections go on; else their clients bring tokens.
#[must_use]
pub fn refreshes(rules: &Rules) -> bool {
    rules.client.refresh_proxy
}

/// The proxy by which the application decides if a subscription goes on; else its client brings tokens.
#[must_use]
pub fn sub_refreshes(options: &ChannelOptions) -> Option<&ProxyName> {
    options.sub_refresh_proxy.as_ref()
}

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
    use std::sync::Arc;

    use super::*;

    fn named(name: &str) -> ProxyName {
        ProxyName::from(name)
    }

    #[test]
    fn a_token_goes_before_the_application_and_the_application_before_what_nobody_has_proved() {
        let all = [false, true];
        let mut rules = Rules::default();
        for (token, name, header, asks) in all.into_iter().flat_map(|token| {
            all.into_iter().flat_map(move |name| {
                all.into_iter().flat_map(move |header| {
                    all.into_iter().map(move |asks| (token, name, header, asks))
                })
            })
        }) {
            rules.client.connect_proxy = asks;
            let credentials = Credentials {
                has_token: token,
                has_name: name,
                has_header: header,
            };
            let unknown = match (name, header) {
                (true, _) => Proof::Name,
                (false, true) => Proof::Header,
                (false, false) => Proof::Nothing,
            };
            assert_eq!(connect_unknown(credentials), unknown);
            let first = match (token, asks) {
                (true, _) => Proof::Token,
                (false, true) => Proof::Application,
                (false, false) => unknown,
            };
            assert_eq!(connect(&rules, credentials), first, "{credentials:?}");
        }
    }

    #[test]
    fn a_subscription_is_decided_by_the_first_that_is_responsible() {
        let proxy = named("default");
        for limited in [false, true] {
            for asks in [false, true] {
                let mut rules = Rules::default();
                rules.channel.without_namespace = Arc::new(ChannelOptions {
                    allow_user_limited_channels: limited,
                    subscribe_proxy: asks.then(|| proxy.clone()),
                    ..ChannelOptions::default()
                });
                let by = |channel, has_token| {
                    let resolved = rules.resolve(channel).expect("no namespace");
                    match subscribe(&resolved, &UserId::new("anna"), has_token) {
                        SubscribeAuthority::Application(name) => {
                            assert_eq!(*name, proxy);
                            "application"
                        }
                        SubscribeAuthority::Token => "token",
                        SubscribeAuthority::Nobody => "nobody",
                        SubscribeAuthority::Name => "name",
                        SubscribeAuthority::Rules => "rules",
                    }
                };
                let open = if asks { "application" } else { "rules" };
                assert_eq!(by("news", true), "token");
                assert_eq!(by("$news", true), "token");
                assert_eq!(by("$news", false), "nobody");
                assert_eq!(by("news", false), open);
                let listed = if limited { "name" } else { open };
                assert_eq!(by("news#anna", false), listed);
                let others = if limited { "rules" } else { open };
                assert_eq!(by("news#bob", false), others);
            }
        }
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
