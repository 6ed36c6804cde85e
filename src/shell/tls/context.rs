//! What all sessions have in common: our certificate, and whom we believe.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::string::{String, ToString};
use std::sync::Arc;
use std::vec::Vec;
use std::{fmt, format};

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, ServerConfig, WantsVerifier};

use super::identity::{Pins, Verifier};
use super::session::Session;
use super::{SYSTEM, Wanted};
use crate::ground::limits;
use crate::shell::clock;
use crate::shell::sandbox;
use crate::shell::users::Fault;

/// What all sessions have in common; without anything, nobody is spoken to.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    client: Option<Arc<ClientConfig>>,
    server: Option<Arc<ServerConfig>>,
    pins: Arc<Pins>,
    knows_peers: bool,
}

/// A chain of certificates and the key to the first.
type Own = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Sessions that can be taken up again, with servers.
const RESUMED: usize = limits::CONNECTIONS;

impl Tls {
    /// Reads what a configuration names.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn load(wanted: &Wanted) -> Result<Tls, Fault> {
        if *wanted == Wanted::default() {
            return Ok(Tls::default());
        }
        let provider = Arc::new(ring::default_provider());
        let own = wanted.own.as_ref();
        let own = own.map(|(chain, key)| read_own(chain, key)).transpose()?;
        let pins = Arc::new(Pins(wanted.pins.clone()));
        let roots = match &wanted.authorities {
            Some(file) => authorities(file)?,
            None => system_authorities(),
        };
        let verifier = Verifier {
            roots,
            pins: pins.clone(),
            provider: provider.clone(),
        };
        let server = match &own {
            Some(own) => Some(server(
                &provider,
                own,
                wanted.client_authorities.as_deref(),
            )?),
            None => None,
        };
        Ok(Tls {
            client: Some(client(&provider, verifier, own)?),
            server,
            pins,
            knows_peers: wanted.client_authorities.is_some(),
        })
    }

    /// Whether whoever opens a connection to us may be known by a certificate.
    pub fn knows_peers(&self) -> bool {
        self.knows_peers
    }

    /// A session with somebody who opened a connection to us; `None` without a certificate of ours.
    pub fn accept(&self) -> Option<Session> {
        Session::accepted(self.server.clone()?)
    }

    /// A session with a server that has to be all of `names`; of whom nobody knows one, its address.
    pub fn connect<'a>(
        &self,
        names: impl Iterator<Item = &'a str>,
        address: IpAddr,
    ) -> Option<Session> {
        let mut names: Vec<String> = names.map(ToString::to_string).collect();
        if names.is_empty() {
            names.push(address.to_string());
        }
        Session::opened(self.client.clone()?, names, self.pins.clone())
    }
}

fn client(
    provider: &Arc<CryptoProvider>,
    verifier: Verifier,
    own: Option<Own>,
) -> Result<Arc<ClientConfig>, Fault> {
    let builder = ClientConfig::builder_with_details(provider.clone(), Arc::new(Clock));
    let builder = versions(builder)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match own {
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(unusable)?,
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::in_memory_sessions(RESUMED);
    Ok(Arc::new(config))
}

fn server(
    provider: &Arc<CryptoProvider>,
    (chain, key): &Own,
    client_authorities: Option<&Path>,
) -> Result<Arc<ServerConfig>, Fault> {
    let builder = ServerConfig::builder_with_details(provider.clone(), Arc::new(Clock));
    let builder = versions(builder)?;
    let builder = match client_authorities {
        Some(file) => {
            let roots = Arc::new(authorities(file)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone());
            let verifier = verifier.allow_unauthenticated().build();
            builder.with_client_cert_verifier(verifier.map_err(unusable)?)
        }
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(chain.clone(), key.clone_key());
    let mut config = config.map_err(unusable)?;
    // What a peer needs to go on with a session it keeps itself: nothing here grows with their number.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = ring::Ticketer::new().map_err(unusable)?;
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

fn versions<S: rustls::ConfigSide>(
    builder: ConfigBuilder<S, rustls::WantsVersions>,
) -> Result<ConfigBuilder<S, WantsVerifier>, Fault> {
    builder
        .with_safe_default_protocol_versions()
        .map_err(unusable)
}

fn unusable(error: impl fmt::Display) -> Fault {
    let what = format!("the certificate and key of [tls] cannot be used: {error}");
    Fault::new(what, "make new ones: lampfield certificate new NAME")
}

/// The chain that we show and its key, which is for its owner alone.
fn read_own(chain: &Path, key: &Path) -> Result<Own, Fault> {
    let certificates = certificates(chain)?;
    let text = read(key)?;
    let mode = fs::metadata(key).map(|it| it.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        let key = key.display();
        let what = format!("others than its owner may read the key in {key}");
        return Err(Fault::new(what, format!("chmod 600 {key}")));
    }
    let read = PrivateKeyDer::from_pem_slice(&text);
    // What is wrong is not said with the words of the file.
    let key = read.map_err(|_| {
        let what = format!("there is no private key in {}", key.display());
        Fault::new(
            what,
            "name the file of the key that belongs to the certificate",
        )
    })?;
    Ok((certificates, key))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let text = read(file)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.unwrap_or_default();
    if all.is_empty() {
        let what = format!("there is no certificate in {}", file.display());
        return Err(Fault::new(what, "name a file of certificates in PEM form"));
    }
    Ok(all)
}

fn authorities(file: &Path) -> Result<RootCertStore, Fault> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates(file)?);
    if added == 0 {
        let what = format!("no certificate in {} can be used", file.display());
        return Err(Fault::new(what, "name the authority's certificate"));
    }
    Ok(roots)
}

/// Those of this machine, if it has any: without one no server is believed but for its pin.
fn system_authorities() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    if let Ok(all) = certificates(Path::new(SYSTEM)) {
        roots.add_parsable_certificates(all);
    }
    roots
}

fn read(file: &Path) -> Result<Vec<u8>, Fault> {
    fs::read(file).map_err(|error| {
        let what = format!("{} cannot be read: {error}", file.display());
        let remedy = match error.kind() {
            _ if sandbox::hides(file, &error) => sandbox::OPEN_IT,
            io::ErrorKind::NotFound => "make it: lampfield certificate new NAME",
            _ => "let the file belong to the user that the agent runs as",
        };
        Fault::new(what, String::from(remedy))
    })
}

/// The calendar clock, with 64-bit times on every target.
#[derive(Debug)]
struct Clock;

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let millis = clock::wall().unix_millis().unwrap_or(0);
        let since = std::time::Duration::from_millis(millis);
        Some(UnixTime::since_unix_epoch(since))
    }
}
