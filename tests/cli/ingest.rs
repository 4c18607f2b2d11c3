//! `voxstore ingest`: what gets in, what does not, and what is left when something fails.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::common::{
    FMRI1, FMRI2, FUNCTIONAL, compressed, fixture, folder, gzipped, inflated, names, runs_in,
    voxstore,
};
use super::files::{Nifti, flipped, write};

fn outcomes(json: &Value) -> Vec<&str> {
    json.as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect()
}

/// Every file below a folder that is no part of a finished run or of the index.
fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let hidden = entry.depth() > 0 && name.starts_with('.');
        if hidden || [".staging", ".part"].iter().any(|end| name.ends_with(end)) {
            found.push(entry.into_path());
        }
    }
    found
}

#[test]
fn runs_get_in_and_the_table_says_so() {
    let folder = folder();
    let store = folder.path().join("study.zarr");
    voxstore!("ingest", fixture(FMRI1), fixture(FUNCTIONAL), "-o", store)
        .succeeds()
        .shows(&["run", "outcome", "voxels", "stored", "ratio", "time"])
        .shows(&["runs/fmri1.ome.zarr", "written", "140.6 KiB", "runs/functional", "written"])
        .shows(&["store:", "study.zarr"]);
    assert_eq!(runs_in(&store), ["runs/fmri1.ome.zarr", "runs/functional.ome.zarr"]);
    assert_eq!(names(folder.path()), ["study.zarr"]);
    assert!(leftovers(folder.path()).is_empty());
}

#[test]
fn bids_names_become_folders() {
    let folder = folder();
    let store = folder.path().join("study.zarr");
    let run = Nifti::new([5, 4, 3, 6])
        .write(folder.path(), "bids/sub-01/ses-a/func/sub-01_ses-a_task-rest_bold.nii.gz");
    voxstore!("ingest", run, "-o", store).succeeds();
    assert_eq!(runs_in(&store), ["sub-01/ses-a/func/sub-01_ses-a_task-rest_bold.ome.zarr"]);
}

#[test]
fn what_became_of_each_run_is_told_when_the_index_cannot_be_written() {
    let folder = folder();
    let store = folder.path().join("study.zarr");
    let runs = [1, 2].map(|subject| {
        let name = format!("sub-{subject}/func/sub-{subject}_task-rest_bold.nii");
        Nifti::new([5, 4, 3, 6]).write(folder.path(), &name)
    });
    voxstore!("ingest", runs[0], "-o", store).succeeds();
    let above = store.join("sub-1/zarr.json");
    let good = fs::read(&above).unwrap();
    fs::write(&above, "{").unwrap();
    voxstore!("ingest", runs[1], "-o", store)
        .fails(1, &["though they are in it", "sub-1/zarr.json", "the next ingest"])
        .shows(&["sub-2_task-rest_bold", "written"]);
    assert_eq!(runs_in(&store).len(), 2);
    fs::write(&above, good).unwrap();
    voxstore!("ingest", runs[1], "-o", store).succeeds().shows(&["skipped"]);
}

