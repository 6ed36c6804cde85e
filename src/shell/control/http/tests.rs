use super::*;
use crate::shell::control::tests::pieces::Pieces;
use crate::shell::control::views;
use smol::block_on;
use std::vec;

fn patient(pieces: Pieces) -> Http<Pieces> {
    Http::new(pieces, PATIENCE)
}

const GET: &[u8] = b"GET /lamps?follow=0 HTTP/1.1\r\nHost: x\r\n\r\n";
const POST: &[u8] = b"POST /set/dnd HTTP/1.1\r\nhost: x\r\nCONTENT-LENGTH: 2\r\n\r\non";

/// Reads one request and its body.
async fn request(http: &mut Http<Pieces>) -> Result<(Method, String, Vec<u8>), HttpError> {
    if !http.read_head().await? {
        return Err(HttpError::Io(ErrorKind::ConnectionAborted.into()));
    }
    let mut body = vec![0; BODY];
    let mut length = 0;
    while length < BODY {
        match http.read(&mut body[length..]).await? {
            0 => break,
            more => length += more,
        }
    }
    body.truncate(length);
    Ok((http.method(), http.uri().to_string(), body))
}

#[track_caller]
fn expect_refused(text: &[u8], status: u16) {
    let mut http = patient(Pieces::new(&[text]));
    match block_on(request(&mut http)) {
        Err(HttpError::Refused(got, _)) => assert_eq!(got, status),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_request_may_come_in_any_two_pieces() {
    for cut in 0..=POST.len() {
        let (first, second) = POST.split_at(cut);
        let mut http = patient(Pieces::new(&[first, second]));
        let got = block_on(request(&mut http)).expect("a request");
        assert_eq!(got, (Method::Post, "/set/dnd".into(), b"on".to_vec()));
        assert_eq!(http.header("Host"), Some("x"));
    }
}

#[test]
fn every_proper_prefix_is_no_request() {
    for cut in 1..POST.len() {
        let mut http = patient(Pieces::new(&[&POST[..cut]]));
        let got = block_on(request(&mut http));
        assert!(matches!(got, Err(HttpError::Io(_))), "{cut}: {got:?}");
    }
    let mut http = patient(Pieces::new(&[]));
    assert!(matches!(block_on(http.read_head()), Ok(false)));
}

#[test]
fn requests_in_one_piece_are_answered_one_by_one() {
    let mut http = patient(Pieces::new(&[&[POST, GET].concat()]));
    block_on(async {
        request(&mut http).await.expect("the first");
        let rows = [("Content-Length", "2")];
        http.initiate_response(200, None, &rows)
            .await
            .expect("begun");
        http.write_all(b"ok").await.expect("written");
        assert!(http.finish().await.expect("sent"));
        let (method, uri, _) = request(&mut http).await.expect("the second");
        assert_eq!((method, uri.as_str()), (Method::Get, "/lamps?follow=0"));
    });
    let written = &http.body.raw.stream.written;
    let expected = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    assert_eq!(written.as_slice(), expected);
}

#[test]
fn an_answer_of_unknown_length_goes_out_in_chunks() {
    let mut http = patient(Pieces::new(&[GET]));
    block_on(async {
        request(&mut http).await.expect("a request");
        http.initiate_response(200, None, &[]).await.expect("begun");
        http.write_all(b"one\n").await.expect("written");
        http.write_all(b"").await.expect("written");
        http.write_all(&[b'x'; 20]).await.expect("written");
        assert!(http.finish().await.expect("sent"));
    });
    let text = String::from_utf8(http.body.raw.stream.written).expect("text");
    let expected = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                    4\r\none\n\r\n14\r\nxxxxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n";
    assert_eq!(text, expected);
}

#[test]
fn who_wants_to_close_or_leaves_a_body_unread_is_closed() {
    for text in [
        &b"GET / HTTP/1.1\r\nConnection: Close\r\n\r\n"[..],
        b"GET / HTTP/1.0\r\n\r\n",
        POST,
    ] {
        let mut http = patient(Pieces::new(&[text]));
        block_on(async {
            assert!(http.read_head().await.expect("a head"));
            let rows = [("Content-Length", "0")];
            http.initiate_response(200, None, &rows)
                .await
                .expect("begun");
            assert!(!http.finish().await.expect("sent"));
        });
    }
}

#[test]
fn what_is_too_long_or_unclear_is_refused() {
    let long = "x".repeat(HEAD);
    expect_refused(std::format!("GET /{long}").as_bytes(), 431);
    let rows = "a: b\r\n".repeat(ROWS + 1);
    expect_refused(std::format!("GET / HTTP/1.1\r\n{rows}\r\n").as_bytes(), 400);
    for (row, status) in [
        ("Content-Length: 4097", 413),
        ("Content-Length: 99999999999999999999999", 413),
        ("Content-Length: +5", 400),
        ("Content-Length: 5\r\nContent-Length: 5", 400),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", 411),
    ] {
        let text = std::format!("POST /set/note HTTP/1.1\r\n{row}\r\n\r\n");
        expect_refused(text.as_bytes(), status);
    }
    expect_refused(b"BREW /pot HTTP/1.1\r\n\r\n", 405);
    expect_refused(b"OPTIONS sip:desk@127.0.0.1 SIP/2.0\r\n\r\n", 400);
    expect_refused(b"\x16\x03\x01\r\n\r\n", 400);
}

#[test]
fn a_refusal_is_json_and_ends_the_conversation() {
    let mut http = patient(Pieces::new(&[GET]));
    block_on(async {
        assert!(http.read_head().await.expect("a head"));
        let body = views::error("no \"good\"");
        http.refuse(400, views::MEDIA_TYPE, &body)
            .await
            .expect("sent");
    });
    let text = String::from_utf8(http.body.raw.stream.written).expect("text");
    assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
    assert!(text.contains("\r\nConnection: close\r\n"), "{text}");
    assert!(
        text.ends_with("\r\n\r\n{\"error\":\"no \\\"good\\\"\"}\n"),
        "{text}"
    );
}

#[test]
fn a_silent_peer_is_given_up() /* C06 */
{
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().expect("a pair");
    let mut http = Http::new(
        smol::Async::new(ours).expect("asynchronous"),
        Duration::from_millis(30),
    );
    std::io::Write::write_all(&mut &theirs, b"GET / HT").expect("written");
    let got = block_on(http.read_head());
    assert!(matches!(got, Err(HttpError::Slow)), "{got:?}");
}
