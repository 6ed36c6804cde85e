//! `GET /lamps?follow=1`: a line for each lamp, then one for each that changes, without end.
//!
//! Nothing is rendered but lamps that changed, and nobody is woken but for one.

use std::cell::RefCell;
use std::vec::Vec;

use embedded_svc::http::server::asynch::Connection;
use embedded_svc::io::asynch::Read;
use smol::future::or;

use super::views::{self, Lamp, Now};
use crate::engine::agent::status::LampStatus;
use crate::engine::agent::{Agent, Description, Subject};
use crate::ground::limits;
use crate::shell::changes::Follower;
use crate::shell::clock;
use crate::shell::hub::Hub;

/// Tells how the lamps are and what changes, until the follower goes.
///
/// # Errors
/// The connection's.
pub async fn follow<C: Connection>(connection: &mut C, hub: &RefCell<Hub>) -> Result<(), C::Error> {
    let rows = [
        ("Content-Type", "application/x-ndjson"),
        ("Cache-Control", "no-store"),
    ];
    connection.initiate_response(200, None, &rows).await?;
    let follower = hub.borrow_mut().changes.follow(is_lamp);
    let mut shown = Vec::new();
    shown.resize_with(limits::LAMPS, || None);
    for number in 0..limits::LAMPS as u16 {
        tell(connection, hub, &mut shown, Subject::Lamp(number)).await?;
    }
    loop {
        connection.flush().await?;
        if !wait(connection, &follower).await? {
            return Ok(());
        }
        while let Some(subject) = follower.take() {
            tell(connection, hub, &mut shown, subject).await?;
        }
    }
}

/// A line for a lamp, unless it shows what was told last: what came and went between two turns is no news.
async fn tell<C: Connection>(
    connection: &mut C,
    hub: &RefCell<Hub>,
    shown: &mut [Option<Lamp>],
    subject: Subject,
) -> Result<(), C::Error> {
    let Some(number) = number(subject) else {
        return Ok(());
    };
    let now = lamp(hub.borrow().agent, subject).map(|lamp| Lamp::new(&lamp, Now::read()));
    let old = &mut shown[number];
    let is_news = match (&*old, &now) {
        (Some(old), Some(new)) => !old.shows_the_same(new),
        (None, Some(_)) => true,
        // It is gone with its settings.
        (_, None) => false,
    };
    *old = now;
    match old {
        Some(lamp) if is_news => connection.write_all(views::to_json(lamp).as_bytes()).await,
        Some(_) | None => Ok(()),
    }
}

fn lamp(agent: &Agent, subject: Subject) -> Option<LampStatus<'_>> {
    match agent.describe(clock::now(), subject)? {
        Description::Lamp(lamp) => Some(lamp),
        Description::Presentity(_)
        | Description::Watcher(_)
        | Description::Account(_)
        | Description::Publication(_)
        | Description::Registration(_) => None,
    }
}

fn is_lamp(subject: Subject) -> bool {
    number(subject).is_some()
}

/// The number of a lamp.
fn number(subject: Subject) -> Option<usize> {
    match subject {
        Subject::Lamp(number) => Some(number.into()),
        Subject::Presentity(_)
        | Subject::Watcher(_)
        | Subject::Account(_)
        | Subject::Publication(_)
        | Subject::Registration(_) => None,
    }
}

/// Waits for something new; `false`: the follower has gone.
async fn wait<C: Connection>(connection: &mut C, follower: &Follower) -> Result<bool, C::Error> {
    let raw = connection.raw_connection()?;
    let change = async {
        follower.wait().await;
        true
    };
    let gone = async {
        let mut ignored = [0; 64];
        while raw.read(&mut ignored).await.is_ok_and(|length| length > 0) {}
        false
    };
    Ok(or(change, gone).await)
}
