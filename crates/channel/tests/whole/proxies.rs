//! Through proxies that are written out here, byte by byte.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use veche_channel::{Connect, ConnectError, Proxy};

use crate::dart_channel::check_echo;
use crate::peer;

type Log = Arc<Mutex<Vec<String>>>;

/// An HTTP proxy that asks for anna's password; yields its address, and the requests it got.
async fn http_proxy() -> (String, Log) {
    let log = Log::default();
    let kept = Arc::clone(&log);
    let url = peer::serve(move |mut stream| {
        let log = Arc::clone(&kept);
        async move {
            let head = peer::read_head(&mut stream).await;
            let target = head.split(' ').nth(1).expect("a target").to_owned();
            let login = peer::header(&head, "proxy-authorization").map(str::to_owned);
            log.lock().expect("no panic").push(head);
            if login.as_deref() != Some("Basic YW5uYTpwQHNz") {
                let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
                stream.write_all(refusal).await.expect("sent");
                return;
            }
            let Ok(mut server) = TcpStream::connect(target).await else {
                let failure = b"HTTP/1.1 502 Bad Gateway\r\n\r\n";
                stream.write_all(failure).await.expect("sent");
                return;
            };
            let answer = b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n";
            stream.write_all(answer).await.expect("sent");
            let _ = copy_bidirectional(&mut stream, &mut server).await;
        }
    })
    .await;
    (
        url.trim_start_matches("ws://")
            .trim_end_matches('/')
            .to_owned(),
        log,
    )
}

/// A SOCKS5 proxy that asks for anna's password, if `login`; what it was asked for it tells.
async fn socks_proxy(login: bool, reply: u8) -> (String, Log) {
    let log = Log::default();
    let kept = Arc::clone(&log);
    let url = peer::serve(move |mut stream| {
        let log = Arc::clone(&kept);
        async move {
            if let Some(target) = socks_greeting(&mut stream, login, &log).await {
                // Bound to a name of three bytes.
                let answer = [&[5, reply, 0, 3, 3], b"abc".as_slice(), &[0, 0]].concat();
                stream.write_all(&answer).await.expect("sent");
                if reply == 0 {
                    let mut server = TcpStream::connect(target).await.expect("connected");
                    let _ = copy_bidirectional(&mut stream, &mut server).await;
                }
            }
        }
    })
    .await;
    (
        url.trim_start_matches("ws://")
            .trim_end_matches('/')
            .to_owned(),
        log,
    )
}

async fn socks_greeting(stream: &mut TcpStream, login: bool, log: &Log) -> Option<String> {
    let mut start = [0; 2];
    stream.read_exact(&mut start).await.expect("a greeting");
    let mut methods = vec![0; usize::from(start[1])];
    stream.read_exact(&mut methods).await.expect("methods");
    let wanted = if login { 2 } else { 0 };
    if !methods.contains(&wanted) {
        stream.write_all(&[5, 0xff]).await.expect("sent");
        return None;
    }
    stream.write_all(&[5, wanted]).await.expect("sent");
    if login {
        assert_eq!(stream.read_u8().await.expect("a version"), 1);
        let user = short(stream).await;
        let password = short(stream).await;
        let is_right = (user.as_str(), password.as_str()) == ("anna", "p@ss");
        stream
            .write_all(&[1, u8::from(!is_right)])
            .await
            .expect("sent");
        if !is_right {
            return None;
        }
    }
    let mut request = [0; 4];
    stream.read_exact(&mut request).await.expect("a request");
    assert_eq!(request[..3], [5, 1, 0]);
    let host = match request[3] {
        1 => {
            let mut four = [0; 4];
            stream.read_exact(&mut four).await.expect("an address");
            std::net::Ipv4Addr::from(four).to_string()
        }
        kind => {
            assert_eq!(kind, 3, "an address or a name");
            short(stream).await
        }
    };
    let port = stream.read_u16().await.expect("a port");
    log.lock()
        .expect("no panic")
        .push(format!("kind {} {host}", request[3]));
    Some(format!("{host}:{port}"))
}

async fn short(stream: &mut TcpStream) -> String {
    let len = stream.read_u8().await.expect("a length");
    let mut text = vec![0; usize::from(len)];
    stream.read_exact(&mut text).await.expect("a text");
    String::from_utf8(text).expect("text")
}

