//! The documents of a model telephone system.

use super::pbx::Call;
use lampfield::Watched;

/// One call, by its number.
pub(crate) type Numbered = (u32, Call);

/// A dialog-info document; a partial one lists what changed since `told`.
pub(crate) fn dialog_info(
    name: &str,
    calls: &[Numbered],
    told: Option<&[Numbered]>,
    version: u32,
) -> String {
    let mut listed = calls.to_vec();
    if let Some(told) = told {
        listed.retain(|call| !told.contains(call));
        for (id, _) in told {
            if calls.iter().all(|(other, _)| other != id) {
                listed.push((*id, Call::Over));
            }
        }
    }
    let dialogs: String = listed.iter().map(dialog).collect();
    let extent = if told.is_some() { "partial" } else { "full" };
    format!(
        "<?xml version=\"1.0\"?>\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" \
         version=\"{version}\" state=\"{extent}\" entity=\"sip:{name}@pbx\">{dialogs}</dialog-info>\n"
    )
}

fn dialog((id, state): &Numbered) -> String {
    let (state, direction, held) = match state {
        Call::Trying => ("trying", "initiator", ""),
        Call::Early => ("early", "recipient", ""),
        Call::Confirmed => ("confirmed", "recipient", ""),
        Call::Held => (
            "confirmed",
            "recipient",
            "<local><target uri=\"sip:a@pbx\"><param pname=\"+sip.rendering\" pvalue=\"no\"/></target></local>",
        ),
        Call::Over => ("terminated", "recipient", ""),
    };
    format!("<dialog id=\"c{id}\" direction=\"{direction}\"><state>{state}</state>{held}</dialog>")
}

/// In the manner of Asterisk: open whatever happens, and a note that says what does.
pub(crate) fn pidf(name: &str, calls: &[Numbered], watcher: &str) -> String {
    let (note, activity) = match watched(calls) {
        Watched::Ringing => ("Ringing", "<ep:on-the-phone/>"),
        Watched::Busy | Watched::Trying => ("On the phone", "<ep:on-the-phone/>"),
        Watched::Held => ("On hold", "<ep:on-the-phone/>"),
        Watched::Idle => ("Ready", ""),
        state @ (Watched::Unknown
        | Watched::Subscribing
        | Watched::Offline
        | Watched::Away
        | Watched::Closed
        | Watched::Waiting
        | Watched::Dnd) => unreachable!("no call is {}", state.name()),
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
         xmlns:pp=\"urn:ietf:params:xml:ns:pidf:person\" xmlns:es=\"urn:ietf:params:xml:ns:pidf:rpid:status:rpid-status\" \
         xmlns:ep=\"urn:ietf:params:xml:ns:pidf:rpid:rpid-person\" entity=\"{watcher}\">\n\
         <pp:person><status>\n<ep:activities>{activity}</ep:activities>\n</status></pp:person>\n<note>{note}</note>\n\
         <tuple id=\"{name}\">\n<contact priority=\"1\">{watcher}</contact>\n\
         <status><basic>open</basic></status>\n</tuple>\n</presence>\n"
    )
}

/// What an honest lamp shows of some calls: the one that a person must not miss.
pub(crate) fn watched(calls: &[Numbered]) -> Watched {
    let has = |wanted| calls.iter().any(|(_, state)| *state == wanted);
    if has(Call::Early) {
        Watched::Ringing
    } else if has(Call::Confirmed) {
        Watched::Busy
    } else if has(Call::Held) {
        Watched::Held
    } else if has(Call::Trying) {
        Watched::Trying
    } else {
        Watched::Idle
    }
}
