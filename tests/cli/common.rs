//! Running the program, and reading what it leaves.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use flate2::read::MultiGzDecoder;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use super::files::{gzipped, is_gzip};

/// Runs the program with these arguments, strings and paths mixed.
macro_rules! voxstore {
    ($($arg:expr),* $(,)?) => {
        $crate::common::run(vec![
            $(AsRef::<std::ffi::OsStr>::as_ref(&$arg).to_owned()),*
        ])
    };
}
pub(crate) use voxstore;

/// What a run of the program came to.
pub(crate) struct Answer {
    pub(crate) args: Vec<OsString>,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program: the one in `VOXSTORE_PROGRAM`, such as a release build, or the one built for tests.
pub(crate) fn program_path() -> PathBuf {
    std::env::var_os("VOXSTORE_PROGRAM")
        .map_or_else(|| env!("CARGO_BIN_EXE_voxstore").into(), PathBuf::from)
}

/// The program, with nothing to read and no terminal.
pub(crate) fn program() -> Command {
    let mut command = Command::new(program_path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) fn run(args: Vec<OsString>) -> Answer {
    let output = program().args(&args).output().unwrap();
    Answer::of(args, output)
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let args: Vec<_> = self.args.iter().map(|arg| arg.to_string_lossy()).collect();
        let (out, err) = (&self.stdout, &self.stderr);
        write!(f, "voxstore {}\nexit code {:?}", args.join(" "), self.code)?;
        write!(f, "\n--- stdout\n{out}\n--- stderr\n{err}\n---")
    }
}

impl Answer {
    /// What a program with these arguments left; `code` is `None` where a signal ended it.
    pub(crate) fn of(args: Vec<OsString>, output: Output) -> Self {
        Self {
            args,
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts exit code 0.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Asserts the exit code, and that stderr holds each of these words.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in {self:?}");
        }
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self
    }

    /// Asserts that stdout holds each of these words, in this order.
    #[track_caller]
    pub(crate) fn shows(self, words: &[&str]) -> Self {
        let mut rest = self.stdout.as_str();
        for word in words {
            let at = rest.find(word).unwrap_or_else(|| panic!("no {word:?} in turn in {self:?}"));
            rest = &rest[at + word.len()..];
        }
        self
    }

    /// Stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e} in {self:?}"))
    }
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A file below `fixtures/`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

pub(crate) const FMRI1: &str = "nitime/fmri1.nii.gz";
pub(crate) const FMRI2: &str = "nitime/fmri2.nii.gz";
pub(crate) const FUNCTIONAL: &str = "nibabel/functional.nii";
pub(crate) const DS003: &str = "nipype/ds003_sub-01_mc.nii.gz";

/// The bytes of a file, inflated where they are gzip.
pub(crate) fn inflated(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return bytes;
    }
    let mut out = Vec::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut out).unwrap();
    out
}

/// A fixture as a plain `.nii` in `folder`.
pub(crate) fn plain(name: &str, folder: &Path) -> PathBuf {
    let path = folder.join(format!("{}.nii", stem(name)));
    fs::write(&path, inflated(&fixture(name))).unwrap();
    path
}

/// A fixture as `.nii.gz`: itself, or compressed into `folder`.
pub(crate) fn compressed(name: &str, folder: &Path) -> PathBuf {
    if is_gzip(name) {
        return fixture(name);
    }
    let path = folder.join(format!("{}.nii.gz", stem(name)));
    fs::write(&path, gzipped(&fs::read(fixture(name)).unwrap())).unwrap();
    path
}

/// `nitime/fmri1.nii.gz` is `fmri1`.
pub(crate) fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap();
    file.split(".nii").next().unwrap()
}

/// A store of these files in `folder`.
pub(crate) fn store_of(files: &[PathBuf], folder: &Path) -> PathBuf {
    let store = folder.join("study.zarr");
    let mut args: Vec<OsString> = vec!["ingest".into()];
    args.extend(files.iter().map(Into::into));
    args.extend(["-o".into(), store.clone().into()]);
    run(args).succeeds();
    store
}

/// Where the voxels of one of our maps begin.
pub(crate) const MAP_OFFSET: usize = 352;

/// The voxels of a float32 NIfTI-1 map, x fastest.
pub(crate) fn map_values(path: &Path) -> Vec<f32> {
    let bytes = inflated(path);
    let values = bytes[MAP_OFFSET..].chunks_exact(4);
    values.map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// How many float32 numbers lie between two, 0 for equal ones.
pub(crate) fn ulps(a: f32, b: f32) -> u32 {
    if a.is_nan() && b.is_nan() {
        return 0;
    }
    // Bits of floats of one sign are in the order of the floats.
    if a.is_sign_positive() == b.is_sign_positive() {
        a.to_bits().abs_diff(b.to_bits())
    } else {
        (a.abs().to_bits()).saturating_add(b.abs().to_bits())
    }
}

/// Names in a folder, sorted; hidden ones too.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The runs that `info` finds in a store.
pub(crate) fn runs_in(store: &Path) -> Vec<String> {
    let json = voxstore!("info", store, "--json").succeeds().json();
    let runs = json[0]["runs"].as_array().unwrap();
    runs.iter().map(|run| run["name"].as_str().unwrap().to_owned()).collect()
}
