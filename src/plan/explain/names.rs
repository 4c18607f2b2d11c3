//! What are nodes called?
//!
//! A kind, a word and what else there is to know. How long a name may be is for `picture`.

use std::sync::Arc;

use crate::grid::shape_text;
use crate::lazy::{AxisView, MapOp, Node, Op, View};
use crate::picture::NodeKind;

/// What a node is, in a word, and what else there is to know.
pub(super) fn describe(node: &Node) -> (NodeKind, String, String) {
    match &node.op {
        Op::Leaf { source, view } => {
            let seen = if view.is_whole(source.shape()) {
                String::new()
            } else {
                format!(", {} of {}", shape_text(view.shape()), shape_text(source.shape()))
            };
            let detail = format!("{}{seen}", source.transport());
            (NodeKind::Source, source.name().to_owned(), detail)
        }
        Op::Map { op, inputs } => {
            let (label, detail) = describe_map(op, inputs, node);
            (NodeKind::Elementwise, label, detail)
        }
        Op::Concat { inputs, axis } => {
            (NodeKind::Structure, format!("join {} along axis {axis}", inputs.len()), String::new())
        }
        Op::View { view, input } => {
            (NodeKind::Structure, view_name(view, &input.shape), String::new())
        }
        Op::Reduce(reduce) => {
            let axes: Vec<String> = reduce.axes.iter().map(usize::to_string).collect();
            let plural = if axes.len() == 1 { "axis" } else { "axes" };
            let mut detail = Vec::new();
            if reduce.mask.is_some() {
                detail.push("masked".to_owned());
            }
            if let Some(groups) = &reduce.groups {
                detail.push(format!("{} groups", groups.count));
            }
            let label = format!("{} over {plural} {}", reduce.op.label(), axes.join(", "));
            (NodeKind::Reduction, label, detail.join(", "))
        }
        Op::Kept(_) => (NodeKind::Structure, "summed elsewhere".to_owned(), String::new()),
        Op::Custom { function, .. } => {
            (NodeKind::Structure, function.name.to_string(), "computed by block".to_owned())
        }
        Op::Scalar(value) => (NodeKind::Source, value.to_string(), String::new()),
        Op::Invalid(error) => (NodeKind::Source, error.to_string(), String::new()),
    }
}

fn describe_map(op: &MapOp, inputs: &[Arc<Node>], node: &Node) -> (String, String) {
    match op {
        MapOp::Unary(op) => (op.name().to_owned(), String::new()),
        MapOp::Binary(op) => {
            let number = inputs.iter().find_map(|input| match input.op {
                Op::Scalar(value) => Some(format!(" {value}")),
                _ => None,
            });
            (format!("{}{}", op.name(), number.unwrap_or_default()), String::new())
        }
        MapOp::Where => ("where".to_owned(), String::new()),
        MapOp::Rescale { slope, inter } => ("rescale".to_owned(), format!("*{slope} +{inter}")),
        MapOp::Cast(_) => (format!("astype {}", node.dtype), String::new()),
    }
}

/// A view in one word.
fn view_name(view: &View, input: &[u64]) -> String {
    let repeated = (0..view.shape().len())
        .any(|axis| view.driven_by(axis).is_none() && view.shape()[axis] > 1);
    let kept: Vec<usize> = view
        .axes()
        .iter()
        .filter_map(|driver| match driver {
            AxisView::Run { axis, .. } | AxisView::Pick { axis, .. } => Some(*axis),
            AxisView::At(_) => None,
        })
        .collect();
    let elements = |shape: &[u64]| shape.iter().product::<u64>();
    if repeated {
        "broadcast"
    } else if !kept.is_sorted() {
        "transpose"
    } else if elements(view.shape()) == elements(input) && view.shape().len() != input.len() {
        "axes of length 1"
    } else {
        "slice"
    }
    .to_owned()
}
