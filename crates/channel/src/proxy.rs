//! Which proxy stands on the way, from the environment or as it was given.

use std::fmt;
use std::net::IpAddr;

use crate::connect_error::{ConnectError, ConnectResult};
use crate::url::{Authority, Url, UrlError};

/// How a connection goes: directly, or through a proxy.
///
/// Proxies are `http://` and `https://` (asked with CONNECT, also for `ws://`), `socks5://` (the
/// server's name is looked up here) and `socks5h://` (the proxy looks it up), with
/// `user:password@` where the proxy wants a login. An address without a scheme is `http://`. The
/// certificate of an `https://` proxy has to be one that the system trusts.
#[derive(Clone, Debug)]
pub struct Proxy {
    insecure: Option<Setting>,
    secure: Option<Setting>,
    exceptions: Vec<String>,
}

/// An address as it was set, and where.
#[derive(Clone, PartialEq, Eq)]
struct Setting {
    address: String,
    /// What an error calls it: an address may hold a password.
    place: &'static str,
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.place)
    }
}

impl Proxy {
    /// No proxy, whatever the environment says.
    pub fn none() -> Self {
        Self {
            insecure: None,
            secure: None,
            exceptions: Vec::new(),
        }
    }

    /// This proxy for every connection. The address is checked when a connection is made.
    pub fn new(address: impl Into<String>) -> Self {
        let setting = Setting {
            address: address.into(),
            place: "the proxy that was set",
        };
        Self {
            insecure: Some(setting.clone()),
            secure: Some(setting),
            exceptions: Vec::new(),
        }
    }

    /// What the environment says, as for curl: `http_proxy` for `ws://` and `https_proxy` for
    /// `wss://`, else `all_proxy`, and never for the hosts in `no_proxy`; each name also in
    /// capitals, and the small letters come first.
    ///
    /// `no_proxy` is a list between commas: `*`, an address, a network as `10.0.0.0/8`, or a name,
    /// which also covers the names below it. `HTTP_PROXY` in capitals is ignored in a CGI program
    /// (where `REQUEST_METHOD` is set), since there it comes from the request's `Proxy` header.
    pub fn from_env() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// As [`Proxy::from_env`], from variables that are looked up by `get`.
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Self {
        let find = |names: &[&'static str]| {
            names.iter().find_map(|&name| {
                let address = get(name).filter(|value| !value.trim().is_empty())?;
                Some(Setting {
                    address: address.trim().to_owned(),
                    place: name,
                })
            })
        };
        let is_cgi = get("REQUEST_METHOD").is_some();
        let http: &[_] = if is_cgi {
            &["http_proxy"]
        } else {
            &["http_proxy", "HTTP_PROXY"]
        };
        let all = find(&["all_proxy", "ALL_PROXY"]);
        let exceptions = find(&["no_proxy", "NO_PROXY"]).map_or(String::new(), |it| it.address);
        Self {
            insecure: find(http).or_else(|| all.clone()),
            secure: find(&["https_proxy", "HTTPS_PROXY"]).or(all),
            exceptions: exceptions
                .split(',')
                .map(|entry| entry.trim().to_ascii_lowercase())
                .filter(|entry| !entry.is_empty())
                .collect(),
        }
    }

    /// The proxy on the way to `url`; `None` for a direct way.
    pub(crate) fn for_url(&self, url: &Url) -> ConnectResult<Option<ProxyServer>> {
        let setting = if url.is_secure {
            &self.secure
        } else {
            &self.insecure
        };
        let Some(setting) = setting else {
            return Ok(None);
        };
        let host = url.host.trim_end_matches('.').to_ascii_lowercase();
        if self
            .exceptions
            .iter()
            .any(|entry| covers(entry, &host, url.port))
        {
            return Ok(None);
        }
        let server = ProxyServer::parse(&setting.address);
        server
            .map(Some)
            .map_err(|_| ConnectError::ProxyAddress(setting.place.to_owned()))
    }
}

/// Whether an entry of `no_proxy` names this host.
fn covers(entry: &str, host: &str, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return covers_address(entry, address, port);
    }
    let name = match entry.rsplit_once(':') {
        Some((name, entry_port)) if entry_port.parse() == Ok(port) => name,
        Some(_) => return false,
        None => entry,
    };
    let name = name.trim_start_matches('.').trim_end_matches('.');
    let below = host.strip_suffix(name);
    !name.is_empty() && below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

