mod streams;

use super::message::{Kind, Name, QUESTION};
use super::*;
use crate::shell::poller::Poller;
use crate::ua::query::Asker;
use std::fs;
use std::path::PathBuf;

/// A resolver whose machine has files of its own and one name server: a socket of the test.
struct Fixture {
    poller: Poller,
    resolver: Resolver,
    server: UdpSocket,
    folder: PathBuf,
    now: Instant,
}

const fn query(number: u32) -> Query {
    Query {
        asker: Asker::Watch,
        slot: 0,
        number,
    }
}

impl Fixture {
    fn new(test: &str) -> Fixture {
        let poller = Poller::new().expect("a poller");
        let server = UdpSocket::bind("127.0.0.1:0").expect("a server");
        server
            .set_read_timeout(Some(Duration::from_secs(5)))
            .expect("set");
        let folder =
            std::env::temp_dir().join(format!("lampfield-dns-{}-{test}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).expect("written");
            path.to_str().expect("UTF-8").to_string()
        };
        let paths = Paths {
            hosts: write("hosts", "10.0.0.5 door\n"),
            resolv_conf: write("resolv.conf", "nameserver 127.0.0.1\nsearch lan\n"),
            port: server.local_addr().expect("bound").port(),
        };
        let families = Families {
            v4: true,
            v6: false,
        };
        Fixture {
            resolver: Resolver::new(poller.registry(), families, paths),
            poller,
            server,
            folder,
            now: Instant::from_millis(1_000),
        }
    }

    fn ask(&mut self, number: u32, host: &str, port: Option<u16>) {
        self.ask_over(Some(Transport::Udp), number, host, port);
    }

    fn ask_over(
        &mut self,
        transport: Option<Transport>,
        number: u32,
        host: &str,
        port: Option<u16>,
    ) {
        let name = query::Name {
            host,
            port,
            transport,
        };
        self.resolver.ask(self.now, query(number), name);
    }

    /// Takes the next question at the server and checks it; gives it as a server of old would have it.
    #[track_caller]
    fn expect_question(&self, name: &str, kind: Kind) -> (Vec<u8>, SocketAddr) {
        let mut buf = [0; QUESTION];
        let (length, from) = self.server.recv_from(&mut buf).expect("a question came");
        (checked(&buf[..length], name, kind, true), from)
    }

    /// Answers a question with `records`, each being kind and data.
    fn answer(&mut self, question: &(Vec<u8>, SocketAddr), code: u8, records: &[(u16, &[u8])]) {
        self.answer_in(7, question, code, records);
    }

    /// The same in the authority section.
    fn answer_with_authority(
        &mut self,
        question: &(Vec<u8>, SocketAddr),
        code: u8,
        records: &[(u16, &[u8])],
    ) {
        self.answer_in(9, question, code, records);
    }

    fn answer_in(
        &mut self,
        section: usize,
        question: &(Vec<u8>, SocketAddr),
        code: u8,
        records: &[(u16, &[u8])],
    ) {
        let mut bytes = question.0.clone();
        bytes[2] = 0x81;
        bytes[3] = 0x80 | code;
        bytes[section] = u8::try_from(records.len()).expect("few");
        for (kind, data) in records {
            bytes.extend([0xc0, 12]);
            bytes.extend(kind.to_be_bytes());
            bytes.extend([0, 1, 0, 0, 0, 60]);
            bytes.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
            bytes.extend(*data);
        }
        self.server.send_to(&bytes, question.1).expect("sent");
        let ready: Vec<_> = self.poller.wait(false).expect("waits").collect();
        assert_eq!(ready, [Source::Dns]);
        self.resolver.handle_readable(self.now);
    }

    #[track_caller]
    fn expect_finished(&mut self, number: u32, address: Option<&str>) {
        let found = self.take_finished(number);
        let found = Vec::from_iter(found.iter().map(|it| it.address));
        let expected = address.map(|text| text.parse().expect("an address"));
        assert_eq!(found, Vec::from_iter(expected));
    }

    /// Where the name of that question leads, in order, as `udp 192.0.2.1:5060`.
    #[track_caller]
    fn expect_found(&mut self, number: u32, expected: &[&str]) {
        let found = self.take_finished(number);
        let name = |it: &Target| it.transport.name().to_ascii_lowercase();
        let found = found
            .iter()
            .map(|it| format!("{} {}", name(it), it.address));
        assert_eq!(Vec::from_iter(found), expected);
    }

    #[track_caller]
    fn take_finished(&mut self, number: u32) -> Found {
        let (asked, found) = self.resolver.take_finished().expect("it is finished");
        assert_eq!(asked, query(number));
        found
    }

    #[track_caller]
    fn expect_nothing_yet(&mut self) {
        assert_eq!(self.resolver.take_finished(), None);
    }

    fn pass_deadline(&mut self) {
        self.now = self.resolver.deadline().expect("it waits");
        self.resolver.handle_timeout(self.now);
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder); // The system clears its temporary files too.
    }
}

