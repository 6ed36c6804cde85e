extern crate std;

use super::super::super::sample::headers;
use super::super::super::uri::SipUri;
use super::*;
use std::vec::Vec;

/// Input, display name as written, URI, tag.
type Row = (
    &'static str,
    Option<&'static str>,
    &'static str,
    Option<&'static str>,
);

const GOOD: [Row; 20] = [
    ("<sip:a@b>", None, "sip:a@b", None),
    ("<sip:a@b>;tag=1", None, "sip:a@b", Some("1")),
    ("<sip:a@b> ; TAG = 1 ;x", None, "sip:a@b", Some("1")),
    (
        "\"A, \\\"B\\\" <x>\" <sip:a@b>;tag=1",
        Some("\"A, \\\"B\\\" <x>\""),
        "sip:a@b",
        Some("1"),
    ),
    ("\"\"<sip:a@b>", Some("\"\""), "sip:a@b", None),
    (
        "caller<sip:a@b>;tag=323",
        Some("caller"),
        "sip:a@b",
        Some("323"),
    ),
    (
        "Bell  A. Graham <sip:a@b>",
        Some("Bell  A. Graham"),
        "sip:a@b",
        None,
    ),
    ("Bell\r\n <sip:a@b>", Some("Bell"), "sip:a@b", None),
    (
        "Desk (front) <sip:a@b>",
        Some("Desk (front)"),
        "sip:a@b",
        None,
    ),
    ("J\u{f6}rg <sip:a@b>", Some("J\u{f6}rg"), "sip:a@b", None),
    ("sip:x@y <sip:a@b>", Some("sip:x@y"), "sip:a@b", None),
    ("sip:a@b", None, "sip:a@b", None),
    ("sip:a@b;tag=1", None, "sip:a@b", Some("1")),
    ("sip:a@b ;tag=1;expires=5", None, "sip:a@b", Some("1")),
    ("<sip:a@b;tag=u>", None, "sip:a@b;tag=u", None),
    (
        "<sip:a@b?Route=%3Csip:c%3E>;tag=1",
        None,
        "sip:a@b?Route=%3Csip:c%3E",
        Some("1"),
    ),
    ("<sip:192.0.2.1>", None, "sip:192.0.2.1", None),
    ("isbn:2983792873", None, "isbn:2983792873", None),
    (
        "<http://www.example.com>;tag=3234233",
        None,
        "http://www.example.com",
        Some("3234233"),
    ),
    (
        "<tel:+1-2>;+sip.instance=\"<urn:uuid:0>\"",
        None,
        "tel:+1-2",
        None,
    ),
];

const BAD: [&str; 31] = [
    "",
    ";",
    "\"x",
    "\"x\"",
    "\"x\" sip:a@b",
    "<>",
    "<",
    ">",
    "<sip:a@b",
    "sip:a@b>",
    "sip:",
    "<sip:>",
    "< sip:a@b >",
    "<sip:a@b>;",
    "<sip:a@b>;;tag=1",
    "<sip:a@b>;tag",
    "<sip:a@b>;tag=",
    "<sip:a@b>;tag=1;tag=2",
    "<sip:a@b>;x=\"",
    "<sip:a@b> x",
    "<sip:a@b>, <sip:c@d>",
    "<sip:a@b>,",
    "sip:a@b,sip:c@d",
    "sip:a@b?x=y",
    "Bell, A <sip:a@b>",
    "Bell; A <sip:a@b>",
    "Be\"ll <sip:a@b>",
    "a\u{1}b <sip:a@b>",
    "sip:a @b",
    "sip:2001:db8::1",
    "a@b",
];

#[test]
fn every_form_is_read() /* X12 */
{
    for (input, display, uri, tag) in GOOD {
        let Ok(addr) = NameAddr::parse(input.as_bytes()) else {
            panic!("{input} is an address");
        };
        assert_eq!(addr.display, display.map(str::as_bytes), "{input}");
        assert_eq!(addr.uri_text, uri.as_bytes(), "{input}");
        assert_eq!(addr.tag(), tag.map(str::as_bytes), "{input}");
        assert_eq!(addr.params.get(b"tag"), tag.map(str::as_bytes), "{input}");
    }
}

#[test]
fn bad_ones_are_refused() /* ATTACKS D06 D07 */
{
    for input in BAD {
        assert!(NameAddr::parse(input.as_bytes()).is_err(), "{input:?}");
    }
}

#[test]
fn printing_is_stable() {
    for (input, ..) in GOOD {
        let Ok(addr) = NameAddr::parse(input.as_bytes()) else {
            panic!("{input} is an address");
        };
        let mut once = [0; 256];
        let Ok(len) = Out::new(&mut once).print(&addr).finish() else {
            panic!("{input} prints");
        };
        let Ok(again) = NameAddr::parse(&once[..len]) else {
            panic!("{input} prints as an address");
        };
        assert_eq!(again.uri_text, addr.uri_text);
        assert_eq!(again.display, addr.display);
        assert_eq!(again.tag(), addr.tag());
        let mut twice = [0; 256];
        let len2 = Out::new(&mut twice).print(&again).finish();
        assert_eq!(len2, Ok(len));
        assert_eq!(once, twice);
    }
}

#[test]
fn contacts_are_rows_and_commas() /* X12 */
{
    let rows = "Contact: \"A, B\" <sip:a@b>;expires=60, sip:c@d\r\nm: *\r\nContact: ,<bad\r\n";
    headers(rows, |headers| {
        let found: Vec<_> = headers.contacts().collect();
        let [
            Ok(Contact::Addr(one, _)),
            Ok(Contact::Addr(two, _)),
            Ok(Contact::Star),
            Err(Bad),
        ] = &found[..]
        else {
            panic!("{found:?}");
        };
        assert_eq!(one.expires(), Some(Seconds(60)));
        assert_eq!((two.uri_text, two.expires()), (&b"sip:c@d"[..], None));
    });
}

#[test]
fn parameters_outside_brackets_are_the_headers() {
    headers(
        "Contact: sip:a@b;unknown\r\nContact: <sip:a@b;unknown>\r\n",
        |headers| {
            let found: Vec<_> = headers.contacts().filter_map(Result::ok).collect();
            let [Contact::Addr(header, _), Contact::Addr(uri, parsed)] = &found[..] else {
                panic!("{found:?}");
            };
            assert!(
                header.params.find(b"unknown").is_some() && uri.params.find(b"unknown").is_none()
            );
            assert!(
                parsed
                    .sip()
                    .is_some_and(|sip| sip.params.get(b"unknown").is_some())
            );
        },
    );
}

#[test]
fn record_routes_keep_their_order() /* N21 */
{
    let rows = "Record-Route: <sip:p1;lr>, <sip:p2;x=\",\">\r\nRecord-Route: <sip:p3;lr>\r\n";
    headers(rows, |headers| {
        let found: Vec<_> = headers.record_routes().collect();
        assert_eq!(
            found,
            [&b"<sip:p1;lr>"[..], b"<sip:p2;x=\",\">", b"<sip:p3;lr>"]
        );
    });
    headers("Route: <sip:p1;lr>, <sip:p2>\r\n", |headers| {
        let lr: Vec<_> = headers
            .routes()
            .map(|route| {
                route.is_ok_and(|route| route.uri().sip().is_some_and(SipUri::is_loose_router))
            })
            .collect();
        assert_eq!(lr, [true, false]);
    });
}
