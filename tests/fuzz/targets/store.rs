//! The state store as it is found on the disk: read or set aside, and sound from then on. What is in it goes to an agent.

use super::engine::desk;
use lampfield::parts::{Batch, Medium, Opened, Store};
use lampfield::{Key, RECORD};
use std::collections::BTreeMap;
use std::io;

/// Records that the store has room for.
const MOST: usize = 64;

/// What becomes of it in the store's life.
#[derive(Clone, Default)]
struct Disk {
    file: Option<Vec<u8>>,
    new: Vec<u8>,
    aside: usize,
}

impl Medium for Disk {
    fn load(&mut self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.file.clone())
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<()> {
        let file = self.file.as_deref().unwrap_or_default();
        let from = usize::try_from(at).map_err(io::Error::other)?;
        let bytes = file.get(from..).and_then(|rest| rest.get(..buf.len()));
        buf.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let file = self.file.get_or_insert_default();
        let from = usize::try_from(at).map_err(io::Error::other)?;
        file.resize(file.len().max(from + bytes.len()), 0);
        file[from..from + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn write_new(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.new = bytes.to_vec();
        Ok(())
    }

    fn sync_new(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn adopt_new(&mut self) -> io::Result<()> {
        self.file = Some(std::mem::take(&mut self.new));
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn set_aside(&mut self) -> io::Result<()> {
        self.file = None;
        self.aside += 1;
        Ok(())
    }
}

/// An odd first byte: the file as it is. An even one: entries, each with its length before it, which are put into a store
/// of ours, so that the records themselves are bent and not only their frame.
pub(crate) fn run(bytes: &[u8]) {
    let Some((&kind, bytes)) = bytes.split_first() else {
        return;
    };
    let file = match kind & 1 {
        1 => bytes.to_vec(),
        _ => filled(bytes),
    };
    let disk = Disk {
        file: Some(file),
        ..Disk::default()
    };
    let (mut store, opened) = Store::open(disk, 7, MOST).expect("the disk is sound");
    assert_eq!(
        matches!(opened, Opened::SetAside(_)),
        store.medium().aside == 1
    );
    let found = records(&store);
    for (name, value) in &found {
        restore(name, value);
    }
    let mut batch = Batch::new();
    batch.put("fuzz", Some(b"written")).expect("it fits");
    let is_written = store.commit(&batch).is_ok();
    let disk = store.medium().clone();
    let (again, opened) = Store::open(disk, 8, MOST).expect("the disk is sound");
    // A torn end waits for the next commit; nothing else is left that is not whole.
    assert!(
        opened == Opened::Whole || (!is_written && opened == Opened::Torn),
        "{opened:?}"
    );
    let mut expected = found;
    if is_written {
        expected.insert("fuzz".to_string(), b"written".to_vec());
    }
    assert_eq!(records(&again), expected, "what was there is there");
}

fn records(store: &Store<Disk>) -> BTreeMap<String, Vec<u8>> {
    let mut records = BTreeMap::new();
    store.each(&mut |name, value| {
        records.insert(name.to_string(), value.to_vec());
    });
    records
}

/// A store of ours with these records: a letter of the name, two bytes for the length, the value.
fn filled(mut bytes: &[u8]) -> Vec<u8> {
    let (mut store, _) = Store::open(Disk::default(), 7, MOST).expect("the disk is sound");
    let mut batch = Batch::new();
    while let [kind, len, rest @ ..] = bytes {
        let (value, behind) = rest.split_at(usize::from(*len).min(rest.len()));
        let name = NAMES[usize::from(*kind) % NAMES.len()];
        if batch.put(name, Some(value)).is_err() || store.commit(&batch).is_err() {
            break;
        }
        batch.clear();
        bytes = behind;
    }
    store.medium().file.clone().unwrap_or_default()
}

/// Names of records, one of each kind, and some that are none.
const NAMES: [&str; 9] = [
    "id", "dec", "desk/0", "up/0", "sub/0", "sub/1", "reg/0", "pub/0", "other",
];

/// An agent takes a record or leaves it.
fn restore(name: &str, value: &[u8]) {
    let Some(key) = Key::named(name) else {
        return;
    };
    let (mut agent, moment) = desk();
    if agent.restore(moment, key, value) {
        let mut buf = [0; RECORD];
        agent.keep();
        agent.begin_save(moment.now);
        while agent.next_record(moment, &mut buf).is_some() {}
    }
}
