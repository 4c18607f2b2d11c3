//! The arguments of `voxstore ingest`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use voxstore::shard::Shard;
use voxstore::store::Codec;

use super::{FilterArgs, LimitArgs, ReadingArgs, TalkArgs};

/// Put NIfTI runs into a Zarr v3 store, losslessly
///
/// Each run becomes one group that zarr-python, xarray, dask, tensorstore and OME-Zarr viewers open.
/// A run appears whole or not at all; a run that is there already is skipped. A damaged source is
/// reported and the rest is done (exit code 4). A run with the voxels of another in the store is stored all
/// the same, and a note says so. In a BIDS dataset the runs of suffix bold are taken, with what their sidecars
/// say, inherited ones too; what is left out is said, and with --json listed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore ingest sub-01/ses-test/func/*_bold.nii.gz -o study.zarr
  voxstore ingest ds000114 -o study.zarr --entity sub=01 --entity task=*verb*   # a BIDS dataset
  voxstore ingest folder -o study.zarr --memory 256MiB
  voxstore ingest run.nii.gz -o study.zarr --force    # replace a run of the same name
  voxstore ingest ds000114 -o study.zarr --shard 0/8  # an eighth of the runs; eight processes fill one store")]
pub(crate) struct IngestArgs {
    /// NIfTI files (of a .hdr/.img pair either), folders to search, or quoted patterns
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The store; made where there is none
    #[arg(short, long, value_name = "STORE")]
    pub(crate) output: PathBuf,
    /// Compression of chunks: auto (or small) takes blosc-zstd or zstd, whichever makes a run smaller; fast is
    /// blosc-lz4
    #[arg(long, default_value = AUTO, value_parser = codec_names())]
    pub(crate) codec: CodecChoice,
    /// Volumes and planes of a chunk, such as 16,8 [default: 1-2 MiB of whole planes]
    #[arg(long, value_name = "T,Z", value_parser = parse_chunk)]
    pub(crate) chunk: Option<(u64, u64)>,
    /// Write nothing if any source is bad
    #[arg(long)]
    pub(crate) strict: bool,
    /// Replace runs of the same name that have another source
    #[arg(long)]
    pub(crate) force: bool,
    /// Take every N-th run of the list, from run I (the first is 0) on: N processes fill one store, at once or one after
    /// the other, and there is nothing to merge
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

/// A codec, or `None` where each run's voxels are to choose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodecChoice(pub(crate) Option<Codec>);

const AUTO: &str = "auto";

/// What is wanted of a codec, and each codec by its name.
fn codec_names() -> impl TypedValueParser<Value = CodecChoice> {
    let wanted = [(AUTO, None), ("small", None), ("fast", Some(Codec::BloscLz4))];
    let named = Codec::ALL.map(|codec| (codec.name(), Some(codec)));
    let all: Vec<_> = wanted.into_iter().chain(named).collect();
    PossibleValuesParser::new(all.iter().map(|(name, _)| *name)).map(move |typed| {
        CodecChoice(all.iter().find(|(name, _)| *name == typed).and_then(|(_, codec)| *codec))
    })
}

fn parse_chunk(text: &str) -> Result<(u64, u64), String> {
    let wanted = "two numbers from 1 up, volumes and planes, such as 16,8";
    let (t, z) = text.split_once(',').ok_or(wanted)?;
    let number = |s: &str| s.trim().parse::<u64>().ok().filter(|&n| n > 0).ok_or(wanted);
    Ok((number(t)?, number(z)?))
}
