//! The words that a document says of something.

/// Makes an enum of words, each listed once.
macro_rules! words {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$word_doc])* $word,)*
        }

        impl $name {
            /// The value in a document.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$word => $text,)*
                }
            }

            /// What a value says, in any case; `None` if nobody knows it.
            fn of(text: crate::wire::doc::XmlText<'_>) -> Option<$name> {
                $(if text.is($text) {
                    return Some($name::$word);
                })*
                None
            }
        }
    };
}
pub(super) use words;
