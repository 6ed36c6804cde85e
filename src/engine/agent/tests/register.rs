//! Phones next door that register here (RFC 3261 §10.3), and what their watchers see of it.

use super::*;
use crate::events::package::{Baseline, Package, Scene};

/// The phone of the desk: it registers for it.
const PHONE: &str = "192.0.2.40:5062";

const CONTACT: &str = "Contact: <sip:desk@192.0.2.40:5062>\r\n";

impl Fixture {
    /// A desk whose phone registers here.
    fn next_door() -> Fixture {
        Fixture::with(|settings| settings.presentities[0].registers = true)
    }

    /// Hands in a REGISTER; what it is answered, and what is sent to watchers at once because of it.
    fn register(&mut self, cseq: u32, lines: &str) -> (Sent, StdVec<Sent>) {
        let mut sent = self.send_from(PHONE.parse().unwrap(), &register(cseq, lines));
        let answer = sent.remove(0);
        (answer, sent)
    }

    /// It is done; what is sent to watchers.
    #[track_caller]
    fn registered(&mut self, cseq: u32, lines: &str) -> StdVec<Sent> {
        let (answer, told) = self.register(cseq, lines);
        assert_eq!(answer.status(), 200, "{}", answer.text);
        told
    }

    fn len(&self) -> usize {
        self.agent.registrations().count()
    }
}

fn register(cseq: u32, lines: &str) -> String {
    format!(
        "REGISTER sip:192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP {PHONE};branch=z9hG4bKreg{cseq};rport\r\n\
         Max-Forwards: 70\r\n\
         From: <{DESK}>;tag=phone\r\n\
         To: <{DESK}>\r\n\
         Call-ID: register\r\n\
         CSeq: {cseq} REGISTER\r\n\
         {lines}Content-Length: 0\r\n\r\n"
    )
}

/// What a lamp makes of a NOTIFY.
fn looks(notify: &Sent) -> Watched {
    let mut memory = crate::events::package::Memory::new();
    let read = (Package::Presence.spec().read)(&mut memory, notify.body().as_bytes());
    assert!(read.is_ok());
    memory.watched()
}

/// ```text
///   phone                agent                 watcher
///     │── REGISTER ───────►│                      │
///     │◄────────── 200 ────│── NOTIFY open ──────►│
///     │                    │   600 s               │
///     │                    │── NOTIFY closed ────►│  offline
/// ```
#[test]
fn watchers_see_a_phone_come_and_go() {
    let mut f = Fixture::next_door();
    let bob = Phone::new("bob", "presence");
    let first = f.send(&bob, &bob.subscribe(3_600));
    assert_eq!(basic(&first[1]), Some(Basic::Closed));
    assert_eq!(looks(&first[1]), Watched::Offline);
    assert!(!first[1].body().contains("<contact"), "{}", first[1].body());
    f.confirm(&bob, &first[1]);

    let told = f.registered(1, &format!("{CONTACT}Expires: 600\r\n"));
    assert_eq!((told.len(), basic(&told[0])), (1, Some(Basic::Open)));
    assert_eq!(looks(&told[0]), Watched::Idle);
    assert!(told[0].body().contains(DESK));
    f.confirm(&bob, &told[0]);
    assert_eq!(f.registered(2, &format!("{CONTACT}Expires: 600\r\n")), []);

    let told = f.run(Duration::from_secs(601));
    let (at, gone) = &told[0];
    assert_eq!((*at, looks(gone)), (600_000, Watched::Offline));
    f.confirm(&bob, gone);

    let told = f.registered(3, CONTACT);
    assert_eq!(looks(&told[0]), Watched::Idle);
    f.confirm(&bob, &told[0]);
    let told = f.registered(4, "Contact: *\r\nExpires: 0\r\n");
    assert_eq!(looks(&told[0]), Watched::Offline);
    f.confirm(&bob, &told[0]);
    assert_eq!(f.len(), 0);
}

#[test]
fn what_the_owner_says_shows_once_the_phone_is_there() {
    let mut f = Fixture::next_door();
    let bob = f.watching("bob", "presence");
    let lamp = f.watching("lamp", "dialog");
    let note = Text::copied("back at three").unwrap();
    let told = f.input(Input::Note(note));
    assert_eq!(looks(&told[0]), Watched::Offline);
    assert!(told[0].body().contains("back at three"));
    f.confirm(&bob, &told[0]);
    assert_eq!(f.input(Input::Dnd(true)), [], "nobody is there to disturb");
    let told = f.registered(1, CONTACT);
    assert_eq!(told.len(), 2, "both packages: {told:#?}");
    for notify in &told {
        match notify.header("Event") {
            Some("presence") => {
                assert_eq!(looks(notify), Watched::Dnd);
                f.confirm(&bob, notify);
            }
            _ => {
                assert_eq!(dialogs(notify).2.len(), 1);
                f.confirm(&lamp, notify);
            }
        }
    }
}

