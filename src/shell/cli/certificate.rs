//! `lampfield certificate`: makes certificates for TLS, and shows what is in one.

use std::eprintln;
#[cfg(feature = "tls")]
use std::format;
use std::path::Path;
use std::string::String;

use super::args::Certificates;
use super::{Exit, say};
use crate::shell::tls;
use crate::shell::users::Fault;

/// Does what is wanted with certificates.
pub fn see_to(wanted: &Certificates) -> Exit {
    let done = match wanted {
        Certificates::New { names, authority } => new(names, authority.as_deref()),
        Certificates::Show { file } => show(file),
    };
    match done {
        Ok(text) => say(&text),
        Err(fault) => {
            eprintln!("lampfield: {fault}");
            Exit::Wrong
        }
    }
}

#[cfg(feature = "tls")]
fn new(names: &[String], authority: Option<&Path>) -> Result<String, Fault> {
    let made = tls::house::make(names, authority)?;
    let (certificate, key) = (made.certificate.display(), made.key.display());
    let authority = made.authority.display();
    Ok(format!(
        "made {certificate} and {key}; {authority} goes to all who are to believe it\n\n\
         [tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\nauthorities = \"{authority}\"\n"
    ))
}

#[cfg(feature = "tls")]
fn show(file: &Path) -> Result<String, Fault> {
    let mut text = String::new();
    for (summary, pin) in tls::house::read(file)? {
        let names = match summary.names.as_slice() {
            [] => String::from("nobody by name"),
            names => names.join(", "),
        };
        let first = summary.names.first().unwrap_or(&summary.subject);
        let signer = match summary.issuer == summary.subject {
            true => "itself",
            false => &summary.issuer,
        };
        text += &format!(
            "{}\n  for        {names}\n  signed by  {signer}\n  valid      {} to {}\n  \
             pin        \"{first} sha256:{pin}\"\n",
            summary.subject, summary.from, summary.until
        );
    }
    Ok(text)
}

#[cfg(not(feature = "tls"))]
fn new(_: &[String], _: Option<&Path>) -> Result<String, Fault> {
    Err(Fault::new("there is no TLS here", tls::TAKE_ANOTHER))
}

#[cfg(not(feature = "tls"))]
fn show(_: &Path) -> Result<String, Fault> {
    Err(Fault::new("there is no TLS here", tls::TAKE_ANOTHER))
}
