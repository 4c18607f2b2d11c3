//! From a recipe to the same expression twice: lazy arrays over some sources, and twins.

mod dice;
mod element;
mod grow;
mod lazy;
mod node;
mod streamed;
mod values;

use voxstore::LazyArray;

use crate::strategies::{Case, SourceSpec};
use crate::twin::{Fault, Twin};

pub(crate) use dice::Dice;
pub(crate) use element::{bits_of, integer, with_type};
pub(crate) use lazy::lazy;
pub(crate) use node::Node;
pub(crate) use values::Kind;

/// Elements of one array, at most.
const LARGEST: usize = 20_000;

/// An expression for each step, each over earlier ones, and what it should give.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) nodes: Vec<Node>,
    pub(crate) twins: Vec<Twin>,
    /// Nodes over earlier ones that have no answer.
    pub(crate) faults: Vec<(Node, Fault)>,
    /// For each node, the axes along which a stream under it may be read.
    streamed: Vec<Vec<bool>>,
    backwards: bool,
}

impl Program {
    pub(crate) fn new(case: &Case) -> Self {
        let time = |s: &SourceSpec| (1..=s.shape.len()).map(|axis| axis == s.shape.len()).collect();
        let mut program = Self {
            nodes: (0..case.sources.len()).map(Node::Source).collect(),
            twins: case.sources.iter().map(SourceSpec::twin).collect(),
            faults: Vec::new(),
            streamed: case.sources.iter().map(time).collect(),
            backwards: case.backwards,
        };
        for step in &case.steps {
            grow::take(&mut program, step);
        }
        program
    }

    /// Adds a node and returns its place, or `None` where it has no answer or too large a one.
    fn push(&mut self, node: Node) -> Option<usize> {
        match node.twin(&self.twins) {
            Ok(twin) if twin.len() <= LARGEST => {
                self.streamed.push(streamed::of(&node, &self.twins, &self.streamed, &twin.shape));
                self.nodes.push(node);
                self.twins.push(twin);
                Some(self.nodes.len() - 1)
            }
            Ok(_) => None,
            Err(fault) => {
                self.faults.push((node, fault));
                None
            }
        }
    }

    /// An array may be read backwards along this axis.
    fn may_go_back(&self, of: usize, axis: usize) -> bool {
        self.backwards || !self.streamed[of][axis]
    }

    /// The way to a node: every node under it, a line each.
    pub(crate) fn story(&self, node: &Node) -> String {
        let mut under = node.inputs();
        let mut next = 0;
        while next < under.len() {
            let more = self.nodes[under[next]].inputs();
            under.extend(more.into_iter().filter(|i| !under.contains(i)).collect::<Vec<_>>());
            next += 1;
        }
        under.sort_unstable();
        under.dedup();
        let line = |&i: &usize| {
            let twin = &self.twins[i];
            format!("  {i}: {:?} {} {:?}\n", self.nodes[i], twin.dtype, twin.shape)
        };
        format!("{node:?}, over\n{}", under.iter().map(line).collect::<String>())
    }

    /// The lazy array of each node, over these sources.
    pub(crate) fn lazies(&self, sources: &[LazyArray]) -> Vec<LazyArray> {
        let mut made = Vec::new();
        for node in &self.nodes {
            made.push(lazy(node, &made, sources));
        }
        made
    }
}
