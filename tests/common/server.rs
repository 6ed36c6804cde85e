//! The notifier that a desk watches.

use super::{BOSS, BOSS_AT, DESK, Desk, Sent, watch};
use lampfield::{Duration, Package, Watched};

/// The other end of a watch: a server that was asked.
pub(crate) struct Server {
    pub(crate) address: String,
    /// The SUBSCRIBE it answers.
    pub(crate) subscribe: Sent,
    pub(crate) event: &'static str,
    pub(crate) cseq: u32,
    pub(crate) tag: &'static str,
}

impl Server {
    /// A desk that watches [`BOSS`], whose server has answered 200 and told nothing yet.
    #[track_caller]
    pub(crate) fn asked(package: Package) -> (Desk, Server) {
        let mut desk = Desk::with(|settings| watch(settings, "blf1", BOSS, package));
        let sent = desk.run(Duration::from_secs(3));
        let (_, subscribe) = sent.into_iter().next().expect("a SUBSCRIBE");
        let mut server = Server {
            address: BOSS_AT.to_string(),
            subscribe,
            event: package.name(),
            cseq: 1,
            tag: "server",
        };
        desk.drain();
        server.accept(&mut desk, 300);
        (desk, server)
    }

    /// As [`Server::asked`], and the boss is known to be free.
    #[track_caller]
    pub(crate) fn watched(package: Package) -> (Desk, Server) {
        let (mut desk, mut server) = Server::asked(package);
        let body = match package {
            Package::Presence => presence("open"),
            Package::Dialog => dialogs(0, "full", ""),
            Package::PresenceWinfo => winfo(0, "full", ""),
            Package::MessageSummary => summary("no"),
            Package::Features => forwarding(false),
        };
        assert_eq!(server.tell(&mut desk, "active;expires=300", &body), 200);
        assert_eq!(desk.lamp(), Watched::Idle);
        (desk, server)
    }

    /// Answers the SUBSCRIBE with 200.
    pub(crate) fn accept(&mut self, desk: &mut Desk, expires: u32) {
        let contact = format!("Contact: <sip:boss@{}>", self.address);
        let status = format!("200 OK\r\n{contact}\r\nExpires: {expires}\r\n");
        let answer = self.subscribe.response(&status);
        let tagged = format!(";tag={}\r\nCall-ID", self.tag);
        let answer = if answer.contains(&tagged) {
            answer
        } else {
            answer.replacen("\r\nCall-ID", &tagged, 1)
        };
        assert_eq!(desk.send(BOSS_AT, &answer), []);
    }

    /// Tells a document; how the desk answered.
    #[track_caller]
    pub(crate) fn tell(&mut self, desk: &mut Desk, state: &str, body: &str) -> u16 {
        let text = self.notify(state, body);
        desk.ask(&self.address.clone(), &text).status()
    }

    /// The next NOTIFY with that Subscription-State and body.
    pub(crate) fn notify(&mut self, state: &str, body: &str) -> String {
        let media = match self.event {
            "dialog" => "Content-Type: application/dialog-info+xml\r\n",
            "presence.winfo" => "Content-Type: application/watcherinfo+xml\r\n",
            "message-summary" => "Content-Type: application/simple-message-summary\r\n",
            _ => "Content-Type: application/pidf+xml\r\n",
        };
        let media = if body.is_empty() { "" } else { media };
        let state = format!("Subscription-State: {state}\r\n");
        self.notify_with(&format!("{state}{media}"), body)
    }

    pub(crate) fn notify_with(&mut self, more: &str, body: &str) -> String {
        let cseq = self.cseq;
        self.cseq += 1;
        let (from, to) = self.ends();
        let call_id = self.subscribe.header("Call-ID").expect("a Call-ID");
        format!(
            "NOTIFY {DESK} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {address};branch=z9hG4bKserver{tag}{cseq}\r\n\
             Max-Forwards: 70\r\n\
             From: {from}\r\n\
             To: {to}\r\n\
             Call-ID: {call_id}\r\n\
             CSeq: {cseq} NOTIFY\r\n\
             Contact: <sip:boss@{address}>\r\n\
             Event: {event}\r\n\
             {more}Content-Length: {len}\r\n\r\n{body}",
            address = self.address,
            tag = self.tag,
            event = self.event,
            len = body.chars().count(),
        )
    }

    /// From and To as the server writes them.
    fn ends(&self) -> (String, String) {
        let to = self.subscribe.header("To").expect("a To");
        let to = to.split(";tag=").next().unwrap_or(to);
        let from = self.subscribe.header("From").expect("a From");
        (format!("{to};tag={}", self.tag), from.to_string())
    }
}

/// A PIDF document.
pub(crate) fn presence(basic: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{BOSS}\">\
         <tuple id=\"t\"><status><basic>{basic}</basic></status><contact>{BOSS}</contact></tuple></presence>"
    )
}

/// A message summary.
pub(crate) fn summary(waiting: &str) -> String {
    format!(
        "Messages-Waiting: {waiting}\r\nMessage-Account: {BOSS}\r\nVoice-Message: 2/8 (0/2)\r\n"
    )
}

/// Whether all calls go elsewhere.
pub(crate) fn forwarding(on: bool) -> String {
    format!(
        "<?xml version=\"1.0\"?><ForwardingEvent \
         xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\"><device/>\
         <forwardingType>forwardImmediate</forwardingType><forwardStatus>{on}</forwardStatus></ForwardingEvent>"
    )
}

/// A dialog-info document.
pub(crate) fn dialogs(version: u32, extent: &str, dialogs: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{version}\" \
         state=\"{extent}\" entity=\"{BOSS}\">{dialogs}</dialog-info>"
    )
}

/// A watcherinfo document.
pub(crate) fn winfo(version: u32, extent: &str, watchers: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><watcherinfo xmlns=\"urn:ietf:params:xml:ns:watcherinfo\" version=\"{version}\" \
         state=\"{extent}\"><watcher-list resource=\"{BOSS}\" package=\"presence\">{watchers}</watcher-list>\
         </watcherinfo>"
    )
}

/// One watcher of such a document.
pub(crate) fn watcher(id: &str, status: &str) -> String {
    format!("<watcher id=\"{id}\" status=\"{status}\" event=\"subscribe\">sip:{id}@b</watcher>")
}

/// One dialog of such a document.
pub(crate) fn call(id: &str, state: &str) -> String {
    format!("<dialog id=\"{id}\"><state>{state}</state></dialog>")
}
