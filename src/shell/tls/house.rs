//! Certificates that we make: one that signs itself, or those of a house with an authority of its own.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;
use std::{fmt, format};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

use super::der::Summary;
use crate::shell::clock;
use crate::shell::users::Fault;

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Whom the others have to believe for it: the authority, or else the certificate itself.
    pub authority: PathBuf,
}

/// No certificate is made by a clock before that year.
const FIRST_YEAR: u32 = 2025;

/// How many years it is valid.
const YEARS: u32 = 10;

/// The name of every house's authority.
const AUTHORITY: &str = "Lampfield authority";

/// Makes `NAME.pem` and `NAME.key` in the folder that we are in, for all `names`, which are hosts or addresses. With a
/// folder its authority signs, which is made if it is not there.
///
/// # Errors
/// What is wrong with a name, or a file that cannot be had. Nothing that is there is written over.
pub fn make(names: &[String], authority: Option<&Path>) -> Result<Made, Fault> {
    let first = names.first().map_or("", String::as_str);
    for name in names {
        let is_host = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-');
        if name.parse::<IpAddr>().is_err() && !name.chars().all(is_host) || name.is_empty() {
            let what = format!("\"{}\" is no host and no address", name.escape_debug());
            return Err(Fault::new(
                what,
                "write names as pbx.example or 192.168.1.5",
            ));
        }
    }
    let made = Made {
        certificate: with_end(Path::new(first), ".pem"),
        key: with_end(Path::new(first), ".key"),
        authority: authority.map_or_else(
            || with_end(Path::new(first), ".pem"),
            |folder| folder.join("authority.pem"),
        ),
    };
    let key = KeyPair::generate().map_err(failed)?;
    let params = params(names, first)?;
    let certificate = match authority {
        Some(folder) => params.signed_by(&key, &issuer(folder)?),
        None => params.self_signed(&key),
    };
    let certificate = certificate.map_err(failed)?;
    write(&made.key, &key.serialize_pem(), 0o600)?;
    write(&made.certificate, &certificate.pem(), 0o644)?;
    Ok(made)
}

/// What stands in a file of certificates, each with the digits of its pin.
///
/// # Errors
/// That there is none.
pub fn read(file: &Path) -> Result<Vec<(Summary, String)>, Fault> {
    let unreadable = |error: io::Error| {
        let what = format!("{} cannot be read: {error}", file.display());
        Fault::new(what, "name a file of certificates in PEM form")
    };
    let text = fs::read(file).map_err(unreadable)?;
    let all = CertificateDer::pem_slice_iter(&text).filter_map(Result::ok);
    let all: Vec<_> = all
        .filter_map(|it| Some((Summary::of(&it)?, pin(&it))))
        .collect();
    if all.is_empty() {
        let what = format!("there is no certificate in {}", file.display());
        return Err(Fault::new(what, "name a file of certificates in PEM form"));
    }
    Ok(all)
}

fn pin(der: &[u8]) -> String {
    let digits = Sha256::digest(der);
    digits.iter().map(|it| format!("{it:02x}")).collect()
}

fn params(names: &[String], first: &str) -> Result<CertificateParams, Fault> {
    let mut params = CertificateParams::new(names.to_vec()).map_err(failed)?;
    params.distinguished_name = called(first);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = [KeyUsagePurpose::DigitalSignature].into();
    // Each of ours is asked, and asks.
    params.extended_key_usages = [
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ]
    .into();
    params.use_authority_key_identifier_extension = true;
    date(&mut params);
    Ok(params)
}

/// From the first day of this year on, so that no clock of the house is behind.
fn date(params: &mut CertificateParams) {
    let year = clock::wall().utc().map_or(FIRST_YEAR, |it| it.year);
    let year = year.max(FIRST_YEAR) as i32;
    params.not_before = date_time_ymd(year, 1, 1);
    params.not_after = date_time_ymd(year + YEARS as i32, 1, 1);
}

fn called(name: &str) -> DistinguishedName {
    let mut called = DistinguishedName::new();
    called.push(DnType::CommonName, name);
    called
}

/// The authority in that folder; made, where there is none.
fn issuer(folder: &Path) -> Result<Issuer<'static, KeyPair>, Fault> {
    let (file, key_file) = (folder.join("authority.pem"), folder.join("authority.key"));
    let mut params = CertificateParams::default();
    params.distinguished_name = called(AUTHORITY);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign].into();
    date(&mut params);
    if file.exists() || key_file.exists() {
        let text = fs::read_to_string(&key_file).map_err(|error| {
            let what = format!("{} cannot be read: {error}", key_file.display());
            Fault::new(what, "the authority's key belongs beside authority.pem")
        })?;
        let key = KeyPair::from_pem(&text).map_err(failed)?;
        return Ok(Issuer::new(params, key));
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| unwritable(folder, &error))?;
    let key = KeyPair::generate().map_err(failed)?;
    let certificate: Certificate = params.self_signed(&key).map_err(failed)?;
    write(&key_file, &key.serialize_pem(), 0o600)?;
    write(&file, &certificate.pem(), 0o644)?;
    Ok(Issuer::new(params, key))
}

fn with_end(file: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(end);
    PathBuf::from(name)
}

fn write(file: &Path, text: &str, mode: u32) -> Result<(), Fault> {
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(file);
    let written = opened.and_then(|mut it| it.write_all(text.as_bytes()));
    written.map_err(|error| unwritable(file, &error))
}

fn unwritable(file: &Path, error: &io::Error) -> Fault {
    let what = format!("{} cannot be written: {error}", file.display());
    let remedy = match error.kind() {
        io::ErrorKind::AlreadyExists => "move the old one away first; others may count on it",
        _ => "go to a folder of your own",
    };
    Fault::new(what, remedy)
}

fn failed(error: impl fmt::Display) -> Fault {
    Fault::new(
        format!("no certificate can be made: {error}"),
        "write other names".to_string(),
    )
}
