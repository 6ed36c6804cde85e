//! A life in the world, drawn from a seed: first everything goes wrong that can, then it is calm, then all leave.

use super::birth::{draw_weather, populate};
use super::chance::Chance;
use super::desk::{Hardware, PATIENCE};
use super::phone::Habits;
use super::{MILLI, MINUTE, Moment, SECOND, World, clock};
use lampfield::wire::doc::pidf::Activities;

/// In calm weather all is well again after the longest refresh, the longest back-off and a few unanswered requests.
const CALM: Moment = 16 * MINUTE;

/// By then every subscription was refreshed, those of phones for ten minutes too.
const REFRESHED: Moment = 9 * MINUTE;

/// The same after a peer asked us to come back later, or not at all: Retry "slow" and "rare".
const CALM_AFTER_GIVEUP: Moment = 36 * MINUTE;
const CALM_AFTER_REJECTION: Moment = 92 * MINUTE;

/// What people say in notes. None of it is about what their phone does.
const NOTES: [&str; 5] = [
    "",
    "back at three",
    "Bringing cake at four",
    "The router is offline today",
    "Put the printer on hold",
];

/// What two runs of one seed may differ in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    /// Whether wall clocks step.
    pub(crate) walls_step: bool,
    /// Whether monotonic clocks begin at zero.
    pub(crate) at_zero: bool,
}

/// Clocks as they are in the field.
pub(crate) const REAL: Clocks = Clocks {
    walls_step: true,
    at_zero: false,
};

/// What happened in a life.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) presses: u64,
    pub(crate) boots: u64,
    pub(crate) restarts_of_pbxs: u64,
    pub(crate) cuts: u64,
    pub(crate) chatters: u64,
    pub(crate) attacks: u64,
    /// Strangers that were let in.
    pub(crate) let_in: u64,
    pub(crate) notified: u64,
    /// Users that showed the right password, and requests with a wrong one.
    pub(crate) proven: u64,
    pub(crate) refused: u64,
    /// Times that an owner began to hide from somebody.
    pub(crate) hidings: u64,
    /// How long the calm took, at most.
    pub(crate) slowest: Moment,
}

/// Something that happens later.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Boot(usize),
    Press(usize),
    PhoneBack(usize),
    Hook(usize),
}

struct Life {
    world: World,
    chance: Chance,
    clocks: Clocks,
    agenda: Vec<(Moment, Deed)>,
    calm: Moment,
    tally: Tally,
    /// When a hook last chattered.
    chattered: Moment,
}

/// Lives the life of `seed`.
pub(crate) fn live(seed: u64, clocks: Clocks) -> Result<Tally, String> {
    lived(seed, clocks, false).map(|(tally, _)| tally)
}

/// As [`live`]; gives back the world with its trail.
pub(crate) fn lived(
    seed: u64,
    clocks: Clocks,
    keeps_trail: bool,
) -> Result<(Tally, World), String> {
    let mut life = Life::begin(seed, clocks, keeps_trail);
    life.play()
        .map_err(|why| format!("at {}: {why}", clock(life.world.now)))?;
    life.tally.requests = life.world.wiretap.requests;
    life.tally.let_in = life.world.let_in.len() as u64;
    life.tally.hidings = life.world.hidings;
    for login in life.world.phones.iter().filter_map(|it| it.login.as_ref()) {
        life.tally.proven += login.proven;
        life.tally.refused += login.refused;
    }
    life.tally.notified = life.world.phones.iter().map(|phone| phone.notified).sum();
    Ok((life.tally, life.world))
}

impl Life {
    fn begin(seed: u64, clocks: Clocks, keeps_trail: bool) -> Life {
        let mut chance = Chance::new(seed);
        let weather = draw_weather(&mut chance);
        let mut world = World::new(weather, chance.fork());
        world.clocks_at_zero = clocks.at_zero;
        world.trail = keeps_trail.then(Vec::new);
        world.say(|| format!("{weather:?}"));
        populate(&mut world, &mut chance);
        Life {
            world,
            chance,
            clocks,
            agenda: Vec::new(),
            calm: CALM,
            tally: Tally::default(),
            chattered: 0,
        }
    }

    fn play(&mut self) -> Result<(), String> {
        for desk in 0..self.world.desks.len() {
            if self.chance.permille(300) {
                self.change_hardware(desk)?;
            }
            self.boot(desk)?;
        }
        self.trouble()?;
        self.calm_down()?;
        self.leave()
    }

