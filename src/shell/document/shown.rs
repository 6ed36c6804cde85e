//! How an error shows a value of the file: in one line, and without a password that somebody wrote into an address.

use std::format;
use std::net::Ipv6Addr;
use std::string::String;

use toml::de::DeValue;

use crate::wire::sip::Uri;

/// What may stand before an address or a server.
const SCHEMES: [&str; 6] = ["sip", "sips", "pres", "udp", "tcp", "tls"];

/// What kind of value it is.
pub fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Whether the address holds a password (RFC 3261 §19.1.1), which would be seen wherever the address is.
pub fn has_password(address: &str) -> bool {
    matches!(Uri::parse(address.as_bytes()), Ok(Uri::Sip(sip)) if sip.password.is_some())
}

/// An address or server as it was written, good or bad, with `…` for what may be a password: what stands between a
/// colon and an `@`, behind a colon that no port follows, or in the headers of a URI.
pub fn shown(written: &str) -> String {
    let mut rest = written;
    while let Some((scheme, behind)) = rest.split_once(':')
        && SCHEMES.iter().any(|it| it.eq_ignore_ascii_case(scheme))
    {
        rest = behind;
    }
    let scheme = &written[..written.len() - rest.len()];
    // A password may hold an `@` where it should not; a host never does.
    let (user, host) = match rest.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, rest),
    };
    let user = match user.map(|user| user.split_once(':').ok_or(user)) {
        Some(Ok((user, _))) => format!("{user}:…@"),
        Some(Err(user)) => format!("{user}@"),
        None => String::new(),
    };
    let host = match host.split_once('?') {
        Some((host, _)) => format!("{}?…", with_port(host)),
        None => with_port(host),
    };
    format!("{scheme}{user}{host}").escape_debug().collect()
}

/// `host[:port][;parameters]`, without what is no port.
fn with_port(host: &str) -> String {
    let end = host.rfind(']').map_or(0, |it| it + 1);
    let Some(colon) = host[end..].find(':').map(|it| end + it) else {
        return String::from(host);
    };
    let behind = &host[colon + 1..];
    let port = behind.split(';').next().unwrap_or_default();
    let is_port = port.len() <= 5 && port.bytes().all(|it| it.is_ascii_digit());
    // Brackets forgotten are worth seeing, and so is what wanted to be another line.
    let is_strange = host[..colon].contains(char::is_control);
    if is_port || is_strange || host.parse::<Ipv6Addr>().is_ok() {
        return String::from(host);
    }
    format!("{}:…", &host[..colon])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_password_is_not_shown() {
        for (written, expected) in [
            ("desk", "desk"),
            ("sip:a@b", "sip:a@b"),
            ("sip:a@b:5060;lr", "sip:a@b:5060;lr"),
            ("sip:a@[fd00::1]:5060", "sip:a@[fd00::1]:5060"),
            ("fd00::1", "fd00::1"),
            ("tcp:pbx.example:5060", "tcp:pbx.example:5060"),
            ("host:0", "host:0"),
            ("sip:a@b\r\nVia: x", "sip:a@b\\r\\nVia: x"),
            ("my user:hunter2", "my user:…"),
            ("sip:100:hunter2@pbx", "sip:100:…@pbx"),
            ("SIPS:100:hunter2@pbx:5061", "SIPS:100:…@pbx:5061"),
            ("100:hunter2@pbx", "100:…@pbx"),
            ("sip:100:hun@ter2@pbx", "sip:100:…@pbx"),
            ("sip:100:hun?ter2@pbx", "sip:100:…@pbx"),
            ("sip:100:hun ter2@pbx", "sip:100:…@pbx"),
            ("tcp:sip:100:hunter2@pbx", "tcp:sip:100:…@pbx"),
            ("sip:100:hunter2", "sip:100:…"),
            ("100:hunter2", "100:…"),
            ("[fd00::1]:hunter2", "[fd00::1]:…"),
            ("sip:100@pbx?Authorization=hunter2", "sip:100@pbx?…"),
            ("sip:100@pbx:hunter2?x", "sip:100@pbx:…?…"),
            ("", ""),
            (":", ":"),
            ("@:", "@:"),
            ("]:@]", "]:…@]"),
        ] {
            assert_eq!(shown(written), expected, "{written}");
        }
    }

    #[test]
    fn an_address_with_a_password_is_known() {
        assert!(has_password("sip:100:hunter2@pbx"));
        assert!(has_password("sip:100:@pbx"));
        for good in ["sip:100@pbx:5060", "pres:a@b", "100:hunter2@pbx", ""] {
            assert!(!has_password(good), "{good}");
        }
    }
}
