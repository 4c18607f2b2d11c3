//! What holds for every command: help, usage errors, and a reader that went away.

use std::io::Read as _;
use std::process::Stdio;

use super::common::{FMRI1, fixture, folder, program, voxstore};

const COMMANDS: [&str; 15] = [
    "ingest",
    "info",
    "tsnr",
    "qc",
    "report",
    "reduce",
    "merge",
    "stats",
    "explain",
    "export",
    "verify",
    "diff",
    "bids",
    "completions",
    "man",
];

#[test]
fn help_of_every_command_shows_an_example() {
    for command in COMMANDS {
        voxstore!(command, "--help").succeeds().shows(&[
            "Usage: voxstore",
            "Examples:",
            &format!("voxstore {command} "),
        ]);
    }
    let mut all = COMMANDS.to_vec();
    all.insert(0, "Commands:");
    voxstore!("--help").succeeds().shows(&all);
    voxstore!("--version").succeeds().shows(&["voxstore ", "."]);
}

#[test]
fn usage_errors_exit_with_2() {
    voxstore!().fails(2, &["Usage"]);
    voxstore!("tnsr").fails(2, &["tnsr", "tsnr"]);
    for command in COMMANDS {
        if command != "man" {
            voxstore!(command).fails(2, &["Usage", "--help"]);
        }
        voxstore!(command, "--no-such-flag").fails(2, &["--no-such-flag"]);
    }
    let run = fixture(FMRI1);
    voxstore!("tsnr", run).fails(2, &["--output"]);
    voxstore!("ingest", run).fails(2, &["--output"]);
    let folder = folder();
    let map = folder.path().join("map.nii");
    for (flag, value) in [
        ("--memory", "plenty"),
        ("--memory", "1MiB"),
        ("--threads", "0"),
        ("--threads", "two"),
        ("--io", "psychic"),
        ("--constant", "7"),
        ("--ddof", "none"),
    ] {
        let word = flag.trim_start_matches('-');
        voxstore!("tsnr", run, "-o", map, flag, value).fails(2, &[word]);
    }
    voxstore!("ingest", run, "-o", map, "--codec", "rar").fails(2, &["rar"]);
    voxstore!("ingest", run, "-o", map, "--chunk", "0,8").fails(2, &["--chunk"]);
    assert!(super::common::names(folder.path()).is_empty());
}

#[test]
fn a_reader_that_went_away_ends_the_program_quietly() {
    let folder = folder();
    let (run, map) = (fixture(FMRI1), folder.path().join("map.nii"));
    let info = ["info".as_ref(), run.as_os_str()];
    let json = ["info".as_ref(), run.as_os_str(), "--json".as_ref()];
    let tsnr = ["tsnr".as_ref(), run.as_os_str(), "-o".as_ref(), map.as_os_str()];
    for args in [&info[..], &json, &tsnr] {
        let mut child = program().args(args).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = child.wait().unwrap();
        assert!(status.success(), "{args:?}: {status}");
        assert!(!said.contains("error") && !said.contains("panicked"), "{args:?}: {said}");
    }
    assert!(map.exists());
}

#[test]
fn no_progress_bar_is_drawn_where_there_is_no_terminal() {
    let folder = folder();
    let map = folder.path().join("map.nii");
    let answer = voxstore!("tsnr", fixture(FMRI1), "-o", map).succeeds();
    assert!(!answer.stderr.contains('\u{1b}') && !answer.stderr.contains('\r'), "{answer:?}");
    assert!(!answer.stdout.contains('\u{1b}'), "{answer:?}");
}
