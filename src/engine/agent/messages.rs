//! A datagram in: requests to the roles that serve them, responses to the roles that asked.
//!
//! The checks keep the order of RFC 3261 §8.2; what changes nothing is answered statelessly (§8.2.7).

use super::features::asks_to_switch;
use super::upstreams::Links;
use super::{Agent, Excerpt, Report};
use crate::engine::answers::{self, Secrets};
use crate::events::answer::{Answer, Refusal};
use crate::events::identity::Identity;
use crate::events::package::Package;
use crate::events::subscription::Verdict;
use crate::ground::time::{Instant, Moment};
use crate::txn::server::{Room, Seen};
use crate::txn::token::{Owner, Token};
use crate::wire::flow::Flow;
use crate::wire::sip::{
    self, Broken, Message, Method, Name, Request, Response, ResponseHead, Rows, Status, Unusable,
    Uri, Via, answer_address, is_answerable,
};
use crate::wire::stun;
use core::net::SocketAddr;

/// A request that can't be read in full, and is refused.
#[derive(Clone, Copy)]
struct Unread<'a> {
    head: ResponseHead<'a>,
    method: Method<'a>,
    uri_text: &'a [u8],
    why: &'static str,
}

impl<'a> Unread<'a> {
    /// `None` for one that does not say where it came from: it is dropped.
    fn of(broken: &Broken<'a>) -> Option<Unread<'a>> {
        Some(Unread {
            head: broken.response_head()?,
            method: broken.method,
            uri_text: broken.uri_text,
            why: broken.why,
        })
    }
}

impl Agent {
    /// A datagram, or one framed message of a stream, came in on `flow`.
    pub fn handle_datagram(&mut self, moment: Moment, flow: Flow, bytes: &[u8]) {
        let mut rows = Rows::new();
        match sip::parse(bytes, &mut rows) {
            Ok(Message::Request(request)) => self.handle_request(moment, &flow, &request),
            Ok(Message::Response(response)) => self.handle_response(moment.now, &flow, &response),
            Ok(Message::Broken(broken)) => match Unread::of(&broken) {
                Some(unread) => self.refuse(&flow, unread, broken.status),
                None => self.report(Report::Dropped {
                    remote: flow.remote,
                    why: broken.why,
                }),
            },
            Err(_) if self.handle_stun(moment.now, &flow, bytes) => {}
            Err(unusable) => self.drop_unusable(&flow, unusable),
        }
    }

    /// The stream of `flow` lost its framing at a message with this `head` (RFC 3261 §18.3): answers with `status` if
    /// the head can be answered at all. Send what [`Agent::poll`] then gives, and close the connection: whatever else
    /// it brought was never a message.
    pub fn handle_lost_framing(&mut self, flow: Flow, status: Status, head: &[u8]) {
        let mut rows = Rows::new();
        let refused = match sip::parse(head, &mut rows) {
            Ok(Message::Request(request)) if request.method != Method::Ack => Some(Unread {
                head: request.response_head(),
                method: request.method,
                uri_text: request.uri_text,
                // A datagram may do without; nothing else can be wrong with this one.
                why: "Missing Content-Length header field",
            }),
            Ok(Message::Broken(broken)) => Unread::of(&broken),
            Ok(Message::Request(_) | Message::Response(_)) | Err(_) => None,
        };
        match refused {
            Some(refused) => self.refuse(&flow, refused, status),
            None => self.report(Report::Dropped {
                remote: flow.remote,
                why: "the stream has lost its framing",
            }),
        }
    }

    /// The network says that a datagram did not get to `remote`, and quotes the beginning of it, as much as it likes: as a
    /// 503 to that request (RFC 3261 §8.1.3.1). What quotes no request of ours that waits for an answer from there means
    /// nothing (RFC 8085 §5.2). What is on its way there besides waits for its own answer; what was told from there is in
    /// doubt.
    pub fn handle_unreachable(&mut self, moment: Moment, remote: SocketAddr, quoted: &[u8]) {
        let binding = || Token::from_number(stun::quoted(quoted)?);
        let Some(token) = Token::quoted(quoted).or_else(binding) else {
            return;
        };
        let (now, random) = (moment.now, &mut self.random);
        let is_ours = match token.owner {
            Owner::Subscription => self.notifier.handle_unreachable(now, token, remote),
            Owner::Watch | Owner::Usage => {
                let watcher = &mut self.watcher;
                watcher.handle_unreachable(now, token, remote, random)
            }
            Owner::Registration | Owner::Publication => {
                let upstreams = &mut self.upstreams;
                upstreams.handle_unreachable(now, token, remote, random)
            }
        };
        if is_ours {
            self.watcher.handle_silent(now, remote, now, random);
        }
    }

