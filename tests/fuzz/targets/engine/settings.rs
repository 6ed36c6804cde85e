//! What the owner configured, drawn: whoever can be configured for has a place here.

use super::grammar::{Bytes, PBX, REGISTRAR};
use lampfield::parts::Password;
use lampfield::wire::flow::Transport;
use lampfield::{
    Account, Action, ButtonSettings, LampSettings, Network, Package, PresentitySettings, Seconds,
    Server, Settings, Shows, Strangers, Text, UpstreamSettings, WatchSettings,
};

pub(super) const DESK: &str = "sip:desk@192.0.2.1";
pub(super) const DOOR: &str = "sip:door@192.0.2.1";

/// One byte's worth of settings; all of them when there is no byte left.
pub(super) fn drawn(bytes: &mut Bytes<'_>) -> Box<Settings> {
    let drawn = bytes.byte();
    let has = |bit: u8| drawn >> bit & 1 == 0;
    let mut settings = Box::new(Settings::new());
    settings.restore_defaults();
    if has(0) {
        settings.strangers = Strangers::Ask;
    }
    let inside = Network::parse("192.0.2.0/24").expect("a network");
    settings.trusted.push(inside).expect("room");
    let mut desk = PresentitySettings::new(text(DESK));
    desk.registers = !has(1);
    settings.presentities.push(desk).expect("room");
    if has(2) {
        let door = PresentitySettings::new(text(DOOR));
        settings.presentities.push(door).expect("room");
    }
    if has(3) {
        upstream(&mut settings, has(4));
    }
    watches(&mut settings, has(5));
    buttons(&mut settings, has(6));
    if has(7) {
        settings.max_expires = Seconds(120);
    }
    settings.validate().expect("they are good");
    settings
}

fn upstream(settings: &mut Settings, by_udp: bool) {
    let mut upstream = UpstreamSettings::new(text("sip:100@pbx.example"));
    let transport = match by_udp {
        true => Some(Transport::Udp),
        false => Some(Transport::Tcp),
    };
    let first = Server {
        host: text(&REGISTRAR.remote.to_string()),
        transport,
    };
    let second = Server {
        host: text("pbx.example"),
        transport: None,
    };
    upstream.servers.push(first).expect("room");
    upstream.servers.push(second).expect("room");
    upstream.account = Account {
        user: text("100"),
        password: Password::new(text("secret")),
        realm: None,
    };
    upstream.publish = Some(0);
    settings.upstreams.push(upstream).expect("room");
}

/// A lamp for somebody at the telephone system, one for a mailbox, one for a name, one through the account.
fn watches(settings: &mut Settings, has_all: bool) {
    let mut bob = WatchSettings::new(text("sip:bob@192.0.2.20"), text(DESK), Package::Dialog);
    bob.server = Some(text(&PBX.remote.to_string()));
    bob.fallback = true;
    lamp(settings, bob);
    if has_all {
        let box_of = text("sip:100@192.0.2.20");
        lamp(
            settings,
            WatchSettings::new(box_of, text(DESK), Package::MessageSummary),
        );
        let eve = text("sip:eve@pbx.example");
        lamp(
            settings,
            WatchSettings::new(eve, text(DESK), Package::Presence),
        );
        let mut amy =
            WatchSettings::new(text("sip:amy@pbx.example"), text(DESK), Package::Presence);
        amy.upstream = (!settings.upstreams.is_empty()).then_some(0);
        lamp(settings, amy);
    }
}

fn lamp(settings: &mut Settings, watch: WatchSettings) {
    let watch = settings.share_watch(watch).expect("room");
    let mut lamp = LampSettings::new(text(&format!("lamp{}", settings.lamps.len())));
    lamp.shows = Shows::Watch(watch);
    lamp.grace = Seconds(30);
    settings.lamps.push(lamp).expect("room");
}

fn buttons(settings: &mut Settings, has_all: bool) {
    for (name, latching, press) in [
        ("hook", true, Action::Hook),
        ("dnd", false, Action::Dnd),
        ("approve", false, Action::Approve),
        ("motion", true, Action::Motion),
    ] {
        let mut button = ButtonSettings::new(text(name), latching);
        button.press = press;
        settings.buttons.push(button).expect("room");
    }
    if has_all {
        for shows in [Shows::Dnd(0), Shows::Waiting(0), Shows::Health] {
            let mut lamp = LampSettings::new(text(&format!("own{}", settings.lamps.len())));
            lamp.shows = shows;
            settings.lamps.push(lamp).expect("room");
        }
    }
}

fn text<const N: usize>(text: &str) -> Text<N> {
    Text::copied(text).expect("short")
}
