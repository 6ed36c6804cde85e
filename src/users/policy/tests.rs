//! Who may watch: by rules, by networks, and by the owner's word. Groups N and W.

extern crate std;
use super::time::wall;
use super::*;
use crate::events::ruling::{Ruling, View};
use crate::ground::limits::DECISIONS;
use crate::ground::text::Text;
use crate::ground::time::Seconds;
use std::boxed::Box;
use std::format;
use std::string::ToString;
use std::vec::Vec as StdVec;

const DESK: &str = "sip:desk@192.0.2.1";
const DOOR: &str = "sip:door@192.0.2.1";
const HOUR: i64 = 3_600;

/// Thursday, 26 November 2026, 00:00 UTC.
const THURSDAY: i64 = 20_783 * 24 * HOUR;

fn policy(strangers: Strangers) -> Box<Policy> {
    let mut policy = Box::new(Policy::new());
    policy.seed(Secret::from_bits([3, 5]));
    let mut trusted = Vec::new();
    let network = Network::parse("192.0.2.0/24").expect("a network");
    trusted.push(network).expect("room");
    policy.trust(&trusted, strangers);
    policy
}

fn watching<'a>(watcher: &'a str, address: &str) -> Watching<'a> {
    let address: IpAddr = address.parse().expect("an address");
    Watching {
        place: 0,
        presentity: DESK,
        package: Package::Presence,
        identity: match address.to_string().starts_with("192.0.2.") {
            true => Identity::Network,
            false => Identity::Nobody,
        },
        watcher: watcher.as_bytes(),
        address,
    }
}

/// A rule in the making.
fn rule(rules: &mut Rules, names: &[Who], change: impl FnOnce(&mut Rule)) {
    let first = rules.names.len() as u8;
    rules.names.extend_from_slice(names).expect("room");
    let mut rule = Rule::new(Direction::In, (first, rules.names.len() as u8));
    change(&mut rule);
    rules.list.push(rule).expect("room");
}

fn uri(text: &str) -> Who {
    Who::Uri(Text::copied(text).expect("short"))
}

fn user(text: &str) -> Who {
    Who::User(Text::copied(text).expect("short"))
}

fn domain(text: &str) -> Who {
    Who::Domain(Text::copied(text).expect("short"))
}

fn block(rule: &mut Rule) {
    rule.then = Then::Block;
}

fn hours(from: i64, until: i64) -> Span {
    Span {
        hours: Some(((from * HOUR) as u32, (until * HOUR) as u32)),
        ..Span::ALWAYS
    }
}

/// A policy with two presentities, by these rules at that second.
fn ruled(strangers: Strangers, at: i64, rules: &Rules) -> Box<Policy> {
    let mut policy = policy(strangers);
    policy.set_rules(rules, [0, 1], wall(at));
    policy
}

fn built(add: impl FnOnce(&mut Rules)) -> Rules {
    let mut rules = Rules::new();
    add(&mut rules);
    rules
}

#[test]
fn strangers_are_refused_or_wait_and_neighbours_may_watch() {
    let bob = |policy: &Policy, address| policy.judge(watching("sip:bob@host", address)).verdict;
    let (refusing, asking) = (policy(Strangers::Refuse), policy(Strangers::Ask));
    assert_eq!(bob(&refusing, "192.0.2.7"), Verdict::Allow);
    assert_eq!(bob(&asking, "192.0.2.7"), Verdict::Allow);
    assert_eq!(bob(&refusing, "198.51.100.7"), Verdict::Block);
    assert_eq!(bob(&asking, "198.51.100.7"), Verdict::Confirm);
}

#[test]
fn reject_all_watchers_after_working_hours() /* N29 */
{
    let rules = built(|it| {
        rule(it, &[Who::Everyone], |it| {
            it.span = hours(18, 8);
            it.then = Then::Block;
        });
    });
    let mut policy = ruled(Strangers::Refuse, THURSDAY + 12 * HOUR, &rules);
    let bob = watching("sip:bob@192.0.2.9", "192.0.2.9");
    let ruling = policy.judge(bob);
    assert_eq!(ruling.verdict, Verdict::Allow);
    assert_eq!(ruling.until, Some(wall(THURSDAY + 18 * HOUR)));
    assert_eq!(policy.next_change(), ruling.until);
    for (hour, verdict, until) in [
        (18, Verdict::Block, 32),
        (23, Verdict::Block, 32),
        (31, Verdict::Block, 32),
        (32, Verdict::Allow, 42),
    ] {
        policy.tick(wall(THURSDAY + hour * HOUR));
        let ruling = policy.judge(bob);
        assert_eq!(ruling.verdict, verdict, "{hour}:00");
        assert_eq!(ruling.until, Some(wall(THURSDAY + until * HOUR)));
    }
}

