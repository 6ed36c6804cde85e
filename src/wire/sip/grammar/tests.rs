extern crate std;

use super::*;
use std::vec::Vec;

#[test]
fn folding_is_one_blank() /* T14 */
{
    for (value, expected) in [
        ("", ""),
        ("a  b", "a  b"),
        ("a\r\n b", "a b"),
        ("a \t\r\n \t b\r\n\tc", "a b c"),
        ("a\r\n \r\n b", "a b"),
        ("\"a\\\r\n b\" <sip:c>", "\"a\\ b\" <sip:c>"),
    ] {
        let lines: Vec<_> = unfold(value.as_bytes()).collect();
        assert_eq!(lines.join(&b' '), expected.as_bytes(), "{value:?}");
    }
}

#[test]
fn quoted_strings_end_at_their_quote() /* ATTACKS D07 D12 */
{
    for (input, expected) in [
        (&br#""""#[..], Some((&br#""""#[..], &b""[..]))),
        (br#""a" b"#, Some((br#""a""#, b" b"))),
        (br#""a\"b"c"#, Some((br#""a\"b""#, b"c"))),
        (br#""a\\"c"#, Some((br#""a\\""#, b"c"))),
        (
            b"\"\\\x07\\\x00\x7f\";",
            Some((b"\"\\\x07\\\x00\x7f\"", b";")),
        ),
        (br#""a"#, None),
        (br#""a\""#, None),
        (br#""a\"#, None),
        (br#"""#, None),
        (b"a", None),
        (b"", None),
    ] {
        let found = quoted(input).ok().map(|(rest, all)| (all, rest));
        assert_eq!(found, expected, "{}", input.escape_ascii());
    }
}

#[test]
fn texts_mean_their_bytes_without_escapes() {
    let escaped = Text::parse(br#""a\"b\\c""#).expect("valid");
    assert!(escaped.is(br#"a"b\c"#));
    assert_eq!(escaped.raw(), br#"a\"b\\c"#);
    let mut buf = [0; 5];
    assert_eq!(escaped.copy_to(&mut buf), Some(&br#"a"b\c"#[..]));
    assert_eq!(escaped.copy_to(&mut buf[..4]), None);
    assert_eq!(Text::parse(b"abc"), Text::parse(br#""abc""#));
    assert!(Text::parse(b"abc").is_ok_and(|text| !text.is_quoted()));
    for input in [&b""[..], b"a b", b"\"a", b"\"a\"b", b"a;b"] {
        assert!(Text::parse(input).is_err(), "{input:?}");
    }
}

#[test]
fn numbers_saturate_and_never_wrap() /* N09, ATTACKS D11 */
{
    for (input, saturated, exact) in [
        (&b"0"[..], Some(0), Some(0)),
        (b"0003600", Some(3_600), Some(3_600)),
        (b"4294967295", Some(u32::MAX), Some(u32::MAX)),
        (b"4294967296", Some(u32::MAX), None),
        (b"949302838503028349304023988", Some(u32::MAX), None),
        (b"", None, None),
        (b"-1", None, None),
        (b"+1", None, None),
        (b"1e9", None, None),
        (b"0x10", None, None),
        (b"3600 3600", None, None),
    ] {
        assert_eq!(number(input), saturated, "{input:?}");
        assert_eq!(exact_number(input), exact, "{input:?}");
    }
}

#[test]
fn parameters_are_read_with_white_space_and_quotes() {
    let input = b" ; a = 1;B ;c\r\n =\t\"x;,y\" , next";
    let mut seen = Vec::new();
    let (params, rest) = Params::take(input, |param| {
        seen.push((param.name, param.value.map(|value| value.raw())));
        Ok(())
    })
    .expect("valid");
    let expected = [
        (&b"a"[..], Some(&b"1"[..])),
        (b"B", None),
        (b"c", Some(b"x;,y")),
    ];
    assert_eq!(seen, expected);
    assert_eq!(rest, b", next");
    let again: Vec<_> = params
        .iter()
        .map(|param| (param.name, param.value.map(|value| value.raw())))
        .collect();
    assert_eq!(again, expected);
    assert_eq!(params.get(b"b"), Some(&b""[..]));
    assert_eq!(params.get(b"C"), Some(&b"x;,y"[..]));
    assert_eq!(params.get(b"d"), None);
}

#[test]
fn bad_parameters_are_refused() /* ATTACKS D05 D06 */
{
    for input in [
        &b";"[..],
        b";;a",
        b";a;",
        b";a=",
        b";a=;b",
        b";=1",
        b";a=\"x",
        b";a=\"x\"y",
        b";a b",
        b"a",
        b";a=1 2",
        b";a<",
    ] {
        assert_eq!(
            params(input, |_| Ok(())),
            Err(Bad),
            "{}",
            input.escape_ascii()
        );
    }
}

#[test]
fn lists_split_outside_quotes_and_brackets() /* X12 */
{
    for (input, expected) in [
        (&b"a"[..], (&b"a"[..], &b""[..])),
        (b" a , b", (b"a", b" b")),
        (b",b", (b"", b"b")),
        (
            b"\"a,\\\",b\" <sip:a,b@c>;x=\",\" , d",
            (b"\"a,\\\",b\" <sip:a,b@c>;x=\",\"", b" d"),
        ),
        (b"\"a, b", (b"\"a, b", b"")),
        (b"<a, b", (b"<a", b" b")),
        (b"", (b"", b"")),
    ] {
        assert_eq!(split_value(input), expected, "{}", input.escape_ascii());
    }
}
