//! Whole examinations: of a real server, as it is and behind proxies that do what proxies do.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is missing fails the test"
)]

mod proxy;
mod server;
mod tls;

use std::net::SocketAddr;
use std::time::Duration;

use veche_doctor::check::{Check, Mark, Report};
use veche_doctor::examine::{Options, examine};
use veche_doctor::target::Target;

use crate::proxy::{Proxy, answering};
use crate::server::Server;
use crate::tls::Authority;

fn options(address: SocketAddr) -> Options {
    options_for(&format!("http://{address}"))
}

fn options_for(url: &str) -> Options {
    let mut options = Options::new(Target::parse(url).expect("a URL"));
    options.watch = Some(Duration::ZERO);
    options
}

fn look(options: &Options) -> Report {
    let mut told = Vec::new();
    let report = examine(options, &mut |progress| {
        if let veche_doctor::examine::Progress::Checked(check) = progress {
            told.push(check.clone());
        }
    });
    assert_eq!(told, report.checks, "each is told as soon as it is found");
    report
}

/// The marks of all checks: `upgrade fine, compression note`.
fn marks(report: &Report) -> String {
    let marks = report.checks.iter();
    let marks = marks.map(|check| format!("{} {}", check.name, check.mark.name()));
    marks.collect::<Vec<_>>().join(", ")
}