/// A question without what it says of our room, after a look at it.
#[track_caller]
fn checked(bytes: &[u8], name: &str, kind: Kind, tells_room: bool) -> Vec<u8> {
    let id = u16::from_be_bytes([bytes[0], bytes[1]]);
    let name = Name::from_text(name).expect("a name");
    let expected = message::question(id, &name, kind, tells_room);
    // In whatever letters.
    assert!(bytes.eq_ignore_ascii_case(&expected));
    match tells_room {
        true => without_room(bytes),
        false => bytes.to_vec(),
    }
}

/// A question without its OPT record.
fn without_room(bytes: &[u8]) -> Vec<u8> {
    let mut plain = bytes[..bytes.len() - 11].to_vec();
    plain[11] = 0;
    plain
}

const A: u16 = 1;
const SRV: u16 = 33;
const NAPTR: u16 = 35;
const SOA: u16 = 6;

#[test]
fn what_the_machine_knows_needs_no_server() {
    let mut it = Fixture::new("local");
    for (host, port, address) in [
        ("192.0.2.1", None, "192.0.2.1:5060"),
        ("[2001:db8::1]", Some(5_070), "[2001:db8::1]:5070"),
        ("localhost", Some(5_070), "127.0.0.1:5070"),
        ("DOOR", None, "10.0.0.5:5060"),
    ] {
        it.ask(1, host, port);
        it.expect_finished(1, Some(address));
    }
    assert_eq!(it.resolver.deadline(), None);
}

#[test]
fn a_name_with_a_port_needs_only_its_address() /* X17 */
{
    let mut it = Fixture::new("port");
    it.ask(3, "pbx.example", Some(5_080));
    it.expect_nothing_yet();
    let question = it.expect_question("pbx.example", Kind::A);
    it.answer(&question, 0, &[(A, &[192, 0, 2, 9])]);
    it.expect_finished(3, Some("192.0.2.9:5080"));
}

#[test]
fn a_name_without_a_port_is_first_asked_for_its_service() /* X17 */
{
    let mut it = Fixture::new("service");
    it.ask(3, "example.net", None);
    let question = it.expect_question("_sip._udp.example.net", Kind::Srv);
    let spare = b"\x00\x14\x00\x00\x13\xd8\x05spare\x03net\x00";
    let main = b"\x00\x0a\x00\x00\x13\xd7\x04main\x03net\x00";
    it.answer(&question, 0, &[(SRV, spare), (SRV, main)]);
    let question = it.expect_question("main.net", Kind::A);
    it.answer(&question, 3, &[]);
    let question = it.expect_question("spare.net", Kind::A);
    it.answer(&question, 0, &[(A, &[192, 0, 2, 9])]);
    it.expect_found(3, &["udp 192.0.2.9:5080"]);
}

/// A server may offer each transport on another port, or on another machine.
#[test]
fn a_server_on_tcp_is_asked_for_its_service_on_tcp() /* X17 */
{
    let mut it = Fixture::new("tcp");
    it.ask_over(Some(Transport::Tcp), 3, "example.net", None);
    let question = it.expect_question("_sip._tcp.example.net", Kind::Srv);
    it.answer(
        &question,
        0,
        &[(SRV, b"\x00\x0a\x00\x00\x13\xd8\x03tcp\x03net\x00")],
    );
    let question = it.expect_question("tcp.net", Kind::A);
    it.answer(&question, 0, &[(A, &[192, 0, 2, 9])]);
    it.expect_finished(3, Some("192.0.2.9:5080"));
    // What is known of one transport says nothing of another.
    it.ask(4, "example.net", None);
    it.expect_nothing_yet();
    let question = it.expect_question("_sip._udp.example.net", Kind::Srv);
    it.answer(
        &question,
        0,
        &[(SRV, b"\x00\x0a\x00\x00\x13\xd9\x03udp\x03net\x00")],
    );
    let question = it.expect_question("udp.net", Kind::A);
    it.answer(&question, 0, &[(A, &[192, 0, 2, 10])]);
    it.expect_finished(4, Some("192.0.2.10:5081"));
    it.ask_over(Some(Transport::Tcp), 5, "example.net", None);
    it.expect_finished(5, Some("192.0.2.9:5080"));
}

