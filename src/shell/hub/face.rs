//! The panel's side of the loop: buttons in, and what buttons and lamps do beside what the agent does.

use super::Hub;
use crate::engine::agent::{Description, Subject};
use crate::engine::config::{Gesture, is_same};
use crate::events::watched::Watched;
use crate::ground::time::Instant;
use crate::shell::clock;
use crate::shell::panel::{Event, Panel, Touch, Untouchable};

impl Hub {
    /// Something happened to the panel; tells the agent of it.
    pub fn change_panel<R>(&mut self, how: impl FnOnce(&mut Panel, Instant) -> R) -> R {
        let result = how(&mut self.panel, clock::now());
        while let Some(event) = self.panel.take_event() {
            self.pass(event);
        }
        result
    }

    /// Moves a button of the simulated panel.
    ///
    /// # Errors
    /// Why it can't be moved, or that nothing comes of it.
    pub fn touch(
        &mut self,
        how: impl FnOnce(&mut Panel, Instant) -> Result<(), Untouchable>,
    ) -> Result<(), Untouchable> {
        how(&mut self.panel, clock::now())?;
        // The first edge is the one that was asked for; a momentary button comes up behind it.
        let first = self.panel.take_event();
        first.into_iter().for_each(|event| self.pass(event));
        let chatters = match first {
            Some(Event::Edge(touch)) => self.agent.button_chatters(touch.button),
            Some(Event::Position(_) | Event::Health(_)) | None => false,
        };
        self.change_panel(|_, _| ());
        if chatters {
            return Err(Untouchable::Chatters);
        }
        Ok(())
    }

    /// Tests the lamps: lights every element alone for a second, then what was to be shown.
    pub fn test_lamps(&mut self) {
        self.change_panel(Panel::test);
    }

    fn pass(&mut self, event: Event) {
        match event {
            Event::Edge(Touch { button, pressed }) => self.change(|agent, moment| {
                agent.handle_button(moment, button, pressed);
            }),
            Event::Position(Touch { button, pressed }) => self.change(|agent, moment| {
                agent.handle_position(moment, button, pressed);
            }),
            Event::Health(healthy) => {
                self.change(|agent, moment| agent.handle_panel(moment, healthy));
            }
        }
    }

    /// A button does more than the agent.
    pub(super) fn do_more(&mut self, now: Instant, button: u16, gesture: Gesture) {
        let settings = self.agent.settings().buttons.get(usize::from(button));
        let name = settings.map_or("", |it| it.name.as_str());
        self.runner.press(button, name, gesture);
        let is_press = matches!(gesture, Gesture::Press | Gesture::Down);
        let dial = self
            .runner
            .commands()
            .dialled_by(button)
            .filter(|_| is_press);
        let Some(dial) = dial.cloned() else {
            return;
        };
        let order = dial.order(self.rings(&dial.uri));
        if let Some(at) = self.runner.dial(button, name, gesture, order) {
            self.tell_phone(now, at, order);
        }
    }

    /// Whether a lamp that watches this address shows a call that rings.
    fn rings(&self, uri: &str) -> bool {
        let mut lamps = self.agent.lamps();
        lamps.any(|it| {
            let is_there = it.whom.is_some_and(|whom| is_same(whom, uri));
            is_there && it.state == Some(Watched::Ringing)
        })
    }

    /// A lamp changed: its command may be told.
    pub(super) fn show_command(&mut self, now: Instant, lamp: u16) {
        if self.runner.commands().of_lamp(lamp).is_none() {
            return;
        }
        let described = self.agent.describe(now, Subject::Lamp(lamp));
        if let Some(Description::Lamp(status)) = described {
            self.runner.show(lamp, &status);
        }
    }
}
