//! Do the arguments of a reduction make sense together, and what will come out? Opens nothing.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::ValueEnum as _;

use crate::args::{AxisArg, MethodArg, OpArg, ReduceWhat};
use crate::exit::Misuse;
use crate::output::{MAP_ENDINGS, sidecar_of};

/// Names of the axes of a run.
pub(crate) const AXIS_NAMES: [&str; 4] = ["x", "y", "z", "t"];

/// A reduction that makes sense.
pub(crate) struct Request<'a> {
    pub(crate) what: &'a ReduceWhat,
    /// Each once, x first.
    pub(crate) axes: Vec<AxisArg>,
    pub(crate) form: Form,
}

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Numbers on the grid of the runs: time is gone. Bins of a histogram are a fourth axis.
    Map,
    /// Part of space is gone: reduced axes are kept, 1 long.
    Image,
    /// Space is gone: a number (or a histogram) for each volume, or for all of them.
    Table,
}

/// Where the result and its record go.
pub(crate) enum Target<'a> {
    /// A file, and the record beside it.
    Beside(&'a Path, PathBuf),
    /// A JSON file that holds both.
    Json(&'a Path),
    Terminal,
}

impl Target<'_> {
    /// The files to be, the result first.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        let (result, record) = match self {
            Self::Beside(result, record) => (Some(*result), Some(record.as_path())),
            Self::Json(result) => (Some(*result), None),
            Self::Terminal => (None, None),
        };
        result.into_iter().chain(record)
    }
}

impl<'a> Request<'a> {
    pub(crate) fn of(what: &'a ReduceWhat) -> Result<Self, Misuse> {
        let mut axes = what.axes.clone();
        axes.sort_unstable();
        axes.dedup();
        if axes.len() < what.axes.len() {
            return Err(Misuse("--axis names an axis twice".to_owned()));
        }
        let space = axes.iter().filter(|axis| **axis != AxisArg::T).count();
        let form = match space {
            0 => Form::Map,
            3 => Form::Table,
            _ => Form::Image,
        };
        let request = Self { what, axes, form };
        request.check_options()?;
        Ok(request)
    }

    pub(crate) fn reduces(&self, axis: AxisArg) -> bool {
        self.axes.contains(&axis)
    }

    fn check_options(&self) -> Result<(), Misuse> {
        use OpArg::{Argmax, Argmin, Histogram, Quantile, Std, Var};
        let what = self.what;
        let misuse = |text: &str| Err(Misuse(text.to_owned()));
        match what.op {
            Var | Std => {}
            _ if what.ddof.is_some() => return misuse("--ddof is for var and std"),
            _ => {}
        }
        if what.op == Quantile {
            if what.q.is_empty() {
                return misuse("quantile needs --q, such as --q 0.9 or --q 0.05,0.5,0.95");
            }
            if let Some(q) = what.q.iter().find(|q| !(0.0..=1.0).contains(*q)) {
                return Err(Misuse(format!("--q is {q}; it must be from 0 to 1")));
            }
            if what.has_several_quantiles() && self.form == Form::Image {
                return misuse(
                    "there is no fifth axis for several quantiles; reduce over t, over x,y,z or over all \
                     four, or ask for one at a time",
                );
            }
        } else if !what.q.is_empty() {
            return misuse("--q is for quantile");
        } else if what.quantile_method.is_some() {
            return misuse("--quantile-method is for quantile");
        }
        match (what.op, &what.edges) {
            (Histogram, None) => {
                return misuse("histogram needs --edges, such as --edges 0,100,200");
            }
            (Histogram, Some(edges)) => {
                let ascending = edges.windows(2).all(|pair| pair[0] < pair[1]);
                if edges.len() < 2 || !ascending || !edges.iter().all(|edge| edge.is_finite()) {
                    return misuse(
                        "--edges must be two or more numbers, each above the one before",
                    );
                }
                if self.form == Form::Image {
                    return misuse(
                        "a histogram has no fifth axis for its bins; reduce it over t, over x,y,z \
                         or over all four",
                    );
                }
            }
            (_, None) => {}
            _ => return misuse("--edges is for histogram"),
        }
        if matches!(what.op, Argmin | Argmax) && !matches!(self.axes.len(), 1 | 4) {
            return misuse("argmin and argmax need one axis, or all four");
        }
        if what.dtype.is_some() && self.form == Form::Table {
            return misuse("--dtype is for voxels, and this result has none");
        }
        Ok(())
    }

    /// Where the result goes when `-o` said this.
    ///
    /// # Errors
    /// When a file of that name cannot hold such a result.
    pub(crate) fn target<'p>(&self, output: Option<&'p Path>) -> Result<Target<'p>> {
        let axes = self.axis_names().join(",");
        let Some(path) = output else {
            if self.form == Form::Table {
                return Ok(Target::Terminal);
            }
            let text = format!("the result over {axes} is an image; say where: -o NAME.nii.gz");
            return Err(Misuse(text).into());
        };
        if self.form != Form::Table {
            if let Some(record) = sidecar_of(path, &MAP_ENDINGS) {
                return Ok(Target::Beside(path, record));
            }
            bail!(
                "{}: the result over {axes} is an image, written as NAME.nii or NAME.nii.gz",
                path.display()
            );
        }
        if sidecar_of(path, &[".json"]).is_some() {
            return Ok(Target::Json(path));
        }
        if let Some(record) = sidecar_of(path, &[".tsv"]) {
            return Ok(Target::Beside(path, record));
        }
        bail!(
            "{}: the result over {axes} is no image; it is written as NAME.tsv or NAME.json",
            path.display()
        );
    }

    /// The operation as it was typed.
    pub(crate) fn op_name(&self) -> String {
        let value = self.what.op.to_possible_value();
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The method of quantiles as it is typed.
    pub(crate) fn method_name(&self) -> String {
        let method = self.what.quantile_method.unwrap_or(MethodArg::Linear);
        let value = method.to_possible_value();
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    pub(crate) fn axis_names(&self) -> Vec<&'static str> {
        self.axes.iter().map(|&axis| AXIS_NAMES[axis as usize]).collect()
    }

    /// Names of the axes of the result, in order.
    pub(crate) fn result_axes(&self) -> Vec<&'static str> {
        let is_kept = |axis: AxisArg| {
            let is_one_long = self.form == Form::Image && axis != AxisArg::T;
            is_one_long || !self.reduces(axis)
        };
        let axes = AxisArg::value_variants().iter().copied().filter(|&axis| is_kept(axis));
        let bins = (self.what.op == OpArg::Histogram).then_some("bin");
        let bins = bins.or(self.what.has_several_quantiles().then_some("quantile"));
        axes.map(|axis| AXIS_NAMES[axis as usize]).chain(bins).collect()
    }
}