#[test]
fn a_desk_without_buttons_is_its_phones_once_it_has_registered() {
    let mut f = Fixture::new();
    let bob = f.watching("bob", "presence");
    assert_eq!(f.registered(1, CONTACT), [], "it was open before");
    let told = f.registered(2, "Contact: *\r\nExpires: 0\r\n");
    assert_eq!(looks(&told[0]), Watched::Offline);
    f.confirm(&bob, &told[0]);
}

#[test]
fn a_desk_with_buttons_is_here_whoever_registers() {
    let mut f = Fixture::with(|settings| {
        let mut button =
            crate::engine::config::ButtonSettings::new(Text::copied("dnd").unwrap(), false);
        button.press = crate::engine::config::Action::Dnd;
        settings.buttons.push(button).unwrap();
    });
    f.watching("bob", "presence");
    assert_eq!(f.registered(1, CONTACT), []);
    assert_eq!(f.registered(2, "Contact: *\r\nExpires: 0\r\n"), []);
}

#[test]
fn other_settings_change_what_an_absent_phone_means() {
    let mut f = Fixture::new();
    let bob = f.watching("bob", "presence");
    let mut settings = f.agent.settings().clone();
    settings.presentities[0].registers = true;
    f.agent.reconfigure(f.moment(), &settings);
    let told = f.drain();
    assert_eq!(looks(&told[0]), Watched::Offline);
    f.confirm(&bob, &told[0]);
    f.registered(1, CONTACT);
    settings.presentities.clear();
    f.agent.reconfigure(f.moment(), &settings);
    f.drain();
    assert_eq!(f.len(), 0);
}

