//! A stream may come in any pieces: cut anywhere, it gives the same messages, and the parser reads each of them to the
//! same end.

use lampfield::wire::sip::stream::{Frame, Framer};
use lampfield::wire::sip::{Message, Rows, parse};

/// Bytes that a connection holds.
const MOST: usize = 8_192;

/// What a stream gave, until it was lost or ended.
#[derive(Debug, PartialEq)]
struct Given {
    messages: Vec<Vec<u8>>,
    pings: usize,
    lost: bool,
}

/// The first byte says how long the pieces are.
pub(crate) fn run(bytes: &[u8]) {
    let Some((&piece, stream)) = bytes.split_first() else {
        return;
    };
    let whole = cut(stream, stream.len().max(1));
    assert_eq!(cut(stream, 1), whole, "byte by byte");
    assert_eq!(cut(stream, usize::from(piece).max(1)), whole, "in pieces");
    for message in &whole.messages {
        agree(message);
    }
}

/// Hands a stream to the framer in pieces of that length.
fn cut(stream: &[u8], piece: usize) -> Given {
    let mut framer = Framer::new();
    let mut given = Given {
        messages: Vec::new(),
        pings: 0,
        lost: false,
    };
    let (mut taken, mut arrived) = (0, 0);
    loop {
        let (len, is_message) = match framer.look(&stream[taken..arrived], MOST) {
            Frame::Message { len } => (len, true),
            Frame::Ping => {
                given.pings += 1;
                (4, false)
            }
            Frame::Skip(len) | Frame::Nuls(len) => (len, false),
            Frame::Incomplete { need } => {
                assert!(need > 0, "nothing is missing");
                assert!(arrived - taken <= MOST, "it waits for more than it holds");
                if arrived == stream.len() {
                    return given;
                }
                arrived = stream.len().min(arrived + piece);
                continue;
            }
            Frame::Refuse { header_len, .. } => {
                assert!(header_len <= arrived - taken);
                given.lost = true;
                return given;
            }
        };
        assert!(
            len > 0 && len <= arrived - taken,
            "it takes what is not there"
        );
        if is_message {
            given.messages.push(stream[taken..taken + len].to_vec());
        }
        taken += len;
    }
}

/// The parser finds the body where the framer found it: whoever reads two lengths can be made to read two messages.
fn agree(message: &[u8]) {
    let mut rows = Rows::new();
    let (body, headers) = match parse(message, &mut rows) {
        Ok(Message::Request(request)) => (request.body, request.headers),
        Ok(Message::Response(response)) => (response.body, response.headers),
        Ok(Message::Broken(_)) | Err(_) => return,
    };
    assert!(message.ends_with(body), "the body is somewhere else");
    let told = headers.content_length().ok().flatten();
    assert_eq!(told.map(|it| it as usize), Some(body.len()));
}