    fn handle_request(&mut self, moment: Moment, flow: &Flow, request: &Request<'_>) {
        if request.method == Method::Ack {
            return;
        }
        let answer = self
            .answer(moment, flow, request)
            .unwrap_or_else(Answer::Refused);
        self.reply(moment.now, flow, request, answer);
    }

    fn answer(
        &mut self,
        moment: Moment,
        flow: &Flow,
        request: &Request<'_>,
    ) -> Result<Answer, Refusal> {
        let identity = self.identity_of(moment.now, flow, request)?;
        let trusted = identity.is_known();
        let tag = request.to.tag().and_then(Token::from_tag);
        let answers_us = request.method == Method::Notify
            && tag.is_some_and(|token| token.owner == Owner::Watch);
        let asks =
            request.method == Method::Subscribe && self.policy.admits(identity) == Verdict::Confirm;
        let is_known = trusted || answers_us || asks;
        if !is_known
            && !self.is_pinged(moment.now, flow, request)
            && !self.tells_unasked(moment.now, flow, request)
        {
            let why = "it comes from no trusted network";
            return Err(Refusal::Because(Status::FORBIDDEN, why));
        }
        match request.method {
            // It only asks.
            Method::Register if !request.headers.has(Name::Contact) => {
                self.check(request)?;
                self.answer_register(moment, flow, request, identity)
            }
            Method::Subscribe | Method::Notify | Method::Register | Method::Publish => {
                self.answer_once(moment, flow, request, identity)
            }
            Method::Options => self
                .check(request)
                .and_then(|()| self.answer_options(moment.now, flow, request)),
            Method::Cancel if self.transactions.knows_cancelled(request) => Ok(Answer::Done),
            Method::Cancel => Err(Status::NO_SUCH_SUBSCRIPTION.into()),
            method if method.is_known() => Err(Status::METHOD_NOT_ALLOWED.into()),
            _ => Err(Status::NOT_IMPLEMENTED.into()),
        }
    }

    /// A request that changes something: a retransmission gets the same answer and changes nothing (RFC 3261 §17.2.2).
    fn answer_once(
        &mut self,
        moment: Moment,
        flow: &Flow,
        request: &Request<'_>,
        identity: Identity,
    ) -> Result<Answer, Refusal> {
        let trusted = identity.is_known();
        let key = match self.transactions.look_up(request, flow.remote.ip()) {
            Seen::Again(answer) => return Ok(answer),
            Seen::Merged => return Err(Status::LOOP_DETECTED.into()),
            Seen::New(key) => key,
        };
        self.check(request)?;
        let in_dialog = match request.method {
            Method::Register | Method::Publish => false,
            _ => request.to.tag().is_some(),
        };
        let needs_place = request.method != Method::Notify && !in_dialog;
        // Strangers don't get the last places.
        let room = match trusted {
            true => self.transactions.room(key),
            false => self.transactions.room_to_spare(key),
        };
        match room {
            Room::Free => {}
            Room::Share if needs_place => {
                return Err(Refusal::Share("it has its share of transactions"));
            }
            Room::Full if needs_place => return Err(Refusal::BUSY),
            Room::Share | Room::Full => {}
        }
        let answer = match request.method {
            Method::Notify => {
                let answer = self.answer_notify(moment.now, flow, request, trusted)?;
                self.hear_features(moment);
                answer
            }
            Method::Register => self.answer_register(moment, flow, request, identity)?,
            Method::Publish => self.answer_publish(moment, flow, request, identity)?,
            _ if asks_to_switch(request) => self.answer_switch(moment, flow, request, identity)?,
            _ => self.answer_subscribe(moment, flow, request, identity)?,
        };
        if trusted || request.method != Method::Subscribe {
            self.granted = flow.connection;
        }
        // In a dialog the CSeq tells a retransmission too, so there the last places are not taken.
        let is_kept = needs_place || self.transactions.room_to_spare(key) == Room::Free;
        if !flow.transport.is_reliable() && is_kept {
            self.transactions.keep(moment.now, key, answer);
        }
        Ok(answer)
    }

