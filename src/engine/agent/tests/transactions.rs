//! What makes a request the same as one before, and how many are remembered (RFC 3261 §17.2.3, §8.2.2.2).

use super::*;

#[test]
fn a_branch_without_the_cookie_is_nobodys_key() /* T11 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    let old = |text: String| text.replace(";branch=z9hG4bKbob1SUBSCRIBE0", ";branch=1");
    let first = f.send(&phone, &old(phone.subscribe(600)));
    let other = old(phone.subscribe(600)).replace("call-bob", "call-other");
    let second = f.send(&phone, &other);
    assert_eq!((second.len(), second[0].status()), (2, 200));
    assert_ne!(first[0].header("To"), second[0].header("To"));
}

#[test]
fn in_a_dialog_a_fork_is_the_dialogs_affair() /* N33 */
{
    let mut f = Fixture::new();
    let mut phone = f.watching("bob", "presence");
    let refresh = phone.refresh(600);
    assert_eq!(f.send(&phone, &refresh)[0].status(), 200);
    // On another way: no fork that a proxy made, but the same watcher, who is served.
    let again = refresh.replace("branch=z9hG4bK", "branch=z9hG4bKx");
    assert_eq!(f.send(&phone, &again)[0].status(), 200);
}

#[test]
fn refreshes_do_not_take_the_last_places() /* T18 */
{
    let mut f = Fixture::new();
    let mut phones: StdVec<Phone> = (0..20)
        .map(|at| f.watching(&format!("w{at}"), "presence"))
        .collect();
    let mut rounds = 0;
    while f.agent.transactions.len() < limits::TRANSACTIONS / 4 && rounds < 100 {
        rounds += 1;
        for phone in &mut phones {
            let refresh = phone.refresh(600);
            let sent = f.send(phone, &refresh);
            assert_eq!(sent[0].status(), 200);
            f.send(phone, &sent[1].answer("200 OK"));
        }
    }
    let kept = f.agent.transactions.len();
    for phone in &mut phones {
        let refresh = phone.refresh(600);
        assert_eq!(f.send(phone, &refresh)[0].status(), 200, "it is served");
    }
    assert_eq!(f.agent.transactions.len(), kept, "and not remembered");
    assert!(kept <= limits::TRANSACTIONS / 4 + 1, "{kept}");
}

#[test]
fn one_who_loops_leaves_room_for_everybody_else() /* ATTACKS C03 */
{
    let mut f = Fixture::new();
    let mut refused = 0;
    for round in 0..4_000 {
        let loops = Phone::new(&format!("l{round}"), "presence");
        let port = 2_000 + round as u16;
        let sent = f.send_from(
            SocketAddr::from(([192, 0, 2, 66], port)),
            &loops.subscribe(0),
        );
        match sent[0].status() {
            200 => drop(f.send_from(sent[1].flow.remote, &sent[1].answer("200 OK"))),
            status => {
                assert_eq!((status, sent[0].header("Retry-After")), (503, Some("30")));
                refused += 1;
            }
        }
        // 33 in a second, for two minutes; each second somebody else comes.
        f.run(Duration::from_millis(30));
        if round % 33 == 0 {
            let other = Phone::new(&format!("other{round}"), "presence");
            let host = 100 + (round / 33 % 100) as u8;
            let from = SocketAddr::from(([192, 0, 2, host], 5_060));
            let sent = f.send_from(from, &other.subscribe(0));
            assert_eq!(sent[0].status(), 200, "after {round}");
            f.send_from(sent[1].flow.remote, &sent[1].answer("200 OK"));
        }
    }
    assert!(refused > 1_000, "{refused}");
    f.run(Duration::from_secs(33));
    assert!(f.agent.transactions.is_empty());
}

/// A proxy on this machine speaks for a building of phones.
#[test]
fn loopback_has_all_there_is() {
    let mut f = Fixture::with(|settings| settings.trusted.extend(Network::LOOPBACK));
    for number in 0..=limits::TRANSACTIONS {
        let phone = Phone::new(&format!("p{number}"), "presence");
        let from = SocketAddr::from(([127, 0, 0, 1], 5_070));
        let sent = f.send_from(from, &phone.subscribe(0));
        let expected = if number < limits::TRANSACTIONS {
            200
        } else {
            503
        };
        assert_eq!(sent[0].status(), expected, "{number}");
        if let Some(notify) = sent.get(1) {
            f.send_from(notify.flow.remote, &notify.answer("200 OK"));
        }
    }
}

/// Tags are drawn from the seed: two agents of one software must not draw the same.
#[test]
fn agents_of_different_seeds_draw_different_tags() /* T14 */
{
    let phone = Phone::new("bob", "presence");
    let tag = |sent: &Sent| {
        let to = sent.header("To").expect("a To");
        to.split_once(";tag=").expect("a tag").1.to_string()
    };
    let tags = |seed: [u64; 2]| {
        let settings = Fixture::new().agent.settings().clone();
        let mut f = Fixture::new();
        f.agent = new_agent();
        let locals = [LOCAL.parse::<SocketAddr>().unwrap().into()];
        f.agent.start(f.moment(), &settings, seed, &locals);
        let accepted = f.send(&phone, &phone.subscribe(600)).remove(0);
        let unknown = phone.subscribe(600).replace(";tag=", ";old=");
        let unknown = unknown.replace("SUBSCRIBE sip:desk@", "SUBSCRIBE sip:nobody@");
        let unknown = unknown
            .replace("z9hG4bK", "z9hG4bKn")
            .replace("call-", "n-");
        let refused = f.send(&phone, &unknown).remove(0);
        assert_eq!((accepted.status(), refused.status()), (200, 404));
        (tag(&accepted), tag(&refused))
    };
    let (first, second) = (tags([1, 2]), tags([3, 4]));
    assert_ne!(first.0, second.0, "those of dialogs");
    assert_ne!(first.1, second.1, "those of refusals");
    assert_eq!(first, tags([1, 2]), "and the same seed the same");
}
