//! The rules of composition, one by one. Whole documents, and strange ones, are in `tests/composition.rs`.

extern crate std;

mod calls;

use super::*;
use crate::wire::doc::pidf;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec as StdVec;

const URN: &str = "urn:uuid:00000000-0000-8000-8000-000000000001";

/// A desk, and what is published of it: number, when it changed, document.
#[derive(Default)]
struct Desk {
    inputs: Inputs,
    reach: Reach,
    calls: StdVec<Call>,
    /// Published documents of calls.
    dialogs: StdVec<String>,
    published: StdVec<(u8, u64, String)>,
    hides_dnd: bool,
}

impl Desk {
    fn with(published: &[&str]) -> Desk {
        let number = |(at, body): (usize, &&str)| (at as u8 + 1, at as u64 + 10, body.to_string());
        Desk {
            published: published.iter().enumerate().map(number).collect(),
            ..Desk::default()
        }
    }

    fn apply(mut self, input: Input) -> Desk {
        self.inputs.apply(input);
        self
    }

    fn registers(mut self, reach: Reach) -> Desk {
        self.reach = reach;
        self
    }

    /// Whoever published first changes it to this.
    fn changes(mut self, body: &str) -> Desk {
        let newest = self.published.iter().map(|it| it.1).max().unwrap_or(0);
        self.published[0] = (self.published[0].0, newest + 10, body.to_string());
        self
    }

    fn compose(&self) -> Composed {
        let mut all: StdVec<_> = self.published.iter().collect();
        all.sort_by_key(|it| core::cmp::Reverse(it.1));
        let read = |body: &str| pidf::read(body.as_bytes()).expect("a good document");
        let says: StdVec<Summary> = all.iter().map(|it| read(&it.2)).collect();
        let published = all.iter().zip(&says).map(|(it, says)| Published {
            number: it.0,
            package: Package::Presence,
            changed: Instant::from_millis(it.1),
            says,
            document: it.2.as_bytes(),
        });
        let nothing = Summary::new();
        let dialogs = (1..).zip(&self.dialogs).map(|(number, body)| Published {
            number,
            package: Package::Dialog,
            changed: Instant::ZERO,
            says: &nothing,
            document: body.as_bytes(),
        });
        let published: StdVec<_> = published.chain(dialogs).collect();
        compose(&Sources {
            inputs: &self.inputs,
            idle_since: Instant::from_millis(15),
            shows_dnd: !self.hides_dnd,
            reach: self.reach,
            device: URN,
            calls: &self.calls,
            published: &published,
        })
    }
}

/// The presence, and whether there is a call.
fn split(composed: Composed) -> (Presence, bool) {
    (composed.presence, !composed.calls.is_empty())
}

fn document(id: &str, basic: &str, more: &str) -> String {
    format!(
        "<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' \
         xmlns:rpid='urn:ietf:params:xml:ns:pidf:rpid'><tuple id='{id}'><status><basic>{basic}</basic></status>\
         </tuple>{more}</presence>"
    )
}

fn person(inside: &str) -> String {
    format!("<dm:person id='p'>{inside}</dm:person>")
}

fn doing(activity: &str) -> String {
    person(&format!(
        "<rpid:activities><rpid:{activity}/></rpid:activities>"
    ))
}

fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).expect("UTF-8")
}

fn tuples(composed: &Composed) -> &str {
    text(composed.presence.carried.parts().tuples)
}

fn in_person(composed: &Composed) -> &str {
    text(composed.presence.carried.parts().person)
}

fn others(composed: &Composed) -> &str {
    text(composed.presence.carried.parts().others)
}

#[test]
fn dnd_is_closed_busy_and_says_so() {
    let mut desk = Desk::default().apply(Input::Dnd(true));
    let (presence, in_call) = split(desk.compose());
    assert_eq!(
        (presence.basic, presence.service),
        (Basic::Closed, Some(Basic::Closed))
    );
    assert_eq!(presence.activities, Activities::BUSY);
    assert_eq!(presence.note.as_str(), "Do not disturb");
    assert!(in_call);
    desk.hides_dnd = true;
    assert!(desk.compose().calls.is_empty());
}

