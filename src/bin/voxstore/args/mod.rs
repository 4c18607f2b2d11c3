//! What can be typed.

mod explain;
mod reduce;
mod tsnr;

pub(crate) use explain::{ExplainArgs, ExplainHow, ExplainJob, FormatArg};
pub(crate) use reduce::{AxisArg, OpArg, ReduceArgs, ReduceWhat};
pub(crate) use tsnr::{TsnrArgs, TsnrWhat};

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use voxstore::nifti::Io;
use voxstore::store::Codec;
use voxstore::{CancelToken, Session, SessionBuilder};

use crate::bar;

/// Out-of-core store and statistics for fMRI runs, under a memory budget that holds.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Ingest(IngestArgs),
    Info(InfoArgs),
    Tsnr(TsnrArgs),
    Reduce(ReduceArgs),
    Explain(ExplainArgs),
    Export(ExportArgs),
}

/// Put NIfTI runs into a Zarr v3 store, losslessly
///
/// Each run becomes one group that zarr-python, xarray, dask, tensorstore and OME-Zarr viewers open.
/// A run appears whole or not at all; a run that is there already is skipped. A damaged source is
/// reported and the rest is done (exit code 4).
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore ingest sub-01/ses-test/func/*_bold.nii.gz -o study.zarr
  voxstore ingest bids_folder -o study.zarr --memory 256MiB
  voxstore ingest run.nii.gz -o study.zarr --force    # replace a run of the same name")]
pub(crate) struct IngestArgs {
    /// NIfTI files, folders to search, or quoted patterns
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The store; made where there is none
    #[arg(short, long, value_name = "STORE")]
    pub(crate) output: PathBuf,
    /// Compression of chunks: blosc-zstd is small, blosc-lz4 fast to read
    #[arg(long, default_value_t, value_parser = codec_names())]
    pub(crate) codec: Codec,
    /// Volumes and planes of a chunk, such as 16,8 [default: 1-2 MiB of whole planes]
    #[arg(long, value_name = "T,Z", value_parser = parse_chunk)]
    pub(crate) chunk: Option<(u64, u64)>,
    /// Write nothing if any source is bad
    #[arg(long)]
    pub(crate) strict: bool,
    /// Replace runs of the same name that have another source
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

/// Show what is in a store, a run or a NIfTI file; reads headers only
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore info study.zarr
  voxstore info run.nii.gz
  voxstore info study.zarr --json | jq '.[].runs[].shape'")]
pub(crate) struct InfoArgs {
    /// Stores, runs in a store, or NIfTI files
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Write runs of a store back to NIfTI, header and voxels byte for byte
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore export study.zarr --run '*task-rest*' -o rest.nii.gz
  voxstore export study.zarr -o folder/             # every run, under its path in the store")]
pub(crate) struct ExportArgs {
    /// The store
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
    /// A file for one run; a folder for several
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Overwrite files
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) runs: RunArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// Only runs of the store whose path or name matches; repeatable
    #[arg(long = "run", value_name = "GLOB")]
    pub(crate) globs: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct ReadingArgs {
    /// How plain .nii files are read: mapped, by positioned reads, or as suits the file system
    #[arg(long, value_enum, default_value_t = IoArg::Auto)]
    io: IoArg,
}

impl ReadingArgs {
    pub(crate) fn io(&self) -> Io {
        match self.io {
            IoArg::Auto => Io::Auto,
            IoArg::Map => Io::Map,
            IoArg::Read => Io::Read,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum IoArg {
    Auto,
    Map,
    Read,
}

#[derive(Args, Debug)]
pub(crate) struct LimitArgs {
    /// The most memory the process may use
    #[arg(long, default_value = "512MiB", value_name = "SIZE")]
    memory: String,
    /// Threads that read and compute [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

#[derive(Args, Debug)]
pub(crate) struct TalkArgs {
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// No progress bar
    #[arg(long)]
    no_progress: bool,
}

impl LimitArgs {
    /// The session these limits describe, with a progress bar and Ctrl-C.
    pub(crate) fn session(&self, talk: &TalkArgs) -> Result<Session> {
        Ok(self.builder(talk)?.build().map_err(voxstore::Error::from)?)
    }

    /// What that is built from.
    pub(crate) fn builder(&self, talk: &TalkArgs) -> Result<SessionBuilder> {
        let cancel = CancelToken::new();
        let on_interrupt = cancel.clone();
        ctrlc::set_handler(move || on_interrupt.cancel())?;
        let mut builder = Session::builder().memory(&self.memory).cancel_token(cancel);
        if let Some(threads) = self.threads {
            builder = builder.threads(threads);
        }
        if !talk.quiet && !talk.no_progress {
            builder = builder.progress(Arc::new(bar::Bar::default()));
        }
        Ok(builder)
    }
}

/// Each codec by its name.
fn codec_names() -> impl TypedValueParser<Value = Codec> {
    PossibleValuesParser::new(Codec::ALL.map(Codec::name)).try_map(|name| name.parse::<Codec>())
}

fn parse_chunk(text: &str) -> Result<(u64, u64), String> {
    let wanted = "two numbers from 1 up, volumes and planes, such as 16,8";
    let (t, z) = text.split_once(',').ok_or(wanted)?;
    let number = |s: &str| s.trim().parse::<u64>().ok().filter(|&n| n > 0).ok_or(wanted);
    Ok((number(t)?, number(z)?))
}
