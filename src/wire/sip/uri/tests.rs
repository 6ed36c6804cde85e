extern crate std;

use super::super::host::Host;
use super::*;
use crate::wire::out::Out;
use std::string::ToString;
use std::vec::Vec;

fn uri(text: &str) -> Uri<'_> {
    match Uri::parse(text.as_bytes()) {
        Ok(uri) => uri,
        Err(Bad) => panic!("{text} is a URI"),
    }
}

fn printed(uri: &Uri<'_>) -> Vec<u8> {
    let mut buf = [0; 512];
    let len = Out::new(&mut buf).print(uri).finish().expect("it fits");
    buf[..len].to_vec()
}

const GOOD: [&str; 26] = [
    "sip:desk@example.com",
    "sip:example.com",
    "sip:192.0.2.1:5070",
    "sips:desk:secret@example.com:5061;transport=tcp;lr?subject=a%20b&priority=urgent",
    "sip:user;par=u%40example.net@example.com",
    "sip:a?b@example.com",
    "sip:*67#@example.com",
    "sip:1_odd.URI~(is-it!not)&that's+so$/far?,/;;*:&pw=2,odd!*x$wo~d_too.(no)@example.com",
    "sip:null-%00-null@example.com",
    "sip:j\u{f6}rg@example.com",
    "sip:desk@[2001:db8::10]:5070",
    "sip:[2001:db8::10:5070]",
    "sip:desk@[2001:db8::1];lr",
    "sip:desk:@example.com",
    "sip:desk@example.com;",
    "sip:desk@example.com;x=;;y",
    "SIP:DESK@EXAMPLE.COM;Transport=UDP",
    "tel:+1-201-555-0123",
    "tel:7042;phone-context=example.com",
    "tel:*69;phone-context=+1-201",
    "pres:desk@example.com",
    "pres:desk@example.com?a=b",
    "isbn:2983792873",
    "soap.beep://192.0.2.103:3002",
    "http://www.example.com",
    "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
];

const BAD: [&str; 40] = [
    "",
    ":",
    "sip",
    "sip:",
    "sip:@",
    "sip:@example.com",
    "sip::5060",
    "sip:desk@",
    "sip:desk@:5060",
    "sip:a@b@c",
    "sip::secret@example.com",
    "sip:desk%@example.com",
    "sip:desk%4@example.com",
    "sip:desk%zz@example.com",
    "sip:desk:%4@example.com",
    "sip:desk@example.com;a=%4",
    "sip:desk@example.com?a=%",
    "sip:desk@example.com?",
    "sip:desk@example.com:0",
    "sip:desk@example.com:65536",
    "sip:desk@example.com:99999",
    "sip:desk@example.com:",
    "sip:desk@example.com:50a",
    "sip:desk@.1",
    "sip:desk@[.1]",
    "sip:desk@a..b",
    "sip:desk@2001:db8::10",
    "sip:[2001:db8::10",
    "sip:desk@exam ple.com",
    "sip:de sk@example.com",
    "sip:de<sk@example.com",
    "sip:desk@example.com;a=\"b\"",
    "sip:desk@example.com;a b",
    "sip:desk@example.com\r\n",
    "<sip:desk@example.com>",
    "tel:",
    "tel:+",
    "tel:12x",
    "1sip:desk@example.com",
    "x:a b",
];

#[test]
fn good_uris_are_read_and_printed_as_they_came() {
    for text in GOOD {
        let printed = printed(&uri(text));
        let again = Uri::parse(&printed);
        assert!(again.is_ok(), "{text} prints as a URI");
        let lower = text.replacen("SIP:", "sip:", 1);
        assert_eq!(printed, lower.as_bytes(), "{text}");
    }
}

#[test]
fn uris_are_shown_as_they_came_without_their_password() {
    for text in GOOD {
        let shown = uri(text).to_string();
        let expected = text
            .replace("desk:secret@", "desk:…@")
            .replace("desk:@", "desk:…@")
            .replacen("SIP:", "sip:", 1)
            .replace('\u{f6}', "\\xc3\\xb6")
            .replace("that's", "that\\'s");
        if !text.contains("odd.URI") {
            assert_eq!(shown, expected);
        }
    }
    let debug = std::format!("{:?}", uri("sip:desk:secret@example.com"));
    assert!(
        !debug.contains("secret") && !debug.contains("115"),
        "{debug}"
    );
}

