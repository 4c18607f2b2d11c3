//! Runs that are two files, a `.hdr` and an `.img`: read, searched for, stored and given back.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::common::{Answer, folder, gzipped, inflated, is_gzip, names, runs_in, voxstore};
use super::files::{Nifti, packed, write};

const SHAPE: [i64; 4] = [5, 4, 3, 6];

fn run() -> Nifti {
    Nifti::new(SHAPE)
}

/// Writes a pair under these names, each compressed where its name says so; returns both paths.
fn write_pair(folder: &Path, run: &Nifti, header: &str, image: &str) -> [PathBuf; 2] {
    let (head, voxels) = run.halves(&[]);
    [(header, head), (image, voxels)].map(|(name, bytes)| write(folder, name, &packed(name, bytes)))
}

/// The map that `tsnr` makes of these inputs.
fn map_of(folder: &Path, inputs: &[&PathBuf]) -> Vec<u8> {
    let map = folder.join("map.nii");
    let mut args = vec!["tsnr".into()];
    args.extend(inputs.iter().map(|path| path.as_os_str().to_owned()));
    args.extend(["-o".into(), map.clone().into(), "--force".into()]);
    super::common::run(args).succeeds();
    fs::read(map).unwrap()
}

#[test]
fn a_pair_has_the_numbers_of_the_single_file_by_either_name() {
    for two in [false, true] {
        for big_endian in [false, true] {
            let base = if two { run().version_two() } else { run() };
            let run = Nifti { big_endian, slope: 0.5, inter: 3.0, ..base };
            for (header, image) in [
                ("x.hdr", "x.img"),
                ("x.hdr.gz", "x.img.gz"),
                ("x.hdr", "x.img.gz"),
                ("X.HDR.gz", "X.IMG"),
            ] {
                let folder = folder();
                let single = run.write(folder.path(), "single.nii");
                let pair = write_pair(folder.path(), &run, header, image);
                let expected = map_of(folder.path(), &[&single]);
                for path in &pair {
                    assert!(map_of(folder.path(), &[path]) == expected, "{}", path.display());
                    let info = voxstore!("info", path, "--json").succeeds().json();
                    let info = &info[0]["runs"][0];
                    assert_eq!(
                        (&info["file_name"], &info["image_name"]),
                        (&json!(header), &json!(image))
                    );
                    assert_eq!(info["gzip"], is_gzip(image));
                    assert_eq!(info["big_endian"], big_endian);
                    assert_eq!(info["warnings"], json!([]));
                }
                voxstore!("info", pair[1]).succeeds().shows(&["a pair of", header, image]);
            }
        }
    }
}

#[test]
fn a_half_alone_names_the_other_and_the_rest_is_done() {
    let folder = folder();
    let [header, image] = write_pair(folder.path(), &run(), "x.hdr", "x.img");
    let good = run().write(folder.path(), "good.nii");
    fs::rename(&image, folder.path().join("y.img")).unwrap();
    let map = folder.path().join("map.nii");
    voxstore!("tsnr", header, "-o", map).fails(1, &["x.hdr", "x.img is not beside it", "put both"]);
    let lone = folder.path().join("y.img");
    voxstore!("info", lone).fails(1, &["y.img", "y.hdr is not beside it", "put both"]);
    let store = folder.path().join("study.zarr");
    voxstore!("ingest", good, header, "-o", store).fails(4, &["x.img is not beside it"]);
    assert_eq!(runs_in(&store), ["runs/good.ome.zarr"]);
}

#[test]
fn headers_that_leave_a_pair_in_doubt_are_refused() {
    let folder = folder();
    let (head, voxels) = run().halves(&[]);
    let image = write(folder.path(), "x.img", &voxels);
    let refused = |bytes: &[u8], words: &[&str]| -> Answer {
        let header = write(folder.path(), "x.hdr", bytes);
        voxstore!("info", image).fails(1, words);
        voxstore!("info", header).fails(1, words)
    };
    let mut single = head.clone();
    single[344..348].copy_from_slice(b"n+1\0");
    refused(&single, &["x.hdr", "magic", "x.img lies beside it", ".nii"]);
    refused(&run().bytes(), &["x.hdr", "magic", "x.img lies beside it", ".nii"]);
    let mut analyze = head.clone();
    analyze[344..348].fill(0);
    refused(&analyze, &["x.hdr", "ANALYZE"]);
    for offset in [-16.0_f32, 0.5, f32::NAN] {
        let mut odd = head.clone();
        odd[108..112].copy_from_slice(&offset.to_le_bytes());
        refused(&odd, &["x.hdr", "vox_offset", "a whole number from 0"]);
    }
    // One byte further than the voxels are.
    let mut late = head;
    late[108..112].copy_from_slice(&1_f32.to_le_bytes());
    let header = write(folder.path(), "x.hdr", &late);
    for path in [&header, &image] {
        voxstore!("info", path).fails(3, &["x.img", "720 of 721 bytes are there"]);
        voxstore!("tsnr", path, "-o", folder.path().join("map.nii"))
            .fails(1, &["x.img", "cut short"]);
    }
}

