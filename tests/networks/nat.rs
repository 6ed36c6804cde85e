//! A router with a real NAT between the desk and its server.
//!
//! ```text
//!   desk              router (masquerades)          here
//!     192.168.71.2 ──── 192.168.71.1
//!                       198.51.100.1 ──────────── 198.51.100.2  pbx
//! ```
//!
//! It forgets a mapping after half a minute without a datagram, as the cheapest do. The server believes a Contact.

use super::{Desk, GLANCE, LIMIT, Message, granted, in_a_network, ip, run, told_idle};
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

const PBX: &str = "198.51.100.2";

/// Within this the way is shown to be in use.
const KEPT: Duration = Duration::from_secs(30);

#[test]
fn a_lamp_behind_a_nat_is_told_for_longer_than_the_nat_remembers() /* X04 RFC 5626 §4.4.2 */
{
    let name = "nat::a_lamp_behind_a_nat_is_told_for_longer_than_the_nat_remembers";
    in_a_network(name, || {
        let (_router, desk) = house();
        let pbx = Pbx::open();
        let _desk = desk.serve_with(
            "listen = [\"udp:0.0.0.0:5060\"]\n\
             [[presentity]]\n\
             uri = \"sip:desk@192.168.71.2\"\n\
             [[lamp]]\n\
             name = \"blf1\"\n\
             watch = \"sip:bob@198.51.100.2:5070\"\n\
             event = \"dialog\"\n",
            "",
        );
        let (first, from) = pbx.expect("SUBSCRIBE", LIMIT);
        assert!(first.header("Contact").contains("@192.168.71.2:5060"));
        pbx.grant(&first, from);
        // The address that it named is out of reach from here: it asks again, by the one that the answer showed it.
        let (second, from) = loop {
            let (message, from) = pbx.expect("SUBSCRIBE", LIMIT);
            if message.header("Call-ID") != first.header("Call-ID") {
                break (message, from);
            }
        };
        assert!(second.header("Contact").contains(&format!("@{from}")));
        pbx.grant(&second, from);
        pbx.tell(&second, 1);
        // Twice as long as the NAT remembers: nothing but the desk keeps it open.
        for _ in 0..3 {
            pbx.expect("\r\n\r\n", KEPT);
        }
        pbx.tell(&second, 2);
    });
}

/// The router, and the desk behind it.
fn house() -> (Router, Desk) {
    let router = Router::start();
    let desk = Desk::alone();
    let (gate, home) = (router.0.id(), desk.holder.id());
    ip("link set lo up");
    ip(&format!(
        "link add pbx type veth peer name wan netns {gate}"
    ));
    ip(&format!("addr add {PBX}/24 dev pbx"));
    ip("link set pbx up");
    router.inside("ip addr add 198.51.100.1/24 dev wan");
    router.inside("ip link set wan up");
    router.inside(&format!(
        "ip link add lan type veth peer name desk netns {home}"
    ));
    router.inside("ip addr add 192.168.71.1/24 dev lan");
    router.inside("ip link set lan up");
    router.inside("sysctl -qw net.ipv4.ip_forward=1");
    router.inside("nft add table ip nat");
    router.inside("nft add chain ip nat out { type nat hook postrouting priority 100 ; }");
    router.inside("nft add rule ip nat out oifname wan masquerade");
    router.inside("sysctl -qw net.netfilter.nf_conntrack_udp_timeout=30");
    router.inside("sysctl -qw net.netfilter.nf_conntrack_udp_timeout_stream=30");
    desk.ip("link set lo up");
    desk.ip("addr add 192.168.71.2/24 dev desk");
    desk.ip("link set desk up");
    desk.ip("route add default via 192.168.71.1");
    (router, desk)
}

/// A namespace that lasts as long as the process that holds it.
struct Router(Child);

impl Router {
    fn start() -> Router {
        let holder = Command::new("unshare")
            .args(["--net", "sleep", "300"])
            .spawn()
            .expect("unshare is there");
        let network = |who: &str| std::fs::read_link(format!("/proc/{who}/ns/net")).ok();
        let until = Instant::now() + LIMIT;
        while network(&holder.id().to_string()) == network("self") {
            assert!(Instant::now() < until, "it stays in our network");
            thread::sleep(GLANCE);
        }
        Router(holder)
    }

    fn inside(&self, words: &str) {
        let network = format!("--net=/proc/{}/ns/net", self.0.id());
        let mut command = Command::new("nsenter");
        run(command.args([&network, "--"]).args(words.split(' ')));
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A server that sends its NOTIFYs wherever a Contact says, and answers where a request came from (RFC 3581 §4).
struct Pbx(UdpSocket);

impl Pbx {
    fn open() -> Pbx {
        let socket = UdpSocket::bind((PBX, 5_070)).expect("the address is here");
        socket.set_read_timeout(Some(GLANCE)).expect("set");
        Pbx(socket)
    }

    /// The next message that begins so, and where it came from.
    #[track_caller]
    fn expect(&self, begins: &str, limit: Duration) -> (Message, SocketAddr) {
        let until = Instant::now() + limit;
        let mut buf = [0; 4_096];
        loop {
            match self.0.recv_from(&mut buf) {
                Ok((len, from)) => {
                    let text = String::from_utf8_lossy(&buf[..len]).into_owned();
                    if text.starts_with(begins) {
                        return (Message(text), from);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
            assert!(Instant::now() < until, "no {begins:?}");
        }
    }

    fn grant(&self, subscribe: &Message, from: SocketAddr) {
        let seen = format!(";rport={};received={}", from.port(), from.ip());
        let answer = granted(subscribe, PBX).replace(";rport", &seen);
        self.0.send_to(answer.as_bytes(), from).expect("sent");
    }

    #[track_caller]
    fn tell(&self, subscribe: &Message, number: u32) {
        let target = subscribe.header("Contact");
        let target = target.split(['@', ';', '>']).nth(1).expect("an address");
        let notify = told_idle(subscribe, PBX, number);
        self.0.send_to(notify.as_bytes(), target).expect("sent");
        self.expect("SIP/2.0 200", LIMIT);
    }
}