    /// What every request is checked for, after its method (RFC 3261 §8.2.2, §8.2.3).
    fn check(&self, request: &Request<'_>) -> Result<(), Refusal> {
        match &request.uri {
            Uri::Sip(_) | Uri::Tel(_) | Uri::Pres(_) => {}
            Uri::Other { .. } => return Err(Status::UNSUPPORTED_URI_SCHEME.into()),
        }
        if answers::unsupported(request).next().is_some() {
            return Err(Status::BAD_EXTENSION.into());
        }
        if request.body.is_empty() {
            return Ok(());
        }
        // Whoever asks for a package that we don't have is told that, whatever it brings.
        let has_package = match request.method {
            Method::Subscribe => is_of(request, Package::is_served),
            Method::Publish => is_of(request, Package::is_published),
            _ => true,
        };
        if !has_package {
            return Ok(());
        }
        let has_foreign_body = request.method == Method::Subscribe
            && !asks_to_switch(request)
            && !request.headers.content_disposition_optional();
        // The watcher judges the body of a NOTIFY itself, once it knows whose it is (RFC 6665 §4.4.1, RFC 3261
        // §21.4.13).
        let is_coded = request.method != Method::Notify
            && request
                .headers
                .content_encoding()
                .is_some_and(|coding| !coding.eq_ignore_ascii_case(b"identity"));
        if has_foreign_body || is_coded {
            return Err(Status::UNSUPPORTED_MEDIA_TYPE.into());
        }
        Ok(())
    }

    /// Who comes anew while we take our leave comes again when somebody else is there.
    pub(super) fn takes_more(&self) -> Result<(), Refusal> {
        match self.stopping {
            true => Err(Refusal::BUSY),
            false => Ok(()),
        }
    }

    fn answer_options(
        &self,
        now: Instant,
        flow: &Flow,
        request: &Request<'_>,
    ) -> Result<Answer, Refusal> {
        let names_nobody = matches!(&request.uri, Uri::Sip(uri) if uri.user.is_none());
        if names_nobody
            || self.directory.find(&request.uri).is_some()
            || self.is_pinged(now, flow, request)
        {
            Ok(Answer::Done)
        } else {
            Err(Status::NOT_FOUND.into())
        }
    }

    /// A NOTIFY: of a subscription of ours, or of a mailbox.
    fn answer_notify(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Request<'_>,
        trusted: bool,
    ) -> Result<Answer, Refusal> {
        let told = match self.answer_unasked(now, flow, request) {
            Some(told) => told,
            None => {
                let (locals, random) = (&self.locals, &mut self.random);
                self.watcher
                    .handle_notify(now, request, flow, trusted, locals, random)
            }
        };
        told.map(|()| Answer::Done)
    }

    /// A response goes to whoever's branch it carries; others are dropped (RFC 3261 §17.1.3).
    fn handle_response(&mut self, now: Instant, flow: &Flow, response: &Response<'_>) {
        let sent_by = response.via.host.ip().map(|ip| {
            let port = response.via.port.unwrap_or(5_060);
            SocketAddr::new(ip, port)
        });
        // On a wildcard listener an answer may arrive at another address than the one we announced.
        let is_neighbour = |by: SocketAddr| {
            self.locals.listens_at(by)
                || (by.port() == flow.local.port() && self.locals.has(by.ip()))
        };
        let is_ours = sent_by.is_some_and(|by| by == flow.local || is_neighbour(by));
        let Some(token) = response
            .via
            .branch
            .and_then(Token::from_branch)
            .filter(|_| is_ours)
        else {
            return;
        };
        match (token.owner, response.cseq.method) {
            (Owner::Subscription, Method::Notify) => {
                self.notifier.handle_response(now, token, response, flow);
            }
            (Owner::Watch | Owner::Usage, Method::Subscribe) => {
                let mut accounts = Links {
                    upstreams: &mut self.upstreams,
                    ids: &self.links,
                    addresses: &self.locals,
                };
                let random = &mut self.random;
                let seen =
                    self.watcher
                        .handle_response(now, token, response, flow, &mut accounts, random);
                if let Some(seen) = seen {
                    self.locals.see(flow.remote, seen);
                }
            }
            (Owner::Registration | Owner::Publication, _) => {
                self.handle_upstream_response(now, token, response, flow);
            }
            (Owner::Subscription | Owner::Watch | Owner::Usage, _) => {}
        }
    }

