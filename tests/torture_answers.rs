//! Torture messages (RFC 4475 and RFC 5118) through the whole agent: over UDP, and on a stream.
//!
//! For each: exactly one answer or none, with a status that the table lists, made of the request's own bytes, sent to
//! where the request came from; nothing left behind in the agent; and the next request is served. Our own messages run
//! always. The RFCs' own bytes run where they lie beside the checkout; the test says whether they did.

#[path = "common/cases.rs"]
mod cases;
#[path = "common/desk.rs"]
mod desk;

use cases::{own_folder, rfc_folder, table};
use desk::{Connection, Desk, Peer, Sent, assert_echoes, bytes, serve, text, trust};
use lampfield::parts::is_address;
use std::path::Path;

/// Where the torture comes from; its Via names other places.
const SOURCE: &str = "192.0.2.9:5099";

/// An answer's status; `None` where nothing is sent.
type Answer = Option<u16>;

/// A message and what becomes of it.
struct Case {
    file: String,
    bytes: Vec<u8>,
    /// The answers over UDP that pass.
    allowed: Vec<Answer>,
    stream: Stream,
}

/// What becomes of the same bytes on a stream.
enum Stream {
    /// So many messages are answered as over UDP, and the connection goes on.
    Kept(usize),
    /// The connection is closed after these answers.
    Closed(Vec<u16>),
    /// No answer: there must be more to come.
    Waits,
}

fn own_cases() -> Vec<Case> {
    let folder = own_folder();
    table(&folder)
        .iter()
        .map(|row| {
            let words: Vec<&str> = row[5].split(' ').collect();
            let stream = match words[..] {
                ["refuse"] => Stream::Closed(vec![]),
                ["refuse", status] => Stream::Closed(vec![status.parse().expect("a status")]),
                ["incomplete"] => Stream::Waits,
                _ => {
                    assert!(words.iter().all(|word| *word == "message"), "{words:?}");
                    Stream::Kept(words.len())
                }
            };
            case(&folder, &row[0], &format!("{} {}", row[3], row[4]), stream)
        })
        .collect()
}

/// All cases of both RFCs, if they are there.
fn rfc_cases() -> Option<Vec<Case>> {
    let folder = rfc_folder()?;
    let old = folder.join("torture-4475");
    let new = folder.join("torture-5118");
    let old_cases = table(&old).into_iter().map(|row| {
        let stream = stream_4475(&row[8]);
        case(&old, &row[0], &format!("{} {}", row[6], row[7]), stream)
    });
    let rows = table(&new);
    let new_cases = rows.iter().map(|row| {
        let mut allowed = format!("{} {}", row[6], row[7]);
        // With bare LF: 400 or nothing, or as the same message with CRLF.
        if let Some(same) = row[0].strip_prefix("lf/") {
            let same = rows.iter().find(|row| row[0] == same).expect("a row");
            allowed += &format!(" {} {}", same[6], same[7]);
        }
        case(&new, &row[0], &allowed, stream_5118(&row[0]))
    });
    Some(old_cases.chain(new_cases).collect())
}

/// The column in the table's own words.
fn stream_4475(text: &str) -> Stream {
    match text {
        _ if text.starts_with("two messages") => Stream::Closed(vec![404, 405]),
        _ if text.starts_with("400 then close") => Stream::Closed(vec![400]),
        _ if text.starts_with("no reply") => Stream::Waits,
        "close" => Stream::Closed(vec![]),
        _ => {
            assert!(
                text == "same" || text.ends_with("connection kept"),
                "{text}"
            );
            Stream::Kept(1)
        }
    }
}

/// That table has no such column: the Content-Lengths that do not fit decide, and bare LF loses the framing.
fn stream_5118(file: &str) -> Stream {
    match file {
        "ipv6-in-sdp.dat" => Stream::Waits,
        "mult-ip-in-sdp.dat" | "ipv4-mapped-ipv6.dat" => Stream::Closed(vec![405]),
        _ if file.starts_with("lf/") => Stream::Closed(vec![]),
        _ => Stream::Kept(1),
    }
}

fn case(folder: &Path, file: &str, allowed: &str, stream: Stream) -> Case {
    let mut answers: Vec<Answer> = allowed
        .split(|char: char| !char.is_ascii_alphanumeric())
        .filter_map(|word| match word {
            "drop" | "discard" => Some(None),
            _ => word.parse().ok().map(Some),
        })
        .collect();
    let bytes = std::fs::read(folder.join(file)).expect("a message");
    // The RFCs' table is older than our registrar, which finds nobody where the Request-URI is all that is served.
    if bytes.trim_ascii_start().starts_with(b"REGISTER ") && answers.contains(&Some(405)) {
        answers.push(Some(404));
    }
    answers.dedup();
    assert!(!answers.is_empty(), "{file}: {allowed}");
    Case {
        file: file.to_string(),
        bytes,
        allowed: answers,
        stream,
    }
}

