//! Answers that are too long for a datagram, and servers that do not know what we say of our room.

use super::*;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::vec;

/// One server of a service at `main.net`, whatever it is asked.
const MAIN: &[u8] = b"\x00\x0a\x00\x00\x13\xd7\x04main\x03net\x00";

const TXT: u8 = 16;

/// A name server that takes streams as well.
struct Streaming {
    it: Fixture,
    listener: TcpListener,
}

impl Streaming {
    fn new(test: &str) -> Streaming {
        loop {
            let it = Fixture::new(test);
            let at = it.server.local_addr().expect("bound");
            if let Ok(listener) = TcpListener::bind(at) {
                return Streaming { it, listener };
            }
        }
    }

    /// Asks for a service, and says that the answer is too long; so much of it is there.
    fn ask(&mut self, number: u32, part: &[(u16, &[u8])]) {
        self.it.ask(number, "example.net", None);
        let mut question = self.it.expect_question("_sip._udp.example.net", Kind::Srv);
        question.0[2] |= 2;
        self.it.answer_cut(&question, part);
    }

    /// The question on a stream.
    #[track_caller]
    fn expect_question(&mut self) -> (TcpStream, Vec<u8>) {
        let (mut tcp, _) = self.listener.accept().expect("a stream");
        tcp.set_read_timeout(Some(Duration::from_secs(5)))
            .expect("set");
        self.it.turn();
        let mut len = [0; 2];
        tcp.read_exact(&mut len).expect("a question");
        let mut bytes = vec![0; usize::from(u16::from_be_bytes(len))];
        tcp.read_exact(&mut bytes).expect("a question");
        let question = checked(&bytes, "_sip._udp.example.net", Kind::Srv, true);
        (tcp, question)
    }

    /// A whole answer with so many servers.
    fn long(question: &[u8], count: u8) -> Vec<u8> {
        let mut bytes = question.to_vec();
        (bytes[2], bytes[3], bytes[7]) = (0x81, 0x80, count);
        for nth in 0..count {
            // The first is a server; the others make it long.
            let kind = if nth == 0 { SRV as u8 } else { TXT };
            bytes.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, MAIN.len() as u8]);
            bytes.extend(MAIN);
        }
        let mut framed = Vec::from((bytes.len() as u16).to_be_bytes());
        framed.extend(bytes);
        framed
    }

    fn expect_main(&mut self, number: u32) {
        let question = self.it.expect_question("main.net", Kind::A);
        self.it.answer(&question, 0, &[(A, &[192, 0, 2, 9])]);
        let found = self.it.take_finished(number);
        assert_eq!(found[0].address, "192.0.2.9:5079".parse().expect("it"));
    }
}

impl Fixture {
    /// Hears what there is, once.
    fn turn(&mut self) {
        let ready: Vec<_> = self.poller.wait(false).expect("waits").collect();
        assert_eq!(ready, [Source::Dns]);
        self.resolver.handle_readable(self.now);
    }

