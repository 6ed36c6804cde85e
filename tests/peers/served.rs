//! Lists that Lampfield serves, watched by other makes' phones.

use std::fmt::Write as _;

use crate::agent::{Agent, configuration};
use crate::line::{Line, Transport};
use crate::linphone::Linphone;
use crate::process::free_port;
use crate::sipp::{ONCE, Sipp};

#[test]
fn linphone_takes_the_house_with_one_subscription() /* F16 */
{
    linphone_watches_the_list(Transport::Udp);
}

#[test]
fn linphone_takes_the_house_with_one_subscription_over_tcp() /* F16 */
{
    linphone_watches_the_list(Transport::Tcp);
}

/// It says that it reads lists, and answers every NOTIFY with 200. What it shows is another matter: see `linphone`.
fn linphone_watches_the_list(transport: Transport) {
    let port = free_port();
    let mut text = configuration(port, &[]);
    if transport == Transport::Tcp {
        let listen = format!("listen = [\"tcp:127.0.0.1:{port}\", ");
        text = text.replacen("listen = [", &listen, 1);
    }
    let list = format!("sip:all@127.0.0.1:{port}");
    let kitchen = format!("sip:kitchen@127.0.0.1:{port}");
    write!(
        text,
        "[[presentity]]\nuri = \"{kitchen}\"\n\
         [[presentity]]\nuri = \"sip:bob@127.0.0.1:{port}\"\nregisters = true\n\
         [[served_list]]\nuri = \"{list}\"\nmembers = [\"sip:desk@127.0.0.1:{port}\", \"{kitchen}\"]\n"
    )
    .expect("a string can grow");
    let server = Agent::configured(port, &text, &[]);
    let line = Line::at_lampfield(&server, "bob").over(transport);
    let mut linphone = Linphone::of_list(&line, &list);
    linphone.expect_registered();
    server.expect_watchers(1);
    server.run(&["press", "dnd"]);
    server.run(&["press", "dnd"]);
    server.expect_watchers(1);
    linphone.quit();
    server.expect_watchers(0);
}

#[test]
fn sipp_hears_one_of_the_house() /* F16 F18 F19 */
{
    let port = free_port();
    let kitchen = format!("sip:kitchen@127.0.0.1:{port}");
    let text = format!(
        "{}[[presentity]]\nuri = \"{kitchen}\"\n[[served_list]]\nuri = \"sip:all@127.0.0.1:{port}\"\n\
         members = [\"sip:desk@127.0.0.1:{port}\", \"{kitchen}\"]\n",
        configuration(port, &[])
    );
    let server = Agent::configured(port, &text, &[]);
    let watcher = Sipp::calling("press_list", &server.address(), ONCE);
    server.expect_watchers(1);
    server.run(&["press", "hook"]);
    watcher.finish();
    server.expect_watchers(0);
}
