extern crate std;
use super::*;
use crate::ground::random::Random;
use crate::wire::doc::Rendered;
use crate::wire::doc::pidf::{self, write_diff};
use std::format;
use std::string::String;
use std::vec::Vec as List;

const HEAD: &str =
    "xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:p=\"urn:ietf:params:xml:ns:pidf-diff\"";

/// A document that is kept, whose root has these declarations too.
fn kept_with(declarations: &str, content: &str) -> Kept {
    let mut kept = Kept::new();
    let body = format!("<p:pidf-full {HEAD}{declarations} version=\"1\">{content}</p:pidf-full>");
    keep(&mut kept, body.as_bytes());
    kept
}

/// What the content becomes by these operations; `None` where they do not apply.
fn patched(content: &str, operations: &str) -> Option<String> {
    let mut kept = kept_with("", content);
    let body = format!("<p:pidf-diff {HEAD} version=\"2\">{operations}</p:pidf-diff>");
    let done = patch(&mut kept, body.as_bytes());
    assert_eq!(done.is_err(), kept.is_empty());
    done.ok()?;
    content_of(&kept)
}

fn content_of(kept: &Kept) -> Option<String> {
    let text = core::str::from_utf8(kept).expect("UTF-8");
    let (_, content) = text.split_once('>')?;
    Some(content.rsplit_once("</")?.0.into())
}

/// The whole document and the patch that RFC 5262 §6 and RFC 5263 §5 print, but for who it is about.
const PRINTED: (&str, &str) = (
    r#"<?xml version="1.0" encoding="UTF-8"?>
   <p:pidf-full xmlns="urn:ietf:params:xml:ns:pidf"
          xmlns:p="urn:ietf:params:xml:ns:pidf-diff"
          xmlns:r="urn:ietf:params:xml:ns:pidf:rpid"
          xmlns:ci="urn:ietf:params:xml:ns:pidf:cipid"
          xmlns:c="urn:ietf:params:xml:ns:pidf:caps"
          xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"
          entity="pres:someone@example.com"
          version="567">
    <tuple id="sg89ae">
     <status>
      <basic>open</basic>
     </status>
     <c:servcaps>
      <c:audio>true</c:audio>
      <c:message>true</c:message>
      <c:video>false</c:video>
     </c:servcaps>
     <contact priority="0.8">tel:09012345678</contact>
    </tuple>
    <tuple id="cg231jcr">
     <status>
      <basic>open</basic>
     </status>
     <contact priority="1.0">im:pep@example.com</contact>
    </tuple>
    <tuple id="r1230d">
     <status>
      <basic>closed</basic>
     </status>
     <ci:homepage>http://example.com/~pep/</ci:homepage>
     <contact priority="0.9">sip:pep@example.com</contact>
    </tuple>
    <note xml:lang="en">Full state presence document</note>
    <dm:person id="p123">
     <r:activities>
      <r:on-the-phone/>
      <r:busy/>
     </r:activities>
    </dm:person>
   </p:pidf-full>"#,
    r#"<?xml version="1.0" encoding="UTF-8"?>
   <p:pidf-diff xmlns="urn:ietf:params:xml:ns:pidf"
        xmlns:p="urn:ietf:params:xml:ns:pidf-diff"
        xmlns:r="urn:ietf:params:xml:ns:pidf:rpid"
        xmlns:d="urn:ietf:params:xml:ns:pidf:data-model"
        entity="pres:someone@example.com"
        version="568">
   <p:add sel="presence/note" pos="before"><tuple id="ert4773">
     <status>
      <basic>open</basic>
     </status>
     <contact priority="0.4">mailto:pep@example.com</contact>
     <note xml:lang="en">This is a new tuple inserted
          between the last tuple and person element</note>
    </tuple>
   </p:add>
   <p:replace sel="*/tuple[@id='r1230d']/status/basic/text()"
      >open</p:replace>
   <p:remove sel="*/d:person/r:activities/r:busy" ws="after"/>
   <p:replace sel="*/tuple[@id='cg231jcr']/contact/@priority"
      >0.7</p:replace>
   </p:pidf-diff>"#,
);

