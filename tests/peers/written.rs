//! A Kamailio with a configuration of the test's own, where that in `tests/kamailio` is not the point.

use std::fmt::Write as _;
use std::process::Command;

use crate::process::{Running, SOON, Scratch, is_bound, wait_for};

/// It listens on a port of its own, as long as the test has it.
pub(crate) struct Written {
    process: Running,
    scratch: Scratch,
}

impl Written {
    /// Starts one with these modules before the rest of its configuration, in which `DATABASE` stands for its tables.
    /// They are those of these parts, and what `sql` puts into them.
    pub(crate) fn start(
        port: u16,
        modules: &[&str],
        rest: &str,
        parts: &[&str],
        sql: &str,
    ) -> Written {
        let scratch = Scratch::new();
        let tables = scratch.path("tables");
        let mut script = String::new();
        for part in parts {
            writeln!(
                script,
                ".read /usr/share/kamailio/db_sqlite/{part}-create.sql"
            )
            .expect("a string can grow");
        }
        let script = scratch.write("script.sql", &(script + sql));
        let read = format!(".read {}", script.display());
        let made = Command::new("sqlite3").arg(&tables).arg(read).status();
        assert!(made.expect("sqlite3 runs").success());

        let modules: String = modules
            .iter()
            .map(|it| format!("loadmodule \"{it}.so\"\n"))
            .collect();
        let text = format!(
            "#!KAMAILIO\ndebug=2\nlog_stderror=yes\nchildren=1\nauto_aliases=no\ndns=no\nrev_dns=no\n\
             listen=udp:127.0.0.1:{port}\n{modules}{rest}"
        );
        let database = format!("sqlite:///{}", tables.display());
        let file = scratch.write("kamailio.cfg", &text.replace("DATABASE", &database));
        let mut command = Command::new("kamailio");
        command
            .args(["-DD", "-E", "-m", "64", "-M", "8", "-f"])
            .arg(file);
        for flag in ["-w", "-Y"] {
            command.arg(flag).arg(scratch.path("."));
        }
        let mut process = Running::start(&mut command, scratch.path("output"));
        wait_for("Kamailio listens", SOON, || {
            process.expect_alive();
            is_bound(port).then_some(())
        });
        Written { process, scratch }
    }

    /// A folder for what belongs to it.
    pub(crate) fn scratch(&self) -> &Scratch {
        &self.scratch
    }
}

impl Drop for Written {
    /// It ends its children when it is told to end, but not when it is killed.
    fn drop(&mut self) {
        self.process.end();
    }
}