#[test]
fn bad_uris_are_refused() /* X16, ATTACKS D08 */
{
    for text in BAD {
        assert!(Uri::parse(text.as_bytes()).is_err(), "{text:?} is no URI");
    }
    for byte in [0, b'\n', b'\r', 0x7f] {
        let text = [b"sip:a", &[byte][..], b"@b"].concat();
        assert!(Uri::parse(&text).is_err(), "{byte}");
    }
}

#[test]
fn parts_of_a_sip_uri() {
    let Uri::Sip(sip) = uri("sips:a;b?c:pw@[2001:db8::1]:5061;transport=tls;lr?subject=x&to=y")
    else {
        panic!("a SIP URI");
    };
    assert!(sip.secure && sip.is_loose_router());
    assert_eq!(sip.user, Some(&b"a;b?c"[..]));
    assert_eq!(sip.password, Some(&b"pw"[..]));
    assert_eq!(sip.host, Host::parse(b"[2001:db8::1]").expect("a host"));
    assert_eq!(sip.port, Some(5_061));
    assert_eq!(sip.transport(), Some(&b"tls"[..]));
    assert_eq!(sip.headers, b"subject=x&to=y");
}

#[test]
fn an_ambiguous_port_belongs_to_the_address() /* X16 */
{
    let Uri::Sip(sip) = uri("sip:[2001:db8::10:5070]") else {
        panic!("a SIP URI");
    };
    assert_eq!(sip.port, None);
    assert_eq!(
        sip.host,
        Host::parse(b"[2001:db8::10:5070]").expect("a host")
    );
}

#[track_caller]
fn compare(one: &str, two: &str, expected: bool) {
    assert_eq!(uri(one).equivalent(&uri(two)), expected, "{one} {two}");
    assert_eq!(uri(two).equivalent(&uri(one)), expected, "{two} {one}");
}

#[test]
fn a_uri_is_itself_though_a_parameter_stands_in_it_twice() {
    for text in [
        "sip:a@b;x=1;x=2",
        "sip:a@b;maddr=c;maddr=d",
        "tel:+1;x=1;x=2",
    ] {
        compare(text, text, true);
    }
    compare("sip:a@b;x=1;x=2", "sip:a@b;x=2;x=1", true);
    compare("sip:a@b;x=1;x=2", "sip:a@b;x=1", false);
    compare("sip:a@b;x=1;x=2", "sip:a@b;x=3", false);
    compare("tel:+1;x=1;x=2", "tel:+1;x=1", false);
}

#[test]
fn sip_uris_compare_by_their_rules() /* R02 */
{
    for (one, two) in [
        (
            "sip:%64esk@example.com;transport=TCP",
            "sip:desk@EXAMPLE.com;Transport=tcp",
        ),
        ("sip:desk@example.com", "sip:desk@example.com;new=5"),
        ("sip:desk@example.com;new=5", "sip:desk@example.com;old=on"),
        (
            "sip:h.com;transport=tcp;method=REGISTER?to=sip:b%40h.com",
            "sip:h.com;method=REGISTER;transport=tcp?to=sip:b%40h.com",
        ),
        (
            "sip:a@h.com?subject=x%20y&priority=urgent",
            "sip:a@h.com?priority=urgent&Subject=x%20y",
        ),
        ("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0::1]"),
        (
            "sip:a@[2001:db8:::192.0.2.1]",
            "sip:a@[2001:db8::192.0.2.1]",
        ),
    ] {
        compare(one, two, true);
    }
    for (one, two) in [
        ("sip:desk@example.com", "sips:desk@example.com"),
        ("sip:DESK@example.com", "sip:desk@example.com"),
        ("sip:desk@example.com", "sip:desk@example.com:5060"),
        ("sip:desk@example.com", "sip:desk@example.com;transport=udp"),
        (
            "sip:desk@example.com",
            "sip:desk@example.com;maddr=192.0.2.1",
        ),
        ("sip:desk@example.com", "sip:desk@example.com;user=phone"),
        ("sip:desk@example.com", "sip:desk@example.com;ttl=1"),
        ("sip:desk@example.com", "sip:example.com"),
        ("sip:desk@example.com", "sip:desk:@example.com"),
        ("sip:desk:a@example.com", "sip:desk:A@example.com"),
        ("sip:desk@example.com;new=5", "sip:desk@example.com;new=6"),
        ("sip:desk@example.com", "sip:desk@example.com?subject=x"),
        ("sip:a@h.com?x=1&x=1", "sip:a@h.com?x=1&y=2"),
        ("sip:a%3Bb@example.com", "sip:a;b@example.com"),
        ("sip:desk@192.0.2.4", "sip:desk@example.com"),
        ("sip:desk@example.com", "pres:desk@example.com"),
    ] {
        compare(one, two, false);
    }
}