#[test]
fn tell_tom_at_most_every_ten_minutes() /* N29 */
{
    let tom = "sip:tom@pbx.example";
    let rules = built(|it| {
        rule(it, &[uri(tom)], |it| {
            it.direction = Direction::Tell;
            it.pace = Seconds(600);
        });
    });
    let policy = ruled(Strangers::Refuse, THURSDAY, &rules);
    let pace = |watcher| policy.judge(watching(watcher, "192.0.2.9")).pace;
    assert_eq!(pace(tom), Seconds(600));
    assert_eq!(pace("sip:tom@PBX.example:5070;transport=tcp"), Seconds(600));
    assert_eq!(pace("sip:t%6fm@pbx.example"), Seconds(600));
    assert_eq!(pace("sip:ann@pbx.example"), Seconds::ZERO);
    assert_eq!(pace("sip:tom@elsewhere.example"), Seconds::ZERO);
    assert_eq!(policy.judge(watching(tom, "192.0.2.9")).until, None);
    assert_eq!(policy.next_change(), None, "nothing to wake up for");
}

#[test]
fn the_first_rule_that_fits_decides() {
    let rules = built(|it| {
        rule(it, &[uri("sip:tom@h")], |_| {});
        rule(it, &[domain("h")], |it| it.then = Then::Confirm);
        rule(it, &[Who::Everyone], block);
    });
    let policy = ruled(Strangers::Refuse, THURSDAY, &rules);
    let verdict = |watcher| policy.judge(watching(watcher, "192.0.2.9")).verdict;
    assert_eq!(verdict("sip:tom@h"), Verdict::Allow);
    assert_eq!(verdict("sip:ann@h"), Verdict::Confirm);
    assert_eq!(verdict("sip:ann@elsewhere"), Verdict::Block);
    assert_eq!(verdict("tel:+1234"), Verdict::Block);
    assert_eq!(verdict("\u{1}"), Verdict::Block);
}

#[test]
fn every_kind_of_name_fits_whom_it_is_about() {
    let ann = policy(Strangers::Refuse).user_id(b"ann");
    let at = |watcher, address| watching(watcher, address);
    let as_ann = Watching {
        identity: Identity::User(ann),
        ..at("sip:x@h", "203.0.113.7")
    };
    let inside = at("sip:x@h", "192.0.2.7");
    let outside = at("sip:x@h", "203.0.113.7");
    let network = |text| Who::Network(Network::parse(text).expect("a network"));
    let six = at("tel:+49-30-1", "192.0.2.7");
    for (who, fits) in [
        (Who::Everyone, [true, true, true, true]),
        (Who::NobodyKnown, [false, false, true, false]),
        (user("ann"), [true, false, false, false]),
        (user("bob"), [false, false, false, false]),
        (uri("sip:x@h"), [true, true, true, false]),
        (uri("tel:+49301"), [false, false, false, true]),
        (domain("H"), [true, true, true, false]),
        (domain("h.example"), [false, false, false, false]),
        (network("203.0.113.0/24"), [true, false, true, false]),
        (network("192.0.2.7"), [false, true, false, true]),
    ] {
        let rules = built(|it| {
            rule(it, core::slice::from_ref(&who), |it| {
                it.then = Then::PoliteBlock;
            });
        });
        let policy = ruled(Strangers::Refuse, THURSDAY, &rules);
        let found = [as_ann, inside, outside, six].map(|it| policy.judge(it).view == View::CLOSED);
        assert_eq!(found, fits, "{who:?}");
    }
}

