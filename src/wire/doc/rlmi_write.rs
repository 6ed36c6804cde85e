//! Resource list meta-information out (RFC 4662 §5.1): who is on a list, and how each stands.

use super::multipart_write::Cid;
use super::out::Out;
use crate::wire::out;

/// The media type of the document.
pub const MEDIA_TYPE: &str = "application/rlmi+xml";

/// The root of a document.
#[derive(Clone, Copy, Debug)]
pub struct List<'a> {
    /// The list's own URI.
    pub uri: &'a str,
    /// 0 in the first NOTIFY of a subscription, and one more in each that follows (§5.2).
    pub version: u32,
    /// Whether everybody on the list stands in the document.
    pub full: bool,
}

/// Somebody on the list.
#[derive(Clone, Copy, Debug)]
pub struct Resource<'a> {
    /// Its URI.
    pub uri: &'a str,
    /// How the watcher's subscription to it stands; `None` while nothing is known.
    pub instance: Option<Instance>,
}

/// How the virtual subscription to one resource stands (§5.5). There is one of each, and its id stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instance {
    /// The state is in that part of the message.
    Active(Cid),
    /// Nobody has decided yet.
    Pending,
    /// It is not allowed.
    Rejected,
    /// It is on the list no more.
    Removed,
}

/// Appends the document.
pub fn write<'a, 'b>(
    sink: &mut out::Out<'b>,
    list: &List<'_>,
    resources: impl Iterator<Item = Resource<'a>>,
) {
    Out::onto(sink, |out| {
        out.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        out.raw("<list xmlns=\"urn:ietf:params:xml:ns:rlmi\"");
        out.attribute("uri", Some(list.uri));
        out.raw(" version=\"");
        out.number(list.version, 1);
        out.raw("\"");
        out.attribute("fullState", Some(if list.full { "true" } else { "false" }));
        out.raw(">");
        resources.for_each(|resource| write_resource(out, &resource));
        out.close("list");
    });
}

fn write_resource(out: &mut Out<'_>, resource: &Resource<'_>) {
    out.raw("<resource");
    out.attribute("uri", Some(resource.uri));
    let Some(instance) = resource.instance else {
        return out.raw("/>");
    };
    out.raw("><instance id=\"1\" state=\"");
    match instance {
        Instance::Active(cid) => {
            out.raw("active\" cid=\"");
            out.print(&cid);
        }
        Instance::Pending => out.raw("pending"),
        Instance::Rejected => out.raw("terminated\" reason=\"rejected"),
        Instance::Removed => out.raw("terminated\" reason=\"deactivated"),
    }
    out.raw("\"/></resource>");
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::String;

    #[test]
    fn everybody_stands_as_the_watcher_may_know() /* F18 F19 */
    {
        let mut buf = [0; 1_024];
        let mut out = out::Out::new(&mut buf);
        let list = List {
            uri: "sip:all@house.example",
            version: 7,
            full: true,
        };
        let cid = Cid { key: 1, part: 1 };
        let all = [
            ("sip:a&b@house.example", Some(Instance::Active(cid))),
            ("sip:c@house.example", Some(Instance::Pending)),
            ("sip:d@house.example", Some(Instance::Rejected)),
            ("sip:e@house.example", None),
            ("sip:f@house.example", Some(Instance::Removed)),
        ];
        let all = all.map(|(uri, instance)| Resource { uri, instance });
        write(&mut out, &list, all.into_iter());
        let len = out.finish().expect("it fits");
        assert_eq!(
            String::from_utf8_lossy(&buf[..len]),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
             <list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"sip:all@house.example\" version=\"7\" \
             fullState=\"true\">\
             <resource uri=\"sip:a&amp;b@house.example\"><instance id=\"1\" state=\"active\" \
             cid=\"1.0000000000000001@lampfield\"/></resource>\
             <resource uri=\"sip:c@house.example\"><instance id=\"1\" state=\"pending\"/></resource>\
             <resource uri=\"sip:d@house.example\"><instance id=\"1\" state=\"terminated\" \
             reason=\"rejected\"/></resource>\
             <resource uri=\"sip:e@house.example\"/>\
             <resource uri=\"sip:f@house.example\"><instance id=\"1\" state=\"terminated\" \
             reason=\"deactivated\"/></resource></list>"
        );
    }
}
