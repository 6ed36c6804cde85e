//! Publications: documents that mean no good, publishers that never rest, guesses at what others published.

use crate::desk::*;
use lampfield::{Duration, Input, limits};

const PIDF: &str = "urn:ietf:params:xml:ns:pidf";

/// Somebody who publishes for the desk.
struct Publisher {
    peer: Peer,
    tag: Option<String>,
}

impl Publisher {
    fn new(name: &str, address: &str) -> Publisher {
        Publisher {
            peer: Peer::new(name, address),
            tag: None,
        }
    }

    /// The next PUBLISH with these header lines.
    fn text(&mut self, more: &str, body: &str) -> String {
        self.peer.cseq += 1;
        let from = format!("<sip:{}@192.0.2.9>", self.peer.name);
        let text = self
            .peer
            .bare("PUBLISH", more)
            .replace(&from, &format!("<{DESK}>"));
        let (head, _) = text.split_once("Content-Length: 0").expect("a request");
        format!(
            "{head}Content-Length: {}\r\n\r\n{body}",
            body.chars().count()
        )
    }

    fn typed(&mut self, expires: u32, body: &str) -> String {
        let mut more = format!("Event: presence\r\nExpires: {expires}\r\n");
        if let Some(tag) = &self.tag {
            more += &format!("SIP-If-Match: {tag}\r\n");
        }
        if !body.is_empty() {
            more += "Content-Type: application/pidf+xml\r\n";
        }
        self.text(&more, body)
    }

    /// Publishes, and learns the tag; the status, and what watchers were sent.
    fn publish(&mut self, desk: &mut Desk, expires: u32, body: &str) -> (u16, Vec<Sent>) {
        let text = self.typed(expires, body);
        let mut sent = desk.send(&self.peer.address.clone(), &text);
        let answer = sent.remove(0);
        if let Some(tag) = answer.header("SIP-ETag") {
            self.tag = Some(tag.to_string());
        }
        (answer.status(), sent)
    }
}

/// What a watcher is told who asks now.
fn document(desk: &mut Desk) -> String {
    let mut peer = Peer::new("fetch", "192.0.2.98:5060");
    peer.cseq = desk.now.as_micros() as u32 % 1_000_000_000;
    desk.now += Duration::from_millis(1);
    let sent = desk.send(&peer.address.clone(), &peer.subscribe(0));
    assert_eq!(sent.len(), 2, "{sent:#?}");
    desk.confirm(&sent[1]);
    sent[1].body().to_string()
}

/// A document that is refused, for a new publication and for one that is there; nobody hears of it, and the old one
/// stays.
#[track_caller]
fn expect(body: &str, statuses: &[u16]) {
    let mut desk = Desk::new();
    desk.watcher("bob", "192.0.2.40:5060", "presence");
    let mut new = Publisher::new("new", "192.0.2.50:5060");
    let mut old = Publisher::new("old", "192.0.2.51:5060");
    let (status, told) = old.publish(&mut desk, 600, &presence("closed"));
    assert_eq!((status, told.len()), (200, 1));
    desk.confirm(&told[0]);
    let before = document(&mut desk);
    for publisher in [&mut new, &mut old] {
        let (status, told) = publisher.publish(&mut desk, 600, body);
        let shown: String = body.chars().take(200).collect();
        assert!(statuses.contains(&status), "{status} to {shown:?}");
        assert_eq!(told, [], "{shown:?}");
    }
    assert_eq!(document(&mut desk), before);
    assert_eq!(
        old.publish(&mut desk, 600, "").0,
        200,
        "its tag is as good as ever"
    );
    assert_eq!(desk.agent.publications().count(), 1);
    desk.serves_others();
}

