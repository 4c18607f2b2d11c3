//! What is everything on disk called?
//!
//! Every name in a store, and the rule that turns a source's file name into a group path. Pure:
//! touches no file. `docs/format.md` is this module in prose.

use std::path::{Path, PathBuf};

use crate::bids::{NIFTI_ENDINGS, Name, without_ending};
use crate::run::Origin;

/// The metadata file of every group and array.
pub(super) const METADATA: &str = "zarr.json";
/// The array of voxels in a run's group.
pub(super) const VOXELS: &str = "0";
/// The array of the source's header bytes.
pub(super) const HEADER: &str = "nifti";
/// The array of the checksums of the voxels' chunks.
pub(super) const CHECKSUMS: &str = "chunk_crc32c";
/// Axes in the order of the disk, slowest first; also the names of the coordinate arrays.
pub(super) const AXES: [&str; 4] = ["t", "z", "y", "x"];
/// How the name of a run's group ends.
pub(super) const RUN_SUFFIX: &str = ".ome.zarr";
/// Runs without a BIDS name.
pub(super) const PLAIN_RUNS: &str = "runs";
/// Results computed from runs; never listed as runs.
pub(super) const DERIVATIVES: &str = "derivatives";
/// Between the parts of a chunk key, so that an array is one flat folder.
pub(super) const SEPARATOR: &str = ".";
/// How deep in a store a run may lie.
pub(super) const MAX_DEPTH: usize = 16;

/// File name of the chunk at this position of the grid, axis 0 first: the other way round in the name.
pub(super) fn chunk_file(position: &[u64]) -> String {
    position.iter().rev().fold("c".to_owned(), |key, p| format!("{key}{SEPARATOR}{p}"))
}

/// Lengths, or a position, in the order of the disk, from those in the order of the API; and back.
pub(super) fn turned(axes: &[u64]) -> Vec<u64> {
    axes.iter().rev().copied().collect()
}

/// The folder beside a store in which runs are made.
pub(super) fn staging_dir(store: &Path) -> PathBuf {
    beside(store, ".staging")
}

/// The path whose name is that of another and an ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

/// Held while a store's tree or index is changed; lies in [`staging_dir`].
pub(super) const STORE_LOCK: &str = "store.lock";
/// Held by a live ingest in its own staging folder.
pub(super) const LIVE_LOCK: &str = "live.lock";
/// How the name of an ingest's own staging folder begins.
pub(super) const STAGING_PREFIX: &str = "ingest-";

/// In an ingest's own folder: runs that are being replaced, by their paths in the store.
pub(super) const ASIDE: &str = "aside";

/// An array that is being replaced, where that takes two renames.
pub(super) const ASIDE_SUFFIX: &str = ".old";
/// How the name of the folder begins in which an array is made, beside its place.
pub(super) const PART_PREFIX: &str = ".voxstore-";
/// How it ends.
pub(super) const PART_SUFFIX: &str = ".part";

/// The last component of a group path.
pub(super) fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The group paths above `path`, outermost first.
pub(super) fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// A NIfTI file's name by the rule of BIDS, where it begins with the subject.
pub(super) fn bids_name(file_name: &str) -> Option<Name> {
    Name::of_stem(stem(file_name)).filter(|n| n.entities().first().is_some_and(|e| e.0 == "sub"))
}

/// The folder a file of this name has in a BIDS dataset.
fn bids_folder(name: &Name) -> String {
    let subject = name.entity("sub").unwrap_or_default();
    let session = name.entity("ses").map_or_else(String::new, |value| format!("/ses-{value}"));
    let datatype = match name.suffix() {
        "T1w" | "T2w" | "FLAIR" | "PDw" | "T2starw" | "inplaneT1" | "inplaneT2" => "anat",
        "dwi" => "dwi",
        "epi" | "phasediff" | "phase1" | "phase2" | "magnitude1" | "magnitude2" => "fmap",
        _ => "func",
    };
    format!("sub-{subject}{session}/{datatype}")
}

