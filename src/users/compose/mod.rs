//! Composition: what the owner's buttons say and what phones publish, made into one presence (RFC 4479 §3, 3903 §10).
//!
//! Both packages are made of the same facts in the same moment, so they never contradict each other. The rules, the
//! first that has something to say counts:
//!
//! | what | from |
//! |---|---|
//! | do not disturb | the owner's button or note; else the phones, where one *refuses* and none takes calls |
//! | `basic` of ours | `closed` while do not disturb, and where phones tell of services and none takes calls, unless the handset is up; else `open` |
//! | `basic` of theirs | `closed` while the owner's button says do not disturb; else untouched |
//! | activity | the owner's; else the *winner's* |
//! | and `on-the-phone` | a *call* that the presentity has made or answered; or any publication of presence says so, by an activity or in the words of a note; or the owner's note; or handset up |
//! | and `busy` | do not disturb |
//! | and `away` | nobody touched the device, and no publication has changed since that began |
//! | note | the owner's; "Do not disturb" while the owner's button says so; else the winner's, unless it is the word for a state that is not that of the whole; else ours for do not disturb, and for a call: "Ringing", "On the phone", "On hold" |
//! | service | ours (`sip`), unless the presentity's phone registers here and tells of its services itself; then every published one |
//! | person | one, ours (`person`); in it, the extensions that the winner's persons have |
//! | device | ours (`phone`) while nobody touched it, and where no service is ours; then every published one |
//! | else | whatever stands beside them in a published document |
//! | dialogs | the *calls*; where there is none, one without anything known of it: handset up, or any publication says so, or do not disturb, where the configuration shows it |
//!
//! The **calls** are those of which local sources tell (a phone on the same device, the command line), and those in
//! publications of `dialog`. A Call-ID makes them one, wherever they are told of; of two words on one call the one counts
//! that is further. Of more than [`limits::CALLS`] those stay that are furthest. One that rings makes nobody busy: its
//! note says so, and a lamp blinks by that.
//!
//! A presentity whose phone should be registered here, and is not, is gone: `closed` with the note "Offline" in the
//! service, the owner's note, and nothing else. But whoever has a call is there, and so is a phone that publishes a service, whether it is
//! registered or not.
//!
//! A publication **refuses** that a lamp would show as not to be disturbed: `closed` and busy in any way (busy, in a
//! meeting, …), or with a note that says so in a word ([`Said`]). One that is `closed` and says nothing else is closed:
//! a phone that is set offline is not busy, and in no call. One **takes calls** that is `open`, or says so in a word, and
//! neither refuses nor says that it is offline.
//!
//! The **winner** is the publication whose document changed last of those that tell an activity; where none does, of
//! those that have a note; else of all.
//!
//! Published elements are carried as they are, unknown ones and those with `mustUnderstand` included, see
//! [`carry_to`](crate::wire::doc::pidf::Element::carry_to); they stand in the order of their documents, the newest document first. Of equal ids the
//! one in the publication of the lowest number stays, and the others get that of their publication behind them. What
//! does not fit [`limits::CARRIED`] goes as a whole element: extensions first, then devices, the person's extensions,
//! then services, those of the oldest document first. A service larger than all the room is passed over.
//!
//! A publication that comes from ourselves is not heard: a server publishes what we published to it, and an activity
//! would never end. It is known by the URN of our device.

mod calls;
mod carry;
mod inputs;
mod local;
#[cfg(test)]
mod tests;

pub use inputs::{Input, Inputs};
pub use local::{Fact, LocalCalls, NoRoom, Source};

use crate::events::package::Package;
use crate::events::package::presence::watched;
use crate::events::presentity::{Call, Presence};
use crate::events::reach::Reach;
use crate::events::watched::Watched;
use crate::ground::limits;
use crate::ground::text::Text;
use crate::ground::time::Instant;
use crate::wire::doc::pidf::{Activities, Basic, Lang, Said, Summary};
use heapless::Vec;