#[test]
fn a_folder_and_a_pattern_find_a_pair_once() {
    let folder = folder();
    let data = folder.path().join("data");
    let of = |seed| Nifti { seed, ..run() };
    write_pair(
        &data,
        &of(1),
        "sub-01/func/sub-01_task-a_bold.hdr",
        "sub-01/func/sub-01_task-a_bold.img",
    );
    write_pair(
        &data,
        &of(2),
        "sub-01/func/sub-01_task-b_bold.hdr.gz",
        "sub-01/func/sub-01_task-b_bold.img.gz",
    );
    write_pair(
        &data,
        &of(3),
        "sub-01/func/sub-01_task-c_bold.HDR",
        "sub-01/func/sub-01_task-c_bold.img.gz",
    );
    of(4).write(&data, "sub-01/func/sub-01_task-d_bold.nii");
    write(&data, "sub-01/func/disk.img", b"no image of a head");
    let store = folder.path().join("all.zarr");
    let rows = voxstore!("ingest", data, "-o", store, "--json").succeeds().json();
    assert_eq!(rows.as_array().unwrap().len(), 4);
    assert_eq!(runs_in(&store).len(), 4);

    for (pattern, count) in [("*_bold.img", 1), ("*_bold.[hi]*", 3), ("*-a_*", 1), ("*_bold*", 4)] {
        let store = folder.path().join("some.zarr");
        let pattern = data.join("sub-01/func").join(pattern);
        let rows = voxstore!("ingest", pattern, "-o", store, "--json").succeeds().json();
        assert_eq!(rows.as_array().unwrap().len(), count, "{}", pattern.display());
        fs::remove_dir_all(store).unwrap();
    }
}

#[test]
fn both_names_of_a_pair_are_one_run_and_not_two() {
    let folder = folder();
    let [header, image] = write_pair(folder.path(), &run(), "x.hdr", "x.img");
    let other = Nifti { seed: 9, ..run() }.write(folder.path(), "y.nii");
    let expected = map_of(folder.path(), &[&header, &other]);
    assert!(map_of(folder.path(), &[&header, &image, &other]) == expected);
    assert!(map_of(folder.path(), &[&image, &other]) == expected);
    let store = folder.path().join("study.zarr");
    voxstore!("ingest", image, header, "-o", store).succeeds();
    assert_eq!(runs_in(&store), ["runs/x.ome.zarr"]);
}

#[test]
fn a_pair_comes_back_from_a_store_byte_for_byte() {
    let gap: Vec<u8> = (0..40).map(|i| i * 3 + 1).collect();
    for two in [false, true] {
        for (gap, extension) in [(&[][..], false), (&gap[..], true)] {
            let folder = folder();
            let base = if two { run().version_two() } else { run() };
            let run = Nifti { big_endian: two, ..base };
            let (mut head, voxels) = run.halves(gap);
            if extension {
                let at = head.len();
                head[at - 4] = 1;
                let size = if two { 32_i32.to_be_bytes() } else { 32_i32.to_le_bytes() };
                head.extend(size);
                head.extend([b'e'; 28]);
            }
            let header = write(folder.path(), "x.hdr.gz", &gzipped(&head));
            write(folder.path(), "x.img", &voxels);
            let store = folder.path().join("study.zarr");
            voxstore!("ingest", header, "-o", store).succeeds();
            voxstore!("verify", store, "--deep").succeeds();

            // Each name of a pair gives both files.
            for (out, [wanted, beside]) in
                [("a.hdr", ["a.hdr", "a.img"]), ("b.img.gz", ["b.hdr.gz", "b.img.gz"])]
            {
                voxstore!("export", store, "-o", folder.path().join(out)).succeeds();
                assert!(inflated(&folder.path().join(wanted)) == head, "{out}");
                assert!(inflated(&folder.path().join(beside)) == voxels, "{out}");
                voxstore!("export", store, "-o", folder.path().join(out)).fails(1, &["--force"]);
                voxstore!("export", store, "-o", folder.path().join(out), "--force").succeeds();
            }
            // A folder gets what the source was.
            let out = folder.path().join("out");
            voxstore!("export", store, "-o", out).succeeds();
            assert_eq!(names(&out.join("runs")), ["x.hdr", "x.img"]);
            assert!(fs::read(out.join("runs/x.hdr")).unwrap() == head);
            fs::remove_file(out.join("runs/x.hdr")).unwrap();
            voxstore!("export", store, "-o", out).fails(1, &["x.img", "exists", "--force"]);

            // A single file has its own magic and vox_offset, and the same voxels.
            let single = folder.path().join("single.nii");
            voxstore!("export", store, "-o", single).succeeds();
            let mut expected = head.clone();
            let offset = expected.len();
            if two {
                expected[4..8].copy_from_slice(b"n+2\0");
                expected[168..176].copy_from_slice(&(offset as i64).to_be_bytes());
            } else {
                expected[344..348].copy_from_slice(b"n+1\0");
                expected[108..112].copy_from_slice(&(offset as f32).to_le_bytes());
            }
            expected.extend(run.voxels());
            assert!(fs::read(&single).unwrap() == expected);
            assert!(map_of(folder.path(), &[&single]) == map_of(folder.path(), &[&header]));
        }
    }
}