#[test]
fn a_whole_chunk_in_the_place_of_another_gives_an_error_and_no_numbers() {
    let folder = folder();
    let store = folder.path().join("study.zarr");
    let ingest = |seed: u64, name: &str| {
        let run = Nifti { seed, ..Nifti::new([5, 4, 3, 6]) }.write(folder.path(), name);
        voxstore!("ingest", run, "-o", store, "--chunk", "2,3", "--force").succeeds();
    };
    let file = |run: &str, name: &str| store.join(format!("runs/{run}.ome.zarr/{name}"));
    let (map, back) = (folder.path().join("map.nii"), folder.path().join("back.nii"));
    let refused = |words: &[&str]| {
        voxstore!("tsnr", store, "--run", "a", "-o", map).fails(1, words);
        voxstore!("export", store, "--run", "a", "-o", back).fails(1, words);
        assert!(!map.exists() && !back.exists());
    };
    let moved = ["runs/a.ome.zarr", "0/c.1.0.0.0", "belongs elsewhere", "ingest the run again"];
    ingest(1, "a.nii");
    ingest(2, "b.nii");
    let (chunk, table) = (file("a", "0/c.1.0.0.0"), file("a", "chunk_crc32c/c.0.0.0.0"));
    let (good, good_table) = (fs::read(&chunk).unwrap(), fs::read(&table).unwrap());

    // Two of one run, exchanged; whichever is read first is named.
    let other = file("a", "0/c.2.0.0.0");
    fs::write(&chunk, fs::read(&other).unwrap()).unwrap();
    fs::write(&other, &good).unwrap();
    refused(&["runs/a.ome.zarr", "belongs elsewhere", "ingest the run again"]);
    ingest(3, "a.nii");
    ingest(1, "a.nii");
    assert!(fs::read(&chunk).unwrap() == good);
    // One of another run, and then its table, too.
    fs::copy(file("b", "0/c.1.0.0.0"), &chunk).unwrap();
    refused(&moved);
    fs::copy(file("b", "chunk_crc32c/c.0.0.0.0"), &table).unwrap();
    refused(&["chunk_crc32c/c.0.0.0.0", "digest", "ingest the run"]);
    fs::write(&chunk, &good).unwrap();
    refused(&["chunk_crc32c/c.0.0.0.0", "digest", "ingest the run"]);
    fs::write(&table, &good_table).unwrap();
    voxstore!("export", store, "--run", "a", "-o", back).succeeds();
    fs::remove_file(&back).unwrap();
    // One of the same run, from before it was ingested anew.
    ingest(3, "a.nii");
    fs::write(&chunk, &good).unwrap();
    refused(&moved);
}

