//! PUBLISH from phones, and what watchers are told of it.

use super::*;
use crate::events::package::{Pace, Package};
use crate::ground::time::{Seconds, Wall};

/// A phone that publishes for the desk.
struct Publisher {
    phone: Phone,
    /// The newest entity-tag it knows.
    tag: Option<String>,
}

impl Publisher {
    fn new(address: &str) -> Publisher {
        let address: SocketAddr = address.parse().expect("an address");
        let mut phone = Phone::new(&format!("on{}", address.ip()), "presence");
        phone.address = address;
        Publisher { phone, tag: None }
    }

    /// A PUBLISH in a transaction of its own; `more` are header lines.
    fn text(&mut self, more: &str, body: &str) -> String {
        self.phone.cseq += 1;
        let text = self.phone.bare_request("PUBLISH", more);
        let (head, _) = text.split_once("Content-Length: 0").expect("a request");
        let head = head.replace(
            &format!("<sip:{}@192.0.2.9>", self.phone.name),
            &format!("<{DESK}>"),
        );
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
    }

    fn headers(&self, expires: &str, body: &str) -> String {
        let mut more = String::from("Event: presence\r\n");
        if !expires.is_empty() {
            more += &format!("Expires: {expires}\r\n");
        }
        if let Some(tag) = &self.tag {
            more += &format!("SIP-If-Match: {tag}\r\n");
        }
        if !body.is_empty() {
            more += "Content-Type: application/pidf+xml\r\n";
        }
        more
    }

    /// What is sent because of a PUBLISH.
    fn send(&mut self, f: &mut Fixture, expires: &str, body: &str) -> StdVec<Sent> {
        let more = self.headers(expires, body);
        let text = self.text(&more, body);
        f.send_from(self.phone.address, &text)
    }

    /// A PUBLISH that succeeds: the lifetime granted, and what is sent to watchers.
    #[track_caller]
    fn publish(&mut self, f: &mut Fixture, expires: &str, body: &str) -> (u32, StdVec<Sent>) {
        let mut sent = self.send(f, expires, body);
        let answer = sent.remove(0);
        assert_eq!(answer.status(), 200, "{}", answer.text);
        let tags = answer.headers("SIP-ETag");
        assert_eq!(tags.len(), 1, "{}", answer.text);
        self.tag = Some(tags[0].to_string());
        let granted = answer.header("Expires").expect("a lifetime");
        (granted.parse().expect("a number"), sent)
    }

    /// A PUBLISH that is refused, and nobody hears of it.
    #[track_caller]
    fn refused(&mut self, f: &mut Fixture, more: &str, body: &str) -> Sent {
        let before = bodies_of(f);
        let text = self.text(more, body);
        let mut sent = f.send_from(self.phone.address, &text);
        assert_eq!(sent.len(), 1, "{sent:#?}");
        assert_eq!(bodies_of(f), before, "nothing has changed");
        sent.remove(0)
    }
}

fn bodies_of(f: &Fixture) -> StdVec<(StdVec<u8>, Instant)> {
    let all = f.agent.compositor.iter();
    all.map(|(_, it)| (it.document().to_vec(), it.ends()))
        .collect()
}

fn pidf(id: &str, basic: &str, more: &str) -> String {
    format!(
        "<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' \
         xmlns:rpid='urn:ietf:params:xml:ns:pidf:rpid' entity='pres:else@example.com'><tuple id='{id}'>\
         <status><basic>{basic}</basic></status></tuple>{more}</presence>"
    )
}

fn doing(activity: &str) -> String {
    format!("<dm:person id='p'><rpid:activities><rpid:{activity}/></rpid:activities></dm:person>")
}

fn fixture() -> Fixture {
    Fixture::with(|settings| settings.paces = [Pace::UNLIMITED; Package::SERVED_COUNT])
}

#[test]
fn who_is_not_served_gets_404_and_another_event_489() /* C01 C05 */
{
    let mut f = fixture();
    let mut phone = Publisher::new("192.0.2.30:5060");
    let body = pidf("t", "open", "");
    let typed = "Content-Type: application/pidf+xml\r\n";
    let text = phone.text(&format!("Event: x\r\n{typed}"), &body);
    let text = text.replace("PUBLISH sip:desk@", "PUBLISH sip:nobody@");
    assert_eq!(f.send_from(phone.phone.address, &text)[0].status(), 404);
    for event in [
        "",
        "Event: Presence\r\n",
        "Event: message-summary\r\n",
        "Event: presence.winfo\r\n",
    ] {
        // A stale tag and a bad body count only behind the event.
        let more = format!("{event}{typed}SIP-If-Match: stale\r\nExpires: 1\r\n");
        let answer = phone.refused(&mut f, &more, "<");
        assert_eq!(answer.status(), 489, "{event}");
        let published = answer.header("Allow-Events");
        assert_eq!(published, Some("presence, dialog"), "what can be published");
    }
    let two = phone.refused(
        &mut f,
        &format!("Event: presence, dialog\r\n{typed}"),
        &body,
    );
    assert_eq!(two.status(), 400);
}

