//! Who a certificate is for, and whether it is believed. Read RFC 5922 §7.

use std::format;
use std::net::IpAddr;
use std::string::{String, ToString};
use std::sync::Arc;
use std::vec::Vec;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};
use webpki::EndEntityCert;

use super::Pin;
use super::der::{Name, names_in};
use crate::wire::flow::Mistrust;
use crate::wire::sip::{Host, Uri};

/// Servers that are known by their very certificate.
#[derive(Debug, Default)]
pub(super) struct Pins(pub(super) Vec<Pin>);

impl Pins {
    /// Whether the server of that name is known by its certificate, and this is it.
    pub(super) fn has(&self, name: &str, certificate: &CertificateDer<'_>) -> bool {
        let print = Sha256::digest(certificate);
        let mut all = self
            .0
            .iter()
            .filter(|it| it.name.eq_ignore_ascii_case(name));
        all.any(|it| it.sha256[..] == print[..])
    }

    /// Whether the server of that name is known by its certificate.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.0.iter().any(|it| it.name.eq_ignore_ascii_case(name))
    }
}

/// Believes servers: for their very certificate where one is pinned, else for their authority and their name.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) roots: RootCertStore,
    pub(super) pins: Arc<Pins>,
    pub(super) provider: Arc<CryptoProvider>,
}

/// A clock before that was never set: 2025-01-01.
const SET: u64 = 1_735_689_600;

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let name = server_name.to_str();
        if self.pins.knows(&name) {
            return match self.pins.has(&name, end_entity) {
                true => Ok(ServerCertVerified::assertion()),
                false => Err(CertificateError::ApplicationVerificationFailure.into()),
            };
        }
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            intermediates,
            now,
            algorithms,
        )?;
        match is_for(end_entity, &name) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::NotValidForName.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// A host as it is configured, without its port, as the server is asked for it.
pub(super) fn server_name(host: &str) -> Option<ServerName<'static>> {
    let host = host.trim_end_matches('.');
    ServerName::try_from(String::from(host)).ok()
}

/// Whether a certificate is for that host: one of its `sip` URIs without a user names it or, where it has none of
/// those, one of its DNS names, whole and without wildcards (RFC 5922 §7.1, §7.2). For an address, one of its addresses.
pub(super) fn is_for(certificate: &CertificateDer<'_>, host: &str) -> bool {
    let Ok(certificate) = EndEntityCert::try_from(certificate) else {
        return false;
    };
    let host = host.trim_end_matches('.');
    match ServerName::try_from(host) {
        Ok(ServerName::DnsName(_)) => {}
        Ok(address) => {
            return certificate
                .verify_is_valid_for_subject_name(&address)
                .is_ok();
        }
        Err(_) => return false,
    }
    let mut uris = certificate.valid_uri_names().filter_map(domain).peekable();
    if uris.peek().is_some() {
        return uris.any(|it| it.eq_ignore_ascii_case(host));
    }
    let mut names = certificate.valid_dns_names();
    names.any(|it| it.trim_end_matches('.').eq_ignore_ascii_case(host))
}

/// Whom a peer speaks for that has shown this certificate: hosts, and users as `name@host`. As with servers, who has a
/// `sip` URI of a host is none of its DNS names (RFC 5922 §7.1). In small letters, as the settings name them.
pub(super) fn names_of(certificate: &[u8]) -> Vec<String> {
    let uris = names_in(certificate).filter_map(|name| match name {
        Name::Uri(uri) => speaker(uri),
        Name::Dns(_) | Name::Address(_) => None,
    });
    let mut names: Vec<String> = uris.collect();
    if names.iter().any(|it| !it.contains('@')) {
        return names;
    }
    names.extend(names_in(certificate).filter_map(|name| match name {
        Name::Dns(name) => host(Host::Name(name_in(name)?)),
        Name::Address(IpAddr::V4(address)) => host(Host::V4(address)),
        Name::Address(IpAddr::V6(address)) => host(Host::V6(address)),
        Name::Uri(_) => None,
    }));
    names
}

/// A DNS name that can be a host of SIP, and nothing else.
fn name_in(name: &[u8]) -> Option<&[u8]> {
    match Host::parse(name) {
        Ok(Host::Name(name)) => Some(name),
        Ok(Host::V4(_) | Host::V6(_)) | Err(_) => None,
    }
}

/// Whom a `sip` URI is of: a host, or a user there.
fn speaker(uri: &[u8]) -> Option<String> {
    let Ok(Uri::Sip(sip)) = Uri::parse(uri) else {
        return None;
    };
    let host = host(sip.host)?;
    match sip.user {
        None => Some(host),
        Some(user) => {
            let user = core::str::from_utf8(user).ok()?;
            Some(format!("{user}@{host}"))
        }
    }
}

/// A host as it stands in a URI.
fn host(host: Host<'_>) -> Option<String> {
    match host {
        Host::Name(name) => {
            let name = core::str::from_utf8(name).ok()?;
            let is_one = !name.contains('*');
            is_one.then(|| name.trim_end_matches('.').to_ascii_lowercase())
        }
        Host::V4(address) => Some(address.to_string()),
        Host::V6(address) => Some(format!("[{address}]")),
    }
}

