//! PUBLISH of `dialog` (RFC 3903, 4235): as Asterisk's outbound-publish and Kamailio's pua_dialoginfo send it.

use super::*;
use crate::ground::network::Network;

/// A server that publishes calls of the desk.
struct Server {
    at: SocketAddr,
    count: u32,
}

impl Server {
    fn new() -> Server {
        Server {
            at: "192.0.2.50:5060".parse().expect("an address"),
            count: 0,
        }
    }

    fn publish(
        &mut self,
        f: &mut Fixture,
        tag: Option<&str>,
        expires: u32,
        body: &str,
    ) -> StdVec<Sent> {
        self.count += 1;
        let (at, count) = (self.at, self.count);
        let tag = tag.map_or(String::new(), |tag| format!("SIP-If-Match: {tag}\r\n"));
        // Both send the presentity in From and To, and each PUBLISH has a Call-ID of its own.
        let text = format!(
            "PUBLISH {DESK} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKp{count};rport\r\n\
             Max-Forwards: 70\r\nFrom: <{DESK}>;tag=p{count}\r\nTo: <{DESK}>\r\nCall-ID: p{count}\r\n\
             CSeq: 10 PUBLISH\r\nEvent: dialog\r\nExpires: {expires}\r\n{tag}\
             Content-Type: application/dialog-info+xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        f.send_from(at, &text)
    }

    /// One that succeeds: the new tag, and what is sent to watchers.
    #[track_caller]
    fn says(
        &mut self,
        f: &mut Fixture,
        tag: Option<&str>,
        expires: u32,
        body: &str,
    ) -> (String, StdVec<Sent>) {
        let mut sent = self.publish(f, tag, expires, body);
        let answer = sent.remove(0);
        assert_eq!(answer.status(), 200, "{}", answer.text);
        (answer.header("SIP-ETag").expect("a tag").to_string(), sent)
    }
}

/// What Kamailio publishes of one call.
fn kamailio(id: &str, state: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" \
         state=\"full\" entity=\"{DESK}\">\n  <dialog id=\"{id}\" call-id=\"call-{id}\" direction=\"recipient\">\n    \
         <state>{state}</state>\n    <remote>\n      <identity>sip:bob@192.0.2.50</identity>\n      \
         <target uri=\"sip:bob@192.0.2.50\"/>\n    </remote>\n    <local>\n      <identity>{DESK}</identity>\n      \
         <target uri=\"{DESK}\"/>\n    </local>\n  </dialog>\n</dialog-info>\n"
    )
}

/// What Asterisk publishes of an extension.
fn asterisk(state: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" \
         version=\"0\" state=\"full\" entity=\"{DESK}\">\n <dialog id=\"desk\">\n  <state>{state}</state>\n \
         </dialog>\n</dialog-info>\n"
    )
}

#[track_caller]
fn states(sent: &StdVec<Sent>) -> StdVec<(String, State)> {
    assert_eq!(sent.len(), 1, "{sent:#?}");
    dialogs(&sent[0]).2
}

fn dialog(id: &str, state: State) -> (String, State) {
    (id.to_string(), state)
}

#[test]
fn a_published_call_is_told_at_once() {
    let mut f = Fixture::new();
    let (mut server, carol) = (Server::new(), f.watching("carol", "dialog"));
    let (tag, sent) = server.says(&mut f, None, 3_600, &kamailio("1", "early"));
    assert_eq!(states(&sent), [dialog("d1", State::Early)]);
    assert!(!sent[0].body().contains("bob"));
    f.confirm(&carol, &sent[0]);
    let (tag, sent) = server.says(&mut f, Some(&tag), 3_600, &kamailio("1", "confirmed"));
    assert_eq!(states(&sent), [dialog("d1", State::Confirmed)]);
    f.confirm(&carol, &sent[0]);
    // The end is published for ten seconds, which is too brief for anything else.
    let (tag, sent) = server.says(&mut f, Some(&tag), 10, &kamailio("1", "terminated"));
    assert_eq!(states(&sent), [dialog("d1", State::Terminated)]);
    f.confirm(&carol, &sent[0]);
    f.run(Duration::from_secs(11));
    let sent = server.publish(&mut f, Some(&tag), 3_600, &kamailio("1", "early"));
    assert_eq!(sent[0].status(), 412);
    assert_eq!(sent.len(), 1);
}