impl Case {
    /// An agent that serves whom the message is for, to everybody.
    fn desk(&self) -> Desk {
        let message = text(&self.bytes);
        let uri = message.split(' ').nth(1).unwrap_or_default().to_string();
        Desk::with(|settings| {
            trust(settings, "0.0.0.0/0");
            trust(settings, "::/0");
            // Others can't be configured; a request for one is refused before anybody looks for it.
            if is_address(&uri) && !uri.contains(['&', '\'']) {
                serve(settings, &uri);
            }
        })
    }

    #[track_caller]
    fn check_answers(&self, sent: &[Sent], messages: usize) {
        let file = &self.file;
        if sent.is_empty() {
            assert!(self.allowed.contains(&None), "{file} got no answer");
        } else {
            assert_eq!(sent.len(), messages, "{file}: {sent:#?}");
        }
        for answer in sent {
            let status = Some(answer.status());
            assert!(self.allowed.contains(&status), "{file}: {}", answer.text);
        }
        if let [answer] = sent {
            assert_echoes(&text(&self.bytes), answer);
        }
    }
}

/// Everything comes back to where it came from. Without `rport` the port is the one of the Via (RFC 3261 §18.2.2).
#[track_caller]
fn check_target(sent: &[Sent], source: &str) {
    let source: std::net::SocketAddr = source.parse().unwrap();
    for answer in sent {
        assert_eq!(answer.flow.remote.ip(), source.ip(), "{}", answer.text);
        assert_ne!(answer.flow.remote.port(), 0);
        answer.status();
    }
}

/// RFC 4475 §3.1.2.13, §3.3.7, §3.3.12 to §3.3.14, where the To is somebody's: what is read wrongly binds nothing, what is
/// only odd is bound and listed as it was written.
#[test]
fn torture_registers_what_it_means() /* ATTACKS I02 */
{
    const AT: &str = "<sip:porch@192.0.2.30>;expires=3600";
    for (file, status, contact) in [
        ("regbadct.sip", 400, None),
        (
            "regescrt.sip",
            200,
            Some("<sip:porch@192.0.2.30?Route=%3Csip:trap.example%3E>;expires=3600"),
        ),
        ("regaut01.sip", 200, Some(AT)),
        ("cparam01.sip", 200, Some(AT)),
        (
            "cparam02.sip",
            200,
            Some("<sip:porch@192.0.2.30;unheardof>;expires=3600"),
        ),
    ] {
        let bytes = std::fs::read(own_folder().join(file)).expect("a message");
        let mut desk = Desk::with(|settings| serve(settings, "sip:lobby@house.example"));
        let sent = desk.send_bytes(SOURCE.parse().unwrap(), &bytes);
        let [answer] = &sent[..] else {
            panic!("{file}: {sent:#?}")
        };
        assert_eq!(answer.status(), status, "{file}");
        assert_eq!(answer.header("Contact"), contact, "{file}");
        assert_eq!(answer.header("Route"), None);
        assert_eq!(
            desk.agent.registrations().count(),
            usize::from(status == 200)
        );
        desk.run(std::time::Duration::from_secs(3_600));
        serves_the_next(&mut desk, SOURCE, file);
    }
}

fn options() -> String {
    Peer::new("next", SOURCE).request("OPTIONS", "")
}

#[track_caller]
fn serves_the_next(desk: &mut Desk, source: &str, file: &str) {
    let answer = desk.ask(source, &options());
    assert_eq!(answer.status(), 200, "after {file}");
    assert!(desk.is_empty(), "{file} left something behind");
}

/// Runs a check over our messages and, where they are, over the RFCs'.
fn each(check: impl Fn(&Case)) {
    let own = own_cases();
    assert!(own.len() >= 49 + 12, "one for each case");
    own.iter().for_each(&check);
    match rfc_cases() {
        Some(cases) => {
            cases.iter().for_each(&check);
            println!(
                "{} messages of our own ran, and {} of the RFCs",
                own.len(),
                cases.len()
            );
        }
        None => println!(
            "only {} messages of our own ran: the RFCs' do not lie beside the checkout",
            own.len()
        ),
    }
}

#[test]
fn torture_over_udp_is_answered_as_listed() /* T14 T15 T16 ATTACKS D01 */
{
    each(|case| {
        for source in [SOURCE, "[2001:db8::99]:5061"] {
            let mut desk = case.desk();
            let sent = desk.send_bytes(source.parse().unwrap(), &case.bytes);
            case.check_answers(&sent, 1);
            check_target(&sent, source);
            serves_the_next(&mut desk, source, &case.file);
        }
    });
}