#[test]
fn a_sidecar_comes_along() {
    let folder = folder();
    let store = folder.path().join("study.zarr");
    let run = Nifti::new([5, 4, 3, 6]).write(folder.path(), "rest.nii.gz");
    write(folder.path(), "rest.json", br#"{"RepetitionTime": 2.0, "EchoTime": 0.03}"#);
    voxstore!("ingest", run, "-o", store).succeeds();
    let json = voxstore!("info", store, "--json").succeeds().json();
    assert_eq!(json[0]["runs"][0]["sidecar"]["EchoTime"], 0.03);
}

#[test]
fn a_run_that_is_there_already_is_skipped() {
    let folder = folder();
    let store = folder.path().join("study.zarr");
    voxstore!("ingest", fixture(FMRI1), "-o", store).succeeds();
    let again = voxstore!("ingest", fixture(FMRI1), fixture(FMRI2), "-o", store, "--json");
    assert_eq!(outcomes(&again.succeeds().json()), ["skipped", "written"]);
    // Copied bytes with another time are the same source.
    let copy = write(folder.path(), "copy/fmri1.nii.gz", &fs::read(fixture(FMRI1)).unwrap());
    let again = voxstore!("ingest", copy, "-o", store, "--json").succeeds();
    assert_eq!(outcomes(&again.json()), ["skipped"]);
}

#[test]
fn another_source_of_the_same_name_needs_force() {
    let folder = folder();
    let store = folder.path().join("study.zarr");
    let old = Nifti::new([5, 4, 3, 6]);
    let new = Nifti { seed: 2, ..old.clone() };
    let (first, second) =
        (old.write(folder.path(), "a/rest.nii"), new.write(folder.path(), "b/rest.nii"));
    // Size, header and time together are taken for the source; the clock of files is coarse.
    let later = SystemTime::now() + Duration::from_mins(1);
    File::options().write(true).open(&second).unwrap().set_modified(later).unwrap();
    let export = |name: &str| {
        let path = folder.path().join(name);
        voxstore!("export", store, "-o", path).succeeds();
        fs::read(path).unwrap()
    };
    voxstore!("ingest", first, "-o", store).succeeds();
    voxstore!("ingest", second, "-o", store)
        .fails(1, &["runs/rest.ome.zarr", "different source", "--force"]);
    assert!(export("old.nii") == old.bytes());
    let forced = voxstore!("ingest", second, "-o", store, "--force", "--json").succeeds();
    assert_eq!(outcomes(&forced.json()), ["written"]);
    assert!(export("new.nii") == new.bytes());
    assert_eq!(runs_in(&store), ["runs/rest.ome.zarr"]);
    assert!(leftovers(folder.path()).is_empty());
}

/// Two good runs around one whose gzip data are damaged, with a name for the damage.
fn broken_sources(folder: &Path) -> Vec<(&'static str, PathBuf, &'static str)> {
    let whole = fs::read(fixture(FMRI2)).unwrap();
    let plain = inflated(&fixture(FMRI2));
    let mut wrong_crc = whole.clone();
    let end = wrong_crc.len();
    wrong_crc[end - 6] ^= 1;
    vec![
        ("flipped", write(folder, "flipped/bad.nii.gz", &flipped(&whole)), "damaged"),
        ("cut", write(folder, "cut/bad.nii.gz", &whole[..whole.len() / 2]), "cut short"),
        ("crc", write(folder, "crc/bad.nii.gz", &wrong_crc), "damaged"),
        ("short", write(folder, "short/bad.nii", &plain[..plain.len() / 2]), "cut short"),
        ("text", write(folder, "text/bad.nii", &[b'x'; 5000]), "not a NIfTI file"),
        ("gone", folder.join("gone/bad.nii.gz"), "no such file"),
    ]
}

#[test]
fn a_bad_source_is_reported_and_the_rest_is_done() {
    let folder = folder();
    for (name, bad, reason) in broken_sources(folder.path()) {
        let out = folder.path().join(format!("out-{name}"));
        fs::create_dir(&out).unwrap();
        let store = out.join("study.zarr");
        voxstore!("ingest", fixture(FMRI1), bad, fixture(FUNCTIONAL), "-o", store)
            .fails(4, &["failed:", "bad.nii", reason])
            .shows(&["bad.nii", "failed"]);
        assert_eq!(runs_in(&store), ["runs/fmri1.ome.zarr", "runs/functional.ome.zarr"], "{name}");
        assert_eq!(names(&out), ["study.zarr"], "{name}");
        assert_eq!(names(&store.join("runs")).iter().filter(|n| n.contains("bad")).count(), 0);
        assert!(leftovers(&out).is_empty(), "{name}: {:?}", leftovers(&out));
        voxstore!("tsnr", store, "--run", "fmri1", "-o", out.join("map.nii")).succeeds();

        let again =
            voxstore!("ingest", fixture(FMRI1), bad, fixture(FUNCTIONAL), "-o", store, "--json");
        let json = again.fails(4, &[]).json();
        let mut outcomes = outcomes(&json);
        outcomes.sort_unstable();
        assert_eq!(outcomes, ["failed", "skipped", "skipped"], "{name}");
        let errors: Vec<&str> =
            json.as_array().unwrap().iter().filter_map(|row| row["error"].as_str()).collect();
        assert!(errors.len() == 1 && errors[0].contains(reason), "{name}: {errors:?}");
    }
}

#[test]
fn bytes_that_are_not_those_of_their_git_annex_key_do_not_get_in() {
    use md5::{Digest as _, Md5};
    let folder = folder();
    let bytes = gzipped(&Nifti::new([5, 4, 3, 6]).bytes());
    let hex: Vec<String> = Md5::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let hash = hex.concat();
    let wrong = hash.replace(&hash[..1], if hash.starts_with('0') { "1" } else { "0" });
    let (len, link) = (bytes.len(), folder.path().join("data/rest.nii.gz"));
    for (at, (key, code, words)) in [
        (format!("MD5E-s{len}--{hash}.nii.gz"), 0, vec![]),
        (format!("MD5E-s{}--{hash}.nii.gz", len + 1), 1, vec!["rest.nii.gz", "git-annex", "fsck"]),
        (format!("MD5E-s{len}--{wrong}.nii.gz"), 1, vec!["rest.nii.gz", &hash, &wrong, "fsck"]),
    ]
    .into_iter()
    .enumerate()
    {
        let object = format!(".git/annex/objects/Gq/3x/{key}/{key}");
        write(&folder.path().join("data"), &object, &bytes);
        drop(fs::remove_file(&link));
        std::os::unix::fs::symlink(&object, &link).unwrap();
        let store = folder.path().join(format!("{at}.zarr"));
        voxstore!("ingest", link, "-o", store).fails(code, &words);
        assert_eq!(store.join("runs/rest.ome.zarr").exists(), code == 0, "{key}");
    }
    assert!(
        leftovers(folder.path()).iter().all(|path| path.starts_with(folder.path().join("data")))
    );
}

#[test]
fn the_same_voxels_under_another_name_are_noted_and_stored() {
    let folder = folder();
    let store = folder.path().join("study.zarr");
    let run = Nifti::new([5, 4, 3, 6]);
    let [a, b] = ["a.nii", "b.nii.gz"].map(|name| run.write(folder.path(), name));
    // Another header, and the same voxels.
    let c = Nifti { zoom: 2.0, big_endian: true, ..run.clone() }.write(folder.path(), "c.nii");
    let d = Nifti { seed: 2, ..run }.write(folder.path(), "d.nii");
    assert!(!voxstore!("ingest", a, d, "-o", store).succeeds().stdout.contains("note"));
    let answer = voxstore!("ingest", b, c, d, "-o", store, "--json").succeeds();
    let json = answer.json();
    assert_eq!(outcomes(&json), ["written", "written", "skipped"]);
    let notes = |at: usize| json[at]["notes"].clone();
    let note = |name: &str| format!("N93: the same voxels as runs/{name}.ome.zarr");
    assert_eq!(notes(0), serde_json::json!([note("a"), note("c")]));
    assert_eq!(notes(1), serde_json::json!([note("a"), note("b")]));
    assert_eq!(notes(2), serde_json::json!([]));
    let again = voxstore!("ingest", a, "-o", store).succeeds();
    again.shows(&["note", "skipped", "the same voxels as runs/b.ome.zarr", "runs/c.ome.zarr"]);
    assert_eq!(runs_in(&store).len(), 4);
}

#[test]
fn once_a_bad_source_is_mended_a_rerun_does_just_that_one() {
    let folder = folder();
    for (name, bad, _) in broken_sources(folder.path()) {
        let store = folder.path().join(format!("{name}.zarr"));
        let ingest =
            || voxstore!("ingest", fixture(FMRI1), bad, fixture(FUNCTIONAL), "-o", store, "--json");
        let rows = ingest().fails(4, &[]).json();
        let rows = rows.as_array().unwrap();
        for row in rows {
            let failed = row["source"].as_str().unwrap().contains("bad.nii");
            assert_eq!(row["outcome"], if failed { "failed" } else { "written" }, "{name}");
            assert_eq!(row["error"].is_null(), !failed, "{name}");
        }
        assert_eq!(rows.len(), 3, "{name}");
        let (inner, packed) = (inflated(&fixture(FMRI2)), fs::read(fixture(FMRI2)).unwrap());
        let whole = if bad.extension().is_some_and(|end| end == "gz") { packed } else { inner };
        write(folder.path(), bad.to_str().unwrap(), &whole);
        assert_eq!(outcomes(&ingest().succeeds().json()), ["skipped", "written", "skipped"]);
        assert_eq!(outcomes(&ingest().succeeds().json()), ["skipped"; 3], "{name}");
        voxstore!("verify", store, "--deep").succeeds();
    }
}

#[test]
fn strict_writes_nothing_when_a_source_is_bad() {
    let folder = folder();
    for (name, bad, reason) in broken_sources(folder.path()) {
        let out = folder.path().join(format!("out-{name}"));
        fs::create_dir(&out).unwrap();
        let store = out.join("study.zarr");
        voxstore!("ingest", fixture(FMRI1), bad, "-o", store, "--strict")
            .fails(1, &["--strict", "bad.nii", reason]);
        assert!(names(&out).is_empty(), "{name}: {:?}", names(&out));
        // Nor anything more, where there is a store.
        voxstore!("ingest", fixture(FUNCTIONAL), "-o", store).succeeds();
        let before = fs::read(store.join("zarr.json")).unwrap();
        voxstore!("ingest", fixture(FMRI1), bad, "-o", store, "--strict")
            .fails(1, &["--strict", "bad.nii", reason]);
        assert_eq!(runs_in(&store), ["runs/functional.ome.zarr"], "{name}");
        assert!(fs::read(store.join("zarr.json")).unwrap() == before, "{name}");
        assert!(leftovers(&out).is_empty(), "{name}: {:?}", leftovers(&out));
    }
}

#[test]
fn nothing_but_bad_sources_is_a_failure() {
    let folder = folder();
    let store = folder.path().join("out/study.zarr");
    fs::create_dir(folder.path().join("out")).unwrap();
    for (name, bad, _) in broken_sources(folder.path()) {
        let answer = voxstore!("ingest", bad, "-o", store).fails(1, &["bad.nii"]);
        assert!(answer.stdout.contains("failed"), "{name}: {answer:?}");
        assert!(leftovers(folder.path()).is_empty(), "{name}");
    }
}

#[test]
fn sources_that_would_share_a_name_are_refused_before_anything_is_written() {
    let folder = folder();
    let store = folder.path().join("out/study.zarr");
    let run = Nifti::new([5, 4, 3, 6]);
    let a = run.write(folder.path(), "a/rest.nii");
    let b = Nifti { seed: 2, ..run.clone() }.write(folder.path(), "b/rest.nii.gz");
    voxstore!("ingest", a, b, "-o", store).fails(1, &["rest.nii", "both", "Nothing was written"]);
    assert!(!folder.path().join("out").join("study.zarr").exists());
}

#[test]
fn a_folder_is_searched_and_a_pattern_is_matched() {
    let folder = folder();
    for subject in 1..=2 {
        for run in [1, 2, 10] {
            let name = format!("bids/sub-{subject:02}/func/sub-{subject:02}_run-{run}_bold.nii.gz");
            Nifti { seed: run, ..Nifti::new([5, 4, 3, 6]) }.write(folder.path(), &name);
        }
    }
    write(folder.path(), "bids/README", b"no image");
    write(folder.path(), "bids/sub-01/func/._sub-01_run-1_bold.nii.gz", b"macOS metadata");
    let store = folder.path().join("all.zarr");
    voxstore!("ingest", folder.path().join("bids"), "-o", store).succeeds();
    let runs = runs_in(&store);
    assert_eq!(runs.len(), 6);
    assert!(runs[0].ends_with("sub-01_run-1_bold.ome.zarr"), "{runs:?}");
    assert!(runs[2].ends_with("sub-01_run-10_bold.ome.zarr"), "{runs:?}");

    let some = folder.path().join("some.zarr");
    let pattern = folder.path().join("bids/sub-*/func/*run-1_bold.nii.gz");
    voxstore!("ingest", pattern, "-o", some).succeeds();
    assert_eq!(runs_in(&some).len(), 2);
    voxstore!("ingest", folder.path().join("bids/*.nii"), "-o", some).fails(1, &["*.nii"]);
}

#[test]
fn a_store_is_no_source_and_a_source_no_store() {
    let folder = folder();
    let store = folder.path().join("study.zarr");
    voxstore!("ingest", fixture(FMRI1), "-o", store).succeeds();
    voxstore!("ingest", store, "-o", folder.path().join("other.zarr")).fails(1, &["store already"]);
    let file = write(folder.path(), "file.zarr", b"mine");
    voxstore!("ingest", fixture(FMRI1), "-o", file).fails(1, &["file.zarr"]);
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    let other = folder.path().join("documents");
    write(&other, "letter.txt", b"mine");
    voxstore!("ingest", fixture(FMRI1), "-o", other).fails(1, &["documents"]);
    assert_eq!(names(&other), ["letter.txt"]);
    assert!(leftovers(folder.path()).is_empty());
}

#[test]
fn stored_bytes_do_not_depend_on_threads_or_memory() {
    let folder = folder();
    let runs = [FMRI1, FMRI2, FUNCTIONAL].map(|name| compressed(name, folder.path()));
    let digests = |name: &str, threads: &str, memory: &str| {
        let store = folder.path().join(name);
        let limits = ["--threads", threads, "--memory", memory];
        let [a, b, c] = &runs;
        let [f, t, g, m] = limits;
        voxstore!("ingest", a, b, c, "-o", store, f, t, g, m).succeeds();
        let mut files: Vec<(PathBuf, Vec<u8>)> = walkdir::WalkDir::new(&store)
            .into_iter()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_type().is_file())
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("c."))
            .map(|e| {
                (e.path().strip_prefix(&store).unwrap().to_owned(), fs::read(e.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    };
    let first = digests("a.zarr", "1", "64MiB");
    assert!(!first.is_empty());
    assert!(first == digests("b.zarr", "2", "128MiB"));
    assert!(first == digests("c.zarr", "8", "512MiB"));
}

#[test]
fn a_budget_that_is_too_small_is_refused_with_one_that_is_not() {
    let folder = folder();
    let store = folder.path().join("study.zarr");
    let run = Nifti::new([256, 256, 64, 2]).write(folder.path(), "big.nii.gz");
    let answer = voxstore!("ingest", run, "-o", store, "--memory", "20MiB");
    let answer = answer.fails(1, &["20.0 MiB", "--memory"]);
    assert!(!store.exists());
    let (_, said) = answer.stderr.split_once("--memory ").unwrap();
    let fits = said.split_whitespace().next().unwrap();
    voxstore!("ingest", run, "-o", store, "--memory", fits).succeeds();
}

#[test]
fn every_codec_and_chunk_gives_the_voxels_back() {
    let folder = folder();
    let bytes = inflated(&fixture(FMRI1));
    for codec in ["blosc-zstd", "blosc-lz4", "zstd", "none", "auto", "small", "fast"] {
        for chunk in ["1,18", "7,5", "100,100"] {
            let store = folder.path().join(format!("{codec}-{chunk}.zarr"));
            let back = folder.path().join(format!("{codec}-{chunk}.nii"));
            voxstore!("ingest", fixture(FMRI1), "-o", store, "--codec", codec, "--chunk", chunk)
                .succeeds();
            voxstore!("export", store, "-o", back).succeeds();
            let found = fs::read(&back).unwrap();
            assert!(found == bytes[..found.len()], "{codec} {chunk}");
        }
    }
}

#[test]
fn every_kind_of_number_gets_in_and_out() {
    let folder = folder();
    for (datatype, size, name) in super::files::TYPES {
        for big_endian in [false, true] {
            let run = Nifti { big_endian, ..Nifti::new([5, 4, 3, 6]).of_type(datatype, size) };
            let stem = format!("{name}-{big_endian}");
            let path = write(folder.path(), &format!("{stem}.nii.gz"), &gzipped(&run.bytes()));
            let store = folder.path().join(format!("{stem}.zarr"));
            voxstore!("ingest", path, "-o", store).succeeds();
            let back = folder.path().join(format!("{stem}-back.nii"));
            voxstore!("export", store, "-o", back).succeeds();
            assert!(fs::read(&back).unwrap() == run.bytes(), "{stem}");
        }
    }
}
