//! Half a million documents that nobody would send, through every document reader. `LAMPFIELD_SEED` runs
//! another half million.
//!
//! A reader must not panic, whatever comes; and what it accepts must hold together: both readers of PIDF agree,
//! and a part that is carried over is well-formed in its new place.

use lampfield::wire::doc::Fault;
use lampfield::wire::doc::dialog_info;
use lampfield::wire::doc::pidf;
use lampfield::wire::doc::winfo;

const DOCUMENTS: u32 = 500_000;

/// Pieces that have a meaning somewhere in XML or in our documents.
const PIECES: &[&[u8]] = &[
    b"<",
    b">",
    b"/>",
    b"</",
    b"&",
    b";",
    b"\"",
    b"'",
    b"=",
    b":",
    b" ",
    b"\0",
    b"\xFF",
    b"\xE9",
    b"]]>",
    b"<![CDATA[",
    b"<!--",
    b"-->",
    b"<?",
    b"?>",
    b"<?xml version='1.0'?>",
    b"<!DOCTYPE presence [",
    b"&amp;",
    b"&#0;",
    b"&#65;",
    b"&#x10FFFF;",
    b"\xEF\xBB\xBF",
    b"\xF4\x8F\xBF\xBF",
    b" xmlns=''",
    b" xmlns:dm='x'",
    b" a='' a=''",
    b" mustUnderstand='1'",
    b"<basic>",
    b"</basic>",
    b"<tuple>",
    b"</tuple>",
    b"<status>",
    b"</status>",
    b"<dialog>",
    b"</dialog>",
    b"<state>early</state>",
    b"<watcher-list>",
    b"</watcher-list>",
    b"<watcher status='pending'>",
    b"</watcher>",
    b"<x:y/>",
    b"open",
    b"closed",
    b"encoding='ISO-8859-1'",
    b"4294967296",
];

/// xorshift64: the same documents for the same seed everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % (end.max(1) as u64)) as usize
    }

    fn range(&mut self, end: usize) -> std::ops::Range<usize> {
        let start = self.below(end + 1);
        start..start + self.below((end - start).min(64) + 1)
    }
}

/// Changes `document` in one to four places, mostly one.
fn mutate(dice: &mut Dice, document: &mut Vec<u8>, others: &[Vec<u8>]) {
    let most = dice.below(4);
    for _ in 0..=dice.below(most + 1) {
        let at = dice.below(document.len() + 1);
        match dice.below(12) {
            0 if at < document.len() => document[at] ^= 1 << dice.below(8),
            1 if at < document.len() => document[at] = dice.below(256) as u8,
            2 => document.truncate(at),
            3 => drop(document.drain(dice.range(document.len()))),
            4 => {
                let slice = document[dice.range(document.len())].to_vec();
                document.splice(at..at, slice);
            }
            5 => {
                let other = &others[dice.below(others.len())];
                let slice = other[dice.range(other.len())].to_vec();
                document.splice(at..at, slice);
            }
            6..=8 => {
                // A letter more or another one hardly ever breaks the markup: these get deep.
                let letter = b'a' + dice.below(26) as u8;
                let end = (at + dice.below(2)).min(document.len());
                document.splice(at..end, [letter]);
            }
            _ => {
                let piece = PIECES[dice.below(PIECES.len())];
                let over = if dice.below(2) == 0 { 0 } else { piece.len() };
                let end = (at + over).min(document.len());
                document.splice(at..end, piece.iter().copied());
            }
        }
    }
}

/// How many documents the readers took.
#[derive(Default)]
struct Taken {
    presence: u32,
    dialogs: u32,
    watchers: u32,
    parts: u32,
}

fn read_all(document: &[u8], taken: &mut Taken) {
    let read = pidf::read(document);
    let mut parts = Vec::new();
    let walked = pidf::walk(document, &mut |element| {
        let mut buf = [0; 8_192];
        if let Ok(len) = element.copy_to(&mut buf) {
            parts.push(buf[..len].to_vec());
        }
    });
    match (&read, walked) {
        (Ok(_), Ok(())) => taken.presence += 1,
        (Ok(summary), Err(fault)) => {
            assert_eq!(fault, Fault::WrongRoot);
            assert_eq!(summary.note, "", "xpidf has no notes");
        }
        (Err(read), Err(walked)) => assert!(*read == walked || walked == Fault::WrongRoot),
        (Err(fault), Ok(())) => panic!("walked what cannot be read: {fault:?}"),
    }
    for part in parts {
        let root = b"<presence xmlns='urn:ietf:params:xml:ns:pidf'>".as_slice();
        let carried = [root, &part, b"</presence>"].concat();
        assert!(
            pidf::read(&carried).is_ok(),
            "{}",
            String::from_utf8_lossy(&carried)
        );
        taken.parts += 1;
    }
    let mut dialogs = 0;
    let head = dialog_info::read(document, &mut |dialog| {
        dialogs += std::hint::black_box(format!("{dialog:?}")).len();
    });
    match head {
        Ok(head) => {
            taken.dialogs += 1;
            let early = dialog_info::read_head(document).expect("read as a whole");
            assert_eq!((early.version, early.extent), (head.version, head.extent));
        }
        Err(_) => assert_eq!(dialogs, 0, "a dialog of a document that was refused"),
    }
    let mut watchers = 0;
    let head = winfo::read(document, &mut |watcher| {
        watchers += std::hint::black_box(format!("{watcher:?}")).len();
    });
    match head {
        Ok(_) => {
            taken.watchers += 1;
            assert_eq!(winfo::read_head(document), head, "read as a whole");
        }
        Err(_) => assert_eq!(watchers, 0, "a watcher of a document that was refused"),
    }
}

#[test]
fn no_document_breaks_a_reader() /* D01 W09 G01 G02 G03 G04 G09 G11 */
{
    let seed = std::env::var("LAMPFIELD_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(0x1A3F_1E1D_u64).max(1);
    println!("LAMPFIELD_SEED={seed}");
    let bodies = bodies();
    let mut dice = Dice(seed);
    let mut taken = Taken::default();
    for _ in 0..DOCUMENTS {
        let mut document = bodies[dice.below(bodies.len())].clone();
        mutate(&mut dice, &mut document, &bodies);
        read_all(&document, &mut taken);
    }
    // A mutator whose documents are all refused at once would prove nothing.
    let Taken {
        presence,
        dialogs,
        watchers,
        parts,
    } = taken;
    println!(
        "taken: {presence} presence documents with {parts} parts, {dialogs} of dialogs, {watchers} of watchers"
    );
    assert!(presence > DOCUMENTS / 30 && dialogs > DOCUMENTS / 30 && parts > presence);
    assert!(watchers > DOCUMENTS / 100);
}

/// All sample bodies.
fn bodies() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bodies");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("tests/bodies")
        .map(|entry| entry.expect("a file of tests/bodies").path())
        .collect();
    // The seed means the same documents only in the same order.
    paths.sort();
    assert!(paths.len() >= 20);
    let read = |path| std::fs::read(path).expect("a body");
    paths.iter().map(read).collect()
}