#[test]
fn a_name_that_nothing_proves_gets_nothing_and_loses_all() /* N29 */
{
    let tom = "sip:tom@pbx.example";
    let stranger = watching(tom, "198.51.100.7");
    for who in [uri(tom), domain("pbx.example")] {
        for (then, verdict) in [
            (Then::Allow, Verdict::Block),
            (Then::Block, Verdict::Block),
            (Then::PoliteBlock, Verdict::Allow),
            (Then::Confirm, Verdict::Confirm),
        ] {
            let rules = built(|it| rule(it, core::slice::from_ref(&who), |it| it.then = then));
            let policy = ruled(Strangers::Refuse, THURSDAY, &rules);
            let ruling = policy.judge(stranger);
            assert_eq!(ruling.verdict, verdict, "{who:?} {then:?}");
            let opens = then != Then::Block;
            let admits = policy.admits(Identity::Nobody) == Verdict::Confirm;
            assert_eq!(
                admits, opens,
                "strangers are listened to where a rule may let them in"
            );
        }
    }
}

#[test]
fn a_rule_is_about_its_presentities_and_packages_alone() {
    let rules = built(|it| {
        rule(it, &[Who::Everyone], |it| {
            it.whom.push(1).expect("room");
            it.packages = Packages::NONE.with(Package::Dialog);
            it.then = Then::Block;
        });
    });
    let policy = ruled(Strangers::Refuse, THURSDAY, &rules);
    let bob = watching("sip:bob@h", "192.0.2.9");
    let door = Watching {
        place: 1,
        presentity: DOOR,
        ..bob
    };
    for (about, package, verdict) in [
        (bob, Package::Presence, Verdict::Allow),
        (bob, Package::Dialog, Verdict::Allow),
        (door, Package::Presence, Verdict::Allow),
        (door, Package::Dialog, Verdict::Block),
    ] {
        assert_eq!(policy.judge(Watching { package, ..about }).verdict, verdict);
    }
}

#[test]
fn a_rule_holds_while_the_presentity_is_like_that() {
    let rules = built(|it| {
        rule(it, &[Who::Everyone], |it| {
            it.during.dnd = true;
            it.during.away = true;
            it.then = Then::PoliteBlock;
        });
    });
    let mut policy = ruled(Strangers::Refuse, THURSDAY, &rules);
    let bob = watching("sip:bob@h", "192.0.2.9");
    let door = Watching {
        place: 1,
        presentity: DOOR,
        ..bob
    };
    assert_eq!(policy.judge(bob).view, View::FULL);
    for (dnd, away, closed) in [
        (true, false, true),
        (true, true, true),
        (false, true, true),
        (false, false, false),
    ] {
        policy.set_doing(0, During { dnd, away });
        assert_eq!(policy.judge(bob).view == View::CLOSED, closed);
        assert_eq!(
            policy.judge(door).view,
            View::FULL,
            "its owner does nothing"
        );
    }
    assert!(!policy.set_doing(0, During::ALWAYS), "no news");
    let mut plain = ruled(Strangers::Refuse, THURSDAY, &Rules::new());
    let dnd = During {
        dnd: true,
        away: false,
    };
    assert!(!plain.set_doing(0, dnd), "nobody asks for it");
}

#[test]
fn one_ruling_comes_of_who_may_watch_and_what_is_told() {
    let tell = |it: &mut Rule| it.direction = Direction::Tell;
    let rules = built(|it| {
        rule(it, &[user("ann")], |it| {
            it.view = View::NO_NOTES;
            it.pace = Seconds(60);
        });
        rule(it, &[user("bob")], |it| it.then = Then::PoliteBlock);
        rule(it, &[user("ann")], |it| {
            tell(it);
            it.span = hours(9, 17);
            it.view = View::NO_ACTIVITIES.with_note(0);
            it.pace = Seconds(30);
        });
        rule(it, &[user("cid")], |it| {
            tell(it);
            it.then = Then::Block;
        });
        rule(it, &[Who::Everyone], |it| {
            tell(it);
            it.then = Then::PoliteBlock;
        });
    });
    let policy = ruled(Strangers::Refuse, THURSDAY + 12 * HOUR, &rules);
    let judged = |name: &str| {
        policy.judge(Watching {
            identity: Identity::User(policy.user_id(name.as_bytes())),
            ..watching("sip:x@h", "203.0.113.7")
        })
    };
    let allowed = Ruling::plain(Verdict::Allow);
    let both = View::NO_NOTES.with(View::NO_ACTIVITIES).with_note(0);
    let until = Some(wall(THURSDAY + 17 * HOUR));
    let ann = Ruling {
        view: both,
        pace: Seconds(60),
        until,
        ..allowed
    };
    assert_eq!(judged("ann"), ann);
    let closed = Ruling {
        view: View::CLOSED,
        ..allowed
    };
    assert_eq!(judged("bob"), closed, "nothing tells him from a closed one");
    let silent = Ruling {
        pace: SILENCE,
        ..allowed
    };
    assert_eq!(judged("cid"), silent);
    assert_eq!(judged("dan"), closed);
}

