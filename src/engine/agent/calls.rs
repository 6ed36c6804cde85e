//! Calls of which local sources tell.

use super::Agent;
use crate::ground::time::Moment;
use crate::users::compose::{Fact, NoRoom, Source};

impl Agent {
    /// A local source says something of a call of the presentity with that number in the settings; of another number it
    /// means nothing.
    ///
    /// # Errors
    /// There is no room for one more call: it is not told.
    pub fn handle_call(
        &mut self,
        moment: Moment,
        presentity: usize,
        fact: &Fact<'_>,
    ) -> Result<(), NoRoom> {
        let Some(&id) = self.presentities.get(presentity) else {
            return Ok(());
        };
        self.calls.tell(moment.now, id, fact)?;
        self.compose(moment, id);
        self.calls.forget_over(id);
        Ok(())
    }

    /// All calls are over that a local source has told of: those of one presentity, or of everybody where it is not heard
    /// any more.
    pub fn end_calls(&mut self, moment: Moment, source: Source, presentity: Option<usize>) {
        let id = presentity.and_then(|it| self.presentities.get(it).copied());
        if presentity.is_some() && id.is_none() {
            return;
        }
        self.calls.end(source, id);
        self.hear_calls(moment);
    }

    /// Composes anew whomever a call of is over.
    pub(super) fn hear_calls(&mut self, moment: Moment) {
        while let Some(id) = self.calls.next_over() {
            self.compose(moment, id);
            self.calls.forget_over(id);
        }
    }
}
