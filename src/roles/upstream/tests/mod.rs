//! Links in virtual time, against servers that say what the test wants.

mod fixture;
mod flows;
mod leaving;
mod publish;
mod redirects;
mod register;
mod servers;
mod storms;
