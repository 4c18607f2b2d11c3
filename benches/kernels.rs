//! How fast is each kernel alone? In bytes of voxels a second, one worker.
//!
//! ```text
//! cargo bench --bench kernels             # all
//! cargo bench --bench kernels -- moments  # those whose name holds this word
//! ```
//!
//! What each does is in `work/`. Compare rates of one machine, and of one run.
#![expect(clippy::expect_used, reason = "a benchmark")]

mod made;
mod work;

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use divan::Bencher;
use divan::counter::BytesCount;
use tempfile::TempDir;

use work::{Work, make_files};

/// Made when the first kernel is reached.
static FILES: OnceLock<TempDir> = OnceLock::new();

fn main() {
    divan::main();
    // What is static is never dropped.
    if let Some(files) = FILES.get() {
        fs::remove_dir_all(files.path()).expect("our own folder");
    }
}

#[divan::bench(args = work::ALL, sample_size = 1, max_time = 0.8)]
fn kernel(bencher: Bencher<'_, '_>, work: &Work) {
    let job = work.prepare(FILES.get_or_init(files).path());
    bencher.counter(BytesCount::new(work.voxel_bytes())).bench_local(job);
}

/// In memory where the system has such a folder, so that no disk is measured.
fn files() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = folder.expect("a folder for files");
    make_files(folder.path());
    folder
}
