//! Telling those who follow what changed. It costs nothing while nobody follows, and little while what they follow stays
//! as it is: they are woken for that alone.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::vec;
use std::vec::Vec;

use crate::engine::agent::Subject;
use crate::ground::limits;

/// Those who follow, and what is new to each.
#[derive(Debug, Default)]
pub struct Changes {
    followers: Vec<Rc<RefCell<News>>>,
    /// Whether there is something new to somebody.
    noted: bool,
}

/// One who follows. Once it is dropped nothing is kept for it.
#[derive(Debug)]
pub struct Follower(Rc<RefCell<News>>);

/// What one follows, and what of it is new.
#[derive(Debug)]
struct News {
    follows: fn(Subject) -> bool,
    /// Each subject once. There is room for all of them, so that a change costs no allocation.
    new: VecDeque<Subject>,
    /// Which of them are in there, by [`place`].
    is_new: Vec<bool>,
    waiting: Option<Waker>,
}

impl Changes {
    /// Nobody follows.
    pub const fn new() -> Changes {
        Changes {
            followers: Vec::new(),
            noted: false,
        }
    }

    /// Begins to follow what `follows` says yes to.
    pub fn follow(&mut self, follows: fn(Subject) -> bool) -> Follower {
        self.forget_gone();
        let news = Rc::new(RefCell::new(News {
            follows,
            new: VecDeque::with_capacity(SUBJECTS),
            is_new: vec![false; SUBJECTS],
            waiting: None,
        }));
        self.followers.push(news.clone());
        Follower(news)
    }

    /// Something changed: those who follow it hear of it with [`Changes::announce`].
    pub fn note(&mut self, subject: Subject) {
        for follower in &self.followers {
            self.noted |= follower.borrow_mut().note(subject);
        }
    }

    /// Wakes those to whom something is new.
    pub fn announce(&mut self) {
        if !std::mem::take(&mut self.noted) {
            return;
        }
        self.forget_gone();
        for follower in &self.followers {
            let mut news = follower.borrow_mut();
            if !news.new.is_empty()
                && let Some(waker) = news.waiting.take()
            {
                waker.wake();
            }
        }
    }

    /// How many are kept, those included that have gone since somebody came.
    #[cfg(test)]
    pub fn kept(&self) -> usize {
        self.followers.len()
    }

    fn forget_gone(&mut self) {
        self.followers.retain(|it| Rc::strong_count(it) > 1);
    }
}

