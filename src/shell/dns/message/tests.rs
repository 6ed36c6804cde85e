use super::*;
use std::vec::Vec as List;

fn name(text: &str) -> Name {
    Name::from_text(text).expect("a name")
}

/// A message under construction; names are written uncompressed unless a pointer is asked for.
struct Message(List<u8>);

impl Message {
    fn answering(question: &[u8], records: u16) -> Message {
        let mut bytes = question.to_vec();
        bytes[2] = 0x81;
        bytes[3] = 0x80;
        bytes[6..8].copy_from_slice(&records.to_be_bytes());
        Message(bytes)
    }

    fn record(mut self, owner: &[u8], kind: u16, lifetime: u32, data: &[u8]) -> Message {
        self.0.extend(owner);
        self.0.extend(kind.to_be_bytes());
        self.0.extend([0, 1]);
        self.0.extend(lifetime.to_be_bytes());
        let length = u16::try_from(data.len()).expect("short");
        self.0.extend(length.to_be_bytes());
        self.0.extend(data);
        self
    }
}

/// The asked name, which always starts behind the header.
const ASKED: &[u8] = &[0xc0, 12];

fn ask(text: &str, kind: Kind) -> Vec<u8, QUESTION> {
    question(7, &name(text), kind, false)
}

#[test]
fn a_question_is_what_rfc_1035_draws() {
    let bytes = question(0x1234, &name("PBX.example"), Kind::A, false);
    let expected =
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03PBX\x07example\x00\x00\x01\x00\x01";
    assert_eq!(bytes.as_slice(), expected);
}

#[test]
fn names_that_are_none() {
    let long = "a".repeat(64);
    let many = "a.".repeat(130);
    for text in ["", ".", "a..b", ".a", long.as_str(), many.as_str()] {
        assert_eq!(Name::from_text(text), None, "{text}");
    }
    assert_eq!(name("a.b."), name("A.b"));
}

#[test]
fn addresses_are_taken_with_the_shortest_lifetime() {
    let message = Message::answering(&ask("pbx.example", Kind::A), 2)
        .record(ASKED, 1, 300, &[192, 0, 2, 1])
        .record(ASKED, 1, 60, &[192, 0, 2, 2]);
    let answer = answer(&message.0, 7, &name("pbx.example"), Kind::A).expect("ours");
    assert_eq!(
        answer.addresses.as_slice(),
        [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])]
    );
    assert_eq!((answer.lifetime, answer.fate), (Some(60), Fate::Whole));
}

#[test]
fn aliases_are_followed_in_any_order_and_strangers_ignored() {
    let message = Message::answering(&ask("a.x", Kind::Aaaa), 4)
        .record(b"\x01c\x01x\x00", 28, 30, &[1; 16])
        .record(b"\x01z\x01x\x00", 28, 30, &[9; 16])
        .record(b"\x01b\x01x\x00", 5, 20, b"\x01C\x01X\x00")
        .record(ASKED, 5, 40, b"\x01b\xc0\x0e");
    let answer = answer(&message.0, 7, &name("a.x"), Kind::Aaaa).expect("ours");
    assert_eq!(answer.addresses.as_slice(), [IpAddr::from([1_u8; 16])]);
    assert_eq!(answer.lifetime, Some(20));
}

#[test]
fn an_alias_loop_ends_without_an_address() /* J07 */
{
    let message = Message::answering(&ask("a.x", Kind::A), 2)
        .record(ASKED, 5, 40, b"\x01b\x01x\x00")
        .record(b"\x01b\x01x\x00", 5, 40, b"\x01a\x01x\x00");
    let answer = answer(&message.0, 7, &name("a.x"), Kind::A).expect("ours");
    assert!(answer.addresses.is_empty() && answer.fate == Fate::Whole);
}

#[test]
fn services_are_read() {
    let message = Message::answering(&ask("_sip._udp.x", Kind::Srv), 1).record(
        ASKED,
        33,
        90,
        b"\x00\x0a\x00\x05\x13\xc4\x03pbx\x01x\x00",
    );
    let answer = answer(&message.0, 7, &name("_sip._udp.x"), Kind::Srv).expect("ours");
    let server = Server {
        priority: 10,
        weight: 5,
        port: 5_060,
        host: name("pbx.x"),
    };
    assert_eq!(answer.servers.as_slice(), [server]);
}

#[test]
fn a_thousand_records_are_cut_to_what_is_used() /* J07 */
{
    let mut message = Message::answering(&ask("a.x", Kind::A), 1_000);
    for _ in 0..1_000 {
        message = message.record(ASKED, 1, 1, &[10, 0, 0, 1]);
    }
    let answer = answer(&message.0, 7, &name("a.x"), Kind::A).expect("ours");
    assert_eq!(answer.addresses.len(), RECORDS);
}

#[test]
fn what_does_not_answer_our_question_is_not_ours() {
    let asked = ask("a.x", Kind::A);
    let good = Message::answering(&asked, 1).record(ASKED, 1, 9, &[10, 0, 0, 1]);
    let is_ours = |bytes: &[u8], id, text, kind| answer(bytes, id, &name(text), kind).is_ok();
    assert!(is_ours(&good.0, 7, "a.x", Kind::A));
    assert!(!is_ours(&good.0, 8, "a.x", Kind::A), "other id");
    assert!(!is_ours(&good.0, 7, "b.x", Kind::A), "other name");
    assert!(!is_ours(&good.0, 7, "a.x", Kind::Aaaa), "other kind");
    assert!(!is_ours(&asked, 7, "a.x", Kind::A), "our own question");
    for end in 0..asked.len() {
        assert!(!is_ours(&good.0[..end], 7, "a.x", Kind::A), "cut at {end}");
    }
}

