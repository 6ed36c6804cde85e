//! A name server's answer to the question that was asked.

use lampfield::parts::dns::message::{Fate, Kind, Name, RECORDS, answer, question};

const ID: u16 = 0x4c46;

/// The first byte says what was asked; the rest is what came. With an odd one it is an answer to that question, so that
/// whatever follows is read.
pub(crate) fn run(bytes: &[u8]) {
    let Some((&asked, came)) = bytes.split_first() else {
        return;
    };
    let kind = [Kind::A, Kind::Aaaa, Kind::Srv, Kind::Naptr][usize::from(asked >> 1) % 4];
    let name = Name::from_text("_sip._udp.pbx.example").expect("a name");
    let question = question(ID, &name, kind, false);
    let message = match asked & 1 {
        0 => came.to_vec(),
        _ => answering(&question, came),
    };
    if let Ok(answer) = answer(&message, ID, &name, kind) {
        let found = [
            answer.addresses.len(),
            answer.servers.len(),
            answer.services.len(),
        ];
        let is_of_use = matches!(answer.fate, Fate::Whole | Fate::Cut);
        let wanted = match kind {
            Kind::A | Kind::Aaaa => 0,
            Kind::Srv => 1,
            Kind::Naptr => 2,
        };
        for (nth, found) in found.into_iter().enumerate() {
            assert!(found <= RECORDS && (found == 0 || is_of_use && nth == wanted));
        }
    }
}

/// The question with an answer's flags, as many records as the first byte says, and then those.
fn answering(question: &[u8], came: &[u8]) -> Vec<u8> {
    let Some((&count, records)) = came.split_first() else {
        return question.to_vec();
    };
    let mut message = question.to_vec();
    (message[2], message[7]) = (0x81, count);
    message.extend_from_slice(records);
    message
}
