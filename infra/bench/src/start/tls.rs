//! TLS on loopback, with an authority of its own.

use std::{io, net::SocketAddr, path::Path, sync::Arc};

use axum::serve::Listener;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
    server::TlsStream,
};

/// What listens.
pub(super) struct Tls {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Tls {
    /// Listens, and writes to `authority`, in PEM, what its clients have to trust.
    pub async fn listen(authority: &Path) -> io::Result<Self> {
        let own = rcgen::generate_simple_self_signed([String::from("127.0.0.1")]).map_err(io::Error::other)?;
        let der = BASE64_STANDARD.encode(own.cert.der());
        std::fs::write(authority, format!("-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n"))?;
        let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().map_err(io::Error::other)?.with_no_client_auth();
        let config = config.with_single_cert(vec![own.cert.der().clone()], key).map_err(io::Error::other)?;
        Ok(Self { tcp: TcpListener::bind(("127.0.0.1", 0)).await?, acceptor: Arc::new(config).into() })
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let Ok((stream, from)) = self.tcp.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            // A connection that breaks off is not counted.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.address()
    }
}
