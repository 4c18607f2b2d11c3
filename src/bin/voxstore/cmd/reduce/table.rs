//! Results without space: the numbers, as a table, as tab-separated values and as JSON.

use std::fmt;

use anyhow::Result;
use ndarray::ArrayD;
use serde::{Serialize, Serializer};
use voxstore::{DType, Element, LazyArray, Report, Run, Session};

use super::request::{AXIS_NAMES, Request};
use crate::args::{AxisArg, OpArg};
use crate::render;

/// A number of any type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Bool(bool),
    Int(i64),
    Unsigned(u64),
    Float(f64),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Unsigned(value) => value.fmt(f),
            // As many digits as make it the same number again.
            Self::Float(value) => write!(f, "{value:?}"),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            // JSON has no NaN: it is null, as serde_json has it.
            Self::Float(value) => serializer.serialize_f64(*value),
        }
    }
}

/// Computes all numbers of an array, the last axis fastest.
pub(crate) fn compute(array: &LazyArray, session: &Session) -> Result<(Vec<Number>, Report)> {
    match array.dtype() {
        DType::Bool => numbers(array, session, Number::Bool),
        DType::U64 => numbers(array, session, Number::Unsigned),
        DType::F64 => numbers(array, session, Number::Float),
        _ => numbers(array, session, Number::Int),
    }
}

fn numbers<T: Element>(
    array: &LazyArray,
    session: &Session,
    number: impl Fn(T) -> Number,
) -> Result<(Vec<Number>, Report)> {
    let computed = session.compute_all::<T>(&[array])?;
    let arrays: Vec<ArrayD<T>> = computed.arrays;
    Ok((arrays.iter().flatten().map(|&value| number(value)).collect(), computed.report))
}

/// A result without space.
pub(crate) struct Table {
    /// Names of the columns.
    head: Vec<String>,
    rows: Vec<Vec<Number>>,
    /// The rows are the volumes of the runs.
    by_volume: bool,
    /// A row has one number, not several.
    plain: bool,
}

impl Table {
    pub(crate) fn new(request: &Request<'_>, numbers: Vec<Number>, shape: &[u64]) -> Self {
        let name = request.op_name();
        let edges = request.what.edges.as_deref().unwrap_or_default();
        let by_volume = !request.reduces(AxisArg::T);
        match request.what.op {
            OpArg::Histogram if by_volume => {
                let bins = edges.len() - 1;
                let head = edges.windows(2).enumerate().map(|(bin, pair)| {
                    let close = if bin + 1 == bins { ']' } else { ')' };
                    format!("[{}, {}{close}", pair[0], pair[1])
                });
                let rows = numbers.chunks(bins).map(<[Number]>::to_vec).collect();
                Self { head: head.collect(), rows, by_volume, plain: false }
            }
            OpArg::Histogram => {
                let row = |(count, pair): (&Number, &[f64])| {
                    vec![Number::Float(pair[0]), Number::Float(pair[1]), *count]
                };
                let rows = numbers.iter().zip(edges.windows(2)).map(row).collect();
                let head = ["from", "to", "count"].map(str::to_owned).to_vec();
                Self { head, rows, by_volume, plain: false }
            }
            OpArg::Quantile if request.what.has_several_quantiles() => {
                let q = &request.what.q;
                if by_volume {
                    let head = q.iter().map(|q| format!("q{q}")).collect();
                    let rows = numbers.chunks(q.len()).map(<[Number]>::to_vec).collect();
                    return Self { head, rows, by_volume, plain: false };
                }
                let row = |(q, value): (&f64, Number)| vec![Number::Float(*q), value];
                let rows = q.iter().zip(numbers).map(row).collect();
                Self { head: vec!["q".to_owned(), name], rows, by_volume, plain: false }
            }
            OpArg::Argmin | OpArg::Argmax => {
                let rows = numbers.iter().map(|number| place_of(*number, shape)).collect();
                let head = AXIS_NAMES.map(str::to_owned).to_vec();
                Self { head, rows, by_volume, plain: false }
            }
            _ => {
                let rows = numbers.into_iter().map(|number| vec![number]).collect();
                Self { head: vec![name], rows, by_volume, plain: true }
            }
        }
    }

    /// The table for a terminal; volumes are numbered from 0, run by run where there are several.
    pub(crate) fn text(&self, runs: &[Run]) -> String {
        let mut head: Vec<&str> = self.head.iter().map(String::as_str).collect();
        let mut rows: Vec<Vec<String>> = self.cells().collect();
        if self.by_volume {
            head.insert(0, "volume");
            let places = runs.iter().flat_map(|run| (0..run.shape()[3]).map(move |t| (run, t)));
            for (row, (run, volume)) in rows.iter_mut().zip(places) {
                row.insert(0, volume.to_string());
                if runs.len() > 1 {
                    row.insert(0, run.name().to_owned());
                }
            }
            if runs.len() > 1 {
                head.insert(0, "run");
            }
        }
        render::table(&head, &rows)
    }

    /// The numbers alone, between tabs.
    pub(crate) fn bare(&self) -> String {
        self.cells().map(|row| row.join("\t")).collect::<Vec<_>>().join("\n")
    }

    /// The numbers under the names of their columns, as the lines of a file.
    pub(crate) fn tsv(&self) -> String {
        format!("{}\n{}\n", self.head.join("\t"), self.bare())
    }

    /// One number, a list of them, or a list of rows.
    pub(crate) fn values(&self) -> Values<'_> {
        match self.rows.as_slice() {
            [row] if self.plain && !self.by_volume => Values::One(row[0]),
            rows if self.plain => Values::Many(rows.iter().map(|row| row[0]).collect()),
            rows => Values::Rows { columns: &self.head, rows },
        }
    }

    fn cells(&self) -> impl Iterator<Item = Vec<String>> {
        self.rows.iter().map(|row| row.iter().map(Number::to_string).collect())
    }
}

/// What a JSON file has of a table.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Values<'a> {
    One(Number),
    Many(Vec<Number>),
    Rows { columns: &'a [String], rows: &'a [Vec<Number>] },
}

/// The indices along x, y, z and t of an element that is counted in C order.
fn place_of(index: Number, shape: &[u64]) -> Vec<Number> {
    let mut rest = match index {
        Number::Int(index) => index as u64,
        _ => 0,
    };
    let mut place = vec![Number::Unsigned(0); shape.len()];
    for (to, &length) in place.iter_mut().zip(shape).rev() {
        *to = Number::Unsigned(rest % length.max(1));
        rest /= length.max(1);
    }
    place
}