fn covers_address(entry: &str, address: IpAddr, port: u16) -> bool {
    if let Some((network, bits)) = entry.split_once('/') {
        let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else {
            return false;
        };
        return match (network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differ = u32::from(network) ^ u32::from(address);
                bits <= 32 && differ.leading_zeros() >= bits
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differ = u128::from(network) ^ u128::from(address);
                bits <= 128 && differ.leading_zeros() >= bits
            }
            _ => false,
        };
    }
    let alone = entry.trim_start_matches('[').trim_end_matches(']');
    if alone.parse() == Ok(address) {
        return true;
    }
    let with_port = entry.parse::<std::net::SocketAddr>();
    with_port.is_ok_and(|entry| entry.ip() == address && entry.port() == port)
}

/// A proxy's address, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProxyServer {
    pub(crate) scheme: Scheme,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// `user:password`, decoded.
    pub(crate) user_info: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
    /// The server's name is looked up here.
    Socks5,
    /// The proxy looks it up.
    Socks5h,
}

impl ProxyServer {
    fn parse(address: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = address.split_once("://").unwrap_or(("http", address));
        let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Scheme::Http, 80),
            "https" => (Scheme::Https, 443),
            "socks5" => (Scheme::Socks5, 1080),
            "socks5h" => (Scheme::Socks5h, 1080),
            _ => return Err(UrlError::Scheme),
        };
        let authority = Authority::parse(rest.trim_end_matches('/'))?;
        Ok(Self {
            scheme,
            host: authority.host,
            port: authority.port.unwrap_or(default_port),
            user_info: authority.user_info,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands on the way to `url` with these variables.
    fn way(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let get = |name: &str| {
            let mut named = variables.iter().filter(|(other, _)| *other == name);
            named.next().map(|(_, value)| (*value).to_owned())
        };
        let url = Url::parse(url).expect("a good URL");
        let server = Proxy::from_variables(get).for_url(&url).expect("a proxy");
        server.map(|server| format!("{:?} {}:{}", server.scheme, server.host, server.port))
    }

    #[test]
    fn each_scheme_has_its_variable_and_all_proxy_is_for_the_rest() {
        let variables = [
            ("http_proxy", "http://small:3128/"),
            ("HTTP_PROXY", "capital:3128"),
            ("ALL_PROXY", "socks5h://socks"),
        ];
        let small = Some("Http small:3128".to_owned());
        assert_eq!(way(&variables, "ws://example.com/"), small);
        let socks = Some("Socks5h socks:1080".to_owned());
        assert_eq!(way(&variables, "wss://example.com/"), socks);
        let capital = [("HTTPS_PROXY", "https://capital")];
        assert_eq!(
            way(&capital, "wss://example.com/"),
            Some("Https capital:443".to_owned())
        );
        assert_eq!(way(&capital, "ws://example.com/"), None);
        assert_eq!(way(&[("http_proxy", " ")], "ws://example.com/"), None);
    }

    #[test]
    fn a_cgi_program_does_not_take_its_proxy_from_a_request() {
        let variables = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "evil:80")];
        assert_eq!(way(&variables, "ws://example.com/"), None);
    }

    #[test]
    fn hosts_in_no_proxy_are_connected_to_directly() {
        let no_proxy =
            "localhost, .example.com,internal.net:8000,10.0.0.0/8,192.168.1.7,[::1],fe80::/10";
        let variables = [("ALL_PROXY", "proxy:1"), ("NO_PROXY", no_proxy)];
        for direct in [
            "ws://localhost/",
            "ws://LOCALHOST./",
            "wss://example.com/",
            "ws://a.b.example.com/",
            "ws://internal.net:8000/",
            "ws://10.200.0.1/",
            "ws://192.168.1.7:9000/",
            "ws://[::1]/",
            "ws://[fe80::1]/",
        ] {
            assert_eq!(way(&variables, direct), None, "{direct}");
        }
        for proxied in [
            "ws://badexample.com/",
            "ws://internal.net/",
            "ws://11.0.0.1/",
            "ws://192.168.1.70/",
            "ws://[2001:db8::1]/",
        ] {
            assert!(way(&variables, proxied).is_some(), "{proxied}");
        }
        let all = [("ALL_PROXY", "proxy:1"), ("no_proxy", "*")];
        assert_eq!(way(&all, "ws://example.com/"), None);
    }

    #[test]
    fn a_login_is_decoded_and_an_address_that_is_none_names_its_variable_only() {
        let server = ProxyServer::parse("socks5://anna:p%40ss@[::1]:9").expect("an address");
        assert_eq!(server.user_info.as_deref(), Some("anna:p@ss"));
        assert_eq!((server.host.as_str(), server.port), ("::1", 9));
        let url = Url::parse("ws://example.com/").expect("a good URL");
        let get = |name: &str| (name == "http_proxy").then(|| "ftp://anna:secret@x".to_owned());
        let error = Proxy::from_variables(get).for_url(&url).expect_err("ftp");
        assert!(
            error.to_string().starts_with("http_proxy is not"),
            "{error}"
        );
    }
}
