//! TLS to a destination: who it has to be, and who we are.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use super::peer::Peer;

/// `[destination.NAME.tls]`: an encrypted connection; an empty table is one by the authorities of this system.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsConfig {
    /// Authorities that the server's certificate may come from, as PEM. Default: those of this system.
    pub ca: Option<PathBuf>,
    /// The name that its certificate has to be for. Default: the host of `address`.
    pub server_name: Option<String>,
    /// Our own certificates as PEM, for a server that asks who we are; with `key`.
    pub certificate: Option<PathBuf>,
    /// The key of our certificate, as PEM.
    pub key: Option<PathBuf>,
}

/// A way to make TLS connections. Files are read at each connect, so that a certificate that was renewed is used.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    config: TlsConfig,
    host: String,
}

impl Peer for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

impl TlsConfig {
    /// What is wrong with it, for connections to `address`.
    pub(crate) fn faults(&self, address: &str) -> Vec<String> {
        let mut faults = Vec::new();
        if self.certificate.is_some() != self.key.is_some() {
            faults.push("tls: `certificate` and `key` come together".to_owned());
        } else if let Err(error) = self.client() {
            faults.push(format!("tls: {error}"));
        }
        let host = host_of(address);
        let name = self.server_name.as_deref().unwrap_or(host);
        if ServerName::try_from(name).is_err() {
            faults.push(format!("tls server-name: {name:?} is no name of a host"));
        }
        faults
    }

    fn client(&self) -> io::Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        match &self.ca {
            Some(file) => {
                for certificate in certificates(file)? {
                    roots.add(certificate).map_err(|fault| wrong(file, &fault))?;
                }
            }
            None => {
                // One that cannot be read leaves the others.
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots);
        let (Some(certificate), Some(key)) = (&self.certificate, &self.key) else {
            return Ok(builder.with_no_client_auth());
        };
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|fault| wrong(key, &fault))?;
        builder.with_client_auth_cert(certificates(certificate)?, secret).map_err(|fault| wrong(key, &fault))
    }
}

impl Tls {
    pub(crate) fn new(config: &TlsConfig, address: &str) -> Tls {
        Tls { config: config.clone(), host: host_of(address).to_owned() }
    }

    /// Makes `socket` an encrypted connection.
    pub(crate) async fn wrap(&self, socket: TcpStream) -> io::Result<Box<dyn Peer>> {
        let config = self.config.clone();
        let client = tokio::task::spawn_blocking(move || config.client()).await.map_err(io::Error::other)??;
        let name = self.config.server_name.clone().unwrap_or_else(|| self.host.clone());
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        let stream = TlsConnector::from(Arc::new(client)).connect(name, socket).await?;
        Ok(Box::new(stream))
    }
}

/// The host of `HOST:PORT`; an address of IPv6 without its brackets.
fn host_of(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn certificates(file: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|fault| wrong(file, &fault))?;
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("no certificate in {}", file.display())));
    }
    Ok(found)
}

fn wrong(file: &Path, fault: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("cannot use {}: {fault}", file.display()))
}
