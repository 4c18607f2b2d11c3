//! How far the work is: a bar on a terminal, lines in a log, nothing where it is not wanted.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::common::{FMRI1, FMRI2, fixture, folder, program, voxstore};
use super::files::Nifti;

/// What a terminal of this kind is sent while the program runs with its stderr on it.
fn on_terminal(kind: &str, args: &[&OsStr]) -> String {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let mut command = program();
    command.args(args).env("TERM", kind).stdout(Stdio::null()).stderr(theirs);
    let mut child = command.spawn().unwrap();
    // It holds the terminal's other end, which would never close.
    drop(command);
    let (mut ours, mut sent, mut part) = (File::from(ours), Vec::new(), [0; 4096]);
    // Where nobody is at the other end any more, Linux gives an error.
    while let Ok(len @ 1..) = ours.read(&mut part) {
        sent.extend_from_slice(&part[..len]);
    }
    assert!(child.wait().unwrap().success(), "{}", String::from_utf8_lossy(&sent));
    String::from_utf8(sent).unwrap()
}

/// A file that there is nothing to warn of.
fn tidy_run(folder: &Path) -> PathBuf {
    Nifti::new([8, 8, 4, 20]).write(folder, "run.nii.gz")
}

#[track_caller]
fn in_turn(text: &str, words: &[&str]) {
    let mut rest = text;
    for word in words {
        let at = rest.find(word).unwrap_or_else(|| panic!("no {word:?} in turn in {text:?}"));
        rest = &rest[at + word.len()..];
    }
}

#[test]
fn a_terminal_shows_rate_remaining_time_and_memory_and_keeps_one_line() {
    let folder = folder();
    let (run, map) = (tidy_run(folder.path()), folder.path().join("map.nii"));
    let words = ["tsnr".as_ref(), run.as_os_str(), "-o".as_ref(), map.as_os_str()];
    let said =
        on_terminal("xterm", &[&words[..], &["--memory".as_ref(), "64MiB".as_ref()]].concat());
    in_turn(&said, &["computing ", "%", "/s", " left, memory ", ", peak ", " of 64 MiB"]);
    let bar_ends = said.rfind('\u{1b}').expect("a bar is drawn over itself");
    let kept = &said[bar_ends..];
    in_turn(kept, &["computing: ", " in ", " s", "; memory peak ", " of 64.0 MiB\r\n"]);
    assert_eq!(kept.matches('\n').count(), 1, "{said:?}");
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_gets_lines() {
    let folder = folder();
    let (run, map) = (tidy_run(folder.path()), folder.path().join("map.nii"));
    let said =
        on_terminal("dumb", &["tsnr".as_ref(), run.as_os_str(), "-o".as_ref(), map.as_os_str()]);
    assert!(!said.contains('\u{1b}') && said.starts_with("computing: "), "{said:?}");
    assert_eq!(said.matches('\n').count(), 1, "{said:?}");
}

#[test]
fn a_log_has_a_line_for_each_run_of_an_ingest_and_one_at_its_end() {
    let folder = folder();
    let bad = folder.path().join("bad.nii.gz");
    let mut bytes = fs::read(fixture(FMRI2)).unwrap();
    // The checksum at the end of the gzip data.
    let at = bytes.len() - 8;
    bytes[at] ^= 1;
    fs::write(&bad, bytes).unwrap();
    let store = folder.path().join("study.zarr");
    let runs = [fixture(FMRI1), fixture(FMRI2), bad];
    let said = voxstore!("ingest", runs[0], runs[1], runs[2], "-o", store, "--memory", "64MiB");
    let said = said.fails(4, &["2 runs to go\n", "1 run to go\n", "bad.nii.gz"]).stderr;
    assert!(!said.contains('\r') && !said.contains('\u{1b}'), "{said:?}");
    for name in ["runs/fmri1.ome.zarr: written, ", "runs/fmri2.ome.zarr: written, "] {
        assert_eq!(said.matches(name).count(), 1, "{said:?}");
    }
    assert_eq!(said.matches("runs/bad.ome.zarr: failed").count(), 1, "{said:?}");
    in_turn(&said, &["ingest: ", " in ", " s", "; memory peak ", " of 64.0 MiB\n"]);
}

#[test]
fn quiet_and_no_progress_are_silent_on_stderr() {
    let folder = folder();
    for (at, flag) in ["--quiet", "--no-progress"].into_iter().enumerate() {
        let map = folder.path().join(format!("{at}.nii"));
        let answer = voxstore!("tsnr", tidy_run(folder.path()), "-o", map, flag).succeeds();
        assert_eq!(answer.stderr, "", "{flag}");
        assert_eq!(answer.stdout.is_empty(), flag == "--quiet", "{answer:?}");
    }
    let (run, map) = (tidy_run(folder.path()), folder.path().join("map.nii"));
    let words = ["tsnr".as_ref(), run.as_os_str(), "-o".as_ref(), map.as_os_str()];
    let said = on_terminal("xterm", &[&words[..], &["--no-progress".as_ref()]].concat());
    assert_eq!(said, "");
}
