//! What a response has to repeat of its request.

use super::Sent;

/// Header rows as a plain reader sees them: name, and value with its folding but without the blanks around it.
pub(crate) fn rows(message: &str) -> Vec<(String, String)> {
    let head = message.trim_start_matches("\r\n");
    let head = head.split("\r\n\r\n").next().unwrap_or_default();
    let mut rows: Vec<String> = Vec::new();
    for line in head.split("\r\n").skip(1) {
        match rows.last_mut() {
            Some(row) if line.starts_with([' ', '\t']) => {
                row.push_str("\r\n");
                row.push_str(line);
            }
            _ => rows.push(line.to_string()),
        }
    }
    let blanks = [' ', '\t', '\r', '\n'];
    rows.iter()
        .filter_map(|row| row.split_once(':'))
        .map(|(name, value)| {
            let name = match &*name.trim_matches(blanks).to_ascii_lowercase() {
                "v" => "via".to_string(),
                "f" => "from".to_string(),
                "t" => "to".to_string(),
                "i" => "call-id".to_string(),
                other => other.to_string(),
            };
            (name, value.trim_matches(blanks).to_string())
        })
        .collect()
}

/// The values of one header, as [`rows`] sees them.
pub(crate) fn values<'a>(rows: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    rows.iter()
        .filter(|(other, _)| other == name)
        .map(|(_, value)| &value[..])
        .collect()
}

/// A response repeats what it has to, byte for byte (T14): all Via values but for `received` and `rport` of the
/// topmost, From, Call-ID, CSeq, and To with a tag.
#[track_caller]
pub(crate) fn assert_echoes(request: &str, response: &Sent) {
    let (asked, said) = (rows(request), rows(&response.text));
    let (asked_vias, said_vias) = (values(&asked, "via"), values(&said, "via"));
    assert_eq!(asked_vias.len(), said_vias.len(), "{}", response.text);
    for (at, (asked, said)) in asked_vias.iter().zip(&said_vias).enumerate() {
        if at == 0 {
            assert_eq!(without_reply_params(asked), without_reply_params(said));
        } else {
            assert_eq!(asked, said);
        }
    }
    for name in ["from", "call-id", "cseq"] {
        let first = values(&asked, name).first().copied();
        assert_eq!(values(&said, name).first().copied(), first, "{name}");
    }
    let asked_to = values(&asked, "to").first().copied();
    let said_to = values(&said, "to").first().copied();
    assert_eq!(said_to.is_some(), asked_to.is_some());
    if let (Some(asked), Some(said)) = (asked_to, said_to) {
        let added = said.strip_prefix(asked).expect("To as it was");
        assert!(added.is_empty() || added.starts_with(";tag="), "{said}");
    }
}

/// A Via row whose first value has no `received` and `rport`.
fn without_reply_params(row: &str) -> String {
    let (first, rest) = match row.split_once(',') {
        Some((first, rest)) => (first, format!(",{rest}")),
        None => (row, String::new()),
    };
    let kept: Vec<&str> = first
        .split(';')
        .filter(|param| {
            let name = param.split('=').next().unwrap_or_default().trim();
            !name.eq_ignore_ascii_case("received") && !name.eq_ignore_ascii_case("rport")
        })
        .map(str::trim_end)
        .collect();
    kept.join(";") + rest.trim_end()
}