#[test]
fn the_printed_patch_makes_the_printed_document() {
    let (full, diff) = PRINTED;
    let head = read_head(diff.as_bytes()).expect("a root");
    assert_eq!((head.version, head.extent), (Some(568), Extent::Partial));
    let head = read_head(full.as_bytes()).expect("a root");
    assert_eq!((head.version, head.extent), (Some(567), Extent::Full));
    let mut kept = Kept::new();
    keep(&mut kept, full.as_bytes());
    assert_eq!(patch(&mut kept, diff.as_bytes()), Ok(()));
    let text = core::str::from_utf8(&kept).expect("UTF-8");
    let expected = full
        .replace("closed", "open")
        .replace("<r:busy/>", "")
        .replace("\"1.0\">im", "\"0.7\">im");
    let (before, after) = expected.split_once("<note").expect("a note");
    let (_, new) = diff.split_once("<tuple").expect("a tuple");
    let (new, _) = new.split_once("</p:add>").expect("its end");
    let (_, before) = before.split_once("?>").expect("a declaration");
    let before = before.trim_start();
    let expected = format!("{before}<tuple{new}<note{after}");
    let declared = expected.replacen(
        "version=\"567\"",
        "version=\"567\" xmlns:d=\"urn:ietf:params:xml:ns:pidf:data-model\"",
        1,
    );
    assert_eq!(text, declared);
    let summary = pidf::read(&kept).expect("a document");
    assert_eq!(
        (summary.tuples, summary.note.as_str()),
        (4, "Full state presence document")
    );
    assert_eq!(summary.activities, pidf::Activities::ON_THE_PHONE);
}

#[test]
fn each_operation_does_what_it_says() {
    const ONE: &str =
        "<tuple id='a'><status><basic>open</basic></status></tuple><x/><note>n</note>";
    for (operations, expected) in [
        ("", ONE.into()),
        (
            "<p:remove sel='*/note'/>",
            ONE.replace("<note>n</note>", ""),
        ),
        (
            "<p:remove sel='/*/*[3]'/>",
            ONE.replace("<note>n</note>", ""),
        ),
        (
            "<p:remove sel=\"*/tuple[@id='a']/@id\"/>",
            ONE.replace("id='a'", ""),
        ),
        ("<p:remove sel='*/note/text()'/>", ONE.replace(">n<", "><")),
        (
            "<p:replace sel='*/note[1]'><x>&amp;</x></p:replace>",
            ONE.replace("<note>n</note>", "<x>&amp;</x>"),
        ),
        (
            "<p:replace sel='*/note/text()'>a longer one</p:replace>",
            ONE.replace(">n<", ">a longer one<"),
        ),
        (
            "<p:replace sel='pidf-full/note'> <note/> </p:replace>",
            String::new(),
        ),
        (
            "<p:replace sel='p:pidf-full/note'> <note/> </p:replace>",
            ONE.replace("<note>n</note>", " <note/> "),
        ),
        (
            "<p:replace sel='presence/tuple/@id'>b</p:replace>",
            ONE.replace("'a'", "'b'"),
        ),
        ("<p:add sel='*'><y/></p:add>", format!("{ONE}<y/>")),
        (
            "<p:add sel='*' pos='prepend'>\n<y/></p:add>",
            format!("\n<y/>{ONE}"),
        ),
        (
            "<p:add sel='*/note' pos='before'><y/></p:add>",
            ONE.replace("<note>", "<y/><note>"),
        ),
        (
            "<p:add sel='*/note' pos='after'><y/></p:add>",
            format!("{ONE}<y/>"),
        ),
        (
            "<p:add sel='*/x'><y/></p:add>",
            ONE.replace("<x/>", "<x><y/></x>"),
        ),
        (
            "<p:add sel='*/x' pos='prepend'>t</p:add>",
            ONE.replace("<x/>", "<x>t</x>"),
        ),
        (
            "<p:add sel='*/x' type='@z'>1</p:add>",
            ONE.replace("<x/>", "<x z=\"1\"/>"),
        ),
        (
            "<p:add sel='*/note' type='@z'>1</p:add>",
            ONE.replace("<note>", "<note z=\"1\">"),
        ),
        (
            "<p:add sel='*/x'><y/></p:add><p:remove sel='*/x/y'/>",
            ONE.replace("<x/>", "<x></x>"),
        ),
    ] {
        let expected = Some(expected).filter(|it: &String| !it.is_empty());
        assert_eq!(patched(ONE, operations), expected, "{operations}");
    }
}

