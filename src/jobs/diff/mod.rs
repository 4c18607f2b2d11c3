//! How far apart are two maps, arrays or runs?
//!
//! Every figure comes from true values, in float64, out of one plan: nothing is ever whole in memory.
//! Formulas are in `docs/numerics.md`. Says nothing about bytes: that a stored run is its source, byte for
//! byte, is asked of `Store::verify_against`.

mod figures;

use std::sync::Arc;

use ndarray::SliceInfoElem;
use serde::Serialize;

use self::figures::Figures;
use super::error::JobError;
use super::grid::{TOLERANCE_MM, corners_apart_mm};
use crate::dtype::DType;
use crate::exec::Report;
use crate::json_number::number;
use crate::lazy::LazyArray;
use crate::run::Run;
use crate::runtime::Session;
use crate::source::Source;

/// One of two things to compare: a run (a map is one of one volume) or an array without a place.
#[derive(Clone, Debug)]
pub struct DiffInput {
    name: String,
    dtype: DType,
    values: LazyArray,
    run: Option<Run>,
}

impl From<&Run> for DiffInput {
    fn from(run: &Run) -> Self {
        Self {
            name: run.name().to_owned(),
            dtype: run.source().dtype(),
            values: run.lazy(),
            run: Some(run.clone()),
        }
    }
}

impl From<Arc<dyn Source>> for DiffInput {
    fn from(source: Arc<dyn Source>) -> Self {
        let (name, dtype) = (source.name().to_owned(), source.dtype());
        Self { name, dtype, values: LazyArray::from_source(source), run: None }
    }
}

/// How two things differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Diff {
    /// The first.
    pub a: DiffSide,
    /// The second.
    pub b: DiffSide,
    /// Lengths are the same; axes of length 1 at the end do not count. There are no figures otherwise.
    pub same_shape: bool,
    /// The stored types are the same. Values are compared whatever they are.
    pub same_type: bool,
    /// How far apart their affines place a corner, in millimetres; `None` where one has no affine, or lengths
    /// differ.
    pub corners_apart_mm: Option<f64>,
    /// The figures.
    pub values: Option<DiffValues>,
}

/// What is compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DiffSide {
    /// What it is called.
    pub name: String,
    /// Lengths of its axes.
    pub shape: Vec<u64>,
    /// Its stored type.
    pub data_type: &'static str,
}

/// How far values are apart, element by element.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DiffValues {
    /// Elements of each.
    pub elements: u64,
    /// Those of equal value. NaN is NaN here, and -0 is 0.
    pub identical: u64,
    /// Their share of all.
    pub share_identical: f64,
    /// Elements that are NaN in the first only.
    pub nan_in_a_only: u64,
    /// Elements that are NaN in the second only.
    pub nan_in_b_only: u64,
    /// The largest `|a - b|` of those that are NaN in neither or in both; NaN where there are none.
    #[serde(serialize_with = "number")]
    pub max_abs: f64,
    /// Where that is (of several, the first in C order), and both values there; `None` where nothing
    /// differs.
    pub at: Option<DiffPlace>,
    /// The mean `|a - b|` of the same elements.
    #[serde(serialize_with = "number")]
    pub mean_abs: f64,
    /// Pearson's correlation over elements that are finite in both; NaN where either does not vary.
    #[serde(serialize_with = "number")]
    pub correlation: f64,
}

/// An element and both its values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DiffPlace {
    /// Its index, `(x, y, z, t)` for runs.
    pub index: Vec<u64>,
    /// The first value.
    #[serde(serialize_with = "number")]
    pub a: f64,
    /// The second value.
    #[serde(serialize_with = "number")]
    pub b: f64,
}

impl Diff {
    /// True where shapes and places agree, no element is NaN in one only, and none differs by more than
    /// `tolerance`. Stored types may differ.
    pub fn is_within(&self, tolerance: f64) -> bool {
        let placed = self.corners_apart_mm.is_none_or(|apart| apart <= TOLERANCE_MM);
        let near = self.values.as_ref().is_some_and(|values| {
            let comparable = values.nan_in_a_only == 0 && values.nan_in_b_only == 0;
            comparable && (values.elements == 0 || values.max_abs <= tolerance)
        });
        self.same_shape && placed && near
    }
}

/// Compares two maps, arrays or runs by their true values, slope and intercept applied.
///
/// Two scans of each: one for the means behind the correlation and all else, one for the products; and
/// a look at the element that differs most (for a `.nii.gz`, up to it). Memory is planned and does not
/// grow with the arrays.
///
/// # Errors
/// A budget that is too small, or a damaged source. Shapes that differ are no error: there are no figures then.
pub fn diff(
    a: &DiffInput,
    b: &DiffInput,
    session: &Session,
) -> Result<(Diff, Option<Report>), JobError> {
    let (x, y) = (without_end(&a.values), without_end(&b.values));
    let same_shape = x.shape() == y.shape();
    let both = a.run.as_ref().zip(b.run.as_ref());
    let mut found = Diff {
        a: side(a),
        b: side(b),
        same_shape,
        same_type: a.dtype == b.dtype,
        corners_apart_mm: both.and_then(|(a, b)| corners_apart_mm(a, b)),
        values: None,
    };
    if !same_shape {
        return Ok((found, None));
    }
    let (figures, report) = Figures::compute(&x, &y, session)?;
    let mut values = figures.values(x.size());
    if let Some(index) = figures.place(x.shape()) {
        let element = |array: &LazyArray| {
            let at: Vec<_> = index.iter().map(|&i| SliceInfoElem::Index(i as isize)).collect();
            array.slice(at).to_f64()
        };
        let pair = session.compute_all::<f64>(&[&element(&x), &element(&y)])?.arrays;
        let first = |at: usize| pair[at].first().copied().unwrap_or(f64::NAN);
        values.at = Some(DiffPlace { a: first(0), b: first(1), index });
    }
    found.values = Some(values);
    Ok((found, Some(report)))
}

fn side(input: &DiffInput) -> DiffSide {
    DiffSide {
        name: input.name.clone(),
        shape: input.values.shape().to_vec(),
        data_type: input.dtype.name(),
    }
}

/// The array without the axes of length 1 at its end: a map is 4-D as a file and 3-D as a result.
fn without_end(array: &LazyArray) -> LazyArray {
    let mut array = array.clone();
    while array.shape().last() == Some(&1) {
        array = array.squeeze(-1);
    }
    array
}

#[cfg(test)]
mod tests;
