//! REGISTER by REGISTER, as RFC 3261 §10.3 takes it.

extern crate std;

use super::*;
use crate::events::answer::{Answer, Refusal};
use crate::events::kept::Lease;
use crate::ground::random::Random;
use crate::ground::time::{Moment, Wall};
use crate::wire::sip::{self, Message, Rows, Status};
use std::boxed::Box;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec as StdVec;

const PHONE: &str = "192.0.2.40:5062";

struct Fixture {
    registrar: Box<Registrar>,
    presentities: Table<Presentity, { limits::PRESENTITIES }>,
    desk: Id<Presentity>,
    door: Id<Presentity>,
    now: Instant,
    /// Where requests come from.
    remote: &'static str,
}

/// One REGISTER: Call-ID, CSeq, and the lines that count.
#[derive(Clone, Copy)]
struct Register<'a> {
    call: &'a str,
    cseq: u32,
    lines: &'a str,
}

const fn register<'a>(call: &'a str, cseq: u32, lines: &'a str) -> Register<'a> {
    Register { call, cseq, lines }
}

impl Fixture {
    fn new() -> Fixture {
        let mut registrar = Box::new(Registrar::new());
        let mut random = Random::new();
        random.seed([3, 4]);
        registrar.seed(random.secret());
        registrar.set_rules(Seconds(60), Seconds(3_600));
        let mut presentities = Table::new();
        let mut add = |uri| {
            let presentity = Presentity::new(Text::copied(uri).expect("short"));
            presentities.insert(presentity).expect("there is room")
        };
        let (desk, door) = (add("sip:desk@192.0.2.1"), add("sip:door@192.0.2.1"));
        Fixture {
            registrar,
            presentities,
            desk,
            door,
            now: Instant::from_millis(5_000),
            remote: PHONE,
        }
    }

    fn send(&mut self, whose: Id<Presentity>, sent: Register<'_>) -> Result<(), Refusal> {
        let Register { call, cseq, lines } = sent;
        let text = format!(
            "REGISTER sip:192.0.2.1 SIP/2.0\r\n\
             Via: SIP/2.0/UDP 192.0.2.40:5062;branch=z9hG4bK{cseq};rport\r\n\
             From: <sip:desk@192.0.2.1>;tag=1\r\n\
             To: <sip:desk@192.0.2.1>\r\n\
             Call-ID: {call}\r\n\
             CSeq: {cseq} REGISTER\r\n\
             {lines}Content-Length: 0\r\n\r\n"
        );
        let mut rows = Rows::new();
        let Ok(Message::Request(request)) = sip::parse(text.as_bytes(), &mut rows) else {
            panic!("no request: {text}");
        };
        let flow = Flow::udp(
            "192.0.2.1:5060".parse().expect("an address"),
            self.remote.parse().expect("an address"),
        );
        let answer = self
            .registrar
            .handle_register(self.now, &request, whose, &flow)?;
        let expected = Answer::Registered {
            presentity: whose,
            at: self.now,
        };
        assert_eq!(answer, expected);
        Ok(())
    }

    #[track_caller]
    fn accept(&mut self, call: &str, cseq: u32, lines: &str) {
        let desk = self.desk;
        assert_eq!(self.send(desk, register(call, cseq, lines)), Ok(()));
    }

    /// It is refused, and everything is as it was.
    #[track_caller]
    fn refuse(&mut self, call: &str, cseq: u32, lines: &str, refusal: impl Into<Refusal>) {
        let (desk, before) = (self.desk, self.contacts());
        let sent = match self.send(desk, register(call, cseq, lines)) {
            // What is wrong is for people.
            Err(Refusal::Because(status, why)) => {
                assert!(!why.is_empty(), "{lines}");
                Err(status.into())
            }
            sent => sent,
        };
        assert_eq!(sent, Err(refusal.into()), "{lines}");
        assert_eq!(self.contacts(), before, "{lines}");
    }

    /// What the 200 lists now, in the order of the alphabet.
    fn contacts(&self) -> StdVec<String> {
        self.contacts_of(self.desk)
    }

    fn contacts_of(&self, whose: Id<Presentity>) -> StdVec<String> {
        let mut buf = [0; 4_096];
        let mut w = Writer::new(&mut buf);
        self.registrar.write_contacts(whose, self.now, &mut w);
        let len = w.finish_lines().expect("it fits");
        let text = core::str::from_utf8(&buf[..len]).expect("text");
        let rows = text.lines().filter_map(|it| it.strip_prefix("Contact: "));
        let mut rows: StdVec<String> = rows.map(ToString::to_string).collect();
        rows.sort();
        rows
    }