/// All that is known of a presentity.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// What its buttons and sensors say.
    pub inputs: &'a Inputs,
    /// Since when nobody has touched the device, where nobody has.
    pub idle_since: Instant,
    /// Whether watchers of `dialog` see do-not-disturb.
    pub shows_dnd: bool,
    /// Whether its phone registers here, and is registered.
    pub reach: Reach,
    /// The URN of our own device.
    pub device: &'a str,
    /// Its calls, as local sources tell of them.
    pub calls: &'a [Call],
    /// What is published, the newest document first.
    pub published: &'a [Published<'a>],
}

/// A publication.
#[derive(Clone, Copy, Debug)]
pub struct Published<'a> {
    /// From 1 up, another one for each of a presentity's.
    pub number: u8,
    /// In which package: `presence` or `dialog`.
    pub package: Package,
    /// When its document last changed.
    pub changed: Instant,
    /// What the document says.
    pub says: &'a Summary,
    /// The document.
    pub document: &'a [u8],
}

/// What watchers are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    /// Those of `presence`.
    pub presence: Presence,
    /// Those of `dialog`.
    pub calls: Vec<Call, { limits::CALLS }>,
}

/// Publications that count, the newest document first.
type Heard<'a> = Vec<Published<'a>, { limits::PUBLICATIONS_EACH }>;

/// Makes one presence of all that is known.
pub fn compose(from: &Sources<'_>) -> Composed {
    let is_heard = |it: &&Published<'_>| {
        it.package == Package::Presence && !comes_from(it.document, from.device)
    };
    let heard: Heard<'_> = from.published.iter().filter(is_heard).copied().collect();
    let winner = winner(&heard);
    let inputs = from.inputs;
    let noted = Said::noted(&inputs.note);
    let takes_calls = heard.iter().any(|it| takes_calls(it.says));
    let all_refuse = !takes_calls && heard.iter().any(|it| refuses(it.says));
    let refuses = inputs.dnd || noted == Some(Said::Refuses) || all_refuse;
    let mut calls = calls::gather(from);
    let called = calls.iter().filter_map(Call::said).max();
    let mut said = calls.iter().filter_map(Call::said);
    let talks = said.any(|it| it != Said::Ringing);
    let is_said = noted.is_some_and(Said::is_call);
    let is_said = is_said || heard.iter().any(|it| is_on_the_phone(it.says));
    let is_on_the_phone = inputs.hook_up || is_said || talks;
    let is_away = inputs.idle && heard.iter().all(|it| it.changed < from.idle_since);

    let mut activities = match winner {
        _ if !inputs.activity.is_empty() => inputs.activity,
        Some(winner) => winner.says.activities,
        None => Activities::NONE,
    };
    for (is_so, activity) in [
        (is_on_the_phone, Activities::ON_THE_PHONE),
        (refuses, Activities::BUSY),
        (is_away, Activities::AWAY),
    ] {
        if is_so {
            activities = activities.with(activity);
        }
    }
    let carried = carry::carry(&heard, winner, inputs.dnd);
    let speaks_for_itself = from.reach != Reach::Here && !carried.has_no_tuple();
    if from.reach == Reach::Gone && !speaks_for_itself && called.is_none() {
        return gone(inputs);
    }
    if called.is_none() && (is_on_the_phone || (refuses && from.shows_dnd)) {
        calls.truncate(limits::CALLS - 1); // All of them are over.
        let _ = calls.push(Call::unknown());
    }
    let all_closed = !takes_calls && heard.iter().any(|it| it.says.basic.is_some());
    let service = match refuses || (all_closed && !inputs.hook_up) {
        _ if speaks_for_itself => None,
        true => Some(Basic::Closed),
        false => Some(Basic::Open),
    };
    let is_open = |it: &Published<'_>| it.says.basic == Some(Basic::Open);
    let is_reached = service == Some(Basic::Open) || heard.iter().any(is_open);
    let whole = Whole {
        refuses,
        is_on_the_phone,
        takes_calls: takes_calls || service == Some(Basic::Open),
        called,
    };
    let (note, lang) = note(inputs, winner, whole);
    let presence = Presence {
        basic: match is_reached && !inputs.dnd {
            true => Basic::Open,
            false => Basic::Closed,
        },
        service,
        activities,
        note,
        lang,
        idle: inputs.idle,
        gone: false,
        carried,
    };
    Composed { presence, calls }
}

