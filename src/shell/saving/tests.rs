//! Records on real disks, and on one that only lets itself be read.

use super::*;
use crate::engine::config::Settings;
use crate::ground::limits;
use crate::users::compose::Input;
use embedded_svc::storage::RawStorage;
use std::fs;

fn folder(test: &str) -> PathBuf {
    let name = format!("lampfield-saving-{}-{test}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let _ = fs::remove_dir_all(&path); // There is none, unless a test was cut off.
    path
}

fn names(folder: &Path) -> Vec<String> {
    let folder = Folder::take(folder).expect("it is free");
    let (store, _) = Store::open(folder, 7, RECORDS).expect("opened");
    let mut names = Vec::new();
    store.each(&mut |name, _| names.push(name.to_string()));
    names
}

fn fill_with(store: &mut Store<Folder>, keys: &[Key]) {
    let mut batch = Batch::new();
    for key in keys {
        batch.put(&key.name(), Some(b"x")).expect("it fits");
        if !batch.has_room() {
            store.commit(&batch).expect("written");
            batch.clear();
        }
    }
    store.commit(&batch).expect("written");
}

#[test]
fn every_record_of_full_tables_has_a_place_in_the_store() {
    let path = folder("full");
    let places = [
        limits::PRESENTITIES,
        limits::SUBSCRIPTIONS,
        limits::BINDINGS,
        limits::PUBLICATIONS,
        limits::UPSTREAMS,
    ];
    let kinds = [
        Key::Desk,
        Key::Subscription,
        Key::Binding,
        Key::Publication,
        Key::Upstream,
    ];
    let mut keys = Vec::from([Key::Identity, Key::Decisions]);
    for (places, kind) in places.into_iter().zip(kinds) {
        keys.extend((0..places as u16).map(kind));
        assert!(!kind(places as u16).has_place());
    }
    assert!(keys.iter().all(|key| key.has_place()));
    let folder = Folder::take(&path).expect("a folder");
    let (mut store, _) = Store::open(folder, 7, RECORDS).expect("opened");
    fill_with(&mut store, &keys);
    store.set_raw("boot", b"x").expect("room for all of them");
    drop(store);
    assert_eq!(names(&path).len(), keys.len() + 1);
    let _ = fs::remove_dir_all(&path); // The system clears its temporary files too.
}

/// They would fill the store for ever, and nothing new could be kept.
#[test]
fn what_larger_tables_left_makes_way() {
    let path = folder("larger");
    let folder = Folder::take(&path).expect("a folder");
    let (mut store, _) = Store::open(folder, 7, 3 * RECORDS).expect("opened");
    let slots = 0..2 * RECORDS as u16;
    fill_with(
        &mut store,
        &slots.map(Key::Subscription).collect::<Vec<_>>(),
    );
    drop(store);
    let mut agent = Box::new(Agent::new());
    let mut settings = Box::new(Settings::new());
    settings.restore_demo(None);
    agent.start(clock::moment(), &settings, [1, 2], &[]);
    let saving = Saving::begin(&mut agent, &path, 7, Waker::noop().clone());
    drop(saving.expect("it is ours").expect("the disk works"));
    let names = names(&path);
    assert!(names.len() < RECORDS, "{}", names.len());
    assert!(names.iter().any(|name| name == "id"), "{names:?}");
    let _ = fs::remove_dir_all(&path); // The system clears its temporary files too.
}

/// A disk that can be read, as the root of a device that was mounted read-only.
struct ReadOnly(Folder);

fn refused<T>() -> io::Result<T> {
    Err(ErrorKind::ReadOnlyFilesystem.into())
}

impl Medium for ReadOnly {
    fn load(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.0.load()
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<()> {
        self.0.read_at(at, buf)
    }

    fn write_at(&mut self, _: u64, _: &[u8]) -> io::Result<()> {
        refused()
    }

    fn sync(&mut self) -> io::Result<()> {
        refused()
    }

    fn write_new(&mut self, _: &[u8]) -> io::Result<()> {
        refused()
    }

    fn sync_new(&mut self) -> io::Result<()> {
        refused()
    }

    fn adopt_new(&mut self) -> io::Result<()> {
        refused()
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        refused()
    }

    fn set_aside(&mut self) -> io::Result<()> {
        refused()
    }
}

#[inline(never)]
fn fresh_agent() -> Box<Agent> {
    let mut agent = Box::new(Agent::new());
    let mut settings = Box::new(Settings::new());
    settings.restore_demo(None);
    agent.start(clock::moment(), &settings, [1, 2], &[]);
    agent
}

#[test]
fn what_uses_no_numbers_comes_back_from_a_disk_that_cannot_be_written() /* ATTACKS J04 */
{
    let path = folder("still");
    let mut agent = fresh_agent();
    let waker = || Waker::noop().clone();
    let saving = Saving::begin(&mut agent, &path, 7, waker());
    let mut saving = saving.expect("it is ours").expect("the disk works");
    agent.handle_input(clock::moment(), 0, Input::Dnd(true));
    saving.end(&mut agent);
    drop(saving);
    let folder = Folder::take(&path).expect("it is free");
    let (mut store, opened) = Store::open(ReadOnly(folder), 7, RECORDS).expect("it is read");
    assert_eq!(opened, Opened::Whole);
    let mut agent = fresh_agent();
    let error = restore(&mut agent, &mut store).expect_err("nothing is written");
    assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
    assert!(restore_settled(&mut agent, &store) >= 2);
    let desk = agent.presentities().next().expect("one");
    assert!(desk.inputs.dnd);
    drop(store);
    let _ = fs::remove_dir_all(&path); // The system clears its temporary files too.
}
