//! A message is read with all that can be read of it, answered, and printed again: what is printed means the same.

use lampfield::wire::flow::Flow;
use lampfield::wire::sip::stream::{Frame, Framer};
use lampfield::wire::sip::{
    Auth, Contact, Headers, Message, Name, NameAddr, ResponseHead, Rows, Status, Uri, Via, Writer,
    answer_address, parse, respond, same_presentity,
};
use std::hint::black_box;

pub(crate) fn run(bytes: &[u8]) {
    let mut rows = Rows::new();
    if exercise(bytes, &mut rows) {
        print_twice(bytes);
    }
}

/// What is printed of a message is a message, of which the same is printed.
fn print_twice(bytes: &[u8]) {
    let (mut once, mut twice) = (vec![0; 65_535], vec![0; 65_535]);
    let Some(len) = print(bytes, &mut once) else {
        return;
    };
    let once = &once[..len];
    let shown = || once.escape_ascii().to_string();
    let len = print(once, &mut twice).unwrap_or_else(|| panic!("it can't be read: {}", shown()));
    let twice = &twice[..len];
    assert!(once == twice, "{} then {}", shown(), twice.escape_ascii());
}

/// Prints a message from what was read of it; `None` if it is none, or holds what is never written.
fn print(bytes: &[u8], buf: &mut [u8]) -> Option<usize> {
    let mut rows = Rows::new();
    let mut w = Writer::new(buf);
    let (headers, body) = match parse(bytes, &mut rows).ok()? {
        Message::Request(it) => {
            w.request(it.method, it.uri_text);
            print_mandatory(&mut w, (&it.via, &it.from, &it.to), it.call_id);
            w.field(Name::CSeq, &it.cseq);
            (it.headers, it.body)
        }
        Message::Response(it) => {
            w.status_with(Status::new(it.status)?, it.reason);
            print_mandatory(&mut w, (&it.via, &it.from, &it.to), it.call_id);
            w.field(Name::CSeq, &it.cseq);
            (it.headers, it.body)
        }
        Message::Broken(_) => return None,
    };
    print_optional(&mut w, headers);
    w.body(
        headers.first(Name::ContentType).unwrap_or(b"text/plain"),
        body,
    );
    w.finish().ok()
}

