//! The promise of `--memory`: measured <= projected <= budget, seen from outside the process.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use super::common::{folder, gzipped, program};
use super::files::{Nifti, write};

const BUDGET: &str = "64MiB";
const BUDGET_BYTES: u64 = 64 << 20;

/// Runs of the shape of ds000114's, 9.8 MB of voxels each, as `.nii` and `.nii.gz`.
fn runs(folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    (1..=5)
        .map(|number| {
            let bytes = Nifti { seed: number, ..Nifti::new([64, 64, 30, 40]) }.bytes();
            let stem = format!("sub-01_task-rest_run-{number}_bold");
            let plain = write(folder, &format!("nii/{stem}.nii"), &bytes);
            (plain, write(folder, &format!("gz/{stem}.nii.gz"), &gzipped(&bytes)))
        })
        .unzip()
}

/// `VmHWM` of a process that lives: the most memory it has had.
fn peak_so_far(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10)
}

/// Runs the program and gives back its peak as seen from outside, and its JSON.
fn peak_of(args: Vec<OsString>) -> (u64, Value) {
    let mut child = program().args(&args).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(peak_so_far(child.id()).unwrap_or(0));
        sleep(Duration::from_micros(500));
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    (peak, serde_json::from_slice(&output.stdout).unwrap())
}

fn args(command: &str, inputs: &[PathBuf], output: &Path, more: &[&str]) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec![command.into()];
    args.extend(inputs.iter().map(Into::into));
    args.extend(["-o".into(), output.into(), "--json".into()]);
    args.extend(["--memory".into(), BUDGET.into()]);
    args.extend(more.iter().map(Into::into));
    args
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the peak is read from /proc")]
fn measured_peaks_stay_below_projected_ones_and_these_below_the_budget() {
    let folder = folder();
    let (plain, gzip) = runs(folder.path());
    let stores = ["from-nii.zarr", "from-gz.zarr"].map(|name| folder.path().join(name));
    for (inputs, store) in [&plain, &gzip].into_iter().zip(&stores) {
        let (peak, _) = peak_of(args("ingest", inputs, store, &[]));
        assert!(peak > 0 && peak <= BUDGET_BYTES, "ingest into {}: {peak}", store.display());
    }

    let map = folder.path().join("map.nii");
    let store = &stores[1..];
    for (inputs, io) in [(&plain[..], "map"), (&plain, "read"), (&gzip, "auto"), (store, "auto")] {
        for threads in ["1", "2", "8"] {
            let more = ["--force", "--threads", threads, "--io", io];
            let (peak, json) = peak_of(args("tsnr", inputs, &map, &more));
            let memory = &json["record"]["memory"];
            let [budget, projected, measured] =
                ["budget_bytes", "projected_peak_bytes", "measured_peak_bytes"]
                    .map(|name| memory[name].as_u64().unwrap());
            let told = format!("{} --io {io} --threads {threads}", inputs[0].display());
            assert_eq!(budget, BUDGET_BYTES);
            assert!(peak <= projected, "{told}: seen {peak}, projected {projected}");
            assert!(measured <= projected, "{told}: measured {measured}, projected {projected}");
            assert!(projected <= budget, "{told}: projected {projected}");
        }
    }
}