    fn run(&mut self, seconds: u32) {
        self.now = self.now + Seconds(seconds);
        self.registrar.handle_timeout(self.now);
    }
}

const ONE: &str = "Contact: <sip:desk@192.0.2.40:5062>\r\nExpires: 600\r\n";

fn busy() -> Refusal {
    Refusal::AnswerLater(Status::SERVICE_UNAVAILABLE, limits::RETRY_AFTER)
}

#[test]
fn a_contact_is_bound_and_listed_with_what_is_left() {
    let mut f = Fixture::new();
    f.accept("a", 1, ONE);
    assert_eq!(f.contacts(), ["<sip:desk@192.0.2.40:5062>;expires=600"]);
    f.run(100);
    assert_eq!(f.contacts(), ["<sip:desk@192.0.2.40:5062>;expires=500"]);
    assert!(f.registrar.is_registered(f.desk) && !f.registrar.is_registered(f.door));
    let (_, binding) = f.registrar.iter().next().expect("a binding");
    assert_eq!(binding.contact(), "sip:desk@192.0.2.40:5062");
    assert_eq!(binding.presentity(), f.desk);
    assert_eq!(binding.flow().remote.port(), 5_062);
}

#[test]
fn a_query_changes_nothing() {
    let mut f = Fixture::new();
    f.accept("a", 1, "");
    assert_eq!(f.registrar.take_changed(), None);
    f.accept("b", 1, ONE);
    f.accept("b", 1, "Expires: 0\r\n");
    assert_eq!(f.contacts().len(), 1);
}

#[test]
fn coming_and_going_is_told_once_each() {
    let mut f = Fixture::new();
    f.accept("a", 1, ONE);
    assert_eq!(f.registrar.take_changed(), Some(f.desk));
    f.accept("a", 2, ONE);
    f.accept("b", 1, "Contact: <sip:desk@192.0.2.41>;expires=60\r\n");
    f.run(60);
    assert_eq!(f.registrar.take_changed(), None, "one is left");
    assert_eq!(f.registrar.due(), Some(f.now + Seconds(540)));
    f.run(540);
    assert_eq!(f.registrar.take_changed(), Some(f.desk));
    assert!(f.registrar.is_empty() && f.registrar.due().is_none());
    f.accept("a", 3, ONE);
    f.accept(
        "a",
        4,
        "Contact: <sip:desk@192.0.2.40:5062>\r\nExpires: 0\r\n",
    );
    assert_eq!(f.registrar.take_changed(), Some(f.desk));
    assert_eq!(f.registrar.take_changed(), None);
}

#[test]
fn lifetimes_are_granted_shortened_or_refused() /* ATTACKS D11 */
{
    for (lines, expected) in [
        ("Contact: <sip:a@192.0.2.40>\r\n", Ok(3_600)),
        (
            "Contact: <sip:a@192.0.2.40>;expires=90\r\nExpires: 600\r\n",
            Ok(90),
        ),
        ("Contact: <sip:a@192.0.2.40>\r\nExpires: 60\r\n", Ok(60)),
        (
            "Contact: <sip:a@192.0.2.40>\r\nExpires: 7200\r\n",
            Ok(3_600),
        ),
        (
            "Contact: <sip:a@192.0.2.40>;expires=4294967295\r\n",
            Ok(3_600),
        ),
        (
            "Contact: <sip:a@192.0.2.40>;expires=4294967296\r\n",
            Ok(3_600),
        ),
        // §10.2.1.1: what is no number is an hour.
        (
            "Contact: <sip:a@192.0.2.40>;expires=-1\r\nExpires: 90\r\n",
            Ok(3_600),
        ),
        ("Contact: <sip:a@192.0.2.40>;expires=1e9\r\n", Ok(3_600)),
        ("Contact: <sip:a@192.0.2.40>;expires=0x10\r\n", Ok(3_600)),
        ("Contact: <sip:a@192.0.2.40>;expires\r\n", Ok(3_600)),
        (
            "Contact: <sip:a@192.0.2.40>\r\nExpires: 3600 3600\r\n",
            Ok(3_600),
        ),
        (
            "Contact: <sip:a@192.0.2.40>\r\nExpires: soon\r\n",
            Ok(3_600),
        ),
        (
            "Contact: <sip:a@192.0.2.40>\r\nExpires: 59\r\n",
            Err(Refusal::TooBrief(Seconds(60))),
        ),
        (
            "Contact: <sip:a@192.0.2.40>;expires=1\r\nExpires: 600\r\n",
            Err(Refusal::TooBrief(Seconds(60))),
        ),
    ] {
        let mut f = Fixture::new();
        let desk = f.desk;
        let sent = f.send(desk, register("a", 1, lines));
        match expected {
            Ok(left) => {
                assert_eq!(sent, Ok(()), "{lines}");
                let row = format!("<sip:a@192.0.2.40>;expires={left}");
                assert_eq!(f.contacts(), [row], "{lines}");
            }
            Err(refusal) => {
                assert_eq!(sent, Err(refusal), "{lines}");
                assert!(f.registrar.is_empty());
            }
        }
    }
}

