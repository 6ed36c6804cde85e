extern crate std;

use super::charset::Charset;
use super::*;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

const PIDF: &str = "urn:ietf:params:xml:ns:pidf";

/// A format's namespaces: one of them has two names.
const NAMES: Names = &[
    (PIDF, Namespace::numbered(0)),
    ("urn:ietf:params:xml:ns:pidf:", Namespace::numbered(0)),
    ("urn:ietf:params:xml:ns:dialog-info", Namespace::numbered(1)),
];

fn label(namespace: Namespace) -> &'static str {
    match namespace {
        Namespace::NONE => "None",
        Namespace::XML => "Xml",
        Namespace::UNKNOWN => "Unknown",
        _ if namespace == Namespace::numbered(0) => "Pidf",
        _ => "DialogInfo",
    }
}

/// What a document comes to: `<name attribute=value…>` and `text/` for each element, in order.
fn outline(body: &[u8]) -> Result<String, Fault> {
    let mut outline = String::new();
    open(body, NAMES, &mut |reader| {
        while let Some(event) = reader.next()? {
            match event {
                Event::Start(tag) => {
                    outline += &format!(
                        "<{}:{}",
                        label(tag.namespace),
                        String::from_utf8_lossy(tag.local)
                    );
                    for name in ["a", "b"] {
                        if let Some(value) = reader.attribute(name) {
                            outline += &format!(" {name}={value}");
                        }
                    }
                    outline += ">";
                }
                Event::End { text, .. } => outline += &format!("{text}/"),
            }
        }
        Ok(())
    })?;
    Ok(outline)
}

#[track_caller]
fn reads(body: impl AsRef<[u8]>, expected: &str) {
    let body = body.as_ref();
    let outline = outline(body);
    assert_eq!(
        outline.as_deref(),
        Ok(expected),
        "{}",
        String::from_utf8_lossy(body)
    );
}

#[track_caller]
fn refuses(body: impl AsRef<[u8]>, fault: Fault) {
    let body = body.as_ref();
    let shown = String::from_utf8_lossy(&body[..body.len().min(200)]);
    assert_eq!(outline(body), Err(fault), "{shown}");
}

#[test]
fn legal_constructs_are_read_or_ignored() /* F05 G09 */
{
    reads("<r/>", "<None:r>/");
    reads("\u{FEFF}<r/>", "<None:r>/");
    reads("\u{FEFF}<?xml version='1.0'?><r/>", "<None:r>/");
    reads(
        "\r\n <?xml\tversion = \"1.0\"\n encoding='utf-8' standalone='yes' ?>\n<r/>\n",
        "<None:r>/",
    );
    reads("<?xml version='1.0' encoding='US-ASCII'?><r/>", "<None:r>/");
    reads(
        "<!-- a --><?p i?><r><!-- <x> --><?q <y> ?></r><!-- b --><?s?>",
        "<None:r>/",
    );
    reads("<r>a<![CDATA[ <&amp;]] ]]>b</r>", "<None:r>a <&amp;]] b/");
    reads("<r>a<!-- x -->b<?p ?>c</r>", "<None:r>abc/");
    reads("<r> a\r\nb\rc\td </r>", "<None:r>a\nb\nc\td/");
    reads(
        "<r a=' x\r\ny\tz ' b=\"'&#10;'\"/>",
        "<None:r a=x y z b='\n'>/",
    );
    reads("<r>a<c>b</c>d</r>", "<None:r><None:c>b/a/");
    reads("<r> a <c/> b </r>", "<None:r><None:c>/a/");
    reads("<r><a ></a ></r >", "<None:r><None:a>//");
}

#[test]
fn references_are_decoded_and_bare_ampersands_kept() /* G09 */
{
    reads(
        "<r>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&#x1F600;</r>",
        "<None:r><>&\"'AB\u{1F600}/",
    );
    reads("<r a='&lt;&#38;&#x26;'/>", "<None:r a=<&&>/");
    reads("<r>&amp;lt;</r>", "<None:r>&lt;/");
    for bare in [
        "a & b", "&", "&&", "Q&A", "&x;", "&nbsp;", "&AMP;", "&#;", "&#x;", "&#12", "&#xZ;",
        "&#-1;",
    ] {
        reads(format!("<r>{bare}</r>"), &format!("<None:r>{bare}/"));
        reads(format!("<r a='{bare}'/>"), &format!("<None:r a={bare}>/"));
    }
}

