//! A phone on loopback that says what baresip says.

use super::*;
use crate::shell::clock;
use crate::shell::poller::Poller;
use crate::wire::doc::dialog_info::State as Progress;
use std::net::TcpListener;
use std::string::{String, ToString};
use std::time::Duration as Patience;
use std::vec;

struct Fixture {
    poller: Poller,
    phones: Softphones,
    listener: Option<TcpListener>,
    told: Vec<Told>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Call(String, Progress),
    Gone,
}

impl Fixture {
    fn new() -> Fixture {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let poller = Poller::new().expect("a poller");
        let mut phones = Softphones::new(poller.registry());
        let settings = SoftphoneSettings {
            baresip: listener.local_addr().expect("bound"),
            presentity: 0,
        };
        phones.configure(clock::now(), &[settings], &mut |_| {
            panic!("nothing is told")
        });
        Fixture {
            poller,
            phones,
            listener: Some(listener),
            told: Vec::new(),
        }
    }

    /// Time passes until the phone is asked for, or what is connected has been heard.
    fn turn(&mut self) {
        let told = &mut self.told;
        let mut tell = |said: Said<'_>| {
            told.push(match said {
                Said::Call(presentity, fact) => {
                    assert_eq!((presentity, fact.source), (0, Teller::Phone(0)));
                    Told::Call(fact.id.to_string(), fact.state)
                }
                Said::Gone(_) => Told::Gone,
            });
        };
        if let Some(due) = self.phones.deadline() {
            self.phones.handle_timeout(due, &mut tell);
            return;
        }
        for source in self.poller.wait(false).expect("it waits") {
            if let Source::Softphone(at) = source {
                self.phones.handle_ready(clock::now(), at, &mut tell);
            }
        }
    }

    /// The phone takes the connection and hears that its list is asked for.
    fn accept(&mut self) -> TcpStream {
        self.turn();
        self.turn();
        let listener = self.listener.as_ref().expect("it listens");
        let (mut tcp, _) = listener.accept().expect("a connection");
        let limit = Some(Patience::from_secs(10));
        tcp.set_read_timeout(limit).expect("a time-out");
        let mut asked = [0; LIST.len() + 4];
        tcp.read_exact(&mut asked).expect("it asks");
        assert_eq!(&asked[3..asked.len() - 1], LIST.as_bytes());
        tcp
    }

    fn says(&mut self, tcp: &mut TcpStream, kind: &str) {
        let event = format!(
            "{{\"event\":true,\"type\":\"{kind}\",\"class\":\"call\",\"direction\":\"incoming\",\
             \"peeruri\":\"sip:bob@127.0.0.1\",\"id\":\"c1\"}}"
        );
        write!(tcp, "{}:{event},", event.len()).expect("written");
        self.turn();
    }

    fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }
}

fn call(state: Progress) -> Told {
    Told::Call("c1".to_string(), state)
}

#[test]
fn what_the_phone_says_is_told() {
    let mut f = Fixture::new();
    let mut tcp = f.accept();
    f.says(&mut tcp, "CALL_INCOMING");
    f.says(&mut tcp, "CALL_ESTABLISHED");
    f.says(&mut tcp, "CALL_CLOSED");
    let expected = [Progress::Early, Progress::Confirmed, Progress::Terminated];
    assert_eq!(f.told(), expected.map(call));
}

#[test]
fn calls_outlive_a_connection_and_end_with_the_phone() {
    let mut f = Fixture::new();
    let mut tcp = f.accept();
    f.says(&mut tcp, "CALL_INCOMING");
    f.told();
    drop(tcp);
    f.turn();
    let mut tcp = f.accept();
    assert_eq!(f.told(), [], "it may still ring");
    f.says(&mut tcp, "CALL_ESTABLISHED");
    assert_eq!(f.told(), [call(Progress::Confirmed)]);
    f.listener = None;
    drop(tcp);
    for _ in 0..4 {
        if f.told.is_empty() {
            f.turn();
        }
    }
    assert_eq!(f.told(), [Told::Gone]);
}

#[test]
fn what_is_no_netstring_ends_the_connection() {
    let mut f = Fixture::new();
    let mut tcp = f.accept();
    tcp.write_all(b"SIP/2.0 200 OK\r\n\r\n").expect("written");
    f.turn();
    assert_eq!(tcp.read(&mut [0; 8]).expect("it ends"), 0);
    f.accept();
    assert_eq!(f.told(), []);
}

#[test]
fn a_phone_that_is_left_out_is_gone() {
    let mut f = Fixture::new();
    let _tcp = f.accept();
    let mut gone = 0;
    f.phones.configure(clock::now(), &[], &mut |_| gone += 1);
    assert_eq!((gone, f.phones.deadline()), (1, None));
}

impl Fixture {
    fn order(&mut self, order: Order<'_>) {
        let at = self.phones.all[0].settings.baresip;
        self.phones
            .order(clock::now(), at, order, &mut |_| panic!("nothing is told"));
    }

    fn failing(&self) -> Option<&str> {
        self.phones.all[0].failing.as_deref()
    }
}

#[track_caller]
fn reads(tcp: &mut TcpStream, expected: &str) {
    let mut text = vec![0; expected.len()];
    tcp.read_exact(&mut text).expect("it is told");
    assert_eq!(String::from_utf8_lossy(&text), expected);
}

#[test]
fn a_phone_is_told_whom_to_call_where_it_tells_of_its_calls() {
    let mut f = Fixture::new();
    let mut tcp = f.accept();
    f.order(Order::Dial("sip:bob@pbx.example"));
    let order = r#"49:{"command":"dial","params":"sip:bob@pbx.example"},"#;
    reads(&mut tcp, order);
    let no = r#"{"response":true,"ok":false,"data":"no call\n"}"#;
    write!(tcp, "{}:{no},", no.len()).expect("written");
    f.turn();
    assert_eq!(f.failing(), Some("it refuses: no call"));
    f.order(Order::Accept);
    reads(&mut tcp, r#"20:{"command":"accept"},"#);
    tcp.write_all(b"27:{\"response\":true,\"ok\":true},")
        .expect("written");
    f.turn();
    assert_eq!(f.failing(), None);
}

#[test]
fn an_order_waits_for_the_connection_and_fails_with_it() {
    let mut f = Fixture::new();
    f.order(Order::Accept);
    f.turn();
    let listener = f.listener.take().expect("it listens");
    let (mut tcp, _) = listener.accept().expect("at once");
    reads(&mut tcp, &format!("{}:{LIST},", LIST.len()));
    reads(&mut tcp, r#"20:{"command":"accept"},"#);
    drop((tcp, listener));
    f.turn();
    f.phones.all[0].order = Some(String::from("lost"));
    while f.told.is_empty() {
        f.turn();
    }
    assert!(f.failing().expect("told").contains("refused"));
    assert_eq!(f.phones.all[0].order, None);
}