#[test]
fn an_hour_is_never_too_brief() {
    let mut f = Fixture::new();
    f.registrar.set_rules(Seconds(3_600), Seconds(7_200));
    f.refuse(
        "a",
        1,
        "Contact: <sip:a@192.0.2.40>;expires=3599\r\n",
        Refusal::TooBrief(Seconds(3_600)),
    );
    f.accept("a", 1, "Contact: <sip:a@192.0.2.40>;expires=3600\r\n");
    f.accept("a", 2, "Contact: <sip:a@192.0.2.40>;expires=0\r\n");
    assert!(f.registrar.is_empty(), "a removal is not brief");
}

#[test]
fn the_star_removes_all_and_stands_alone() {
    let mut f = Fixture::new();
    f.accept("a", 1, ONE);
    f.accept("b", 1, "Contact: <sip:desk@192.0.2.41>\r\n");
    for lines in [
        "Contact: *\r\n",
        "Contact: *\r\nExpires: 1\r\n",
        "Contact: *\r\nExpires: nought\r\n",
        "Contact: *, <sip:desk@192.0.2.40:5062>\r\nExpires: 0\r\n",
        "Contact: *\r\nContact: *\r\nExpires: 0\r\n",
    ] {
        f.refuse("a", 2, lines, Status::BAD_REQUEST);
    }
    let star = "Contact: *\r\nExpires: 0\r\n";
    f.refuse("a", 1, star, Status::SERVER_ERROR);
    let (door, desk) = (f.door, f.desk);
    assert_eq!(f.send(door, register("a", 1, ONE)), Ok(()));
    f.accept("a", 2, star);
    assert_eq!(f.contacts(), StdVec::<String>::new());
    assert_eq!(f.contacts_of(door).len(), 1, "somebody else's");
    f.accept("a", 2, star);
    assert!(!f.registrar.is_registered(desk));
}

#[test]
fn an_older_request_of_the_same_call_changes_nothing_at_all() {
    let mut f = Fixture::new();
    f.accept("a", 5, ONE);
    let more = "Contact: <sip:new@192.0.2.40>, <sip:desk@192.0.2.40:5062>\r\n";
    for cseq in [4, 5] {
        f.refuse("a", cseq, more, Status::SERVER_ERROR);
        let gone = "Contact: <sip:desk@192.0.2.40:5062>;expires=0\r\n";
        f.refuse("a", cseq, gone, Status::SERVER_ERROR);
    }
    f.accept("b", 1, more);
    assert_eq!(f.contacts().len(), 2, "another call begins anew");
    f.refuse("b", 1, ONE, Status::SERVER_ERROR);
    f.accept("a", 1, ONE);
}

#[test]
fn contacts_compare_as_uris() /* RFC 3261 §19.1.4 */
{
    let mut f = Fixture::new();
    f.accept("a", 1, "Contact: <sip:desk@Phone.Example;x=1>\r\n");
    f.accept("a", 2, "Contact: sip:%64esk@phone.example;expires=90\r\n");
    assert_eq!(f.contacts(), ["<sip:%64esk@phone.example>;expires=90"]);
    for (cseq, other) in [
        (3, "sip:desk@phone.example:5060"),
        (4, "sip:Desk@phone.example"),
        (5, "sip:desk@phone.example;transport=tcp"),
    ] {
        f.accept("a", cseq, &format!("Contact: <{other}>\r\n"));
        assert_eq!(f.contacts().len(), cseq as usize - 1, "{other}");
    }
    f.accept(
        "a",
        6,
        "Contact: <sip:desk@phone.example>;expires=0, <sip:Desk@phone.example>;expires=0\r\n",
    );
    assert_eq!(f.contacts().len(), 2);
}

