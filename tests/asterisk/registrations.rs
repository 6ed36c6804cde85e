//! An account at Asterisk: over UDP, TCP and TLS, asked whether it is there, and with a wrong password.

use std::process::Command;
use std::time::Duration;

use crate::account;
use crate::agent::{Agent, LAMPFIELD};
use crate::pbx::Asterisk;
use crate::process::{SOON, wait_for};

/// Waits until `status` says that of the account.
#[track_caller]
fn expect_account(agent: &Agent, words: &str) {
    wait_for(&format!("the account is {words}"), SOON, || {
        agent.run(&["status"]).contains(words).then_some(())
    });
}

#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn an_account_registers_over_udp_and_tcp() {
    for transport in ["udp", "tcp"] {
        let asterisk = Asterisk::start();
        let address = asterisk.address();
        let agent = account(
            &format!("aor = \"sip:100@{address}\"\nservers = [\"{transport}:{address}\"]\n"),
            &crate::lamp(&asterisk, "blf1", "200", "both"),
        );
        expect_account(&agent, "registered");
        agent.expect_lamp("blf1", "off");
        assert!(!agent.log().contains("refused"), "{}", agent.log());
        let contacts = asterisk.run("pjsip show contacts");
        assert!(contacts.contains("100/sip:"), "{contacts}");
        let over_tcp = contacts.to_lowercase().contains("transport=tcp");
        assert_eq!(over_tcp, transport == "tcp", "{contacts}");
        agent.stop();
        asterisk.expect("pjsip show contacts", "No objects found");
    }
}

/// The chain of the house signs Asterisk's certificate, and the agent believes nobody else.
#[cfg(feature = "tls")]
#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn an_account_registers_inside_tls() {
    let transport = "[tls]\ntype = transport\nprotocol = tls\nbind = 0.0.0.0:5061\nmethod = tlsv1_2\n\
         cert_file = /etc/asterisk/keys/localhost.pem\npriv_key_file = /etc/asterisk/keys/localhost.key\n";
    let asterisk = Asterisk::prepared(&[("pjsip.conf", transport)], |folder| {
        let made = Command::new(LAMPFIELD)
            .args(["certificate", "new", "localhost", "--authority", "house"])
            .current_dir(folder.join("keys"))
            .output();
        assert!(made.is_ok_and(|made| made.status.success()));
    });
    let authority = asterisk.path("keys/house/authority.pem");
    let tls = asterisk.tls_port();
    let agent = account(
        &format!("aor = \"sip:100@localhost\"\nservers = [\"tls:localhost:{tls}\"]\n"),
        &format!(
            "[tls]\nauthorities = \"{}\"\n\
             [[lamp]]\nname = \"blf1\"\nwatch = \"sip:200@localhost\"\nevent = \"both\"\n",
            authority.display()
        ),
    );
    expect_account(&agent, "registered");
    agent.expect_lamp("blf1", "off");
    let log = asterisk.log();
    assert!(log.contains("SIP/2.0/TLS"), "{log}");
}

/// README has Asterisk ask every minute; here every second, with a second for the answer.
#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn asterisk_hears_that_the_agent_is_there() {
    let asterisk = Asterisk::with(&[(
        "pjsip.conf",
        "[100](+type=aor)\nqualify_frequency = 1\nqualify_timeout = 1.0\n",
    )]);
    let address = asterisk.address();
    let agent = account(&format!("aor = \"sip:100@{address}\"\n"), "");
    expect_account(&agent, "registered");
    asterisk.expect("pjsip show contacts", "Avail");
    wait_for("Asterisk asks again", Duration::from_secs(5), || {
        (asterisk.log().matches("OPTIONS sip:").count() >= 3).then_some(())
    });
    let contacts = asterisk.run("pjsip show contacts");
    assert!(!contacts.contains("Unavail"), "{contacts}");
    agent.stop();
}

#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn a_wrong_password_is_called_one() {
    let asterisk = Asterisk::with(&[("pjsip.conf", "[100](+type=auth)\npassword = another\n")]);
    let agent = crate::desk(&asterisk, &crate::lamp(&asterisk, "blf1", "200", "dialog"));
    expect_account(&agent, "does not take our password");
    wait_for("the lamp's cause is the password", SOON, || {
        let why = agent.why("blf1").to_string();
        why.contains("does not take our password").then_some(())
    });
    assert_eq!(agent.look("blf1"), "amber slow");
}

/// Asterisk asks whom it does not know for a password all the same: nobody can find out who its users are.
#[test]
#[ignore = "needs what tests/asterisk/root makes"]
fn who_is_no_user_there_hears_that_the_password_is_not_taken() {
    let asterisk = Asterisk::start();
    let address = asterisk.address();
    let agent = account(&format!("aor = \"sip:999@{address}\"\n"), "");
    expect_account(&agent, "does not take our password");
}
