//! Dialog information as servers and phones send it.

use crate::body;
use lampfield::wire::doc::Fault;
use lampfield::wire::doc::dialog_info::{self, Direction, Ending, Extent, State};

/// A body with what its root says and how many dialogs it has.
type Sample = (&'static str, &'static [u8], Option<u32>, Extent, usize);

/// All dialects.
pub(crate) const BODIES: [Sample; 12] = [
    (
        "asterisk idle",
        body!("dialog_asterisk_idle"),
        Some(4),
        Extent::Full,
        1,
    ),
    (
        "asterisk ringing",
        body!("dialog_asterisk_ringing"),
        Some(5),
        Extent::Full,
        1,
    ),
    (
        "asterisk talking",
        body!("dialog_asterisk_talking"),
        Some(7),
        Extent::Full,
        1,
    ),
    (
        "asterisk hold",
        body!("dialog_asterisk_hold"),
        Some(7),
        Extent::Full,
        1,
    ),
    (
        "freeswitch idle: empty",
        body!("dialog_freeswitch_idle"),
        Some(12),
        Extent::Partial,
        0,
    ),
    (
        "freeswitch hold",
        body!("dialog_freeswitch_hold"),
        Some(13),
        Extent::Full,
        1,
    ),
    (
        "kamailio: padded version",
        body!("dialog_kamailio_several"),
        Some(21),
        Extent::Full,
        4,
    ),
    (
        "opensips: blanks in tags",
        body!("dialog_opensips_spaces"),
        Some(3),
        Extent::Full,
        1,
    ),
    (
        "opensips idle: self-closed",
        body!("dialog_opensips_idle"),
        Some(0),
        Extent::Full,
        0,
    ),
    (
        "opensips partial",
        body!("dialog_opensips_partial"),
        Some(9),
        Extent::Partial,
        1,
    ),
    (
        "yealink full",
        body!("dialog_yealink_full"),
        Some(1),
        Extent::Full,
        2,
    ),
    (
        "yealink partial: no entity",
        body!("dialog_yealink_partial"),
        Some(6),
        Extent::Partial,
        1,
    ),
];

/// A dialog as plain values.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: Option<String>,
    pub(crate) call_id: Option<String>,
    pub(crate) local_tag: Option<String>,
    pub(crate) remote_tag: Option<String>,
    pub(crate) direction: Option<Direction>,
    pub(crate) state: Option<State>,
    pub(crate) event: Option<Ending>,
    pub(crate) code: Option<u16>,
    pub(crate) held: bool,
    pub(crate) local: End,
    pub(crate) remote: End,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct End {
    pub(crate) identity: Option<String>,
    pub(crate) display: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) rendering: Option<bool>,
}

pub(crate) fn rows(body: &[u8]) -> Result<Vec<Row>, Fault> {
    let end = |end: &dialog_info::Participant<'_>| End {
        identity: end.identity.map(|text| text.to_string()),
        display: end.display.map(|text| text.to_string()),
        target: end.target.map(|text| text.to_string()),
        rendering: end.rendering,
    };
    let mut rows = Vec::new();
    dialog_info::read(body, &mut |dialog| {
        rows.push(Row {
            id: dialog.id.map(|text| text.to_string()),
            call_id: dialog.call_id.map(|text| text.to_string()),
            local_tag: dialog.local_tag.map(|text| text.to_string()),
            remote_tag: dialog.remote_tag.map(|text| text.to_string()),
            direction: dialog.direction,
            state: dialog.state,
            event: dialog.event,
            code: dialog.code,
            held: dialog.is_held(),
            local: end(&dialog.local),
            remote: end(&dialog.remote),
        });
    })?;
    Ok(rows)
}

