//! max-rate, min-rate and adaptive-min-rate, of Event and of Subscription-State: read RFC 6446 §5.1 and §9.2.

use super::super::grammar::{Bad, Params, same_text};
use crate::ground::time::{Duration, Seconds};
use crate::wire::out::{Out, Print};
use core::num::NonZeroU64;

/// Notifications per second, from 0.0000000001 to 99.9999999999; zero is none (RFC 6446 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(NonZeroU64);

/// The rates that a watcher asks for, or a notifier has in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// `max-rate`: not more often than this (RFC 6446 §5).
    pub max: Option<Rate>,
    /// `min-rate`: not more seldom than this (RFC 6446 §6).
    pub min: Option<Rate>,
    /// `adaptive-min-rate`: not more seldom than this on an average (RFC 6446 §7).
    pub adaptive_min: Option<Rate>,
}

/// What one notification a second is: a rate counts in the last decimal that the grammar has.
const ONE: u64 = 10_u64.pow(DECIMALS as u32);

const DECIMALS: usize = 10;

const MOST: u64 = 100 * ONE - 1;

impl Rate {
    /// Reads `1*2DIGIT ["." 1*10DIGIT]`.
    ///
    /// # Errors
    /// [`Bad`] for anything else, and for zero.
    pub fn parse(text: &[u8]) -> Result<Rate, Bad> {
        let (whole, decimals) = match memchr::memchr(b'.', text) {
            Some(dot) => (&text[..dot], Some(&text[dot + 1..])),
            None => (text, None),
        };
        let whole = digits(whole, 2)?;
        let decimals = match decimals {
            Some(text) => digits(text, DECIMALS)? * 10_u64.pow((DECIMALS - text.len()) as u32),
            None => 0,
        };
        NonZeroU64::new(whole * ONE + decimals).map(Rate).ok_or(Bad)
    }

    /// Once in so many seconds, or a little more seldom where that is no finite decimal; zero counts as the highest
    /// rate there is.
    pub const fn once_in(lasts: Seconds) -> Rate {
        let rate = match ONE.checked_div(lasts.0 as u64) {
            Some(rate) => rate,
            None => MOST,
        };
        match NonZeroU64::new(rate) {
            Some(rate) => Rate(rate),
            // Of 2^32 seconds, each is more than two units.
            None => Rate(NonZeroU64::MIN),
        }
    }

    /// The time from one notification to the next, to the nearest microsecond.
    pub const fn interval(self) -> Duration {
        const MICROS: u64 = 1_000_000;
        Duration::from_micros((ONE * MICROS + self.0.get() / 2) / self.0.get())
    }
}

/// One to `most` digits, up to ten.
fn digits(text: &[u8], most: usize) -> Result<u64, Bad> {
    if text.is_empty() || text.len() > most || !text.iter().all(u8::is_ascii_digit) {
        return Err(Bad);
    }
    let digit = |sum, byte: &u8| sum * 10 + u64::from(byte - b'0');
    Ok(text.iter().fold(0, digit))
}

impl Rates {
    /// Those among the parameters of an Event or a Subscription-State; of two of a name the first. What is no rate
    /// counts as absent.
    pub fn of(params: &Params<'_>) -> Rates {
        let mut found = Rates::default();
        for param in params.iter() {
            let place = if same_text(param.name, b"max-rate") {
                &mut found.max
            } else if same_text(param.name, b"min-rate") {
                &mut found.min
            } else if same_text(param.name, b"adaptive-min-rate") {
                &mut found.adaptive_min
            } else {
                continue;
            };
            let rate = param.value.and_then(|value| Rate::parse(value.raw()).ok());
            *place = place.or(rate);
        }
        found
    }
}

impl Print for Rate {
    fn print(&self, out: &mut Out<'_>) {
        out.decimal((self.0.get() / ONE) as u32);
        let mut decimals = self.0.get() % ONE;
        if decimals == 0 {
            return;
        }
        let mut width = DECIMALS;
        while decimals.is_multiple_of(10) {
            decimals /= 10;
            width -= 1;
        }
        let mut text = [0; DECIMALS];
        for digit in text[..width].iter_mut().rev() {
            *digit = b'0' + (decimals % 10) as u8;
            decimals /= 10;
        }
        out.byte(b'.').raw(&text[..width]);
    }
}

