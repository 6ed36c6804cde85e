//! What streams inside TLS need beside what all do: who the peer is has to be known first.

use std::string::String;
use std::vec::Vec;

use log::{debug, warn};

use super::connection::{Connection, State};
use super::{Event, Streams};
use crate::ground::time::Instant;
use crate::shell::tls::Tls;
use crate::wire::flow::{End, Flow, Mistrust};

impl Streams {
    /// Others are believed from now on, and we show another certificate; connections that are there stay.
    pub fn set_tls(&mut self, tls: Tls) {
        self.tls = tls;
    }

    /// Whether the peer of a connection is all of `names`, where that is inside TLS; if not the connection ends.
    pub fn confirm<'a>(
        &mut self,
        now: Instant,
        flow: &Flow,
        names: impl Iterator<Item = &'a str>,
    ) -> bool {
        // One that is gone by now says so by itself.
        let Some(place) = self.place_of(flow.connection) else {
            return true;
        };
        let is = self.at(place).is_none_or(|it| it.expect(names));
        if !is {
            self.end(now, place, End::Untrusted(Mistrust::Name), "another name");
        }
        is
    }

    /// The number of the connection at `place` and whom its peer speaks for, if it has just shown a certificate by one of
    /// our authorities: then it is no stranger.
    pub fn take_names(&mut self, now: Instant, place: u16) -> Option<(u32, Vec<String>)> {
        let connection = self.at(place)?;
        let names = connection.take_names();
        if names.is_empty() {
            return None;
        }
        connection.judge(now, true);
        Some((connection.flow.connection, names))
    }

    /// Goes on with the handshake, if there still is one.
    pub(super) fn shake(&mut self, now: Instant, place: u16) {
        self.flush_place(now, place);
        let Some(connection) = self.at(place) else {
            return;
        };
        let was_shaking = matches!(connection.state, State::Shaking { .. });
        if was_shaking && connection.look_whether_known() {
            let flow = connection.flow;
            if connection.is_resumed() {
                debug!("tls with {}: goes on with an earlier session", flow.remote);
            }
            self.events.push_back(Event::Connected(flow));
        }
    }

    /// TLS came to nothing. About servers of ours the log says so; who comes to us is not our business.
    pub(super) fn note_untrusted(&mut self, now: Instant, connection: &Connection, why: Mistrust) {
        let (remote, says) = (connection.flow.remote, why.why());
        if !connection.whose.is_ours() {
            debug!("no tls with {remote}: {says}");
        } else if let Some(kept_back) = self.limiter.admit(now) {
            warn!("no tls with {remote}: {says}");
            warn!("remedy: {}", why.remedy());
            if kept_back > 0 {
                warn!("({kept_back} lines kept back before)");
            }
        }
    }
}