#[test]
fn whatever_is_in_doubt_does_not_apply() {
    const TWO: &str = "<tuple id='a'><note>n</note></tuple><tuple id='b'><note>m<x/></note></tuple><y xmlns='urn:y'/>";
    for operations in [
        // Nothing of that name, or more than one.
        "<p:remove sel='*/person'/>",
        "<p:remove sel='*/tuple'/>",
        "<p:remove sel='*/tuple/note'/>",
        "<p:remove sel='*/tuple[3]'/>",
        "<p:remove sel='*/tuple[0]'/>",
        "<p:remove sel=\"*/tuple[@id='c']\"/>",
        "<p:remove sel='*/tuple[1]/@lang'/>",
        // The same name in another namespace; a prefix that nobody declared.
        "<p:remove sel='*/p:tuple[1]'/>",
        "<p:remove sel='*/q:tuple[1]'/>",
        "<p:remove sel='*/y'/>",
        // More of XPath than there is.
        "<p:remove sel='//note[1]'/>",
        "<p:remove sel='*/tuple[1][1]'/>",
        "<p:remove sel='*/tuple[last()]'/>",
        "<p:remove sel=\"*/tuple[note='n']\"/>",
        "<p:remove sel=\"id('a')\"/>",
        "<p:remove sel='*/tuple[1]/comment()'/>",
        "<p:remove sel='*/tuple[1]/namespace::p'/>",
        "<p:remove sel='*/p:*'/>",
        "<p:remove sel=''/>",
        "<p:remove sel='*/'/>",
        "<p:remove sel=\"*/tuple[@id='a\"/>",
        "<p:remove/>",
        // Text among elements; an element in the place of text; two for one.
        "<p:replace sel='*/tuple[2]/note/text()'>x</p:replace>",
        "<p:replace sel='*/tuple[1]/note/text()'><x/></p:replace>",
        "<p:replace sel='*/tuple[1]/note'>x</p:replace>",
        "<p:replace sel='*/tuple[1]/note'><x/><x/></p:replace>",
        "<p:replace sel='*/tuple[1]/@id'>\"</p:replace>",
        "<p:replace sel='*/tuple[1]/@id'><x/></p:replace>",
        // What is not known.
        "<p:move sel='*/tuple[1]'/>",
        "<q/>",
        "<p:add sel='*' pos='behind'><x/></p:add>",
        "<p:add sel='*' type='namespace::q'>urn:q</p:add>",
        "<p:add sel='*' type='@q:x'>1</p:add>",
        "<p:add sel='*/tuple[1]/text()'><x/></p:add>",
        // Names would mean something else there.
        "<p:add sel='*' xmlns:q='urn:q'><q:x/></p:add>",
        "<p:remove xmlns='urn:y' sel='*/y'/>",
    ] {
        assert_eq!(patched(TWO, operations), None, "{operations}");
    }
    assert!(patched(TWO, "<p:remove sel='*/tuple[2]'/>").is_some());
}