#[test]
fn what_is_named_twice_means_what_is_said_last() {
    let mut f = Fixture::new();
    f.accept(
        "a",
        1,
        "Contact: <sip:a@192.0.2.40>;expires=90, <sip:b@192.0.2.40>\r\n\
         Contact: <sip:a@192.0.2.40>;expires=120\r\n",
    );
    assert_eq!(
        f.contacts(),
        [
            "<sip:a@192.0.2.40>;expires=120",
            "<sip:b@192.0.2.40>;expires=3600"
        ]
    );
    f.accept(
        "a",
        2,
        "Contact: <sip:a@192.0.2.40>, <sip:a@192.0.2.40>;expires=0\r\n",
    );
    assert_eq!(f.contacts(), ["<sip:b@192.0.2.40>;expires=3600"]);
}

#[test]
fn a_phone_that_names_its_instance_and_flow_moves_with_its_binding() /* RFC 5626 §6 */
{
    let at = |host: u8, instance: &str, flow: &str| {
        format!(
            "Contact: <sip:desk@192.0.2.{host}>;+sip.instance=\"<urn:uuid:{instance}>\"{flow}\r\n"
        )
    };
    let mut f = Fixture::new();
    f.accept("a", 1, &at(40, "1", ";reg-id=1"));
    f.accept("b", 1, &at(41, "1", ";reg-id=1"));
    assert_eq!(f.contacts(), ["<sip:desk@192.0.2.41>;expires=3600"]);
    f.accept("b", 2, &at(41, "1", ";reg-id=2"));
    f.accept("b", 3, &at(41, "2", ";reg-id=1"));
    assert_eq!(f.contacts().len(), 3, "flows and instances stay apart");
    f.accept("c", 1, &at(42, "1", ""));
    assert_eq!(f.contacts().len(), 4, "an instance alone is an address");
    f.accept("d", 1, &at(42, "1", ";reg-id=1"));
    assert_eq!(f.contacts().len(), 3, "two that turn out to be one");
    let two = at(43, "3", ";reg-id=1") + &at(43, "3", ";reg-id=2");
    f.refuse("e", 1, &two, Status::BAD_REQUEST);
}

/// As liblinphone does when it has learnt from `rport` under which port it is seen.
#[test]
fn a_phone_that_corrects_its_address_has_one_binding() {
    let at = |port, more| {
        format!("Contact: <sip:desk@192.0.2.40:{port}>;+sip.instance=\"<urn:x>\"{more}\r\n")
    };
    let mut f = Fixture::new();
    f.accept("a", 1, &at(5062, ""));
    f.accept("a", 2, &at(6000, ""));
    assert_eq!(f.contacts().len(), 1);
    assert!(f.contacts()[0].contains(":6000"));
    f.refuse("a", 1, &at(5062, ""), Status::SERVER_ERROR);
    // Another call is another line, and a removal is of what it names.
    f.accept("b", 1, &at(7000, ""));
    f.accept("a", 3, &at(5062, ";expires=0"));
    assert_eq!(f.contacts().len(), 2);
    f.accept("a", 4, &at(6000, ";expires=0"));
    assert_eq!(f.contacts().len(), 1);
    // Without an instance nothing says that it is the same one; and of several nothing says which.
    f.accept("b", 2, "Contact: <sip:desk@192.0.2.40:7001>\r\n");
    assert_eq!(f.contacts().len(), 2);
    f.accept("b", 3, &(at(7002, "") + &at(7003, "")));
    assert_eq!(f.contacts().len(), 4);
}

#[test]
fn contacts_that_nobody_can_be_at_are_refused() /* ATTACKS B04 */
{
    let mut f = Fixture::new();
    for uri in [
        "tel:+4930123",
        "mailto:a@b.example",
        "pres:a@b.example",
        "sip:a@0.0.0.0",
        "sip:a@255.255.255.255",
        "sip:a@224.0.0.1",
        "sip:a@[::]",
        "sip:a@[ff02::1]",
    ] {
        let lines = format!("Contact: <{uri}>\r\n");
        f.refuse("a", 1, &lines, Status::BAD_REQUEST);
    }
    f.refuse("a", 1, "Contact: <sip:a@b\r\n", Status::BAD_REQUEST);
    let bare = "Contact: sip:a@b.example?Route=%3Csip:c%3E\r\n";
    f.refuse("a", 1, bare, Status::BAD_REQUEST);
    let long = format!("Contact: <sip:{}@b.example>\r\n", "x".repeat(limits::URI));
    f.refuse("a", 1, &long, Status::MESSAGE_TOO_LARGE);
    let good = "<sip:a@b.example?Route=%3Csip:c%3E>";
    f.accept("a", 1, &format!("Contact: {good}\r\n"));
    assert_eq!(f.contacts(), [format!("{good};expires=3600")]);
}

