//! From the facts of an answer to the bytes of a response (RFC 3261 §8.2.6).

use crate::events::answer::{Answer, Refusal};
use crate::events::package::Package;
use crate::ground::hex::hex;
use crate::ground::limits;
use crate::ground::random::Secret;
use crate::roles::registrar::Registrar;
use crate::txn::token::Token;
use crate::ua::dialog::{write_contact, write_secure_contact};
use crate::ua::guard::Challenges;
use crate::wire::WriteError;
use crate::wire::flow::Flow;
use crate::wire::sip::{Method, Name, Request, ResponseHead, Status, Uri, Writer, respond_with};

/// The methods we serve, as Allow tells them.
const ALLOW: &[u8] = b"SUBSCRIBE, NOTIFY, PUBLISH, REGISTER, OPTIONS, CANCEL";

/// What the parts of an answer are made under that nobody else can make.
#[derive(Clone, Copy)]
pub(super) struct Secrets {
    /// To-tags of stateless answers.
    pub(super) tags: Secret,
    /// Entity-tags.
    pub(super) entity_tags: Secret,
}

/// Writes the response to `request`. Bindings are listed as `registrar` has them; a 401 has these challenges.
///
/// # Errors
/// [`WriteError`] if it does not fit `buf`.
pub(super) fn write(
    request: &Request<'_>,
    flow: &Flow,
    answer: Answer,
    registrar: &Registrar,
    challenges: Option<Challenges<'_>>,
    secrets: Secrets,
    buf: &mut [u8],
) -> Result<usize, WriteError> {
    let mut w = Writer::new(buf);
    let tag = match answer {
        Answer::Subscribed {
            tag: Some(token), ..
        } => token.text(),
        Answer::Subscribed { tag: None, .. }
        | Answer::Unchanged { .. }
        | Answer::Published { .. }
        | Answer::Registered { .. }
        | Answer::Done
        | Answer::Refused(_) => stateless_tag(request.response_head(), secrets.tags),
    };
    let why = match answer {
        Answer::Refused(refusal) => refusal.why(),
        Answer::Subscribed { .. }
        | Answer::Unchanged { .. }
        | Answer::Published { .. }
        | Answer::Registered { .. }
        | Answer::Done => "",
    };
    let status = (answer.status(), reason(answer.status(), why));
    respond_with(&mut w, request.response_head(), flow, status, Some(&tag));
    match answer {
        Answer::Subscribed { expires, .. } | Answer::Unchanged { expires } => {
            if let Answer::Subscribed { is_list: true, .. } = answer {
                w.header(Name::Require, b"eventlist");
            }
            w.echo(&request.headers, Name::RecordRoute);
            match &request.uri {
                Uri::Sip(uri) if uri.secure => {
                    write_secure_contact(&mut w, request.uri.user(), flow);
                }
                Uri::Sip(_) | Uri::Tel(_) | Uri::Pres(_) | Uri::Other { .. } => {
                    write_contact(&mut w, request.uri.user(), flow);
                }
            }
            w.header_u32(Name::Expires, expires.0);
            write_allow(&mut w);
            write_allow_events(&mut w, Package::is_served);
        }
        Answer::Registered { presentity, at } => {
            registrar.write_contacts(presentity, at, &mut w);
            write_allow(&mut w);
            write_allow_events(&mut w, Package::is_served);
        }
        Answer::Published { tag, expires } => {
            w.header_u32(Name::Expires, expires.0);
            w.header(Name::SipEtag, &tag.text(secrets.entity_tags));
        }
        Answer::Done if request.method == Method::Options => {
            write_allow(&mut w);
            write_allow_events(&mut w, Package::is_served);
            write_accept(&mut w, &|_| true);
        }
        Answer::Done => {}
        Answer::Refused(Refusal::Share(_)) => {
            w.header_u32(Name::RetryAfter, limits::RETRY_AFTER.0);
        }
        Answer::Refused(Refusal::AnswerLater(_, after)) => {
            w.header_u32(Name::RetryAfter, after.0);
        }
        Answer::Refused(Refusal::Challenge { .. }) => {
            challenges.iter().for_each(|it| it.write(&mut w));
        }
        Answer::Refused(Refusal::TooBrief(least)) => {
            w.header_u32(Name::MinExpires, least.0);
        }
        Answer::Refused(Refusal::Answer(status) | Refusal::Because(status, _)) => {
            explain(&mut w, request, status);
        }
    }
    w.finish()
}

