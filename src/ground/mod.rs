//! Floor 0: what everything else stands on. Nothing here reads or writes SIP; [`limits`] alone knows what its numbers
//! are for.

/// Says what each value of an error means: it displays, and is a [`core::error::Error`].
macro_rules! error_texts {
    ($error:ty: $($value:pat => $text:literal),+ $(,)?) => {
        impl core::fmt::Display for $error {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(match self {
                    $($value => $text,)+
                })
            }
        }

        impl core::error::Error for $error {}
    };
}
pub(crate) use error_texts;

pub mod hex;
pub mod limits;
pub mod network;
pub mod random;
pub mod table;
pub mod text;
pub mod time;
pub mod timers;