#[test]
fn names_mean_the_same_on_both_sides() {
    let diff = |declarations: &str| {
        let mut kept = kept_with(" xmlns:q='urn:q'", "<q:x/>");
        let body = format!(
            "<p:pidf-diff {HEAD}{declarations}><p:remove sel='*/r:x'/><p:add sel='*'><r:y/></p:add></p:pidf-diff>"
        );
        patch(&mut kept, body.as_bytes()).ok()?;
        Some(String::from(core::str::from_utf8(&kept).expect("UTF-8")))
    };
    let done = diff(" xmlns:r='urn:q'").expect("it applies");
    assert!(
        done.ends_with(" version=\"1\" xmlns:r=\"urn:q\"><r:y/></p:pidf-full>"),
        "{done}"
    );
    assert_eq!(diff(" xmlns:r='urn:r'"), None);
    // There it stands for something else.
    assert_eq!(diff(" xmlns:r='urn:q' xmlns:q='urn:z'"), None);
    let mut kept = kept_with("", "<x/>");
    let none = "<p:pidf-diff xmlns:p='urn:ietf:params:xml:ns:pidf-diff'><p:add sel='*'><x/></p:add></p:pidf-diff>";
    assert_eq!(patch(&mut kept, none.as_bytes()), Err(Unfit));
}

#[test]
fn what_does_not_fit_is_not_kept() {
    let content = |len: usize| format!("<note>{}</note>", "n".repeat(len));
    let most = limits::DOCUMENT - kept_with("", &content(0)).len();
    assert_eq!(kept_with("", &content(most)).len(), limits::DOCUMENT);
    assert!(kept_with("", &content(most + 1)).is_empty());
    let add = format!("<p:add sel='*'>{}</p:add>", content(200));
    assert!(patched(&content(most - 300), &add).is_some());
    assert_eq!(patched(&content(most - 100), &add), None);
    let mut kept = Kept::new();
    keep(
        &mut kept,
        b"<presence xmlns='urn:ietf:params:xml:ns:pidf'><note></presence>",
    );
    assert!(kept.is_empty());
    // Patches to nothing, and those that break off.
    assert_eq!(patch(&mut kept, PRINTED.1.as_bytes()), Err(Unfit));
    for len in 0..PRINTED.1.len() {
        keep(&mut kept, PRINTED.0.as_bytes());
        assert_eq!(
            patch(&mut kept, &PRINTED.1.as_bytes()[..len]),
            Err(Unfit),
            "{len}"
        );
    }
}

#[test]
fn a_document_in_latin_1_is_kept_in_utf_8() {
    let mut kept = Kept::new();
    keep(&mut kept, b"<?xml version='1.0' encoding='ISO-8859-1'?><presence xmlns='urn:ietf:params:xml:ns:pidf' \
        xmlns:p='urn:ietf:params:xml:ns:pidf-diff'><note>caf\xE9 & co</note></presence>");
    assert_eq!(
        content_of(&kept).as_deref(),
        Some("<note>café &amp; co</note>")
    );
    let body = b"<?xml version='1.0' encoding='ISO-8859-1'?><p:pidf-diff xmlns='urn:ietf:params:xml:ns:pidf' \
        xmlns:p='urn:ietf:params:xml:ns:pidf-diff'><p:replace sel='*/note/text()'>d\xE9j\xE0</p:replace></p:pidf-diff>";
    assert_eq!(patch(&mut kept, body), Ok(()));
    assert_eq!(content_of(&kept).as_deref(), Some("<note>déjà</note>"));
}

