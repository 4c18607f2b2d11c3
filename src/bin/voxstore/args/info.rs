//! The arguments of `voxstore info`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ReadingArgs;

/// Show what is in a store, a run or a NIfTI file; reads headers only
///
/// Of a file that is not all there, as after a download that broke off, the header is shown as well, with a warning
/// that says how much is there; the exit code is 3 then, and where gzip data are found to be damaged. (A .nii.gz is
/// inflated to its end to know that where the length in its last bytes is not the one that its header says.) Nothing
/// else reads such a file.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore info study.zarr
  voxstore info run.nii.gz
  voxstore info run.nii.gz --field shape,tr_seconds      # 64 64 30 173<TAB>2.5
  voxstore info study.zarr --field name,stored.codec     # a line a run
  voxstore info study.zarr --json | jq '.[].runs[].shape'")]
pub(crate) struct InfoArgs {
    /// Stores, runs in a store, NIfTI files, or OME-Zarr images of other tools
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print these facts alone, in this order and between tabs, one line a run; n/a where one is not known.
    /// Names are those of --json. Numbers of one fact (a shape, an affine row by row) stand between spaces
    #[arg(
        long = "field",
        value_enum,
        value_delimiter = ',',
        conflicts_with = "json",
        value_name = "NAME,..."
    )]
    pub(crate) fields: Vec<FieldArg>,
}

/// A fact of a run; each has the name that it has in the JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum FieldArg {
    /// As it was typed
    Path,
    /// file, run, store or foreign
    Kind,
    /// Of the run in its store, or of the file
    Name,
    /// Lengths of x, y, z and t
    Shape,
    /// Of the stored voxels, such as int16
    DataType,
    /// Size of all voxels
    RawBytes,
    /// A voxel's value is stored * slope + inter
    Slope,
    Inter,
    TrSeconds,
    /// Where the TR is from
    TrSource,
    /// Edges of a voxel
    ZoomsMm,
    /// From voxel indices to millimetres, 16 numbers
    Affine,
    /// Where the affine is from
    AffineSource,
    /// nifti1 or nifti2
    Format,
    BigEndian,
    Gzip,
    /// Of the source
    FileName,
    /// Of a pair: the file of its voxels
    ImageName,
    /// Size of the source
    FileBytes,
    /// Of the source, where it was ingested
    Sha256,
    /// How voxels are read
    Transport,
    #[value(name = "stored.chunk_shape")]
    StoredChunkShape,
    #[value(name = "stored.codec")]
    StoredCodec,
    #[value(name = "stored.chunks")]
    StoredChunks,
    #[value(name = "stored.stored_bytes")]
    StoredStoredBytes,
    #[value(name = "stored.voxel_digest")]
    StoredVoxelDigest,
    /// When
    #[value(name = "stored.ingested")]
    StoredIngested,
    /// Of an image of another tool: what it is
    #[value(name = "foreign.kind")]
    ForeignKind,
    #[value(name = "foreign.zarr_format")]
    ForeignZarrFormat,
    #[value(name = "foreign.chunk_shape")]
    ForeignChunkShape,
    #[value(name = "foreign.codecs")]
    ForeignCodecs,
    #[value(name = "foreign.stored_bytes")]
    ForeignStoredBytes,
    /// What vouches for it
    #[value(name = "foreign.guarantees")]
    ForeignGuarantees,
}

impl FieldArg {
    /// As it is typed, and as the JSON has it.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}