#[tokio::test]
async fn an_http_proxy_is_passed_by_connect_and_with_a_login() {
    let (address, log) = http_proxy().await;
    let url = peer::echo().await;
    let proxy = Proxy::new(format!("http://anna:p%40ss@{address}"));
    let mut channel = (Connect::new(&url).proxy(proxy).connect().await).expect("a channel");
    check_echo(&mut channel, "through").await;
    let log = log.lock().expect("no panic");
    let target = url.trim_start_matches("ws://").trim_end_matches('/');
    assert!(
        log[0].starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")),
        "{}",
        log[0]
    );
    assert_eq!(peer::header(&log[0], "host"), Some(target));
}

#[tokio::test]
async fn an_http_proxy_that_refuses_is_told_from_a_server_that_does() {
    let (address, _) = http_proxy().await;
    let connect = Connect::new("ws://127.0.0.1:1/");
    let error =
        (connect.clone().proxy(Proxy::new(&address)).connect().await).expect_err("without a login");
    assert_eq!(
        error.to_string(),
        "the proxy refused: 407 Proxy Authentication Required"
    );
    assert!(!error.is_retryable());
    let known = Proxy::new(format!("anna:p%40ss@{address}"));
    let error = (connect.proxy(known).connect().await).expect_err("nobody listens behind it");
    assert_eq!(error.to_string(), "the proxy refused: 502 Bad Gateway");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_socks_proxy_is_passed_with_and_without_a_login() {
    let url = peer::echo().await;
    for (login, user) in [(false, ""), (true, "anna:p%40ss@")] {
        let (address, log) = socks_proxy(login, 0).await;
        let proxy = Proxy::new(format!("socks5://{user}{address}"));
        let mut channel = (Connect::new(&url).proxy(proxy).connect().await).expect("a channel");
        check_echo(&mut channel, "through").await;
        assert_eq!(*log.lock().expect("no panic"), ["kind 1 127.0.0.1"]);
    }
}

/// `socks5h` leaves the name to the proxy, `socks5` looks it up.
#[tokio::test]
async fn a_name_is_looked_up_where_the_scheme_says() {
    let url = peer::echo().await.replace("127.0.0.1", "localhost");
    let (address, log) = socks_proxy(false, 0).await;
    let proxy = Proxy::new(format!("socks5h://{address}"));
    let mut channel = (Connect::new(&url).proxy(proxy).connect().await).expect("a channel");
    check_echo(&mut channel, "through").await;
    assert_eq!(*log.lock().expect("no panic"), ["kind 3 localhost"]);
}

#[tokio::test]
async fn a_socks_proxy_that_refuses_says_why() {
    for (reply, text, is_retryable) in [
        (2, "not allowed by its rules", false),
        (5, "the host refused the connection", true),
    ] {
        let (address, _) = socks_proxy(false, reply).await;
        let connect = Connect::new("ws://127.0.0.1:1/");
        let proxy = Proxy::new(format!("socks5h://{address}"));
        let error = (connect.proxy(proxy).connect().await).expect_err("refused");
        assert_eq!(error.to_string(), format!("the proxy refused: {text}"));
        assert_eq!(error.is_retryable(), is_retryable);
    }
    let (address, _) = socks_proxy(true, 0).await;
    for user in ["", "anna:wrong@"] {
        let proxy = Proxy::new(format!("socks5://{user}{address}"));
        let connect = Connect::new("ws://127.0.0.1:1/").proxy(proxy);
        let error = connect.connect().await.expect_err("no login");
        assert!(
            matches!(
                error,
                ConnectError::Proxy {
                    is_temporary: false,
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_address_that_is_no_proxy_is_an_error_and_not_a_direct_way() {
    let connect = Connect::new("ws://127.0.0.1:1/").proxy(Proxy::new("ftp://anna:secret@x"));
    let error = connect.connect().await.expect_err("ftp");
    assert!(matches!(error, ConnectError::ProxyAddress(_)), "{error}");
    assert!(!format!("{error} {error:?}").contains("secret"));
    let url = Connect::new("ws://anna:secret@127.0.0.1:1/").header("Cookie", "secret");
    let shown = format!("{:?}", url.proxy(Proxy::new("http://anna:secret@x")));
    assert!(!shown.contains("secret"), "{shown}");
}

#[tokio::test]
async fn a_proxy_that_speaks_before_the_server_could_is_not_believed() {
    let url =
        peer::answering(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n").await;
    let proxy = Proxy::new(url.replace("ws://", "http://"));
    let connect = Connect::new("ws://example.com/").proxy(proxy);
    let error = connect.connect().await.expect_err("it is forged");
    assert!(matches!(error, ConnectError::NotHttp), "{error}");
}