#[test]
fn off_hook_is_open_and_on_the_phone() /* F06 */
{
    let (presence, in_call) = split(Desk::default().apply(Input::Hook(true)).compose());
    assert_eq!(
        (presence.basic, presence.service),
        (Basic::Open, Some(Basic::Open))
    );
    assert_eq!(presence.activities, Activities::ON_THE_PHONE);
    assert_eq!(presence.note.as_str(), "On the phone");
    assert!(in_call);
}

#[test]
fn the_owners_note_comes_first_and_activities_add_up() {
    let desk = Desk::default()
        .apply(Input::Hook(true))
        .apply(Input::Idle(true))
        .apply(Input::Activity(Activities::MEETING))
        .apply(Input::Note(Text::copied("back at three").expect("it fits")));
    let presence = desk.compose().presence;
    let expected = Activities::MEETING
        .with(Activities::ON_THE_PHONE)
        .with(Activities::AWAY);
    assert_eq!(presence.activities, expected);
    assert_eq!(presence.note.as_str(), "back at three");
    let desk = desk.apply(Input::Dnd(true));
    assert_eq!(desk.compose().presence.note.as_str(), "back at three");
    let desk = desk.apply(Input::Clear);
    let presence = desk.compose().presence;
    assert_eq!(presence.activities, Activities::ON_THE_PHONE);
    assert_eq!(presence.note.as_str(), "On the phone");
    let desk = desk.apply(Input::Hook(false));
    assert_eq!(desk.compose().presence, Presence::new());
}

#[test]
fn the_owners_dnd_closes_every_service() {
    let one = document("a", "open", &doing("meeting")).replace("open</", " <!-- x -->open </");
    let odd = "<p:presence xmlns:p='urn:ietf:params:xml:ns:pidf'><p:tuple id='b'><p:status>\
               <p:basic><![CDATA[open]]></p:basic><x:basic xmlns:x='urn:x'>open</x:basic></p:status>\
               <q><p:basic>open</p:basic></q></p:tuple></p:presence>";
    let desk = Desk::with(&[&one, odd]).apply(Input::Dnd(true));
    let composed = desk.compose();
    assert_eq!(composed.presence.basic, Basic::Closed);
    assert_eq!(
        tuples(&composed),
        "<p:tuple xmlns:p=\"urn:ietf:params:xml:ns:pidf\" xmlns=\"\" id='b'><p:status>\
         <p:basic>closed</p:basic><x:basic xmlns:x='urn:x'>open</x:basic></p:status>\
         <q><p:basic>open</p:basic></q></p:tuple>\
         <tuple id='a'><status><basic>closed</basic></status></tuple>"
    );
    assert_eq!(
        composed.presence.activities,
        Activities::MEETING.with(Activities::BUSY)
    );
    assert_eq!(composed.presence.note.as_str(), "Do not disturb");
    let off = desk.apply(Input::Dnd(false)).compose();
    assert!(
        tuples(&off).contains("<basic> <!-- x -->open </basic>"),
        "{}",
        tuples(&off)
    );
    assert_eq!(off.presence.basic, Basic::Open);
}

#[test]
fn the_newest_document_with_an_activity_wins() {
    let meeting = document("a", "open", &doing("meeting"));
    let meal = document("b", "open", &doing("meal"));
    let silent = document("c", "open", "<note>Fishing</note>");
    let desk = Desk::with(&[&meeting, &meal, &silent]);
    let presence = desk.compose().presence;
    assert_eq!(presence.activities, Activities::MEAL);
    assert_eq!(
        presence.note.as_str(),
        "",
        "a note is of whoever tells the activity"
    );
    let desk = desk.changes(&document("a", "open", &doing("vacation")));
    assert_eq!(desk.compose().presence.activities, Activities::VACATION);
    let desk = desk.apply(Input::Activity(Activities::TRAVEL));
    assert_eq!(
        desk.compose().presence.activities,
        Activities::TRAVEL,
        "the owner's"
    );
    // Without any activity, whoever has a note.
    let presence = Desk::with(&[&silent, &document("d", "open", "")])
        .compose()
        .presence;
    assert_eq!(
        (presence.note.as_str(), presence.activities),
        ("Fishing", Activities::NONE)
    );
}