#[test]
fn documents_out_of_bounds_are_refused_and_the_old_one_stays() /* ATTACKS G01 G02 G03 G09 G11 */
{
    let plain = presence("open");
    let root = format!("<presence xmlns=\"{PIDF}\">");
    let with = |more: &str| plain.replacen("<tuple ", &format!("<tuple {more} "), 1);
    let many = |name: &str, count: usize| -> String {
        (0..count).map(|n| format!("{name}{n}='' ")).collect()
    };
    for body in [
        plain.replacen("?>", "?><!DOCTYPE presence [<!ENTITY a \"b\">]>", 1),
        plain.replacen(
            "?>",
            "?><!DOCTYPE presence SYSTEM \"file:///etc/passwd\">",
            1,
        ),
        format!("{root}{}", "<a>".repeat(20_000)),
        format!("{root}{}{}</presence>", "<a>".repeat(20), "</a>".repeat(20)),
        format!("{root}{}</presence>", "<a/>".repeat(15_000)),
        format!(
            "{root}{}</presence>",
            "<tuple id=\"t\"></tuple>".repeat(2_500)
        ),
        with(&many("a", 3_000)),
        with(&many("a", 40)),
        with(&many("xmlns:a", 40)),
        with("a='1' a='2'"),
        with("xmlns:a='u' xmlns:b='u' a:c='' b:c=''"),
        with(&format!("x='{}'", "y".repeat(60_000))),
        plain.replacen("version=\"1.0\"", "version=\"1.0\" encoding=\"UTF-16\"", 1),
        plain.replace("open", "&#0;"),
        plain.replace("open", "\0"),
        plain.replace(PIDF, "urn:x"),
        plain.replacen(
            "<contact>",
            &format!("<note>{}</note><contact>", "n".repeat(30_000)),
            1,
        ),
        String::from("<presence/>"),
        String::from("<?xml version=\"1.0\"?>"),
        String::from(" \r\n\r\n "),
    ] {
        expect(&body, &[400, 413]);
    }
}

#[test]
fn every_prefix_of_a_publication_is_refused() /* ATTACKS G04 */
{
    let whole = presence("open");
    let mut desk = Desk::new();
    let mut publisher = Publisher::new("old", "192.0.2.51:5060");
    assert_eq!(
        publisher.publish(&mut desk, 600, &presence("closed")).0,
        200
    );
    for len in 1..whole.len() {
        assert_eq!(
            publisher.publish(&mut desk, 600, &whole[..len]).0,
            400,
            "{len}"
        );
    }
    assert!(document(&mut desk).contains("closed"));
    assert_eq!(publisher.publish(&mut desk, 600, &whole).0, 200);
}

#[test]
fn a_body_without_a_type_or_of_another_is_not_read() /* ATTACKS G05 G06 G08 G10 */
{
    for (line, status) in [
        ("", 415),
        ("Content-Type: ;\r\n", 400),
        ("Content-Type: \r\n", 400),
        ("Content-Type: /\r\n", 400),
        ("Content-Type: application/\r\n", 400),
        ("Content-Type: application/sdp\r\n", 415),
        ("Content-Type: application/dialog-info+xml\r\n", 415),
        ("Content-Type: application/pkcs7-mime\r\n", 415),
        ("Content-Type: multipart/related;boundary=\r\n", 400),
        ("Content-Type: multipart/signed;boundary=\"--\"\r\n", 415),
        (
            "Content-Type: application/pidf+xml\r\nContent-Encoding: gzip\r\n",
            415,
        ),
    ] {
        let mut desk = Desk::new();
        let mut publisher = Publisher::new("old", "192.0.2.51:5060");
        assert_eq!(
            publisher.publish(&mut desk, 600, &presence("closed")).0,
            200
        );
        let before = document(&mut desk);
        let tag = publisher.tag.clone().expect("a tag");
        for condition in [String::new(), format!("SIP-If-Match: {tag}\r\n")] {
            let more = format!("Event: presence\r\n{condition}{line}");
            let text = publisher.text(&more, &presence("open"));
            let answer = desk.ask(&publisher.peer.address, &text);
            assert_eq!(answer.status(), status, "{line}");
            if status == 415 {
                assert!(
                    answer
                        .header("Accept")
                        .is_some_and(|it| it.contains("pidf+xml"))
                );
                assert_eq!(answer.header("Accept-Encoding"), Some("identity"));
            }
        }
        assert_eq!(document(&mut desk), before);
    }
}