#[test]
fn without_a_clock_what_refuses_for_a_time_counts_and_what_allows_does_not() {
    let rules = built(|it| {
        rule(it, &[user("ann")], |it| it.span = hours(8, 18));
        rule(it, &[user("ann"), user("bob")], |it| {
            it.span = hours(3, 4);
            it.then = Then::Block;
        });
        rule(it, &[user("cid")], |it| {
            it.direction = Direction::Tell;
            it.span = hours(3, 4);
            it.pace = Seconds(600);
        });
    });
    let mut policy = ruled(Strangers::Refuse, 0, &rules);
    let judged = |policy: &Policy, name: &str| {
        policy.judge(Watching {
            identity: Identity::User(policy.user_id(name.as_bytes())),
            ..watching("sip:x@h", "203.0.113.7")
        })
    };
    for (name, verdict, pace) in [
        ("ann", Verdict::Block, 0),
        ("bob", Verdict::Block, 0),
        ("cid", Verdict::Allow, 600),
        ("dan", Verdict::Allow, 0),
    ] {
        let ruling = judged(&policy, name);
        assert_eq!((ruling.verdict, ruling.pace), (verdict, Seconds(pace)));
        assert_eq!(ruling.until, None);
    }
    assert_eq!(policy.next_change(), None);
    // Somebody sets it, to noon.
    assert!(policy.tick(wall(THURSDAY + 12 * HOUR)));
    assert_eq!(judged(&policy, "ann").verdict, Verdict::Allow);
    assert_eq!(judged(&policy, "bob").verdict, Verdict::Allow);
    assert_eq!(judged(&policy, "cid").pace, Seconds::ZERO);
}

#[test]
fn a_clock_that_jumps_by_years_is_believed() {
    let rules = built(|it| {
        rule(it, &[Who::Everyone], |it| {
            it.span.dates = Some((20_783, 20_784));
            it.then = Then::Block;
        });
    });
    let mut policy = ruled(Strangers::Refuse, THURSDAY, &rules);
    let bob = watching("sip:bob@h", "192.0.2.9");
    let year = 365 * 24 * HOUR;
    for (at, verdict, until) in [
        (THURSDAY, Verdict::Block, Some(THURSDAY + 48 * HOUR)),
        (THURSDAY + 9 * year, Verdict::Allow, None),
        (THURSDAY - 3 * year, Verdict::Allow, Some(THURSDAY)),
        (
            THURSDAY + 47 * HOUR,
            Verdict::Block,
            Some(THURSDAY + 48 * HOUR),
        ),
        (THURSDAY + 48 * HOUR, Verdict::Allow, None),
    ] {
        policy.tick(wall(at));
        let ruling = policy.judge(bob);
        assert_eq!((ruling.verdict, ruling.until), (verdict, until.map(wall)));
    }
}

#[test]
fn a_decision_is_about_one_watcher_at_one_address_and_one_presentity() {
    let mut policy = policy(Strangers::Ask);
    let bob = watching("sip:bob@host", "198.51.100.7");
    policy.decide(&bob, None, Decided::Allow, None);
    assert_eq!(policy.judge(bob).verdict, Verdict::Allow);
    for other in [
        watching("sip:bob@host", "198.51.100.8"),
        watching("sip:ann@host", "198.51.100.7"),
        Watching {
            presentity: DOOR,
            ..bob
        },
    ] {
        assert_eq!(policy.judge(other).verdict, Verdict::Confirm, "{other:?}");
    }
    policy.decide(&bob, None, Decided::Block, None);
    assert_eq!(
        policy.judge(bob).verdict,
        Verdict::Block,
        "the last word counts"
    );
    policy.decide(&bob, None, Decided::PoliteBlock, None);
    assert_eq!(policy.judge(bob).view, View::CLOSED);
    assert_eq!(policy.forget_named(b"sip:ann@host"), 0);
    assert_eq!(policy.forget_named(b"sip:bob@host"), 1);
    assert_eq!(policy.judge(bob).verdict, Verdict::Confirm);
    assert_eq!(policy.decisions().count(), 0);
}

