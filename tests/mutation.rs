//! A million bent messages through the parser, every typed header, the framer and the answer, without a panic
//! and without an answer that could be read in two ways.

#[allow(dead_code, reason = "the fuzzer prints what it reads, too")]
#[path = "fuzz/targets/message.rs"]
mod message;
#[path = "common/mutate.rs"]
mod mutate;

use lampfield::wire::sip::Rows;
use message::exercise;
use mutate::Mutator;
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
