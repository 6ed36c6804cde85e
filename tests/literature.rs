//! The examples of the literature, as they are printed: a phone of 2008 and its lamp, a softphone on Android, a small
//! server with ways of its own, and the flow of RFC 3856 §8.

#[path = "common/desk.rs"]
mod desk;

use desk::*;
use lampfield::parts::Memory;
use lampfield::{Input, Look, Package, Watched};

/// What another agent's lamp shows of the last of these documents.
#[track_caller]
fn looks(sent: &[Sent]) -> Watched {
    let notify = sent.iter().rfind(|it| it.is("NOTIFY")).expect("a NOTIFY");
    let mut memory = Memory::new();
    let read = (Package::Presence.spec().read)(&mut memory, &bytes(notify.body()));
    read.unwrap_or_else(|fault| panic!("{fault:?}: {}", notify.text));
    memory.watched()
}

/// What the lamp of a watching desk is lit as.
fn lit(desk: &Desk) -> Look {
    desk.agent.lamps().next().expect("a lamp").look
}

fn red() -> Look {
    Look::parse("red").expect("a look")
}

fn green() -> Look {
    Look::parse("green").expect("a look")
}

/// What a GXP2020 publishes and is told: the id is the maker's name, the entity is empty, and so is the address.
fn gxp2020(basic: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
         <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"\">\r\n\
         <tuple id=\"Grandstream\">\r\n<status>\r\n<basic>{basic}</basic>\r\n</status>\r\n\
         <contact priority=\"0.5\"></contact>\r\n</tuple>\r\n</presence>\r\n"
    )
}

#[test]
fn a_desk_phone_of_2008_is_green_when_open_and_red_when_closed() /* FIELD */
{
    let (mut desk, mut server) = Server::watched(Package::Presence);
    for (basic, state, look) in [
        ("open", Watched::Idle, green()),
        ("closed", Watched::Closed, red()),
        ("open", Watched::Idle, green()),
    ] {
        let status = server.tell(&mut desk, "active;expires=300", &gxp2020(basic));
        assert_eq!((status, desk.lamp()), (200, state));
        assert_eq!(lit(&desk), look);
    }
}

#[test]
fn what_that_phone_publishes_is_told_as_it_says_it() /* FIELD 13 */
{
    let mut desk = Desk::new();
    desk.watcher("bob", "192.0.2.40:5060", "presence");
    desk.watcher("ann", "192.0.2.41:5060", "dialog");
    let mut phone = Peer::new("gxp", "192.0.2.30:5060");
    for (basic, state) in [("closed", Watched::Closed), ("open", Watched::Idle)] {
        let body = gxp2020(basic);
        phone.cseq += 1;
        let more = "Event: presence\r\nExpires: 600\r\nContent-Type: application/pidf+xml\r\n";
        let head = phone.request("PUBLISH", more);
        let head = head.replace("<sip:gxp@192.0.2.9>", &format!("<{DESK}>"));
        let length = format!("Content-Length: {}", body.len());
        let text = head.replace("Content-Length: 0", &length) + &body;
        let sent = desk.send("192.0.2.30:5060", &text);
        assert_eq!((sent.len(), sent[0].status()), (2, 200), "{sent:#?}");
        let told = sent[1].body();
        assert!(told.contains(&format!("<basic>{basic}</basic>")), "{told}");
        assert!(!told.contains("busy") && !told.contains("<note>"), "{told}");
        assert_eq!(looks(&sent), state, "nobody is told of a call");
        desk.confirm(&sent[1]);
    }
}

