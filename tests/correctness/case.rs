//! One file of a row, and what becomes of it: read right, read with a warning, or refused.
//!
//! Where `VOXSTORE_ROWS` names a folder, every case leaves its files there, with the true voxels and what
//! voxstore did, for `tests/interop/compare_readers.py`.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use ndarray::ArrayD;
use serde_json::json;
use tempfile::TempDir;
use voxstore::store::{self, IngestOptions, Outcome, RunOutcome, ingest};
use voxstore::{Run, Session, nifti};

use crate::files::{Nifti, gzipped, write};

/// The run that most cases are an odd form of.
pub(crate) fn run() -> Nifti {
    Nifti::new([5, 4, 3, 6])
}

/// A file, and the row it is an example of.
pub(crate) struct Case {
    row: &'static str,
    what: String,
    folder: TempDir,
    path: PathBuf,
    /// True values of the voxels, x fastest, where there is one answer.
    truth: Option<Vec<f64>>,
    /// Whether other readers are asked, too.
    compared: bool,
}

/// A run that was read right, and its store.
pub(crate) struct Sound {
    pub(crate) run: Run,
    /// The group of the run in a store.
    pub(crate) group: PathBuf,
    _folder: TempDir,
}

impl Sound {
    /// The run as the store has it.
    pub(crate) fn stored(&self) -> Run {
        let place = self.group.ancestors().nth(2).unwrap();
        store::open(place).unwrap().run(self.group.file_name().unwrap().to_str().unwrap()).unwrap()
    }
}

impl Deref for Sound {
    type Target = Run;

    fn deref(&self) -> &Run {
        &self.run
    }
}

impl Case {
    /// A file of these bytes. `what` tells it from the other cases of its row.
    pub(crate) fn file(row: &'static str, what: &str, name: &str, bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path(), name, bytes);
        Self { row, what: what.to_owned(), folder, path, truth: None, compared: true }
    }

    /// `run.nii` as the builder makes it, with its values.
    pub(crate) fn of(row: &'static str, what: &str, file: &Nifti) -> Self {
        Self::file(row, what, "run.nii", &file.bytes()).truth(values(file))
    }

    /// `run.nii.gz`, in one gzip member.
    pub(crate) fn gzip(row: &'static str, what: &str, file: &Nifti) -> Self {
        Self::file(row, what, "run.nii.gz", &gzipped(&file.bytes())).truth(values(file))
    }

    /// The true values.
    pub(crate) fn truth(self, values: Vec<f64>) -> Self {
        Self { truth: Some(values), ..self }
    }

    /// Leaves other readers out: what they do depends on what is installed beside them.
    pub(crate) fn by_itself(self) -> Self {
        Self { compared: false, ..self }
    }

