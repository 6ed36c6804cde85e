//! PIDF out. The order of elements is RFC 3863 §4.1.1 to §4.1.4 and RFC 4479 §5.1.2; activities sit in the
//! person (RFC 4480 table 1).

use super::super::out::Out;
use super::hide::write_without;
use super::{Activities, Device, Person, Presence, Tuple};
use crate::ground::time::Utc;
use crate::wire::out::WriteError;

/// Writes a document into `buf` and returns its length: compact, UTF-8, with XML declaration.
///
/// Text is escaped and loses the characters XML 1.0 does not know. Namespaces nobody uses are not declared.
/// What is carried stands behind what is ours in each place.
/// A tuple without a [`Basic`](super::Basic) is left out: a status needs a child (RFC 3863 §4.1.4). That ids
/// are unique XML names is the caller's care.
///
/// # Errors
/// [`WriteError`] if the document is longer than `buf`; what `buf` holds then is no document.
pub fn write(presence: &Presence<'_>, buf: &mut [u8]) -> Result<usize, WriteError> {
    let mut out = Out::new(buf);
    root(presence, &mut out);
    for tuple_ in presence.tuples {
        tuple(tuple_, presence.lang, &mut out);
    }
    let carried = &presence.carried;
    write_without(carried.hidden, carried.tuples, &mut out);
    note("note", presence.note, presence.lang, &mut out);
    if let Some(person_) = &presence.person {
        person(person_, presence, &mut out);
    }
    for device_ in presence.devices {
        device(device_, presence.lang, &mut out);
    }
    write_without(carried.hidden, carried.others, &mut out);
    out.close("presence");
    out.finish()
}

fn root(presence: &Presence<'_>, out: &mut Out<'_>) {
    out.raw(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\"",
    );
    // What is carried relies on both prefixes (see `carry`).
    let carries = !presence.carried.is_empty();
    let refers = |tuple: &Tuple<'_>| tuple.device_id.is_some();
    if carries
        || presence.person.is_some()
        || !presence.devices.is_empty()
        || presence.tuples.iter().any(refers)
    {
        out.raw(" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\"");
    }
    let is_active = |person: Person<'_>| !person.activities.is_empty();
    if carries
        || presence.person.is_some_and(is_active)
        || presence.devices.iter().any(|device| device.idle.is_some())
    {
        out.raw(" xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\"");
    }
    out.attribute("entity", Some(presence.entity));
    out.raw(">");
}

fn tuple(tuple: &Tuple<'_>, lang: Option<&str>, out: &mut Out<'_>) {
    let Some(basic) = tuple.basic else { return };
    out.raw("<tuple");
    out.attribute("id", Some(tuple.id));
    out.raw("><status><basic>");
    out.raw(basic.as_str());
    out.raw("</basic></status>");
    out.element("dm:deviceID", tuple.device_id);
    if let Some(uri) = tuple.contact {
        contact(uri, tuple.priority, out);
    }
    note("note", tuple.note, lang, out);
    timestamp("timestamp", tuple.timestamp, out);
    out.close("tuple");
}

/// At most three decimals, from 0 to 1 (RFC 3863 §4.1.5).
fn contact(uri: &str, priority: Option<u16>, out: &mut Out<'_>) {
    out.raw("<contact");
    match priority {
        Some(1_000) => out.raw(" priority=\"1\""),
        Some(thousandths @ 0..1_000) => {
            out.raw(" priority=\"0.");
            out.number(u32::from(thousandths), 3);
            out.raw("\"");
        }
        Some(1_001..) | None => {}
    }
    out.raw(">");
    out.text(uri);
    out.close("contact");
}

fn person(person: &Person<'_>, presence: &Presence<'_>, out: &mut Out<'_>) {
    let carried = &presence.carried;
    out.raw("<dm:person");
    out.attribute("id", Some(person.id));
    out.raw(">");
    if !person.activities.is_empty() {
        activities(person.activities, out);
    }
    write_without(carried.hidden, carried.person, out);
    note("dm:note", person.note, presence.lang, out);
    timestamp("dm:timestamp", person.timestamp, out);
    out.close("dm:person");
}

fn activities(activities: Activities, out: &mut Out<'_>) {
    out.raw("<rpid:activities>");
    for name in activities.names() {
        out.raw("<rpid:");
        out.raw(name);
        out.raw("/>");
    }
    out.raw("</rpid:activities>");
}

fn device(device: &Device<'_>, lang: Option<&str>, out: &mut Out<'_>) {
    out.raw("<dm:device");
    out.attribute("id", Some(device.id));
    out.raw(">");
    let input = device.idle.map(|idle| if idle { "idle" } else { "active" });
    out.element("rpid:user-input", input);
    out.element("dm:deviceID", Some(device.device_id));
    note("dm:note", device.note, lang, out);
    timestamp("dm:timestamp", device.timestamp, out);
    out.close("dm:device");
}

fn note(name: &str, text: Option<&str>, lang: Option<&str>, out: &mut Out<'_>) {
    let Some(text) = text else { return };
    out.raw("<");
    out.raw(name);
    out.attribute("xml:lang", lang);
    out.raw(">");
    out.text(text);
    out.close(name);
}

fn timestamp(name: &str, utc: Option<Utc>, out: &mut Out<'_>) {
    out.element(name, utc.map(|utc| utc.text()).as_deref());
}