/// The server sends Contact without a user, and From without a tag: the dialog is known by its Call-ID and the tag of
/// the watcher. The word stands inside the status.
#[test]
fn a_small_server_says_the_state_in_a_note_inside_the_status() /* FIELD */
{
    let (mut desk, server) = Server::asked(Package::Presence);
    let header = |name: &str| server.subscribe.header(name).expect(name).to_string();
    for (at, (basic, note, state, look)) in [
        ("Open", "available", Watched::Idle, green()),
        ("Open", "busy", Watched::Busy, red()),
        ("Close", "on the phone", Watched::Busy, red()),
        (
            "Open",
            "away",
            Watched::Away,
            Look::parse("amber").expect("a look"),
        ),
        ("Close", "available", Watched::Idle, green()),
        ("Close", "do not disturb", Watched::Dnd, red()),
        ("Close", "offline", Watched::Offline, Look::OFF),
        ("Close", "Out until Monday", Watched::Closed, red()),
    ]
    .into_iter()
    .enumerate()
    {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
             <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"pres:boss@192.0.2.50\">\r\n\
             <tuple id=\"boss\">\r\n<status>\r\n<basic>{basic}</basic>\r\n<note>{note}</note>\r\n\
             </status>\r\n</tuple>\r\n</presence>\r\n"
        );
        let text = format!(
            "NOTIFY {DESK} SIP/2.0\r\n\
             Via: SIP/2.0/UDP 192.0.2.50;branch=z9hG4bK-d1e4c98{at}\r\n\
             To: {to}\r\nFrom: <{BOSS}>\r\nCall-ID: {call}\r\nCSeq: {cseq} NOTIFY\r\n\
             User-Agent: ComSIPL/1.x\r\nEvent: presence\r\nSubscription-State: active;expires=300\r\n\
             Contact: <sip:192.0.2.50>\r\nContent-Type: application/pidf+xml\r\n\
             Content-Length: {length}\r\n\r\n{body}",
            to = header("From"),
            call = header("Call-ID"),
            cseq = 633 + at,
            length = body.len(),
        );
        assert_eq!(desk.ask(BOSS_AT, &text).status(), 200, "{text}");
        assert_eq!((desk.lamp(), lit(&desk)), (state, look), "{basic} {note}");
    }
}

/// To has no angle brackets; the extension inside the status is the maker's own.
#[test]
fn a_softphone_on_android_publishes() /* FIELD */
{
    let own = "sip:51234@192.0.2.1";
    let mut desk = Desk::with(|settings| {
        settings.presentities.clear();
        serve(settings, own);
    });
    let mut bob = Peer::new("bob", "192.0.2.40:5060");
    bob.event = "presence".to_string();
    let subscribe = bob.subscribe(3_600).replace(DESK, own);
    let sent = desk.send("192.0.2.40:5060", &subscribe);
    assert_eq!(looks(&sent), Watched::Idle);
    desk.confirm(&sent[1]);
    for (inside, state) in [
        ("<basic>open</basic>\n<pidfonline:online/>\n", Watched::Idle),
        ("<basic>closed</basic>\n", Watched::Closed),
    ] {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <presence xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
             xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" \
             xmlns:pidfonline=\"http://www.linphone.org/xsds/pidfonline.xsd\" entity=\"{own}\" \
             xmlns=\"urn:ietf:params:xml:ns:pidf\">\n<tuple id=\"n5z2og\">\n<status>\n{inside}</status>\n\
             <contact priority=\"0.8\">{own}</contact>\n<timestamp>2023-12-17T16:45:04Z</timestamp>\n\
             </tuple>\n</presence>\n"
        );
        let text = format!(
            "PUBLISH {own} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.141:5060;branch=z9hG4bK.-~bJDwuu{};rport\r\n\
             From: <{own}>;tag=HBXjpj6IT\r\nTo: {own}\r\nCSeq: {} PUBLISH\r\nCall-ID: R3BFg0WqhB\r\n\
             Max-Forwards: 70\r\nSupported: replaces, outbound, gruu, path, record-aware\r\n\
             Event: presence\r\nContent-Type: application/pidf+xml\r\nContent-Length: {}\r\n\
             Expires: 3600\r\nUser-Agent: LinphoneAndroid/5.1.4 (a phone) LinphoneSDK/5.2.110\r\n\r\n{body}",
            inside.len(),
            20 + inside.len(),
            body.len()
        );
        let sent = desk.send("192.0.2.141:5060", &text);
        assert_eq!(sent[0].status(), 200, "{sent:#?}");
        assert_eq!(looks(&sent), state);
        let told = sent.last().expect("a NOTIFY");
        assert!(
            told.body().contains(" id=\"n5z2og\"><status>")
                || told.body().contains(" id=\"n5z2og\">\n<status>"),
            "{}",
            told.text
        );
        desk.confirm(told);
        assert_eq!(desk.agent.publications().count(), 1);
    }
}