fn print_mandatory(
    w: &mut Writer<'_>,
    (via, from, to): (&Via<'_>, &NameAddr<'_>, &NameAddr<'_>),
    call_id: &[u8],
) {
    w.field(Name::Via, via);
    w.field(Name::From, from);
    w.field(Name::To, to);
    w.header(Name::CallId, call_id);
}

fn print_optional(w: &mut Writer<'_>, headers: Headers<'_>) {
    if let Ok(Some(event)) = headers.event() {
        w.field(Name::Event, &event);
    }
    if let Ok(Some(state)) = headers.subscription_state() {
        w.field(Name::SubscriptionState, &state);
    }
    for contact in headers.contacts().flatten() {
        w.field(Name::Contact, &contact);
    }
    for challenge in headers.challenges(Name::WwwAuthenticate).flatten() {
        if let Auth::Digest(challenge) = challenge {
            w.field(Name::WwwAuthenticate, &challenge);
        }
    }
    for credentials in headers.credentials(Name::Authorization).flatten() {
        if let Auth::Digest(credentials) = credentials {
            w.field(Name::Authorization, &credentials);
        }
    }
}

/// Reads all there is to read; says whether it still is a message.
pub(crate) fn exercise(bytes: &[u8], rows: &mut Rows) -> bool {
    frames(bytes);
    match parse(bytes, rows) {
        Ok(Message::Request(request)) => {
            headers(request.headers);
            uris(&request.uri, &sound(&request.to));
            sound(&request.from);
            answer(request.response_head(), &request.via);
            true
        }
        Ok(Message::Response(response)) => {
            headers(response.headers);
            uris(&sound(&response.from), &sound(&response.to));
            true
        }
        Ok(Message::Broken(broken)) => {
            headers(broken.headers);
            if let (Some(echo), Some(via)) = (broken.response_head(), &broken.via) {
                answer(echo, via);
            }
            false
        }
        Err(_) => false,
    }
}

/// The stream takes what it is told to take and comes to an end.
fn frames(bytes: &[u8]) {
    let mut framer = Framer::new();
    let mut rest = bytes;
    loop {
        let taken = match framer.look(rest, 8_192) {
            Frame::Message { len } => len,
            Frame::Ping => 4,
            Frame::Skip(len) | Frame::Nuls(len) => len,
            Frame::Incomplete { need } => {
                assert!(need > 0);
                return;
            }
            Frame::Refuse { header_len, .. } => {
                assert!(header_len <= rest.len());
                return;
            }
        };
        assert!(taken > 0);
        rest = &rest[taken..];
    }
}

fn headers(headers: Headers<'_>) {
    black_box((headers.event().ok(), headers.subscription_state().ok()));
    black_box((
        headers.expires().ok(),
        headers.min_expires(),
        headers.retry_after(),
    ));
    black_box((headers.max_forwards(), headers.content_length().ok()));
    black_box(headers.accept().quality("application", "pidf+xml"));
    for contact in headers.contacts().flatten() {
        if let Contact::Addr(addr, uri) = &contact {
            assert!(is_same(&sound(addr), uri), "{addr:?} is not at {uri:?}");
        }
        black_box(contact.addr().map(|addr| (addr.expires(), addr.tag())));
    }
    black_box(headers.routes().count() + headers.record_routes().count());
    black_box(headers.require().count());
    black_box(headers.allow().count());
    black_box((
        headers.content_type().ok(),
        headers.content_disposition_optional(),
    ));
    black_box(headers.content_encoding());
    black_box((headers.sip_etag().ok(), headers.sip_if_match().ok()));
    black_box(headers.suppress_if_match().ok());
    black_box(headers.challenges(Name::WwwAuthenticate).flatten().count());
    black_box(headers.credentials(Name::Authorization).flatten().count());
    black_box(headers.other(b"X-Lamp"));
    black_box(headers.all().count());
}

/// The URI of an address, which is one when the address is read quickly too.
fn sound<'a>(addr: &NameAddr<'a>) -> Uri<'a> {
    assert!(Uri::parse(addr.uri_text).is_ok(), "{addr:?}");
    addr.uri()
}

/// Read twice, and the same to the byte.
fn is_same(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    match (one.sip(), two.sip()) {
        (Some(one), Some(two)) => {
            let place = (one.secure, one.host, one.port) == (two.secure, two.host, two.port);
            let user = (one.user, one.password) == (two.user, two.password);
            let tail = (one.params.raw(), one.headers) == (two.params.raw(), two.headers);
            place && user && tail
        }
        (one, two) => one.is_none() && two.is_none(),
    }
}

fn uris(one: &Uri<'_>, two: &Uri<'_>) {
    black_box(one.equivalent(two));
    assert!(one.equivalent(one), "{one:?} is not itself");
    assert_eq!(same_presentity(one, two), same_presentity(two, one));
}

/// The answer goes to the source and frames as one message.
fn answer(echo: ResponseHead<'_>, via: &Via<'_>) {
    let address = |text: &str| text.parse().expect("an address");
    let flow = Flow::udp(address("192.0.2.9:5060"), address("192.0.2.7:5070"));
    assert_eq!(answer_address(via, &flow).ip(), flow.remote.ip());
    let mut buf = [0; 8_192];
    let mut w = Writer::new(&mut buf);
    respond(&mut w, echo, &flow, Status::BAD_REQUEST, Some(b"t1"));
    if let Ok(len) = w.finish() {
        assert!(buf[..len].ends_with(b"\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!(
            Framer::new().look(&buf[..len], 8_192),
            Frame::Message { len }
        );
    }
}