#[test]
fn a_publication_for_each_call_is_a_dialog_for_each() {
    let mut f = Fixture::new();
    let (mut server, carol) = (Server::new(), f.watching("carol", "dialog"));
    let (first, sent) = server.says(&mut f, None, 3_600, &kamailio("1", "confirmed"));
    f.confirm(&carol, &sent[0]);
    let (_, sent) = server.says(&mut f, None, 3_600, &kamailio("2", "early"));
    assert_eq!(states(&sent), [dialog("d2", State::Early)]);
    f.confirm(&carol, &sent[0]);
    let (_, sent) = server.says(&mut f, Some(&first), 10, &kamailio("1", "terminated"));
    assert_eq!(states(&sent), [dialog("d1", State::Terminated)]);
}

#[test]
fn a_server_that_has_started_again_leaves_no_orphan() {
    let mut f = Fixture::new();
    let (mut server, carol) = (Server::new(), f.watching("carol", "dialog"));
    let (_, sent) = server.says(&mut f, None, 3_600, &asterisk("confirmed"));
    assert_eq!(states(&sent), [dialog("d1", State::Confirmed)]);
    f.confirm(&carol, &sent[0]);
    let (_, sent) = server.says(&mut f, None, 3_600, &asterisk("terminated"));
    assert_eq!(states(&sent), [dialog("d1", State::Terminated)]);
    assert_eq!(f.agent.publications().count(), 1);
}

#[test]
fn what_is_published_expires_with_its_calls() {
    let mut f = Fixture::new();
    let (mut server, carol) = (Server::new(), f.watching("carol", "dialog"));
    let (_, sent) = server.says(&mut f, None, 120, &asterisk("confirmed"));
    f.confirm(&carol, &sent[0]);
    let sent = f.run(Duration::from_secs(121));
    let over = sent.iter().find(|(_, it)| it.body().contains("terminated"));
    assert_eq!(over.expect("it is told").0, 120_000);
}

#[test]
fn presence_and_calls_are_published_side_by_side() {
    let mut f = Fixture::new();
    let mut server = Server::new();
    server.says(&mut f, None, 3_600, &asterisk("confirmed"));
    let pidf = "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:desk@192.0.2.1'><tuple id='desk'>\
                <status><basic>open</basic></status></tuple></presence>";
    // A document of the other package is none of this one.
    let refused = server.publish(&mut f, None, 3_600, pidf);
    assert_eq!(refused[0].status(), 400);
    let (at, length) = (server.at, pidf.len());
    let text = format!(
        "PUBLISH {DESK} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKq;rport\r\nMax-Forwards: 70\r\n\
         From: <{DESK}>;tag=q\r\nTo: <{DESK}>\r\nCall-ID: q\r\nCSeq: 1 PUBLISH\r\nEvent: presence\r\n\
         Content-Type: application/pidf+xml\r\nContent-Length: {length}\r\n\r\n{pidf}"
    );
    assert_eq!(f.send_from(at, &text)[0].status(), 200);
    let packages: StdVec<&str> = f.agent.publications().map(|it| it.package.name()).collect();
    assert_eq!(packages, ["dialog", "presence"]);
    let wrong_type = text
        .replace("Event: presence", "Event: dialog")
        .replace("Kq", "Kr")
        .replace("Call-ID: q", "Call-ID: r");
    assert_eq!(f.send_from(at, &wrong_type)[0].status(), 415);
}

#[test]
fn a_stranger_publishes_nothing() {
    let mut f = Fixture::with(|settings| {
        settings.trusted.clear();
        let phones = Network::parse("192.0.2.51").expect("an address");
        settings.trusted.push(phones).expect("room");
    });
    let sent = Server::new().publish(&mut f, None, 3_600, &asterisk("early"));
    assert_eq!(sent[0].status(), 403);
}

#[test]
fn published_calls_come_back_after_a_restart() {
    let mut f = Fixture::new();
    let mut server = Server::new();
    server.says(&mut f, None, 3_600, &asterisk("confirmed"));
    let mut records = StdVec::new();
    f.agent.keep();
    f.agent.save_all(f.now);
    f.agent.begin_save(f.now);
    let mut buf = std::vec![0; RECORD];
    while let Some((key, len)) = f.agent.next_record(f.moment(), &mut buf) {
        records.push((key, len.map(|len| buf[..len].to_vec())));
    }
    let mut again = Fixture::new();
    for (key, record) in records {
        if let Some(record) = record {
            let moment = again.moment();
            again.agent.restore(moment, key, &record);
        }
    }
    let phone = Phone::new("carol", "dialog");
    let sent = again.send(&phone, &phone.subscribe(600));
    assert_eq!(dialogs(&sent[1]).2, [dialog("d1", State::Confirmed)]);
}