/// Writes the refusal of a request that could not be read in full: `why` is the reason phrase of a 400.
///
/// # Errors
/// [`WriteError`] if it does not fit `buf`.
pub(super) fn refuse(
    head: ResponseHead<'_>,
    flow: &Flow,
    (status, why): (Status, &str),
    secret: Secret,
    buf: &mut [u8],
) -> Result<usize, WriteError> {
    let mut w = Writer::new(buf);
    let tag = stateless_tag(head, secret);
    let status = (status, reason(status, why));
    respond_with(&mut w, head, flow, status, Some(&tag));
    w.finish()
}

/// What the request requires and we do not know. Lists are understood where they are asked for and told (RFC 4662 §4.1);
/// whether it asked for one, the watcher knows.
pub(super) fn unsupported<'a>(request: &Request<'a>) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let may_list = matches!(request.method, Method::Subscribe | Method::Notify);
    let all = request.headers.require();
    all.filter(move |tag| !(may_list && tag.eq_ignore_ascii_case(b"eventlist")))
}

/// A 400 says what is wrong (RFC 3261 §21.4.1). Other refusals say what their code says: why a stranger is sent away is
/// for the log.
fn reason(status: Status, why: &str) -> &str {
    match status {
        Status::BAD_REQUEST if !why.is_empty() => why,
        _ => status.reason(),
    }
}

/// What a peer needs to know to do better.
fn explain(w: &mut Writer<'_>, request: &Request<'_>, status: Status) {
    match status {
        Status::METHOD_NOT_ALLOWED | Status::NOT_IMPLEMENTED => write_allow(w),
        // Not everything that can be watched can be published (RFC 3903 §6 step 2).
        Status::BAD_EVENT if request.method == Method::Publish => {
            write_allow_events(w, Package::is_published);
        }
        Status::BAD_EVENT => write_allow_events(w, Package::is_served),
        Status::NOT_ACCEPTABLE => write_accept(w, &Package::is_served),
        Status::UNSUPPORTED_MEDIA_TYPE if request.method == Method::Notify => {
            write_accept(w, &|_| true);
            w.header(Name::AcceptEncoding, b"identity");
        }
        Status::UNSUPPORTED_MEDIA_TYPE => {
            let event = request.headers.event().ok().flatten();
            let package = event.and_then(|it| Package::from_name(it.package));
            // Most bodies of a SUBSCRIBE are not understood, and none in a coding.
            let package =
                package.filter(|it| request.method == Method::Publish || it.is_switched());
            write_accept(w, &|it| Some(it) == package);
            w.header(Name::AcceptEncoding, b"identity");
        }
        Status::EXTENSION_REQUIRED => _ = w.header(Name::Require, b"eventlist"),
        Status::BAD_EXTENSION => {
            w.field_with(Name::Unsupported, |out| _ = out.list(unsupported(request)));
        }
        _ => {}
    }
}

fn write_allow(w: &mut Writer<'_>) {
    w.header(Name::Allow, ALLOW);
}

fn write_allow_events(w: &mut Writer<'_>, is_meant: fn(Package) -> bool) {
    // Template-packages go without saying (RFC 6665 §4.4.4).
    let is_own = |package: &&Package| is_meant(**package) && package.watchers_of().is_none();
    let packages = Package::ALL.iter().filter(is_own);
    let names = packages.map(|package| package.name().as_bytes());
    w.field_with(Name::AllowEvents, |out| _ = out.list(names));
}

/// Every body type of these packages.
fn write_accept(w: &mut Writer<'_>, is_meant: &dyn Fn(Package) -> bool) {
    let packages = Package::ALL.iter().filter(|package| is_meant(**package));
    let bodies = packages.flat_map(|package| package.spec().bodies);
    let types = bodies.map(|body| body.text.as_bytes());
    w.field_with(Name::Accept, |out| _ = out.list(types));
}

/// The same tag for every response to a request, without remembering the request (§8.2.7). It is no token of ours:
/// who returns it is in no dialog.
fn stateless_tag(head: ResponseHead<'_>, secret: Secret) -> [u8; Token::LEN] {
    let hash = secret
        .hasher()
        .part(head.value(Name::CallId).unwrap_or_default())
        .part(head.value(Name::From).unwrap_or_default())
        .part(head.via().raw)
        .finish();
    let mut tag = [b'0'; Token::LEN];
    hex(&mut tag[1..], hash);
    tag[0] = b'x';
    tag
}
