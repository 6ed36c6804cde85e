//! A test in a network namespace of its own. Only root can make one: for anybody else a test says that it was skipped.

use std::env;
use std::io::{Write, stderr};
use std::process::{Command, Stdio};

/// Says to a copy of this program that it runs in a network of its own.
const INSIDE: &str = "LAMPFIELD_TEST_NETWORK";

/// Runs `test`, which is the body of the test of that name, where this machine has no network at all, and returns
/// what it said.
pub(crate) fn in_a_network(name: &str, test: fn()) -> String {
    if env::var_os(INSIDE).is_some() {
        test();
        return String::new();
    }
    let is_possible = Command::new("unshare")
        .args(["--net", "ip", "link"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !is_possible.is_ok_and(|status| status.success()) {
        // Past the harness, which shows nothing of a test that passes.
        let _ = writeln!(
            stderr(),
            "{name}: skipped: making networks takes root, unshare (util-linux) and ip (iproute2)"
        );
        return String::new();
    }
    let output = Command::new("unshare")
        .args(["--net", "--"])
        .arg(env::current_exe().expect("this program"))
        .args([name, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare is there");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    said
}