/// The domain that a `sip` URI stands for, if it stands for one.
fn domain(uri: &str) -> Option<&str> {
    let Ok(Uri::Sip(sip)) = Uri::parse(uri.as_bytes()) else {
        return None;
    };
    match sip.host {
        Host::Name(name) if sip.user.is_none() && !sip.secure => {
            let name = core::str::from_utf8(name).ok()?;
            Some(name.trim_end_matches('.'))
        }
        Host::Name(_) | Host::V4(_) | Host::V6(_) => None,
    }
}

/// What went wrong, as people want to hear it.
pub(super) fn mistrust(error: &Error) -> Mistrust {
    match error {
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::NoCertificatesPresented => Mistrust::Bad,
        Error::AlertReceived(_) => Mistrust::Ours,
        _ => Mistrust::Speech,
    }
}

fn of_certificate(error: &CertificateError) -> Mistrust {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Mistrust::Expired,
        CertificateError::NotValidYetContext { time, .. } if time.as_secs() < SET => {
            Mistrust::Clock
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Mistrust::Early
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Mistrust::Name
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Mistrust::Authority,
        CertificateError::ApplicationVerificationFailure => Mistrust::Pin,
        _ => Mistrust::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, SanType};
    use std::time::Duration;

    /// A certificate for those: `DNS:`, `URI:` or `IP:` and a name.
    fn certificate(names: &[&str]) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        let kinds = names.iter().filter_map(|it| it.split_once(':'));
        params.subject_alt_names = kinds
            .map(|(kind, name)| match kind {
                "DNS" => SanType::DnsName(name.try_into().expect("ASCII")),
                "URI" => SanType::URI(name.try_into().expect("ASCII")),
                _ => SanType::IpAddress(name.parse().expect("an address")),
            })
            .collect();
        let key = KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("a certificate").into()
    }

    #[test]
    fn a_certificate_is_for_whole_names_and_no_patterns() /* X14, K01 */
    {
        for (names, host, expected) in [
            (&["DNS:pbx.example"][..], "pbx.example", true),
            (&["DNS:PBX.Example"], "pbx.example.", true),
            (&["DNS:pbx.example"], "a.pbx.example", false),
            (&["DNS:a.pbx.example"], "pbx.example", false),
            (&["DNS:*.example"], "pbx.example", false),
            (&["URI:sip:pbx.example"], "pbx.example", true),
            (&["URI:SIP:pbx.example;x=y"], "pbx.example", true),
            (&["URI:sip:a@pbx.example"], "pbx.example", false),
            (&["URI:sips:pbx.example"], "pbx.example", false),
            (&["URI:https:pbx.example"], "pbx.example", false),
            // A sip URI leaves nothing to the DNS names; one of a user is none.
            (
                &["DNS:pbx.example", "URI:sip:other.example"],
                "pbx.example",
                false,
            ),
            (
                &["DNS:pbx.example", "URI:sip:a@other.example"],
                "pbx.example",
                true,
            ),
            (&["IP:192.0.2.1"], "192.0.2.1", true),
            (&["IP:192.0.2.1"], "192.0.2.2", false),
            (&["DNS:192.0.2.1"], "192.0.2.1", false),
            (&["IP:2001:db8::1"], "2001:db8::1", true),
            (&[], "pbx.example", false),
            (&["DNS:pbx.example"], "", false),
        ] {
            assert_eq!(
                is_for(&certificate(names), host),
                expected,
                "{names:?} {host}"
            );
        }
    }

    #[test]
    fn a_peer_speaks_for_its_hosts_and_its_users() /* X15 */
    {
        for (names, expected) in [
            (&["DNS:Kitchen.Local"][..], &["kitchen.local"][..]),
            (&["URI:sip:ann@Pbx.example"], &["ann@pbx.example"]),
            (&["URI:sip:pbx.example"], &["pbx.example"]),
            (&["DNS:a.example", "DNS:*.example"], &["a.example"]),
            (
                &["IP:192.0.2.1", "IP:2001:db8::1"],
                &["192.0.2.1", "[2001:db8::1]"],
            ),
            // A sip URI of a host leaves nothing to the DNS names; one of a user does.
            (&["DNS:a.example", "URI:sip:b.example"], &["b.example"]),
            (
                &["DNS:a.example", "URI:sip:ann@b.example"],
                &["ann@b.example", "a.example"],
            ),
            (
                &["URI:https://a.example", "URI:tel:1", "DNS:192.0.2.1"],
                &[],
            ),
            (&[], &[]),
        ] {
            assert_eq!(names_of(&certificate(names)), expected, "{names:?}");
        }
    }

    #[test]
    fn a_clock_that_was_never_set_is_told_from_a_certificate_of_tomorrow() /* K02 */
    {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        for (now, expected) in [(100, Mistrust::Clock), (SET, Mistrust::Early)] {
            let error = CertificateError::NotValidYetContext {
                time: at(now),
                not_before: at(SET + 1_000),
            };
            assert_eq!(mistrust(&error.into()), expected);
        }
    }

    #[test]
    fn a_pin_is_of_one_server_and_one_certificate() {
        let (one, other) = (certificate(&["DNS:a"]), certificate(&["DNS:a"]));
        let sha256 = Sha256::digest(&one).into();
        let name = String::from("pbx.example");
        let pins = Pins([Pin { name, sha256 }].into());
        assert!(pins.has("PBX.example", &one) && pins.knows("pbx.example"));
        assert!(!pins.has("pbx.example", &other) && !pins.has("a", &one));
    }
}
