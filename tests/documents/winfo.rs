//! Watcher information, read and written (RFC 3858).

use crate::body;
use lampfield::Seconds;
use lampfield::wire::WriteError;
use lampfield::wire::doc::Fault;
use lampfield::wire::doc::winfo::{self, Draft, Entry, Event, Extent, Head, Rendered, Status};

/// A watcher as plain values.
#[derive(Clone, Debug, Default, PartialEq)]
struct Row {
    resource: Option<String>,
    package: Option<String>,
    id: Option<String>,
    status: Option<Status>,
    event: Option<Event>,
    display: Option<String>,
    expiration: Option<u32>,
    subscribed: Option<u32>,
    uri: Option<String>,
}

fn rows(body: &[u8]) -> Result<(Head<'_>, Vec<Row>), Fault> {
    let mut rows = Vec::new();
    let owned = |text: Option<lampfield::wire::doc::XmlText<'_>>| text.map(|text| text.to_string());
    let head = winfo::read(body, &mut |watcher| {
        rows.push(Row {
            resource: owned(watcher.resource),
            package: owned(watcher.package),
            id: owned(watcher.id),
            status: watcher.status,
            event: watcher.event,
            display: owned(watcher.display),
            expiration: watcher.expiration,
            subscribed: watcher.subscribed,
            uri: owned(watcher.uri),
        });
    })?;
    assert_eq!(winfo::read_head(body), Ok(head));
    Ok((head, rows))
}

pub(crate) const BODIES: [(&str, &[u8]); 2] = [
    ("RFC 3858 §5", body!("winfo_full")),
    ("prefixes and strangers", body!("winfo_partial")),
];

#[test]
fn the_example_of_the_rfc_is_read() /* W03 W09 */
{
    let (head, rows) = rows(BODIES[0].1).expect("a good document");
    assert_eq!((head.version, head.extent), (Some(0), Extent::Full));
    let text = |text: &str| Some(text.to_string());
    let professor = Row {
        resource: text("sip:professor@example.net"),
        package: text("presence"),
        ..Row::default()
    };
    let expected = [
        Row {
            id: text("8ajksjda7s"),
            status: Some(Status::Active),
            event: Some(Event::Approved),
            subscribed: Some(509),
            uri: text("sip:userA@example.net"),
            ..professor.clone()
        },
        Row {
            id: text("hh8juja87s997-ass7"),
            status: Some(Status::Pending),
            event: Some(Event::Subscribe),
            display: text("Mr. Subscriber"),
            uri: text("sip:userB@example.org"),
            ..professor
        },
    ];
    assert_eq!(rows, expected);
}

#[test]
fn unknown_namespaces_are_ignored() /* W09 */
{
    let (head, rows) = rows(BODIES[1].1).expect("a good document");
    assert_eq!((head.version, head.extent), (Some(7), Extent::Partial));
    let [row] = &rows[..] else {
        panic!("one: {rows:?}")
    };
    assert_eq!(row.resource.as_deref(), Some("sip:a&b@example.net"));
    assert_eq!(row.status, Some(Status::Waiting));
    assert_eq!(row.event, Some(Event::Timeout));
    assert_eq!(row.expiration, Some(86_400));
}

#[test]
fn what_is_left_out_is_none_and_full_is_the_rule() /* W09 */
{
    let ns = "xmlns='urn:ietf:params:xml:ns:watcherinfo'";
    let body = format!(
        "<watcherinfo {ns}><watcher-list><watcher status='x'/></watcher-list></watcherinfo>"
    );
    let (head, found) = rows(body.as_bytes()).expect("a good document");
    assert_eq!((head.version, head.extent), (None, Extent::Full));
    assert_eq!(found, [Row::default()]);
    for (root, fault) in [
        ("<watcherinfo/>".to_string(), Fault::WrongRoot),
        (format!("<watcher-list {ns}/>"), Fault::WrongRoot),
        (format!("<watcherinfo {ns}>"), Fault::Syntax),
        (format!("<!DOCTYPE x><watcherinfo {ns}/>"), Fault::Doctype),
    ] {
        assert_eq!(rows(root.as_bytes()), Err(fault), "{root}");
    }
}