#[test]
fn a_decision_counts_for_a_package_or_for_all() {
    let mut policy = policy(Strangers::Ask);
    let bob = watching("sip:bob@host", "198.51.100.7");
    let calls = Watching {
        package: Package::Dialog,
        ..bob
    };
    policy.decide(&bob, Some(Package::Presence), Decided::Allow, None);
    assert_eq!(policy.judge(bob).verdict, Verdict::Allow);
    assert_eq!(policy.judge(calls).verdict, Verdict::Confirm);
    policy.decide(&bob, None, Decided::Block, None);
    assert_eq!(
        policy.judge(bob).verdict,
        Verdict::Block,
        "of all, so of each"
    );
    policy.decide(&calls, Some(Package::Dialog), Decided::Allow, None);
    assert_eq!(policy.judge(bob).verdict, Verdict::Block);
    assert_eq!(policy.judge(calls).verdict, Verdict::Allow);
    assert_eq!(policy.forget_at(bob.address), 2);
}

#[test]
fn a_decision_about_a_user_goes_wherever_the_user_goes() {
    let mut policy = policy(Strangers::Refuse);
    let ann = Identity::User(policy.user_id(b"ann"));
    let home = Watching {
        identity: ann,
        ..watching("sip:ann@home", "203.0.113.7")
    };
    let away = Watching {
        identity: ann,
        ..watching("sip:ann@away", "198.51.100.9")
    };
    assert_eq!(policy.judge(home).verdict, Verdict::Allow);
    policy.decide(&home, None, Decided::Block, None);
    assert_eq!(policy.judge(away).verdict, Verdict::Block);
    let liar = Watching {
        identity: Identity::Network,
        ..home
    };
    assert_eq!(
        policy.judge(liar).verdict,
        Verdict::Allow,
        "nobody else is meant"
    );
    assert_eq!(policy.forget_user(policy.user_id(b"ann")), 1);
    assert_eq!(policy.judge(away).verdict, Verdict::Allow);
}

#[test]
fn a_decision_ends_when_the_owner_wanted_it_to() {
    let rules = built(|it| rule(it, &[Who::Everyone], |it| it.then = Then::Confirm));
    let mut policy = ruled(Strangers::Refuse, THURSDAY, &rules);
    let bob = watching("sip:bob@h", "192.0.2.9");
    let ann = watching("sip:ann@h", "192.0.2.9");
    let end = wall(THURSDAY + 24 * HOUR);
    policy.decide(&bob, None, Decided::Allow, Some(end));
    policy.decide(&ann, None, Decided::Block, Some(end));
    let verdicts = |policy: &Policy| [bob, ann].map(|it| policy.judge(it).verdict);
    assert_eq!(verdicts(&policy), [Verdict::Allow, Verdict::Block]);
    assert_eq!(policy.judge(bob).until, Some(end));
    assert_eq!(policy.next_change(), Some(end));
    assert!(policy.tick(end));
    assert_eq!(verdicts(&policy), [Verdict::Confirm; 2]);
    assert!(policy.tick(Wall::UNSET), "nobody knows how late it is");
    assert_eq!(verdicts(&policy), [Verdict::Confirm, Verdict::Block]);
    assert!(policy.tick(wall(THURSDAY)), "the clock is put back");
    assert_eq!(verdicts(&policy), [Verdict::Allow, Verdict::Block]);
}

#[test]
fn decisions_outlast_a_restart_under_the_same_secret() {
    let mut before = policy(Strangers::Ask);
    let bob = watching("sip:bob@host", "198.51.100.7");
    before.decide(&bob, None, Decided::PoliteBlock, None);
    let mut after = policy(Strangers::Ask);
    for decision in before.decisions() {
        after.recall(decision);
    }
    assert_eq!(after.judge(bob).view, View::CLOSED);
    assert_eq!(after.forget_named(b"sip:bob@host"), 1);
}

#[test]
fn the_oldest_decision_makes_way() {
    let mut policy = policy(Strangers::Ask);
    let names: StdVec<_> = (0..3 * DECISIONS).map(|at| format!("sip:{at}@h")).collect();
    for (at, name) in names.iter().enumerate() {
        policy.decide(&watching(name, "198.51.100.7"), None, Decided::Allow, None);
        for (before, name) in names[..=at].iter().enumerate() {
            let verdict = policy.judge(watching(name, "198.51.100.7")).verdict;
            let is_kept = before + DECISIONS > at;
            assert_eq!(verdict == Verdict::Allow, is_kept, "{before} of {at}");
        }
    }
}

