//! The `[[rule]]` tables: who may see what, when and how often.

mod doubts;

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::Reader;
use super::keys::RULE;
use crate::engine::config::rules::{can_say, is_fit};
use crate::engine::config::{
    Days, Direction, During, Network, Packages, Rule, Span, Then, Who, is_same,
};
use crate::events::package::Package;
use crate::events::ruling::View;
use crate::ground::limits::{RULE_NAMES, RULE_NOTES, RULE_PRESENTITIES, RULES, USER};
use crate::ground::text::Text;
use crate::ground::time::Seconds;
use crate::shell::clock;
use crate::shell::document::{Found, Section, shown};
use crate::shell::words;
use crate::ua::guard::User;
use crate::wire::sip::Host;

impl Reader<'_, '_> {
    pub(super) fn rules(&mut self, root: &Section<'_, '_>, users: &[User]) {
        let mut places = Vec::new();
        for section in root.sections("rule", RULE.name, RULE.keys, &mut self.faults) {
            let Some(rule) = self.rule(&section) else {
                continue;
            };
            places.push(section.at);
            if self.settings.rules.list.push(rule).is_err() {
                let what = format!("more than {RULES} rules");
                let remedy = "join some: who, whom and event take lists";
                self.faults.add(section.at, what, remedy);
                return;
            }
        }
        self.doubt_rules(&places, clock::wall());
        self.doubt_users(&places, users);
    }

    fn rule(&mut self, section: &Section<'_, '_>) -> Option<Rule> {
        let words = Direction::ALL.map(|it| (it.name(), it));
        let direction = section.choice("direction", &words, &mut self.faults);
        let direction = direction.map(|it| it.value).unwrap_or_default();
        let names = self.names(section, direction)?;
        let mut rule = Rule::new(direction, names);
        rule.line = u32::try_from(self.faults.line(section.at)).unwrap_or(u32::MAX);
        rule.whom = self.whom(section);
        if let Some(packages) = self.packages(section, direction) {
            rule.packages = packages;
        }
        rule.span = self.span(section);
        rule.during = self.during(section);
        self.view(section, &mut rule);
        rule.then = self.then(section, &rule)?;
        rule.bright = self.bright(section, &rule)?;
        Some(rule)
    }

    fn names(&mut self, section: &Section<'_, '_>, direction: Direction) -> Option<(u8, u8)> {
        let texts = section.texts("who", &mut self.faults);
        let first = self.settings.rules.names.len();
        let Some(texts) = texts.filter(|it| !it.is_empty()) else {
            let at = section.key_place("who").unwrap_or(section.at);
            let what = format!("{} is about nobody", RULE.name);
            self.faults.add(at, what, "write who = \"everyone\"");
            return None;
        };
        let mut is_good = true;
        for text in texts {
            let Some(name) = self.who(text, direction) else {
                is_good = false;
                continue;
            };
            if self.settings.rules.names.push(name).is_err() {
                let what = format!("more than {RULE_NAMES} names in all rules together");
                self.faults
                    .add(text.at, what, "name a domain or a network in place of some");
                return None;
            }
        }
        let last = self.settings.rules.names.len();
        let range = (u8::try_from(first).ok()?, u8::try_from(last).ok()?);
        is_good.then_some(range)
    }

    fn who(&mut self, text: Found<&str>, direction: Direction) -> Option<Who> {
        let name = match text.value {
            "everyone" => Some(Who::Everyone),
            "nobody-known" => Some(Who::NobodyKnown),
            written => match written.split_once(':') {
                Some(("user", user)) => user_of(user),
                Some(("domain", domain)) => domain_of(domain),
                _ => match (written.strip_prefix("*@"), Network::parse(written)) {
                    (Some(domain), _) => domain_of(domain),
                    (None, Some(network)) => Some(Who::Network(network)),
                    (None, None) => {
                        return self
                            .address("who", text)
                            .and_then(|uri| self.fitting(Who::Uri(uri), text, direction));
                    }
                },
            },
        };
        let Some(name) = name else {
            let what = format!("who cannot be \"{}\"", shown(text.value));
            let remedy = "write user:NAME, sip:name@host, *@host, a network as 192.168.7.0/24, everyone, or \
                          nobody-known";
            self.faults.add(text.at, what, remedy);
            return None;
        };
        self.fitting(name, text, direction)
    }

    /// The name, if a rule of that direction can be about it.
    fn fitting(&mut self, name: Who, text: Found<&str>, direction: Direction) -> Option<Who> {
        if is_fit(&name, direction) {
            return Some(name);
        }
        let remedy = match direction {
            Direction::Out | Direction::Hear => {
                "it is about whom our lamps watch: write sip:name@host, *@host, or everyone"
            }
            Direction::Publish | Direction::Register => {
                "who does that shows who it is: write user:NAME, or everyone"
            }
            Direction::In | Direction::Tell => "write it otherwise",
        };
        let what = format!(
            "a rule with direction = \"{}\" cannot be about \"{}\"",
            direction.name(),
            text.value.escape_debug()
        );
        self.faults.add(text.at, what, remedy);
        None
    }