/// All that a watcher can be, one after the other.
fn entries<'a>(uri: &'a str, ids: &'a [String]) -> Vec<Entry<'a>> {
    let events = [
        (Status::Pending, Event::Subscribe),
        (Status::Active, Event::Approved),
        (Status::Waiting, Event::Timeout),
        (Status::Terminated, Event::Deactivated),
        (Status::Terminated, Event::Probation),
        (Status::Terminated, Event::Rejected),
        (Status::Terminated, Event::GiveUp),
        (Status::Terminated, Event::NoResource),
    ];
    let all = events.into_iter().zip(ids).enumerate();
    all.map(|(at, ((status, event), id))| Entry {
        id,
        status,
        event,
        expiration: (at % 2 == 0).then_some(Seconds(at as u32)),
        subscribed: (at % 3 == 0).then_some(Seconds(u32::MAX)),
        uri,
    })
    .collect()
}

fn write(resource: &str, entries: &[Entry<'_>], buf: &mut [u8]) -> Result<Rendered, WriteError> {
    let mut draft = Draft::new(resource, "presence", Extent::Partial, buf);
    for entry in entries {
        draft.add(entry)?;
    }
    draft.finish()
}

#[test]
fn what_is_written_reads_back() /* W03 W04 G12 */
{
    const HOSTILE: &str = "a<b>&amp; \"q\" 'a' ]]> <!-- --> <![CDATA[ <?x?> é &#65;";
    let ids: Vec<_> = (0..8).map(|at| format!("{at:016x}")).collect();
    for uri in ["sip:bob@example.com", HOSTILE] {
        let entries = entries(uri, &ids);
        let mut buf = [0; 4_096];
        let rendered = write(uri, &entries, &mut buf).expect("it fits");
        let (head, tail) = buf[..rendered.len].split_at(rendered.version_at);
        let whole = [head, b"4294967295", tail].concat();
        let (head, found) = rows(&whole).expect("our own document");
        assert_eq!(
            (head.version, head.extent),
            (Some(u32::MAX), Extent::Partial)
        );
        assert_eq!(found.len(), entries.len());
        for (row, entry) in found.iter().zip(&entries) {
            assert_eq!(row.resource.as_deref(), Some(uri));
            assert_eq!(row.package.as_deref(), Some("presence"));
            assert_eq!(row.id.as_deref(), Some(entry.id));
            assert_eq!(
                (row.status, row.event),
                (Some(entry.status), Some(entry.event))
            );
            assert_eq!(row.expiration, entry.expiration.map(|it| it.0));
            assert_eq!(row.subscribed, entry.subscribed.map(|it| it.0));
            assert_eq!(row.uri.as_deref(), Some(uri));
        }
        // Every proper prefix is incomplete.
        for len in 0..whole.len() {
            assert!(rows(&whole[..len]).is_err(), "{len}");
        }
        for short in 0..rendered.len {
            assert_eq!(
                write(uri, &entries, &mut buf[..short]),
                Err(WriteError::TooLong)
            );
        }
    }
}

#[test]
fn a_watcher_is_written_whole_or_not_at_all() /* W07 */
{
    let ids: Vec<_> = (0..8).map(|at| format!("{at}")).collect();
    let entries = entries("sip:bob@example.com", &ids);
    let mut buf = [0; 2_048];
    let empty = write("sip:a@b", &[], &mut buf).expect("it fits").len;
    let whole = write("sip:a@b", &entries, &mut buf).expect("it fits").len;
    for room in empty..=whole {
        let mut draft = Draft::new("sip:a@b", "presence", Extent::Full, &mut buf[..room]);
        let fit: Vec<_> = entries.iter().map(|it| draft.add(it).is_ok()).collect();
        let Ok(rendered) = draft.finish() else {
            panic!("{room} bytes hold an empty one");
        };
        let (_, found) = rows(&buf[..rendered.len]).expect("our own document");
        assert_eq!(found.len(), fit.iter().filter(|&&fits| fits).count());
    }
}