#[test]
fn illegal_characters_are_refused() /* G09 */
{
    for bad in ["\0", "\u{1}", "\u{B}", "\u{1F}", "\u{FFFE}", "\u{FFFF}"] {
        refuses(format!("<r>{bad}</r>"), Fault::Syntax);
        refuses(format!("<r a='{bad}'/>"), Fault::Syntax);
        refuses(format!("<r><![CDATA[{bad}]]></r>"), Fault::Syntax);
    }
    for code in [
        "0",
        "1",
        "31",
        "x0",
        "xFFFE",
        "xFFFF",
        "xD800",
        "xDFFF",
        "x110000",
        "99999999999",
        "x100000041",
    ] {
        refuses(format!("<r>&#{code};</r>"), Fault::Syntax);
        refuses(format!("<r a='&#{code};'/>"), Fault::Syntax);
        refuses(format!("<r xmlns:p='&#{code};'/>"), Fault::Syntax);
    }
}

#[test]
fn a_doctype_is_refused_where_it_begins() /* G01 F05 */
{
    for inside in [
        "<!DOCTYPE r>",
        "<!DOCTYPE r []>",
        "<!DOCTYPE r SYSTEM 'file:///etc/passwd'>",
        "<!DOCTYPE r PUBLIC '-//x//y' 'http://192.0.2.1/x.dtd'>",
        "<!DOCTYPE r [<!ENTITY a 'x'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>",
        "<!DOCTYPE r [<!ENTITY a '&a;'>]>",
        "<!DOCTYPE r [<!ENTITY % p SYSTEM 'http://192.0.2.1/p'> %p;]>",
    ] {
        refuses(
            format!("<?xml version='1.0'?>{inside}<r>&b;</r>"),
            Fault::Doctype,
        );
        refuses(format!("{inside}<r/>"), Fault::Doctype);
        // What follows the beginning is not looked at.
        refuses(inside, Fault::Doctype);
    }
    for nonsense in [
        "<!DOCTYPE",
        "<!DOCTYPE>",
        "<r/><!DOCTYPE r>",
        "<r><!DOCTYPE r></r>",
        "<!ENTITY a 'x'><r/>",
    ] {
        refuses(nonsense, Fault::Syntax);
    }
}

#[test]
fn broken_markup_is_refused() /* G03 G04 */
{
    for broken in [
        "",
        " ",
        "\n",
        "\u{FEFF}",
        "x",
        "<",
        "<r",
        "<r ",
        "<r a",
        "<r a=",
        "<r a='",
        "<r a=''",
        "<r a=''/",
        "<r/",
        "<r>",
        "<r></",
        "<r></r",
        "<r>x",
        "<r><a></a>",
        "<r><a></r></a>",
        "<r></R>",
        "<r></p:r>",
        "<p:r></r>",
        "</r>",
        "<r/></r>",
        "<r></r></r>",
        "<r/><r/>",
        "<r/>x",
        "x<r/>",
        "<r a=''b=''/>",
        "<r a/>",
        "<r a=x/>",
        "<r a='<'/>",
        "<r>]]></r>",
        "<r><!-- -- --></r>",
        "<r><!--></r>",
        "<r><![CDATA[</r>",
        "<1/>",
        "<:r/>",
        "<:r></r>",
        "<r></:r>",
        "<r :a=''/>",
        "<r:/>",
        "<a:b:c/>",
        "< r/>",
        "<r a='' a=''/>",
        "<r xmlns='a' xmlns='b'/>",
        "<r xmlns:p='a' xmlns:p='b'/>",
        "<r xmlns:p='u' xmlns:q='u' p:a='' q:a=''/>",
        "<?xml?><?xml version='1.0'?><r/>",
        "<?xml version='1.0'?>",
        "<?xml version='1.0'",
        "<?xml version='2.0'?><r/>",
        "<?xml version=1.0?><r/>",
        "<?xml version?><r/>",
        "<?xml version='1.0?><r/>",
        "<?xml verzion='1.0'?><r/>",
        "<?xml version='1.'?><r/>",
        "<?xml version='1.x'?><r/>",
        "<?p\"q ?><r/>",
        "<?xml encoding='UTF-8' encoding='UTF-8'?><r/>",
        "<?xml version='1.0'encoding='UTF-8'?><r/>",
        "<?xml version='1.0' standalone='\0'?><r/>",
        "<r><?p<q?></r>",
        "<!-- --><?xml version='1.0'?><r/>",
        "<?XML version='1.0'?><r/>",
        "<r><?xml version='1.0'?></r>",
        "<r/><?Xml a?>",
        "<?xml version='1.0'?><?xml version='1.0'?><r/>",
    ] {
        refuses(broken, Fault::Syntax);
    }
}