#[test]
fn numbers_compare_without_separators_and_case() /* N36 */
{
    compare("tel:+1-201-555-0123", "TEL:+12015550123", true);
    compare(
        "tel:(7)a.b;phone-context=Example.com",
        "tel:7AB;PHONE-CONTEXT=example.COM",
        true,
    );
    compare("tel:7;phone-context=+1-2", "tel:7;phone-context=+12", true);
    compare("tel:7;ext=1;isub=2", "tel:7;isub=2;ext=1", true);
    compare("tel:+7042", "tel:7042", false);
    compare("tel:7042;ext=1", "tel:7042", false);
    compare("tel:7042;ext=1", "tel:7042;ext=2", false);
    compare("tel:7042", "tel:7043", false);
}

#[test]
fn presentities_are_users_at_hosts() /* N36 */
{
    for (one, two, expected) in [
        ("pres:desk@example.com", "sip:desk@example.com", true),
        (
            "pres:desk@example.com",
            "sips:d%65sk@EXAMPLE.com;x=y?a=b",
            true,
        ),
        (
            "sip:desk@example.com:5060",
            "sip:desk@example.com;transport=tcp",
            true,
        ),
        ("sip:desk@example.com:5070", "sip:desk@example.com", false),
        (
            "sip:desk@example.com:5070",
            "pres:desk@example.com:5070",
            true,
        ),
        ("sip:Desk@example.com", "pres:desk@example.com", false),
        ("sip:example.com", "pres:desk@example.com", false),
        ("tel:+1-2", "tel:+12", true),
        ("tel:+12", "sip:+12@example.com", false),
    ] {
        assert_eq!(
            same_presentity(&uri(one), &uri(two)),
            expected,
            "{one} {two}"
        );
    }
}

#[test]
fn a_name_may_leave_out_the_port_but_not_tell_another() {
    for (name, own, expected) in [
        ("sip:desk@example.com", "sip:desk@example.com:5070", true),
        ("pres:d%65sk@EXAMPLE.com", "sip:desk@example.com:5070", true),
        ("sip:desk@[::1];x=y", "sip:desk@[::1]:5070", true),
        ("sip:desk@example.com", "sip:desk@example.com", true),
        ("sip:desk@example.com:5060", "sip:desk@example.com", true),
        (
            "sip:desk@example.com:5060",
            "sip:desk@example.com:5070",
            false,
        ),
        ("sip:desk@example.com:5070", "sip:desk@example.com", false),
        ("sip:desk@example.org", "sip:desk@example.com:5070", false),
        ("sip:eve@example.com", "sip:desk@example.com:5070", false),
        ("sip:example.com", "sip:desk@example.com:5070", false),
        ("tel:+12", "sip:+12@example.com", false),
    ] {
        assert_eq!(
            names_presentity(&uri(name), &uri(own)),
            expected,
            "{name} {own}"
        );
    }
}

#[test]
fn a_bad_part_never_prints() /* ATTACKS I01 */
{
    let text = b"x:a\r\nb";
    let forged = Uri::Other {
        scheme: &text[..1],
        rest: &text[2..],
    };
    assert!(Out::new(&mut [0; 64]).print(&forged).finish().is_err());
}
