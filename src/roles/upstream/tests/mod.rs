//! Links in virtual time, against servers that say what the test wants.

mod change;
mod dialects;
mod fixture;
mod flows;
mod hosts;
mod leaving;
mod long;
mod publish;
mod redirects;
mod register;
mod servers;
mod storms;
mod stun;
mod unreachable;