#[test]
fn on_the_phone_is_added_whoever_says_it() {
    let talks = document("a", "open", &doing("on-the-phone"));
    let meal = document("b", "open", &doing("meal"));
    let composed = Desk::with(&[&talks, &meal]).compose();
    let both = Activities::MEAL.with(Activities::ON_THE_PHONE);
    assert_eq!(composed.presence.activities, both);
    assert_eq!(composed.presence.note.as_str(), "On the phone");
    assert!(!composed.calls.is_empty());
    let desk = Desk::with(&[&talks]).apply(Input::Activity(Activities::WORSHIP));
    let both = Activities::WORSHIP.with(Activities::ON_THE_PHONE);
    assert_eq!(desk.compose().presence.activities, both);
}

#[test]
fn away_gives_way_to_a_document_that_changed_since() {
    let body = document("a", "open", "");
    // It changed at 10, and the desk has been idle since 15.
    let desk = Desk::with(&[&body]).apply(Input::Idle(true));
    let presence = desk.compose().presence;
    assert_eq!(
        (presence.activities, presence.idle),
        (Activities::AWAY, true)
    );
    let presence = desk.changes(&document("a", "open", " ")).compose().presence;
    assert_eq!(
        presence.activities,
        Activities::NONE,
        "somebody is at another device"
    );
    assert!(presence.idle, "and not at this one");
}

#[test]
fn notes_are_the_owners_then_the_winners_then_ours() {
    let note = |more: &str| document("a", "open", more);
    for (body, expected) in [
        (note(&person("<dm:note>p</dm:note>")), "p"),
        (note("<note>n</note>"), "n"),
        (
            note("").replace("</status>", "</status><note>t</note>"),
            "t",
        ),
        (
            note(&person(
                "<rpid:activities><rpid:on-the-phone/></rpid:activities>",
            )),
            "On the phone",
        ),
        (
            note(&person("<rpid:activities><rpid:busy/></rpid:activities>"))
                .replace("open", "closed"),
            "Do not disturb",
        ),
        (note("").replace("open", "closed"), ""),
    ] {
        assert_eq!(
            Desk::with(&[&body]).compose().presence.note.as_str(),
            expected,
            "{body}"
        );
    }
    let body = note("<note>n</note>");
    let owner = Input::Note(Text::copied("mine").expect("short"));
    let desk = Desk::with(&[&body]).apply(owner);
    assert_eq!(desk.compose().presence.note.as_str(), "mine");
}

#[test]
fn a_registered_phone_that_does_not_publish_is_open_an_expired_one_closed() {
    for (phone, expected) in [
        (Reach::Here, Basic::Open),
        (Reach::Registered, Basic::Open),
        (Reach::Gone, Basic::Closed),
    ] {
        let desk = Desk::default().registers(phone);
        let presence = desk.compose().presence;
        assert_eq!(
            (presence.service, presence.basic),
            (Some(expected), expected)
        );
        let presence = desk.apply(Input::Dnd(true)).compose().presence;
        assert_eq!(presence.service, Some(Basic::Closed));
    }
}

#[test]
fn a_registering_phone_that_publishes_tells_of_its_services_itself() {
    let body = document("a", "open", "");
    for phone in [Reach::Registered, Reach::Gone] {
        let presence = Desk::with(&[&body]).registers(phone).compose().presence;
        assert_eq!((presence.service, presence.basic), (None, Basic::Open));
        let nothing = "<presence xmlns='urn:ietf:params:xml:ns:pidf'/>";
        let presence = Desk::with(&[nothing]).registers(phone).compose().presence;
        assert!(presence.service.is_some(), "it tells of none");
        assert_eq!(presence.gone, phone == Reach::Gone);
    }
    let presence = Desk::with(&[&body]).compose().presence;
    assert_eq!(
        presence.service,
        Some(Basic::Open),
        "the desk is a service of its own"
    );
}

