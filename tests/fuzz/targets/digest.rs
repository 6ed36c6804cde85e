//! Digest on both sides: the rows of challenges and credentials, and an account that is asked for its password again and
//! again. It must come to an end, and never write what can't be read.

use lampfield::parts::{Login, Next, Password, Proof, Random};
use lampfield::wire::sip::{Auth, Credentials, Message, Method, Name, Rows, Writer, parse};
use lampfield::{Account, Text};

/// How often one request is sent again for challenges, at most.
const PATIENCE: usize = 16;

/// The rows of several answers, each ended by a NUL.
pub(crate) fn run(bytes: &[u8]) {
    let account = Account {
        user: text("100"),
        password: Password::new(text("secret")),
        realm: None,
    };
    let (mut login, mut random) = (Login::new(), Random::new());
    let mut proof = login.prove(Proof::NONE, &mut random);
    let mut asked = 0;
    for rows in bytes.split(|byte| *byte == 0) {
        let answer = answer(rows);
        let mut storage = Rows::new();
        let Ok(Message::Response(response)) = parse(&answer, &mut storage) else {
            continue;
        };
        for name in [Name::Authorization, Name::ProxyAuthorization] {
            let _ = response.headers.credentials(name).count();
        }
        login.handle_info(&response, &proof);
        let before = match login.take(&response, &account, &mut proof) {
            Next::Again => proof,
            Next::GiveUp(_) => Proof::NONE,
        };
        asked = if before == Proof::NONE { 0 } else { asked + 1 };
        assert!(asked < PATIENCE, "one request is sent for ever");
        proof = login.prove(before, &mut random);
        check_written(&login, &account, proof);
    }
}

fn answer(rows: &[u8]) -> Vec<u8> {
    let head = b"SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx\r\n\
        From: <sip:100@pbx.example>;tag=a\r\nTo: <sip:100@pbx.example>;tag=b\r\nCall-ID: c\r\n\
        CSeq: 1 REGISTER\r\n";
    [head.as_slice(), rows, b"\r\nContent-Length: 0\r\n\r\n"].concat()
}

/// Whatever a server asked, our own credentials are sound.
fn check_written(login: &Login, account: &Account, proof: Proof) {
    let mut buf = [0; 4_096];
    let mut w = Writer::new(&mut buf);
    login.write(
        &mut w,
        account,
        Method::Register,
        b"sip:pbx.example",
        proof,
        b"body",
    );
    let len = w
        .finish_lines()
        .expect("what a server asked is fit to be written");
    for row in buf[..len]
        .split(|byte| *byte == b'\n')
        .filter(|row| !row.is_empty())
    {
        let row = row.strip_suffix(b"\r").expect("a row ends with CRLF");
        let at = row
            .iter()
            .position(|byte| *byte == b':')
            .expect("a row has a name");
        match Credentials::parse(row[at + 1..].trim_ascii()) {
            Ok(Auth::Digest(it)) => assert!(it.username.is_some_and(|name| name.is(b"100"))),
            Ok(Auth::Other) | Err(_) => panic!("{}", row.escape_ascii()),
        }
    }
}

fn text<const N: usize>(text: &str) -> Text<N> {
    Text::copied(text).expect("short")
}