#[test]
fn what_is_published_cannot_break_out_of_the_document() /* ATTACKS G11 G12 */
{
    let mut desk = Desk::new();
    let mut publisher = Publisher::new("old", "192.0.2.51:5060");
    let body = format!(
        "<p:presence xmlns:p='{PIDF}' xmlns:q='urn:q' entity='sip:boss@example.com'>\
         <p:tuple id='sip'><p:status><p:basic>open</p:basic><q:x q:mustUnderstand='1'/></p:status></p:tuple>\
         <p:tuple id='sip'><p:status><p:basic>closed</p:basic></p:status></p:tuple>\
         <p:note>&lt;/note>&lt;tuple id=\"x\"/>]]&gt;&amp;amp;</p:note></p:presence>"
    );
    assert_eq!(publisher.publish(&mut desk, 600, &body).0, 200);
    let told = document(&mut desk);
    assert!(told.contains(&format!("entity=\"{DESK}\"")), "{told}");
    assert_eq!(told.matches("<tuple ").count(), 1, "{told}");
    assert_eq!(told.matches(" id='sip.1'").count(), 1, "{told}");
    assert_eq!(told.matches(" id='sip.1.2'").count(), 1, "{told}");
    assert!(told.contains("&lt;/note&gt;&lt;tuple id=&quot;x&quot;/&gt;]]&gt;&amp;amp;</note>"));
}

/// It always begins anew: another Call-ID, another port, another tuple.
fn crash(desk: &mut Desk, round: u32, from: &str) -> u16 {
    let address = format!("192.0.2.66:{}", 2_000 + round);
    let mut loops = Publisher::new(&format!("l{round}"), &address);
    let body = presence("open").replacen(" id=\"", &format!(" id=\"r{round}"), 1);
    let text = loops.typed(600, &body);
    let text = text.replacen(&format!("From: <{DESK}>"), &format!("From: <{from}>"), 1);
    desk.send(&address, &text)[0].status()
}

#[test]
fn a_publisher_that_crashes_again_and_again_is_served_and_leaves_few_ghosts() /* ATTACKS C11 */
{
    let mut desk = Desk::new();
    let mut good = Publisher::new("good", "192.0.2.51:5060");
    assert_eq!(good.publish(&mut desk, 3_600, &presence("closed")).0, 200);
    for round in 0..200 {
        assert_eq!(crash(&mut desk, round, DESK), 200, "start {round}");
        let kept = desk.agent.publications().count();
        assert!(kept <= 1 + limits::PUBLICATIONS_PUBLISHER, "{kept}");
        desk.run(Duration::from_secs(1));
    }
    assert_eq!(good.publish(&mut desk, 3_600, "").0, 200);
    assert_eq!(good.publish(&mut desk, 0, "").0, 200);
    desk.run(Duration::from_secs(640));
    assert!(desk.is_empty());
}

#[test]
fn an_address_that_publishes_as_everybody_leaves_room_for_others() /* ATTACKS C11 */
{
    let mut desk = Desk::with(|settings| serve(settings, "sip:door@192.0.2.1"));
    let mut good = Publisher::new("good", "192.0.2.51:5060");
    assert_eq!(good.publish(&mut desk, 3_600, &presence("closed")).0, 200);
    // Another way to write the same user is another publisher.
    let names = [
        DESK,
        "sip:%64esk@192.0.2.1",
        "sip:d%65sk@192.0.2.1",
        "sip:de%73k@192.0.2.1",
    ];
    let starts = (0..200).zip(names.iter().cycle());
    let statuses: Vec<u16> = starts
        .map(|(round, from)| crash(&mut desk, round, from))
        .collect();
    assert!(statuses.contains(&503) && statuses.iter().all(|it| [200, 503].contains(it)));
    assert_eq!(good.publish(&mut desk, 3_600, "").0, 200);
    assert_eq!(good.publish(&mut desk, 3_600, &presence("open")).0, 200);
    // Another phone finds room, for the same presentity and for another.
    let mut other = Publisher::new("other", "192.0.2.52:5060");
    assert_eq!(other.publish(&mut desk, 600, &presence("open")).0, 200);
    let mut door = Publisher::new("door", "192.0.2.67:5060");
    let text = door
        .typed(600, &presence("open"))
        .replace(DESK, "sip:door@192.0.2.1");
    assert_eq!(desk.ask(&door.peer.address, &text).status(), 200);
    desk.run(Duration::from_secs(601));
    assert_eq!(desk.agent.publications().count(), 1, "the old ones expire");
    assert_eq!(good.publish(&mut desk, 0, "").0, 200);
    desk.run(Duration::from_secs(40));
    assert!(desk.is_empty());
}