#[test]
fn a_run_of_a_single_file_is_not_exported_as_a_pair() {
    let folder = folder();
    let store = super::common::store_of(&[run().write(folder.path(), "x.nii")], folder.path());
    let out = folder.path().join("y.hdr");
    voxstore!("export", store, "-o", out).fails(1, &["y.hdr", "end it in .nii"]);
    assert_eq!(names(folder.path()), ["study.zarr", "x.nii"]);
}

#[test]
fn a_stored_pair_is_skipped_and_another_is_told_from_it() {
    let folder = folder();
    let store = folder.path().join("study.zarr");
    for name in ["x", "sub-1_task-a_bold"] {
        let [header, image] =
            [format!("{name}.hdr"), format!("{name}.img")].map(|n| folder.path().join(n));
        let outcome = || {
            let answer = voxstore!("ingest", image, "-o", store, "--json");
            let ok = answer.code == Some(0);
            if ok {
                answer.json()[0]["outcome"].as_str().unwrap().to_owned()
            } else {
                answer.stderr
            }
        };
        let (head, voxels) = run().halves(&[3; 8]);
        write(folder.path(), &format!("{name}.hdr"), &head);
        write(folder.path(), &format!("{name}.img"), &voxels);
        assert_eq!(outcome(), "written");
        assert_eq!(outcome(), "skipped");
        // The same bytes at another time.
        fs::write(&image, &voxels).unwrap();
        assert_eq!(outcome(), "skipped");
        // One byte before the voxels, one of the header's text, one voxel.
        let mut changed = voxels.clone();
        changed[2] ^= 1;
        fs::write(&image, &changed).unwrap();
        assert!(outcome().contains("the header differs"), "{}", outcome());
        fs::write(&image, &voxels).unwrap();
        let mut text = head.clone();
        text[150] ^= 1;
        fs::write(&header, &text).unwrap();
        assert!(outcome().contains("the header differs"), "{}", outcome());
        fs::write(&header, &head).unwrap();
        let mut changed = voxels.clone();
        changed[20] ^= 1;
        fs::write(&image, &changed).unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_mins(1);
        fs::File::options().write(true).open(&image).unwrap().set_modified(later).unwrap();
        assert!(outcome().contains("the bytes of the file differ"), "{}", outcome());
    }
}

#[test]
fn the_fingerprint_of_a_pair_is_that_of_both_files_in_a_row() {
    let folder = folder();
    let [header, image] = write_pair(folder.path(), &run(), "x.hdr.gz", "x.img");
    let store = folder.path().join("study.zarr");
    voxstore!("ingest", header, "-o", store).succeeds();
    let both = [fs::read(header).unwrap(), fs::read(image).unwrap()].concat();
    let json = voxstore!("info", store, "--json").succeeds().json();
    let stored = &json[0]["runs"][0];
    assert_eq!(stored["file_bytes"], both.len());
    let row = write(folder.path(), "both", &both);
    let sum = std::process::Command::new("sha256sum").arg(row).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert_eq!(stored["sha256"], sum.split(' ').next().unwrap());
}

#[test]
fn the_table_of_a_pair_has_the_name_of_its_header_without_the_ending() {
    let folder = folder();
    let [header, _] = write_pair(folder.path(), &run(), "x.hdr.gz", "x.img.gz");
    let out = folder.path().join("qc");
    voxstore!("qc", header, "-o", out, "--quiet").succeeds();
    assert_eq!(names(&out), ["x_desc-qc_timeseries.json", "x_desc-qc_timeseries.tsv"]);
}