    fn reply(&mut self, now: Instant, flow: &Flow, request: &Request<'_>, answer: Answer) {
        let secrets = Secrets {
            tags: self.secret,
            entity_tags: self.compositor.secret(),
        };
        let challenges = match answer {
            Answer::Refused(Refusal::Challenge { stale }) => {
                let (to, name) = (flow.remote.ip(), request.from.uri());
                Some(self.guard.challenge(now, to, &name, stale))
            }
            _ => None,
        };
        let (registrar, buf) = (&self.registrar, &mut self.reply.bytes);
        let written = answers::write(request, flow, answer, registrar, challenges, secrets, buf);
        self.send_reply(flow, &request.via, written.ok());
        // Whoever takes leave after we did is told so, and the log is not; nor of what only keeps a NAT open.
        // Nor of a challenge, with which every proof begins.
        if let Answer::Refused(refusal) = answer
            && !matches!(refusal, Refusal::Challenge { .. })
            && !self.stopping
            && request.method.as_bytes() != b"PING"
        {
            let event = request.headers.event().ok().flatten();
            self.report(Report::Refused {
                remote: flow.remote,
                method: Excerpt::of(request.method.as_bytes()),
                target: Excerpt::of(request.uri_text),
                package: event.map_or(Excerpt::NONE, |event| Excerpt::of(event.package)),
                status: answer.status(),
                why: refusal.why(),
            });
        }
    }

    /// Answers what could not be read in full.
    fn refuse(&mut self, flow: &Flow, unread: Unread<'_>, status: Status) {
        let Unread { head, why, .. } = unread;
        let status = (status, why);
        let buf = &mut self.reply.bytes;
        let written = answers::refuse(head, flow, status, self.secret, buf);
        self.send_reply(flow, head.via(), written.ok());
        self.report(Report::Refused {
            remote: flow.remote,
            method: Excerpt::of(unread.method.as_bytes()),
            target: Excerpt::of(unread.uri_text),
            package: Excerpt::NONE,
            status: status.0,
            why,
        });
    }

    /// Makes the reply the next thing polled; one that fits no datagram or has no address is dropped.
    fn send_reply(&mut self, flow: &Flow, via: &Via<'_>, len: Option<usize>) {
        let remote = if flow.transport.is_reliable() {
            flow.remote
        } else {
            answer_address(via, flow)
        };
        match len {
            Some(len) if is_answerable(remote) => {
                self.reply.len = len;
                self.reply.flow = Flow { remote, ..*flow };
            }
            Some(_) | None => self.report(Report::Dropped {
                remote: flow.remote,
                why: "it can't be answered",
            }),
        }
    }

    fn drop_unusable(&mut self, flow: &Flow, unusable: Unusable) {
        let why = match unusable {
            Unusable::KeepAlive | Unusable::Ack => return,
            Unusable::NotSip => "it is not SIP",
            Unusable::Response => "a response that can't be ours",
            Unusable::NoVia => "it has no Via",
            Unusable::TooLong => "it is too long",
        };
        self.report(Report::Dropped {
            remote: flow.remote,
            why,
        });
    }

    pub(super) fn report(&mut self, report: Report) {
        // A full queue loses the newest: the log is for people, and the first lines tell most.
        let _ = self.reports.push_back(report);
    }
}

/// Whether a request names an event package that is one of these. One whose Event can't be read is judged by its role.
fn is_of(request: &Request<'_>, is_one: impl Fn(Package) -> bool) -> bool {
    let Ok(Some(event)) = request.headers.event() else {
        return false;
    };
    Package::from_name(event.package).is_some_and(is_one)
}