#[test]
fn phones_are_dnd_where_one_says_so_and_none_takes_calls() /* FIELD 13 */
{
    let bare = document("a", "closed", "");
    let meeting = document("b", "closed", &doing("meeting"));
    let away = document("c", "closed", &doing("away"));
    let open = document("d", "open", "");
    let none = document("e", "unkown", "");
    let noted = document("f", "open", "<note>DND</note>");
    let offline = document("g", "closed", "<note>Offline</note>");
    let (own_open, own_closed) = (Some(Basic::Open), Some(Basic::Closed));
    for (published, refuse, service) in [
        (&[&meeting][..], true, own_closed),
        (&[&noted], true, own_closed),
        (&[&bare, &meeting], true, own_closed),
        (&[&away, &meeting], true, own_closed),
        (&[&offline, &noted], true, own_closed),
        (&[&meeting, &none], true, own_closed),
        (&[&meeting, &open], false, own_open),
        (&[&noted, &open], false, own_open),
        // Nobody says anything of being disturbed.
        (&[&bare], false, own_closed),
        (&[&bare, &none], false, own_closed),
        (&[&bare, &away], false, own_closed),
        (&[&away], false, own_closed),
        (&[&offline], false, own_closed),
        (&[&bare, &open], false, own_open),
        (&[&none], false, own_open),
        (&[], false, own_open),
    ] {
        let bodies: StdVec<&str> = published.iter().map(|it| it.as_str()).collect();
        let mut desk = Desk::with(&bodies);
        let composed = desk.compose();
        assert_eq!(!composed.calls.is_empty(), refuse, "{published:?}");
        let activities = composed.presence.activities;
        assert_eq!(activities.contains(Activities::BUSY), refuse);
        let is_noted = Said::noted(&composed.presence.note) == Some(Said::Refuses);
        assert_eq!(is_noted, refuse, "{published:?}");
        assert_eq!(composed.presence.service, service, "{published:?}");
        desk.hides_dnd = true;
        assert!(desk.compose().calls.is_empty());
    }
}

/// baresip, pjsua and Twinkle that are set offline; a Grandstream.
#[test]
fn a_phone_that_is_closed_is_told_as_closed_and_nothing_else() /* FIELD 13 */
{
    for body in [
        include_str!("../../../tests/bodies/pidf_baresip_publish.xml"),
        include_str!("../../../tests/bodies/pidf_grandstream_publish.xml"),
        include_str!("../../../tests/bodies/pidf_grandstream_contact.xml"),
    ] {
        let desk = Desk::with(&[body]);
        for reach in [Reach::Here, Reach::Registered, Reach::Gone] {
            let (presence, in_call) = split(desk_at(&desk, reach));
            assert_eq!(presence.basic, Basic::Closed);
            assert_ne!(presence.service, Some(Basic::Open));
            assert_eq!(presence.activities, Activities::NONE);
            assert_eq!(presence.note.as_str(), "");
            assert!(!in_call && !presence.gone);
        }
        // The handset of the desk is up: somebody is there.
        let desk = desk.apply(Input::Hook(true));
        let (presence, in_call) = split(desk.compose());
        assert_eq!(presence.service, Some(Basic::Open));
        assert!(in_call);
    }
}

fn desk_at(desk: &Desk, reach: Reach) -> Composed {
    let desk = Desk {
        inputs: desk.inputs.clone(),
        calls: desk.calls.clone(),
        dialogs: desk.dialogs.clone(),
        published: desk.published.clone(),
        hides_dnd: desk.hides_dnd,
        reach,
    };
    desk.compose()
}

#[test]
fn the_owners_note_counts_if_it_is_a_word() /* FIELD 13 */
{
    for (note, activities, in_call, service) in [
        ("Do not disturb", Activities::BUSY, true, Basic::Closed),
        ("On the phone", Activities::ON_THE_PHONE, true, Basic::Open),
        ("Busy", Activities::NONE, false, Basic::Open),
        ("busy baking", Activities::NONE, false, Basic::Open),
    ] {
        let owner = Input::Note(Text::copied(note).expect("short"));
        let composed = Desk::default().apply(owner).compose();
        assert_eq!(composed.presence.activities, activities, "{note}");
        assert_eq!(composed.presence.note.as_str(), note);
        assert_eq!(!composed.calls.is_empty(), in_call, "{note}");
        assert_eq!(composed.presence.service, Some(service), "{note}");
    }
}