#[test]
fn no_such_name_is_an_answer_and_a_failure_is_none() {
    for (code, fate) in [
        (0, Fate::Whole),
        (1, Fate::Misread),
        (2, Fate::Failed),
        (3, Fate::Whole),
        (4, Fate::Misread),
        (5, Fate::Failed),
    ] {
        let mut message = Message::answering(&ask("a.x", Kind::A), 0);
        message.0[3] = 0x80 | code;
        let answer = answer(&message.0, 7, &name("a.x"), Kind::A).expect("ours");
        assert_eq!(answer.fate, fate, "code {code}");
        assert!(answer.addresses.is_empty());
    }
    let mut cut = Message::answering(&ask("a.x", Kind::A), 0);
    cut.0[2] |= 2;
    let answer = answer(&cut.0, 7, &name("a.x"), Kind::A).expect("ours");
    assert_eq!(answer.fate, Fate::Cut);
}

#[test]
fn a_pointer_that_does_not_go_back_ends_the_answer() /* J07 */
{
    let asked = ask("a.x", Kind::A);
    for pointer in [
        [0xc0, u8::try_from(asked.len()).expect("short")],
        [0xff, 0xff],
    ] {
        let message = Message::answering(&asked, 1).record(&pointer, 1, 9, &[10, 0, 0, 1]);
        let answer = answer(&message.0, 7, &name("a.x"), Kind::A).expect("ours");
        assert!(answer.addresses.is_empty());
    }
    // A label in front of a pointer to itself grows until a name is full.
    let start = u8::try_from(asked.len()).expect("short");
    let endless =
        Message::answering(&asked, 1).record(&[1, b'a', 0xc0, start], 1, 9, &[10, 0, 0, 1]);
    let answer = answer(&endless.0, 7, &name("a.x"), Kind::A).expect("ours");
    assert!(answer.addresses.is_empty());
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    let asked = ask("a.x", Kind::Srv);
    let good = Message::answering(&asked, 2)
        .record(ASKED, 5, 40, b"\x01b\xc0\x0e")
        .record(
            b"\x01b\x01x\x00",
            33,
            9,
            b"\x00\x01\x00\x01\x13\xc4\x01c\x01x\x00",
        );
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut used = 0;
    for _ in 0..100_000 {
        let mut bytes = good.0.clone();
        for _ in 0..4 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (seed >> 33) as usize % bytes.len();
            bytes[at] = (seed >> 56) as u8;
        }
        used += usize::from(answer(&bytes, 7, &name("a.x"), Kind::Srv).is_ok());
    }
    assert!(used > 1_000, "the mutations reach the records: {used}");
}

#[test]
fn services_of_a_domain_are_those_that_we_speak() /* X17 */
{
    let good = b"\x00\x0a\x00\x14\x01s\x07SIP+D2U\x00\x04_sip\x04_udp\x01x\x00";
    let records: [&[u8]; 5] = [
        good,
        b"\x00\x0a\x00\x14\x01s\x07SIP+D2W\x00\x04_sip\x03_ws\x01x\x00",
        b"\x00\x0a\x00\x14\x01u\x07SIP+D2U\x00\x04_sip\x04_udp\x01x\x00",
        b"\x00\x0a\x00\x14\x01s\x07SIP+D2U\x04!a!b\x00",
        b"\x00\x0a\x00\x14\xffs",
    ];
    let mut message = Message::answering(&ask("x", Kind::Naptr), 5);
    for data in records {
        message = message.record(ASKED, 35, 90, data);
    }
    let answer = answer(&message.0, 7, &name("x"), Kind::Naptr).expect("ours");
    let service = Service {
        order: 10,
        preference: 20,
        transport: Transport::Udp,
        name: name("_sip._udp.x"),
    };
    assert_eq!(answer.services.as_slice(), [service]);
}

#[test]
fn an_answer_in_other_letters_is_known_for_one() {
    let asked = name("PbX.eXample");
    let message = Message::answering(&question(7, &name("pbx.example"), Kind::A, false), 1);
    let message = message.record(ASKED, 1, 60, &[192, 0, 2, 1]);
    let read = |name: Name| answer(&message.0, 7, &name, Kind::A);
    assert_eq!(read(asked), Err(NotOurs::Respelled));
    assert!(read(name("pbx.example")).is_ok());
    assert_eq!(read(name("pbx.other")), Err(NotOurs::Stray));
}

#[test]
fn what_stands_beside_the_answer_is_not_believed() {
    let mut message = Message::answering(&ask("a.x", Kind::A), 0);
    // One additional record: somebody's address, unasked.
    message.0[11] = 1;
    let message = message.record(ASKED, 1, 60, &[6, 6, 6, 6]);
    let answer = answer(&message.0, 7, &name("a.x"), Kind::A).expect("ours");
    assert!(answer.is_empty());
}

#[test]
fn a_question_says_how_much_room_there_is_for_its_answer() /* RFC 6891 §6.1.2 */
{
    let name = name("pbx.example");
    let plain = question(7, &name, Kind::Srv, false);
    let told = question(7, &name, Kind::Srv, true);
    let opt = [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0];
    assert_eq!(told[plain.len()..], opt);
    assert_eq!((plain[11], told[11]), (0, 1));
    assert_eq!(plain[12..], told[12..plain.len()]);
}
