//! Several hosts on one link, in virtual time.

mod attacks;
mod flows;
mod street;