    fn answer_cut(&mut self, question: &(Vec<u8>, SocketAddr), part: &[(u16, &[u8])]) {
        let mut bytes = question.0.clone();
        (bytes[2], bytes[3], bytes[7]) = (0x83, 0x80, part.len() as u8);
        for (kind, data) in part {
            bytes.extend([0xc0, 12]);
            bytes.extend(kind.to_be_bytes());
            bytes.extend([0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
            bytes.extend(*data);
        }
        self.server.send_to(&bytes, question.1).expect("sent");
        self.turn();
    }
}

#[test]
fn what_is_cut_off_is_asked_for_by_stream() /* X17, RFC 7766 §5 */
{
    let mut it = Streaming::new("long");
    it.ask(1, &[]);
    let (mut tcp, question) = it.expect_question();
    let answer = Streaming::long(&question, 60);
    assert!(answer.len() > 1_500);
    // In pieces, the first of a single byte.
    for piece in [&answer[..1], &answer[1..700], &answer[700..]] {
        tcp.write_all(piece).expect("written");
        it.it.turn();
    }
    it.expect_main(1);
}

#[test]
fn a_server_that_takes_no_streams_is_believed_what_came() {
    let mut it = Streaming::new("refused");
    drop(it.listener);
    it.listener = TcpListener::bind("127.0.0.1:0").expect("another");
    it.ask(1, &[(SRV, MAIN)]);
    if it.it.resolver.lookups[0].part.is_some() {
        it.it.turn();
    }
    it.expect_main(1);
}

#[test]
fn a_stream_without_an_answer_is_not_waited_for_long() /* ATTACKS D */
{
    let mut it = Streaming::new("slow");
    it.ask(1, &[(SRV, MAIN)]);
    let (mut tcp, question) = it.expect_question();
    tcp.write_all(&Streaming::long(&question, 3)[..40])
        .expect("written");
    it.it.turn();
    assert_eq!(it.it.resolver.deadline(), Some(it.it.now + PATIENCE));
    it.it.pass_deadline();
    it.expect_main(1);
}

/// To another question, cut off once more, longer than anything useful, or nothing at all.
#[test]
fn what_is_no_answer_on_a_stream_ends_it() /* ATTACKS D */
{
    type Spoil = fn(&mut Vec<u8>);
    let ways: [Spoil; 5] = [
        |it| it[2] ^= 1,
        |it| it[16] ^= 0x20,
        |it| (it[4], it[9]) = (0x83, 0),
        |it| (it[0], it[1]) = (0xff, 0xff),
        |it| it.truncate(1),
    ];
    for (nth, spoil) in ways.into_iter().enumerate() {
        let mut it = Streaming::new(&format!("spoilt{nth}"));
        it.ask(1, &[(SRV, MAIN)]);
        let (mut tcp, question) = it.expect_question();
        let mut answer = Streaming::long(&question, 1);
        spoil(&mut answer);
        tcp.write_all(&answer).expect("written");
        tcp.shutdown(std::net::Shutdown::Write).expect("done");
        it.it.turn();
        if it.it.resolver.lookups[0].part.is_some() {
            it.it.turn();
        }
        it.expect_main(1);
    }
}

#[test]
fn answers_that_are_cut_off_for_ever_come_to_an_end() /* ATTACKS D */
{
    let mut it = Streaming::new("for-ever");
    it.it.ask(1, "pbx.example", Some(5_060));
    let mut asked = 0;
    it.it.server.set_nonblocking(true).expect("set");
    while it.it.resolver.deadline().is_some() {
        let mut buf = [0; QUESTION];
        if let Ok((len, from)) = it.it.server.recv_from(&mut buf) {
            asked += 1;
            let question = checked(&buf[..len], "pbx.example", Kind::A, true);
            it.it.answer_cut(&(question, from), &[]);
            drop(it.listener.accept().expect("a stream"));
        }
        it.it.pass_deadline();
    }
    it.it.expect_finished(1, None);
    assert!((1..=2 * ROUNDS).contains(&asked), "{asked}");
}

#[test]
fn a_server_of_old_is_told_nothing_of_our_room() /* RFC 6891 §7 */
{
    let mut it = Fixture::new("old");
    it.ask(1, "pbx.example", Some(5_060));
    let question = it.expect_question("pbx.example", Kind::A);
    it.answer(&question, 1, &[]);
    let mut buf = [0; QUESTION];
    let (len, from) = it.server.recv_from(&mut buf).expect("again");
    let question = checked(&buf[..len], "pbx.example", Kind::A, false);
    it.answer(&(question, from), 0, &[(A, &[192, 0, 2, 9])]);
    it.expect_finished(1, Some("192.0.2.9:5060"));
    // And if that is not it, the server cannot help.
    it.ask(2, "other.example", Some(5_060));
    let question = it.expect_question("other.example", Kind::A);
    it.answer(&question, 1, &[]);
    let (len, from) = it.server.recv_from(&mut buf).expect("again");
    let question = checked(&buf[..len], "other.example", Kind::A, false);
    it.answer(&(question, from), 1, &[]);
    it.expect_nothing_yet();
}