#[test]
fn a_condition_is_one_tag_or_400() /* C02 */
{
    let mut f = fixture();
    let mut phone = Publisher::new("192.0.2.30:5060");
    phone.publish(&mut f, "600", &pidf("t", "open", ""));
    let tag = phone.tag.clone().expect("a tag");
    for condition in [
        String::from("SIP-If-Match:\r\n"),
        format!("SIP-If-Match: {tag}, {tag}\r\n"),
        format!("SIP-If-Match: {tag}\r\nSIP-If-Match: {tag}\r\n"),
        format!("SIP-If-Match: \"{tag}\"\r\n"),
    ] {
        let more = format!("Event: presence\r\n{condition}");
        assert_eq!(
            phone.refused(&mut f, &more, "").status(),
            400,
            "{condition}"
        );
    }
}

#[test]
fn a_tag_that_matches_nothing_gets_412() /* C03 C05, ATTACKS H07 */
{
    let mut f = Fixture::with(|settings| {
        let other = PresentitySettings::new(Text::copied("sip:door@192.0.2.1").expect("short"));
        settings.presentities.push(other).expect("room");
    });
    let mut phone = Publisher::new("192.0.2.30:5060");
    phone.publish(&mut f, "600", &pidf("t", "open", ""));
    let old = phone.tag.clone().expect("a tag");
    phone.publish(&mut f, "600", "");
    let tag = phone.tag.clone().expect("a tag");
    let mut guess = tag.clone();
    guess.replace_range(40..48, "00000000");
    for stale in [&*old, "*", "x", &tag.to_ascii_uppercase(), &guess] {
        // Neither a lifetime that is too short nor a bad body comes first.
        let more = format!(
            "Event: presence\r\nSIP-If-Match: {stale}\r\nExpires: 1\r\nContent-Type: text/plain\r\n"
        );
        assert_eq!(phone.refused(&mut f, &more, "x").status(), 412, "{stale}");
    }
    // The tag of another's publication.
    let text = phone.text(&phone.headers("600", ""), "");
    let text = text.replace("sip:desk@192.0.2.1", "sip:door@192.0.2.1");
    assert_eq!(f.send_from(phone.phone.address, &text)[0].status(), 412);
    phone.publish(&mut f, "600", "");
}

#[test]
fn lifetimes_are_cut_or_too_brief() /* C04 */
{
    let mut f = fixture();
    let mut phone = Publisher::new("192.0.2.30:5060");
    let body = pidf("t", "open", "");
    for (asked, granted) in [
        ("", 3_600),
        ("4294967296", 3_600),
        ("3601", 3_600),
        ("3600", 3_600),
        ("60", 60),
    ] {
        assert_eq!(phone.publish(&mut f, asked, &body).0, granted, "{asked}");
    }
    for brief in ["1", "59"] {
        let more = phone.headers(brief, "x").replace("pidf+xml", "nonsense");
        let answer = phone.refused(&mut f, &more, "x");
        assert_eq!(answer.status(), 423);
        assert_eq!(answer.header("Min-Expires"), Some("60"));
    }
    for wrong in ["-1", "x"] {
        let more = phone.headers(wrong, "");
        assert_eq!(phone.refused(&mut f, &more, "").status(), 400);
    }
}

#[test]
fn there_is_no_hour_below_which_nothing_is_too_brief() /* C04 */
{
    let mut f = Fixture::with(|settings| {
        settings.publications.min = Seconds(3_600);
        settings.publications.max = Seconds(9_000);
    });
    let mut phone = Publisher::new("192.0.2.30:5060");
    let body = pidf("t", "open", "");
    let more = phone.headers("3599", &body);
    let answer = phone.refused(&mut f, &more, &body);
    assert_eq!(
        (answer.status(), answer.header("Min-Expires")),
        (423, Some("3600"))
    );
    assert_eq!(phone.publish(&mut f, "", &body).0, 9_000);
}

#[test]
fn a_body_that_cannot_be_read_is_refused_and_the_old_one_stays()
/* C06 C07 C14 C21, ATTACKS G05 G10 */
{
    let mut f = fixture();
    let mut phone = Publisher::new("192.0.2.30:5060");
    let good = pidf("t", "open", "");
    let large = pidf("t", "open", &" ".repeat(limits::PUBLICATION));
    let doctype = format!("<!DOCTYPE presence [<!ENTITY a 'b'>]>{good}");
    let pidf_type = "Content-Type: application/pidf+xml\r\n";
    let xpidf = "<presence><atom><address><status status='open'/></address></atom></presence>";
    for with_tag in [false, true] {
        if with_tag {
            phone.publish(&mut f, "600", &good);
        }
        let head = phone.headers("600", "");
        for (more, body, status) in [
            ("", &*good, 415),
            ("Content-Type: ;\r\n", &*good, 400),
            ("Content-Type: text/plain\r\n", &*good, 415),
            ("Content-Type: application/pkcs7-mime\r\n", &*good, 415),
            ("Content-Type: multipart/signed;boundary=x\r\n", &*good, 415),
            (
                "Content-Type: application/pidf+xml\r\nContent-Encoding: gzip\r\n",
                &*good,
                415,
            ),
            (pidf_type, &*large, 413),
            (pidf_type, &*doctype, 400),
            (pidf_type, "<", 400),
            (pidf_type, " \r\n", 400),
            (pidf_type, xpidf, 400),
            (pidf_type, &good[..good.len() - 1], 400),
        ] {
            let answer = phone.refused(&mut f, &format!("{head}{more}"), body);
            assert_eq!(answer.status(), status, "{more} {body}");
            if status == 415 {
                let accept = answer.header("Accept");
                assert_eq!(
                    accept,
                    Some("application/pidf+xml, application/cpim-pidf+xml")
                );
            }
        }
    }
    let mut other = Publisher::new("192.0.2.31:5060");
    let more = other.headers("600", "");
    assert_eq!(other.refused(&mut f, &more, "").status(), 400);
    // The tag is still good: nothing moved it.
    phone.publish(&mut f, "600", "");
    for kind in [
        "Application/CPIM-PIDF+xml ; charset=\"utf-8\"",
        "application/pidf+xml;x",
    ] {
        let more = format!("{}Content-Type: {kind}\r\n", phone.headers("600", ""));
        let text = phone.text(&more, &good);
        let answer = f.send_from(phone.phone.address, &text).remove(0);
        assert_eq!(answer.status(), 200);
        phone.tag = answer.header("SIP-ETag").map(ToString::to_string);
    }
}

