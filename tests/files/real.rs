//! Real files, where they are at hand.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The folder with the data, `../shared/data` or the one that `VOXSTORE_SHARED_DATA` names; `None`, said
/// aloud, where there is none.
pub(crate) fn data(test: &str) -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("VOXSTORE_SHARED_DATA").map_or(default, PathBuf::from);
    if folder.join("MANIFEST.tsv").is_file() {
        return Some(folder);
    }
    // Written to the stream itself: what tests print is swallowed when they pass.
    let _ = writeln!(
        std::io::stderr(),
        "\nSKIPPED {test}: no real data in ../shared/data (or VOXSTORE_SHARED_DATA)"
    );
    None
}