    /// Another file beside it.
    pub(crate) fn beside(self, name: &str, bytes: &[u8]) -> Self {
        write(self.folder.path(), name, bytes);
        self
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opened without a word, every value is true, and so it is from a store.
    #[track_caller]
    pub(crate) fn reads(self) -> Sound {
        self.warns(&[])
    }

    /// Opened with just these warnings; every value is true; and all of this from a store, too.
    #[track_caller]
    pub(crate) fn warns(self, codes: &[&str]) -> Sound {
        self.warns_at_the_end(codes, &[])
    }

    /// As [`warns`](Self::warns), with warnings that only a whole pass over the file can give.
    #[track_caller]
    pub(crate) fn warns_at_the_end(self, codes: &[&str], at_the_end: &[&str]) -> Sound {
        let run = self.open();
        assert_eq!(codes_of(&run), codes, "{self:?}: {:?}", run.info().warnings);
        self.holds_truth(&run);

        let all = [codes, at_the_end].concat();
        let (stored, group) = self.stored(&run);
        assert_eq!(codes_of(&stored), all, "{self:?}: {:?}", stored.info().warnings);
        self.holds_truth(&stored);
        let (was, is) = (run.info(), stored.info());
        assert_eq!(stored.shape(), run.shape(), "{self:?}");
        assert_eq!(stored.source().dtype(), run.source().dtype(), "{self:?}");
        assert_eq!(is.header, was.header, "{self:?}");
        assert_eq!(is.sidecar, was.sidecar, "{self:?}");
        // NaN is not itself, and these fields may hold it.
        assert_eq!(format!("{:?}", is.scaling), format!("{:?}", was.scaling), "{self:?}");
        assert_eq!(format!("{:?}", is.geometry), format!("{:?}", was.geometry), "{self:?}");
        assert_eq!(format!("{:?}", is.timing), format!("{:?}", was.timing), "{self:?}");

        let warns = format!("reads, warns ({})", all.join(", "));
        self.leave(if all.is_empty() { "reads" } else { &warns }, Some(&run));
        Sound { run, group, _folder: self.folder }
    }

    /// Not opened; the message names the file and says these words.
    #[track_caller]
    pub(crate) fn refused(self, words: &[&str]) {
        let error = match nifti::open(&self.path) {
            Ok(run) => panic!("{self:?} is to be refused and was opened: {run:?}"),
            Err(error) => error.to_string(),
        };
        self.says(&error, words);
        self.leave("refuses", None);
    }

    /// Its header is opened, and its voxels are refused by whatever reads them; nothing is stored.
    #[track_caller]
    pub(crate) fn damaged(self, words: &[&str]) {
        let run = self.open();
        let error = Session::default().compute::<f64>(&run.lazy().to_f64()).expect_err(&self.what);
        self.says(&error.to_string(), words);
        let place = self.folder.path().join("study.zarr");
        let report =
            ingest(&[run], &place, &IngestOptions::default(), &Session::default()).unwrap();
        match &report.runs[0].result {
            Outcome::Failed(error) => self.says(&error.to_string(), words),
            other => panic!("{self:?}: {other:?}"),
        }
        assert_eq!(store::open(&place).map_or(0, |store| store.runs().len()), 0, "{self:?}");
        self.leave("refuses", None);
    }

    #[track_caller]
    fn says(&self, message: &str, words: &[&str]) {
        let name = self.path.file_name().unwrap().to_str().unwrap();
        for word in words.iter().chain([&name]) {
            assert!(message.contains(word), "{self:?}: no {word:?} in {message:?}");
        }
    }

    #[track_caller]
    fn open(&self) -> Run {
        nifti::open(&self.path).unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }

    /// The run as a store has it after an ingest, and its group there.
    #[track_caller]
    fn stored(&self, run: &Run) -> (Run, PathBuf) {
        let (place, runs) = (self.folder.path().join("study.zarr"), [run.clone()]);
        let report = ingest(&runs, &place, &IngestOptions::default(), &Session::default()).unwrap();
        let RunOutcome { result: Outcome::Written(written), target, .. } = &report.runs[0] else {
            panic!("{self:?}: {:?}", report.runs[0])
        };
        let stored = store::open(&place).unwrap().run(target).unwrap();
        assert_eq!(stored.info().warnings, written.warnings, "{self:?}");
        (stored, place.join(target))
    }

    #[track_caller]
    fn holds_truth(&self, run: &Run) {
        let expected = self.truth.as_ref().expect("a case that is read has true values");
        let found = values_of(run);
        assert_eq!(found.len(), expected.len(), "{self:?}");
        for (voxel, (found, expected)) in found.iter().zip(expected).enumerate() {
            let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
            assert!(same, "{self:?}: voxel {voxel} is {found}, expected {expected}");
        }
    }

    /// Leaves the case where `VOXSTORE_ROWS` says.
    fn leave(&self, verdict: &str, run: Option<&Run>) {
        let folder = std::env::var_os("VOXSTORE_ROWS").filter(|_| self.compared);
        let Some(folder) = folder.map(PathBuf::from) else { return };
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = format!("{} {}", self.row, self.what).chars().map(plain).collect();
        let to = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir(&to).expect("an empty VOXSTORE_ROWS, and no two cases of one name");
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                // The store that was made of it.
                continue;
            }
            let to = to.join(entry.file_name());
            match fs::read_link(entry.path()) {
                Ok(target) => std::os::unix::fs::symlink(target, to).unwrap(),
                Err(_) => drop(fs::copy(entry.path(), to).unwrap()),
            }
        }
        if let Some(truth) = &self.truth {
            let bytes: Vec<u8> = truth.iter().flat_map(|v| v.to_le_bytes()).collect();
            fs::write(to.join("truth.f64"), bytes).unwrap();
        }
        let case = json!({
            "row": self.row,
            "case": self.what,
            "file": self.path.file_name().unwrap().to_str(),
            "voxstore": verdict,
            "affine": run.map(|run| run.info().geometry.affine),
        });
        fs::write(to.join("case.json"), serde_json::to_vec_pretty(&case).unwrap()).unwrap();
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.row, self.what)
    }
}

/// The values of a file by the rules of its slope, as the builder made it.
pub(crate) fn values(file: &Nifti) -> Vec<f64> {
    let single = |v: f64| if file.two { v } else { f64::from(v as f32) };
    let (slope, inter) = (single(file.slope), single(file.inter));
    let is_scaled = slope.is_finite() && slope != 0.0;
    let value = |stored: i64| match (is_scaled, stored as f64) {
        (true, stored) => stored * slope + inter,
        (false, stored) => stored,
    };
    file.samples().map(value).collect()
}

/// The values of a run, x fastest.
pub(crate) fn values_of(run: &Run) -> Vec<f64> {
    let array: ArrayD<f64> = Session::default().compute::<f64>(&run.lazy().to_f64()).unwrap();
    array.reversed_axes().iter().copied().collect()
}

fn codes_of(run: &Run) -> Vec<&str> {
    run.info().warnings.iter().map(|warning| warning.code.as_str()).collect()
}