#[test]
fn the_same_attribute_in_two_namespaces_is_two() /* G03 */
{
    reads(
        "<r a='1' xmlns:p='u' p:a='2' xmlns:q='v' q:a='3' s:a='4' t:a='5'/>",
        "<None:r a=1>/",
    );
    reads("<r s:a='4'/>", "<None:r>/");
    refuses("<r s:a='4' s:a='5'/>", Fault::Syntax);
    // The same URI from an outer declaration.
    refuses(
        "<o xmlns:p='u'><r xmlns:q='u' p:a='' q:a=''/></o>",
        Fault::Syntax,
    );
}

#[test]
fn namespaces_go_by_uri_and_by_place() /* F04 G11 */
{
    reads(format!("<r xmlns='{PIDF}'/>"), "<Pidf:r>/");
    reads(format!("<dm:r xmlns:dm='{PIDF}'/>"), "<Pidf:r>/");
    reads(format!("<r xmlns=' {PIDF} '/>"), "<Pidf:r>/");
    reads("<r xmlns='urn:ietf:params:xml:ns:p&#105;df'/>", "<Pidf:r>/");
    reads(
        format!("<r xmlns='{PIDF}'><s xmlns=''><t/></s><u/></r>"),
        "<Pidf:r><None:s><None:t>//<Pidf:u>//",
    );
    reads(
        format!("<p:r xmlns:p='{PIDF}'><p:s xmlns:p='x'/><p:t/><q/></p:r>"),
        "<Pidf:r><Unknown:s>/<Pidf:t>/<None:q>//",
    );
    reads("<r><p:s/><xml:t/></r>", "<None:r><Unknown:s>/<Xml:t>//");
    for (uri, namespace) in [
        ("urn:ietf:params:xml:ns:pidf:", "Pidf"),
        ("urn:ietf:params:xml:ns:PIDF", "Unknown"),
        ("urn:ietf:params:xml:ns:dialog-info", "DialogInfo"),
        ("urn:ietf:params:xml:ns:pidf:cipid", "Unknown"),
    ] {
        reads(format!("<r xmlns='{uri}'/>"), &format!("<{namespace}:r>/"));
    }
}

