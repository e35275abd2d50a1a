//! Certificates as they are made for a test, and a proxy that ends TLS with them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;

/// An authority that nobody knows but a test.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: Vec<u8>,
}

/// Ends TLS before a server, until it is dropped.
#[derive(Debug)]
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    _runtime: Runtime,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            certificate: certificate.der().to_vec(),
            issuer: Issuer::new(params, key),
        }
    }

    /// A proxy before `server` with a certificate for `name` that ends in so many days.
    pub(crate) fn front(&self, server: SocketAddr, name: &str, days: i64) -> Front {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let now = time::OffsetDateTime::from(SystemTime::now());
        params.not_before = now - Duration::from_secs(100 * 24 * 3600);
        params.not_after = now + time::Duration::days(days) + Duration::from_secs(3600);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(certificate.der().to_vec())],
                PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
            )
            .expect("a configuration");
        Front::start(TlsAcceptor::from(Arc::new(config)), server)
    }
}

impl Front {
    fn start(acceptor: TlsAcceptor, server: SocketAddr) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), socket, server));
            }
        });
        Self {
            address,
            _runtime: runtime,
        }
    }
}

async fn serve(acceptor: TlsAcceptor, socket: TcpStream, server: SocketAddr) {
    let Ok(mut client) = acceptor.accept(socket).await else {
        return;
    };
    let mut server = TcpStream::connect(server)
        .await
        .expect("the server listens");
    // It ends as one of the two ends it.
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}
