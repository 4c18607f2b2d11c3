//! Builds a tree with the methods and operators that a user would write.

use std::ops::Bound;

use ndarray::SliceInfoElem;
use serde_json::Value;
use voxstore::{Axes, LazyArray, Overflow, arange, concatenate, full, stack, where_};

use crate::file::{Node, Tree, float};
use crate::inputs::Inputs;
use crate::parameters::Parameters;
use crate::reduce;

/// An array, or a number that takes its type from the array it meets.
pub(crate) enum Built {
    Array(LazyArray),
    Bool(bool),
    Int(i64),
    Float(f64),
}

impl Built {
    pub(crate) fn array(self) -> LazyArray {
        match self {
            Self::Array(array) => array,
            Self::Bool(_) | Self::Int(_) | Self::Float(_) => panic!("a number is no array"),
        }
    }
}

/// Calls `$call` with what an operand is: an array or a number.
macro_rules! with_operand {
    ($operand:expr, $x:ident => $call:expr) => {
        match $operand {
            Built::Array($x) => $call,
            Built::Bool($x) => $call,
            Built::Int($x) => $call,
            Built::Float($x) => $call,
        }
    };
}

/// `left op right`, with numbers on either side.
macro_rules! operator {
    ($left:expr, $op:tt, $right:expr) => {
        match ($left, $right) {
            (Built::Array(left), right) => with_operand!(right, x => left $op x),
            (Built::Int(left), Built::Array(right)) => left $op &right,
            (Built::Float(left), Built::Array(right)) => left $op &right,
            _ => panic!("no such numbers"),
        }
    };
}

/// `left op right` on bits, with whole numbers on the left.
macro_rules! bit_operator {
    ($left:expr, $op:tt, $right:expr) => {
        match ($left, $right) {
            (Built::Array(left), right) => with_operand!(right, x => left $op x),
            (Built::Bool(left), Built::Array(right)) => left $op &right,
            (Built::Int(left), Built::Array(right)) => left $op &right,
            _ => panic!("no such numbers"),
        }
    };
}

pub(crate) fn build(tree: &Tree, inputs: &Inputs<'_>) -> Built {
    match tree {
        Tree::Bool(value) => Built::Bool(*value),
        Tree::Int(value) => Built::Int(*value),
        Tree::Float(value) => Built::Float(*value),
        Tree::Input(name) => Built::Array(inputs.array(name).clone()),
        Tree::Node(node) if node.op == "number" => Built::Float(float(&node.parameters["value"])),
        Tree::Node(node) => Built::Array(operation(node, inputs)),
    }
}

fn operation(node: &Node, inputs: &Inputs<'_>) -> LazyArray {
    let mut args: Vec<Built> = node.args.iter().map(|arg| build(arg, inputs)).collect();
    let with = Parameters(&node.parameters);
    match node.op.as_str() {
        "full" | "arange" => create(&node.op, &with),
        "concatenate" | "stack" => {
            let arrays: Vec<LazyArray> = args.into_iter().map(Built::array).collect();
            let axis = with.axis("axis");
            if node.op == "stack" { stack(&arrays, axis) } else { concatenate(&arrays, axis) }
        }
        "where" => {
            let (otherwise, then) = (args.remove(2), args.remove(1));
            let condition = args.remove(0).array();
            with_operand!(then, a => with_operand!(otherwise, b => where_(&condition, a, b)))
        }
        "clip" => {
            let (high, low) = (args.remove(2), args.remove(1));
            let array = args.remove(0).array();
            with_operand!(low, a => with_operand!(high, b => array.clip(a, b)))
        }
        op if args.len() == 2 => {
            let right = args.remove(1);
            binary(op, args.remove(0), right)
        }
        op => {
            let array = args.remove(0).array();
            reduce::reduction(op, &array, node, inputs)
                .or_else(|| structure(op, &array, &with))
                .unwrap_or_else(|| unary(op, &array, &with))
        }
    }
}

fn create(op: &str, with: &Parameters<'_>) -> LazyArray {
    if op == "full" {
        let shape = with.lengths("shape");
        return match with.value("value") {
            Value::Bool(value) => full(&shape, *value),
            Value::Number(n) if n.is_f64() => full(&shape, with.float("value")),
            _ => full(&shape, with.int("value")),
        };
    }
    let names = ["start", "stop", "step"];
    if names.iter().any(|name| with.value(name).is_f64()) {
        let [start, stop, step] = names.map(|name| with.float(name));
        arange(start, stop, step)
    } else {
        let [start, stop, step] = names.map(|name| with.int(name));
        arange(start, stop, step)
    }
}