#[test]
fn five_contacts_in_one_request_are_too_many() /* ATTACKS D10 */
{
    let mut f = Fixture::new();
    let contacts = |count: usize| {
        let rows = (0..count).map(|at| format!("Contact: <sip:a{at}@192.0.2.40>\r\n"));
        rows.collect::<String>()
    };
    let more = limits::BINDINGS_EACH + 1;
    f.refuse("a", 1, &contacts(more), Status::MESSAGE_TOO_LARGE);
    f.accept("a", 1, &contacts(more - 1));
    assert_eq!(f.contacts().len(), limits::BINDINGS_EACH);
}

#[test]
fn one_presentity_has_so_many_bindings_and_no_more() /* ATTACKS C02 */
{
    let mut f = Fixture::new();
    let contact = |at: usize, more: &str| format!("Contact: <sip:a{at}@192.0.2.40>{more}\r\n");
    for at in 0..limits::BINDINGS_EACH {
        f.accept("a", at as u32, &contact(at, ""));
    }
    // A phone that starts again and again pushes out its own leftovers.
    for at in 4..400 {
        f.accept("b", at as u32, &contact(at, ""));
        assert_eq!(f.contacts().len(), limits::BINDINGS_EACH);
    }
    f.accept("b", 401, &(contact(399, "") + &contact(4, "")));
    f.accept("b", 402, &(contact(399, ";expires=0") + &contact(5, "")));
    let named = |f: &Fixture, at: usize| {
        let uri = format!("<sip:a{at}@");
        f.contacts().iter().any(|it| it.starts_with(&uri))
    };
    assert!(named(&f, 4) && named(&f, 5) && !named(&f, 399));
    let door = f.door;
    let other = contact(9, "");
    assert_eq!(f.send(door, register("b", 1, &other)), Ok(()));
}

#[test]
fn in_a_full_table_what_is_there_is_refreshed_and_removed() /* ATTACKS C11 */
{
    for left in 0..3 {
        let mut f = Fixture::new();
        f.registrar.leave_room(Some(left));
        for at in 0..left {
            f.accept(
                "a",
                at as u32,
                &format!("Contact: <sip:a{at}@192.0.2.40>\r\n"),
            );
        }
        f.remote = "192.0.2.41:5062";
        f.refuse("b", 1, ONE, busy());
        f.remote = PHONE;
        if left == 0 {
            continue;
        }
        f.accept("b", 1, "Contact: <sip:a0@192.0.2.40>;expires=90\r\n");
        assert_eq!(f.registrar.len(), left);
        f.accept("b", 2, "Contact: <sip:a0@192.0.2.40>;expires=0\r\n");
        f.accept("b", 3, ONE);
        assert_eq!(f.registrar.len(), left);
    }
}

#[test]
fn whoever_has_most_makes_way_for_a_phone_elsewhere() /* ATTACKS C02 C11 */
{
    let mut f = Fixture::new();
    let contact = |name: &str, at: u32| format!("Contact: <sip:{name}{at}@192.0.2.40>\r\n");
    let of = |f: &Fixture, name: &str| {
        let uri = format!("<sip:{name}");
        f.contacts()
            .iter()
            .filter(|it| it.starts_with(&uri))
            .count()
    };
    f.remote = "192.0.2.66:5060";
    for at in 0..100 {
        f.accept("loops", at, &contact("eve", at));
    }
    f.remote = PHONE;
    f.accept("a", 1, &contact("ann", 1));
    assert_eq!((of(&f, "eve"), of(&f, "ann")), (3, 1));
    for at in 100..200 {
        f.remote = "192.0.2.66:5060";
        f.accept("loops", at, &contact("eve", at));
        f.remote = PHONE;
        f.accept("a", at, &contact("ann", 1));
        assert_eq!((of(&f, "eve"), of(&f, "ann")), (3, 1));
    }
    f.accept("a", 200, &contact("ann", 2));
    assert_eq!((of(&f, "eve"), of(&f, "ann")), (2, 2));
    // From then on each has as many as the other, and pushes out its own.
    f.accept("a", 201, &contact("ann", 3));
    assert_eq!((of(&f, "eve"), of(&f, "ann")), (2, 2));
    // A third who comes with nothing gets one of either.
    f.remote = "[2001:db8::1]:5060";
    f.accept("b", 1, &contact("bob", 1));
    assert_eq!((f.contacts().len(), of(&f, "bob")), (4, 1));
    f.remote = "[2001:db8::2]:5060";
    f.accept("c", 1, &contact("bob", 2));
    assert_eq!(of(&f, "bob"), 1, "one /64 is one address");
}

