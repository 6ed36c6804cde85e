//! What real servers send (one body for each dialect under `tests/bodies`), and what we write, read back.

mod dialogs;
mod presence;
mod winfo;
mod write;

use lampfield::wire::doc::{Fault, dialog_info, pidf, winfo as watcher_info};

/// A body of `tests/bodies`.
macro_rules! body {
    ($name:literal) => {
        include_bytes!(concat!("../bodies/", $name, ".xml")).as_slice()
    };
}

pub(crate) use body;

#[test]
fn a_truncated_document_is_never_used() /* G04 */
{
    for body in all_bodies() {
        let whole = body.trim_ascii_end();
        for len in 0..whole.len() {
            let cut = &whole[..len];
            assert!(pidf::read(cut).is_err(), "{}", String::from_utf8_lossy(cut));
            let none = &mut |_: &pidf::Element<'_>| panic!("a part of half a document");
            assert!(pidf::walk(cut, none).is_err());
            let none = &mut |_: &dialog_info::Dialog<'_>| panic!("a dialog of half a document");
            assert!(dialog_info::read(cut, none).is_err());
            let none = &mut |_: &watcher_info::Watcher<'_>| panic!("half a watcher");
            assert!(watcher_info::read(cut, none).is_err());
        }
    }
}

#[test]
fn another_root_is_refused() /* G11 */
{
    for (name, body, ..) in dialogs::BODIES {
        assert_eq!(pidf::read(body), Err(Fault::WrongRoot), "{name}");
    }
    for (name, body) in winfo::BODIES {
        assert_eq!(pidf::read(body), Err(Fault::WrongRoot), "{name}");
        let read = dialog_info::read(body, &mut |_| panic!("a dialog in a list of watchers"));
        assert_eq!(read.map(|_| ()), Err(Fault::WrongRoot), "{name}");
    }
    for (name, body, ..) in presence::BODIES {
        let read = watcher_info::read(body, &mut |_| panic!("a watcher in a PIDF"));
        assert_eq!(read, Err(Fault::WrongRoot), "{name}");
        let read = dialog_info::read(body, &mut |_| panic!("a dialog in a PIDF"));
        assert_eq!(read.map(|_| ()), Err(Fault::WrongRoot), "{name}");
    }
}

fn all_bodies() -> impl Iterator<Item = &'static [u8]> {
    let presence = presence::BODIES.into_iter().map(|(_, body, ..)| body);
    let more = [body!("pidf_grandstream_publish"), body!("dialog_bare")];
    let dialogs = dialogs::BODIES.into_iter().map(|(_, body, ..)| body);
    let watchers = winfo::BODIES.into_iter().map(|(_, body)| body);
    presence.chain(dialogs).chain(watchers).chain(more)
}
