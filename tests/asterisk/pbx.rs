//! Asterisk as a peer: the one that `tests/asterisk/root` makes, with the configuration that README shows.
//!
//! It runs in the foreground on the loopback address, as whoever runs the tests, with all that it writes in a folder of
//! its own. Devices that README's hints name and nobody has are `Custom:` ones, whose state the tests set.
//!
//! What we learnt from it (version 22.10.1) and what the tests rely on:
//! - It is ready in half a second, and a command on its console takes ten milliseconds.
//! - It starts itself anew by the name that it was called by, with the same process id, and keeps its subscriptions over
//!   that: it tells them at once.
//! - It asks a new Contact whether it is there, and tells it of its mailbox, before it answers the REGISTER.
//! - A nonce is `stale` after half a minute.
//! - Whom it does not know it challenges all the same.
//! - It opens a stream of its own to the Contact, also inside TLS, unless the endpoint says `rewrite_contact`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Running, SOON, Scratch, free_port, wait_for};
use crate::readme;

/// It ends by itself after this many seconds, whatever becomes of the test.
const LIFETIME: &str = "180";

/// The modules that README's configuration needs; the whole lot takes ten times as long to load.
const MODULES: [&str; 38] = [
    "app_dial",
    "app_queue",
    "app_verbose",
    "app_voicemail",
    "bridge_holding",
    "bridge_simple",
    "chan_pjsip",
    "codec_ulaw",
    "format_wav",
    "func_devstate",
    "func_logic",
    "pbx_config",
    "res_clioriginate",
    "res_musiconhold",
    "res_parking",
    "res_pjproject",
    "res_pjsip",
    "res_pjsip_authenticator_digest",
    "res_pjsip_dialog_info_body_generator",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_exten_state",
    "res_pjsip_logger",
    "res_pjsip_mwi",
    "res_pjsip_mwi_body_generator",
    "res_pjsip_nat",
    "res_pjsip_outbound_authenticator_digest",
    "res_pjsip_outbound_publish",
    "res_pjsip_pidf_body_generator",
    "res_pjsip_publish_asterisk",
    "res_pjsip_pubsub",
    "res_pjsip_registrar",
    "res_pjsip_sdp_rtp",
    "res_pjsip_session",
    "res_rtp_asterisk",
    "res_sorcery_astdb",
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_timing_timerfd",
];

/// An Asterisk; it need not be running.
pub(crate) struct Asterisk {
    process: Option<Running>,
    scratch: Scratch,
    port: u16,
    /// How many times it was started: each has a log of its own.
    starts: u32,
}

impl Asterisk {
    /// Starts an Asterisk as README sets it up, and returns when it serves.
    pub(crate) fn start() -> Asterisk {
        Asterisk::with(&[])
    }

    /// The same with more at the end of these files.
    pub(crate) fn with(more: &[(&str, &str)]) -> Asterisk {
        Asterisk::prepared(more, |_| {})
    }

    /// The same after `prepare` has put something more into its folder.
    pub(crate) fn prepared(more: &[(&str, &str)], prepare: impl FnOnce(&Path)) -> Asterisk {
        let mut asterisk = Asterisk {
            process: None,
            scratch: Scratch::new(),
            port: free_port(),
            starts: 0,
        };
        asterisk.configure(more);
        prepare(&asterisk.scratch.path(""));
        asterisk.start_again();
        asterisk
    }

    /// Starts it after a [`Asterisk::kill`].
    #[track_caller]
    pub(crate) fn start_again(&mut self) {
        assert!(self.process.is_none(), "Asterisk runs already");
        self.starts += 1;
        let log = self.scratch.path(&format!("log.{}", self.starts));
        let mut command = Command::new("timeout");
        command
            .args([LIFETIME.as_ref(), program().as_os_str()])
            .arg("-C")
            .arg(self.scratch.path("asterisk.conf"))
            .args(["-f", "-n", "-vvv"]);
        let process = self.process.insert(Running::start(&mut command, log));
        expect_ready(process, 1);
    }

