//! What a 2xx to a REGISTER says of our binding (RFC 3261 §10.2.4, RFC 5626 §4.2, RFC 5627 §4.2).

use super::link::Link;
use super::registration::{Instance, Terms, number, uuid};
use super::wire::REG_ID;
use crate::ground::limits;
use crate::ground::text::Text;
use crate::ground::time::Seconds;
use crate::wire::sip::{Contact, NameAddr, Response, Uri};
use core::net::SocketAddr;

impl Link {
    /// What is granted to the Contact with that address.
    ///
    /// A border element on the way may have rewritten host and port, so that none is ours. Then the only Contact is
    /// taken for it; of several, the one that is forgotten first says when to ask again.
    pub(super) fn terms(
        &self,
        response: &Response<'_>,
        named: SocketAddr,
        instance: Instance,
    ) -> Terms {
        let own = self.own_contact(response, named, instance);
        let stated = match &own {
            Some(own) => own.expires(),
            None => shortest(response),
        };
        let header = response.headers.expires().ok().flatten();
        let time = stated.or(header).unwrap_or(self.expires);
        let gruu = own.and_then(|it| it.params.find(b"pub-gruu")?.value);
        let mut text = [0; limits::URI];
        let gruu = gruu.and_then(|it| it.copy_to(&mut text));
        Terms {
            time: time.min(self.expires),
            gruu: gruu.and_then(|it| Text::from_bytes(it).ok()),
        }
    }

    /// Our binding among those of a 200, found by its address (RFC 3261 §10.2.4), or else by instance and number where
    /// a registrar changes addresses; others are not looked at.
    fn own_contact<'a>(
        &self,
        response: &Response<'a>,
        named: SocketAddr,
        instance: Instance,
    ) -> Option<NameAddr<'a>> {
        let by_address = contacts(response).find(|contact| {
            let Ok(Uri::Sip(uri)) = Uri::parse(contact.uri_text) else {
                return false;
            };
            let ip = uri.host.ip().map(|ip| ip.to_canonical());
            let at = ip.map(|ip| SocketAddr::new(ip, uri.port.unwrap_or(5_060)));
            at == Some(named) && uri.user.unwrap_or_default() == self.user()
        });
        let uuid = uuid(instance);
        let is_ours = |contact: &NameAddr<'_>| {
            let urn = contact.params.find(b"+sip.instance");
            let urn = urn.and_then(|it| it.value);
            let number = contact.params.get(b"reg-id").and_then(number);
            urn.is_some_and(|urn| memchr::memmem::find(urn.raw(), &uuid).is_some())
                && number.is_none_or(|it| it == REG_ID)
        };
        by_address.or_else(|| contacts(response).find(is_ours))
    }
}

/// The shortest lifetime of any binding that is not over; `None` if none says.
fn shortest(response: &Response<'_>) -> Option<Seconds> {
    let mut contacts = contacts(response);
    match (contacts.next(), contacts.next()) {
        (Some(only), None) => only.expires(),
        (first, second) => {
            let all = first.into_iter().chain(second).chain(contacts);
            let stated = all.filter_map(|it| it.expires());
            stated.filter(|it| *it > Seconds::ZERO).min()
        }
    }
}

fn contacts<'a>(response: &Response<'a>) -> impl Iterator<Item = NameAddr<'a>> + use<'a> {
    let all = response.headers.contacts().flatten();
    all.filter_map(|contact| match contact {
        Contact::Addr(contact, _) => Some(contact),
        Contact::Star => None,
    })
}