#[test]
fn what_phones_really_send_is_taken_as_it_is() /* C18 C20 */
{
    let mut f = fixture();
    for (at, body) in [
        include_str!("../../../../tests/bodies/pidf_linphone_publish.xml"),
        include_str!("../../../../tests/bodies/pidf_grandstream_publish.xml"),
        include_str!("../../../../tests/bodies/pidf_baresip_publish.xml"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut phone = Publisher::new(&format!("192.0.2.{}:5060", 30 + at));
        phone.publish(&mut f, "600", body);
        let of_desk = f.agent.publications().last().expect("it is there");
        assert_eq!(of_desk.presentity, DESK, "whatever its entity says");
        let kept = bodies_of(&f);
        assert_eq!(kept[at].0, body.as_bytes());
    }
    let told: StdVec<_> = f.agent.publications().map(|it| it.says.basic).collect();
    assert_eq!(
        told,
        [Some(Basic::Open), Some(Basic::Closed), Some(Basic::Closed)]
    );
    let document = f.document();
    for part in [
        "<pidfonline:online/>",
        "<tuple id=\"Grandstream\">",
        "<tuple id=\"t4109\">",
        "xmlns:pidfonline=\"http://www.softphone.example/xsds/pidfonline.xsd\"",
    ] {
        assert!(document.contains(part), "{part} in {document}");
    }
}

impl Fixture {
    /// The desk's document, as a fetch has it.
    #[track_caller]
    fn document(&mut self) -> String {
        let mut phone = Phone::new("fetch", "presence");
        phone.cseq =
            (self.now.as_micros() / 1_000) as u32 % 100_000 + self.agent.transactions.len() as u32;
        let sent = self.send(&phone, &phone.subscribe(0));
        assert_eq!(sent.len(), 2, "{sent:#?}");
        let body = sent[1].body().to_string();
        self.send(&phone, &sent[1].answer("200 OK"));
        body
    }
}

#[test]
fn a_latin_1_document_is_kept_as_it_came_and_told_in_utf_8() {
    let mut f = fixture();
    let mut phone = Publisher::new("192.0.2.30:5060");
    let body = "<?xml version='1.0' encoding='ISO-8859-1'?><presence xmlns='urn:ietf:params:xml:ns:pidf'>\
                <tuple id='t'><status><basic>open</basic></status><note>K\u{fc}che</note></tuple></presence>";
    let more = phone.headers("600", body);
    let text = phone.text(&more, body);
    let length = body.chars().count();
    let text = text.replace(
        &format!("Content-Length: {}", body.len()),
        &format!("Content-Length: {length}"),
    );
    let bytes: StdVec<u8> = text.chars().map(|it| it as u8).collect();
    let flow = Flow::udp(LOCAL.parse().expect("an address"), phone.phone.address);
    f.agent.handle_datagram(f.moment(), flow, &bytes);
    assert_eq!(f.drain()[0].status(), 200);
    assert!(bodies_of(&f)[0].0.contains(&0xfc));
    assert!(f.document().contains("<note>K\u{fc}che</note>"));
    assert_eq!(
        f.agent
            .publications()
            .next()
            .expect("one")
            .says
            .note
            .as_str(),
        "K\u{fc}che"
    );
}

#[test]
fn publishers_stand_side_by_side() /* C08 */
{
    let mut f = fixture();
    let bob = f.watching("bob", "presence");
    let (mut one, mut two) = (
        Publisher::new("192.0.2.30:5060"),
        Publisher::new("192.0.2.31:5060"),
    );
    let (_, sent) = one.publish(&mut f, "600", &pidf("a", "open", &doing("busy")));
    f.confirm(&bob, &sent[0]);
    let (_, sent) = two.publish(&mut f, "600", &pidf("a", "closed", ""));
    assert_eq!(sent.len(), 1, "one NOTIFY: {sent:#?}");
    let body = sent[0].body();
    assert!(
        body.contains("<tuple id='a.2'><status><basic>closed"),
        "{body}"
    );
    assert!(body.contains("<tuple id='a'><status><basic>open"), "{body}");
    assert!(
        body.contains("<rpid:activities><rpid:busy/></rpid:activities>"),
        "{body}"
    );
    assert_eq!(f.agent.publications().count(), 2);
}

#[test]
fn a_refresh_moves_the_end_and_nothing_else() /* C09 C12 */
{
    let mut f = fixture();
    f.watching("bob", "presence");
    let mut phone = Publisher::new("192.0.2.30:5060");
    let body = pidf("t", "open", &doing("meeting"));
    let (_, sent) = phone.publish(&mut f, "100", &body);
    let bob = Phone::new("bob", "presence");
    f.confirm(&bob, &sent[0]);
    let mut tags = StdVec::from([phone.tag.clone()]);
    for _ in 0..5 {
        assert_eq!(f.run(Duration::from_secs(90)), []);
        let (granted, sent) = phone.publish(&mut f, "100", "");
        assert_eq!(
            (granted, sent),
            (100, StdVec::new()),
            "nobody need hear of it"
        );
        assert_eq!(
            bodies_of(&f),
            [(body.clone().into_bytes(), f.now + Seconds(100))]
        );
        assert!(!tags.contains(&phone.tag), "each tag is new");
        tags.push(phone.tag.clone());
    }
    for old in tags.iter().rev().skip(1).flatten() {
        let more = format!("Event: presence\r\nSIP-If-Match: {old}\r\n");
        assert_eq!(phone.refused(&mut f, &more, "").status(), 412);
    }
}

#[test]
fn a_modification_replaces_the_whole_document() /* C10 */
{
    let mut f = fixture();
    let bob = f.watching("bob", "presence");
    let mut phone = Publisher::new("192.0.2.30:5060");
    let two = pidf("a", "open", "").replace(
        "<tuple id='a'>",
        "<tuple id='b'><status><basic>open</basic></status></tuple><tuple id='a'>",
    );
    let (_, sent) = phone.publish(&mut f, "600", &two);
    assert!(sent[0].body().contains("id='b'") && sent[0].body().contains("id='a'"));
    f.confirm(&bob, &sent[0]);
    let (_, sent) = phone.publish(&mut f, "600", &pidf("a", "closed", ""));
    assert!(!sent[0].body().contains("id='b'"), "{}", sent[0].text);
    f.confirm(&bob, &sent[0]);
    // The same once more is no change.
    let (_, sent) = phone.publish(&mut f, "600", &pidf("a", "closed", ""));
    assert_eq!(sent, []);
}

#[test]
fn expires_0_removes_or_stores_nothing() /* C11 */
{
    let mut f = fixture();
    let bob = f.watching("bob", "presence");
    let mut phone = Publisher::new("192.0.2.30:5060");
    let body = pidf("t", "closed", &doing("busy"));
    let (granted, sent) = phone.publish(&mut f, "0", &body);
    assert_eq!((granted, sent), (0, StdVec::new()), "nothing is stored");
    assert!(f.agent.compositor.is_empty());
    let answer = phone.refused(&mut f, &phone.headers("600", ""), "");
    assert_eq!(answer.status(), 412, "its tag is of nothing");
    for last in ["", "<presence xmlns='urn:ietf:params:xml:ns:pidf'/>"] {
        phone.tag = None;
        let (_, sent) = phone.publish(&mut f, "600", &body);
        f.confirm(&bob, &sent[0]);
        let (granted, sent) = phone.publish(&mut f, "0", last);
        assert_eq!((granted, sent.len()), (0, 1));
        assert!(!sent[0].body().contains("busy"), "{}", sent[0].text);
        f.confirm(&bob, &sent[0]);
        assert!(f.agent.compositor.is_empty());
        let answer = phone.refused(&mut f, &phone.headers("600", ""), "");
        assert_eq!(answer.status(), 412);
    }
}

#[test]
fn a_retransmission_gets_the_same_answer_and_happens_once() /* C13 */
{
    let mut f = fixture();
    f.watching("bob", "presence");
    let mut phone = Publisher::new("192.0.2.30:5060");
    let body = pidf("t", "open", &doing("busy"));
    let text = phone.text(&phone.headers("600", &body), &body);
    let first = f.send_from(phone.phone.address, &text);
    assert_eq!(first.len(), 2, "200 and a NOTIFY");
    for _ in 0..3 {
        assert_eq!(f.send_from(phone.phone.address, &text), first[..1]);
        f.now += Duration::from_secs(4);
    }
    assert_eq!(f.agent.compositor.len(), 1);
    let head = text.split("\r\n\r\n").next().expect("a head");
    let cancel = head
        .replace("PUBLISH sip:", "CANCEL sip:")
        .replace(" PUBLISH\r\n", " CANCEL\r\n");
    let cancel = cancel.replace(
        &format!("Content-Length: {}", body.len()),
        "Content-Length: 0",
    );
    let sent = f.send_from(phone.phone.address, &format!("{cancel}\r\n\r\n"));
    assert_eq!(
        sent[0].status(),
        200,
        "its transaction is known, and nothing comes of it"
    );
    assert_eq!(f.agent.compositor.len(), 1);
}

#[test]
fn without_room_for_the_transaction_nothing_happens() /* C14 C17 T18 */
{
    let mut f = fixture();
    let mut phone = Publisher::new("192.0.2.30:5060");
    let body = pidf("t", "open", "");
    phone.publish(&mut f, "600", &body);
    f.agent.transactions.leave_room(Some(0));
    let answer = phone.refused(&mut f, &phone.headers("0", ""), "");
    assert_eq!(
        (answer.status(), answer.header("Retry-After")),
        (503, Some("30"))
    );
    f.agent.transactions.leave_room(None);
    phone.publish(&mut f, "0", "");
}

#[test]
fn contact_and_record_route_mean_nothing() /* C15 */
{
    let mut f = fixture();
    let mut phone = Publisher::new("192.0.2.30:5060");
    let body = pidf("t", "open", "");
    for odd in [
        "Contact: <sip:x@203.0.113.1>\r\nRecord-Route: <sip:203.0.113.2;lr>\r\n",
        "Contact: *\r\nContact: <mailto:x@y>\r\n",
    ] {
        phone.tag = None;
        let more = format!("{}{odd}", phone.headers("600", &body));
        let text = phone.text(&more, &body);
        let sent = f.send_from(phone.phone.address, &text);
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].status(), 200);
        assert_eq!(sent[0].header("Record-Route"), None);
        assert_eq!(sent[0].header("Contact"), None);
        assert_eq!(sent[0].flow.remote, phone.phone.address);
    }
}

