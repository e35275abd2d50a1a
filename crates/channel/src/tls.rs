//! TLS: whom to trust, and who to be.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};
use tokio_rustls::TlsConnector;

use crate::connect_error::{ConnectError, ConnectResult};
use crate::socket::Socket;

/// What a `wss://` connection trusts, and what it shows of itself.
///
/// By default the certificates are trusted that the system trusts; they are read once, and only
/// when a `wss://` connection is made. To use one configuration of rustls for many channels, make
/// it yourself and give it to [`Tls::from_config`].
///
/// # Example
/// ```no_run
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use veche_channel::{Connect, Tls};
///
/// let tls = Tls::new()
///     .roots_pem(std::fs::read("ca.pem")?)
///     .client_certificate_pem(std::fs::read("client.pem")?, std::fs::read("client.key")?);
/// let connect = Connect::new("wss://internal.example/live").tls(tls);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use = "it says what a connection trusts"]
pub struct Tls {
    roots: Option<Vec<u8>>,
    client: Option<(Vec<u8>, Vec<u8>)>,
    pins: Vec<[u8; 32]>,
    config: Option<Arc<ClientConfig>>,
}

impl Tls {
    /// TLS as the system trusts.
    pub fn new() -> Self {
        Self::default()
    }

    /// TLS as this configuration of rustls says; nothing else is looked at.
    pub fn from_config(config: Arc<ClientConfig>) -> Self {
        Self {
            config: Some(config),
            ..Self::default()
        }
    }

    /// Trusts these certificates (PEM, one or more), and none of the system's.
    pub fn roots_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// Shows this certificate (PEM, with the chain behind it) to a server that asks for one, and
    /// proves it by this key (PEM: PKCS#8, PKCS#1 or SEC 1).
    pub fn client_certificate_pem(
        mut self,
        chain: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.client = Some((chain.into(), key.into()));
        self
    }

    /// Accepts a server only if its key is this one, or another that is pinned: the SHA-256 of
    /// the `SubjectPublicKeyInfo` of its certificate, as in `openssl x509 -pubkey -noout | openssl
    /// pkey -pubin -outform der | sha256sum`. Its certificate must be trusted all the same.
    pub fn pin_sha256(mut self, pin: [u8; 32]) -> Self {
        self.pins.push(pin);
        self
    }

    /// Makes a TLS connection over `socket`.
    pub(crate) async fn secure(&self, host: &str, socket: Socket) -> ConnectResult<Socket> {
        let failed = |source| ConnectError::Tls {
            host: host.to_owned(),
            source,
        };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        let connector = TlsConnector::from(self.config()?);
        let tls = Box::pin(connector.connect(name, socket)).await;
        tls.map(|tls| Socket::Tls(Box::new(tls))).map_err(failed)
    }

    fn config(&self) -> ConnectResult<Arc<ClientConfig>> {
        if let Some(config) = &self.config {
            return Ok(Arc::clone(config));
        }
        if self.roots.is_none() && self.client.is_none() && self.pins.is_empty() {
            static DEFAULT: OnceLock<Arc<ClientConfig>> = OnceLock::new();
            if let Some(config) = DEFAULT.get() {
                return Ok(Arc::clone(config));
            }
            let config = self.build()?;
            return Ok(Arc::clone(DEFAULT.get_or_init(|| config)));
        }
        self.build()
    }

    fn build(&self) -> ConnectResult<Arc<ClientConfig>> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let roots = match &self.roots {
            Some(pem) => roots_of(pem)?,
            None => system_roots()?,
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(unusable)?;
        let builder = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pinned {
                verifier,
                pins: self.pins.clone(),
                provider,
            }));
        let config = match &self.client {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = certificates(chain)?;
                let key = PrivateKeyDer::from_pem_slice(key).map_err(unusable)?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(unusable)?
            }
        };
        Ok(Arc::new(config))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither certificates nor the key: they are long, and one is secret.
        f.debug_struct("Tls")
            .field("has_roots", &self.roots.is_some())
            .field("has_client_certificate", &self.client.is_some())
            .field("pins", &self.pins.len())
            .field("is_from_config", &self.config.is_some())
            .finish()
    }
}

fn certificates(pem: &[u8]) -> ConnectResult<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(unusable)?;
    if all.is_empty() {
        return Err(ConnectError::TlsOptions(
            "there is no certificate in the PEM text".to_owned(),
        ));
    }
    Ok(all)
}

fn roots_of(pem: &[u8]) -> ConnectResult<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots.add(certificate).map_err(unusable)?;
    }
    Ok(Arc::new(roots))
}

/// What the system trusts, read once for the whole program.
fn system_roots() -> ConnectResult<Arc<RootCertStore>> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    if let Some(roots) = ROOTS.get() {
        return Ok(Arc::clone(roots));
    }
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = (found.errors.first()).map_or(String::new(), |error| format!(": {error}"));
        return Err(ConnectError::TlsOptions(format!(
            "the system has no certificates to trust{why}"
        )));
    }
    Ok(Arc::clone(ROOTS.get_or_init(|| Arc::new(roots))))
}

fn unusable(error: impl fmt::Display) -> ConnectError {
    ConnectError::TlsOptions(error.to_string())
}

/// The usual check of a certificate, and then of its key.
#[derive(Debug)]
struct Pinned {
    verifier: Arc<WebPkiServerVerifier>,
    pins: Vec<[u8; 32]>,
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn is_pinned(&self, certificate: &CertificateDer<'_>) -> Result<bool, rustls::Error> {
        if self.pins.is_empty() {
            return Ok(true);
        }
        let certificate = webpki::EndEntityCert::try_from(certificate)
            .map_err(|_| rustls::Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let key = certificate.subject_public_key_info();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &key);
        Ok(self.pins.iter().any(|pin| pin == digest.as_ref()))
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.verifier.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        if self.is_pinned(end_entity)? {
            return Ok(verified);
        }
        let error = OtherError(Arc::new(NotPinned));
        Err(rustls::Error::InvalidCertificate(CertificateError::Other(
            error,
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the server's key is none of the pinned ones")]
struct NotPinned;
