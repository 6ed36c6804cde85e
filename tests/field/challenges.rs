//! Who may ask: challenges as servers and the proxies before them send them.

use std::time::Duration;

use crate::peer::Peer;
use crate::setup::{calls, extension};

/// When a refresh has come that is due after five seconds, on a busy machine too.
pub(crate) const REFRESHED: Duration = Duration::from_secs(12);

/// baresip/re #1557, baresip/baresip #717, BelledonneCommunications/linphone-sdk #18, fusionpbx/fusionpbx #7164: servers
/// that forget nonces do not always say `stale`.
#[test]
fn a_refresh_is_challenged_anew_though_nothing_is_stale() {
    let mut pbx = Peer::new().registrar(60);
    let agent = extension(&pbx);
    let subscribe = pbx.want("SUBSCRIBE");
    pbx.challenge(&subscribe, 401, "pbx.test", "879A545A");
    let subscribe = pbx.want("SUBSCRIBE");
    let mut bob = pbx.accept(&subscribe, 10);
    pbx.tell(&mut bob, &calls(0, ""));
    agent.expect_state("blf1", "idle");
    let refresh = pbx.want_within("SUBSCRIBE", REFRESHED);
    assert!(refresh.header("Authorization").contains("\"879A545A\""));
    pbx.challenge(&refresh, 401, "pbx.test", "11112222");
    let refresh = pbx.want("SUBSCRIBE");
    assert!(refresh.header("Authorization").contains("\"11112222\""));
    assert!(
        bob.has(&refresh) && refresh.is_in_dialog(),
        "{}",
        refresh.text
    );
    pbx.renew(&refresh, 300);
    agent.expect_state("blf1", "idle");
}