#[test]
fn a_repeated_register_gets_the_same_bytes() /* T08 */
{
    let mut f = Fixture::next_door();
    let text = register(1, &format!("{CONTACT}Expires: 600\r\n"));
    let from = PHONE.parse().unwrap();
    let first = f.send_from(from, &text);
    assert_eq!(
        first[0].header("Contact"),
        Some("<sip:desk@192.0.2.40:5062>;expires=600")
    );
    f.run(Duration::from_secs(7));
    assert_eq!(f.send_from(from, &text), first);
    let (answer, _) = f.register(2, "");
    assert_eq!(
        answer.header("Contact"),
        Some("<sip:desk@192.0.2.40:5062>;expires=593"),
        "a query"
    );
    for name in ["Service-Route", "Path", "Require", "Supported"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
}

#[test]
fn refusals_say_what_to_do() {
    let mut f = Fixture::next_door();
    let (brief, _) = f.register(1, &format!("{CONTACT}Expires: 10\r\n"));
    assert_eq!(
        (brief.status(), brief.header("Min-Expires")),
        (423, Some("60"))
    );
    let (star, _) = f.register(2, "Contact: *\r\n");
    assert_eq!(star.status(), 400);
    let (required, _) = f.register(3, &format!("{CONTACT}Require: path\r\n"));
    assert_eq!(
        (required.status(), required.header("Unsupported")),
        (420, Some("path"))
    );
    f.agent.registrar.leave_room(Some(0));
    let (full, _) = f.register(4, CONTACT);
    assert_eq!(
        (full.status(), full.header("Retry-After")),
        (503, Some("30"))
    );
    assert_eq!(f.len(), 0);
    f.agent.registrar.leave_room(None);
    let (path, _) = f.register(5, &format!("{CONTACT}Path: <sip:192.0.2.77;lr>\r\n"));
    assert_eq!((path.status(), path.header("Path")), (200, None));
    let (late, _) = f.register(4, CONTACT);
    assert_eq!(late.status(), 500);
}

#[test]
fn only_the_trusted_register_and_only_themselves() /* ATTACKS A09 */
{
    let mut f = Fixture::with(|settings| {
        let door = PresentitySettings::new(Text::copied("sip:door@192.0.2.1").unwrap());
        settings.presentities.push(door).unwrap();
    });
    let text = register(1, CONTACT);
    let sent = f.send_from("198.51.100.7:5062".parse().unwrap(), &text);
    assert_eq!(sent[0].status(), 403);
    let from = PHONE.parse().unwrap();
    for (wrong, status) in [
        (text.replace("From: <sip:desk@", "From: <sip:door@"), 403),
        (text.replace("From: <sip:desk@", "From: <sip:eve@"), 403),
        (text.replace("To: <sip:desk@", "To: <sip:eve@"), 403),
        (
            text.replace("<sip:desk@192.0.2.1>", "<sip:eve@192.0.2.1>"),
            404,
        ),
    ] {
        assert_ne!(wrong, text);
        assert_eq!(f.send_from(from, &wrong)[0].status(), status, "{wrong}");
    }
    assert_eq!(f.len(), 0);
    // Every host of ours is good, and so is a user in the Request-URI.
    let other = text
        .replace("REGISTER sip:192.0.2.1 ", "REGISTER sip:desk@pbx.example ")
        .replace("<sip:desk@192.0.2.1>", "<sip:desk@pbx.example>");
    assert_eq!(f.send_from(from, &other)[0].status(), 200);
    assert_eq!(f.len(), 1);
}

/// liblinphone's To and From have no port, wherever the server is.
#[test]
fn a_name_without_the_port_is_the_one_of_its_host() {
    let mut f = Fixture::with(|settings| {
        settings.presentities.clear();
        for uri in ["sip:desk@192.0.2.77:5070", "sip:desk@192.0.2.1:5070"] {
            let presentity = PresentitySettings::new(Text::copied(uri).unwrap());
            settings.presentities.push(presentity).unwrap();
        }
    });
    f.registered(1, CONTACT);
    let whose = f
        .agent
        .registrations()
        .next()
        .map(|it| it.presentity.to_string());
    assert_eq!(whose.as_deref(), Some("sip:desk@192.0.2.1:5070"));
}

#[test]
fn odd_names_are_nobody() /* ATTACKS I02 I04 */
{
    let mut f = Fixture::next_door();
    let long = format!("sip:{}@192.0.2.1", "x".repeat(300));
    let text = register(1, CONTACT);
    for uri in [
        "sip:../../etc/x@192.0.2.1",
        "sip:;reboot@192.0.2.1",
        "sip:desk%00@192.0.2.1",
        "sip:192.0.2.1",
        "isbn:2983792873",
        "urn:service:sos",
        &long,
    ] {
        let odd = text.replace(DESK, uri);
        let sent = f.send_from(PHONE.parse().unwrap(), &odd);
        assert_eq!(sent.len(), 1, "{uri}");
        assert_eq!(sent[0].status(), 404, "{uri}");
    }
    assert_eq!(f.len(), 0);
    let with_headers = "<sip:desk@192.0.2.40?Route=%3Csip:192.0.2.77%3E>";
    let (answer, _) = f.register(2, &format!("Contact: {with_headers}\r\n"));
    assert_eq!(answer.header("Route"), None);
    let listed = format!("{with_headers};expires=3600");
    assert_eq!(answer.header("Contact"), Some(listed.as_str()));
}

#[test]
fn a_phone_that_registers_for_ever_fills_nothing() /* ATTACKS C02 */
{
    let mut f = Fixture::next_door();
    let mut refused = 0;
    for number in 1..20_000 {
        // All by one phone.
        let host = number % 200 + 20;
        let lines = format!("Contact: <sip:desk@192.0.2.{host}:{number}>\r\nExpires: 60\r\n");
        let (answer, _) = f.register(number, &lines);
        match answer.status() {
            200 => {}
            503 => refused += 1,
            status => panic!("{status}"),
        }
        assert!(f.len() <= limits::BINDINGS_EACH);
        f.run(Duration::from_millis(5));
    }
    // 100 s, and half of the places for 32 s each.
    assert!(refused > 19_000 - 3 * limits::TRANSACTIONS, "{refused}");
    let kept = f.agent.transactions.len();
    for number in 20_000..20_100 {
        assert_eq!(f.register(number, "").0.status(), 200);
    }
    assert_eq!(
        f.agent.transactions.len(),
        kept,
        "who only asks takes no place"
    );
    f.run(Duration::from_secs(70));
    assert_eq!(f.len(), 0);
    assert!(f.agent.due().is_none(), "every table is empty");
}

#[test]
fn while_transactions_are_full_no_register_is_taken_in() /* T18 */
{
    let mut f = Fixture::next_door();
    f.agent.transactions.leave_room(Some(0));
    let (answer, _) = f.register(1, CONTACT);
    assert_eq!(
        (answer.status(), answer.header("Retry-After")),
        (503, Some("30"))
    );
    assert_eq!(f.len(), 0);
}

#[test]
fn a_phone_that_is_gone_is_told_in_every_body_type() {
    let mut f = Fixture::next_door();
    let id = f.agent.presentities[0];
    let presentity = f.agent.directory.presentities().get(id).unwrap();
    let mut buf = [0; limits::BODY];
    let body = (Package::Presence.served().expect("it is").write)(
        &Scene::alone(presentity),
        Baseline::Nothing,
        &mut buf,
    )
    .unwrap();
    let read = pidf::read(&buf[..body.len]).unwrap();
    assert_eq!(
        (read.basic, read.said),
        (Some(Basic::Closed), Some(pidf::Said::Offline))
    );
    f.registered(1, CONTACT);
    assert_eq!(
        f.agent.reachable(id),
        crate::events::reach::Reach::Registered
    );
}
