//! Which file is this, for the record?
//!
//! Names, size, time and the folders that look like BIDS. Reads no content.

use std::path::Path;

use jiff::Timestamp;

use super::header::Header;
use crate::bids;
use crate::run::Origin;
use crate::runtime::Stamp;

/// A file, and what the system says of it.
type At<'a> = (&'a Path, &'a Stamp);

/// The record of a run's file, or of the two of a pair, by absolute paths. A pair's time is that of its
/// voxels: its header is kept whole, and need not be told from another by time.
pub(super) fn origin(
    voxels: At<'_>,
    header_file: Option<At<'_>>,
    header: &Header,
    gzip: bool,
) -> Origin {
    let name =
        |(path, _): At<'_>| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let first = header_file.unwrap_or(voxels);
    let modified = voxels.1.modified.and_then(|t| Timestamp::try_from(t).ok());
    Origin {
        file_name: name(first),
        image_name: header_file.map(|_| name(voxels)),
        bids_folder: bids::folder_of(first.0),
        file_bytes: voxels.1.len + header_file.map_or(0, |(_, stamp)| stamp.len),
        modified: modified.map(|t| t.to_string()),
        sha256: None,
        format: header.version.format(),
        big_endian: header.big_endian,
        gzip,
        dim: header.dim,
        datatype: header.datatype,
    }
}
