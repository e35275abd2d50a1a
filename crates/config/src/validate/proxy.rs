//! Rules of proxies, and of everything that refers to one by name.

use crate::schema::Config;
use crate::schema::proxy::{Disconnect, Proxy, RpcOptions};
use crate::schema::transport::ConnectCodeToHttp;
use crate::validate::is_name;

/// The name that stands for the proxy of the section itself.
pub(super) const DEFAULT: &str = "default";

pub(super) fn check(config: &Config, problems: &mut Vec<String>) {
    for (at, proxy) in [
        ("client.proxy.connect", &config.client.proxy.connect),
        ("client.proxy.refresh", &config.client.proxy.refresh),
    ] {
        if proxy.enabled {
            backend(at, &proxy.proxy, problems);
        }
    }
    for (index, named) in config.proxies.iter().enumerate() {
        let name = &named.name;
        if !is_name(name) {
            problems.push(format!(
                "proxies[{index}].name: \"{name}\" is not a name; write at least two letters, digits, -, _ or ."
            ));
        }
        if name == DEFAULT {
            problems.push(format!(
                "proxies[{index}].name: \"{DEFAULT}\" is reserved; take another"
            ));
        }
        if config
            .proxies
            .iter()
            .take(index)
            .any(|other| other.name == *name)
        {
            problems.push(format!("proxies[{index}].name: \"{name}\" is there twice"));
        }
        backend(&format!("proxies[{name}]"), &named.proxy, problems);
    }
    rpc(config, problems);
    connect_codes(config, problems);
}

/// Whether `proxies` has `name`, or needs none.
pub(super) fn exists(config: &Config, name: &str) -> bool {
    name.is_empty() || name == DEFAULT || config.proxies.iter().any(|proxy| proxy.name == name)
}

/// The values that a proxy in use needs.
pub(super) fn backend(at: &str, proxy: &Proxy, problems: &mut Vec<String>) {
    if proxy.endpoint.is_empty() {
        problems.push(format!(
            "{at}.endpoint: is not set; write an address such as \"http://localhost:3000/connect\""
        ));
    }
    if proxy.timeout.is_zero() {
        problems.push(format!("{at}.timeout: must be longer than \"0s\""));
    }
    for (index, rule) in proxy.http.status_to_code_transforms.iter().enumerate() {
        let at = format!("{at}.http.status_to_code_transforms[{index}]");
        if rule.status_code == 0 {
            problems.push(format!("{at}.status_code: is not set"));
        }
        match (rule.to_error.code, rule.to_disconnect.code) {
            (0, 0) => problems.push(format!("{at}: needs to_error.code or to_disconnect.code")),
            (0, _) | (_, 0) => {}
            _ => problems.push(format!("{at}: cannot have both to_error and to_disconnect")),
        }
        words(
            &format!("{at}.to_error.message"),
            &rule.to_error.message,
            problems,
        );
        words(
            &format!("{at}.to_disconnect.reason"),
            &rule.to_disconnect.reason,
            problems,
        );
    }
}

fn rpc(config: &Config, problems: &mut Vec<String>) {
    let mut options = |at: &str, options: &RpcOptions| {
        if !exists(config, &options.proxy_name) {
            problems.push(format!(
                "{at}.proxy_name: there is no proxy \"{}\"",
                options.proxy_name
            ));
        }
        if options.proxy_enabled && options.proxy_name == DEFAULT {
            backend("rpc.proxy", &config.rpc.proxy, problems);
        }
    };
    options("rpc.without_namespace", &config.rpc.without_namespace);
    for namespace in &config.rpc.namespaces {
        options(
            &format!("rpc.namespaces[{}]", namespace.name),
            &namespace.options,
        );
    }
    for (index, namespace) in config.rpc.namespaces.iter().enumerate() {
        let name = &namespace.name;
        if !is_name(name) {
            problems.push(format!(
                "rpc.namespaces[{index}].name: \"{name}\" is not a name; write at least two letters, digits, -, _ or ."
            ));
        }
        if config
            .rpc
            .namespaces
            .iter()
            .take(index)
            .any(|other| other.name == *name)
        {
            problems.push(format!(
                "rpc.namespaces[{index}].name: \"{name}\" is there twice"
            ));
        }
    }
}

fn connect_codes(config: &Config, problems: &mut Vec<String>) {
    let rules = &config
        .client
        .connect_code_to_unidirectional_disconnect
        .transforms;
    for (index, rule) in rules.iter().enumerate() {
        let at = format!("client.connect_code_to_unidirectional_disconnect.transforms[{index}]");
        let Disconnect { code, reason } = &rule.to;
        if rule.code == 0 {
            problems.push(format!("{at}.code: is not set"));
        }
        if *code == 0 {
            problems.push(format!("{at}.to.code: is not set"));
        }
        words(&format!("{at}.to.reason"), reason, problems);
    }
    http_codes(
        "uni_sse",
        &config.uni_sse.connect_code_to_http_response,
        problems,
    );
    http_codes(
        "uni_http_stream",
        &config.uni_http_stream.connect_code_to_http_response,
        problems,
    );
}

fn http_codes(at: &str, rules: &ConnectCodeToHttp, problems: &mut Vec<String>) {
    for (index, rule) in rules.transforms.iter().enumerate() {
        let at = format!("{at}.connect_code_to_http_response.transforms[{index}]");
        if rule.code == 0 {
            problems.push(format!("{at}.code: is not set"));
        }
        if rule.to.status_code == 0 {
            problems.push(format!("{at}.to.status_code: is not set"));
        }
    }
}

/// Words that must fit into a close frame (RFC 6455, section 5.5).
fn words(at: &str, text: &str, problems: &mut Vec<String>) {
    const LONGEST: usize = 123;
    if !text.is_ascii() {
        problems.push(format!("{at}: must be ASCII"));
    }
    if text.len() > LONGEST {
        problems.push(format!("{at}: is longer than {LONGEST} bytes"));
    }
}
