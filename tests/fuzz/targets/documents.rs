//! Any bytes as a document of each kind: what one reader takes the others understand, what is composed of published
//! documents fits and is well-formed, and a watcher remembers it without a contradiction.

use super::strict::check;
use lampfield::parts::{Inputs, Memory, Presentity, Published, Reach, Sources, compose, write_as};
use lampfield::wire::doc::{Fault, dialog_info, message_summary, multipart, pidf, rlmi, winfo};
use lampfield::{Input, Instant, Package, Text, Wall, limits};

/// The first byte says what stands around the documents; those that are published are cut at NULs.
pub(crate) fn run(bytes: &[u8]) {
    let Some((&around, bytes)) = bytes.split_first() else {
        return;
    };
    let documents: Vec<&[u8]> = bytes.split(|byte| *byte == 0).collect();
    for document in &documents {
        read(document);
    }
    remember(&documents);
    publish(around, &documents);
}

/// Through every reader.
fn read(document: &[u8]) {
    let presence = pidf::read(document);
    match (&presence, pidf::walk(document, &mut |_| {})) {
        (Ok(_), Ok(())) | (Ok(_), Err(Fault::WrongRoot)) | (Err(_), Err(_)) => {}
        (Ok(_), Err(fault)) => panic!("read, and not walked: {fault:?}"),
        (Err(fault), Ok(())) => panic!("walked, and not read: {fault:?}"),
    }
    let mut shown = 0;
    let head = dialog_info::read(document, &mut |dialog| shown += format!("{dialog:?}").len());
    match head {
        Ok(head) => assert_eq!(dialog_info::read_head(document), Ok(head)),
        Err(_) => assert_eq!(shown, 0, "a dialog of a document that was refused"),
    }
    let mut shown = 0;
    let head = winfo::read(document, &mut |watcher| {
        shown += format!("{watcher:?}").len();
    });
    match head {
        Ok(head) => assert_eq!(winfo::read_head(document), Ok(head)),
        Err(_) => assert_eq!(shown, 0, "a watcher of a document that was refused"),
    }
    let _ = message_summary::read(document);
    read_list(document);
}

/// As a list, and as one of several parts.
fn read_list(document: &[u8]) {
    let mut shown = 0;
    let list = rlmi::read(document, &mut |resource| {
        shown += format!("{resource:?}").len();
    });
    assert!(
        list.is_ok() || shown == 0,
        "a resource of a list that was refused"
    );
    if let Ok(parts) = multipart::read(document, b"b", None) {
        let inside: usize = parts.iter().map(|part| part.body.len()).sum();
        assert!(inside <= document.len(), "more in the parts than there is");
    }
}

/// One after the other, as the notifications of one subscription.
fn remember(documents: &[&[u8]]) {
    for package in Package::ALL {
        let mut memory = Memory::new();
        for document in documents {
            let before = memory.watched();
            let read = (package.spec().read)(&mut memory, document);
            let after = memory.watched();
            assert!(
                read.is_ok() || before == after,
                "{package:?}: a document refused, and believed"
            );
        }
    }
}

/// All published for one presentity.
fn publish(around: u8, documents: &[&[u8]]) {
    let mut says = Vec::new();
    for document in documents.iter().take(limits::PUBLICATIONS_EACH) {
        let fits = document.len() <= limits::PUBLICATION;
        if fits && pidf::walk(document, &mut |_| {}).is_ok() {
            let summary = pidf::read(document).expect("it was walked");
            says.push((*document, Package::Presence, summary));
        } else if fits && dialog_info::read(document, &mut |_| {}).is_ok() {
            says.push((*document, Package::Dialog, pidf::Summary::new()));
        }
    }
    let published: Vec<Published<'_>> = says
        .iter()
        .enumerate()
        .map(|(at, (document, package, says))| Published {
            number: at as u8 + 1,
            package: *package,
            changed: Instant::from_millis(100 - at as u64),
            says,
            document,
        })
        .collect();
    let has = |bit: u8| around >> bit & 1 != 0;
    let mut inputs = Inputs::new();
    inputs.apply(Input::Hook(has(0)));
    inputs.apply(Input::Dnd(has(1)));
    inputs.apply(Input::Idle(has(2)));
    if has(3) {
        let note = "\"".repeat(limits::NOTE);
        inputs.apply(Input::Activity(pidf::Activities::ALL));
        inputs.apply(Input::Note(Text::copied(&note).expect("it fits")));
    }
    let uri = format!("sip:{}@192.0.2.1", "u".repeat(limits::URI - 14));
    let mut presentity = Presentity::new(Text::copied(&uri).expect("it fits"));
    let composed = compose(&Sources {
        inputs: &inputs,
        idle_since: Instant::from_millis(99),
        shows_dnd: true,
        reach: [Reach::Here, Reach::Registered, Reach::Gone][usize::from(around >> 4) % 3],
        device: presentity.device(),
        calls: &[],
        published: &published,
    });
    let wall = Wall::from_unix_millis(1_790_000_000_001);
    presentity.update(wall, composed.presence, &composed.calls);
    let mut buf = [0; limits::BODY];
    let len = write_as(&presentity, &uri, &mut buf).expect("whatever is published fits");
    let text = std::str::from_utf8(&buf[..len]).expect("UTF-8");
    assert_eq!(check(text), Vec::<String>::new(), "{text}");
    let summary = pidf::read(text.as_bytes()).expect("our own document");
    let is_open = summary.basic == Some(pidf::Basic::Open);
    assert!(
        !(inputs.dnd && is_open),
        "open, and not to be disturbed: {text}"
    );
}
