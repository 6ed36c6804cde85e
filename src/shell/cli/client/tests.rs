//! Answers in every framing, cut anywhere, and the words for each trouble.

use super::*;
use std::os::unix::net::UnixListener;
use std::{fs, thread, vec};

/// The status and body of the answer `bytes`.
fn read(bytes: &[u8]) -> io::Result<(u16, String)> {
    let (status, body) = answer(bytes)?;
    Ok((status, whole(body)?))
}

const PLAIN: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]";
const CHUNKED: &[u8] =
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\nA;x=y\r\n1234567890\r\n1\r\n]\r\n0\r\n\r\n";

#[test]
fn bodies_are_read_in_every_framing() {
    assert_eq!(read(PLAIN).expect("an answer"), (200, "[]".to_string()));
    assert_eq!(
        read(CHUNKED).expect("an answer"),
        (200, "[1234567890]".to_string())
    );
    let until_end = b"HTTP/1.0 404 Not Found\r\n\r\n{\"error\": \"no\"}";
    assert_eq!(
        read(until_end).expect("an answer"),
        (404, "{\"error\": \"no\"}".to_string())
    );
}

#[test]
fn a_cut_answer_is_never_a_whole_one() {
    // The last line end behind the last chunk says nothing more.
    for (answer, least) in [(PLAIN, PLAIN.len()), (CHUNKED, CHUNKED.len() - 2)] {
        for end in 0..least {
            assert!(read(&answer[..end]).is_err(), "{end} bytes");
        }
    }
}

#[test]
fn answers_of_others_are_refused() {
    for bytes in [
        &b"SSH-2.0-x\r\n"[..],
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        assert!(read(bytes).is_err(), "{}", bytes.escape_ascii());
    }
    let mut endless = b"HTTP/1.1 200 OK\r\n".to_vec();
    endless.extend(b"A: b\r\n".repeat(MOST_FIELDS + 1));
    endless.extend(b"\r\n");
    assert!(read(&endless).is_err());
}

#[test]
fn too_long_an_answer_is_refused() {
    let mut long = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    long.extend(vec![
        b'x';
        usize::try_from(LONGEST_BODY).expect("it fits") + 1
    ]);
    assert!(read(&long).is_err());
    let mut long = b"HTTP/1.1 200 OK\r\nA: ".to_vec();
    long.extend(vec![b'x'; usize::try_from(LONGEST_LINE).expect("it fits")]);
    assert!(read(&long).is_err());
}

/// A socket where one client is answered with `answer`; its request comes back.
fn agent(name: &str, answer: &'static [u8]) -> (PathBuf, thread::JoinHandle<String>) {
    let id = std::process::id();
    let path = std::env::temp_dir().join(format!("lampfield-client-{id}-{name}.sock"));
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path).expect("a socket");
    let socket = path.clone();
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = vec![0; 4_096];
        let read = stream.read(&mut request).expect("a request");
        stream.write_all(answer).expect("an answer");
        fs::remove_file(socket).expect("the socket is there");
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    (path, served)
}

#[test]
fn a_request_carries_its_length_and_body() {
    let (path, served) = agent("post", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    let answer = Client::new(&path)
        .post("/set/note", "Grüße")
        .expect("an answer");
    assert_eq!(answer, "{}");
    let request = served.join().expect("served");
    assert!(
        request.starts_with("POST /set/note HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("\r\nContent-Length: 7\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\nGrüße"), "{request}");
}

#[test]
fn a_refusal_is_told_in_the_agents_words() {
    let answer =
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 30\r\n\r\n{\"error\": \"no button named x\"}";
    let (path, served) = agent("refuse", answer);
    let trouble = Client::new(&path)
        .post("/press/x", "")
        .expect_err("a refusal");
    served.join().expect("served");
    assert!(matches!(trouble, Trouble::Refused(_)));
    assert_eq!(trouble.to_string(), "no button named x");
    assert_eq!(reason(500, "oops"), "the agent refused with 500");
}

#[test]
fn lines_are_handed_over_as_they_come() {
    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{}\n{\r\n3\r\n1}\n\r\n0\r\n\r\n";
    let (path, served) = agent("follow", answer);
    let mut lines = Vec::new();
    let each = |line: &str| {
        lines.push(line.to_string());
        Ok(())
    };
    Client::new(&path)
        .follow("/lamps?follow=1", each)
        .expect("lines");
    served.join().expect("served");
    assert_eq!(lines, ["{}", "{1}"]);
}

#[test]
fn without_an_agent_the_socket_and_the_remedy_are_named() {
    let trouble = Client::new(Path::new("/no/such.sock"))
        .get("/status")
        .expect_err("nobody");
    assert_eq!(
        trouble.to_string(),
        "no agent is running at /no/such.sock: No such file or directory (os error 2)\n  remedy: \
         start one with `lampfield run`, or name its socket with --control SOCKET"
    );
    assert!(matches!(trouble, Trouble::NoAgent { .. }));
}