#[test]
fn without_a_service_on_tcp_the_name_itself_is_asked() {
    let mut it = Fixture::new("no-tcp-service");
    it.ask_over(Some(Transport::Tcp), 3, "example.net", None);
    let question = it.expect_question("_sip._tcp.example.net", Kind::Srv);
    it.answer(&question, 3, &[]);
    let question = it.expect_question("example.net", Kind::A);
    it.answer(&question, 0, &[(A, &[192, 0, 2, 9])]);
    it.expect_finished(3, Some("192.0.2.9:5060"));
}

#[test]
fn without_a_service_the_name_itself_is_asked() {
    let mut it = Fixture::new("no-service");
    it.ask(3, "example.net", None);
    let question = it.expect_question("_sip._udp.example.net", Kind::Srv);
    it.answer(&question, 3, &[]);
    let question = it.expect_question("example.net", Kind::A);
    it.answer(&question, 0, &[(A, &[192, 0, 2, 9])]);
    it.expect_finished(3, Some("192.0.2.9:5060"));
}

#[test]
fn a_short_name_is_tried_in_the_search_domain() {
    let mut it = Fixture::new("short");
    it.ask(3, "pbx", Some(5_060));
    let question = it.expect_question("pbx.lan", Kind::A);
    it.answer(&question, 3, &[]);
    let question = it.expect_question("pbx", Kind::A);
    it.answer(&question, 3, &[]);
    it.expect_finished(3, None);
}

#[test]
fn equal_questions_share_one_lookup_and_its_answer_is_kept() {
    let mut it = Fixture::new("shared");
    for query in [3, 4] {
        it.ask(query, "pbx.example", Some(5_060));
    }
    let question = it.expect_question("pbx.example", Kind::A);
    it.answer(&question, 0, &[(A, &[192, 0, 2, 9])]);
    it.expect_finished(3, Some("192.0.2.9:5060"));
    it.expect_finished(4, Some("192.0.2.9:5060"));
    it.now += Duration::from_secs(59);
    it.ask(5, "PBX.example", Some(5_060));
    it.expect_finished(5, Some("192.0.2.9:5060"));
    it.now += Duration::from_secs(2);
    it.ask(6, "pbx.example", Some(5_060));
    it.expect_nothing_yet();
}

#[test]
fn silence_is_asked_twice_then_the_last_good_address_serves() /* J07 */
{
    let mut it = Fixture::new("silence");
    it.ask(1, "pbx.example", Some(5_060));
    let question = it.expect_question("pbx.example", Kind::A);
    it.answer(&question, 0, &[(A, &[192, 0, 2, 9])]);
    it.expect_finished(1, Some("192.0.2.9:5060"));

    it.now += Duration::from_secs(100);
    it.ask(2, "pbx.example", Some(5_060));
    let started = it.now;
    it.expect_question("pbx.example", Kind::A);
    it.pass_deadline();
    it.expect_nothing_yet();
    it.expect_question("pbx.example", Kind::A);
    it.pass_deadline();
    it.expect_finished(2, Some("192.0.2.9:5060"));
    assert_eq!(it.now - started, PATIENCE * 2);
    assert_eq!(it.resolver.deadline(), None);
}

#[test]
fn no_such_name_is_believed_for_a_short_while() {
    let mut it = Fixture::new("negative");
    it.ask(1, "pbx.example", Some(5_060));
    let question = it.expect_question("pbx.example", Kind::A);
    it.answer(&question, 3, &[]);
    it.expect_finished(1, None);
    it.ask(2, "pbx.example", Some(5_060));
    it.expect_finished(2, None);
    it.now += FAILURE;
    it.ask(3, "pbx.example", Some(5_060));
    it.expect_nothing_yet();
}

#[test]
fn a_forged_answer_is_passed_over() {
    let mut it = Fixture::new("forged");
    it.ask(1, "pbx.example", Some(5_060));
    let question = it.expect_question("pbx.example", Kind::A);
    let mut forged = question.clone();
    forged.0[0] ^= 0xff;
    it.answer(&forged, 0, &[(A, &[6, 6, 6, 6])]);
    it.expect_nothing_yet();
    // Not even heard: another sender than the server that was asked.
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a stranger");
    let _ = stranger.send_to(&question.0, question.1); // The kernel may refuse it at once.
    it.answer(&question, 0, &[(A, &[192, 0, 2, 9])]);
    it.expect_finished(1, Some("192.0.2.9:5060"));
}

#[test]
fn a_failing_server_is_asked_again_at_once() {
    let mut it = Fixture::new("failing");
    it.ask(1, "pbx.example", Some(5_060));
    for _ in 0..2 {
        let question = it.expect_question("pbx.example", Kind::A);
        it.answer(&question, 2, &[]);
    }
    it.expect_finished(1, None);
}

