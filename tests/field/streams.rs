//! TCP, as phones and servers use it.

use std::net::TcpListener;

use crate::peer::Peer;
use crate::process::{GLANCE, SOON, wait_for};
use crate::setup::{account, calls, desk, lamp, registered, request, sip, subscribe};

/// usecallmanagernz/patches #39: the SUBSCRIBE of a Cisco 8865, with one type that it accepts, and with a parameter
/// whose name has an exclamation mark.
#[test]
fn a_cisco_phone_watches_over_tcp() {
    let agent = desk("");
    let (mut phone, at) = (Peer::connected(&agent.address()), sip(&agent));
    let uri = agent.uri();
    let text = subscribe(&phone, &uri, "presence")
        .replace(
            ";transport=tcp>\r\n",
            ";transport=tcp>;+u.sip!devicename.ccm.cisco.com=\"SEP001122334455\"\r\n",
        )
        .replace(
            "Expires: 600\r\n",
            &format!(
                "Expires: 3600\r\n\
                 Accept: application/cpim-pidf+xml\r\n\
                 Session-ID: 00112233445566778899aabbccddee01;remote=00000000000000000000000000000000\r\n\
                 Date: Fri, 22 May 2026 18:29:20 GMT\r\n\
                 User-Agent: Cisco-CP8865/14.4.1\r\n\
                 Allow: ACK,BYE,CANCEL,INVITE,NOTIFY,OPTIONS,REFER,REGISTER,UPDATE,SUBSCRIBE\r\n\
                 Authorization: Digest username=\"4570\",realm=\"asterisk\",uri=\"{uri}\",\
                 response=\"00112233445566778899aabbccddeeff\",nonce=\"1a2b3c4d\",algorithm=MD5\r\n"
            ),
        );
    assert_eq!(phone.ask(at, &text).status(), 200);
    for told in ["open", "closed"] {
        let notify = phone.want("NOTIFY");
        assert_eq!(notify.header("Content-Type"), "application/cpim-pidf+xml");
        assert!(notify.body().contains(told), "{}", notify.text);
        phone.confirm(&notify);
        agent.run(&["set", "dnd", "on"]);
    }
}

/// pjsip/pjproject #4225, OpenSIPS/opensips #2280, usecallmanagernz/patches #39: nobody there speaks UDP.
#[test]
fn the_lamps_of_an_account_over_tcp_ask_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let server = listener.local_addr().expect("bound");
    let lamp = lamp("blf1", "sip:200@pbx.test", "dialog", "");
    let agent = desk(&(account(&format!("tcp:{server}"), "publish = false") + &lamp));
    let pbx = Peer::called(&listener, SOON).expect("it connects");
    let mut lines = vec![pbx.registrar(300)];
    let (at, subscribe) = wait_for("a SUBSCRIBE over TCP", SOON, || {
        lines.extend(Peer::called(&listener, GLANCE));
        let asked = |(at, line): (usize, &mut Peer)| {
            let subscribe = line.look_for(GLANCE, |it| it.is("SUBSCRIBE"));
            Some((at, subscribe?))
        };
        lines.iter_mut().enumerate().find_map(asked)
    });
    let pbx = &mut lines[at];
    let mut bob = pbx.accept(&subscribe, 300);
    pbx.tell(&mut bob, &calls(0, ""));
    agent.expect_state("blf1", "idle");
}

/// A thesis prints these six messages: an old watcher over TCP, whose Contact has no brackets, whose Via is folded, and
/// who accepts the type of before RFC 3863.
///
/// ```text
///   watcher                desk
///     ├── F1 SUBSCRIBE ────►│
///     │◄──────────── F2 200─┤
///     │◄───────── F3 NOTIFY─┤  open
///     ├── F4 200 ──────────►│
///     │◄───────── F5 NOTIFY─┤  closed
///     ├── F6 200 ──────────►│
/// ```
#[test]
fn six_messages_of_an_old_watcher() {
    let agent = desk("");
    let (mut watcher, at) = (Peer::connected(&agent.address()), sip(&agent));
    let here = watcher.here;
    let subscribe = subscribe(&watcher, &agent.uri(), "presence")
        .replace(
            &format!("Contact: <sip:ann@{here};transport=tcp>"),
            &format!("Contact: sip:ann@{here}"),
        )
        .replace(";rport\r\n", "\r\n ;received=127.0.0.1\r\n")
        .replace(
            "Expires: 600\r\n",
            "Expires: 600\r\nAccept: application/cpim-pidf+xml\r\n",
        );
    let answer = watcher.ask(at, &subscribe);
    assert_eq!(answer.status(), 200, "{subscribe}");
    for told in ["open", "closed"] {
        let notify = watcher.want("NOTIFY");
        assert_eq!(notify.uri(), format!("sip:ann@{here}"));
        assert_eq!(notify.header("Content-Type"), "application/cpim-pidf+xml");
        let basic = format!("<basic>{told}</basic>");
        assert!(notify.body().contains(&basic), "{}", notify.text);
        watcher.confirm(&notify);
        agent.run(&["set", "dnd", "on"]);
    }
}

/// resiprocate/resiprocate #38: Asterisk sends CR LF NUL on streams to keep them open. The lamps and the registration
/// hang on that connection.
#[test]
fn a_nul_behind_a_keep_alive_costs_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let server = listener.local_addr().expect("bound");
    let agent = desk(&account(&format!("tcp:{server}"), "publish = false"));
    let mut pbx = Peer::called(&listener, SOON)
        .expect("it connects")
        .registrar(300);
    registered(&mut pbx, &agent);
    let at = sip(&agent);
    for nuls in ["\r\n\0", "\0", "\r\n\0\r\n\0\0\r\n"] {
        let options = request(&pbx, "OPTIONS", &agent.uri(), "", "");
        pbx.send(at, nuls);
        assert_eq!(pbx.ask(at, &options).status(), 200, "{nuls:?}");
    }
    assert!(
        Peer::called(&listener, GLANCE).is_none(),
        "it connects anew"
    );
}
