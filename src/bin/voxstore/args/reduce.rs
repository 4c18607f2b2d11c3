//! The arguments of `voxstore reduce`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use voxstore::shard::Shard;
use voxstore::{DType, QuantileMethod};

use super::{LimitArgs, ReadingArgs, RunArgs, TalkArgs};

/// Reduce runs over time or space: mean, sum, median, histogram and others
///
/// Runs are joined end to end along time. What comes out depends on the axes:
///
///   --axis t       a map, one number a voxel (a histogram: one volume a bin; quantiles: one each)
///   --axis x,y,z   a series, one number a volume: .tsv, .json, or a table on the terminal
///   all four       one number (a histogram: one number a bin), in the same forms
///   others         a NIfTI file in which reduced axes are 1 long
///
/// Slope and intercept are applied. Beside a .nii or .tsv file a JSON file says how it was made.
/// Median and quantile hold all samples of a voxel: where those of .nii.gz files do not fit the
/// memory, the files are read several times, some slices at each; from a store they are read once.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
#[command(after_help = "Examples:
  voxstore reduce mean sub-01/func/*_bold.nii.gz -o mean.nii.gz
  voxstore reduce std study.zarr --run 'sub-01_*' --ddof 1 -o std.nii.gz
  voxstore reduce quantile run.nii --q 0.9 --mask brain.nii.gz -o q90.nii.gz
  voxstore reduce quantile run.nii --q 0.05,0.5,0.95 -o quantiles.nii.gz       # three volumes
  voxstore reduce histogram run.nii.gz --edges 0,100,200,400 -o counts.nii.gz
  voxstore reduce mean run.nii.gz --axis x,y,z --mask brain.nii.gz -o global.tsv
  voxstore reduce max run.nii.gz --axis x,y,z,t
  voxstore reduce median study.zarr --shard 0/8 -o parts   # and 1/8 to 7/8; then: voxstore merge parts -o median.nii.gz")]
pub(crate) struct ReduceArgs {
    #[command(flatten)]
    pub(crate) what: ReduceWhat,
    /// Where the result goes: .nii or .nii.gz for an image, .tsv or .json for a series or a number.
    /// Without it a series or a number is printed, with --quiet nothing but the numbers. With --shard the folder of
    /// the parts
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
    /// Overwrite the result and its JSON, or the part
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

/// What is computed, of what, within which limits.
#[derive(Args, Debug)]
pub(crate) struct ReduceWhat {
    /// What becomes of the samples
    #[arg(value_enum, value_name = "OP")]
    pub(crate) op: OpArg,
    /// A store, NIfTI files, folders, or quoted patterns
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Axes to reduce over, separated by commas
    #[arg(
        long = "axis",
        value_enum,
        value_delimiter = ',',
        default_value = "t",
        hide_possible_values = true,
        value_name = "x,y,z,t"
    )]
    pub(crate) axes: Vec<AxisArg>,
    /// var and std: delta degrees of freedom; they divide by n - N [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) ddof: Option<u64>,
    /// Leave NaN samples out
    #[arg(long)]
    pub(crate) skip_nan: bool,
    /// Only voxels where this NIfTI file of the same grid is not 0; in a map the others are 0
    #[arg(long, value_name = "MASK")]
    pub(crate) mask: Option<PathBuf>,
    /// quantile: which one, from 0 to 1; 0.5 is the median. Several, separated by commas, are computed at once: a
    /// volume, a column or a row each
    #[arg(long, value_delimiter = ',', value_name = "Q,...")]
    pub(crate) q: Vec<f64>,
    /// quantile: what it is between two samples [default: linear]
    #[arg(long, value_enum, value_name = "METHOD")]
    pub(crate) quantile_method: Option<MethodArg>,
    /// histogram: where bins begin and the last one ends, ascending; a bin holds its left edge, the
    /// last one both
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true, value_name = "E0,E1,...")]
    pub(crate) edges: Option<Vec<f64>>,
    /// Type of the voxels written, such as float64 or int16; a number beyond it is an error [default:
    /// float32; sum, prod: float64; min, max: as stored; counts and indices: int32; any, all: uint8]
    #[arg(long, value_name = "TYPE", value_parser = parse_dtype)]
    pub(crate) dtype: Option<DType>,
    /// Do only shard I (from 0) of N: its sums go to a part in the folder -o, and `voxstore merge` makes the result of all
    /// parts, with the same bits. Median, mad and quantile are cut by slices, each with all volumes of all runs: ingest
    /// .nii.gz files first, or one shard does it all
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    #[command(flatten)]
    pub(crate) runs: RunArgs,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

/// A reduction by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OpArg {
    /// Sum; exact for integers
    Sum,
    /// Product; exact for integers
    Prod,
    /// Mean
    Mean,
    /// Variance (--ddof)
    Var,
    /// Standard deviation (--ddof)
    Std,
    /// Smallest sample
    Min,
    /// Largest sample
    Max,
    /// Largest minus smallest sample
    Ptp,
    /// Index of the smallest sample, from 0, along one axis or over all four
    Argmin,
    /// Index of the largest sample, from 0, along one axis or over all four
    Argmax,
    /// Whether any sample is not 0
    Any,
    /// Whether no sample is 0
    All,
    /// How many samples are not 0
    CountNonzero,
    /// Median; exact
    Median,
    /// Median of the distances from the median; exact, not scaled
    Mad,
    /// Quantiles (--q, --quantile-method); exact
    Quantile,
    /// Samples in each bin (--edges)
    Histogram,
}

impl ReduceWhat {
    /// True where the result has an axis more: one of several quantiles.
    pub(crate) fn has_several_quantiles(&self) -> bool {
        self.op == OpArg::Quantile && self.q.len() > 1
    }
}

/// A quantile between two samples.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum MethodArg {
    /// On the line between them
    Linear,
    /// The one below
    Lower,
    /// The one above
    Higher,
    /// Their mean
    Midpoint,
}

impl From<MethodArg> for QuantileMethod {
    fn from(method: MethodArg) -> Self {
        match method {
            MethodArg::Linear => Self::Linear,
            MethodArg::Lower => Self::Lower,
            MethodArg::Higher => Self::Higher,
            MethodArg::Midpoint => Self::Midpoint,
        }
    }
}

/// An axis of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum AxisArg {
    X,
    Y,
    Z,
    T,
}

fn parse_dtype(text: &str) -> Result<DType, String> {
    DType::from_name(text).filter(|dtype| *dtype != DType::Bool).ok_or_else(|| {
        let names: Vec<&str> = DType::ALL[1..].iter().map(|dtype| dtype.name()).collect();
        format!("one of {}", names.join(", "))
    })
}