#[test]
fn too_many_names_at_once_get_no_address() {
    let mut it = Fixture::new("many");
    let count = u32::try_from(LOOKUPS).expect("few");
    for query in 0..=count {
        it.ask(query, &format!("pbx{query}.example"), Some(5_060));
    }
    it.expect_finished(count, None);
    it.expect_nothing_yet();
}

#[test]
fn the_records_say_what_is_spoken_and_in_which_order_all_are_tried() /* X17 T20 */
{
    let mut it = Fixture::new("naptr");
    it.ask_over(None, 3, "example.net", None);
    let question = it.expect_question("example.net", Kind::Naptr);
    let udp = b"\x00\x14\x00\x0a\x01s\x07SIP+D2U\x00\x04_sip\x04_udp\x01x\x03net\x00";
    let tcp = b"\x00\x0a\x00\x0a\x01S\x07sip+d2t\x00\x04_sip\x04_tcp\x01x\x03net\x00";
    let tls = b"\x00\x0f\x00\x0a\x01s\x08SIPS+D2T\x00\x05_sips\x04_tcp\x01x\x03net\x00";
    let rule = b"\x00\x01\x00\x0a\x01u\x07E2U+sip\x05!a!b!\x00";
    let all: [(u16, &[u8]); 4] = [(NAPTR, udp), (NAPTR, tls), (NAPTR, rule), (NAPTR, tcp)];
    it.answer(&question, 0, &all);
    let question = it.expect_question("_sip._tcp.x.net", Kind::Srv);
    let (main, spare) = (
        b"\x00\x0a\x00\x05\x13\xd7\x04main\x03net\x00",
        b"\x00\x14\x00\x00\x13\xd8\x05spare\x03net\x00",
    );
    it.answer(&question, 0, &[(SRV, spare), (SRV, main)]);
    let question = it.expect_question("main.net", Kind::A);
    it.answer(&question, 0, &[(A, &[192, 0, 2, 1])]);
    let question = it.expect_question("spare.net", Kind::A);
    it.answer(&question, 0, &[(A, &[192, 0, 2, 2])]);
    let mut all = std::vec!["tcp 192.0.2.1:5079", "tcp 192.0.2.2:5080"];
    if cfg!(feature = "tls") {
        let question = it.expect_question("_sips._tcp.x.net", Kind::Srv);
        it.answer(&question, 0, &[(SRV, spare)]);
        let question = it.expect_question("spare.net", Kind::A);
        it.answer(&question, 0, &[(A, &[192, 0, 2, 2])]);
        all.push("tls 192.0.2.2:5080");
    }
    let question = it.expect_question("_sip._udp.x.net", Kind::Srv);
    it.answer(&question, 0, &[(SRV, main)]);
    let question = it.expect_question("main.net", Kind::A);
    it.answer(&question, 0, &[(A, &[192, 0, 2, 1])]);
    all.push("udp 192.0.2.1:5079");
    it.expect_found(3, &all);
}

#[test]
fn without_naptr_records_the_services_are_guessed() /* X17 */
{
    let mut it = Fixture::new("guessed");
    it.ask_over(None, 3, "example.net", None);
    let question = it.expect_question("example.net", Kind::Naptr);
    it.answer(&question, 0, &[]);
    let question = it.expect_question("_sip._udp.example.net", Kind::Srv);
    it.answer(&question, 3, &[]);
    let question = it.expect_question("_sip._tcp.example.net", Kind::Srv);
    it.answer(
        &question,
        0,
        &[(SRV, b"\x00\x0a\x00\x05\x13\xd7\x04main\x03net\x00")],
    );
    let question = it.expect_question("main.net", Kind::A);
    it.answer(&question, 0, &[(A, &[192, 0, 2, 1])]);
    it.expect_found(3, &["tcp 192.0.2.1:5079"]);
}

#[test]
fn tls_has_a_port_and_a_service_of_its_own() /* X17 */
{
    let mut it = Fixture::new("tls");
    it.ask_over(Some(Transport::Tls), 3, "example.net", None);
    let question = it.expect_question("_sips._tcp.example.net", Kind::Srv);
    it.answer(&question, 3, &[]);
    let question = it.expect_question("example.net", Kind::A);
    it.answer(&question, 0, &[(A, &[192, 0, 2, 1])]);
    it.expect_found(3, &["tls 192.0.2.1:5061"]);
    it.ask_over(Some(Transport::Tls), 4, "192.0.2.7", None);
    it.expect_found(4, &["tls 192.0.2.7:5061"]);
}

