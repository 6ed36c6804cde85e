//! What does not work, in words: whose line it is, where the board names it, and what to do.

use std::fmt;
use std::string::String;

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Goes on after "the line gpio:GPIO17 of button "hook" …".
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Problem {
    /// As it is said.
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem {
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

/// A line that does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble<'a> {
    /// The board's file.
    pub file: &'a str,
    /// Where in it, from 1.
    pub row: usize,
    /// The line as it is written there.
    pub line: &'a str,
    /// "button", or the colour of a lamp's element: "red".
    pub part: &'a str,
    /// The button's or lamp's name.
    pub name: &'a str,
    /// What is wrong.
    pub problem: &'a Problem,
}

impl fmt::Display for Trouble<'_> {
    /// Two lines: `FILE:LINE: what`, and indented `remedy: what to do`. With `#` it is one, as the log has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Trouble {
            file,
            row,
            line,
            part,
            name,
            problem: Problem { what, remedy },
        } = self;
        let whose = if *part == "button" { "button" } else { "lamp" };
        let between = if f.alternate() { "; " } else { "\n  " };
        write!(
            f,
            "{file}:{row}: the line {line} of {whose} \"{name}\" {what}{between}remedy: {remedy}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn a_trouble_says_where_whose_what_and_the_remedy() {
        let problem = Problem::new("is taken by \"gpio-keys\"", "name another line");
        let trouble = Trouble {
            file: "boards/x.toml",
            row: 12,
            line: "gpio:GPIO17",
            part: "button",
            name: "hook",
            problem: &problem,
        };
        let head =
            "boards/x.toml:12: the line gpio:GPIO17 of button \"hook\" is taken by \"gpio-keys\"";
        assert_eq!(
            format!("{trouble}"),
            format!("{head}\n  remedy: name another line")
        );
        assert_eq!(
            format!("{trouble:#}"),
            format!("{head}; remedy: name another line")
        );
    }
}