#[test]
fn nobody_publishes_for_another() /* C16, ATTACKS A09 */
{
    let mut f = fixture();
    let mut phone = Publisher::new("192.0.2.30:5060");
    let body = pidf("t", "open", "");
    for other in [
        "sip:eve@192.0.2.1",
        "sip:desk@192.0.2.77",
        "sip:anonymous@anonymous.invalid",
    ] {
        let more = format!(
            "{}P-Asserted-Identity: <{DESK}>\r\nRemote-Party-ID: <{DESK}>\r\n",
            phone.headers("600", &body)
        );
        let text = phone
            .text(&more, &body)
            .replace(&format!("From: <{DESK}>"), &format!("From: <{other}>"));
        let sent = f.send_from(phone.phone.address, &text);
        assert_eq!(sent[0].status(), 403, "{other}");
    }
    assert!(f.agent.compositor.is_empty());
    for same in [
        "sips:desk@192.0.2.1;x=y",
        "pres:desk@192.0.2.1",
        "sip:%64esk@192.0.2.1:5060",
    ] {
        phone.tag = None;
        let text = phone.text(&phone.headers("600", &body), &body);
        let text = text.replace(&format!("From: <{DESK}>"), &format!("From: <{same}>"));
        assert_eq!(
            f.send_from(phone.phone.address, &text)[0].status(),
            200,
            "{same}"
        );
    }
    // Under another name of the desk, which it is known by too.
    let text = phone.text(&phone.headers("600", &body), &body);
    let text = text.replace(DESK, "sip:desk@pbx.example");
    assert_eq!(f.send_from(phone.phone.address, &text)[0].status(), 200);
    // And nobody at all from elsewhere.
    let text = phone.text(&phone.headers("600", &body), &body);
    let sent = f.send_from("198.51.100.1:5060".parse().expect("an address"), &text);
    assert_eq!(sent[0].status(), 403);
}