#[test]
fn a_service_that_is_not_offered_is_not_looked_for_at_the_name() /* RFC 2782 */
{
    let mut it = Fixture::new("denied");
    it.ask(3, "example.net", None);
    let question = it.expect_question("_sip._udp.example.net", Kind::Srv);
    it.answer(&question, 0, &[(SRV, b"\x00\x00\x00\x00\x00\x00\x00")]);
    it.expect_finished(3, None);
}

#[test]
fn all_addresses_of_a_name_are_found() /* T20 */
{
    let mut it = Fixture::new("several");
    it.ask(1, "pbx.example", Some(5_060));
    let question = it.expect_question("pbx.example", Kind::A);
    it.answer(&question, 0, &[(A, &[10, 0, 0, 1]), (A, &[10, 0, 0, 2])]);
    let mut found = it.take_finished(1);
    found.sort_by_key(|it| it.address);
    let addresses = found.iter().map(|it| it.address.to_string());
    assert_eq!(
        Vec::from_iter(addresses),
        ["10.0.0.1:5060", "10.0.0.2:5060"]
    );
}

#[test]
fn whoever_may_be_asked_is_bounded() /* ATTACKS J07 */
{
    let mut it = Fixture::new("bounded");
    it.ask(3, "example.net", None);
    let question = it.expect_question("_sip._udp.example.net", Kind::Srv);
    let hosts: Vec<_> = (b'a'..=b'y')
        .map(|it| [0, 1, 0, 0, 19, 196, 1, it, 1, b'x', 0])
        .collect();
    let servers: Vec<(u16, &[u8])> = hosts.iter().map(|it| (SRV, &it[..])).collect();
    it.answer(&question, 0, &servers);
    // Each leads to one address more, until there are enough.
    for host in 1..=8 {
        let mut buf = [0; QUESTION];
        let (length, from) = it.server.recv_from(&mut buf).expect("a question");
        it.answer(
            &(without_room(&buf[..length]), from),
            0,
            &[(A, &[10, 0, 0, host])],
        );
    }
    assert_eq!(it.take_finished(3).len(), 8);
    assert_eq!(it.resolver.deadline(), None);
}

#[test]
fn names_are_asked_for_in_letters_of_chance_and_answers_must_keep_them() {
    let mut it = Fixture::new("letters");
    let name = "some.long-name.of-a-server.example";
    it.ask(1, name, Some(5_060));
    let question = it.expect_question(name, Kind::A);
    let asked = &question.0[12..question.0.len() - 5];
    assert!(asked.iter().any(u8::is_ascii_uppercase) && asked.iter().any(u8::is_ascii_lowercase));
    // Who does not see the question does not know them. A server that loses them is asked once more, plainly.
    let plain = |question: &(Vec<u8>, SocketAddr)| {
        let mut bytes = question.0.clone();
        bytes[12..].make_ascii_lowercase();
        (bytes, question.1)
    };
    it.answer(&plain(&question), 0, &[(A, &[6, 6, 6, 6])]);
    it.expect_nothing_yet();
    let again = it.expect_question(name, Kind::A);
    assert_eq!(plain(&again), again);
    assert_ne!(again.1, question.1, "from another port");
    it.answer(&again, 0, &[(A, &[192, 0, 2, 9])]);
    it.expect_finished(1, Some("192.0.2.9:5060"));
}

#[test]
fn that_there_is_nothing_is_believed_as_long_as_the_zone_says() /* RFC 2308 §5 */
{
    let mut it = Fixture::new("absence");
    it.ask(1, "pbx.example", Some(5_060));
    let question = it.expect_question("pbx.example", Kind::A);
    let mut soa = Vec::from([0, 0]);
    for number in [1_u32, 2, 3, 4, 30] {
        soa.extend(number.to_be_bytes());
    }
    it.answer_with_authority(&question, 3, &[(SOA, &soa)]);
    it.expect_finished(1, None);
    it.now += Duration::from_secs(29);
    it.ask(2, "pbx.example", Some(5_060));
    it.expect_finished(2, None);
    it.now += Duration::from_secs(1);
    it.ask(3, "pbx.example", Some(5_060));
    it.expect_nothing_yet();
}

#[test]
fn one_name_takes_no_longer_than_who_asks_waits() /* ATTACKS J07 */
{
    let mut it = Fixture::new("patience");
    it.ask_over(None, 1, "pbx.example", None);
    let started = it.now;
    while it.resolver.take_finished().is_none() {
        it.pass_deadline();
    }
    assert!(it.now - started <= LONGEST && it.resolver.deadline().is_none());
}
