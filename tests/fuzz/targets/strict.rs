//! A reader of XML that forgives nothing: well-formed by the rules of namespaces, and no id twice where an id counts.

use std::collections::HashSet;
use xmlparser::{ElementEnd, Token, Tokenizer};

const DATA_MODEL: &str = "urn:ietf:params:xml:ns:pidf:data-model";

/// All that a strict reader would say of a document.
pub(crate) fn check(text: &str) -> Vec<String> {
    let mut checker = Checker::default();
    if let Err(fault) = checker.run(text) {
        checker.faults.push(fault);
    }
    checker.faults
}

#[derive(Default)]
struct Checker<'t> {
    /// Name as written, and how many declarations were in force around it.
    open: Vec<(&'t str, &'t str, usize)>,
    /// How deep ids are looked at: the root's children, and those of a person.
    ids_until: usize,
    scopes: Vec<(&'t str, String)>,
    ids: HashSet<String>,
    roots: usize,
    faults: Vec<String>,
}

impl<'t> Checker<'t> {
    fn run(&mut self, text: &'t str) -> Result<(), String> {
        let mut tokens = Tokenizer::from(text);
        while let Some(token) = tokens.next() {
            match token.map_err(|it| it.to_string())? {
                Token::Declaration { .. } | Token::Comment { .. } | Token::Cdata { .. } => {}
                Token::ProcessingInstruction { target, .. } => {
                    if target.as_str().eq_ignore_ascii_case("xml") {
                        return Err(String::from("a declaration in the middle"));
                    }
                }
                Token::Text { text } => {
                    decode(text.as_str())?;
                }
                Token::ElementStart { prefix, local, .. } => {
                    self.start(prefix.as_str(), local.as_str(), &mut tokens)?;
                }
                Token::ElementEnd {
                    end: ElementEnd::Close(prefix, local),
                    ..
                } => {
                    let (open_prefix, open_local, around) =
                        self.open.pop().ok_or("ends too often")?;
                    if (open_prefix, open_local) != (prefix.as_str(), local.as_str()) {
                        return Err(format!("<{open_local}> ends as </{local}>"));
                    }
                    self.scopes.truncate(around);
                }
                other => return Err(format!("{other:?}")),
            }
        }
        match (self.open.is_empty(), self.roots) {
            (true, 1) => Ok(()),
            _ => Err(String::from("cut short, or no root or several")),
        }
    }

    fn start(
        &mut self,
        prefix: &'t str,
        local: &'t str,
        tokens: &mut Tokenizer<'t>,
    ) -> Result<(), String> {
        let around = self.scopes.len();
        let is_top = self.open.len() == 1 || self.open.len() == self.ids_until;
        self.roots += usize::from(self.open.is_empty());
        let mut attributes = Vec::new();
        let is_empty = loop {
            match tokens
                .next()
                .ok_or("cut short")?
                .map_err(|it| it.to_string())?
            {
                Token::Attribute {
                    prefix,
                    local,
                    value,
                    ..
                } => {
                    let value = decode(value.as_str())?;
                    match (prefix.as_str(), local.as_str()) {
                        ("xmlns", name) => self.declare(name, value)?,
                        ("", "xmlns") => self.declare("", value)?,
                        (prefix, local) => attributes.push((prefix, local, value)),
                    }
                }
                Token::ElementEnd {
                    end: ElementEnd::Open,
                    ..
                } => break false,
                Token::ElementEnd {
                    end: ElementEnd::Empty,
                    ..
                } => break true,
                other => return Err(format!("{other:?} in a tag")),
            }
        };
        let new = &self.scopes[around..];
        let prefixes: HashSet<_> = new.iter().map(|it| it.0).collect();
        if prefixes.len() != new.len() {
            return Err(String::from("a prefix is declared twice"));
        }
        if prefix == "xmlns" {
            return Err(String::from("an element is called xmlns"));
        }
        self.uri(prefix)?;
        let mut names = HashSet::new();
        for (prefix, local, value) in attributes {
            let uri = if prefix.is_empty() {
                String::new()
            } else {
                self.uri(prefix)?
            };
            if !names.insert((uri, local)) {
                return Err(format!("{local} stands twice"));
            }
            if is_top
                && prefix.is_empty()
                && local == "id"
                && !self.ids.insert(value.trim().to_string())
            {
                return Err(format!("the id {value} stands twice"));
            }
        }
        if self.open.len() == 1 {
            let is_person = local == "person" && self.uri(prefix)? == DATA_MODEL;
            self.ids_until = if is_person { 2 } else { 1 };
        }
        match is_empty {
            true => self.scopes.truncate(around),
            false => self.open.push((prefix, local, around)),
        }
        Ok(())
    }

    fn declare(&mut self, prefix: &'t str, uri: String) -> Result<(), String> {
        const RESERVED: [&str; 2] = [
            "http://www.w3.org/XML/1998/namespace",
            "http://www.w3.org/2000/xmlns/",
        ];
        let is_bad = matches!(prefix, "xml" | "xmlns")
            || RESERVED.contains(&uri.as_str())
            || (uri.is_empty() && !prefix.is_empty());
        if is_bad {
            return Err(format!("{prefix} is declared as {uri:?}"));
        }
        self.scopes.push((prefix, uri));
        Ok(())
    }

    fn uri(&self, prefix: &str) -> Result<String, String> {
        if prefix == "xml" {
            return Ok(String::from("xml"));
        }
        match self.scopes.iter().rev().find(|it| it.0 == prefix) {
            Some((_, uri)) => Ok(uri.clone()),
            None if prefix.is_empty() => Ok(String::new()),
            None => Err(format!("nobody declares {prefix}")),
        }
    }
}

/// Resolves references; each `&` must begin one.
fn decode(text: &str) -> Result<String, String> {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded += &rest[..at];
        let (name, behind) = rest[at + 1..].split_once(';').ok_or("a bare &")?;
        let code = |digits: &str, radix| {
            u32::from_str_radix(digits, radix)
                .ok()
                .and_then(char::from_u32)
        };
        let char = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            name => match name.strip_prefix("#x") {
                Some(hex) => code(hex, 16),
                None => name.strip_prefix('#').and_then(|digits| code(digits, 10)),
            },
        };
        decoded.push(char.ok_or_else(|| format!("&{name}; is no reference"))?);
        rest = behind;
    }
    Ok(decoded + rest)
}