/// liblinphone's From and To have no port, wherever the server is; the Request-URI has the right one.
#[test]
fn a_name_without_the_port_is_the_same_name() /* C16 */
{
    let mut f = Fixture::with(|settings| {
        settings.presentities.clear();
        for uri in [
            "sip:desk@192.0.2.77:5070",
            "sip:desk@192.0.2.1:5070",
            "sip:door@192.0.2.1",
            "sip:door@192.0.2.1:5070",
        ] {
            let presentity = PresentitySettings::new(Text::copied(uri).expect("short"));
            settings.presentities.push(presentity).expect("room");
        }
    });
    let mut phone = Publisher::new("192.0.2.30:5060");
    let body = pidf("t", "open", "");
    for (whom, from, status) in [
        ("sip:desk@192.0.2.1:5070", "sip:desk@192.0.2.1", 200),
        ("sip:desk@192.0.2.1:5070", "sip:desk@192.0.2.1:5071", 403),
        ("sip:desk@192.0.2.1:5070", "sip:desk@192.0.2.77", 403),
        ("sip:desk@192.0.2.1:5070", "sip:door@192.0.2.1", 403),
        ("sip:desk@pbx.example:5070", "sip:desk@pbx.example", 200),
        // That one is somebody else, who is served too.
        ("sip:door@192.0.2.1:5070", "sip:door@192.0.2.1", 403),
    ] {
        let text = phone
            .text(&phone.headers("600", &body), &body)
            .replace(&format!("PUBLISH {DESK} "), &format!("PUBLISH {whom} "))
            .replace(&format!("From: <{DESK}>"), &format!("From: <{from}>"));
        let sent = f.send_from(phone.phone.address, &text);
        assert_eq!(sent[0].status(), status, "{whom} {from}");
    }
    let first = f.agent.publications().next();
    let whose = first.map(|it| it.presentity.to_string());
    assert_eq!(whose.as_deref(), Some("sip:desk@192.0.2.1:5070"));
}