#[test]
fn nobody_guesses_a_tag() /* ATTACKS H07 */
{
    let mut desk = Desk::new();
    let mut victim = Publisher::new("victim", "192.0.2.51:5060");
    assert_eq!(victim.publish(&mut desk, 3_600, &presence("closed")).0, 200);
    let tag = victim.tag.clone().expect("a tag");
    assert!(tag.len() >= 32, "64 random bits and more");
    let mut thief = Publisher::new("thief", "192.0.2.66:5060");
    for guess in 0..20_000_u64 {
        // All but the last 16 digits are right.
        thief.tag = Some(format!("{}{guess:016x}", &tag[..tag.len() - 16]));
        let text = thief.typed(0, "");
        assert_eq!(
            desk.ask(&thief.peer.address, &text).status(),
            412,
            "{guess}"
        );
    }
    assert_eq!(desk.agent.publications().count(), 1);
    assert_eq!(victim.publish(&mut desk, 3_600, "").0, 200);
}

#[test]
fn a_200_that_is_lost_leaves_one_document() /* ATTACKS H08 */
{
    let mut desk = Desk::new();
    let mut phone = Publisher::new("phone", "192.0.2.51:5060");
    assert_eq!(phone.publish(&mut desk, 600, &presence("open")).0, 200);
    let before = phone.tag.clone();
    assert_eq!(phone.publish(&mut desk, 600, &presence("closed")).0, 200);
    phone.tag = before;
    assert_eq!(phone.publish(&mut desk, 600, &presence("closed")).0, 412);
    phone.tag = None;
    phone.peer.name = String::from("reborn");
    let body = presence("open").replacen(" id=\"", " id=\"other", 1);
    assert_eq!(phone.publish(&mut desk, 600, &body).0, 200);
    assert_eq!(desk.agent.publications().count(), 1);
    assert!(!document(&mut desk).contains("closed"));
}

#[test]
fn two_agents_that_publish_to_each_other_fall_silent() /* ATTACKS B05 */
{
    let other = |seed| {
        Desk::at(
            LOCAL,
            seed,
            lampfield::Instant::from_millis(1_000_000),
            |_| {},
        )
    };
    let mut agents = [other([1, 2]), other([3, 4])];
    let mut links = [
        Publisher::new("one", "192.0.2.51:5060"),
        Publisher::new("two", "192.0.2.52:5060"),
    ];
    let mut last = [String::new(), String::new()];
    for input in [
        Input::Hook(true),
        Input::Hook(false),
        Input::Idle(true),
        Input::Dnd(true),
        Input::Clear,
    ] {
        agents[0].input(input);
        // Each tells the other whatever is new, until neither has anything to tell.
        let mut rounds = 0;
        loop {
            let mut is_quiet = true;
            for from in [0, 1] {
                let told = document(&mut agents[from]);
                if told != last[from] {
                    is_quiet = false;
                    let (status, _) = links[from].publish(&mut agents[1 - from], 3_600, &told);
                    assert_eq!(status, 200);
                    last[from] = told;
                }
            }
            rounds += 1;
            assert!(rounds < 5, "they go on and on");
            if is_quiet {
                break;
            }
        }
    }
    for agent in &mut agents {
        let told = document(agent);
        assert!(
            !told.contains("on-the-phone") && !told.contains("closed"),
            "{told}"
        );
    }
}