impl Follower {
    /// Waits until there is something new.
    pub async fn wait(&self) {
        poll_fn(|context| {
            let mut news = self.0.borrow_mut();
            if !news.new.is_empty() {
                return Poll::Ready(());
            }
            news.waiting = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Something that is new; each subject once, however often it changed since it was taken.
    pub fn take(&self) -> Option<Subject> {
        let news = &mut *self.0.borrow_mut();
        let subject = news.new.pop_front()?;
        news.is_new[place(subject)] = false;
        Some(subject)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // A waker that stays keeps the memory of its task.
        self.0.borrow_mut().waiting = None;
    }
}

impl News {
    /// Whether that is news.
    fn note(&mut self, subject: Subject) -> bool {
        if !(self.follows)(subject) || self.is_new[place(subject)] {
            return false;
        }
        self.is_new[place(subject)] = true;
        self.new.push_back(subject);
        true
    }
}

const PRESENTITIES: usize = limits::LAMPS;
const WATCHERS: usize = PRESENTITIES + limits::PRESENTITIES;
const ACCOUNTS: usize = WATCHERS + limits::SUBSCRIPTIONS;
const PUBLICATIONS: usize = ACCOUNTS + limits::UPSTREAMS;
const REGISTRATIONS: usize = PUBLICATIONS + limits::PUBLICATIONS;

/// How many subjects there are.
const SUBJECTS: usize = REGISTRATIONS + limits::BINDINGS;

/// The place of a subject among all of them.
fn place(subject: Subject) -> usize {
    match subject {
        Subject::Lamp(number) => usize::from(number),
        Subject::Presentity(number) => PRESENTITIES + usize::from(number),
        Subject::Watcher(number) => WATCHERS + usize::from(number),
        Subject::Account(number) => ACCOUNTS + usize::from(number),
        Subject::Publication(number) => PUBLICATIONS + usize::from(number),
        Subject::Registration(number) => REGISTRATIONS + usize::from(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::boxed::Box;
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Wake};

    #[derive(Default)]
    struct Bell(AtomicU32);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Bell {
        fn rung(&self) -> u32 {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn is_lamp(subject: Subject) -> bool {
        matches!(subject, Subject::Lamp(_))
    }

    /// Polls a wait once.
    fn waits(follower: &Follower, bell: &Arc<Bell>) -> bool {
        let waker = Waker::from(bell.clone());
        let mut wait: Pin<Box<dyn Future<Output = ()> + '_>> = Box::pin(follower.wait());
        wait.as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    }

    #[test]
    fn a_follower_is_woken_for_what_it_follows_alone() {
        let (mut changes, bell) = (Changes::new(), Arc::new(Bell::default()));
        let follower = changes.follow(is_lamp);
        assert!(waits(&follower, &bell));
        for number in 0..4 {
            changes.note(Subject::Watcher(number));
            changes.note(Subject::Presentity(number));
            changes.announce();
        }
        assert_eq!((bell.rung(), follower.take()), (0, None));
        changes.note(Subject::Lamp(3));
        changes.announce();
        changes.announce();
        assert_eq!(bell.rung(), 1);
        assert!(!waits(&follower, &bell));
        assert_eq!(follower.take(), Some(Subject::Lamp(3)));
        assert_eq!(follower.take(), None);
    }

    #[test]
    fn what_changes_often_is_new_once_and_nothing_is_lost() {
        let mut changes = Changes::new();
        let (lamps, all) = (changes.follow(is_lamp), changes.follow(|_| true));
        let room = all.0.borrow().new.capacity();
        for _ in 0..10 {
            for number in 0..limits::LAMPS as u16 {
                changes.note(Subject::Lamp(number));
            }
            for number in 0..limits::SUBSCRIPTIONS as u16 {
                changes.note(Subject::Watcher(number));
            }
        }
        for number in 0..limits::LAMPS as u16 {
            assert_eq!(lamps.take(), Some(Subject::Lamp(number)));
            assert_eq!(all.take(), Some(Subject::Lamp(number)));
        }
        assert_eq!(lamps.take(), None);
        changes.note(Subject::Lamp(0));
        assert_eq!(lamps.take(), Some(Subject::Lamp(0)));
        let rest = std::iter::from_fn(|| all.take()).count();
        assert_eq!(rest, limits::SUBSCRIPTIONS + 1);
        assert_eq!(all.0.borrow().new.capacity(), room);
    }

    #[test]
    fn every_subject_has_a_place_of_its_own() {
        let last = |of: fn(u16) -> Subject, count: usize| place(of(count as u16 - 1)) + 1;
        assert_eq!(last(Subject::Lamp, limits::LAMPS), PRESENTITIES);
        assert_eq!(last(Subject::Presentity, limits::PRESENTITIES), WATCHERS);
        assert_eq!(last(Subject::Watcher, limits::SUBSCRIPTIONS), ACCOUNTS);
        assert_eq!(last(Subject::Account, limits::UPSTREAMS), PUBLICATIONS);
        assert_eq!(
            last(Subject::Publication, limits::PUBLICATIONS),
            REGISTRATIONS
        );
        assert_eq!(last(Subject::Registration, limits::BINDINGS), SUBJECTS);
    }

    #[test]
    fn who_has_gone_is_neither_woken_nor_remembered() {
        let (mut changes, bell) = (Changes::new(), Arc::new(Bell::default()));
        let follower = changes.follow(is_lamp);
        assert!(waits(&follower, &bell));
        drop(follower);
        assert_eq!(Arc::strong_count(&bell), 1, "its waker is gone");
        changes.note(Subject::Lamp(1));
        changes.announce();
        assert_eq!((bell.rung(), changes.kept()), (0, 0));
    }
}
