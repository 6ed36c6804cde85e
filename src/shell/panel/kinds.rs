//! The kinds of hardware that a panel can be made of.

use super::driver::Kind;
use super::{gpio, keys, leds, simulated};

/// All of them.
pub(super) const KINDS: &[Kind] = &[
    #[cfg(test)]
    super::tests::recorder::KIND,
    gpio::KIND,
    keys::KIND,
    leds::KIND,
    simulated::KIND,
];

/// The numbers that they share.
const _: () = {
    let (mut ports, mut at) = (0, 0);
    while at < KINDS.len() {
        ports += KINDS[at].ports as usize;
        at += 1;
    }
    assert!(ports <= 256, "`Source::Panel` has no more numbers");
};