fn check<'a>(report: &'a Report, name: &str) -> &'a Check {
    let found = report.checks.iter().find(|check| check.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {report:#?}"))
}

/// What the check that went wrong says, and what it advises.
fn wrong(report: &Report, name: &str) -> String {
    let check = check(report, name);
    assert_eq!(check.mark, Mark::Wrong, "{report:#?}");
    assert!(!report.is_well());
    format!("{}\n{}", check.found, check.advice.join("\n"))
}

#[test]
fn a_server_that_is_well_is_found_well() {
    let server = Server::start(&[
        ("health.enabled", "true"),
        ("websocket.compression", "true"),
        ("client.allowed_origins", "https://a.example"),
        ("client.ping_interval", "1s"),
        ("client.pong_timeout", "500ms"),
    ]);
    let mut options = options(server.address);
    options.origin = Some("https://a.example".to_owned());
    options.watch = None;
    let report = look(&options);
    assert_eq!(
        marks(&report),
        "reach fine, health fine, upgrade fine, compression fine, origin fine, connect fine, replies fine, idle fine",
        "{report:#?}"
    );
    let idle = &check(&report, "idle").found;
    assert!(idle.contains("with 2 pings"), "{idle}");
    assert!(report.is_well());
}

#[test]
fn the_plain_dialect_is_found_by_its_first_word() {
    let server = Server::start(&[("plain.enabled", "true")]);
    let report = look(&options_for(&format!(
        "ws://{}/connection/plain",
        server.address
    )));
    assert_eq!(
        marks(&report),
        "reach fine, health note, upgrade fine, compression note, origin note, connect fine, replies fine, idle note",
        "{report:#?}"
    );
    assert!(check(&report, "connect").found.contains("plain dialect"));
}

#[test]
fn a_foreign_origin_is_named_with_the_line_to_add() {
    let server = Server::start(&[]);
    let mut options = options(server.address);
    options.origin = Some("https://b.example".to_owned());
    let words = wrong(&look(&options), "origin");
    assert!(
        words.contains(r#""allowed_origins": ["https://b.example"]"#),
        "{words}"
    );
}

#[test]
fn a_server_that_wants_a_token_is_no_fault_and_a_bad_token_is_one() {
    let server = Server::start(&[
        ("client.allow_anonymous_connect_without_token", "false"),
        ("client.token.hmac_secret_key", "key"),
    ]);
    let mut options = options(server.address);
    let report = look(&options);
    assert_eq!(
        check(&report, "connect").mark,
        Mark::Doubtful,
        "{report:#?}"
    );
    assert!(report.is_well());
    options.token = Some("eyJhbGciOiJIUzI1NiJ9.e30.x".to_owned());
    let words = wrong(&look(&options), "connect");
    assert!(
        words.contains("3500") && words.contains("checktoken"),
        "{words}"
    );
}

#[test]
fn a_proxy_that_drops_the_upgrade_is_told_what_to_pass_on() {
    let server = Server::start(&[]);
    for (proxy, said) in [
        (
            Proxy::dropping(&["upgrade", "connection"]),
            "Upgrade header",
        ),
        (Proxy::dropping(&["connection"]), "Connection header"),
        (Proxy::speaking_http_1_0(), "HTTP/1.0"),
    ] {
        let words = wrong(&look(&options(proxy.start(server.address))), "upgrade");
        assert!(words.contains(said), "{words}");
        assert!(
            words.contains("proxy_set_header Upgrade $http_upgrade;"),
            "{words}"
        );
    }
}

#[test]
fn a_proxy_that_drops_extensions_leaves_messages_uncompressed() {
    let server = Server::start(&[("websocket.compression", "true")]);
    let straight = look(&options(server.address));
    assert_eq!(check(&straight, "compression").mark, Mark::Fine);
    let proxy = Proxy::dropping(&["sec-websocket-extensions"]).start(server.address);
    let report = look(&options(proxy));
    let compression = check(&report, "compression");
    assert_eq!(compression.mark, Mark::Note);
    assert!(compression.found.contains("Sec-WebSocket-Extensions"));
    assert_eq!(check(&report, "replies").mark, Mark::Fine);
}

#[test]
fn a_proxy_that_cuts_idle_connections_is_caught_and_told_for_how_long_to_keep_them() {
    let server = Server::start(&[("client.ping_interval", "25s")]);
    let proxy = Proxy::cutting_after(Duration::from_millis(300)).start(server.address);
    let mut options = options(proxy);
    options.watch = None;
    let words = wrong(&look(&options), "idle");
    assert!(
        words.contains("of silence, without a close frame"),
        "{words}"
    );
    assert!(words.contains("the server pings every 25 s"), "{words}");
    assert!(words.contains("proxy_read_timeout 60s;"), "{words}");
}

#[test]
fn a_proxy_that_buffers_is_caught_by_the_reply_that_comes_with_the_next() {
    let server = Server::start(&[]);
    let proxy = Proxy::holding_back(2).start(server.address);
    let mut options = options(proxy);
    options.timeout = Duration::from_millis(500);
    let words = wrong(&look(&options), "replies");
    assert!(words.contains("held back"), "{words}");
    assert!(words.contains("proxy_buffering off;"), "{words}");
}

#[test]
fn each_answer_to_an_upgrade_has_a_meaning() {
    for (answer, expected) in [
        ("HTTP/1.1 502 Bad Gateway\r\n", "does not reach the server"),
        (
            "HTTP/1.1 504 Gateway Timeout\r\n",
            "does not reach the server",
        ),
        ("HTTP/1.1 404 Not Found\r\n", "no WebSocket at this path"),
        ("HTTP/1.1 403 Forbidden\r\n", "firewall"),
        ("HTTP/1.1 401 Unauthorized\r\n", "password"),
        ("HTTP/1.1 429 Too Many Requests\r\n", "no room"),
        ("HTTP/1.1 200 OK\r\n", "an ordinary page"),
        (
            "HTTP/1.1 301 Moved Permanently\r\nLocation: https://chat.example/\r\n",
            "leads to https://chat.example/",
        ),
        ("HTTP/1.0 400 Bad Request\r\n", "HTTP/1.0"),
        (
            "HTTP/1.1 426 Upgrade Required\r\n",
            "proxy_set_header Upgrade",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
            "Sec-WebSocket-Accept",
        ),
    ] {
        let address = answering(format!("{answer}Content-Length: 0\r\n\r\n").into_bytes());
        let words = wrong(&look(&options(address)), "upgrade");
        assert!(words.contains(expected), "{answer}: {words}");
    }
}

#[test]
fn a_port_that_speaks_tls_or_nothing_is_told_apart() {
    let tls = answering(vec![21, 3, 1, 0, 2, 2, 70]);
    assert!(wrong(&look(&options(tls)), "upgrade").contains("https://"));
    let silent = answering(Vec::new());
    assert!(wrong(&look(&options(silent)), "upgrade").contains("ended without an answer"));
}

#[test]
fn where_nobody_listens_the_port_and_the_firewall_are_named() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = nobody.local_addr().expect("it is bound");
    drop(nobody);
    let words = wrong(&look(&options(address)), "reach");
    assert!(words.contains("http_server.port"), "{words}");
}

#[test]
fn machines_read_the_same_report() {
    let address = answering(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n".to_vec());
    let report = look(&options(address)).to_json();
    assert_eq!(report["well"], false);
    let last = report["checks"].as_array().and_then(|checks| checks.last());
    let last = last.expect("a check");
    assert_eq!(
        (&last["check"], &last["mark"]),
        (&"upgrade".into(), &"wrong".into())
    );
}

/// An examination over TLS, by the name `localhost`, that trusts the authority.
fn secure(authority: &Authority, port: u16) -> Options {
    let mut options = options_for(&format!("wss://localhost:{port}"));
    options.authorities = Some(vec![authority.certificate.clone()]);
    options
}

#[test]
fn a_good_certificate_is_told_with_its_days_and_the_rest_is_looked_at_through_it() {
    let (server, authority) = (Server::start(&[]), Authority::new("an authority"));
    let front = authority.front(server.address, "localhost", 60);
    let report = look(&secure(&authority, front.address.port()));
    let certificate = check(&report, "certificate");
    assert_eq!(certificate.mark, Mark::Fine, "{report:#?}");
    assert_eq!(
        certificate.found,
        "it is for localhost, trusted, and runs out in 60 days"
    );
    for name in ["upgrade", "connect", "replies"] {
        assert_eq!(check(&report, name).mark, Mark::Fine, "{report:#?}");
    }
    assert!(report.is_well());
}

#[test]
fn a_certificate_that_ends_soon_is_doubtful_and_one_that_has_ended_is_wrong() {
    let (server, authority) = (Server::start(&[]), Authority::new("an authority"));
    let soon = authority.front(server.address, "localhost", 5);
    let report = look(&secure(&authority, soon.address.port()));
    let certificate = check(&report, "certificate");
    assert_eq!(certificate.mark, Mark::Doubtful, "{report:#?}");
    assert!(certificate.found.contains("in 5 days"), "{report:#?}");
    let late = authority.front(server.address, "localhost", -3);
    let report = look(&secure(&authority, late.address.port()));
    assert!(
        wrong(&report, "certificate").contains("ran out 2 days ago"),
        "{report:#?}"
    );
    // What lies behind it is looked at all the same.
    assert_eq!(check(&report, "replies").mark, Mark::Fine);
}

#[test]
fn a_certificate_for_another_name_is_told_with_the_names_that_it_has() {
    let (server, authority) = (Server::start(&[]), Authority::new("an authority"));
    let front = authority.front(server.address, "chat.example", 60);
    let report = look(&secure(&authority, front.address.port()));
    let words = wrong(&report, "certificate");
    assert!(words.contains("not for localhost"), "{words}");
    assert!(words.contains("chat.example"), "{words}");
}

#[test]
fn a_certificate_that_nobody_trusted_has_signed_is_told_to_bring_its_chain() {
    let (server, authority) = (Server::start(&[]), Authority::new("an authority"));
    let front = authority.front(server.address, "localhost", 60);
    let stranger = Authority::new("a stranger");
    let words = wrong(
        &look(&secure(&stranger, front.address.port())),
        "certificate",
    );
    assert!(words.contains("nobody whom this machine trusts"), "{words}");
    assert!(words.contains("full chain"), "{words}");
}

#[test]
fn a_port_without_tls_is_told_so() {
    let server = Server::start(&[]);
    let authority = Authority::new("an authority");
    let words = wrong(&look(&secure(&authority, server.address.port())), "tls");
    assert!(words.contains("does not speak TLS"), "{words}");
}