#[test]
fn one_address_leaves_a_quarter_of_the_table_to_others() /* ATTACKS C11 */
{
    let mut f = Fixture::new();
    f.registrar.leave_room(Some(3));
    let (desk, door) = (f.desk, f.door);
    for at in 0..3 {
        let line = format!("Contact: <sip:a{at}@192.0.2.40>\r\n");
        f.accept("a", at, &line);
    }
    assert_eq!(f.registrar.bindings.room(), 0);
    f.registrar.leave_room(Some(1));
    let share = Refusal::Share("it has its share of bindings");
    assert_eq!(f.send(door, register("b", 1, ONE)), Err(share));
    f.remote = "192.0.2.41:5062";
    assert_eq!(f.send(door, register("c", 1, ONE)), Ok(()));
    f.remote = PHONE;
    assert_eq!(
        f.send(desk, register("a", 9, "Contact: <sip:a0@192.0.2.40>\r\n")),
        Ok(())
    );
}

#[test]
fn a_presentity_that_goes_takes_its_bindings_along() {
    let mut f = Fixture::new();
    let old = f.desk;
    f.accept("a", 1, ONE);
    f.registrar.handle_removal(old);
    f.presentities.remove(old);
    assert!(f.registrar.is_empty());
    assert_eq!(f.registrar.take_changed(), None);
    let new = Presentity::new(Text::copied("sip:new@192.0.2.1").expect("short"));
    f.desk = f.presentities.insert(new).expect("there is room");
    assert_eq!(f.desk.slot(), old.slot());
    f.accept("a", 1, ONE);
    assert!(!f.registrar.is_registered(old));
    assert_eq!(f.contacts_of(old), StdVec::<String>::new());
}

#[test]
fn what_is_over_counts_no_more_even_before_its_timer() {
    let mut f = Fixture::new();
    f.accept("a", 9, ONE);
    f.now = f.now + Seconds(600);
    assert_eq!(f.contacts(), StdVec::<String>::new());
    f.accept("a", 1, "");
    f.accept("a", 1, ONE);
}

#[test]
fn a_restored_binding_goes_on_as_it_was() {
    let mut f = Fixture::new();
    f.accept("a", 7, ONE);
    f.run(100);
    let (id, _) = f.registrar.iter().next().expect("a binding");
    let wall = Wall::from_unix_millis(1_800_000_000_000);
    let at = |now, wall| Moment { now, wall };
    let presentities = &f.presentities;
    let uri_of = |id| presentities.get(id).map(Presentity::uri);
    let kept = f
        .registrar
        .kept(at(f.now, wall), id.slot(), f.now, uri_of)
        .expect("it is there");
    assert_eq!(kept.presentity, "sip:desk@192.0.2.1");
    assert_eq!(kept.contact, "sip:desk@192.0.2.40:5062");
    let lease = Lease::new(f.now + Seconds(500), at(f.now, wall));
    assert_eq!(kept.lease, lease);

    let mut after = Fixture::new();
    let desk = after.desk;
    let now = after.now;
    for ago in [500, 501, u32::MAX] {
        let later = wall + Seconds(ago).duration();
        assert!(!after.registrar.restore(at(now, later), 0, desk, &kept));
    }
    let later = wall + Seconds(200).duration();
    assert!(after.registrar.restore(at(now, later), 0, desk, &kept));
    assert_eq!(after.registrar.take_changed(), Some(desk));
    assert_eq!(after.contacts(), ["<sip:desk@192.0.2.40:5062>;expires=300"]);
    after.refuse("a", 7, ONE, Status::SERVER_ERROR);
    after.accept("a", 8, ONE);
    assert_eq!(after.contacts().len(), 1);
    for slot in 0..=limits::BINDINGS_EACH as u16 {
        after.registrar.restore(at(now, wall), slot, desk, &kept);
    }
    assert_eq!(after.contacts().len(), limits::BINDINGS_EACH);
}