#[test]
fn a_full_table_takes_no_new_publication_but_serves_the_old_ones() /* C17, ATTACKS C11 */
{
    let body = pidf("t", "open", "");
    for own_limit in [true, false] {
        let mut f = fixture();
        let mut phones: StdVec<_> = (0..limits::PUBLICATIONS_EACH)
            .map(|at| Publisher::new(&format!("192.0.2.{}:5060", 100 + at)))
            .collect();
        let room = if own_limit { phones.len() } else { 3 };
        f.agent.compositor.leave_room(Some(room.max(3)));
        if own_limit {
            f.agent.compositor.leave_room(None);
        }
        for (at, phone) in phones.iter_mut().enumerate().take(room) {
            phone.publish(&mut f, "600", &body.replace("'t'", &format!("'t{at}'")));
        }
        let mut late = Publisher::new("192.0.2.99:5060");
        for _ in 0..20 {
            let answer = late.refused(&mut f, &late.headers("600", &body), &body);
            assert_eq!(
                (answer.status(), answer.header("Retry-After")),
                (503, Some("30"))
            );
        }
        let first = &mut phones[0];
        first.publish(&mut f, "600", "");
        first.publish(&mut f, "600", &body);
        // The same phone begins anew and takes its own place.
        first.tag = None;
        first.publish(&mut f, "600", &body);
        assert_eq!(f.agent.compositor.len(), room);
        first.publish(&mut f, "0", "");
        late.publish(&mut f, "600", &body);
        assert_eq!(f.agent.compositor.len(), room);
        f.run(Duration::from_secs(601));
        assert!(f.agent.compositor.is_empty(), "old ones expire");
    }
}

#[test]
fn expiry_takes_one_publication_away_and_is_told_once() /* C18 */
{
    let mut f = fixture();
    let bob = f.watching("bob", "presence");
    let ann = f.watching("ann", "dialog");
    let (mut one, mut two) = (
        Publisher::new("192.0.2.30:5060"),
        Publisher::new("192.0.2.31:5060"),
    );
    let (_, sent) = one.publish(&mut f, "100", &pidf("a", "open", &doing("on-the-phone")));
    assert_eq!(sent.len(), 2, "{sent:#?}");
    f.answer_all(&sent);
    let (_, sent) = two.publish(&mut f, "600", &pidf("b", "open", ""));
    assert_eq!(sent.len(), 1, "no call came or went");
    f.answer_all(&sent);
    let sent = f.run(Duration::from_secs(99));
    assert_eq!(sent, []);
    let sent: StdVec<_> = f
        .run(Duration::from_secs(1))
        .into_iter()
        .map(|it| it.1)
        .collect();
    assert_eq!(sent.len(), 2, "{sent:#?}");
    let to = |phone: &Phone| {
        sent.iter()
            .find(|it| it.flow.remote == phone.address)
            .expect("a NOTIFY")
    };
    assert!(to(&bob).body().contains("id='b'") && !to(&bob).body().contains("id='a'"));
    assert!(to(&ann).body().contains("terminated"), "{}", to(&ann).text);
    f.answer_all(&sent);
    assert_eq!(f.agent.compositor.len(), 1);
}

impl Fixture {
    /// Whoever was sent a NOTIFY answers it, and nothing follows.
    #[track_caller]
    fn answer_all(&mut self, sent: &[Sent]) {
        for notify in sent {
            let followed = self.send_from(notify.flow.remote, &notify.answer("200 OK"));
            assert_eq!(followed, []);
        }
    }
}

#[test]
fn dialog_lamps_turn_red_with_a_phone_that_talks_or_wants_no_calls() /* FIELD 13 */
{
    let grandstream = include_str!("../../../../tests/bodies/pidf_grandstream_publish.xml");
    for (body, both) in [
        (pidf("t", "open", &doing("on-the-phone")), true),
        (pidf("t", "closed", &doing("busy")), true),
        (grandstream.to_string(), false),
        (pidf("t", "open", "<note>Do Not Disturb</note>"), true),
        (pidf("t", "open", ""), false),
        (pidf("t", "closed", &doing("away")), false),
        (pidf("t", "closed", "<note>Offline</note>"), false),
    ] {
        let mut f = fixture();
        f.watching("ann", "dialog");
        let mut phone = Publisher::new("192.0.2.30:5060");
        let (_, sent) = phone.publish(&mut f, "600", &body);
        let is_told = sent
            .iter()
            .any(|it| it.body().contains("<state>confirmed</state>"));
        assert_eq!(is_told, both, "{body}");
        f.answer_all(&sent);
        let document = f.document();
        let summary = pidf::read(document.as_bytes()).expect("a good document");
        let is_busy = summary
            .activities
            .intersects(pidf::Activities::BUSY.with(pidf::Activities::ON_THE_PHONE));
        assert_eq!(is_busy, both, "{document}");
    }
}

#[test]
fn our_own_echo_is_not_heard() /* ATTACKS B05 */
{
    let mut f = fixture();
    f.watching("bob", "presence");
    f.watching("ann", "dialog");
    let sent = f.input(Input::Hook(true));
    f.answer_all(&sent);
    let echo = sent
        .iter()
        .find(|it| it.body().contains("on-the-phone"))
        .expect("a PIDF")
        .body();
    let mut server = Publisher::new("192.0.2.30:5060");
    let (_, sent) = server.publish(&mut f, "600", echo);
    assert_eq!(sent, [], "it says nothing that is not ours");
    let sent = f.input(Input::Hook(false));
    assert_eq!(sent.len(), 2);
    assert!(
        sent.iter()
            .all(|it| !it.body().contains("on-the-phone") && !it.body().contains("confirmed"))
    );
    f.answer_all(&sent);
    let (_, sent) = server.publish(&mut f, "600", &echo.replace("On the phone", "Still"));
    assert_eq!(sent, []);
}

