//! The promise of `--memory`: measured <= projected <= budget, seen from outside the process, which
//! the kernel holds to the budget.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::thread::{sleep, spawn};
use std::time::Duration;

use serde_json::Value;

use super::cap::Cap;
use super::common::{folder, gzipped, names, program_path, run};
use super::files::{Nifti, write};

const MIB: u64 = 1 << 20;

/// `VmHWM` of a process that lives: the most memory it has had. None before it runs the program: for a
/// moment after it was started a process still has the memory of the one that started it, here of all
/// these tests.
fn peak_so_far(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    if field("Name:")?.trim() != program_path().file_name()?.to_str()? {
        return None;
    }
    Some(field("VmHWM:")?.split_whitespace().next()?.parse::<u64>().ok()? << 10)
}

/// Runs the program with `--memory`, capped at that, and gives back its peak as seen from outside and
/// what it printed.
fn peak_of(words: &[&str], inputs: &[&Path], budget_mib: u64, more: &[&str]) -> (u64, String) {
    let mut args: Vec<OsString> = words.iter().map(Into::into).collect();
    args.extend(inputs.iter().map(Into::into));
    args.extend(["--memory".into(), format!("{budget_mib}MiB").into()]);
    args.extend(more.iter().map(Into::into));
    let cap = Cap::of(budget_mib * MIB);
    let child = cap.command(&args).spawn().unwrap();
    let id = child.id();
    // More than a pipe holds has to be read while it is written.
    let output = spawn(move || child.wait_with_output().unwrap());
    let mut peak = 0;
    while !output.is_finished() {
        peak = peak.max(peak_so_far(id).unwrap_or(0));
        sleep(Duration::from_micros(500));
    }
    let output = output.join().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), None, "{args:?}: killed by the kernel; {said}");
    assert!(output.status.success(), "{args:?}: {said}");
    assert!(peak <= budget_mib * MIB, "{args:?}: {peak} bytes");
    (peak, String::from_utf8(output.stdout).unwrap())
}

/// Holds what a command says of its memory in JSON against what was seen.
fn assert_kept(told: &str, peak: u64, memory: &Value, budget_mib: u64) {
    let [budget, projected, measured] =
        ["budget_bytes", "projected_peak_bytes", "measured_peak_bytes"]
            .map(|name| memory[name].as_u64().unwrap());
    assert_eq!(budget, budget_mib * MIB);
    assert!(peak > 0, "{told}: never seen to run");
    assert!(peak <= projected, "{told}: seen {peak}, projected {projected}");
    assert!(measured <= projected, "{told}: measured {measured}, projected {projected}");
    assert!(projected <= budget, "{told}: projected {projected}");
    // Not so careful either that it would be of no use.
    assert!(projected <= 2 * measured + 16 * MIB, "{told}: {projected} for {measured}");
}

fn path(name: &Path) -> &str {
    name.to_str().unwrap()
}