/// Feeds the message in pieces of that size; what came back, and the connection.
fn feed(case: &Case, desk: &mut Desk, piece: usize) -> (Vec<Sent>, Connection) {
    let mut connection = Connection::new(SOURCE);
    let mut sent = Vec::new();
    for piece in case.bytes.chunks(piece) {
        sent.extend(connection.receive(desk, piece));
    }
    (sent, connection)
}

/// What came back is right for a stream, and so is what the connection does next.
#[track_caller]
fn check_stream(case: &Case, desk: &mut Desk, sent: &[Sent], mut connection: Connection) {
    let file = &case.file;
    check_target(sent, SOURCE);
    assert!(sent.iter().all(|answer| answer.flow == connection.flow));
    let next = connection.receive(desk, &bytes(&options()));
    match &case.stream {
        Stream::Kept(messages) => {
            case.check_answers(sent, *messages);
            assert_eq!(next.len(), 1, "{file} let the connection go on");
            assert_eq!(next[0].status(), 200, "{file}");
            assert!(connection.is_at_rest());
        }
        Stream::Closed(expected) => {
            let statuses: Vec<u16> = sent.iter().map(Sent::status).collect();
            assert_eq!(&statuses, expected, "{file}");
            assert_eq!(next, [], "{file}");
            assert!(!connection.is_open, "{file} closes");
        }
        Stream::Waits => {
            assert_eq!(sent, [], "{file}");
            // What follows is taken for the rest of it, and completes it or not.
            assert!(next.len() <= 1, "{file}");
        }
    }
    serves_the_next(desk, SOURCE, file);
}

#[test]
fn torture_on_a_stream_is_answered_as_listed_however_it_is_cut() /* X09 X10 ATTACKS D01 E04 */
{
    each(|case| {
        for piece in [1, 2, 3, 7, 64, case.bytes.len()] {
            let mut desk = case.desk();
            let (sent, connection) = feed(case, &mut desk, piece);
            check_stream(case, &mut desk, &sent, connection);
        }
    });
}

#[test]
fn two_segments_make_no_difference_wherever_they_part() /* X10 ATTACKS E04 */
{
    each(|case| {
        let mut desk = case.desk();
        let (whole, _) = feed(case, &mut desk, case.bytes.len());
        for at in 0..case.bytes.len() {
            let (one, two) = case.bytes.split_at(at);
            let mut connection = Connection::new(SOURCE);
            let mut sent = connection.receive(&mut desk, one);
            sent.extend(connection.receive(&mut desk, two));
            assert_eq!(sent, whole, "{} parted at {at}", case.file);
        }
    });
}

#[test]
fn all_sound_messages_in_one_segment_are_answered_one_by_one() /* X10 ATTACKS E04 */
{
    for cases in [Some(own_cases()), rfc_cases()].into_iter().flatten() {
        let kept = |case: &&Case| matches!(case.stream, Stream::Kept(1));
        let mut desk = Desk::with(|settings| trust(settings, "0.0.0.0/0"));
        let mut expected = Vec::new();
        let mut segment = Vec::new();
        for case in cases.iter().filter(kept) {
            let (sent, _) = feed(case, &mut desk, case.bytes.len());
            expected.extend(sent);
            segment.extend(&case.bytes);
        }
        let mut connection = Connection::new(SOURCE);
        assert_eq!(connection.receive(&mut desk, &segment), expected);
        assert!(connection.is_at_rest() && desk.is_empty());
    }
}

/// At most one answer, to the source, and the agent goes on as if nothing had been.
#[track_caller]
fn does_no_harm(desk: &mut Desk, bytes: &[u8], what: impl Fn() -> String) {
    let sent = desk.send_bytes(SOURCE.parse().unwrap(), bytes);
    assert!(sent.len() <= 1, "{}: {sent:#?}", what());
    check_target(&sent, SOURCE);
    serves_the_next(desk, SOURCE, &what());
    desk.reports.clear();
}

#[test]
fn cut_torture_does_no_harm() /* ATTACKS D01 */
{
    each(|case| {
        let mut desk = case.desk();
        for len in 0..case.bytes.len() {
            let what = || format!("{} cut to {len}", case.file);
            does_no_harm(&mut desk, &case.bytes[..len], what);
        }
    });
}

#[test]
fn bent_torture_does_no_harm() /* ATTACKS D01 */
{
    each(|case| {
        let mut desk = case.desk();
        let mut bent = case.bytes.clone();
        for at in 0..bent.len() {
            for flip in [0x01, 0x20, 0xff] {
                bent[at] ^= flip;
                does_no_harm(&mut desk, &bent, || {
                    format!("{} with byte {at} ^ {flip:#x}", case.file)
                });
                let mut connection = Connection::new(SOURCE);
                let sent = connection.receive(&mut desk, &bent);
                check_target(&sent, SOURCE);
                bent[at] ^= flip;
            }
        }
        serves_the_next(&mut desk, SOURCE, &case.file);
    });
}