#[test]
fn rules_say_who_acts_for_whom_and_leave_the_rest_open() /* C16 */
{
    let mut policy = policy(Strangers::Refuse);
    let rules = built(|it| {
        rule(it, &[user("pbx")], |it| {
            it.direction = Direction::Publish;
            it.whom.push(0).expect("room");
        });
        rule(it, &[user("door")], |it| {
            it.direction = Direction::Register;
            it.then = Then::Block;
        });
    });
    policy.set_rules(&rules, [0, 1], wall(THURSDAY));
    for (name, place, act, may) in [
        ("desk", 0, Act::Publish, None),
        ("pbx", 0, Act::Publish, Some(true)),
        ("pbx", 0, Act::Register, None),
        ("pbx", 1, Act::Publish, None),
        ("door", 1, Act::Publish, None),
        ("door", 1, Act::Register, Some(false)),
    ] {
        let user = policy.user_id(name.as_bytes());
        assert_eq!(policy.may_act(user, place, act), may, "{name} {act:?}");
    }
}

#[test]
fn our_own_lamps_ask_and_show_as_rules_say() {
    let rules = built(|it| {
        rule(it, &[uri("sip:boss@pbx")], |it| {
            it.direction = Direction::Out;
            it.span = hours(9, 17);
        });
        rule(it, &[domain("pbx")], |it| {
            it.direction = Direction::Out;
            it.then = Then::Block;
        });
        rule(it, &[Who::Everyone], |it| {
            it.direction = Direction::Hear;
            it.span = hours(22, 6);
            it.then = Then::Block;
        });
    });
    let mut policy = ruled(Strangers::Refuse, THURSDAY + 12 * HOUR, &rules);
    let asks = |policy: &Policy, target| policy.forbids(target, Package::Dialog);
    assert_eq!(asks(&policy, "sip:boss@pbx"), None);
    assert_eq!(asks(&policy, "sip:ann@pbx"), Some(1));
    assert_eq!(asks(&policy, "sip:ann@elsewhere"), None);
    assert_eq!(policy.shines(None, None), None);
    policy.tick(wall(THURSDAY + 23 * HOUR));
    assert_eq!(asks(&policy, "sip:boss@pbx"), Some(1));
    assert_eq!(policy.shines(None, None), Some((0, 2)));
    let shown = policy.shines(Some("sip:x@y"), Some(Package::Presence));
    assert_eq!(shown, Some((0, 2)));
}

#[test]
fn a_trial_says_of_every_rule_why_it_does_not_fit() {
    let rules = built(|it| {
        rule(it, &[user("ann")], |_| {});
        rule(it, &[uri("sip:bob@h")], |_| {});
        rule(it, &[Who::Everyone], |it| {
            it.whom.push(1).expect("room");
        });
        rule(it, &[Who::Everyone], |it| {
            it.packages = Packages::NONE.with(Package::Dialog);
        });
        rule(it, &[Who::Everyone], |it| it.during.dnd = true);
        rule(it, &[Who::Everyone], |it| it.span = hours(8, 18));
        rule(it, &[Who::Everyone], |it| it.direction = Direction::Out);
        rule(it, &[Who::Everyone], |it| it.then = Then::Confirm);
    });
    let policy = ruled(Strangers::Refuse, THURSDAY, &rules);
    let bob = watching("sip:bob@h", "198.51.100.7");
    let trial = policy.explain(&bob, wall(THURSDAY + 20 * HOUR));
    let found: StdVec<_> = trial.rules.iter().copied().collect();
    assert_eq!(
        found,
        [
            (0, Some(Misfit::Who)),
            (1, Some(Misfit::Unproven)),
            (2, Some(Misfit::Presentity)),
            (3, Some(Misfit::Package)),
            (4, Some(Misfit::Doing)),
            (5, Some(Misfit::Time)),
            (7, None),
        ]
    );
    assert_eq!(trial.basis, Basis::Rule(7));
    assert_eq!(trial.ruling.until, Some(wall(THURSDAY + 32 * HOUR)));
    let unset = policy.explain(&bob, Wall::UNSET);
    assert_eq!(unset.rules[5], (5, Some(Misfit::Clock)));
}
