extern crate std;

use super::*;
use std::vec::Vec;

const NUMBER: Number = [
    0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
];

/// A message with these attributes.
fn message(kind: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, value) in attributes {
        body.extend(kind.to_be_bytes());
        body.extend((value.len() as u16).to_be_bytes());
        body.extend(*value);
        body.resize(body.len().next_multiple_of(4), b' ');
    }
    let mut bytes = Vec::from(kind.to_be_bytes());
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend(COOKIE);
    bytes.extend(NUMBER);
    bytes.extend(body);
    bytes
}

/// The answers of RFC 5769 §2.2 and §2.3, without what proves them.
#[test]
fn an_answer_says_where_we_are_seen() {
    let v4 = [0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
    let v6 = [
        0, 2, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5,
        0xbe, 0xd2, 0xb9, 0xd9,
    ];
    for (value, expected) in [
        (&v4[..], "192.0.2.1:32853"),
        (&v6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
        let at: SocketAddr = expected.parse().expect("an address");
        let bytes = message(SUCCESS, &[(0x8022, b"test vector"), (XOR_MAPPED, value)]);
        assert_eq!(parse(&bytes), Some(Message::Success(NUMBER, Some(at))));
        let mut buf = [0; LONGEST];
        let len = write_success(NUMBER, at, &mut buf).expect("room");
        assert_eq!(buf[..len], message(SUCCESS, &[(XOR_MAPPED, value)]));
    }
}

#[test]
fn a_request_is_read_as_it_is_written() {
    let mut buf = [0; HEAD];
    assert_eq!(write_request(NUMBER, &mut buf), Some(HEAD));
    assert_eq!(buf[..], message(REQUEST, &[]));
    let asked = Message::Request(NUMBER, Strange::default());
    assert_eq!(parse(&buf), Some(asked));
    assert_eq!(quoted(&buf), Some(NUMBER));
    for len in 0..HEAD {
        assert_eq!(write_request(NUMBER, &mut [0; HEAD][..len]), None);
        assert_eq!(quoted(&buf[..len]), None);
    }
    let optional: &[u8] = b"a phone";
    let proven = [
        (0x8022, optional),
        (USERNAME, b"bob"),
        (INTEGRITY, &[7; 20]),
    ];
    assert_eq!(parse(&message(REQUEST, &proven)), Some(asked));
}

#[test]
fn attributes_that_have_to_be_understood_are_named() /* RFC 5389 §7.3.1 */
{
    let kinds = [0x0003, 0x8028, 0x0024, 0x7fff];
    let attributes: Vec<(u16, &[u8])> = kinds.iter().map(|kind| (*kind, &b"abc"[..])).collect();
    let Some(Message::Request(NUMBER, strange)) = parse(&message(REQUEST, &attributes)) else {
        panic!("a request");
    };
    assert!(!strange.is_empty());
    let mut buf = [0; LONGEST];
    let len = write_strange(NUMBER, strange, &mut buf).expect("room");
    let expected = message(
        ERROR,
        &[(ERROR_CODE, &[0, 0, 4, 20]), (UNKNOWN, &[0, 3, 0, 0x24])],
    );
    assert_eq!(buf[..len], expected);
    let Some(Message::Request(_, one)) = parse(&message(REQUEST, &[(3, b"")])) else {
        panic!("a request");
    };
    let len = write_strange(NUMBER, one, &mut buf).expect("room");
    assert_eq!(
        attribute(&buf[HEAD + 8..len]),
        Some((UNKNOWN, &[0, 3][..], &[][..]))
    );
    assert_eq!(parse(&buf[..len]), Some(Message::Error(NUMBER)));
}

#[test]
fn what_is_not_whole_or_not_ours_is_nothing() /* ATTACKS E */
{
    let v4 = [0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
    let whole = message(SUCCESS, &[(0x8022, b"software"), (XOR_MAPPED, &v4)]);
    for len in 0..whole.len() {
        assert_eq!(parse(&whole[..len]), None, "{len}");
        let mut cut = whole[..len].to_vec();
        if len >= HEAD {
            cut[2..4].copy_from_slice(&((len - HEAD) as u16).to_be_bytes());
            let says = parse(&cut);
            let is_whole = [HEAD, HEAD + 12].contains(&len);
            assert_eq!(says.is_some(), is_whole, "{len}: {says:?}");
        }
    }
    let mut longer = whole.clone();
    longer.extend([0; 4]);
    assert_eq!(parse(&longer), None);
    let mut old = whole.clone();
    old[4] = 0;
    assert_eq!(parse(&old), None, "no cookie");
    for kind in [0x0011, 0x0003, 0x0103, 0x4001, 0x8001] {
        assert_eq!(parse(&message(kind, &[])), None, "{kind:x}");
    }
    for value in [
        &[][..],
        &[0],
        &[0, 1],
        &v4[..7],
        &[0, 1, 1, 1, 1, 1, 1, 1, 1],
        &[0, 3, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43],
        &[0, 2, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43],
        // Port 0, and nowhere.
        &[0, 1, 0x21, 0x12, 0xe1, 0x12, 0xa6, 0x43],
        &[0, 1, 0xa1, 0x47, 0x21, 0x12, 0xa4, 0x42],
        &[0; 40],
    ] {
        assert_eq!(parse(&message(SUCCESS, &[(XOR_MAPPED, value)])), None);
    }
}

/// Every change of one byte, and a great many of three, of every kind of message: nothing panics, and what is read has its
/// number.
#[test]
fn no_bytes_do_any_harm() /* ATTACKS E */
{
    let v4 = [0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
    let mut random = crate::ground::random::Random::new();
    random.seed([5, 6]);
    for message in [
        message(REQUEST, &[(3, b"abcd"), (0x24, b"abc")]),
        message(SUCCESS, &[(0x8022, b"software"), (XOR_MAPPED, &v4)]),
        message(ERROR, &[(ERROR_CODE, &[0, 0, 4, 20])]),
    ] {
        for at in 0..message.len() {
            for value in 0..=255 {
                let mut bytes = message.clone();
                bytes[at] = value;
                let _ = (parse(&bytes), quoted(&bytes));
            }
        }
        for _ in 0..50_000 {
            let mut bytes = message.clone();
            for _ in 0..3 {
                let bits = random.bits();
                let at = bits as usize % bytes.len();
                bytes[at] = (bits >> 32) as u8;
            }
            bytes.truncate(random.bits() as usize % (bytes.len() + 20));
            let _ = (parse(&bytes), quoted(&bytes));
        }
    }
}
