use super::message::{Name, QUESTION};
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
        self.ask_over(Transport::Udp, number, host, port);
    }

    fn ask_over(&mut self, transport: Transport, number: u32, host: &str, port: Option<u16>) {
        let name = query::Name {
            host,
            port,
            transport,
        };
        self.resolver.ask(self.now, query(number), name);
    }

    /// Takes the next question at the server and checks it.
    #[track_caller]
    fn expect_question(&self, name: &str, kind: Kind) -> (Vec<u8>, SocketAddr) {
        let mut buf = [0; QUESTION];
        let (length, from) = self.server.recv_from(&mut buf).expect("a question came");
        let id = u16::from_be_bytes([buf[0], buf[1]]);
        let name = Name::from_text(name).expect("a name");
        let expected = message::question(id, &name, kind);
        assert_eq!(&buf[..length], expected.as_slice());
        (buf[..length].to_vec(), from)
    }

    /// Answers a question with `records`, each being kind and data.
    fn answer(&mut self, question: &(Vec<u8>, SocketAddr), code: u8, records: &[(u16, &[u8])]) {
        let mut bytes = question.0.clone();
        bytes[2] = 0x81;
        bytes[3] = 0x80 | code;
        bytes[7] = u8::try_from(records.len()).expect("few");
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
        let address = address.map(|text| text.parse().expect("an address"));
        let finished = self.resolver.take_finished();
        assert_eq!(finished, Some((query(number), address)));
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

const A: u16 = 1;
const SRV: u16 = 33;

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
    it.expect_finished(3, Some("192.0.2.9:5080"));
}

/// A server may offer each transport on another port, or on another machine.
#[test]
fn a_server_on_tcp_is_asked_for_its_service_on_tcp() /* X17 */
{
    let mut it = Fixture::new("tcp");
    it.ask_over(Transport::Tcp, 3, "example.net", None);
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
    it.ask_over(Transport::Tcp, 5, "example.net", None);
    it.expect_finished(5, Some("192.0.2.9:5080"));
}

#[test]
fn without_a_service_on_tcp_the_name_itself_is_asked() {
    let mut it = Fixture::new("no-tcp-service");
    it.ask_over(Transport::Tcp, 3, "example.net", None);
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
fn addresses_take_turns() {
    let mut it = Fixture::new("turns");
    it.ask(1, "pbx.example", Some(5_060));
    let question = it.expect_question("pbx.example", Kind::A);
    it.answer(&question, 0, &[(A, &[10, 0, 0, 1]), (A, &[10, 0, 0, 2])]);
    let mut seen = Vec::from([it.resolver.take_finished().expect("found").1]);
    it.ask(2, "pbx.example", Some(5_060));
    seen.push(it.resolver.take_finished().expect("found").1);
    seen.sort();
    let expected = ["10.0.0.1:5060", "10.0.0.2:5060"].map(|text| text.parse().ok());
    assert_eq!(seen, expected);
}