#[test]
fn a_note_keeps_its_language_wherever_it_stands() {
    for (body, lang) in [
        (document("a", "open", "<note xml:lang='de'>n</note>"), "de"),
        (
            document("a", "open", &person("<dm:note xml:lang='fr'>n</dm:note>")),
            "fr",
        ),
        (
            document("a", "open", "").replace("</tuple>", "<note xml:lang='it'>n</note></tuple>"),
            "it",
        ),
        (
            document("a", "open", "<note>n</note>").replace(" xmlns:dm", " xml:lang='en' xmlns:dm"),
            "en",
        ),
        (document("a", "open", "<note>n</note>"), ""),
    ] {
        let desk = Desk::with(&[&body]);
        let presence = desk.compose().presence;
        let told = (presence.note.as_str(), presence.lang.as_str());
        assert_eq!(told, ("n", lang), "{body}");
        // What is ours is in no language, even where the winner's is.
        let presence = desk.apply(Input::Dnd(true)).compose().presence;
        assert_eq!(presence.lang.as_str(), "");
    }
}

/// Where one phone refuses and another takes calls, or one says in words alone that it is on the phone.
#[test]
fn both_packages_say_the_same_of_a_note() /* FIELD 13 */
{
    let open = document("a", "open", "");
    let note = |basic, text| document("b", basic, &format!("<note>{text}</note>"));
    for (published, in_call, said) in [
        ([&open, &note("closed", "Do not disturb")], false, ""),
        ([&open, &note("open", " dnd ")], false, ""),
        (
            [&open, &note("open", "Gone fishing")],
            false,
            "Gone fishing",
        ),
        ([&open, &note("open", "On hold")], true, "On hold"),
        ([&open, &note("open", "on the phone")], true, "on the phone"),
        ([&open, &note("open", "Ringing")], true, "Ringing"),
        ([&open, &note("closed", "Offline")], false, ""),
        ([&open, &note("closed", "Unavailable")], false, ""),
        ([&open, &note("closed", "Available")], false, "Available"),
        ([&open, &note("open", "away")], false, "away"),
    ] {
        let composed = Desk::with(&published.map(String::as_str)).compose();
        assert_eq!(composed.presence.note.as_str(), said);
        assert_eq!(!composed.calls.is_empty(), in_call, "{said}");
        let activities = composed.presence.activities;
        assert_eq!(activities.contains(Activities::ON_THE_PHONE), in_call);
        assert!(!activities.contains(Activities::BUSY));
    }
}

#[test]
fn what_is_carried_keeps_the_language_that_was_said_around_it() {
    let inside = "<note>n</note><tuple id='b' xml:lang='fr'><note>m</note></tuple>\
                  <dm:person id='p' xml:lang='it'><rpid:mood id='m'><rpid:note>o</rpid:note></rpid:mood></dm:person>\
                  <dm:device id='d' xml:lang=''/>";
    let body = document("a", "open", inside);
    let plain = Desk::with(&[&body]).compose();
    assert!(tuples(&plain).starts_with("<tuple id='a'>"));
    let body = body.replacen(" xmlns:dm", " xml:lang=\"d&#101;\" xmlns:dm", 1);
    let composed = Desk::with(&[&body]).compose();
    assert_eq!(
        tuples(&composed),
        "<tuple xml:lang=\"de\" id='a'><status><basic>open</basic></status></tuple>\
         <tuple id='b' xml:lang='fr'><note>m</note></tuple>"
    );
    let mood = in_person(&composed);
    assert!(
        mood.starts_with("<rpid:mood xml:lang=\"it\" id='m'>"),
        "{mood}"
    );
    assert_eq!(others(&composed), "<dm:device id='d' xml:lang=''/>");
    assert_eq!(composed.presence.lang.as_str(), "de");
}

