//! The desk that a case is about, as its owner would configure it, and the documents that servers tell it.

use std::net::SocketAddr;

use crate::agent::Agent;
use crate::peer::{Peer, Subscription, branch, unique};
use crate::process::{SOON, free_port, wait_for};

/// A desk with the presentity `desk`, and with more tables.
pub(crate) fn desk(more: &str) -> Agent {
    desk_at(free_port(), more)
}

/// The same, where the tables name its own port.
pub(crate) fn desk_at(port: u16, more: &str) -> Agent {
    desk_with("", port, more)
}

/// A desk that trusts nobody, not even who is on its own machine.
pub(crate) fn careful_desk(more: &str) -> Agent {
    desk_with("trusted = []\n", free_port(), more)
}

fn desk_with(top: &str, port: u16, more: &str) -> Agent {
    let text = format!(
        "listen = [\"udp:127.0.0.1:{port}\"]\n\
         {top}\
         [subscriptions]\n\
         pace = {{ presence = {{ burst = 0 }}, dialog = {{ burst = 0 }} }}\n\
         [[presentity]]\n\
         uri = \"sip:desk@127.0.0.1:{port}\"\n\
         {more}"
    );
    Agent::configured(port, &text, &[("pbx.password", "secret\n")])
}

/// A desk whose lamp `blf1` asks this server for `sip:bob@pbx.test`.
pub(crate) fn watching(pbx: &Peer, event: &str) -> Agent {
    desk(&lamp("blf1", "sip:bob@pbx.test", event, &at(pbx)))
}

/// As [`watching`], and the server has granted the subscription.
#[track_caller]
pub(crate) fn subscribed(pbx: &mut Peer, event: &str) -> (Agent, Subscription) {
    let agent = watching(pbx, event);
    let subscribe = pbx.want("SUBSCRIBE");
    let bob = pbx.accept(&subscribe, 300);
    (agent, bob)
}

/// A desk that is extension 100 at this server, where its lamp `blf1` asks for `sip:200@pbx.test`.
pub(crate) fn extension(pbx: &Peer) -> Agent {
    let lamp = lamp("blf1", "sip:200@pbx.test", "dialog", "");
    desk(&(account(&pbx.here.to_string(), "publish = false") + &lamp))
}

/// Waits until the account is registered at this server; the Contact that it has.
#[track_caller]
pub(crate) fn registered(pbx: &mut Peer, agent: &Agent) -> String {
    let contact = pbx.contact();
    wait_for("it is registered", SOON, || {
        (agent.get("/status")["upstreams"][0]["registration"] == "registered").then_some(())
    });
    contact
}

/// The table of a lamp.
pub(crate) fn lamp(name: &str, watch: &str, event: &str, more: &str) -> String {
    format!("[[lamp]]\nname = \"{name}\"\nwatch = \"{watch}\"\nevent = \"{event}\"\n{more}\n")
}

/// Where a lamp asks.
pub(crate) fn at(pbx: &Peer) -> String {
    format!("server = \"{}\"", pbx.here)
}

/// The table of the account `sip:100@pbx.test` at this server.
pub(crate) fn account(server: &str, more: &str) -> String {
    format!(
        "[[upstream]]\n\
         aor = \"sip:100@pbx.test\"\n\
         servers = [\"{server}\"]\n\
         password_file = \"pbx.password\"\n\
         expires = 300\n\
         {more}\n"
    )
}

/// A `dialog-info` document that is whole.
pub(crate) fn calls(version: u32, dialogs: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\r\n\
         <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{version}\" state=\"full\" \
         entity=\"sip:bob@pbx.test\">\r\n{dialogs}\r\n</dialog-info>\r\n"
    )
}

/// One dialog of it.
pub(crate) fn call(id: &str, state: &str) -> String {
    format!("<dialog id=\"{id}\"><state>{state}</state></dialog>")
}

/// A PIDF document with one tuple, and with more behind it.
pub(crate) fn presence(entity: &str, basic: &str, more: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
         <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
         xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"{entity}\">\r\n\
         <tuple id=\"t1\"><status><basic>{basic}</basic></status></tuple>\r\n{more}</presence>\r\n"
    )
}

/// A request of a phone outside of any dialog, with more rows.
pub(crate) fn request(phone: &Peer, method: &str, uri: &str, more: &str, body: &str) -> String {
    let (transport, here, call) = (phone.transport(), phone.here, unique());
    format!(
        "{method} {uri} SIP/2.0\r\n\
         Via: SIP/2.0/{transport} {here};branch={branch};rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:ann@127.0.0.1>;tag={call}\r\n\
         To: <{uri}>\r\n\
         Call-ID: {call}\r\n\
         CSeq: 1 {method}\r\n\
         {more}Content-Length: {length}\r\n\r\n{body}",
        branch = branch(),
        length = body.len(),
    )
}

/// A SUBSCRIBE of a phone.
pub(crate) fn subscribe(phone: &Peer, uri: &str, event: &str) -> String {
    let contact = match phone.transport() {
        "TCP" => format!("<sip:ann@{};transport=tcp>", phone.here),
        _ => format!("<sip:ann@{}>", phone.here),
    };
    let more = format!("Contact: {contact}\r\nEvent: {event}\r\nExpires: 600\r\n");
    request(phone, "SUBSCRIBE", uri, &more, "")
}

/// A phone's PUBLISH of a PIDF document, or of nothing more than before.
pub(crate) fn publish(phone: &Peer, uri: &str, tag: Option<&str>, body: &str) -> String {
    let mut more = "Event: presence\r\nExpires: 600\r\n".to_string();
    if let Some(tag) = tag {
        more += &format!("SIP-If-Match: {tag}\r\n");
    }
    if !body.is_empty() {
        more += "Content-Type: application/pidf+xml\r\n";
    }
    let from = format!("From: <{uri}>;");
    request(phone, "PUBLISH", uri, &more, body).replace("From: <sip:ann@127.0.0.1>;", &from)
}

/// Where the agent listens.
pub(crate) fn sip(agent: &Agent) -> SocketAddr {
    agent.address().parse().expect("an address")
}