    /// Everything goes wrong that can.
    fn trouble(&mut self) -> Result<(), String> {
        let lasts = self.chance.between(3, 14) * MINUTE;
        let busyness = self.chance.pick(&[5, 15, 40]);
        while self.world.now < lasts {
            let next = self.world.now + self.chance.between(50 * MILLI, busyness * SECOND);
            self.run_agenda(next.min(lasts))?;
            self.world.run_to(next)?;
            self.act()?;
        }
        Ok(())
    }

    /// Does what is planned until `end`.
    fn run_agenda(&mut self, end: Moment) -> Result<(), String> {
        loop {
            let due = self.agenda.iter().enumerate();
            let Some((place, (at, deed))) = due
                .filter(|(_, (at, _))| *at <= end)
                .min_by_key(|(_, (at, _))| *at)
                .map(|(place, planned)| (place, *planned))
            else {
                return Ok(());
            };
            self.agenda.swap_remove(place);
            self.world.run_to(at)?;
            match deed {
                Deed::Boot(desk) if self.world.desks[desk].agent.is_none() => self.boot(desk)?,
                Deed::Boot(_) => {}
                Deed::Press(desk) => self.change_hardware(desk)?,
                Deed::Hook(desk) => self.world.press(desk, |it| it.hook = !it.hook)?,
                Deed::PhoneBack(phone) => self.world.phones[phone].boot(at),
            }
        }
    }

    fn boot(&mut self, desk: usize) -> Result<(), String> {
        self.tally.boots += 1;
        self.world.boot(desk)
    }

    fn act(&mut self) -> Result<(), String> {
        if self.world.attacker.is_some() && self.chance.permille(300) {
            self.tally.attacks += 1;
            self.world.attack(false);
            return Ok(());
        }
        let (now, desk) = (self.world.now, self.any_desk());
        match self.chance.below(100) {
            0..40 => self.change_hardware(desk),
            40..46 => {
                for press in 0..self.chance.between(3, 9) {
                    let at = now + press * self.chance.between(1, 80) * MILLI;
                    self.agenda.push((at, Deed::Press(desk)));
                }
                Ok(())
            }
            46..66 => {
                self.telephone();
                Ok(())
            }
            66..72 => {
                self.cut_cable();
                Ok(())
            }
            72..80 => self.restart(desk),
            80..86 => {
                self.trouble_pbx();
                Ok(())
            }
            86..91 => self.step_clock(desk),
            91..94 => {
                self.cut_phone();
                Ok(())
            }
            94..97 => {
                let (now, chance) = (self.world.now, &mut self.chance);
                self.world.with_desk(desk, |desk| desk.reload(now, chance))
            }
            97..99 => {
                self.chatter(desk);
                self.world.approve(desk)
            }
            _ => {
                self.world.network.weather = draw_weather(&mut self.chance);
                Ok(())
            }
        }
    }

    /// The contact of a handset is worn: it moves faster than any hand. Once in a while, for each time makes a burst of
    /// NOTIFYs.
    fn chatter(&mut self, desk: usize) {
        let now = self.world.now;
        if !self.world.desks[desk].is_furnished() || now < self.chattered + 2 * MINUTE {
            return;
        }
        self.chattered = now;
        let (edges, pause) = (self.chance.between(20, 200), self.chance.between(2, 12));
        for edge in 0..edges {
            self.agenda
                .push((now + edge * pause * MILLI, Deed::Hook(desk)));
        }
        self.tally.chatters += 1;
    }

    fn change_hardware(&mut self, desk: usize) -> Result<(), String> {
        self.tally.presses += 1;
        let (draw, note) = (self.chance.below(20), self.chance.pick(&NOTES));
        let activity = self.chance.pick(&[
            Activities::NONE,
            Activities::MEETING,
            Activities::AWAY,
            Activities::VACATION,
            Activities::BUSY,
        ]);
        self.world.press(desk, |it: &mut Hardware| match draw {
            0..8 => it.hook = !it.hook,
            8..14 => it.dnd = !it.dnd,
            14..16 => it.activity = activity,
            16..18 => it.idle = !it.idle,
            _ => it.note = note,
        })
    }

    fn telephone(&mut self) {
        let pbxs = self.world.pbxs.len() as u64;
        if pbxs == 0 {
            return;
        }
        let (pbx, extension) = (self.chance.below(pbxs), self.chance.below(2));
        let bursts = self.chance.between(1, 3);
        for _ in 0..bursts {
            self.world
                .at_pbx(pbx as usize, |pbx, now| pbx.live(now, extension as usize));
        }
    }