#[test]
fn encodings_are_utf8_or_latin1() /* F05 G09 */
{
    reads("<r>é</r>", "<None:r>é/");
    reads(
        "<?xml version='1.0' encoding='ISO-8859-1'?><r>é</r>",
        "<None:r>é/",
    );
    reads(
        b"<?xml version='1.0' encoding='iso-8859-1'?><r a='\xFC'>\xE9&amp;\x85</r>",
        "<None:r a=ü>é&\u{85}/",
    );
    reads(b"<r>\xE9</r>", "<None:r>é/");
    // Names are compared as they are, not as the copy has them.
    refuses(b"<r><\xE9></\xE8></r>", Fault::Syntax);
    refuses(b"<r \xE9='' \xE9=''/>", Fault::Syntax);
    reads(b"<r \xE9='' \xE8='' x=''/>", "<None:r>/");
    // Letters may be in a name, the dot in the middle may not begin one, signs may not be in it.
    reads(b"<r \xC0='' x\xB7=''/>", "<None:r>/");
    for sign in [
        b"\xB7".as_slice(),
        b"\x80",
        b"x\xB3",
        b"x\xD7",
        b"x\xF7",
        b"x\xA0",
    ] {
        refuses([b"<r ", sign, b"=''/>"].concat(), Fault::Syntax);
    }
    for utf8 in [
        "<?xml version='1.0' encoding='UTF-8'?>",
        "<?xml encoding='utf8'?>",
        "\u{FEFF}",
    ] {
        for bad in [
            b"\xC0\x80".as_slice(),
            b"\xED\xA0\x80",
            b"\xF8\x88\x80\x80\x80",
            b"\xE9",
            b"\xFF",
        ] {
            refuses(
                [utf8.as_bytes(), b"<r>", bad, b"</r>"].concat(),
                Fault::Encoding,
            );
        }
    }
    for name in ["UTF-16", "UTF-7", "UTF-32", "ISO-8859-15", "EBCDIC", ""] {
        refuses(
            format!("<?xml version='1.0' encoding='{name}'?><r/>"),
            Fault::Encoding,
        );
    }
    refuses(b"\xFF\xFE<\0r\0/\0>\0", Fault::Encoding);
    refuses(b"\xFE\xFF\0<\0r\0/\0>", Fault::Encoding);
    refuses(b"<\0r\0/\0>\0", Fault::Encoding);
    refuses(b"\0<\0r\0/\0>", Fault::Encoding);
}

/// 0x80 to 0x9F, as <https://encoding.spec.whatwg.org/#index-windows-1252> has them.
const WINDOWS: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8D}Ž\u{8F}\u{90}‘’“”•–—˜™š›œ\u{9D}žŸ";

#[test]
fn windows_1252_has_characters_where_latin1_has_controls() {
    let bytes: Vec<u8> = (0x80..=0x9F).collect();
    let with = |encoding: &str| {
        let declaration = format!("<?xml version='1.0' encoding='{encoding}'?><r a='");
        let parts = [declaration.as_bytes(), &bytes, b"'>", &bytes, b"\xFC</r>"];
        parts.concat()
    };
    let controls: String = bytes.iter().map(|&byte| char::from(byte)).collect();
    for (encoding, characters) in [
        ("windows-1252", WINDOWS),
        ("Windows-1252", WINDOWS),
        ("cp1252", WINDOWS),
        ("ISO-8859-1", &controls),
    ] {
        let outline = format!("<None:r a={characters}>{characters}ü/");
        reads(with(encoding), &outline);
    }
}

#[test]
fn names_of_windows_1252_have_its_letters_and_not_its_marks() {
    let with = |name: &[u8]| {
        let declaration = b"<?xml version='1.0' encoding='windows-1252'?><r ".as_slice();
        [declaration, name, b"=''/>"].concat()
    };
    for letter in [b"\x8A".as_slice(), b"\x9F", b"\x83\xE9", b"x\xB7"] {
        reads(with(letter), "<None:r>/");
    }
    for mark in [b"\x96".as_slice(), b"x\x85", b"x\x81", b"x\xD7", b"\xB7"] {
        refuses(with(mark), Fault::Syntax);
    }
    // Two letters with one stand-in are two names.
    reads(with(b"\x8A='' \x9A"), "<None:r>/");
    refuses(with(b"\x8A='' \x8A"), Fault::Syntax);
}

#[test]
fn a_latin1_document_that_needs_no_room_is_read_at_any_size() {
    let filler = "x".repeat(MAX_LATIN1);
    reads(
        format!("<?xml version='1.0' encoding='ISO-8859-1'?><r><a>{filler}</a>é</r>"),
        &format!("<None:r><None:a>{filler}//"),
    );
}

/// A document with exactly `n` of a thing, for each limit.
fn limited(limit: usize, fault: Fault, with: impl Fn(usize) -> Vec<u8>) {
    for fine in [limit - 1, limit] {
        assert!(outline(&with(fine)).is_ok(), "{fine}");
    }
    for much in [limit + 1, limit + 2] {
        refuses(with(much), fault);
    }
}