/// A file name without the ending of a NIfTI file.
pub(super) fn stem(file_name: &str) -> &str {
    without_ending(file_name, &NIFTI_ENDINGS).unwrap_or(file_name)
}

/// The group path of a run: its BIDS path, or `runs/<stem>.ome.zarr`.
///
/// A folder with a part that is no plain name (`..`, an absolute path) is not used.
pub(super) fn run_path(origin: &Origin) -> String {
    let stem = stem(&origin.file_name);
    let name = if is_plain(stem) { stem.to_owned() } else { format!("run-{}", cleaned(stem)) };
    let by_name = bids_name(&origin.file_name).map(|name| bids_folder(&name));
    let is_usable = |folder: &String| folder.split('/').all(is_plain);
    let folder = origin.bids_folder.clone().filter(is_usable);
    let folder = folder.or_else(|| by_name.filter(is_usable));
    let folder = folder.unwrap_or_else(|| PLAIN_RUNS.to_owned());
    format!("{folder}/{name}{RUN_SUFFIX}")
}

/// True for what Zarr and every file system take as a node's name.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with("__")
        && !name.chars().all(|c| c == '.')
        && !name.ends_with(RUN_SUFFIX)
        && name == cleaned(name)
}

fn cleaned(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '-' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{bids_name, chunk_file, parents, run_path, staging_dir, stem};
    use crate::store::testing::origin;

    #[test]
    fn paths_follow_bids_where_the_name_does() {
        let path = |name: &str, folder: Option<&str>| {
            let mut origin = origin(name);
            origin.bids_folder = folder.map(str::to_owned);
            run_path(&origin)
        };
        assert_eq!(
            path("sub-01_ses-test_task-x_bold.nii.gz", None),
            "sub-01/ses-test/func/sub-01_ses-test_task-x_bold.ome.zarr"
        );
        assert_eq!(
            path("sub-01_bold.nii", Some("sub-01/func")),
            "sub-01/func/sub-01_bold.ome.zarr"
        );
        assert_eq!(path("sub-01_T1w.nii", None), "sub-01/anat/sub-01_T1w.ome.zarr");
        assert_eq!(path("epi.NII.GZ", None), "runs/epi.ome.zarr");
        assert_eq!(path("sub_01.nii", None), "runs/sub_01.ome.zarr");
    }

    #[test]
    fn names_that_would_leave_the_tree_are_made_harmless() {
        let path = |name: &str, folder: Option<&str>| {
            let mut origin = origin(name);
            origin.bids_folder = folder.map(str::to_owned);
            run_path(&origin)
        };
        assert_eq!(path("a.nii", Some("../x")), "runs/a.ome.zarr");
        assert_eq!(path("a.nii", Some("/etc")), "runs/a.ome.zarr");
        assert_eq!(path("...nii", None), "runs/run-...ome.zarr");
        assert_eq!(path("__a.nii", None), "runs/run-__a.ome.zarr");
        assert_eq!(path("a:b.nii", None), "runs/run-a-b.ome.zarr");
        assert_eq!(path("", None), "runs/run-.ome.zarr");
    }

    #[test]
    fn stems_chunk_files_parents_and_bids_parts_are_told_from_names() {
        assert_eq!(stem("a.b.nii.gz"), "a.b");
        assert_eq!(stem("a.img"), "a");
        assert_eq!(stem("a.txt"), "a.txt");
        assert_eq!(chunk_file(&[23, 0, 1]), "c.1.0.23");
        assert_eq!(parents("a/b/c").collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!(staging_dir("x/study.zarr".as_ref()).to_str(), Some("x/study.zarr.staging"));
        assert_eq!(bids_name("sub-1_bold").unwrap().suffix(), "bold");
        assert_eq!(bids_name("task-1_bold"), None);
        assert_eq!(bids_name("sub-1_x_bold"), None);
    }
}