    fn cut_cable(&mut self) {
        self.tally.cuts += 1;
        let desk = self.any_desk();
        let host = match self.world.pbxs.first() {
            Some(pbx) if self.chance.permille(300) => pbx.address,
            Some(_) | None => self.world.desks[desk].address,
        };
        let until = self.world.now + self.chance.between(SECOND, 100 * SECOND);
        self.world
            .say(|| format!("{host} is cut off until {}", clock(until)));
        self.world.network.cut(host.ip(), until);
    }

    /// Power cut or SIGTERM, and some time later the desk is back.
    fn restart(&mut self, desk: usize) -> Result<(), String> {
        if self.world.desks[desk].agent.is_none() {
            return Ok(());
        }
        let now = self.world.now;
        let downtime = match self.chance.below(3) {
            0 => self.chance.below(2 * SECOND),
            1 => self.chance.below(20 * SECOND),
            _ => self.chance.below(120 * SECOND),
        };
        if self.chance.coin() {
            self.world.stop(desk, Some(PATIENCE))?;
            self.agenda
                .push((now + PATIENCE + downtime, Deed::Boot(desk)));
        } else {
            self.world.cut(desk)?;
            self.agenda.push((now + downtime, Deed::Boot(desk)));
        }
        // Buttons work without power.
        for _ in 0..self.chance.below(3) {
            let at = now + self.chance.below(downtime + SECOND);
            self.agenda.push((at, Deed::Press(desk)));
        }
        Ok(())
    }

    fn trouble_pbx(&mut self) {
        let pbxs = self.world.pbxs.len() as u64;
        if pbxs == 0 {
            return;
        }
        let (pbx, extension) = (self.chance.below(pbxs) as usize, self.chance.below(2));
        let reason = match self.chance.below(20) {
            0..6 => "deactivated",
            6..10 => "timeout",
            10..13 => "probation;retry-after=7",
            13..15 => "giveup;retry-after=12",
            15..17 => "probation",
            17 => "something-new",
            18 => "giveup",
            _ => "rejected",
        };
        let until = self.world.now + self.chance.between(SECOND, 90 * SECOND);
        match self.chance.below(3) {
            0 => {
                self.tally.restarts_of_pbxs += 1;
                self.world.say(|| format!("pbx{pbx} restarts"));
                self.world.at_pbx(pbx, |pbx, _| pbx.restart());
            }
            1 => {
                let slow = match reason {
                    "rejected" => CALM_AFTER_REJECTION,
                    "giveup" | "giveup;retry-after=12" => CALM_AFTER_GIVEUP,
                    _ => CALM,
                };
                self.calm = self.calm.max(slow);
                self.world
                    .at_pbx(pbx, |pbx, now| pbx.end(now, extension as usize, reason));
            }
            _ => self.world.pbxs[pbx].silent_until = until,
        }
    }

    /// The network tells the date, or a dead battery forgets it, or summer ends, or somebody types another year.
    fn step_clock(&mut self, desk: usize) -> Result<(), String> {
        const DATE: u64 = 1_790_000_000_000;
        const HOUR: u64 = 3_600_000;
        const YEARS: u64 = 12 * 8_766 * HOUR;
        let walls = [0, DATE, DATE - HOUR, DATE - YEARS, DATE + YEARS];
        let wall = self.chance.pick(&walls);
        if !self.clocks.walls_step {
            return Ok(());
        }
        let now = self.world.now;
        self.world.with_desk(desk, |desk| desk.step_wall(now, wall))
    }

    fn cut_phone(&mut self) {
        let phones = self.world.phones.len() as u64;
        if phones > 0 {
            let phone = self.chance.below(phones) as usize;
            self.world.phones[phone].cut();
            let back = self.world.now + self.chance.between(SECOND, 200 * SECOND);
            self.agenda.push((back, Deed::PhoneBack(phone)));
        }
    }

