//! The parts of an object that are wanted, found in one pass over its text.
//!
//! Rows of one input mostly have the same members in the same order. The order of the last row is
//! remembered, so that a member is recognised by one comparison.

use crate::ingest::json::scan::{Scanner, Value, unescaped};
use crate::ingest::report::BadRow;

/// The paths that are wanted, as a tree of names.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    children: Vec<Child>,
    /// The members of the objects here, in the order they came in.
    order: Vec<Member>,
}

/// A member that objects have had.
#[derive(Debug)]
struct Member {
    /// Its name as it stands, in quotes and with its colon.
    quoted: Box<[u8]>,
    /// The child that it is, if it is wanted.
    child: Option<usize>,
}

impl Member {
    fn name(&self) -> &[u8] {
        let inner = self.quoted.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\":"));
        inner.unwrap_or(&[])
    }
}

/// A name that leads somewhere.
#[derive(Debug, Default, Clone)]
struct Child {
    name: Box<[u8]>,
    /// The slots of the paths that end here, and how many names were walked to it.
    slots: Vec<usize>,
    depth: usize,
    /// Where longer paths go on.
    node: Option<usize>,
}

/// What a row has at a path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) value: Value<'a>,
    /// The name as a whole stands over a nested part.
    depth: usize,
}

impl Tree {
    /// Makes the tree of paths; a value is found in the slot of its path's place. A part is found
    /// by its whole name, else by the names between the dots.
    pub(crate) fn new<'p>(paths: impl IntoIterator<Item = &'p str>) -> Self {
        let mut tree = Self { nodes: vec![Node::default()] };
        for (slot, path) in paths.into_iter().enumerate() {
            tree.add(0, path, slot, 0);
        }
        tree
    }

    fn add(&mut self, node: usize, path: &str, slot: usize, depth: usize) {
        let child = self.child(node, path, depth);
        child.slots.push(slot);
        for (at, _) in path.match_indices('.') {
            let (Some(name), Some(rest)) = (path.get(..at), path.get(at + 1..)) else { continue };
            let known = self.child(node, name, depth).node;
            let next = known.unwrap_or(self.nodes.len());
            if known.is_none() {
                self.nodes.push(Node::default());
                self.child(node, name, depth).node = Some(next);
            }
            self.add(next, rest, slot, depth + 1);
        }
    }

    fn child(&mut self, node: usize, name: &str, depth: usize) -> &mut Child {
        if self.nodes.len() <= node {
            self.nodes.resize_with(node + 1, Node::default);
        }
        #[expect(clippy::indexing_slicing, reason = "the line above makes the node")]
        let children = &mut self.nodes[node].children;
        let known = children.iter().position(|child| *child.name == *name.as_bytes());
        let place = known.unwrap_or(children.len());
        if known.is_none() {
            children.push(Child { name: name.as_bytes().into(), depth, ..Child::default() });
        }
        #[expect(clippy::indexing_slicing, reason = "the lines above make the child")]
        &mut children[place]
    }

    /// Reads an object and puts what it has into the slots, which are empty before.
    #[inline]
    pub(crate) fn find<'a>(
        &mut self,
        text: &'a [u8],
        slots: &mut [Option<Found<'a>>],
    ) -> Result<(), BadRow> {
        let mut scanner = Scanner::new(text);
        self.read(0, &mut scanner, slots)?;
        scanner.end()
    }

    fn read<'a>(
        &mut self,
        node: usize,
        scanner: &mut Scanner<'a>,
        slots: &mut [Option<Found<'a>>],
    ) -> Result<(), BadRow> {
        let mut place = 0;
        let mut has_more = scanner.open_object()?;
        while has_more {
            let child = self.child_of(node, &mut place, scanner)?;
            if let Some(child) = child {
                let before = scanner.clone();
                let value = scanner.value()?;
                self.put(node, child, value, slots, before)?;
            } else {
                scanner.value()?;
            }
            has_more = scanner.more_members()?;
        }
        Ok(())
    }

    /// Keeps a value of a member that is wanted.
    #[inline]
    fn put<'a>(
        &mut self,
        node: usize,
        child: usize,
        value: Value<'a>,
        slots: &mut [Option<Found<'a>>],
        mut scanner: Scanner<'a>,
    ) -> Result<(), BadRow> {
        let Some(child) = self.nodes.get(node).and_then(|node| node.children.get(child)) else {
            return Ok(());
        };
        let (depth, next) = (child.depth, child.node);
        for slot in &child.slots {
            let Some(slot) = slots.get_mut(*slot) else { continue };
            match slot {
                Some(known) if known.depth < depth => {}
                Some(known) if known.depth == depth => {
                    let name = String::from_utf8_lossy(&child.name);
                    return Err(BadRow::new(0, format!("{name:?} is given twice")));
                }
                _ => *slot = Some(Found { value, depth }),
            }
        }
        match (next, value) {
            (Some(next), Value::Object(_)) => self.read(next, &mut scanner, slots),
            _ => Ok(()),
        }
    }

    /// Reads a member's name and returns the child that it is. Mostly it is the one that came next
    /// in the rows before, and then its name need not be looked at byte by byte.
    #[inline]
    fn child_of(
        &mut self,
        node: usize,
        place: &mut usize,
        scanner: &mut Scanner<'_>,
    ) -> Result<Option<usize>, BadRow> {
        let Some(node) = self.nodes.get_mut(node) else { return Ok(None) };
        if let Some(member) = node.order.get(*place)
            && scanner.take_all(&member.quoted)
        {
            *place += 1;
            return Ok(member.child);
        }
        let (name, is_escaped) = scanner.name()?;
        node.look_up(place, name, is_escaped)
    }
}

impl Node {
    /// Finds a member among those that come later, or remembers it.
    fn look_up(
        &mut self,
        place: &mut usize,
        name: &[u8],
        is_escaped: bool,
    ) -> Result<Option<usize>, BadRow> {
        /// So many members may be absent one after the other.
        const ABSENT_MAX: usize = 4;
        /// Members behind the first so many are looked up each time.
        const MEMBERS_REMEMBERED: usize = 256;
        let later = self.order.iter().enumerate().skip(*place).take(ABSENT_MAX);
        for (index, member) in later {
            if member.name() == name {
                *place = index + 1;
                return Ok(member.child);
            }
        }
        let text = unescaped(name, is_escaped)?;
        let child = self.children.iter().position(|child| *child.name == *text.as_bytes());
        let is_known = self.order.iter().any(|member| member.name() == name);
        if self.order.len() < MEMBERS_REMEMBERED && !is_known {
            let next = (*place).min(self.order.len());
            let quoted = [b"\"", name, b"\":"].concat().into();
            self.order.insert(next, Member { quoted, child });
            *place = next + 1;
        }
        Ok(child)
    }
}