    fn whom(&mut self, section: &Section<'_, '_>) -> heapless::Vec<u16, RULE_PRESENTITIES> {
        let mut whom = heapless::Vec::new();
        for text in section.texts("whom", &mut self.faults).unwrap_or_default() {
            let all = &self.settings.presentities;
            let Some(at) = all.iter().position(|it| is_same(&it.uri, text.value)) else {
                let names: Vec<&str> = all.iter().map(|it| it.uri.as_str()).collect();
                let what = format!("\"{}\" does not live here", shown(text.value));
                let remedy = match names.is_empty() {
                    true => "add a [[presentity]]".to_string(),
                    false => format!("use one of: {}", names.join(", ")),
                };
                self.faults.add(text.at, what, remedy);
                continue;
            };
            if whom.push(u16::try_from(at).unwrap_or(u16::MAX)).is_err() {
                let what = format!("more than {RULE_PRESENTITIES} presentities in one rule");
                self.faults
                    .add(text.at, what, "write a second rule for the others");
                break;
            }
        }
        whom
    }

    fn packages(&mut self, section: &Section<'_, '_>, direction: Direction) -> Option<Packages> {
        let words: Vec<(&'static str, Package)> =
            Package::ALL.iter().map(|it| (it.name(), *it)).collect();
        let found = section.choices("event", &words, &mut self.faults)?;
        if let Direction::Publish | Direction::Register = direction {
            let at = section.key_place("event").unwrap_or(section.at);
            let what = format!(
                "event means nothing with direction = \"{}\"",
                direction.name()
            );
            self.faults.add(at, what, "leave it out");
        }
        let packages = found
            .iter()
            .fold(Packages::NONE, |all, it| all.with(it.value));
        Some(packages)
    }

    fn span(&mut self, section: &Section<'_, '_>) -> Span {
        let mut span = Span::ALWAYS;
        if let Some(texts) = section.texts("on", &mut self.faults) {
            span.days = Days::NONE;
            for text in texts {
                match words::days(text.value) {
                    Some(days) => span.days = span.days.and(days),
                    None => {
                        let what = format!("\"{}\" is no day", shown(text.value));
                        let remedy = "write mon, tue, wed, thu, fri, sat, sun, weekdays or weekend";
                        self.faults.add(text.at, what, remedy);
                    }
                }
            }
            if span.days == Days::NONE {
                span.days = Days::ALL;
            }
        }
        let from = self.time_of_day(section, "from");
        let until = self.time_of_day(section, "until");
        if let (Some(from), Some(until)) = (from, until)
            && from.value == until.value
        {
            let what = "from and until are the same: the rule would never hold, or always";
            self.faults
                .add(until.at, what, "change one, or leave both out");
        }
        if from.is_some() || until.is_some() {
            const END: u32 = 86_400;
            let from = from.map_or(0, |it| it.value % END);
            let until = until.map_or(END, |it| it.value);
            span.hours = (from != 0 || until != END).then_some((from, until));
        }
        span.dates = self.dates(section);
        span
    }

    fn time_of_day(&mut self, section: &Section<'_, '_>, key: &str) -> Option<Found<u32>> {
        let text = section.text(key, &mut self.faults)?;
        let Some(value) = words::time_of_day(text.value) else {
            let what = format!("{key} is no time of day: \"{}\"", shown(text.value));
            let remedy = format!("write hours and minutes: {key} = \"18:00\"");
            self.faults.add(text.at, what, remedy);
            return None;
        };
        Some(Found { value, at: text.at })
    }

    fn dates(&mut self, section: &Section<'_, '_>) -> Option<(i32, i32)> {
        let text = section.text("dates", &mut self.faults)?;
        let (first, last) = text
            .value
            .split_once(" to ")
            .unwrap_or((text.value, text.value));
        let dates = words::date(first.trim()).zip(words::date(last.trim()));
        match dates {
            Some((first, last)) if first <= last => Some((first, last)),
            Some(_) => {
                let what = format!("dates end before they begin: \"{}\"", shown(text.value));
                self.faults
                    .add(text.at, what, "write the earlier one first");
                None
            }
            None => {
                let what = format!("\"{}\" is no date", shown(text.value));
                let remedy = "write dates = \"2026-12-24\", or \"2026-12-24 to 2027-01-06\"";
                self.faults.add(text.at, what, remedy);
                None
            }
        }
    }

    fn during(&mut self, section: &Section<'_, '_>) -> During {
        let words = [("dnd", true), ("away", false)];
        let found = section.choices("while", &words, &mut self.faults);
        let found = found.unwrap_or_default();
        During {
            dnd: found.iter().any(|it| it.value),
            away: found.iter().any(|it| !it.value),
        }
    }

    /// What is seen, and how often.
    fn view(&mut self, section: &Section<'_, '_>, rule: &mut Rule) {
        if let Some(found) = section.choices("view", &VIEWS, &mut self.faults) {
            let views = found.iter().map(|it| it.value);
            rule.view = views.fold(View::FULL, View::with);
        }
        if let Some(note) = section.text("note", &mut self.faults) {
            match self.note(note.value) {
                Ok(number) => rule.view = rule.view.with_note(number),
                Err((what, remedy)) => self.faults.add(note.at, what, remedy),
            }
        }
        if let Some(pace) = section.number("at_most_every", 1..=86_400, &mut self.faults) {
            rule.pace = Seconds(pace.value);
        }
    }

    /// The number of a fixed note; equal ones are one.
    fn note(&mut self, text: &str) -> Result<u8, (String, &'static str)> {
        if text.is_empty() || text.chars().any(char::is_control) {
            let what = "note is no line of text".to_string();
            return Err((what, "write what they shall read, or view = \"no notes\""));
        }
        let Ok(note) = Text::copied(text) else {
            return Err(("note is too long".to_string(), "write at most 128 bytes"));
        };
        let notes = &mut self.settings.rules.notes;
        let known = notes.iter().position(|it| *it == note);
        let at = match known {
            Some(at) => at,
            None if notes.push(note).is_ok() => notes.len() - 1,
            None => {
                let what = format!("more than {RULE_NOTES} different notes");
                return Err((what, "use one of the others again"));
            }
        };
        Ok(u8::try_from(at).unwrap_or_default())
    }

    fn then(&mut self, section: &Section<'_, '_>, rule: &Rule) -> Option<Then> {
        let place = |key: &'static str| Some((key, section.key_place(key)?));
        let shows_less = ["view", "note", "at_most_every"]
            .into_iter()
            .find_map(place);
        let words = Then::ALL.map(|it| (it.name(), it));
        let says = section.key_place("then").or(section.key_place("bright"));
        if says.is_none() && shows_less.is_none() {
            let what = format!("{} does not say what then", RULE.name);
            let remedy = "add then = \"allow\", \"block\", \"polite-block\" or \"confirm\"";
            self.faults.add(section.at, what, remedy);
            return None;
        }
        let written = section.choice("then", &words, &mut self.faults);
        let then = written.map_or(Then::Allow, |it| it.value);
        let direction = rule.direction;
        if !can_say(direction, then) {
            let at = written.map_or(section.at, |it| it.at);
            let what = format!(
                "{} means nothing with direction = \"{}\"",
                then.name(),
                direction.name()
            );
            let possible = Then::ALL.into_iter().filter(|it| can_say(direction, *it));
            let possible: Vec<&str> = possible.map(Then::name).collect();
            let remedy = format!("use one of: {}", possible.join(", "));
            self.faults.add(at, what, remedy);
            return None;
        }
        let (Some((key, at)), true) = (shows_less, is_told_nothing(direction, then)) else {
            return Some(then);
        };
        let what = match direction.is_about_watchers() {
            true => format!("{key} means nothing with then = \"{}\"", then.name()),
            false => format!(
                "{key} means nothing with direction = \"{}\"",
                direction.name()
            ),
        };
        self.faults.add(at, what, "leave one of the two out");
        None
    }

    /// How bright lamps are then, which only a rule can say that lets them show something.
    fn bright(&mut self, section: &Section<'_, '_>, rule: &Rule) -> Option<u8> {
        let Some(at) = section.key_place("bright") else {
            return Some(100);
        };
        let bright = section.number("bright", 1..=100, &mut self.faults)?;
        let (key, name) = match (rule.direction, rule.then) {
            (Direction::Hear, Then::Allow) => return Some(bright.value as u8),
            (Direction::Hear, then) => ("then", then.name()),
            (other, _) => ("direction", other.name()),
        };
        let what = format!("bright means nothing with {key} = \"{name}\"");
        self.faults.add(
            at,
            what,
            "it dims lamps: use it with direction = \"hear\", and without then",
        );
        None
    }
}

/// Whether there is nothing of which less could be told.
fn is_told_nothing(direction: Direction, then: Then) -> bool {
    !direction.is_about_watchers()
        || match then {
            Then::Allow | Then::Confirm => false,
            Then::Block | Then::PoliteBlock => true,
        }
}

fn user_of(name: &str) -> Option<Who> {
    let is_name = !name.is_empty() && name.len() <= USER && !name.contains(char::is_control);
    let name = Text::copied(name).ok().filter(|_| is_name)?;
    Some(Who::User(name))
}

fn domain_of(domain: &str) -> Option<Who> {
    Host::parse(domain.as_bytes()).ok()?;
    Some(Who::Domain(Text::copied(domain).ok()?))
}

const VIEWS: [(&str, View); 6] = [
    ("full", View::FULL),
    ("no notes", View::NO_NOTES),
    ("no activities", View::NO_ACTIVITIES),
    ("no devices", View::NO_DEVICES),
    ("basic", View::BASIC),
    ("parties", View::PARTIES),
];
