//! Made runs of many small chunks, and what a store of them must look like.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;
use walkdir::WalkDir;

use super::common::{Answer, run, voxstore};
use super::files::Nifti;
use super::process::{Started, args};
use super::snapshot::copy;

/// Chunk files of a made run, of a plane each.
const CHUNKS: usize = 400;
/// Its x, y, z and t.
const SHAPE: [i64; 4] = [10, 8, 4, 100];

/// What a reader may say when the run it reads is replaced.
pub(crate) const REPLACED: &str = "was replaced while it was read";

/// A folder in memory where there is one: an ingest syncs its file system, and would wait for what other
/// processes have written there.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// Writes a version of a run: `a` is `sub-a/func/sub-a_task-rest_bold.nii`, `1` is `1.nii`, of no BIDS name. Versions
/// have another time, so that none is taken for another.
pub(crate) fn source(folder: &Path, name: &str, version: u64) -> PathBuf {
    let nifti = Nifti { seed: version * 1000 + u64::from(name.as_bytes()[0]), ..Nifti::new(SHAPE) };
    let end = if version.is_multiple_of(2) { "nii.gz" } else { "nii" };
    let above = if is_plain(name) { String::new() } else { format!("sub-{name}/func/") };
    let file = format!("v{version}/{above}{}.{end}", stem(name));
    let path = nifti.write(folder, &file);
    let time = SystemTime::UNIX_EPOCH + Duration::from_hours(400_000 + version);
    File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    path
}

fn is_plain(name: &str) -> bool {
    name.starts_with(char::is_numeric)
}

/// The file name of a run, without its ending.
pub(crate) fn stem(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { format!("sub-{name}_task-rest_bold") }
}

/// The same for several runs.
pub(crate) fn sources(folder: &Path, names: &[&str], version: u64) -> Vec<PathBuf> {
    names.iter().map(|name| source(folder, name, version)).collect()
}

/// Arguments that put sources into a store, in chunks as small as they go.
pub(crate) fn ingest(sources: &[PathBuf], store: &Path, more: &[&str]) -> Vec<OsString> {
    let mut args = args!["ingest", "--chunk", "1,1", "-o", store];
    args.extend(sources.iter().map(OsString::from));
    args.extend(more.iter().map(OsString::from));
    args
}

/// What became of each run of an ingest, by its [`stem`].
pub(crate) fn outcomes(answer: &Answer) -> BTreeMap<String, String> {
    let of_row = |row: &Value| {
        let source = Path::new(row["source"].as_str().unwrap());
        let name = source.file_name().unwrap().to_str().unwrap();
        (name.split(".nii").next().unwrap().to_owned(), row["outcome"].as_str().unwrap().to_owned())
    };
    answer.json().as_array().unwrap().iter().map(of_row).collect()
}

/// What `info` says of each run of a store: digest of its source, digest of its voxels.
pub(crate) type Digests = BTreeMap<String, [String; 2]>;

pub(crate) fn digests(store: &Path) -> Digests {
    digests_in(&voxstore!("info", store, "--json").succeeds())
}

/// The same from what `info` said.
pub(crate) fn digests_in(info: &Answer) -> Digests {
    let json = info.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of_run = |run: &Value| {
        (text(&run["name"]), [text(&run["sha256"]), text(&run["stored"]["voxel_digest"])])
    };
    json[0]["runs"].as_array().unwrap().iter().map(of_run).collect()
}

/// Asserts that every run in a store opens and is well, and gives their digests. The root may be older than the
/// runs: an ingest that was stopped has not written it anew, and the next one will.
#[track_caller]
pub(crate) fn well(store: &Path) -> Digests {
    let digests = digests(store);
    if !digests.is_empty() {
        let answer = run(args!["verify", store, "--deep", "--json"]);
        assert!(is_well(&answer), "{answer:?}");
    }
    digests
}

/// Whether `verify --json` found nothing but, maybe, a root that is older than the runs.
pub(crate) fn is_well(answer: &Answer) -> bool {
    if !matches!(answer.code, Some(0 | 3)) {
        return false;
    }
    let is_well = |row: &Value| row["error"].is_null() && row["damage"] == serde_json::json!([]);
    let json = answer.json();
    json.as_array().unwrap().iter().all(|row| is_well(row) || row["run"] == "(index)")
}

/// Chunk files of voxels below a folder; those that come and go while they are counted may be missed.
pub(crate) fn chunk_files(folder: &Path) -> usize {
    let entries = WalkDir::new(folder).into_iter().flatten();
    let is_chunk = |entry: &walkdir::DirEntry| {
        entry.depth() > 1
            && entry.file_name().as_encoded_bytes().starts_with(b"c.")
            && entry.path().parent().is_some_and(|array| array.ends_with("0"))
    };
    entries.filter(is_chunk).count()
}

/// An ingest that was stopped when it had written some chunks of its first runs, and not all of one. Where it
/// was quicker than the signal, the store is put back as it was, and it is begun again.
pub(crate) fn stopped(args: &[OsString], store: &Path) -> Started {
    let before = store.with_extension("before");
    let was_there = store.exists();
    if was_there {
        copy(store, &before);
    }
    for _ in 0..20 {
        let mut started = Started::new(args.to_vec());
        started.wait_until(|| chunk_files(&staging(store)) > 20);
        started.stop();
        let is_midway = (21..CHUNKS).contains(&chunk_files(&staging(store)));
        if is_midway && chunk_files(store) == chunk_files(&before) {
            drop(fs::remove_dir_all(&before));
            return started;
        }
        started.kill();
        drop((fs::remove_dir_all(store), fs::remove_dir_all(staging(store))));
        if was_there {
            copy(&before, store);
        }
    }
    panic!("the ingest was always quicker than the signal");
}

/// `study.zarr.staging` beside `study.zarr`.
pub(crate) fn staging(store: &Path) -> PathBuf {
    store.with_extension("zarr.staging")
}