fn binary(op: &str, left: Built, right: Built) -> LazyArray {
    match op {
        "add" => operator!(left, +, right),
        "subtract" => operator!(left, -, right),
        "multiply" => operator!(left, *, right),
        "divide" => operator!(left, /, right),
        "remainder" => operator!(left, %, right),
        "bitwise_and" => bit_operator!(left, &, right),
        "bitwise_or" => bit_operator!(left, |, right),
        "bitwise_xor" => bit_operator!(left, ^, right),
        method => {
            let left = left.array();
            with_operand!(right, x => match method {
                "equal" => left.equal(x),
                "not_equal" => left.not_equal(x),
                "less" => left.less(x),
                "less_equal" => left.less_equal(x),
                "greater" => left.greater(x),
                "greater_equal" => left.greater_equal(x),
                "minimum" => left.minimum(x),
                "maximum" => left.maximum(x),
                "fmin" => left.fmin(x),
                "fmax" => left.fmax(x),
                "floor_divide" => left.floor_divide(x),
                other => panic!("no operation {other}"),
            })
        }
    }
}

fn structure(op: &str, array: &LazyArray, with: &Parameters<'_>) -> Option<LazyArray> {
    Some(match op {
        "transpose" => array.transpose(with.axes("axes")),
        "swapaxes" => array.swapaxes(with.axis("a"), with.axis("b")),
        "moveaxis" => array.moveaxis(with.axis("source"), with.axis("destination")),
        "squeeze" => array.squeeze(with.axes("axes")),
        "expand_dims" => array.expand_dims(with.axis("axis")),
        "broadcast_to" => array.broadcast_to(&with.lengths("shape")),
        "flip" => array.flip(with.axes("axes")),
        "slice" => array.slice(slices(with.list("slices"))),
        "slice_axis" => {
            let start = Bound::Included(with.axis("start"));
            let end = match with.value("end") {
                Value::Null => Bound::Unbounded,
                _ => Bound::Excluded(with.axis("end")),
            };
            array.slice_axis(with.axis("axis"), (start, end))
        }
        "take" => array.take(&with.indices("indices"), with.axis("axis")),
        "reshape" => {
            let shape: Vec<i64> = with.indices("shape").iter().map(|&n| n as i64).collect();
            array.reshape(&shape)
        }
        "rechunk" => array.rechunk(&with.lengths("shape")),
        "diff" => array.diff(with.axis("axis")),
        _ => return None,
    })
}

/// As `s![]` makes them.
fn slices(list: &[Value]) -> Vec<SliceInfoElem> {
    let whole = |value: &Value| value.as_i64().unwrap() as isize;
    list.iter()
        .map(|part| match part.as_array() {
            None if part.is_null() => SliceInfoElem::NewAxis,
            None => SliceInfoElem::Index(whole(part)),
            Some(part) => SliceInfoElem::Slice {
                start: whole(&part[0]),
                end: (!part[1].is_null()).then(|| whole(&part[1])),
                step: whole(&part[2]),
            },
        })
        .collect()
}

fn unary(op: &str, array: &LazyArray, with: &Parameters<'_>) -> LazyArray {
    match op {
        "negative" => -array,
        "invert" => !array,
        "absolute" => array.abs(),
        "square" => array.square(),
        "reciprocal" => array.reciprocal(),
        "sign" => array.sign(),
        "floor" => array.floor(),
        "ceil" => array.ceil(),
        "trunc" => array.trunc(),
        "round" => array.round(),
        "sqrt" => array.sqrt(),
        "exp" => array.exp(),
        "log" => array.log(),
        "log10" => array.log10(),
        "log1p" => array.log1p(),
        "expm1" => array.expm1(),
        "isnan" => array.isnan(),
        "isinf" => array.isinf(),
        "isfinite" => array.isfinite(),
        "nan_to_num" => array.nan_to_num(),
        "powi" => array.powi(i32::try_from(with.int("n")).unwrap()),
        "powf" => array.powf(with.float("p")),
        "astype" => match with.text("overflow") {
            None => array.astype(with.dtype()),
            Some("refuse") => array.astype_with(with.dtype(), Overflow::Refuse),
            Some("wrap") => array.astype_with(with.dtype(), Overflow::Wrap),
            Some("saturate") => array.astype_with(with.dtype(), Overflow::Saturate),
            Some(other) => panic!("no overflow {other}"),
        },
        other => panic!("no operation {other}"),
    }
}

impl Parameters<'_> {
    /// `..` for null, one number where there is one.
    pub(crate) fn axes(&self, name: &str) -> Axes {
        match self.value(name) {
            Value::Null => (..).into(),
            _ => match self.indices(name).as_slice() {
                [axis] => (*axis).into(),
                axes => axes.into(),
            },
        }
    }
}