/// What a phone does that is not there is not known; what the owner says still is. RFC 4235 can't say that a phone is
/// gone; one that is has no calls.
fn gone(inputs: &Inputs) -> Composed {
    let presence = Presence {
        basic: Basic::Closed,
        service: Some(Basic::Closed),
        note: inputs.note.clone(),
        gone: true,
        ..Presence::new()
    };
    Composed {
        presence,
        calls: Vec::new(),
    }
}

/// Whether a document was made by the device of that URN, or of one that was.
fn comes_from(document: &[u8], device: &str) -> bool {
    !device.is_empty() && memchr::memmem::find(document, device.as_bytes()).is_some()
}

fn winner<'a>(heard: &Heard<'a>) -> Option<Published<'a>> {
    let acts = |it: &&Published<'_>| !it.says.activities.is_empty();
    let notes = |it: &&Published<'_>| !it.says.note.is_empty();
    let all = heard.iter();
    let winner = all.clone().find(acts).or_else(|| all.clone().find(notes));
    winner.or_else(|| heard.first()).copied()
}

fn refuses(says: &Summary) -> bool {
    watched(says) == Watched::Dnd
}

fn takes_calls(says: &Summary) -> bool {
    match says.said {
        Some(Said::Free) => !refuses(says),
        Some(Said::Offline | Said::Refuses) => false,
        Some(Said::Away | Said::Busy | Said::Held | Said::Talking | Said::Ringing) | None => {
            says.basic == Some(Basic::Open)
        }
    }
}

fn is_on_the_phone(says: &Summary) -> bool {
    says.activities.contains(Activities::ON_THE_PHONE) || says.said.is_some_and(Said::is_call)
}

/// What all say together.
#[derive(Clone, Copy)]
struct Whole {
    refuses: bool,
    is_on_the_phone: bool,
    takes_calls: bool,
    /// What the calls that are known come to, in a word.
    called: Option<Said>,
}

impl Whole {
    /// Whether a publication's note may stand for all: one phone's word does not count against what they are together.
    fn bears(self, note: &str) -> bool {
        match Said::noted(note) {
            // Calls that are known count more than what anybody has noted in a word.
            Some(said) if self.called.is_some() => self.called == Some(said),
            Some(Said::Refuses) => self.refuses,
            Some(Said::Offline) => !self.takes_calls && !self.is_on_the_phone,
            Some(Said::Free) => self.takes_calls && !self.is_on_the_phone,
            Some(Said::Away | Said::Busy | Said::Held | Said::Talking | Said::Ringing) | None => {
                true
            }
        }
    }
}

fn note(
    inputs: &Inputs,
    winner: Option<Published<'_>>,
    whole: Whole,
) -> (Text<{ limits::NOTE }>, Lang) {
    let published = winner.map(|it| it.says);
    let published = published.filter(|it| !it.note.is_empty() && whole.bears(&it.note));
    let ours = match whole.called {
        _ if whole.refuses => "Do not disturb",
        Some(Said::Ringing) => "Ringing",
        Some(Said::Held) => "On hold",
        Some(_) => "On the phone",
        None if whole.is_on_the_phone => "On the phone",
        None => "",
    };
    match published {
        _ if !inputs.note.is_empty() => (inputs.note.clone(), Lang::new()),
        Some(says) if !inputs.dnd => (
            Text::copied(&says.note).unwrap_or_default(),
            says.lang.clone(),
        ),
        Some(_) | None => (Text::copied(ours).unwrap_or_default(), Lang::new()),
    }
}
