//! A million bent messages through the parser, every typed header, the framer and the answer, without a panic
//! and without an answer that could be read in two ways.

#[path = "common/mutate.rs"]
mod mutate;

use lampfield::wire::flow::Flow;
use lampfield::wire::sip::stream::{Frame, Framer};
use lampfield::wire::sip::{
    Contact, Headers, Message, Name, NameAddr, ResponseHead, Rows, Status, Uri, Via, Writer,
    answer_address, parse, respond, same_presentity,
};
use mutate::Mutator;
use std::hint::black_box;
use std::path::Path;

const MESSAGES: usize = 1_000_000;

/// Pieces that mean something to a SIP parser.
const DICTIONARY: &[&[u8]] = &[
    b"\r\n",
    b"\r\n ",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b",",
    b";",
    b":",
    b"=",
    b"\"",
    b"\\",
    b"<",
    b">",
    b"@",
    b"%",
    b"%00",
    b"[",
    b"]",
    b"::",
    b":::",
    b"?",
    b"*",
    b"/",
    b"..",
    b"\xff",
    b"sip:",
    b"sips:",
    b"tel:+1-2",
    b"pres:a@b",
    b"<sip:a@b>",
    b"SIP/2.0",
    b"SIP/2.0/UDP a",
    b"sip:[::1]:0",
    b";tag=",
    b";tag=x",
    b";branch=z9hG4bK",
    b";rport",
    b";received=",
    b";lr",
    b";q=0.5",
    b";expires=1",
    b"\r\nVia: SIP/2.0/UDP a",
    b"\r\nv:",
    b"\r\nTo: ",
    b"\r\nFrom: ",
    b"\r\nl: 4294967296",
    b"\r\nContent-Length: ",
    b"\r\nEvent: dialog;id=1",
    b"\r\nAccept: */*;q=0",
    b"\r\nContact: *",
    b"\r\nSubscription-State: active;expires=",
    b"\r\nAuthorization: Digest realm=\"",
    b"\r\nExpires: -1",
    b"\r\nWarning: 399 a \"",
    b"\r\nRecord-Route: <sip:a;lr>,",
    b"4294967295",
    b"4294967296",
    b"-1",
    b"1e9",
];

/// Headers that the torture messages do not have.
const NOTIFY: &[u8] = b"NOTIFY sip:door@192.0.2.7:5070;ob SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKn1;rport;received=192.0.2.1, SIP/2.0/TCP b;maddr=c;ttl=1\r\n\
    From: \"Desk \\\"1\\\"\" <sip:desk@example.com;user=phone?a=b>;tag=t1\r\n\
    To: Door <sip:door@example.com>\r\n\
    Call-ID: c1@192.0.2.7\r\n\
    CSeq: 4 NOTIFY\r\n\
    Subscription-State: terminated;reason=giveup;retry-after=60;expires=5\r\n\
    Event: dialog;id=7;call-id=\"a\\\"b\";from-tag=x;include-session-description\r\n\
    Accept: application/pidf+xml;q=0.5, application/*;q=0.1, */*;q=0\r\n\
    Contact: <sip:desk@[2001:db8::1]:5070;lr>;expires=60;q=0.5, *\r\n\
    Record-Route: <sip:p1;lr>, <sip:p2>\r\n\
    Authorization: Digest username=\"d\", realm=\"r\", nonce=\"n\", uri=\"sip:a\", response=\"0\", nc=00000001, qop=auth, cnonce=\"c\", algorithm=SHA-256\r\n\
    WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", stale=true\r\n\
    Expires: 3600\r\n\
    Min-Expires: 60\r\n\
    Retry-After: 5 (busy);duration=1\r\n\
    SIP-ETag: abc\r\n\
    SIP-If-Match: abc\r\n\
    Warning: 399 a.example.com \"one, two\"\r\n\
    Content-Disposition: render;handling=optional\r\n\
    Content-Encoding: identity\r\n\
    Content-Type: multipart/related;boundary=\"a b\"\r\n\
    Content-Length: 4\r\n\r\nbody";

#[test]
fn bent_messages_do_no_harm() /* ATTACKS D01 to D13, E01 to E07 */
{
    let mut samples = vec![NOTIFY.to_vec()];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture");
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "sip") {
            samples.push(std::fs::read(path).expect("a message"));
        }
    }
    samples[1..].sort();
    let mut mutator = Mutator::new(7, DICTIONARY);
    let (mut bytes, mut rows) = (Vec::new(), Rows::new());
    let mut read = 0;
    for count in 0..MESSAGES {
        // Every other one is the one that has all headers.
        let which = count / 2 * (count % 2);
        let sample = &samples[which % samples.len()];
        mutator.mutate(sample, &mut bytes);
        read += usize::from(exercise(&bytes, &mut rows));
    }
    println!("{read} of {MESSAGES} were still messages");
    // The mutator must not bend so hard that nothing gets past the mandatory fields.
    assert!(
        read > MESSAGES / 5,
        "only {read} of {MESSAGES} were still messages"
    );
}

/// Reads all there is to read; says whether it still is a message.
fn exercise(bytes: &[u8], rows: &mut Rows) -> bool {
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
