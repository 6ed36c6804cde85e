//! The upper two levels of a document's elements.

use heapless::Vec;
use xmlparser::{ElementEnd, Token, Tokenizer};

/// What stands in a document's root, and in each of those. Documents with more parts have none.
pub(super) struct Shape<'a> {
    text: &'a str,
    nodes: Vec<Node, 96>,
}

/// An element. Places are bytes of the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) from: u16,
    to: u16,
    /// Behind its start tag.
    content: u16,
    name: u16,
    id: (u16, u16),
    /// Where the element begins that it stands in; at the root its own.
    parent: u16,
    /// Whether it has more in it than elements.
    pub(super) has_text: bool,
}

impl<'a> Shape<'a> {
    /// Takes a root's content apart. `None` if an element can't be named: its id has quotes or references, is there
    /// twice or on some of its name only, or it stands in a default namespace of its own.
    pub(super) fn of(text: &'a str) -> Option<Shape<'a>> {
        u16::try_from(text.len()).ok()?;
        let mut shape = Shape {
            text,
            nodes: Vec::new(),
        };
        shape.read()?;
        let all = shape.nodes.iter();
        all.clone()
            .all(|&node| shape.is_named(node))
            .then_some(shape)
    }

    fn read(&mut self) -> Option<()> {
        let mut open = [0; 2];
        let mut depth = 0;
        for token in Tokenizer::from_fragment(self.text, 0..self.text.len()) {
            match token.ok()? {
                Token::ElementStart { span, .. } => {
                    if let Some(place) = open.get_mut(depth) {
                        *place = self.nodes.len();
                        let from = span.start() as u16;
                        let node = Node {
                            from,
                            name: span.end() as u16,
                            parent: from,
                            ..Node::default()
                        };
                        self.nodes.push(node).ok()?;
                    }
                    if depth == 1 {
                        let parent = self.nodes[open[0]].from;
                        self.nodes[open[1]].parent = parent;
                    }
                    depth += 1;
                }
                Token::Attribute {
                    prefix,
                    local,
                    value,
                    ..
                } if depth <= open.len() => match (prefix.as_str(), local.as_str()) {
                    ("", "id") => {
                        let node = &mut self.nodes[open[depth - 1]];
                        node.id = (value.start() as u16, value.end() as u16);
                    }
                    ("", "xmlns") => return None,
                    _ => {}
                },
                Token::ElementEnd { end, span } => {
                    let place = open.get(depth.checked_sub(1)?).copied();
                    let node = place.map(|at| &mut self.nodes[at]);
                    match (end, node) {
                        (ElementEnd::Open, Some(node)) => node.content = span.end() as u16,
                        (ElementEnd::Open, None) => {}
                        (ElementEnd::Empty, Some(node)) => {
                            (node.content, node.to) = (span.end() as u16, span.end() as u16);
                            depth -= 1;
                        }
                        (ElementEnd::Close(..), Some(node)) => {
                            node.to = span.end() as u16;
                            depth -= 1;
                        }
                        (ElementEnd::Empty | ElementEnd::Close(..), None) => depth -= 1,
                    }
                }
                Token::Attribute { .. } => {}
                _ if depth == 0 => return None,
                _ if depth == 1 => self.nodes[open[0]].has_text = true,
                _ => {}
            }
        }
        (depth == 0).then_some(())
    }

    /// Those at the root, or in an element.
    pub(super) fn children(&self, parent: Option<Node>) -> impl DoubleEndedIterator<Item = Node> {
        let is_child = move |node: &&Node| match parent {
            None => node.parent == node.from,
            Some(parent) => node.parent == parent.from && node.from != parent.from,
        };
        self.nodes.iter().filter(is_child).copied()
    }

    /// The child of `parent` that is the same as `node` of another document: of its name and id, or place.
    pub(super) fn same(&self, parent: Option<Node>, other: &Shape<'_>, node: Node) -> Option<Node> {
        let around = other.around(node);
        self.children(parent).find(|&own| {
            self.name(own) == other.name(node)
                && match (self.id(own), other.id(node)) {
                    (Some(own), Some(id)) => own == id,
                    (None, None) => self.place(parent, own) == other.place(around, node),
                    (Some(_), None) | (None, Some(_)) => false,
                }
        })
    }

    fn around(&self, node: Node) -> Option<Node> {
        let mut all = self.nodes.iter();
        all.find(|it| it.from == node.parent && node.from != node.parent)
            .copied()
    }

    /// Its place among those of its name in `parent`, from 1.
    pub(super) fn place(&self, parent: Option<Node>, node: Node) -> u32 {
        let named = |it: &Node| self.name(*it) == self.name(node) && it.from <= node.from;
        self.children(parent).filter(named).count() as u32
    }

    pub(super) fn raw(&self, node: Node) -> &'a str {
        &self.text[usize::from(node.from)..usize::from(node.to)]
    }

    /// Its start tag.
    pub(super) fn tag(&self, node: Node) -> &'a str {
        &self.text[usize::from(node.from)..usize::from(node.content)]
    }

    pub(super) fn name(&self, node: Node) -> &'a str {
        &self.text[usize::from(node.from) + 1..usize::from(node.name)]
    }

    pub(super) fn id(&self, node: Node) -> Option<&'a str> {
        let (from, to) = node.id;
        (to > 0).then(|| &self.text[usize::from(from)..usize::from(to)])
    }

    fn is_named(&self, node: Node) -> bool {
        let id = self.id(node);
        let is_plain = id.is_none_or(|id| !id.contains(['\'', '"', '&', '<']));
        let mut others = self.children(self.around(node));
        let clashes = |it: Node| {
            it != node
                && self.name(it) == self.name(node)
                && (id.is_some() || self.id(it).is_some())
                && (self.id(it).is_none() || id.is_none() || self.id(it) == id)
        };
        is_plain && !others.any(clashes)
    }
}