#[test]
fn ids_stay_unique_and_do_not_move_when_another_changes() /* C19 */
{
    let twice = document("a", "open", "").replace(
        "<tuple id='a'>",
        "<tuple id='a'><status/></tuple><tuple id=' a.2 '><status/></tuple><tuple id='a'>",
    );
    let one = document("a", "open", "<dm:device id='sip'/>");
    let desk = Desk::with(&[&one, &twice]);
    let ids = |composed: &Composed| -> StdVec<String> {
        let all = format!("{}{}", tuples(composed), others(composed));
        all.split("id='")
            .skip(1)
            .map(|it| it.split('\'').next().expect("an end").to_string())
            .collect()
    };
    assert_eq!(
        ids(&desk.compose()),
        ["a.2.2", " a.2 ", "a.2.3", "a", "sip.1"]
    );
    let desk = desk.changes(&one.replace("open", "closed"));
    assert_eq!(
        ids(&desk.compose()),
        ["a", "a.2.2", " a.2 ", "a.2.3", "sip.1"]
    );
}

#[test]
fn extensions_of_the_winners_persons_are_carried_inside_ours() {
    let mood = "<rpid:mood id='m'><rpid:angry/></rpid:mood>";
    let winner = document(
        "a",
        "open",
        &format!(
            "{}{}",
            person(&format!(
                "<rpid:activities><rpid:busy/></rpid:activities>{mood}<dm:note>n</dm:note>\
                 <x:thing xmlns:x='urn:x'/><dm:timestamp>t</dm:timestamp>"
            )),
            person("<rpid:mood/><rpid:place-type><rpid:office/></rpid:place-type>"),
        ),
    );
    let loser = document("b", "open", &person("<rpid:class>x</rpid:class>"));
    let composed = Desk::with(&[&winner, &loser]).compose();
    assert_eq!(
        in_person(&composed),
        format!(
            "{mood}<x:thing xmlns:x='urn:x'/>\
             <rpid:place-type><rpid:office/></rpid:place-type>"
        )
    );
}

#[test]
fn devices_and_extensions_are_carried_with_their_namespaces() {
    let one = document(
        "a",
        "open",
        "<dm:device id='d'><dm:deviceID>urn:x</dm:deviceID></dm:device>",
    );
    let two = "<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:z='urn:z' xmlns:y='urn:y'>\
               <z:list p='z:q'><y:i/></z:list><u:undeclared u:x='1'/></presence>";
    let composed = Desk::with(&[&one, two]).compose();
    assert_eq!(
        others(&composed),
        "<dm:device id='d'><dm:deviceID>urn:x</dm:deviceID></dm:device>\
         <z:list xmlns:z=\"urn:z\" xmlns:y=\"urn:y\" p='z:q'><y:i/></z:list>\
         <u:undeclared xmlns:u=\"urn:undeclared:u\" u:x='1'/>"
    );
}

#[test]
fn what_breaks_the_rules_of_namespaces_is_left_out() {
    for (declared, inside) in [
        ("", "<a xmlns:p=''/>"),
        ("", "<a xmlns:xml='urn:x'/>"),
        ("", "<a xmlns:xmlns='urn:x'/>"),
        ("", "<a xmlns='http://www.w3.org/2000/xmlns/'/>"),
        ("", "<xmlns:a/>"),
        ("xmlns:p=''", "<p:a/>"),
        ("xmlns:p='http://www.w3.org/XML/1998/namespace'", "<p:a/>"),
        ("xmlns:p='urn:x' xmlns:q='urn:&#120;'", "<a p:b='' q:b=''/>"),
        ("xmlns:p='urn:x' xmlns:q=' urn:x'", "<a p:b='' q:b=''/>"),
    ] {
        let body = format!(
            "<presence xmlns='urn:ietf:params:xml:ns:pidf' {declared}>{inside}<b/></presence>"
        );
        assert_eq!(others(&Desk::with(&[&body]).compose()), "<b/>", "{body}");
    }
}