pub(crate) fn only_row(body: &[u8]) -> Row {
    let mut rows = rows(body).expect("a good document");
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

pub(crate) fn some(text: &str) -> Option<String> {
    Some(text.to_string())
}

#[test]
fn dialog_dialects_are_read() /* D01 D05 */
{
    for (name, body, version, extent, count) in BODIES {
        let mut seen = 0;
        let head = dialog_info::read(body, &mut |_| seen += 1).expect(name);
        assert_eq!(
            (head.version, head.extent, seen),
            (version, extent, count),
            "{name}"
        );
        let early = dialog_info::read_head(body).expect(name);
        assert_eq!(
            (early.version, early.extent, early.entity),
            (version, extent, head.entity)
        );
    }
}

#[test]
fn a_document_that_says_nothing_of_itself_is_full() {
    let body = body!("dialog_bare");
    let head = dialog_info::read_head(body).expect("a good document");
    assert_eq!((head.version, head.extent), (None, Extent::Full));
    assert!(head.entity.is_none());
    let row = only_row(body);
    assert_eq!(
        (row.id, row.direction, row.state),
        (None, None, Some(State::Confirmed))
    );
}

#[test]
fn asterisk_ringing_names_both_ends() {
    let expected = Row {
        id: some("201"),
        call_id: some("pickup-7f2c"),
        local_tag: some("lt1"),
        remote_tag: some("rt1"),
        direction: Some(Direction::Recipient),
        state: Some(State::Early),
        local: End {
            identity: some("sip:201@pbx.example.net"),
            target: some("sip:201@pbx.example.net"),
            ..End::default()
        },
        remote: End {
            identity: some("sip:301@pbx.example.net"),
            display: some("Front \"Door\" & Yard"),
            target: some("sip:301@pbx.example.net"),
            rendering: None,
        },
        ..Row::default()
    };
    assert_eq!(only_row(body!("dialog_asterisk_ringing")), expected);
}

#[test]
fn hold_is_seen_in_confirmed_and_in_early_and_nowhere_else() {
    let asterisk = only_row(body!("dialog_asterisk_hold"));
    assert_eq!(
        (asterisk.state, asterisk.held),
        (Some(State::Confirmed), true)
    );
    // A target without a URI is a target all the same.
    assert_eq!(asterisk.local.target, some(""));
    let freeswitch = only_row(body!("dialog_freeswitch_hold"));
    assert_eq!(
        (freeswitch.state, freeswitch.held),
        (Some(State::Early), true)
    );
    assert!(!only_row(body!("dialog_asterisk_ringing")).held);
    assert!(!only_row(body!("dialog_asterisk_talking")).held);
    // The other end's silence is not our hold; a terminated call is not held.
    let text = String::from_utf8_lossy(body!("dialog_asterisk_hold")).into_owned();
    assert!(!only_row(text.replace("local", "remote").as_bytes()).held);
    assert!(!only_row(text.replace("confirmed", "terminated").as_bytes()).held);
    assert!(!only_row(text.replace("\"no\"", "\"yes\"").as_bytes()).held);
    assert!(only_row(text.replace("pvalue", "pval").as_bytes()).held);
}

#[test]
fn bare_ampersands_in_names_stand_for_themselves() {
    let row = only_row(body!("dialog_freeswitch_hold"));
    assert_eq!(row.local.display, some("Smith & Sons"));
    assert_eq!(row.remote.display, some("Q&A desk"));
    assert_eq!(row.remote.target, some("sip:**204@sw.example.org"));
}

#[test]
fn several_dialogs_come_in_order_and_one_may_say_nothing() {
    let rows = rows(body!("dialog_kamailio_several")).expect("a good document");
    let states: Vec<_> = rows.iter().map(|row| row.state).collect();
    assert_eq!(
        states,
        [
            Some(State::Terminated),
            Some(State::Early),
            Some(State::Confirmed),
            None
        ]
    );
    // The name shown may sit on the target.
    assert_eq!(rows[1].remote.display, some("Gate"));
    // Nothing leaks from one dialog into the next.
    assert_eq!(rows[2].remote, End::default());
    assert_eq!(
        (rows[3].id.as_deref(), rows[3].call_id.as_deref()),
        (Some("aa4"), None)
    );
}

#[test]
fn a_terminated_dialog_says_why() /* D06 */
{
    let row = only_row(body!("dialog_opensips_partial"));
    assert_eq!(row.id, some("MTIzNDU.8f1e"));
    assert_eq!(row.state, Some(State::Terminated));
    assert_eq!((row.event, row.code), (Some(Ending::RemoteBye), Some(200)));
}

/// A document with this inside its one dialog.
fn with(attributes: &str, inside: &str) -> String {
    format!(
        "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' {attributes}><dialog>{inside}</dialog></dialog-info>"
    )
}

#[test]
fn the_identitys_name_counts_before_the_targets() {
    let (identity, target) = ("<identity display='I'/>", "<target display='T'/>");
    for inside in [[identity, target], [target, identity]] {
        let row = only_row(with("", &format!("<local>{}</local>", inside.concat())).as_bytes());
        assert_eq!(row.local.display, some("I"));
    }
    let row = only_row(with("", "<remote><identity display-name='N'/></remote>").as_bytes());
    assert_eq!((row.remote.display, row.local.display), (some("N"), None));
}

#[test]
fn odd_values_say_nothing() /* D06 */
{
    for (code, expected) in [
        ("99", None),
        ("100", Some(100)),
        ("699", Some(699)),
        ("700", None),
        ("65736", None),
    ] {
        let row = only_row(with("", &format!("<state code='{code}'>early</state>")).as_bytes());
        assert_eq!((row.state, row.code), (Some(State::Early), expected));
    }
    let row = only_row(with("", "<state event='boredom'>parked</state>").as_bytes());
    assert_eq!((row.state, row.event), (None, None));
    // Not where a state belongs, or not ours.
    for inside in [
        "<x><state>early</state></x>",
        "<state xmlns='urn:x'>early</state>",
        "<local><state>early</state></local>",
    ] {
        assert_eq!(
            only_row(with("", inside).as_bytes()).state,
            None,
            "{inside}"
        );
    }
}

#[test]
fn the_root_may_be_odd_too() /* D01 */
{
    let head = |attributes: &str| {
        let body = with(attributes, "");
        let head = dialog_info::read_head(body.as_bytes()).expect("a good document");
        (head.version, head.extent)
    };
    assert_eq!(
        head("version='4294967295' state='Partial'"),
        (Some(u32::MAX), Extent::Partial)
    );
    assert_eq!(
        head("version='4294967296' state='none'"),
        (None, Extent::Full)
    );
    assert_eq!(
        head("version='-1' notify-state='partial'"),
        (None, Extent::Partial)
    );
    assert_eq!(
        head("version='' state='full' notify-state='partial'"),
        (None, Extent::Full)
    );
}