#[test]
fn limits_hold_at_their_edges() /* G02 G03 G11 */
{
    limited(MAX_DEPTH, Fault::TooDeep, |n| {
        format!("{}{}", "<r>".repeat(n), "</r>".repeat(n)).into_bytes()
    });
    limited(MAX_ELEMENTS, Fault::TooLarge, |n| {
        format!("<r>{}</r>", "<t/>".repeat(n - 1)).into_bytes()
    });
    limited(MAX_ATTRIBUTES, Fault::TooLarge, |n| {
        let each = |n| format!(" a{n}=''");
        format!("<r{}/>", (0..n).map(each).collect::<String>()).into_bytes()
    });
    limited(MAX_ATTRIBUTES, Fault::TooLarge, |n| {
        let each = |n| format!(" a{n}=''");
        format!(
            "<r xmlns='' xmlns:p='u'{}/>",
            (2..n).map(each).collect::<String>()
        )
        .into_bytes()
    });
    limited(MAX_SCOPES, Fault::TooLarge, |n| {
        let each = |n| format!(" xmlns:n{n}='u{n}'");
        let (outer, inner): (String, String) =
            ((0..9).map(each).collect(), (9..n).map(each).collect());
        format!("<r{outer}><s{inner}/></r>").into_bytes()
    });
    limited(MAX_BODY, Fault::TooLarge, |n| {
        format!("<r>{}</r>", "x".repeat(n - 7)).into_bytes()
    });
    limited(MAX_LATIN1, Fault::TooLarge, |n| {
        [b"<r>", b"\xE9".repeat(n - 7).as_slice(), b"</r>"].concat()
    });
}

#[test]
fn scopes_end_with_their_element() {
    let each = "<s xmlns:a='1' xmlns:b='2' xmlns:c='3' xmlns:d='4'/>";
    assert!(outline(format!("<r>{}</r>", each.repeat(100)).as_bytes()).is_ok());
}

#[test]
fn floods_are_refused() /* G02 G03 G11 */
{
    refuses("<r>".repeat(20_000), Fault::TooDeep);
    refuses(format!("<r>{}</r>", "<t/>".repeat(15_000)), Fault::TooLarge);
    refuses(format!("<r {}/>", "a='' ".repeat(10_000)), Fault::TooLarge);
    refuses(
        format!("<r a='{}'/>", "x".repeat(1_000_000)),
        Fault::TooLarge,
    );
    refuses(format!("<r>{}</r>", "é".repeat(500_000)), Fault::TooLarge);
}

#[test]
fn text_answers_as_decoded() {
    let text = |raw: &'static str| XmlText::content(raw.as_bytes(), Charset::Utf8);
    assert!(text(" Open\n").is("open"));
    assert!(text("o<!-- x -->p<![CDATA[e]]>&#110;").is("open"));
    assert!(!text("opens").is("open"));
    assert!(!text("ope<!-- -->").is("open"));
    assert!(text("<!-- -->").is_empty());
    assert!(text("a&amp;b") == *"a&b");
    assert!(text("a&amp;b") == text("a<![CDATA[&]]>b"));
    assert_eq!(text("plain é").plain(), Some("plain é"));
    assert_eq!(text("a&amp;b").plain(), None);
    assert_eq!(XmlText::content(b"\xE9", Charset::Latin1).plain(), None);
    assert_eq!(text("abé").copy::<4>().as_deref(), Some("abé"));
    assert_eq!(text("abé").copy::<3>(), None);
    assert_eq!(text("abé").cut::<3>(), "ab");
    assert_eq!(text("a&lt;").to_string(), "a<");
    for (raw, number) in [
        ("0", Some(0)),
        ("0000000012", Some(12)),
        ("4294967295", Some(u32::MAX)),
        ("4294967296", None),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1 2", None),
        ("0x10", None),
        ("1.0", None),
    ] {
        assert_eq!(text(raw).number(), number, "{raw}");
    }
}