/// RFC 3856 §8, with the body type of its drafts:
///
/// ```text
///   watcher                 server
///     │── F1 SUBSCRIBE ───────►│   over TCP
///     │◄── F2 200 ─────────────│
///     │◄── F3 NOTIFY ──────────│
///     │── F4 200 ─────────────►│
///     │                        │   the handset goes up
///     │◄── F5 NOTIFY ──────────│
///     │── F6 200 ─────────────►│
/// ```
#[test]
fn the_flow_of_the_package_is_played_over_one_connection() /* P02 P03 */
{
    for accept in ["application/pidf+xml", "application/cpim-pidf+xml"] {
        let resource = "sip:resource@example.com";
        let mut desk = Desk::with(|settings| {
            settings.presentities.clear();
            serve(settings, resource);
        });
        let mut connection = Connection::new("192.0.2.40:33000");
        let f1 = format!(
            "SUBSCRIBE {resource} SIP/2.0\r\n\
             Via: SIP/2.0/TCP watcherhost.example.com;branch=z9hG4bKnashds7\r\n\
             To: <{resource}>\r\nFrom: <sip:user@example.com>;tag=xfg9\r\n\
             Call-ID: 2010@watcherhost.example.com\r\nCSeq: 17766 SUBSCRIBE\r\nMax-Forwards: 70\r\n\
             Event: presence\r\nAccept: {accept}\r\nContact: <sip:user@watcherhost.example.com>\r\n\
             Expires: 600\r\nContent-Length: 0\r\n\r\n"
        );
        let sent = connection.receive(&mut desk, f1.as_bytes());
        assert_eq!(sent.len(), 2, "{sent:#?}");
        let (f2, f3) = (&sent[0], &sent[1]);
        assert_eq!((f2.status(), f2.header("Expires")), (200, Some("600")));
        let tagged = f2.header("To").expect("a To").to_string();
        assert!(
            tagged.starts_with(&format!("<{resource}>;tag=")),
            "{tagged}"
        );
        let f4 = f3.response("200 OK");
        assert_eq!(connection.receive(&mut desk, f4.as_bytes()), []);
        let f5 = desk.input(Input::Hook(true)).remove(0);
        let f6 = f5.response("200 OK");
        assert_eq!(connection.receive(&mut desk, f6.as_bytes()), []);
        let mut cseq = None;
        for (notify, state) in [(f3.clone(), Watched::Idle), (f5, Watched::Busy)] {
            let start = "NOTIFY sip:user@watcherhost.example.com SIP/2.0\r\n";
            assert!(notify.text.starts_with(start), "{}", notify.text);
            assert_eq!(notify.flow, connection.flow, "the watcher's own connection");
            assert_eq!(notify.header("From"), Some(&*tagged));
            assert_eq!(notify.header("To"), Some("<sip:user@example.com>;tag=xfg9"));
            let call = notify.header("Call-ID");
            assert_eq!(call, Some("2010@watcherhost.example.com"));
            assert_eq!(notify.header("Event"), Some("presence"));
            assert_eq!(notify.header("Content-Type"), Some(accept));
            let lasts = notify.header("Subscription-State").expect("a state");
            assert!(lasts.starts_with("active;expires="), "{lasts}");
            let number = notify
                .header("CSeq")
                .and_then(|it| it.strip_suffix(" NOTIFY"));
            let number: u32 = number.and_then(|it| it.parse().ok()).expect("a number");
            assert!(cseq.is_none_or(|last| number == last + 1), "{number}");
            cseq = Some(number);
            assert_eq!(looks(&[notify]), state);
        }
        assert!(connection.is_at_rest());
    }
}