#[test]
fn hostile_patches_end_soon() {
    let many = "<p:add sel='*'><x/></p:add>";
    assert!(patched("", &many.repeat(OPERATIONS)).is_some());
    assert_eq!(patched("", &many.repeat(OPERATIONS + 1)), None);
    // The largest documents and patches that there are.
    let wide = "<a/>".repeat(500);
    let grows = format!(
        "<p:add sel='*/a[{}]' pos='before'>{}</p:add>",
        500,
        "&".repeat(60)
    );
    assert_eq!(patched(&wide, &grows.repeat(OPERATIONS)), None);
    let deep = format!("{}{}", "<a>".repeat(14), "</a>".repeat(14));
    let path = format!("*{}", "/a".repeat(14));
    assert_eq!(patched(&deep, &format!("<p:remove sel='{path}'/>")), None);
    assert!(patched(&deep, &format!("<p:add sel='*/a'>{deep}</p:add>")).is_some());
    assert_eq!(
        patched(&deep, &format!("<p:remove sel='{}'/>", "*".repeat(60_000))),
        None
    );
}

/// One of our own documents, by chance.
fn document(random: &mut Random) -> String {
    let mut some = |all: &[&str]| String::from(all[(random.bits() % all.len() as u64) as usize]);
    let mut content = List::new();
    let basic = some(&["open", "closed"]);
    content.push(format!(
        "<tuple id=\"sip\"><status><basic>{basic}</basic></status></tuple>"
    ));
    for id in ["x1", "x2"] {
        let inner = some(&[
            "",
            "<note>a</note>",
            "<contact>sip:a@b</contact><note>b</note>",
            "-",
        ]);
        if inner != "-" {
            let basic = some(&["open", "closed"]);
            content.push(format!(
                "<tuple id=\"{id}\"><status><basic>{basic}</basic></status>{inner}</tuple>"
            ));
        }
    }
    content.push(some(&[
        "",
        "<note>one</note>",
        "<note>two</note><note>three</note>",
        "<note xml:lang=\"en\">&amp;</note>",
    ]));
    let doing = some(&[
        "",
        "<rpid:busy/>",
        "<rpid:away/><rpid:meal/>",
        "<rpid:on-the-phone/>",
    ]);
    if !doing.is_empty() {
        content.push(format!(
            "<dm:person id=\"person\"><rpid:activities>{doing}</rpid:activities></dm:person>"
        ));
    }
    content.push(some(&[
        "",
        "<dm:device id=\"phone\"><dm:deviceID>urn:x</dm:deviceID></dm:device>",
    ]));
    content.push(format!(
        "<dm:device id=\"long\"><dm:note>{}</dm:note></dm:device>",
        "n".repeat(700)
    ));
    let rpid = match doing.is_empty() {
        true => "",
        false => " xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\"",
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
         xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\"{rpid} entity=\"sip:a@b\">{}</presence>",
        content.concat()
    )
}

#[test]
fn what_we_tell_in_part_we_read_as_the_whole() {
    let mut random = Random::new();
    random.seed([7, 7]);
    let (mut patches, mut wholes) = (0, 0);
    let mut old = document(&mut random);
    let mut kept = Kept::new();
    for _ in 0..3_000 {
        let new = document(&mut random);
        let mut buf = [0; limits::BODY];
        match write_diff(old.as_bytes(), new.as_bytes(), &mut buf) {
            Ok(Rendered { len, .. }) if !kept.is_empty() => {
                assert_eq!(patch(&mut kept, &buf[..len]), Ok(()), "{old}\n{new}");
                patches += 1;
            }
            Ok(_) | Err(_) => {
                let full = pidf::write_full(new.as_bytes(), &mut buf).expect("it fits");
                keep(&mut kept, &buf[..full.len]);
                wholes += 1;
            }
        }
        let (_, content) = new
            .split_once("<presence")
            .and_then(|it| it.1.split_once('>'))
            .expect("a root");
        let content = content.strip_suffix("</presence>");
        assert_eq!(content_of(&kept).as_deref(), content, "{old}");
        assert_eq!(pidf::read(&kept), pidf::read(new.as_bytes()));
        old = new;
    }
    assert!(
        patches > 2_000,
        "{patches} patches, {wholes} whole documents"
    );
}
