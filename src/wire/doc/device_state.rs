//! The state of a device as one Asterisk tells it to another: JSON, in a PUBLISH of the package `asterisk-devicestate`.
//!
//! No RFC has it. What an Asterisk makes of such a state is what its own devices have: hints show it, and with them every
//! lamp of that exchange.

use crate::wire::out::{Out, WriteError};

/// What a device does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// Nothing: it could be called.
    NotInUse,
    /// It is in a call.
    InUse,
    /// It is called.
    Ringing,
    /// It is in a call, and is called.
    RingInUse,
    /// Its call is on hold.
    OnHold,
    /// It does not want to be called.
    Busy,
}

/// Bytes of the name of an instance: six pairs of digits with colons between them.
pub const ENTITY: usize = 17;

impl DeviceState {
    /// The word in a document.
    pub const fn name(self) -> &'static str {
        match self {
            DeviceState::NotInUse => "NOT_INUSE",
            DeviceState::InUse => "INUSE",
            DeviceState::Ringing => "RINGING",
            DeviceState::RingInUse => "RINGINUSE",
            DeviceState::OnHold => "ONHOLD",
            DeviceState::Busy => "BUSY",
        }
    }
}

/// Whether that can name a device: it stands in quotes as it is.
pub fn is_device(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    !name.is_empty() && name.bytes().all(fits)
}

/// Writes a document: the state of the device of that name ([`is_device`]), as the instance `entity` sees it. Returns its
/// length.
///
/// What several instances say of one device is put together by whoever reads it, and each of them is believed until it
/// says otherwise: an instance needs the same name after every restart.
///
/// # Errors
/// [`WriteError`] if it is longer than `buf`.
pub fn write(
    device: &str,
    state: DeviceState,
    entity: [u8; 6],
    buf: &mut [u8],
) -> Result<usize, WriteError> {
    let mut out = Out::new(buf);
    out.raw(b"{\"type\":\"devicestate\",\"device\":\"")
        .raw(device.as_bytes())
        .raw(b"\",\"state\":\"")
        .raw(state.name().as_bytes())
        .raw(b"\",\"cachable\":1,\"eid\":\"");
    for (at, byte) in entity.into_iter().enumerate() {
        out.raw(if at == 0 { b"" } else { b":" });
        out.hex(byte.into(), 2);
    }
    out.raw(b"\"}");
    out.finish()
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn a_state_is_written_as_an_exchange_writes_it() {
        let mut buf = [0; 128];
        let entity = [2, 0, 0, 0, 0xab, 0x77];
        let len = write("Custom:DND100", DeviceState::Busy, entity, &mut buf).expect("it fits");
        assert_eq!(
            core::str::from_utf8(&buf[..len]),
            Ok(
                "{\"type\":\"devicestate\",\"device\":\"Custom:DND100\",\"state\":\"BUSY\",\"cachable\":1,\
                 \"eid\":\"02:00:00:00:ab:77\"}"
            )
        );
        let mut short = std::vec![0; len - 1];
        assert!(write("Custom:DND100", DeviceState::Busy, entity, &mut short).is_err());
    }

    #[test]
    fn a_name_is_in_quotes_as_it_is() {
        for (name, fits) in [
            ("Custom:DND100", true),
            ("", false),
            ("a b", false),
            ("a\"b", false),
            ("a\\b", false),
            ("dé", false),
        ] {
            assert_eq!(is_device(name), fits, "{name}");
        }
    }
}