/// A run of ds000114's grid in each type: 49, 98 and 197 MB.
fn kinds() -> [(&'static str, Nifti); 3] {
    let run = || Nifti::new([64, 64, 30, 200]);
    [("int16", run()), ("float32", run().of_type(16, 4)), ("float64", run().of_type(64, 8))]
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "Linux has the cap")]
fn a_process_that_needs_more_than_the_cap_does_not_come_to_its_end() {
    let folder = folder();
    let run = Nifti::new([64, 64, 30, 40]).write(folder.path(), "run.nii.gz");
    let map = folder.path().join("map.nii");
    let args = |memory: &str| -> Vec<OsString> {
        let words = ["tsnr", path(&run), "-o", path(&map), "--quiet", "--memory", memory];
        words.iter().map(Into::into).collect()
    };
    let capped = Cap::of(12 * MIB).command(&args("64MiB")).output().unwrap();
    assert!(!capped.status.success() && !map.exists(), "{capped:?}");
    let enough = Cap::of(64 * MIB).command(&args("64MiB")).output().unwrap();
    assert!(enough.status.success() && map.exists(), "{enough:?}");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the peak is read from /proc")]
fn every_command_stays_within_its_budget_under_the_kernels_cap() {
    for (name, run) in kinds() {
        let folder = folder();
        let bytes = run.bytes();
        let plain = write(folder.path(), &format!("{name}.nii"), &bytes);
        let gzip = write(folder.path(), &format!("{name}.nii.gz"), &gzipped(&bytes));
        drop(bytes);
        let map = folder.path().join("map.nii");
        let mut maps = Vec::new();
        for budget in [64, 128, 512] {
            let store = folder.path().join(format!("{budget}.zarr"));
            for (source, threads) in [(&plain, "8"), (&gzip, "1")] {
                let more = ["-o", path(&store), "--quiet", "--force", "--threads", threads];
                peak_of(&["ingest"], &[source], budget, &more);
            }
            for (input, io) in
                [(&plain, "map"), (&plain, "read"), (&gzip, "auto"), (&store, "auto")]
            {
                for threads in ["1", "2", "8"] {
                    let more =
                        ["-o", path(&map), "--force", "--json", "--io", io, "--threads", threads];
                    let (peak, said) = peak_of(&["tsnr"], &[input], budget, &more);
                    let told = format!("{} --io {io} --threads {threads}", input.display());
                    let said: Value = serde_json::from_str(&said).unwrap();
                    assert_kept(&told, peak, &said["record"]["memory"], budget);
                    maps.push(fs::read(&map).unwrap());
                }
            }
            let parts = folder.path().join(format!("parts-{budget}"));
            for (input, shard, threads) in [(&gzip, "0/1", "2"), (&store, "1/2", "8")] {
                let parts = parts.join(shard.replace('/', "-"));
                let more = ["-o", path(&parts), "--shard", shard, "--json", "--threads", threads];
                let (peak, said) = peak_of(&["tsnr"], &[input], budget, &more);
                let said: Value = serde_json::from_str(&said).unwrap();
                let told = format!("shard {shard} of {}", input.display());
                assert_kept(&told, peak, &said["memory"], budget);
            }
            let more = ["-o", path(&map), "--force", "--json"];
            let (peak, said) = peak_of(&["merge"], &[&parts.join("0-1")], budget, &more);
            let said: Value = serde_json::from_str(&said).unwrap();
            assert_kept("merge", peak, &said["record"]["memory"], budget);
            maps.push(fs::read(&map).unwrap());
            let back = folder.path().join("back.nii");
            let more = ["-o", path(&back), "--force", "--quiet"];
            peak_of(&["export"], &[&store], budget, &more);
            assert!(fs::read(&back).unwrap() == fs::read(&plain).unwrap(), "{name}");
        }
        assert!(maps.windows(2).all(|pair| pair[0] == pair[1]), "{name}: maps differ");
        let (image, series) = (folder.path().join("out.nii.gz"), folder.path().join("out.tsv"));
        let (parts, store) = (folder.path().join("medians"), folder.path().join("64.zarr"));
        for shard in ["0/2", "1/2"] {
            let more = ["-o", path(&parts), "--shard", shard, "--json"];
            let (peak, said) = peak_of(&["reduce", "median"], &[&store], 64, &more);
            let said: Value = serde_json::from_str(&said).unwrap();
            assert_kept(&format!("median, shard {shard}"), peak, &said["memory"], 64);
        }
        let more = ["-o", path(&image), "--force", "--json"];
        let (peak, said) = peak_of(&["merge"], &[&parts], 64, &more);
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_kept("merge medians", peak, &said["record"]["memory"], 64);
        for input in [&plain, &gzip] {
            for (op, axes, out) in
                [("median", "t", &image), ("std", "t", &image), ("mean", "x,y,z", &series)]
            {
                let more = ["--axis", axes, "-o", path(out), "--force", "--json"];
                let (peak, said) = peak_of(&["reduce", op], &[input], 64, &more);
                let said: Value = serde_json::from_str(&said).unwrap();
                let memory = said.get("record").unwrap_or(&said);
                assert_kept(&format!("{op} {}", input.display()), peak, &memory["memory"], 64);
            }
            let more = ["-o", path(&series), "--force", "--json"];
            let (peak, said) = peak_of(&["qc"], &[input], 64, &more);
            let said: Value = serde_json::from_str(&said).unwrap();
            let memory = &said[0]["record"]["memory"];
            assert_kept(&format!("qc {}", input.display()), peak, memory, 64);
            peak_of(&["explain", "tsnr"], &[input], 64, &["--quiet"]);
        }
    }
}

/// What an allocator keeps of chunks that were read is the process's, too.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the peak is read from /proc")]
fn chunks_of_tens_of_megabytes_stay_within_the_plan() {
    let folder = folder();
    let run = Nifti::new([64, 64, 36, 120]).write(folder.path(), "run.nii");
    let (store, map) = (folder.path().join("study.zarr"), folder.path().join("map.nii"));
    for (chunk, budget) in [("60,36", 64), ("60,36", 96), ("120,36", 96)] {
        let more = ["-o", path(&store), "--force", "--quiet", "--chunk", chunk];
        peak_of(&["ingest"], &[&run], 512, &more);
        let more = ["-o", path(&map), "--force", "--json"];
        let (peak, said) = peak_of(&["tsnr"], &[&store], budget, &more);
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_kept(&format!("chunks of {chunk}"), peak, &said["record"]["memory"], budget);
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the peak is read from /proc")]
fn a_grid_too_large_for_its_own_maps_is_done_from_disk() {
    let folder = folder();
    let runs: Vec<PathBuf> = (1..=2)
        .flat_map(|seed| {
            let bytes = Nifti { seed, ..Nifti::new([128, 128, 96, 5]) }.bytes();
            let plain = write(folder.path(), &format!("run-{seed}.nii"), &bytes);
            [plain, write(folder.path(), &format!("run-{seed}.nii.gz"), &gzipped(&bytes))]
        })
        .collect();
    let before = names(folder.path());
    let outputs = crate::common::folder();
    let map = outputs.path().join("map.nii");
    let mut first: Option<(Vec<u8>, Value, Value)> = None;
    // Five maps of float64 take 60 MiB, and sums of two streams 48.
    for (kind, budget, threads) in [
        (0, 512, "2"),
        (0, 48, "1"),
        (0, 48, "8"),
        (1, 512, "2"),
        (1, 48, "1"),
        (1, 48, "2"),
        (1, 32, "1"),
    ] {
        let inputs: Vec<&Path> = runs.iter().skip(kind).step_by(2).map(PathBuf::as_path).collect();
        let more = ["-o", path(&map), "--force", "--json", "--threads", threads];
        let (peak, said) = peak_of(&["tsnr"], &inputs, budget, &more);
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_kept(
            &format!("{kind} within {budget} MiB"),
            peak,
            &said["record"]["memory"],
            budget,
        );
        let runs: Vec<Value> = said["record"]["inputs"].as_array().unwrap().clone();
        let medians = runs.iter().map(|run| run["tsnr_median"].clone()).collect();
        let now = (fs::read(&map).unwrap(), said["record"]["figures"].clone(), medians);
        let want = first.get_or_insert_with(|| now.clone());
        assert!(*want == now, "within {budget} MiB another result");
        let scans = said["record"]["memory"]["scans"].as_u64().unwrap();
        assert_eq!(scans > 1, kind == 1 && budget < 64, "{scans} scans within {budget} MiB");
    }
    assert_eq!(names(folder.path()), before);
    assert_eq!(names(outputs.path()), ["map.json", "map.nii"]);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the peak is read from /proc")]
fn many_runs_are_read_once_in_memory_that_does_not_hold_their_sums() {
    let folder = folder();
    let runs: Vec<PathBuf> = (1..=24)
        .map(|seed| {
            let run = Nifti { seed, ..Nifti::new([64, 64, 30, 12]) };
            run.write(folder.path(), &format!("run-{seed:02}.nii.gz"))
        })
        .collect();
    let inputs: Vec<&Path> = runs.iter().map(PathBuf::as_path).collect();
    let outputs = crate::common::folder();
    let (map, store) = (outputs.path().join("map.nii"), folder.path().join("study.zarr"));
    peak_of(&["ingest"], &inputs, 64, &["-o", path(&store), "--quiet"]);
    let mut maps = Vec::new();
    // Sums take 45 MiB, maps 29.
    for (input, budget, threads) in [
        (&inputs[..], 512, "2"),
        (&inputs[..], 36, "2"),
        (&inputs[..], 30, "1"),
        (&[store.as_path()], 512, "2"),
        (&[store.as_path()], 36, "2"),
    ] {
        let more = ["-o", path(&map), "--force", "--json", "--threads", threads];
        let (peak, said) = peak_of(&["tsnr"], input, budget, &more);
        let said: Value = serde_json::from_str(&said).unwrap();
        let memory = &said["record"]["memory"];
        assert_kept(&format!("{} within {budget} MiB", input.len()), peak, memory, budget);
        assert_eq!(memory["scans"], 1, "within {budget} MiB");
        maps.push((fs::read(&map).unwrap(), said["record"]["figures"].clone()));
    }
    assert!(maps.windows(2).all(|pair| pair[0] == pair[1]), "another result");
    assert_eq!(names(outputs.path()), ["map.json", "map.nii"]);

    // Its last bytes are its checksum and length.
    let mut bytes = fs::read(&runs[20]).unwrap();
    let end = bytes.len();
    bytes[end - 6] ^= 1;
    fs::write(&runs[20], bytes).unwrap();
    let other = outputs.path().join("other.nii");
    let mut args: Vec<OsString> = vec!["tsnr".into()];
    args.extend(inputs.iter().map(Into::into));
    args.extend(["--memory", "36MiB", "-o", path(&other)].map(Into::into));
    run(args).fails(1, &["run-21.nii.gz"]);
    assert_eq!(names(outputs.path()), ["map.json", "map.nii"]);
}

/// Many small buffers cost more than their bytes.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the peak is read from /proc")]
fn hundreds_of_runs_stay_within_the_least_budget_they_ask_for() {
    let folder = folder();
    let bytes_of = |seed| Nifti { seed, ..Nifti::new([32, 32, 20, 12]) }.bytes();
    let different: Vec<Vec<u8>> = (1..=10).map(|seed| gzipped(&bytes_of(seed))).collect();
    let runs: Vec<PathBuf> = (0..300)
        .map(|n| write(folder.path(), &format!("run-{n:03}.nii.gz"), &different[n % 10]))
        .collect();
    let inputs: Vec<&Path> = runs.iter().map(PathBuf::as_path).collect();
    let outputs = crate::common::folder();
    let (map, store) = (outputs.path().join("map.nii"), folder.path().join("study.zarr"));
    peak_of(&["ingest"], &inputs, 64, &["-o", path(&store), "--quiet"]);
    let mut first = None;
    for (input, threads, more_mib) in [
        // Read again and again for slabs of voxels; sums wait on disk from the next MiB on.
        (&inputs[..], "1", 0),
        (&inputs[..], "2", 1),
        (&[store.as_path()], "8", 6),
    ] {
        let more = ["-o", path(&map), "--force", "--json", "--threads", threads];
        let mut args: Vec<OsString> = vec!["tsnr".into()];
        args.extend(input.iter().map(Into::into));
        args.extend(["--memory", "17MiB"].iter().chain(&more).map(Into::into));
        let refused = run(args).fails(1, &["what would fit: --memory "]);
        let (_, asked) = refused.stderr.split_once("what would fit: --memory ").unwrap();
        let least: u64 = asked.split_once("MiB").unwrap().0.parse().unwrap();
        let budget = least + more_mib;
        let (peak, said) = peak_of(&["tsnr"], input, budget, &more);
        let said: Value = serde_json::from_str(&said).unwrap();
        let told = format!("{} on {threads} within {budget} MiB", input.len());
        assert_kept(&told, peak, &said["record"]["memory"], budget);
        assert!(more_mib == 0 || said["record"]["memory"]["scans"] == 1, "{told}");
        let now = (fs::read(&map).unwrap(), said["record"]["figures"].clone());
        assert!(*first.get_or_insert_with(|| now.clone()) == now, "{told}: another result");
    }
    assert_eq!(names(outputs.path()), ["map.json", "map.nii"]);
}

/// A file whose header is followed by an extension of so many bytes.
fn with_extension(bytes: usize, seed: u64) -> Vec<u8> {
    let run = Nifti { seed, ..Nifti::new([16, 16, 10, 8]) };
    let mut out = run.header();
    out[108..112].copy_from_slice(&((352 + bytes) as f32).to_le_bytes());
    out[348] = 1;
    out.extend((bytes as u32).to_le_bytes());
    out.extend(6_u32.to_le_bytes());
    out.resize(352 + bytes, b'x');
    out.extend(run.voxels());
    out
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the peak is read from /proc")]
fn headers_of_megabytes_are_part_of_what_is_projected() {
    let folder = folder();
    let runs: Vec<PathBuf> = (1..=24)
        .map(|seed| {
            let bytes = with_extension(3 << 19, seed);
            let ending = if seed % 2 == 0 { "nii" } else { "nii.gz" };
            let bytes = if ending == "nii" { bytes } else { gzipped(&bytes) };
            write(folder.path(), &format!("run-{seed}.{ending}"), &bytes)
        })
        .collect();
    let inputs: Vec<&Path> = runs.iter().map(PathBuf::as_path).collect();
    let (map, store) = (folder.path().join("map.nii"), folder.path().join("study.zarr"));
    let out_map = ["-o", path(&map), "--force", "--json", "--threads", "2"];
    let out_store = ["-o", path(&store), "--quiet"];
    let refused = |command: &str, inputs: &[&Path], more: &[&str], words: &[&str]| {
        let mut args: Vec<OsString> = vec![command.into()];
        args.extend(inputs.iter().map(Into::into));
        args.extend(["--memory", "40MiB"].map(Into::into));
        args.extend(more.iter().map(Into::into));
        run(args).fails(1, words);
    };

    refused("tsnr", &inputs, &out_map, &["the plan, headers and sidecars of all runs"]);
    refused("ingest", &inputs, &out_store, &["headers and sidecars 4"]);
    assert!(!map.exists() && !store.exists());

    let (peak, said) = peak_of(&["tsnr"], &inputs, 64, &out_map);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_kept("tsnr of long headers", peak, &said["record"]["memory"], 64);
    peak_of(&["ingest"], &inputs, 64, &out_store);
    let (peak, said) = peak_of(&["tsnr"], &[&store], 64, &out_map);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_kept("tsnr of stored long headers", peak, &said["record"]["memory"], 64);
    // One at a time.
    let exported = folder.path().join("exported");
    peak_of(&["export"], &[&store], 32, &["-o", path(&exported)]);
    let again = fs::read(exported.join("runs/run-2.nii")).unwrap();
    assert!(again == with_extension(3 << 19, 2));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the peak is read from /proc")]
fn a_store_of_many_runs_is_opened_in_little_memory() {
    let folder = folder();
    let run = Nifti::new([16, 16, 10, 8]).write(folder.path(), "run.nii");
    let (map, store) = (folder.path().join("map.nii"), folder.path().join("study.zarr"));
    peak_of(&["ingest"], &[&run], 64, &["-o", path(&store), "--quiet"]);
    // What the root says of 30,000 runs.
    let root = store.join("zarr.json");
    let mut said: Value = serde_json::from_slice(&fs::read(&root).unwrap()).unwrap();
    let listed = said["attributes"]["voxstore"]["runs"][0].clone();
    said["attributes"]["voxstore"]["runs"] = vec![listed; 30_000].into();
    let nodes = said["consolidated_metadata"]["metadata"].as_object_mut().unwrap();
    let node = nodes["runs/run.ome.zarr/0"].clone();
    nodes.extend((0..30_000).map(|n| (format!("runs/made-{n}.ome.zarr/0"), node.clone())));
    fs::write(&root, said.to_string()).unwrap();
    assert!(fs::metadata(&root).unwrap().len() > 20 << 20);

    let more = ["-o", path(&map), "--json", "--threads", "1"];
    let (peak, said) = peak_of(&["tsnr"], &[&store], 24, &more);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_kept("tsnr of a store with a long index", peak, &said["record"]["memory"], 24);
    peak_of(&["export"], &[&store], 24, &["-o", path(&folder.path().join("back"))]);
}
