//! Kamailio as a server inside TLS: a registrar with a certificate of the house.
//!
//! It runs in the foreground on the loopback address and ends by itself after a while, whatever becomes of the test.

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;

use crate::agent::{Agent, certify, house};
use crate::process::{Running, SOON, Scratch, free_port, wait_for};

/// A registrar that asks nobody who he is, and says over what it was asked.
const CONFIGURATION: &str = r#"#!KAMAILIO
debug=2
log_stderror=yes
fork=yes
children=1
enable_tls=yes
mpath="MODULES"
loadmodule "tls.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "xlog.so"
modparam("tls", "config", "FOLDER/tls.cfg")
request_route {
    xlog("L_WARN", "asked $rm over $proto\n");
    if (is_method("REGISTER")) {
        save("location");
        exit;
    }
    sl_send_reply("404", "Nothing else");
}
"#;

const TLS: &str = "[server:default]\nmethod = TLSv1.2+\nverify_certificate = no\n\
                   private_key = FOLDER/own.key\ncertificate = FOLDER/own.pem\n";

/// Where Debian has its modules, on any architecture.
fn modules() -> String {
    let libraries = std::fs::read_dir("/usr/lib").expect("Linux");
    let mut folders = libraries.filter_map(|it| Some(it.ok()?.path().join("kamailio/modules")));
    let folder = folders.find(|it| it.join("tls.so").exists());
    let folder = folder.expect("its module is there: `tests/run` installs what is missing");
    format!("{}/", folder.display())
}

fn start(scratch: &Scratch) -> (Running, u16) {
    let folder = scratch.path("").display().to_string();
    let folder = folder.trim_end_matches('/');
    let filled = |text: &str| {
        let text = text.replace("FOLDER", folder);
        text.replace("MODULES", &modules())
    };
    scratch.write("tls.cfg", &filled(TLS));
    let port = free_port();
    let listen = format!("listen=tls:127.0.0.1:{port}\n");
    let text =
        filled(CONFIGURATION).replace("enable_tls=yes\n", &format!("enable_tls=yes\n{listen}"));
    let file = scratch.write("kamailio.cfg", &text);
    let mut command = Command::new("timeout");
    command.args([
        "--foreground",
        "60",
        "kamailio",
        "-DD",
        "-E",
        "-m",
        "64",
        "-M",
        "8",
        "-f",
    ]);
    command.arg(&file).arg("-Y").arg(Path::new(folder));
    let running = Running::start(&mut command, scratch.path("kamailio.log"));
    wait_for("Kamailio listens", SOON, || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
    });
    (running, port)
}

/// An account at Kamailio by that name.
fn account(host: &str, port: u16) -> String {
    format!(
        "[[upstream]]\naor = \"sip:100@{host}\"\nservers = [\"tls:{host}:{port}\"]\npublish = false\n"
    )
}

#[test]
fn kamailio_is_registered_at_inside_tls_and_only_if_it_is_who_it_should_be() /* X13, X14 */
{
    let scratch = house("localhost");
    certify(&scratch, &["elsewhere", "--authority", "other"]);
    let (mut kamailio, port) = start(&scratch);
    let ours = "authorities = \"house/authority.pem\"";
    let good = Agent::asking(&scratch, ours, &account("localhost", port), &[]);
    wait_for("it is registered", SOON, || {
        good.ask(&["status"]).contains("registered").then_some(())
    });
    assert!(kamailio.output().contains("asked REGISTER over tls"));

    let wrong_name = Agent::asking(&scratch, ours, &account("127.0.0.1", port), &[]);
    wrong_name.expect_log("its certificate is for another name");
    let theirs = "authorities = \"other/authority.pem\"";
    let unknown = Agent::asking(&scratch, theirs, &account("localhost", port), &[]);
    unknown.expect_log("its certificate is signed by nobody we trust");
    for it in [&wrong_name, &unknown] {
        let status = it.ask(&["status"]);
        assert!(status.contains("its certificate is"), "{status}");
    }
    assert_eq!(kamailio.output().matches("asked REGISTER").count(), 1);
    kamailio.end();
}