    /// Has it start itself anew; what it keeps over that are the registrations.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.run("core restart now");
        let process = self.process.as_mut().expect("Asterisk runs");
        expect_ready(process, 2);
    }

    /// Ends it without a chance to say anything, and forgets what it kept.
    #[track_caller]
    pub(crate) fn kill(&mut self) {
        let pid = self.scratch.path("run/asterisk.pid");
        let pid = fs::read_to_string(pid).expect("it says which process it is");
        let killed = Command::new("kill").args(["-KILL", pid.trim()]).status();
        assert!(killed.is_ok_and(|status| status.success()));
        let mut process = self.process.take().expect("Asterisk runs");
        process.wait(SOON);
        for entry in fs::read_dir(self.scratch.path("kept")).expect("its folder") {
            fs::remove_file(entry.expect("its file").path()).ok();
        }
    }

    /// What its console answers.
    #[track_caller]
    pub(crate) fn run(&self, command: &str) -> String {
        let output = Command::new(program())
            .arg("-C")
            .arg(self.scratch.path("asterisk.conf"))
            .args(["-rx", command])
            .output()
            .expect("a program can be started");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Sets the state of a device of nobody's.
    #[track_caller]
    pub(crate) fn set(&self, device: &str, state: &str) {
        self.run(&format!("devstate change Custom:{device} {state}"));
    }

    /// Waits until its console answers `command` with something that has `text` in it.
    #[track_caller]
    pub(crate) fn expect(&self, command: &str, text: &str) {
        wait_for(&format!("`{command}` says {text}"), SOON, || {
            self.run(command).contains(text).then_some(())
        });
    }

    /// Waits until it has logged something that has `text` in it.
    #[track_caller]
    pub(crate) fn expect_log(&self, text: &str) {
        wait_for(&format!("Asterisk logs {text}"), SOON, || {
            self.log().contains(text).then_some(())
        });
    }

    /// What it has logged since its last start: all messages too, and each step of a call.
    pub(crate) fn log(&self) -> String {
        self.process.as_ref().expect("Asterisk runs").output()
    }

    /// Where it speaks SIP, over UDP and TCP.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where it speaks SIP inside TLS, if it was told to.
    pub(crate) fn tls_port(&self) -> u16 {
        self.port + 1
    }

    /// A file of its own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path(name)
    }

    fn configure(&self, more: &[(&str, &str)]) {
        for folder in ["run", "kept", "spool", "log", "keys"] {
            fs::create_dir_all(self.scratch.path(folder)).expect("a folder can be made");
        }
        let here = self.scratch.path("");
        let here = here.display();
        let root = program();
        let root = root.parent().expect("a folder").display();
        let general = format!(
            "[directories]\nastetcdir => {here}\nastmoddir => {root}/modules\nastdatadir => {root}/usr/share/asterisk\n\
             astvarlibdir => {here}/kept\nastdbdir => {here}/kept\nastkeydir => {here}/keys\nastspooldir => {here}/spool\n\
             astrundir => {here}/run\nastlogdir => {here}/log\nastagidir => {here}/kept\n"
        );
        let modules = MODULES.map(|name| format!("load = {name}.so\n")).concat();
        let mut files = vec![
            ("asterisk.conf".to_owned(), general),
            (
                "modules.conf".to_owned(),
                format!("[modules]\nautoload = no\n{modules}"),
            ),
            (
                "logger.conf".to_owned(),
                "[logfiles]\nconsole => notice,warning,error,verbose\n".to_owned(),
            ),
            (
                "pjsip.conf".to_owned(),
                "[global]\ntype = global\ndebug = yes\n".to_owned(),
            ),
        ];
        let shown = readme::files().into_iter();
        let added = more
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        for (name, text) in shown.chain(added) {
            match files.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known += &text,
                None => files.push((name, text)),
            }
        }
        for (name, text) in files {
            self.scratch.write(&name, &self.here(&text));
        }
    }

    /// README's text with the addresses of the test.
    fn here(&self, text: &str) -> String {
        let folder = self.scratch.path("");
        text.replace("0.0.0.0:5060", &self.address())
            .replace("0.0.0.0:5061", &format!("127.0.0.1:{}", self.tls_port()))
            .replace("/etc/asterisk/", &format!("{}/", folder.display()))
    }
}

impl Drop for Asterisk {
    /// `timeout` hands on that it should end, but not that it is killed.
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            process.end();
        }
    }
}

/// What starts it.
fn program() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = target.with_file_name("asterisk").join("run");
    assert!(program.exists(), "`tests/asterisk/root` makes {program:?}");
    program
}

/// Waits until it says for the `time`th time that it is ready.
#[track_caller]
fn expect_ready(process: &mut Running, time: usize) {
    wait_for("Asterisk is ready", SOON, || {
        process.expect_alive();
        let times = process.output().matches("Asterisk Ready").count();
        (times >= time).then_some(())
    });
}