    /// No more faults: after a while every lamp and every phone knows the truth, and it stays so.
    fn calm_down(&mut self) -> Result<(), String> {
        self.run_agenda(Moment::MAX)?;
        let began = self.world.now;
        self.world.say(|| "from now on all is calm".to_string());
        self.world.network.clear();
        for pbx in &mut self.world.pbxs {
            pbx.silent_until = 0;
            pbx.manners.busy = 0;
        }
        for phone in &mut self.world.phones {
            phone.habits = Habits::default();
        }
        let end = began + self.calm;
        let knows = |world: &World| world.astray().is_empty();
        self.settle(end, knows)?;
        self.tally.slowest = self.world.now - began;
        // Who knows the truth by chance, its subscription long forgotten, learns of that with its next refresh.
        while self.world.now < began + REFRESHED {
            self.world.attack(true);
            let next = self.world.now + 30 * SECOND;
            self.world.run_to(next.min(began + REFRESHED))?;
        }
        self.settle(end.max(self.world.now + MINUTE), knows)?;
        for desk in 0..self.world.desks.len() {
            self.world.press(desk, |it| it.hook = !it.hook)?;
        }
        // One more press reaches everybody at once, whatever the pace is.
        self.world.run(6 * SECOND)?;
        self.world.judge_all()?;
        self.settle(self.world.now + MINUTE, knows)
    }

    /// Lets time pass until `done`; whoever waits is let in meanwhile.
    fn settle(&mut self, end: Moment, done: impl Fn(&World) -> bool) -> Result<(), String> {
        while self.world.now < end {
            if done(&self.world) {
                return Ok(());
            }
            self.world.approve_everywhere()?;
            if self.chance.permille(100) {
                self.world.attack(true);
            }
            self.world.run_to(end.min(self.world.now + SECOND))?;
        }
        if done(&self.world) {
            return Ok(());
        }
        Err(format!("still astray: {:#?}", self.world.astray()))
    }

    /// All phones fall silent, and one desk after the other goes. What nobody ends expires.
    fn leave(&mut self) -> Result<(), String> {
        for phone in &mut self.world.phones {
            phone.cut();
        }
        if self.chance.coin() {
            self.world.say(|| "all desks but one die".to_string());
            for desk in 1..self.world.desks.len() {
                self.world.cut(desk)?;
            }
            let longest = u64::from(self.world.desks[0].settings.max_expires.0) * SECOND;
            // Its lamp for itself keeps it busy, and is all that stays.
            let own = self.world.own_watches(0);
            let expired = |world: &World| world.desks[0].served() == own;
            let end = self.world.now + longest + 100 * SECOND;
            if !self.world.run_until(end, 5 * SECOND, expired)? {
                let left = self.world.desks[0].served();
                return Err(format!("{left} subscriptions never expire"));
            }
        }
        for desk in 0..self.world.desks.len() {
            self.retire(desk)?;
        }
        // What a desk without power asked for ends with its lifetime.
        self.world.run(350 * SECOND)?;
        match self.world.pbxs.iter().find(|pbx| pbx.served() > 0) {
            Some(pbx) => Err(format!("{} is still subscribed to", pbx.address)),
            None => Ok(()),
        }
    }

    /// A desk stops with all the patience there is: nothing may be left of it.
    fn retire(&mut self, desk: usize) -> Result<(), String> {
        if self.world.desks[desk].agent.is_none() {
            return Ok(());
        }
        self.world.stop(desk, None)?;
        let end = self.world.now + 70 * SECOND;
        let stopped = |world: &World| world.desks[desk].is_stopped();
        if !self.world.run_until(end, SECOND, stopped)? {
            let it = &self.world.desks[desk];
            let (served, watched) = (it.served(), it.watched());
            return Err(format!(
                "desk{desk} can't stop: it serves {served}, watches {watched}"
            ));
        }
        let it = &self.world.desks[desk];
        if it.served() > 0 || it.watched() > 0 {
            return Err(format!("desk{desk} stopped with full tables"));
        }
        // Transactions are kept for Timer J, if nobody asks again meanwhile; then there is nothing to wait for. Who waited
        // in vain is remembered for days.
        let end = self.world.now + 40 * SECOND;
        let quiet = |world: &World| {
            let desk = &world.desks[desk];
            // A rule goes on looking at the clock.
            desk.settings.rules.has_times() || desk.due.is_none_or(|due| due > end + MINUTE)
        };
        let host = self.world.desks[desk].address.ip();
        self.world.network.cut(host, end);
        if !self.world.run_until(end, SECOND, quiet)? {
            let due = self.world.desks[desk].due.map(clock);
            return Err(format!("desk{desk} still waits for something: {due:?}"));
        }
        self.world.cut(desk)
    }

    fn any_desk(&mut self) -> usize {
        self.chance.below(self.world.desks.len() as u64) as usize
    }
}