impl Print for Rates {
    /// As parameters, each behind its semicolon; nothing for none.
    fn print(&self, out: &mut Out<'_>) {
        for (name, rate) in [
            (&b";max-rate="[..], self.max),
            (b";min-rate=", self.min),
            (b";adaptive-min-rate=", self.adaptive_min),
        ] {
            if let Some(rate) = rate {
                out.raw(name).print(&rate);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::Event;
    use super::*;
    use std::string::String;

    fn printed(what: &impl Print) -> String {
        let mut buf = [0; 96];
        let len = Out::new(&mut buf).print(what).finish().expect("it fits");
        String::from_utf8_lossy(&buf[..len]).into_owned()
    }

    #[test]
    fn a_rate_has_two_digits_and_ten_decimals_at_most() /* F09 */
    {
        for (text, canonical, micros) in [
            ("1", "1", 1_000_000),
            ("01", "1", 1_000_000),
            ("0.2", "0.2", 5_000_000),
            ("0.20", "0.2", 5_000_000),
            ("10", "10", 100_000),
            ("00.05", "0.05", 20_000_000),
            ("0.3333333333", "0.3333333333", 3_000_000),
            ("99.9999999999", "99.9999999999", 10_000),
            ("0.0000000001", "0.0000000001", 10_000_000_000_000_000),
        ] {
            let rate = Rate::parse(text.as_bytes()).expect(text);
            assert_eq!(printed(&rate), canonical);
            assert_eq!(rate.interval(), Duration::from_micros(micros), "{text}");
            assert_eq!(Rate::parse(canonical.as_bytes()), Ok(rate));
        }
    }

    #[test]
    fn zero_and_garbage_are_no_rate() /* F09 */
    {
        for text in [
            "",
            "0",
            "00",
            "0.0",
            "0.0000000000",
            ".5",
            "5.",
            "100",
            "0.00000000001",
            "-1",
            "+1",
            "1e1",
            "1,5",
            "0x1",
            " 1",
            "1 ",
            "1.2.3",
            "1._",
        ] {
            assert_eq!(Rate::parse(text.as_bytes()), Err(Bad), "{text:?}");
        }
    }

    #[test]
    fn once_in_so_many_seconds_is_never_more_often() /* F09 */
    {
        for seconds in [1, 2, 3, 5, 7, 60, 600, 3_600, 86_400] {
            let rate = Rate::once_in(Seconds(seconds));
            let lasts = Seconds(seconds).duration();
            assert!(rate.interval() >= lasts, "{seconds}");
            assert!(
                rate.interval() < lasts + Duration::from_secs(1),
                "{seconds}"
            );
            assert_eq!(Rate::parse(printed(&rate).as_bytes()), Ok(rate));
        }
        assert_eq!(printed(&Rate::once_in(Seconds(600))), "0.0016666666");
        assert_eq!(printed(&Rate::once_in(Seconds::ZERO)), "99.9999999999");
        assert_eq!(printed(&Rate::once_in(Seconds(u32::MAX))), "0.0000000002");
    }

    #[test]
    fn rates_are_read_among_other_parameters() /* F09 */
    {
        let of = |text: &str| {
            let event = Event::parse(text.as_bytes()).expect("valid");
            Rates::of(&event.params)
        };
        let found = of("dialog;id=7 ; Max-Rate = 0.5;MIN-RATE=.1;adaptive-min-rate=2;max-rate=9");
        assert_eq!(printed(&found), ";max-rate=0.5;adaptive-min-rate=2");
        for none in [
            "presence",
            "presence;max-rate",
            "presence;max-rate=0",
            "presence;rate=1",
        ] {
            assert_eq!(of(none), Rates::default(), "{none}");
        }
        assert_eq!(printed(&Rates::default()), "");
        assert!(of("a;max-rate=0.1").max < of("a;max-rate=1").max);
    }
}