#[test]
fn a_lost_200_leaves_no_two_documents() /* C03, FIELD 14, ATTACKS H08 */
{
    for (call, ids, refused, replaced) in [
        (true, false, false, true),
        (false, true, false, true),
        (false, false, true, true),
        (false, false, false, false),
    ] {
        let mut f = fixture();
        let mut phone = Publisher::new("192.0.2.30:5060");
        phone.publish(&mut f, "600", &pidf("old", "closed", &doing("busy")));
        let before = phone.tag.clone();
        // The 200 to this one is lost.
        phone.publish(&mut f, "600", &pidf("old", "closed", &doing("meeting")));
        if refused {
            phone.tag = before;
            let more = phone.headers("600", "");
            assert_eq!(phone.refused(&mut f, &more, "").status(), 412);
        }
        phone.tag = None;
        let body = pidf(if ids { "old" } else { "new" }, "open", "");
        let text = phone.text(&phone.headers("600", &body), &body);
        let text = match call {
            true => text,
            false => text.replace("Call-ID: call-on", "Call-ID: another-"),
        };
        assert_eq!(f.send_from(phone.phone.address, &text)[0].status(), 200);
        let count = f.agent.publications().count();
        assert_eq!(
            count,
            if replaced { 1 } else { 2 },
            "{call} {ids} {refused}"
        );
        assert_eq!(f.document().contains("meeting"), !replaced);
    }
}

/// ```text
///   phone, port 5060               agent                    watchers
///     │── PUBLISH open, on the phone ─►│── NOTIFY ───────────►│  red
///     ✗ loses its power in the call    │
///   phone, port 40001                  │
///     │── PUBLISH open ───────────────►│── NOTIFY ───────────►│  green at once
/// ```
#[test]
fn a_phone_that_starts_again_in_a_call_leaves_no_call_behind() /* C03, FIELD 14, ATTACKS H08 */
{
    for over_tcp in [false, true] {
        let mut f = fixture();
        f.watching("bob", "presence");
        f.watching("ann", "dialog");
        let mut before = Publisher::new("192.0.2.30:5060");
        let talking = pidf("t", "open", &doing("on-the-phone"));
        let (_, sent) = before.publish(&mut f, "600", &talking);
        assert_eq!(sent.len(), 2, "{sent:#?}");
        assert!(sent.iter().any(|it| it.body().contains("confirmed")));
        f.answer_all(&sent);
        let sent = another_call(&mut f, "192.0.2.30:40001", over_tcp, &pidf("t", "open", ""));
        assert_eq!((sent.len(), sent[0].status()), (3, 200), "{sent:#?}");
        for notify in &sent[1..] {
            let told = notify.body();
            assert!(
                !told.contains("on-the-phone") && !told.contains("confirmed"),
                "{told}"
            );
        }
        f.answer_all(&sent[1..]);
        assert_eq!(f.agent.publications().count(), 1);
        let more = before.headers("600", "");
        assert_eq!(before.refused(&mut f, &more, "").status(), 412);
    }
}

/// A new publication from that address, in a call of its own.
fn another_call(f: &mut Fixture, address: &str, over_tcp: bool, body: &str) -> StdVec<Sent> {
    let mut phone = Publisher::new(address);
    let text = phone.text(&phone.headers("600", body), body);
    let text = text.replace("Call-ID: call-on", "Call-ID: another-");
    if !over_tcp {
        return f.send_from(phone.phone.address, &text);
    }
    let flow = Flow::tcp(LOCAL.parse().unwrap(), phone.phone.address, 1);
    f.agent.handle_datagram(f.moment(), flow, text.as_bytes());
    f.drain()
}

#[test]
fn phones_behind_one_address_are_told_apart_by_their_tuples() /* FIELD 14, ATTACKS H08 */
{
    for (address, id, count) in [
        ("192.0.2.30:5060", "t", 1),
        ("192.0.2.30:40001", "t", 1),
        ("192.0.2.30:40001", "u", 2),
        ("192.0.2.31:5060", "t", 2),
    ] {
        let mut f = fixture();
        Publisher::new("192.0.2.30:5060").publish(&mut f, "600", &pidf("t", "open", ""));
        let sent = another_call(&mut f, address, false, &pidf(id, "closed", ""));
        assert_eq!(sent[0].status(), 200);
        assert_eq!(f.agent.publications().count(), count, "{address} {id}");
    }
}

