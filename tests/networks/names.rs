//! A server that has only a name: dnsmasq says where it is.

use super::{Desk, GLANCE, LIMIT, Peer, in_a_network};
use std::net::{TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A place that is silent is left after Timer F, and the next one is asked at once.
const TIMER_F: Duration = Duration::from_secs(40);

/// The name server of both networks, as long as it lives.
struct Names(Child);

impl Names {
    /// Serves those records, given as dnsmasq's options.
    fn serve(records: &[&str]) -> Names {
        let child = Command::new("dnsmasq")
            .args([
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--no-hosts",
            ])
            .args(["--no-resolv", "--local=/test/", "--pid-file="])
            .args(["--bind-interfaces", "--listen-address=10.71.1.2"])
            .args(["--user=root", "--local-ttl=60"])
            .args(records)
            .stderr(Stdio::null())
            .spawn()
            .expect("dnsmasq is there");
        let until = Instant::now() + LIMIT;
        while TcpStream::connect("10.71.1.2:53").is_err() {
            assert!(Instant::now() < until, "it does not start");
            thread::sleep(GLANCE);
        }
        Names(child)
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn the_first_servers_of_a_name_are_dead_and_the_last_one_lives() /* T20 X17 */
{
    let name = "names::the_first_servers_of_a_name_are_dead_and_the_last_one_lives";
    in_a_network(name, || {
        let desk = Desk::start();
        // TCP is preferred, but nobody listens there; the main server hangs.
        let _names = Names::serve(&[
            "--naptr-record=pbx.test,10,10,S,SIP+D2T,,_sip._tcp.pbx.test",
            "--naptr-record=pbx.test,20,10,S,SIP+D2U,,_sip._udp.pbx.test",
            "--srv-host=_sip._tcp.pbx.test,main.pbx.test,5075,10,10",
            "--srv-host=_sip._udp.pbx.test,spare.pbx.test,5070,20,10",
            "--srv-host=_sip._udp.pbx.test,main.pbx.test,5070,10,10",
            "--host-record=main.pbx.test,10.71.1.2",
            "--host-record=spare.pbx.test,10.71.2.2",
        ]);
        let (main, spare) = (Peer::at("10.71.1.2"), Peer::at("10.71.2.2"));
        let _desk = desk.serve_with(
            "listen = [\"udp:0.0.0.0:5060\"]\n\
             [[presentity]]\n\
             uri = \"sip:desk@10.71.2.1\"\n\
             [[lamp]]\n\
             name = \"blf1\"\n\
             watch = \"sip:bob@pbx.test\"\n\
             event = \"dialog\"\n",
            "nameserver 10.71.1.2\n",
        );
        let first = main.expect("SUBSCRIBE", LIMIT);
        let second = spare.expect("SUBSCRIBE", TIMER_F);
        assert_ne!(first.header("Call-ID"), second.header("Call-ID"));
        spare.accept(&second);
    });
}

#[test]
fn a_name_server_that_hangs_is_passed_over() /* J07 */
{
    let name = "names::a_name_server_that_hangs_is_passed_over";
    in_a_network(name, || {
        let desk = Desk::start();
        let hung = UdpSocket::bind("10.71.2.2:53").expect("the address is here");
        let _names = Names::serve(&["--host-record=pbx.test,10.71.1.2"]);
        let pbx = Peer::at("10.71.1.2");
        let _desk = desk.serve_with(
            "listen = [\"udp:0.0.0.0:5060\"]\n\
             [[presentity]]\n\
             uri = \"sip:desk@10.71.2.1\"\n\
             [[lamp]]\n\
             name = \"blf1\"\n\
             watch = \"sip:bob@pbx.test:5070\"\n\
             event = \"dialog\"\n",
            "nameserver 10.71.2.2\nnameserver 10.71.1.2\n",
        );
        pbx.accept(&pbx.expect("SUBSCRIBE", LIMIT));
        drop(hung);
    });
}
