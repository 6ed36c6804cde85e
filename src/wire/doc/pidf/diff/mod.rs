//! Partial presence out (RFC 5262): a document of ours told in full with a version number, or as what is different from
//! one that the watcher has, in the patch operations of RFC 5261.
//!
//! The patch names what it changes by `id`, or by its place among those of its name, down to the children of tuples,
//! persons and devices; deeper down such a child is told whole. What can't be named so is told in full: an element with
//! a namespace of its own at its root, an order that changed, more parts than [`Shape`] holds.
//!
//! Both documents were written by [`write`](super::write()): their heads are what that makes them.

mod shape;

use self::shape::{Node, Shape};
use crate::wire::doc::Rendered;
use crate::wire::doc::out::Out;
use crate::wire::out::WriteError;

/// Writes `document` in full, without its version number.
///
/// # Errors
/// [`WriteError`] if it does not fit `buf`, or `document` is none of ours.
pub fn write_full(document: &[u8], buf: &mut [u8]) -> Result<Rendered, WriteError> {
    let (head, content) = taken_apart(document).ok_or(WriteError::Illegal)?;
    write_root("p:pidf-full", head, buf, |out| {
        out.raw(content);
        Some(())
    })
}

/// Writes what makes `new` of `old`, without its version number.
///
/// # Errors
/// [`WriteError`] if there is no such patch, or one that is no shorter than `new`: tell that in full.
pub fn write_diff(old: &[u8], new: &[u8], buf: &mut [u8]) -> Result<Rendered, WriteError> {
    let (_, old) = taken_apart(old).ok_or(WriteError::Illegal)?;
    let (head, content) = taken_apart(new).ok_or(WriteError::Illegal)?;
    let shapes = Shape::of(old).zip(Shape::of(content));
    let (old, shape) = shapes.ok_or(WriteError::Illegal)?;
    let most = new.len().min(buf.len());
    write_root("p:pidf-diff", head, &mut buf[..most], |out| {
        let patch = Patch {
            old: &old,
            new: &shape,
            head,
        };
        patch.write(None, None, out)
    })
}

/// What the root's tag says, and what the root contains.
fn taken_apart(document: &[u8]) -> Option<(&str, &str)> {
    let document = core::str::from_utf8(document).ok()?;
    let (_, rest) = document.split_once("<presence")?;
    let (head, content) = rest.split_once('>')?;
    Some((head, content.strip_suffix("</presence>")?))
}

fn write_root(
    name: &str,
    head: &str,
    buf: &mut [u8],
    content: impl FnOnce(&mut Out<'_>) -> Option<()>,
) -> Result<Rendered, WriteError> {
    let mut out = Out::new(buf);
    out.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?><");
    out.raw(name);
    out.raw(head);
    out.raw(" xmlns:p=\"urn:ietf:params:xml:ns:pidf-diff\" version=\"");
    let version_at = out.position();
    out.raw("\">");
    content(&mut out).ok_or(WriteError::Illegal)?;
    out.close(name);
    let len = out.finish()?;
    Ok(Rendered { len, version_at })
}

/// Two documents, and what the root of the newer one says of namespaces.
struct Patch<'a> {
    old: &'a Shape<'a>,
    new: &'a Shape<'a>,
    head: &'a str,
}

impl Patch<'_> {
    /// Writes what makes the children of `new` of those of `old`, elements that have the same name; `None` are the roots.
    /// `None` if it can't be said.
    fn write(&self, old: Option<Node>, new: Option<Node>, out: &mut Out<'_>) -> Option<()> {
        self.check_order(old, new)?;
        // From the end, so that those before keep their places.
        for gone in self.old.children(old).rev() {
            if self.new.same(new, self.old, gone).is_none() {
                out.raw("<p:remove sel=\"");
                self.path(self.old, old, Some(gone), out)?;
                out.raw("\"/>");
            }
        }
        let mut before = None;
        for child in self.new.children(new) {
            match self.old.same(old, self.new, child) {
                None => self.add(new, before, child, out)?,
                Some(known) => self.change(new, known, child, out)?,
            }
            before = Some(child);
        }
        Some(())
    }

    /// Fails if those in both stand in another order.
    fn check_order(&self, old: Option<Node>, new: Option<Node>) -> Option<()> {
        let new = self.new.children(new);
        let known = new.filter_map(|child| self.old.same(old, self.new, child));
        known.is_sorted_by_key(|node| node.from).then_some(())
    }

    fn add(
        &self,
        parent: Option<Node>,
        before: Option<Node>,
        child: Node,
        out: &mut Out<'_>,
    ) -> Option<()> {
        out.raw("<p:add sel=\"");
        self.path(self.new, parent, before, out)?;
        out.raw(match before {
            Some(_) => "\" pos=\"after\">",
            None => "\" pos=\"prepend\">",
        });
        out.raw(self.new.raw(child));
        out.close("p:add");
        Some(())
    }

    fn change(
        &self,
        parent: Option<Node>,
        known: Node,
        child: Node,
        out: &mut Out<'_>,
    ) -> Option<()> {
        let (old, new) = (self.old.raw(known), self.new.raw(child));
        if old == new {
            return Some(());
        }
        let has_same_tag = self.old.tag(known) == self.new.tag(child);
        let is_open = !known.has_text && !child.has_text;
        if parent.is_none() && has_same_tag && is_open {
            let mark = out.mark();
            if self.write(Some(known), Some(child), out).is_some() {
                return Some(());
            }
            out.rewind(mark);
        }
        out.raw("<p:replace sel=\"");
        self.path(self.new, parent, Some(child), out)?;
        out.raw("\">");
        out.raw(new);
        out.close("p:replace");
        Some(())
    }

    /// Writes the way to an element: from the root, through `parent`. `None` if it has a name that the head does not
    /// know.
    fn path(
        &self,
        shape: &Shape<'_>,
        parent: Option<Node>,
        node: Option<Node>,
        out: &mut Out<'_>,
    ) -> Option<()> {
        out.raw("*");
        for (around, node) in [(None, parent), (parent, node)] {
            let Some(node) = node else { continue };
            let name = shape.name(node);
            if let Some((prefix, _)) = name.split_once(':') {
                self.head
                    .split_once(" xmlns:")?
                    .1
                    .split(" xmlns:")
                    .find(|it| {
                        it.strip_prefix(prefix)
                            .is_some_and(|it| it.starts_with('='))
                    })?;
            }
            out.raw("/");
            out.raw(name);
            out.raw("[");
            match shape.id(node) {
                Some(id) => ["@id='", id, "'"].iter().for_each(|part| out.raw(part)),
                None => out.number(shape.place(around, node), 1),
            }
            out.raw("]");
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
