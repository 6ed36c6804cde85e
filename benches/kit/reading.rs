//! Reading messages and documents, each with all that a role asks of it.

use lampfield::wire::doc::{dialog_info, message_summary, pidf, winfo};
use lampfield::wire::sip::{Message, Request, Rows, parse};
use std::hint::black_box;

/// RFC 3856 §8.1, F1.
const SHORT: &[u8] = include_bytes!("../rfc3856.sip");
const SUBSCRIBE: &[u8] = include_bytes!("../subscribe.sip");
const NOTIFY: &[u8] = include_bytes!("../notify.sip");
const PIDF: &[u8] = include_bytes!("../../tests/bodies/pidf_asterisk_talking.xml");
const XPIDF: &[u8] = include_bytes!("../../tests/bodies/xpidf_asterisk_inuse.xml");
const DIALOG: &[u8] = include_bytes!("../../tests/bodies/dialog_asterisk_ringing.xml");
const WATCHERS: &[u8] = include_bytes!("../../tests/bodies/winfo_full.xml");
const MAILBOX: &[u8] = b"Messages-Waiting: yes\r\nMessage-Account: sip:100@pbx.example\r\n\
    Voice-Message: 2/8 (0/2)\r\n";

/// Name, what one is, and the work.
pub type Reading = (&'static str, &'static str, fn());

pub const ALL: [Reading; 8] = [
    (
        "parse-rfc3856",
        "its SUBSCRIBE of 386 bytes, every row typed",
        short_subscribe,
    ),
    (
        "parse-subscribe",
        "SUBSCRIBE, all a notifier needs",
        subscribe,
    ),
    ("parse-notify", "NOTIFY, all a watcher needs", notify),
    ("read-pidf", "PIDF", read_pidf),
    ("read-xpidf", "xpidf", read_xpidf),
    ("read-dialog-info", "dialog-info", read_dialog_info),
    ("read-watcherinfo", "watcherinfo", read_watcherinfo),
    ("read-summary", "message summary", read_summary),
];

fn short_subscribe() {
    request(SHORT, |request| {
        let headers = &request.headers;
        black_box((headers.event().ok(), headers.expires().ok()));
        black_box((headers.max_forwards(), request.cseq.number));
        black_box(headers.accept().quality("application", "pidf+xml"));
        black_box(headers.contacts().next().and_then(Result::ok));
    });
}

fn subscribe() {
    request(SUBSCRIBE, |request| {
        let headers = &request.headers;
        black_box((headers.event().ok(), headers.expires().ok()));
        black_box(headers.max_forwards());
        black_box(headers.accept().quality("application", "pidf+xml"));
        black_box(headers.contacts().next().and_then(Result::ok));
        black_box(headers.require().next());
    });
}

fn notify() {
    request(NOTIFY, |request| {
        let headers = &request.headers;
        black_box((headers.event().ok(), headers.subscription_state().ok()));
        black_box(headers.content_type().ok());
        black_box(headers.contacts().next().and_then(Result::ok));
        black_box(request.body.len());
    });
}

fn request(bytes: &[u8], look: impl FnOnce(&Request<'_>)) {
    let mut rows = Rows::new();
    match parse(black_box(bytes), &mut rows) {
        Ok(Message::Request(request)) => look(black_box(&request)),
        Ok(Message::Response(_) | Message::Broken(_)) | Err(_) => panic!("a sound request"),
    }
}

fn read_pidf() {
    black_box(pidf::read(black_box(PIDF)).expect("a good document").basic);
}

fn read_xpidf() {
    black_box(pidf::read(black_box(XPIDF)).expect("a good document").basic);
}

fn read_dialog_info() {
    let mut state = None;
    dialog_info::read(black_box(DIALOG), &mut |dialog| state = dialog.state)
        .expect("a good document");
    black_box(state);
}

fn read_watcherinfo() {
    let mut status = None;
    winfo::read(black_box(WATCHERS), &mut |watcher| status = watcher.status)
        .expect("a good document");
    black_box(status);
}

fn read_summary() {
    black_box(message_summary::read(black_box(MAILBOX)).expect("a good summary"));
}
