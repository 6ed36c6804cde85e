//! One non-INVITE client transaction (RFC 3261 §17.1.2), as a value inside its owner.
//!
//! ```text
//!            ┌────────┐ 1xx  ┌────────────┐
//!   start ──►│ Trying ├─────►│ Proceeding │      Timer E: send again, on datagrams only
//!            └───┬────┘      └─────┬──────┘      Timer F: no final answer in 64·T1
//!                └── final, F ─────┴──► the owner drops it
//! ```
//!
//! There is no Completed state: the owner drops the value with the final answer, and a repeated answer finds
//! no branch and is swallowed, which is all that Timer K is for.

use super::{T1, T1_64, T2};
use crate::ground::time::{Duration, Instant};

/// A request of ours that waits for its final answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    nonce: u64,
    state: State,
    /// Timer E; never on a reliable transport.
    resend: Option<Instant>,
    interval: Duration,
    /// Timer F.
    ends: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Trying,
    Proceeding,
    /// A Binding request of STUN, which has timers of its own.
    Binding,
}

/// What a timer asks of the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Nothing is due.
    Nothing,
    /// Send the same bytes again.
    Resend,
    /// No answer came: the outcome is a 408 (RFC 3261 §8.1.3.1). The transaction is over.
    TimedOut,
}

impl Client {
    /// Begins with the request just sent under a branch with `nonce`.
    pub fn start(now: Instant, nonce: u64, reliable: bool) -> Client {
        Client {
            nonce,
            state: State::Trying,
            resend: if reliable { None } else { Some(now + T1) },
            interval: T1,
            ends: now + T1_64,
        }
    }

    /// Begins with a Binding request of STUN: it is sent seven times, each after twice the time, and is over 39.5 s after
    /// the first (RFC 5389 §7.2.1).
    pub fn bind(now: Instant, nonce: u64) -> Client {
        Client {
            state: State::Binding,
            ends: now + T1 * 79,
            ..Client::start(now, nonce, false)
        }
    }

    /// Whether it is a Binding request.
    pub fn is_binding(&self) -> bool {
        self.state == State::Binding
    }

    /// A 1xx came: from now on the request is sent again every T2. Timer F goes on.
    pub fn handle_provisional(&mut self) {
        self.state = match self.state {
            State::Trying | State::Proceeding => State::Proceeding,
            State::Binding => State::Binding,
        };
    }

    /// Timers E and F.
    pub fn handle_timeout(&mut self, now: Instant) -> Expiry {
        if now >= self.ends {
            return Expiry::TimedOut;
        }
        match self.resend {
            Some(due) if now >= due => {
                self.interval = match self.state {
                    State::Trying => T2.min(self.interval * 2),
                    State::Proceeding => T2,
                    State::Binding => self.interval * 2,
                };
                self.resend = Some(now + self.interval);
                Expiry::Resend
            }
            _ => Expiry::Nothing,
        }
    }

    /// When [`Client::handle_timeout`] has something to do.
    pub fn due(&self) -> Instant {
        self.resend
            .map_or(self.ends, |resend| resend.min(self.ends))
    }

    /// The random part of the branch.
    pub fn nonce(&self) -> u64 {
        self.nonce
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    /// Runs an unanswered request; returns when it was sent, in milliseconds, and when it timed out.
    fn unanswered(reliable: bool, provisional_at: Option<u64>) -> (Vec<u64>, u64) {
        unanswered_of(Client::start(Instant::ZERO, 1, reliable), provisional_at)
    }

    fn unanswered_of(mut client: Client, provisional_at: Option<u64>) -> (Vec<u64>, u64) {
        let mut sent = std::vec![0];
        loop {
            let now = client.due();
            if provisional_at.is_some_and(|at| Instant::from_millis(at) < now) {
                client.handle_provisional();
            }
            match client.handle_timeout(now) {
                Expiry::Resend => sent.push(now.as_micros() / 1_000),
                Expiry::TimedOut => return (sent, now.as_micros() / 1_000),
                Expiry::Nothing => panic!("the timer was due"),
            }
        }
    }

    #[test]
    fn unanswered_on_datagrams_is_sent_eleven_times() /* T01 T02 */
    {
        let (sent, ended) = unanswered(false, None);
        assert_eq!(
            sent,
            [
                0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
            ]
        );
        assert_eq!(ended, 32_000);
    }

    #[test]
    fn an_unanswered_binding_request_is_sent_seven_times() /* R11 */
    {
        let (sent, ended) = unanswered_of(Client::bind(Instant::ZERO, 1), None);
        assert_eq!(sent, [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
        assert_eq!(ended, 39_500);
    }

    #[test]
    fn unanswered_on_a_stream_is_sent_once() /* T01 T02 */
    {
        assert_eq!(unanswered(true, None), (std::vec![0], 32_000));
    }

    #[test]
    fn provisional_slows_to_t2_and_leaves_timer_f() /* T03 */
    {
        let (sent, ended) = unanswered(false, Some(600));
        assert_eq!(sent[..4], [0, 500, 1_500, 5_500]);
        assert_eq!(ended, 32_000);
    }
}