#[test]
fn what_does_not_fit_is_left_out_by_whole_elements() {
    let filler = |tag: &str, id: &str, len: usize| {
        format!("<{tag} id='{id}'><note>{}</note></{tag}>", "x".repeat(len))
    };
    let old = document("x", "open", &filler("tuple", "old", 900));
    let new = document(
        "y",
        "open",
        &format!(
            "{}{}<ext/>{}",
            filler("tuple", "new", 400),
            filler("dm:device", "dev", 300),
            person(&format!("<rpid:mood>{}</rpid:mood>", "y".repeat(100)))
        ),
    );
    let composed = Desk::with(&[&old, &new]).compose();
    let (tuples, others) = (tuples(&composed), others(&composed));
    assert!(tuples.contains("'new'") && tuples.contains("'old'"));
    assert!(in_person(&composed).contains("yyy"));
    assert_eq!(others.matches("<dm:device").count(), 1);
    assert_eq!(others.matches("<ext/>").count(), 1);
    let carried = |new_len: usize| {
        let new = new.replace(&"x".repeat(400), &"x".repeat(new_len));
        let composed = Desk::with(&[&old, &new]).compose();
        let parts = composed.presence.carried.parts();
        let has = |part: &[u8], what: &str| text(part).contains(what);
        [
            has(parts.others, "<ext/>"),
            has(parts.others, "<dm:device"),
            has(parts.person, "yyy"),
            has(parts.tuples, "'old'"),
            has(parts.tuples, "'new'"),
        ]
    };
    let mut steps = StdVec::from([carried(400)]);
    for len in 400..1_200 {
        let now = carried(len);
        if steps.last() != Some(&now) {
            steps.push(now);
        }
    }
    assert_eq!(
        steps,
        [
            [true, true, true, true, true],
            [false, true, true, true, true],
            [false, false, true, true, true],
            [false, false, false, true, true],
            [false, false, false, false, true],
        ]
    );
    // One that fits nowhere takes nothing with it.
    let large = document("x", "open", &filler("tuple", "large", 1_700)).replace(
        "<tuple id='large'>",
        &format!("<tuple id='large' xmlns:z='{}'>", "z".repeat(400)),
    );
    let composed = Desk::with(&[&old, &large]).compose();
    let has = |id: &str| text(composed.presence.carried.parts().tuples).contains(id);
    assert!(has("'x'") && !has("'large'"));
}

#[test]
fn what_we_said_ourselves_is_not_heard() /* ATTACKS B05 */
{
    let echo = document("sip", "closed", &doing("on-the-phone"));
    let echo = echo.replace(
        "</tuple>",
        &format!("<dm:deviceID>{URN}</dm:deviceID></tuple>"),
    );
    assert_eq!(Desk::with(&[&echo]).compose().presence, Presence::new());
}

#[test]
fn equal_ids_cost_no_more_than_different_ones() /* ATTACKS G11 */
{
    let tuples = |id: &dyn Fn(usize) -> String| {
        let one = |at| format!("<tuple id='{}'><status/></tuple>", id(at));
        let all: String = (0..150).map(one).collect();
        format!("<presence xmlns='urn:ietf:params:xml:ns:pidf'>{all}</presence>")
    };
    let took = |desk: &Desk| {
        let times = (0..20).map(|_| {
            let before = std::time::Instant::now();
            std::hint::black_box(desk.compose());
            before.elapsed()
        });
        times.min().expect("some")
    };
    let equal = Desk::with(&[&tuples(&|_| String::from("t000"))]);
    let others = Desk::with(&[&tuples(&|at| format!("t{at:03}"))]);
    let (equal_took, others_took) = (took(&equal), took(&others));
    assert!(
        equal_took < 4 * others_took,
        "{equal_took:?} and {others_took:?}"
    );
    let composed = equal.compose();
    let told = text(composed.presence.carried.parts().tuples);
    let mut ids: StdVec<&str> = told
        .split(" id=")
        .skip(1)
        .map(|it| it.split('>').next().expect("an end"))
        .collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert!(count > 20 && ids.len() == count, "{told}");
}
