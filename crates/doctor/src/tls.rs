//! TLS with the server. Its certificate is looked at, rather than believed: what is wrong with it is to be said, and
//! what lies behind it is looked at all the same.

use std::fmt;
use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, StreamOwned,
};

use crate::target::Target;

/// How TLS is spoken with a server.
#[derive(Debug)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    lens: Arc<Lens>,
}

/// What was seen of a certificate.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Whether clients believe it.
    pub(crate) verdict: Result<(), Error>,
    /// When it ends, where that can be told: for one that is believed.
    pub(crate) ends: Option<UnixTime>,
    /// Certificates that came with it.
    pub(crate) intermediates: usize,
}

impl Tls {
    /// Trusts the authorities of this machine, or `authorities` (X.509 in DER) instead.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn new(target: &Target, authorities: Option<&[Vec<u8>]>) -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let name = ServerName::try_from(target.host.clone())
            .map_err(|_| format!("{} is no name that a certificate could be for", target.host))?;
        let lens = Arc::new(Lens {
            verifier: verifier(authorities, &provider)?,
            provider: provider.clone(),
            seen: Mutex::default(),
        });
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(lens.clone())
            .with_no_client_auth();
        Ok(Self {
            config: Arc::new(config),
            name,
            lens,
        })
    }

    /// Shakes hands over a connection whose reads end in time.
    pub(crate) fn secure(
        &self,
        mut socket: TcpStream,
    ) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let mut tls = ClientConnection::new(self.config.clone(), self.name.clone())
            .map_err(io::Error::other)?;
        while tls.is_handshaking() {
            let (read, written) = tls.complete_io(&mut socket)?;
            if read == 0 && written == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(StreamOwned::new(tls, socket))
    }

    /// What the last handshake has shown.
    pub(crate) fn seen(&self) -> Option<Seen> {
        let seen = self.lens.seen.lock();
        seen.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Looks at certificates, and lets all of them pass.
struct Lens {
    verifier: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<Seen>>,
}

/// A time at which every certificate has ended: the first second of the year 10000.
const AFTER_ALL: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(253_402_300_800));

impl ServerCertVerifier for Lens {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let at = |time| {
            let verdict =
                self.verifier
                    .verify_server_cert(certificate, intermediates, name, ocsp, time);
            verdict.map(|_| ())
        };
        // Asked at the end of all time, the verifier says when the certificate ends.
        let ends = match at(AFTER_ALL) {
            Err(Error::InvalidCertificate(CertificateError::ExpiredContext {
                not_after, ..
            })) => Some(not_after),
            _ => None,
        };
        let seen = Seen {
            verdict: at(now),
            ends,
            intermediates: intermediates.len(),
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

impl fmt::Debug for Lens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lens")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

fn verifier(
    authorities: Option<&[Vec<u8>]>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(authorities) => {
            let given = authorities
                .iter()
                .map(|it| CertificateDer::from(it.clone()));
            roots.add_parsable_certificates(given);
        }
        None => {
            // One that cannot be read is one that is not trusted.
            let system = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(system.certs);
        }
    }
    if roots.is_empty() {
        return Err(
            "this machine trusts no authority: install its certificates (Debian: ca-certificates), or name one (--ca)"
                .to_owned(),
        );
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| error.to_string())
}

/// The certificates of a PEM file, in DER.
///
/// # Errors
/// In words, what is wrong with it.
pub fn authorities(file: &Path) -> Result<Vec<Vec<u8>>, String> {
    let found = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| error.to_string())?;
    if found.is_empty() {
        return Err("there is no certificate in it".to_owned());
    }
    Ok(found.iter().map(|it| it.as_ref().to_vec()).collect())
}
