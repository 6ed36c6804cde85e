//! The health lamp and the accounts: what is wrong above us shows, and shows no longer once it is right.

use super::*;
use crate::engine::config::{LampSettings, Server, UpstreamSettings};
use crate::ground::time::Seconds;

const SECOND: Duration = Duration::from_secs(1);
const ACCOUNTS: [(&str, &str); 2] = [
    ("sip:100@192.0.2.50", "192.0.2.50:5060"),
    ("sip:100@192.0.2.51", "192.0.2.51:5060"),
];

/// An agent with a health lamp of 10 s grace, and an account at each of two servers.
fn fixture() -> Fixture {
    Fixture::with(|settings| {
        for (aor, server) in ACCOUNTS {
            let mut upstream = UpstreamSettings::new(Text::copied(aor).unwrap());
            let server = Server {
                host: Text::copied(server).unwrap(),
                transport: None,
            };
            upstream.servers.push(server).unwrap();
            settings.upstreams.push(upstream).unwrap();
        }
        let mut lamp = LampSettings::new(Text::copied("health").unwrap());
        lamp.shows = Shows::Health;
        lamp.looks = settings.default_looks(Shows::Health).clone();
        lamp.grace = Seconds(10);
        settings.lamps.push(lamp).unwrap();
    })
}

impl Fixture {
    fn health(&self) -> (&'static str, &'static str) {
        let state = self.agent.lamps().next().and_then(|it| it.state);
        let why = self.agent.why(0).expect("the lamp");
        (state.map_or("-", Watched::name), why.rule)
    }

    /// Each server answers the REGISTERs of the next seconds with its status; by its place above.
    fn serve(&mut self, lasts: Duration, statuses: [&str; 2]) {
        let end = self.now + lasts;
        while self.now < end {
            for (_, sent) in self.run(SECOND.min(end - self.now)) {
                let remote = sent.flow.remote;
                let place = ACCOUNTS.iter().position(|it| it.1 == remote.to_string());
                let status = statuses[place.expect("a server of ours")];
                let contact = sent.header("Contact").unwrap();
                let granted = format!("{status}\r\nContact: {contact};expires=60\r\n");
                self.send_from(remote, &sent.answer(&granted));
            }
        }
    }
}

#[test]
fn health_waits_for_every_account_and_is_well_with_all_of_them() {
    let mut f = fixture();
    f.drain();
    assert_eq!(f.health(), ("subscribing", "the default look"));
    f.serve(5 * SECOND, ["200 OK", "200 OK"]);
    assert_eq!(f.health(), ("idle", "the default look"));
}

/// The second account alone is ill: the first one's good news must not hide it.
#[test]
fn one_refused_account_is_seen_after_the_grace_and_forgiven_when_it_is_let_in() {
    let mut f = fixture();
    f.serve(5 * SECOND, ["200 OK", "200 OK"]);
    f.serve(65 * SECOND, ["200 OK", "403 No"]);
    let broken = "a subscription, a registration or a publication is broken";
    assert_eq!(f.health(), ("unknown", broken));
    f.serve(2_000 * SECOND, ["200 OK", "200 OK"]);
    assert_eq!(f.health(), ("idle", "the default look"));
}

#[test]
fn an_account_that_a_reload_drops_is_no_illness() {
    let mut f = fixture();
    f.serve(80 * SECOND, ["200 OK", "403 No"]);
    assert_eq!(f.health().0, "unknown");
    let mut settings = f.agent.settings().clone();
    settings.upstreams.truncate(1);
    f.agent.reconfigure(f.moment(), &settings);
    f.drain();
    assert_eq!(f.health(), ("idle", "the default look"));
}
