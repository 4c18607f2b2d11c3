//! `voxstore explain`: the plan of a command in every format, and nothing else touched.

use std::fs;

use super::common::{FMRI1, FMRI2, fixture, folder, names, voxstore};
use super::files::{Nifti, flipped, write};

#[test]
fn tsnr_is_explained_in_every_format() {
    let runs = [fixture(FMRI1), fixture(FMRI2)];
    voxstore!("explain", "tsnr", runs[0], runs[1]).succeeds().shows(&["fmri1.nii.gz"]);
    let json = voxstore!("explain", "tsnr", runs[0], runs[1], "--json").succeeds().json();
    assert_eq!(json["summary"]["budget_bytes"], 512 << 20);
    assert_eq!(json["passes"].as_array().unwrap().len(), 1, "one scan");
    let dot = voxstore!("explain", "tsnr", runs[0], "--format", "dot").succeeds();
    assert!(dot.stdout.starts_with("digraph"), "{dot:?}");
    let svg = voxstore!("explain", "tsnr", runs[0], "--format", "svg").succeeds();
    assert!(svg.stdout.starts_with("<svg") && svg.stdout.ends_with("</svg>\n"), "{svg:?}");
}

#[test]
fn what_is_explained_is_what_is_done() {
    let folder = folder();
    let runs = [fixture(FMRI1), fixture(FMRI2)];
    let map = folder.path().join("map.nii");
    let limits = ["--memory", "90MiB", "--threads", "2"];
    let [m, mib, t, n] = limits;
    let plan = voxstore!("explain", "tsnr", runs[0], runs[1], "--json", m, mib, t, n);
    let done = voxstore!("tsnr", runs[0], runs[1], "-o", map, "--json", m, mib, t, n);
    let (plan, done) = (plan.succeeds().json(), done.succeeds().json());
    let memory = &done["record"]["memory"];
    assert_eq!(plan["summary"]["peak_bytes"], memory["projected_peak_bytes"]);
    assert_eq!(plan["summary"]["read_bytes"], memory["voxel_bytes_read"]);
    assert_eq!(plan["summary"]["scans"], memory["scans"]);

    for op in ["median", "max", "count-nonzero"] {
        for more in [&["--axis", "t", "-o", map.to_str().unwrap()], &["--axis", "x,y,z", m, mib]] {
            let [a, b, c, d] = *more;
            let plan = voxstore!("explain", "reduce", op, runs[0], a, b, c, d, "--json");
            let done = voxstore!("reduce", op, runs[0], a, b, c, d, "--json", "--force");
            let (plan, done) = (plan.succeeds().json(), done.succeeds().json());
            let memory = &done["record"]["memory"];
            assert_eq!(plan["summary"]["peak_bytes"], memory["projected_peak_bytes"], "{op}");
            assert_eq!(plan["summary"]["read_bytes"], memory["voxel_bytes_read"], "{op}");
        }
    }
}

#[test]
fn no_voxel_is_read_and_no_map_is_written() {
    let folder = folder();
    // A gzip stream that is damaged behind its header.
    let whole = fs::read(fixture(FMRI1)).unwrap();
    let bad = write(folder.path(), "bad.nii.gz", &flipped(&whole));
    let map = folder.path().join("map.nii.gz");
    voxstore!("explain", "tsnr", bad, "-o", map).succeeds().shows(&["bad.nii.gz"]);
    voxstore!("explain", "reduce", "std", bad, "-o", map).succeeds().shows(&["bad.nii.gz"]);
    assert_eq!(names(folder.path()), ["bad.nii.gz"]);
}

#[test]
fn a_plan_that_does_not_fit_is_refused_as_the_command_would_be() {
    let folder = folder();
    let run = Nifti::new([128, 128, 64, 2]).of_type(2, 1).write(folder.path(), "run.nii");
    let map = folder.path().join("map.nii");
    let commands = [
        voxstore!("tsnr", run, "-o", map, "--memory", "20MiB"),
        voxstore!("explain", "tsnr", run, "--memory", "20MiB"),
        voxstore!("explain", "tsnr", run, "--memory", "20MiB", "--quiet"),
    ];
    let said: Vec<String> = commands
        .into_iter()
        .map(|a| a.fails(1, &["no data was read", "--memory"]).stderr)
        .collect();
    assert!(said[0] == said[1] && said[1] == said[2], "{said:?}");
    voxstore!("explain", "reduce", "std", run, "--memory", "20MiB")
        .fails(1, &["no data was read", "--memory"]);
    let fits = voxstore!("explain", "tsnr", run, "--quiet").succeeds();
    assert_eq!((fits.stdout.as_str(), fits.stderr.as_str()), ("", ""));
}

#[test]
fn results_that_do_not_fit_wait_on_disk_and_a_plan_says_so() {
    let folder = folder();
    // Eight maps of 8 MiB each do not fit beside the three of the whole.
    let runs: Vec<_> = (0..8)
        .map(|seed| {
            let file = Nifti { seed, ..Nifti::new([128, 128, 64, 2]).of_type(2, 1) };
            file.write(folder.path(), &format!("run-{seed}.nii"))
        })
        .collect();
    let mut args: Vec<std::ffi::OsString> = vec!["explain".into(), "tsnr".into()];
    args.extend(runs.into_iter().map(Into::into));
    let large = super::common::run(args.clone()).succeeds();
    assert!(!large.stdout.contains("wait on disk"), "{large:?}");
    args.extend(["--memory".into(), "60MiB".into()]);
    super::common::run(args).succeeds().shows(&["1 pass", "wait on disk"]);
}

#[test]
fn the_ending_of_a_file_names_its_format() {
    let folder = folder();
    let run = fixture(FMRI1);
    let place = |name: &str| folder.path().join(name);
    for (name, start) in [("p.svg", "<svg"), ("p.dot", "digraph"), ("p.json", "{")] {
        let answer = voxstore!("explain", "reduce", "mean", run, "-o", place(name)).succeeds();
        assert_eq!(answer.stdout, "");
        assert!(fs::read_to_string(place(name)).unwrap().starts_with(start), "{name}");
    }
    voxstore!("explain", "tsnr", run, "-o", place("p.svg")).fails(1, &["p.svg", "--force"]);
    voxstore!("explain", "tsnr", run, "-o", place("p.svg"), "--force", "--format", "text")
        .succeeds();
    assert!(fs::read_to_string(place("p.svg")).unwrap().contains("fmri1.nii.gz"));
    voxstore!("explain", "tsnr", run, "-o", place("p.png")).fails(1, &["p.png", "--format"]);
    assert_eq!(names(folder.path()), ["p.dot", "p.json", "p.svg"]);
}

#[test]
fn misused_arguments_are_refused_as_by_the_command() {
    voxstore!("explain").fails(2, &["Usage"]);
    voxstore!("explain", "ingest", "x.nii").fails(2, &["ingest"]);
    voxstore!("explain", "reduce", "quantile", "x.nii").fails(2, &["--q"]);
    voxstore!("explain", "tsnr", "x.nii", "--json", "--format", "svg").fails(2, &["--format"]);
    voxstore!("explain", "tsnr", "not-there.nii").fails(1, &["not-there.nii"]);
    for job in ["tsnr", "reduce"] {
        voxstore!("explain", job, "--help")
            .succeeds()
            .shows(&["Usage: voxstore explain", "--format"]);
    }
}
