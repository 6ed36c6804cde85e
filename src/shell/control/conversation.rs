//! One caller: its requests, each with its answer, until it goes.

use std::cell::RefCell;

use smol::io::{AsyncRead, AsyncWrite};

use super::http::{Http, HttpError, PATIENCE};
use super::place::Place;
use super::rights::Rights;
use super::{router, views};
use crate::shell::hub::Hub;

/// Answers one request after the other, for a caller who has these rights and that place.
///
/// # Errors
/// The stream's, and a peer that is too slow.
pub async fn converse<S>(
    stream: S,
    hub: &RefCell<Hub>,
    rights: Rights,
    place: &Place,
) -> Result<(), HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut http = Http::new(stream, PATIENCE);
    loop {
        let more = match take_request(&mut http, hub, rights, place).await {
            Ok(more) => more,
            Err(HttpError::Refused(status, text)) => return refuse(&mut http, status, text).await,
            Err(error) => return Err(error),
        };
        if !more {
            return Ok(());
        }
    }
}

/// Sends a caller away for whom there is no place.
///
/// # Errors
/// The stream's, and a peer that is too slow.
pub(super) async fn send_away<S>(stream: S) -> Result<(), HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut http = Http::new(stream, PATIENCE);
    refuse(&mut http, 503, "too many connections").await
}

/// Answers the next request; says whether another one may follow.
async fn take_request<S>(
    http: &mut Http<S>,
    hub: &RefCell<Hub>,
    rights: Rights,
    place: &Place,
) -> Result<bool, HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    place.rest();
    if !http.read_head().await? {
        return Ok(false);
    }
    place.ask();
    router::handle(http, hub, rights, place).await?;
    http.finish().await
}

async fn refuse<S>(http: &mut Http<S>, status: u16, text: &str) -> Result<(), HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let body = views::error(text);
    http.refuse(status, views::MEDIA_TYPE, &body).await
}
