//! Watchers who say what they have already (RFC 5839). Group F.

use super::*;

impl Phone {
    /// A SUBSCRIBE that is to be answered with no more than is new.
    fn knowing(&mut self, tag: &str, expires: u32) -> String {
        self.cseq += 1;
        let more = format!(
            "Event: {}\r\nExpires: {expires}\r\nSuppress-If-Match: {tag}\r\n",
            self.event
        );
        self.request("SUBSCRIBE", &more)
    }
}

#[track_caller]
fn tag(notify: &Sent) -> String {
    let tag = notify.header("SIP-ETag").expect("a tag");
    assert_ne!(tag, "*");
    tag.to_string()
}

/// A phone, and the tag of what it knows.
#[track_caller]
fn told(f: &mut Fixture, event: &'static str) -> (Phone, String) {
    let mut phone = Phone::new("bob", event);
    let sent = f.send(&phone, &phone.subscribe(600));
    phone.learn(&sent[0]);
    f.confirm(&phone, &sent[1]);
    (phone, tag(&sent[1]))
}

#[test]
fn a_tag_is_another_one_when_the_state_is() /* F12 */
{
    for (event, input) in [
        ("presence", Input::Dnd(true)),
        ("dialog", Input::Hook(true)),
    ] {
        let mut f = Fixture::new();
        let (mut phone, first) = told(&mut f, event);
        let text = phone.refresh(300);
        let sent = f.send(&phone, &text);
        assert_eq!(tag(&sent[1]), first, "a lifetime is no state");
        f.confirm(&phone, &sent[1]);
        let changed = f.input(input);
        assert_ne!(tag(&changed[0]), first);
        f.confirm(&phone, &changed[0]);
        // A partial document has the tag of the whole.
        let text = phone.refresh(300);
        let sent = f.send(&phone, &text);
        assert_eq!(tag(&sent[1]), tag(&changed[0]));
        let cpim = phone.refresh(300).replace(
            "Content-Length",
            "Accept: application/cpim-pidf+xml\r\nContent-Length",
        );
        if event == "presence" {
            let sent = f.send(&phone, &cpim);
            assert_ne!(tag(&sent[1]), tag(&changed[0]), "another type");
        }
    }
}

#[test]
fn no_two_presentities_agents_or_packages_share_a_tag() /* F12 */
{
    let mut f = Fixture::new();
    let (_, presence) = told(&mut f, "presence");
    let mut f = Fixture::new();
    let (_, dialog) = told(&mut f, "dialog");
    assert_ne!(presence, dialog);
    let mut f = Fixture::new();
    let seed = [9, 9];
    let settings = f.agent.settings().clone();
    f.agent = new_agent();
    let local = LOCAL.parse::<SocketAddr>().unwrap().into();
    f.agent.start(f.moment(), &settings, seed, &[local]);
    let (_, other) = told(&mut f, "presence");
    assert_ne!(presence, other, "after a restart it may be another state");
}

/// ```text
///   phone                agent
///     │── SUBSCRIBE ──────►│  Suppress-If-Match
///     │◄────────── 204 ────│  and nothing more
/// ```
#[test]
fn who_has_the_state_is_told_nothing() /* F13 */
{
    for event in ["presence", "dialog"] {
        let mut f = Fixture::new();
        let (mut phone, known) = told(&mut f, event);
        let text = phone.knowing(&known, 500);
        let sent = f.send(&phone, &text);
        assert_eq!((sent.len(), sent[0].status()), (1, 204), "{sent:#?}");
        assert_eq!(sent[0].header("Expires"), Some("500"));
        assert!(sent[0].header("Contact").is_some());
        f.run(Duration::from_secs(499));
        assert_eq!(f.agent.notifier.len(), 1);
        let text = phone.knowing(&known, 500);
        assert_eq!(f.send(&phone, &text)[0].status(), 204, "it was extended");
        // What is new is told.
        let input = if event == "dialog" {
            Input::Hook(true)
        } else {
            Input::Dnd(true)
        };
        let changed = f.input(input);
        assert_eq!(changed.len(), 1);
        f.confirm(&phone, &changed[0]);
        let text = phone.knowing(&known, 500);
        let sent = f.send(&phone, &text);
        assert_eq!((sent.len(), sent[0].status()), (2, 200));
        assert_eq!(tag(&sent[1]), tag(&changed[0]));
        assert_ne!(sent[1].body(), "");
    }
}

