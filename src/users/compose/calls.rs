//! The calls of a presentity, gathered from all who tell of them.

use super::{Published, Sources};
use crate::events::package::{Package, dialog};
use crate::events::presentity::Call;
use crate::ground::limits::{CALLS, URI};
use crate::wire::doc::dialog_info;
use heapless::Vec;

/// The calls that there are, and those that are told to be over.
pub(super) fn gather(from: &Sources<'_>) -> Vec<Call, CALLS> {
    let mut calls = Vec::new();
    for call in from.calls {
        add(&mut calls, call.clone());
    }
    for published in from.published {
        if published.package == Package::Dialog {
            add_published(&mut calls, published);
        }
    }
    calls
}

fn add_published(calls: &mut Vec<Call, CALLS>, published: &Published<'_>) {
    // It was read when it came.
    let Ok(head) = dialog_info::read_head(published.document) else {
        return;
    };
    let entity = head.entity.map(|it| it.cut::<URI>()).unwrap_or_default();
    let _ = dialog_info::read(published.document, &mut |it| {
        if let Some(call) = dialog::call(it, &entity, published.number) {
            add(calls, call);
        }
    });
}

fn add(calls: &mut Vec<Call, CALLS>, call: Call) {
    let known = calls.iter_mut().find(|it| it.key == call.key);
    if let Some(known) = known {
        if known.rank() < call.rank() {
            *known = call;
        }
        return;
    }
    if let Err(call) = calls.push(call)
        && let Some(least) = calls.iter_mut().min_by_key(|it| it.rank())
        && least.rank() < call.rank()
    {
        *least = call;
    }
}