/// Their maker gave both the same id, and nothing else tells them from one phone that has started again.
#[test]
fn two_phones_of_one_user_with_equal_ids_take_turns() /* ATTACKS H08 */
{
    let mut f = fixture();
    let mut one = Publisher::new("192.0.2.30:5060");
    one.publish(&mut f, "600", &pidf("t", "open", ""));
    let sent = another_call(&mut f, "192.0.2.30:5062", false, &pidf("t", "closed", ""));
    assert_eq!(sent[0].status(), 200);
    let more = one.headers("600", "");
    assert_eq!(one.refused(&mut f, &more, "").status(), 412);
    one.tag = None;
    one.publish(&mut f, "600", &pidf("t", "open", ""));
    assert_eq!(f.agent.publications().count(), 1);
    assert!(!f.document().contains("closed"));
}

#[test]
fn the_status_lists_what_is_published_but_no_tag() {
    let mut f = fixture();
    let mut phone = Publisher::new("192.0.2.30:5060");
    phone.publish(&mut f, "600", &pidf("t", "closed", &doing("meeting")));
    let found: StdVec<_> = f.agent.publications().collect();
    assert_eq!(found.len(), 1);
    let it = &found[0];
    assert_eq!((it.presentity, it.publisher), (DESK, DESK));
    assert_eq!(it.remote, phone.phone.address);
    assert_eq!((it.ends, it.since), (f.now + Seconds(600), f.now));
    assert!(it.says.activities.contains(pidf::Activities::MEETING));
    let tag = phone.tag.expect("a tag");
    assert!(!format!("{it:?}").contains(&tag[..16]));
}

#[test]
fn publications_of_a_presentity_that_is_served_no_more_are_gone() {
    let mut f = fixture();
    let mut phone = Publisher::new("192.0.2.30:5060");
    phone.publish(&mut f, "600", &pidf("t", "closed", ""));
    let mut settings = f.agent.settings().clone();
    settings.presentities.clear();
    f.agent.reconfigure(f.moment(), &settings);
    assert!(f.agent.compositor.is_empty());
    assert_eq!(f.agent.compositor.due(), None);
}

#[test]
fn two_documents_of_one_second_have_two_times() /* P12 F12 */
{
    let mut f = fixture();
    f.watching("bob", "presence");
    let mut times = StdVec::new();
    for step in 0..4 {
        let sent = f.input(Input::Idle(step % 2 == 0));
        let (_, rest) = sent[0].body().split_once("<timestamp>").expect("a time");
        times.push(rest.split('<').next().expect("a time").to_string());
        f.answer_all(&sent);
    }
    let second = &times[0][..19];
    assert!(times[0].ends_with('Z') && !times[0].contains('.'));
    let expected: StdVec<_> = (1..4).map(|at| format!("{second}.00{at}Z")).collect();
    assert_eq!(times[1..], expected);
}

#[test]
fn a_publication_over_a_stream_is_dated_by_the_moment_it_came() {
    let mut f = fixture();
    f.watching("bob", "presence");
    let mut phone = Publisher::new("192.0.2.30:5060");
    let body = pidf("t", "closed", "");
    let text = phone.text(&phone.headers("600", &body), &body);
    let flow = Flow::tcp(LOCAL.parse().unwrap(), phone.phone.address, 1);
    // Nobody told the agent of the new year before.
    f.wall = Wall::from_unix_millis(1_830_297_600_000);
    f.agent.handle_datagram(f.moment(), flow, text.as_bytes());
    let sent = f.drain();
    assert_eq!((sent.len(), sent[0].status()), (2, 200), "{sent:#?}");
    let told = sent[1].body();
    assert!(told.contains("<timestamp>2028-01-01T00:00:00Z"), "{told}");
}

#[test]
fn a_restart_keeps_publications_and_their_tags() /* C12, ATTACKS J03 */
{
    let mut f = fixture();
    f.agent.keep();
    let mut phone = Publisher::new("192.0.2.30:5060");
    phone.publish(&mut f, "600", &pidf("t", "closed", &doing("meeting")));
    let due = f.agent.save_due().expect("there is something to write");
    f.now = f.now.max(due);
    f.agent.begin_save(f.now);
    let mut records = StdVec::new();
    let mut buf = [0; crate::engine::agent::RECORD];
    while let Some((key, len)) = f.agent.next_record(f.moment(), &mut buf) {
        records.extend(len.map(|len| (key, buf[..len].to_vec())));
    }
    let is_kept = |(key, _): &(Key, StdVec<u8>)| *key == Key::Publication(0);
    assert!(records.iter().any(is_kept), "{records:?}");
    assert_eq!(
        Key::named(&Key::Publication(7).name()),
        Some(Key::Publication(7))
    );
    // The store never hears of this one.
    phone.publish(&mut f, "600", "");
    let settings = f.agent.settings().clone();
    let mut again = fixture();
    again.wall = f.wall + Duration::from_secs(100);
    let locals = [LOCAL.parse::<SocketAddr>().expect("an address").into()];
    again.agent = new_agent();
    again
        .agent
        .start(again.moment(), &settings, [8, 9], &locals);
    for (key, record) in &records {
        assert!(again.agent.restore(again.moment(), *key, record), "{key}");
    }
    let document = again.document();
    assert!(
        document.contains("<tuple id='t'>") && document.contains("meeting"),
        "{document}"
    );
    assert_eq!(
        again.agent.publications().next().map(|it| it.ends),
        Some(again.now + Seconds(500))
    );
    phone.publish(&mut again, "600", "");
    phone.publish(&mut again, "0", "");
    assert!(again.agent.compositor.is_empty());
}