#[test]
fn a_tag_of_nobody_or_garbage_holds_nothing_back() /* F13 */
{
    let mut f = Fixture::new();
    let (mut phone, known) = told(&mut f, "presence");
    for other in [
        "x",
        "00000000000000000",
        &known[1..],
        &known.to_uppercase(),
        "a, b",
        "",
    ] {
        let text = phone.knowing(other, 500);
        let sent = f.send(&phone, &text);
        if known.to_uppercase() != *other || known != other {
            assert_ne!(sent[0].status(), 204, "{other}");
        }
        for notify in sent.iter().skip(1) {
            f.confirm(&phone, notify);
        }
    }
}

#[test]
fn a_star_silences_a_subscription_until_it_asks_again() /* F13 */
{
    let mut f = Fixture::new();
    let (mut phone, _) = told(&mut f, "presence");
    let text = phone.knowing("*", 500);
    assert_eq!(f.send(&phone, &text)[0].status(), 204);
    assert_eq!(f.input(Input::Dnd(true)), []);
    f.run(Duration::from_secs(10));
    let text = phone.refresh(500);
    let sent = f.send(&phone, &text);
    assert_eq!(basic(&sent[1]), Some(Basic::Closed));
    f.confirm(&phone, &sent[1]);
    let text = phone.knowing("*", 500);
    assert_eq!(f.send(&phone, &text)[0].status(), 204);
    // A change of the subscription's own is told, without the document.
    f.agent.stop(f.now);
    let sent = f.drain();
    assert_eq!(
        sent[0].header("Subscription-State"),
        Some("terminated;reason=deactivated")
    );
    assert_eq!((sent[0].body(), sent[0].header("Content-Type")), ("", None));
    tag(&sent[0]);
}

#[test]
fn who_leaves_and_has_the_state_is_told_no_more() /* F13 */
{
    let mut f = Fixture::new();
    let (mut phone, known) = told(&mut f, "presence");
    let text = phone.knowing(&known, 0);
    let sent = f.send(&phone, &text);
    assert_eq!((sent.len(), sent[0].status()), (1, 204));
    assert_eq!(sent[0].header("Expires"), Some("0"));
    assert!(f.agent.notifier.is_empty());
    let text = phone.refresh(600);
    assert_eq!(f.send(&phone, &text)[0].status(), 481);
}

#[test]
fn a_new_subscription_gets_a_notify_without_what_it_has() /* F14 */
{
    for expires in [600, 0] {
        let mut f = Fixture::new();
        let (_, known) = told(&mut f, "dialog");
        for (condition, has_body) in [(known.as_str(), false), ("*", false), ("0123", true)] {
            let mut phone = Phone::new("ann", "dialog");
            phone.cseq = 10 + condition.len() as u32;
            let text = phone.knowing(condition, expires);
            let text = text.replace("call-ann", &format!("call-{}", condition.len()));
            let sent = f.send(&phone, &text);
            assert_eq!((sent.len(), sent[0].status()), (2, 200), "{condition}");
            assert_eq!(tag(&sent[1]), known);
            assert_eq!(sent[1].header("Content-Type").is_some(), has_body);
            assert_eq!(sent[1].body() != "", has_body);
            if !has_body {
                assert_eq!(sent[1].header("Content-Length"), Some("0"));
            }
        }
    }
}

#[test]
fn a_partial_document_never_builds_on_one_that_was_left_out() /* F14 D02 */
{
    let mut f = Fixture::new();
    let (_, known) = told(&mut f, "dialog");
    let mut phone = Phone::new("ann", "dialog");
    let text = phone.knowing(&known, 600);
    let sent = f.send(&phone, &text);
    phone.learn(&sent[0]);
    f.confirm(&phone, &sent[1]);
    let told = f.input(Input::Hook(true));
    let told = told
        .iter()
        .find(|it| it.flow.remote == phone.address)
        .unwrap();
    let (version, extent, _) = dialogs(told);
    assert_eq!((version, extent), (0, Extent::Full));
}
