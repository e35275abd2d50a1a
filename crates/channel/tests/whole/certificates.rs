//! `wss://`: whom to trust, and who to be.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PublicKeyData};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;
use veche_channel::{Connect, ConnectError, Tls};

use crate::dart_channel::check_echo;
use crate::peer;

/// An authority that nobody knows but a test.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

/// A certificate and its key.
struct Identity {
    key: KeyPair,
    certificate: CertificateDer<'static>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, "a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            certificate: certificate.der().clone(),
            pem: pem("CERTIFICATE", certificate.der()),
            issuer: Issuer::new(params, key),
        }
    }

    fn identity(&self, name: &str) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity {
            certificate: certificate.der().clone(),
            pem: pem("CERTIFICATE", certificate.der()),
            key,
        }
    }
}

impl Identity {
    fn pin(&self) -> [u8; 32] {
        let key = self.key.subject_public_key_info();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &key);
        digest.as_ref().try_into().expect("32 bytes")
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

/// An echo server for `wss://localhost`; it asks for a client certificate of `clients`.
async fn server(identity: &Identity, clients: Option<&Authority>) -> String {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.certificate.clone()).expect("a root");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        }
    };
    let key = PrivateKeyDer::try_from(identity.key.serialize_der()).expect("a key");
    let config = builder
        .with_single_cert(vec![identity.certificate.clone()], key)
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let url = peer::serve(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(tls) = acceptor.accept(stream).await else {
                return;
            };
            let accept = tokio_tungstenite::accept_async(tls).await;
            let mut theirs = accept.expect("a WebSocket");
            use futures_util::{SinkExt, StreamExt};
            while let Some(Ok(message)) = theirs.next().await {
                if theirs.send(message).await.is_err() {
                    break;
                }
            }
        }
    })
    .await;
    url.replace("ws://127.0.0.1", "wss://localhost")
}

async fn check(url: &str, tls: Tls) -> Result<(), ConnectError> {
    let mut channel = Connect::new(url).tls(tls).connect().await?;
    check_echo(&mut channel, "secret").await;
    Ok(())
}

#[tokio::test]
async fn a_server_is_trusted_by_its_authority_and_no_other() {
    let (ours, other) = (Authority::new(), Authority::new());
    let url = server(&ours.identity("localhost"), None).await;
    let trusting = |authority: &Authority| Tls::new().roots_pem(authority.pem.as_bytes());
    check(&url, trusting(&ours)).await.expect("it is trusted");
    let error = check(&url, trusting(&other))
        .await
        .expect_err("another authority");
    assert!(matches!(error, ConnectError::Tls { .. }), "{error}");
    assert!(!error.is_retryable());
    let both = format!("{}{}", other.pem, ours.pem);
    check(&url, Tls::new().roots_pem(both))
        .await
        .expect("one of two");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_trusted() {
    let authority = Authority::new();
    let url = server(&authority.identity("example.com"), None).await;
    let tls = Tls::new().roots_pem(authority.pem.as_bytes());
    let error = check(&url, tls).await.expect_err("another name");
    assert!(matches!(error, ConnectError::Tls { .. }), "{error}");
}

#[tokio::test]
async fn a_pinned_key_is_asked_for_on_top_of_trust() {
    let authority = Authority::new();
    let (identity, other) = (
        authority.identity("localhost"),
        authority.identity("localhost"),
    );
    let url = server(&identity, None).await;
    let trusting = || Tls::new().roots_pem(authority.pem.as_bytes());
    check(&url, trusting().pin_sha256(identity.pin()))
        .await
        .expect("its key");
    let two = trusting()
        .pin_sha256(other.pin())
        .pin_sha256(identity.pin());
    check(&url, two).await.expect("one of two");
    let wrong = trusting().pin_sha256(other.pin());
    let error = check(&url, wrong).await.expect_err("another key");
    assert!(matches!(error, ConnectError::Tls { .. }), "{error}");
    assert!(!error.is_retryable());
    // A pin alone is no trust.
    let untrusted = Tls::new()
        .roots_pem(Authority::new().pem)
        .pin_sha256(identity.pin());
    check(&url, untrusted)
        .await
        .expect_err("nobody vouches for it");
}

#[tokio::test]
async fn a_client_shows_its_certificate_where_it_is_asked_for() {
    let authority = Authority::new();
    let url = server(&authority.identity("localhost"), Some(&authority)).await;
    let trusting = || Tls::new().roots_pem(authority.pem.as_bytes());
    let client = authority.identity("a client");
    let tls = trusting().client_certificate_pem(
        client.pem.as_bytes(),
        pem("PRIVATE KEY", &client.key.serialize_der()),
    );
    check(&url, tls).await.expect("it is known");
    check(&url, trusting()).await.expect_err("it shows none");
}

#[tokio::test]
async fn a_configuration_of_ones_own_is_used_as_it_is() {
    let authority = Authority::new();
    let url = server(&authority.identity("localhost"), None).await;
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    check(&url, Tls::from_config(Arc::new(config)))
        .await
        .expect("it is trusted");
}

#[tokio::test]
async fn options_that_cannot_be_used_are_told_before_the_server_is() {
    let authority = Authority::new();
    let url = server(&authority.identity("localhost"), None).await;
    for tls in [
        Tls::new().roots_pem("no PEM"),
        Tls::new()
            .roots_pem(authority.pem.as_bytes())
            .client_certificate_pem("", ""),
    ] {
        let error = check(&url, tls).await.expect_err("they cannot be used");
        assert!(matches!(error, ConnectError::TlsOptions(_)), "{error}");
    }
}

/// A machine without certificates can still speak `ws://`: nothing is read for it.
#[tokio::test]
async fn what_is_wrong_with_tls_does_not_matter_without_it() {
    let url = peer::echo().await;
    check(&url, Tls::new().roots_pem("no PEM"))
        .await
        .expect("no TLS");
}

#[tokio::test]
async fn a_server_without_tls_is_an_error_of_tls() {
    let url = peer::echo()
        .await
        .replace("ws://127.0.0.1", "wss://localhost");
    let tls = Tls::new().roots_pem(Authority::new().pem);
    let error = check(&url, tls).await.expect_err("no TLS there");
    assert!(matches!(error, ConnectError::Tls { .. }), "{error}");
}
