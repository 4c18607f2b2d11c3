//! Odd, foreign and broken files, made here: read right, or refused with the reason.
//!
//! Numbers are rows of the table of cases in `docs/correctness.md`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::common::{FMRI1, fixture, folder, gzipped, map_values, names, ulps, voxstore};
use super::files::{Nifti, TYPES, flipped, write};

const SHAPE: [i64; 4] = [5, 4, 3, 6];

fn run() -> Nifti {
    Nifti::new(SHAPE)
}

/// tSNR of the samples, scaled, x fastest.
fn expected(run: &Nifti) -> Vec<f32> {
    let scale = |v: i64| if run.slope == 1.0 { v as f64 } else { v as f64 * run.slope } + run.inter;
    let samples: Vec<f64> = run.samples().map(scale).collect();
    let (voxels, volumes) = (60, samples.len() / 60);
    (0..voxels)
        .map(|voxel| {
            let series: Vec<f64> = samples.iter().skip(voxel).step_by(voxels).copied().collect();
            let mean = series.iter().sum::<f64>() / volumes as f64;
            let squares: f64 = series.iter().map(|v| (v - mean) * (v - mean)).sum();
            let std = (squares / volumes as f64).sqrt();
            if std == 0.0 { 0.0 } else { (mean / std) as f32 }
        })
        .collect()
}

/// `info` and `tsnr` of a file that is read; gives back what `info` says of it.
#[track_caller]
fn reads_right(path: &Path, as_if: &Nifti) -> Value {
    let folder = folder();
    let map = folder.path().join("map.nii");
    let info = voxstore!("info", path, "--json").succeeds().json();
    voxstore!("tsnr", path, "-o", map).succeeds();
    let offset = if as_if.two { 544 } else { 352 };
    let found: Vec<f32> = fs::read(&map).unwrap()[offset..]
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
        .collect();
    let expected = expected(as_if);
    assert_eq!(found.len(), expected.len());
    for (voxel, (found, expected)) in found.into_iter().zip(expected).enumerate() {
        assert!(
            ulps(found, expected) <= 1,
            "{} voxel {voxel}: {found} for {expected}",
            path.display()
        );
    }
    info[0]["runs"][0].clone()
}

/// Every command refuses the file with these words, and leaves nothing behind.
#[track_caller]
fn refused(path: &Path, words: &[&str]) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let words = [&[name], words].concat();
    voxstore!("info", path).fails(1, &words);
    damaged(path, &words);
}

/// The header can be read, and the voxels cannot.
#[track_caller]
fn damaged(path: &Path, words: &[&str]) {
    let folder = folder();
    voxstore!("tsnr", path, "-o", folder.path().join("map.nii")).fails(1, words);
    voxstore!("ingest", path, "-o", folder.path().join("study.zarr")).fails(1, words);
    let left: Vec<String> = names(folder.path());
    let runs = left.iter().filter(|name| *name != "study.zarr").count();
    assert_eq!(runs, 0, "{left:?}");
    assert!(!folder.path().join("study.zarr/runs").exists());
}

#[track_caller]
fn warned(info: &Value, code: &str) {
    let warnings = info["warnings"].as_array().unwrap();
    let found = warnings.iter().any(|w| w.as_str().unwrap().starts_with(&format!("{code}:")));
    assert!(found, "no {code} in {warnings:?}");
}

fn in_folder(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = folder();
    let path = write(folder.path(), name, bytes);
    (folder, path)
}

#[test]
fn both_versions_and_byte_orders_are_read() {
    for two in [false, true] {
        for big_endian in [false, true] {
            for name in ["run.nii", "run.nii.gz"] {
                let folder = folder();
                let base = if two { run().version_two() } else { run() };
                let run = Nifti { big_endian, ..base };
                let info = reads_right(&run.write(folder.path(), name), &run);
                assert_eq!(info["shape"], json!(SHAPE));
                assert_eq!(info["big_endian"], big_endian);
                assert_eq!(info["format"], if two { "nifti2" } else { "nifti1" });
                assert_eq!(info["affine"][0], json!([3.0, 0.0, 0.0, -9.0]));
                assert_eq!(info["tr_seconds"], 2.0);
                assert_eq!(info["warnings"], json!([]));
            }
        }
    }
}

#[test]
fn every_type_is_read_in_both_byte_orders() {
    let folder = folder();
    for (datatype, size, name) in TYPES {
        for big_endian in [false, true] {
            let run = Nifti { big_endian, ..run().of_type(datatype, size) };
            let info = reads_right(&run.write(folder.path(), &format!("{name}.nii")), &run);
            assert_eq!(info["data_type"], name);
        }
    }
}

#[test]
fn types_that_are_not_read_are_refused_by_name() {
    let folder = folder();
    for (datatype, size, word) in [
        (32, 8, "complex"),
        (1792, 16, "complex"),
        (2048, 32, "128"),
        (128, 3, "RGB"),
        (2304, 4, "RGB"),
        (1536, 16, "128-bit"),
        (1, 1, "single bits"),
        (0, 2, "datatype is 0"),
        (77, 2, "datatype is 77"),
    ] {
        let path = run().of_type(datatype, size).write(folder.path(), "run.nii");
        if datatype == 2048 {
            // Complex numbers of 256 bits: either word will do.
            refused(&path, &["2048"]);
        } else {
            refused(&path, &[word]);
        }
    }
}

#[test]
fn slope_and_intercept_follow_the_rules() {
    let folder = folder();
    let scaled = |slope, inter| Nifti { slope, inter, ..run() };
    for (slope, inter) in [(0.5, 10.0), (-2.0, 300.0), (1.0, 5.0), (1e-3, 0.0)] {
        let run = scaled(slope, inter);
        let info = reads_right(&run.write(folder.path(), "run.nii"), &run_as_read(&run));
        assert_eq!(info["slope"].as_f64().unwrap() as f32, slope as f32);
        assert_eq!(info["inter"].as_f64().unwrap() as f32, inter as f32);
    }
    // N55, N56: no slope, and then no intercept.
    for slope in [0.0, f64::NAN, f64::INFINITY] {
        let path = scaled(slope, 7.0).write(folder.path(), "run.nii");
        let info = reads_right(&path, &run());
        assert_eq!((&info["slope"], &info["inter"]), (&json!(1.0), &json!(0.0)));
        if slope != 0.0 {
            warned(&info, "N56");
        }
    }
    // N57
    for inter in [f64::NAN, f64::INFINITY] {
        refused(&scaled(2.0, inter).write(folder.path(), "run.nii"), &["scl_inter", "finite"]);
    }
}

/// Slope and intercept as float32 holds them.
fn run_as_read(run: &Nifti) -> Nifti {
    let single = |v: f64| f64::from(v as f32);
    Nifti { slope: single(run.slope), inter: single(run.inter), ..run.clone() }
}

#[test]
fn voxels_are_read_where_vox_offset_says() {
    let folder = folder();
    for offset in [368.0, 4096.0] {
        let run = Nifti { offset, ..run() };
        reads_right(&run.write(folder.path(), "run.nii"), &run);
        reads_right(&run.write(folder.path(), "run.nii.gz"), &run);
    }
    let odd = Nifti { offset: 353.0, ..run() };
    warned(&reads_right(&odd.write(folder.path(), "run.nii"), &odd), "N26");
    let bad = [0.0, 100.0, 351.0, 352.5, f64::NAN, f64::INFINITY, -352.0, 1e30];
    for offset in bad {
        let path = Nifti { offset, ..run() }.write(folder.path(), "run.nii");
        refused(&path, &["vox_offset"]);
    }
}

#[test]
fn extensions_are_passed_over() {
    let mut bytes = Nifti { offset: 400.0, ..run() }.bytes();
    bytes[348] = 1;
    bytes[352..356].copy_from_slice(&48_i32.to_le_bytes());
    bytes[356..360].copy_from_slice(&6_i32.to_le_bytes());
    bytes[360..367].copy_from_slice(b"comment");
    let (_folder, path) = in_folder("run.nii", &bytes);
    assert_eq!(reads_right(&path, &run())["warnings"], json!([]));
    // N18, N19: sizes that make no sense change nothing.
    for (size, code) in [(0, "N19"), (-16, "N19"), (i32::MAX, "N19"), (20, "N18")] {
        bytes[352..356].copy_from_slice(&i32::to_le_bytes(size));
        let (_folder, path) = in_folder("run.nii", &bytes);
        warned(&reads_right(&path, &run()), code);
    }
}

#[test]
fn shapes_that_are_no_run_are_refused() {
    let folder = folder();
    let with = |dim: [i64; 8]| Nifti { dim, ..run() };
    for (dim, word) in [
        ([4, 5, 4, 3, -6, 1, 1, 1], "dim[4]"),
        ([4, 5, 0, 3, 6, 1, 1, 1], "dim[2]"),
        ([4, -5, 4, 3, 6, 1, 1, 1], "dim[1]"),
        ([2, 5, 4, 1, 1, 1, 1, 1], "dim[0]"),
        ([1, 5, 1, 1, 1, 1, 1, 1], "dim[0]"),
        ([5, 5, 4, 3, 6, 2, 1, 1], "5-D"),
        ([5, 5, 4, 3, 1, 6, 1, 1], "dim[5] is time"),
        ([4, -1, 4, 3, 6, 1, 1, 1], "FreeSurfer"),
    ] {
        refused(&with(dim).write(folder.path(), "run.nii"), &[word]);
    }
    for dim0 in [0, 8, -1, 300] {
        let path = with([dim0, 5, 4, 3, 6, 1, 1, 1]).write(folder.path(), "run.nii");
        refused(&path, &["dim[0]"]);
    }
}

#[test]
fn trailing_axes_of_one_are_dropped() {
    let folder = folder();
    for ndim in 5..=7 {
        let run = Nifti { dim: [ndim, 5, 4, 3, 6, 1, 1, 1], ..run() };
        let info = reads_right(&run.write(folder.path(), "run.nii"), &run);
        assert_eq!(info["shape"], json!(SHAPE));
    }
    // N34: what lies beyond dim[0] does not count.
    let junk = Nifti { dim: [4, 5, 4, 3, 6, -7, 0, 99], ..run() };
    let path = write(folder.path(), "junk.nii", &{
        let mut bytes = junk.header();
        bytes.extend(run().voxels());
        bytes
    });
    reads_right(&path, &run());
}

#[test]
fn claims_that_the_file_cannot_hold_are_refused_before_memory_is_taken() {
    let folder = folder();
    let huge = Nifti { dim: [4, 32767, 32767, 32767, 32767, 1, 1, 1], ..run() };
    let bytes = [huge.header(), vec![0; 4096]].concat();
    for (name, bytes) in [("run.nii", bytes.clone()), ("run.nii.gz", gzipped(&bytes))] {
        refused(
            &write(folder.path(), name, &bytes),
            &["bytes", "cut short or its header is wrong"],
        );
    }
    let most = i64::MAX;
    let over = Nifti { dim: [4, most, most, most, 2, 1, 1, 1], ..run().version_two() };
    let bytes = [over.header(), vec![0; 4096]].concat();
    refused(&write(folder.path(), "over.nii", &bytes), &["dim", "8 EiB"]);
    refused(&write(folder.path(), "over.nii.gz", &gzipped(&bytes)), &["dim", "8 EiB"]);
}

#[test]
fn content_decides_and_not_the_name() {
    let folder = folder();
    let plain = write(folder.path(), "plain.nii.gz", &run().bytes());
    warned(&reads_right(&plain, &run()), "N12");
    let packed = write(folder.path(), "packed.nii", &gzipped(&run().bytes()));
    warned(&reads_right(&packed, &run()), "N12");
}

#[test]
fn a_bitpix_that_contradicts_the_datatype_does_not_count() {
    let folder = folder();
    let mut bytes = run().bytes();
    for bitpix in [0_i16, 32] {
        bytes[72..74].copy_from_slice(&bitpix.to_le_bytes());
        let path = write(folder.path(), "run.nii", &bytes);
        warned(&reads_right(&path, &run()), "N47");
    }
}

#[test]
fn a_gzip_file_of_several_members_is_read_to_its_end() {
    let bytes = run().bytes();
    let cuts = [0, 100, 352, 500, bytes.len()];
    let packed: Vec<u8> = cuts.windows(2).flat_map(|cut| gzipped(&bytes[cut[0]..cut[1]])).collect();
    let (_folder, path) = in_folder("run.nii.gz", &packed);
    reads_right(&path, &run());
}

#[test]
fn zeros_after_the_last_member_are_padding_and_junk_is_warned_of() {
    let folder = folder();
    let packed = gzipped(&run().bytes());
    let padded = write(folder.path(), "padded.nii.gz", &[&packed[..], &[0; 512]].concat());
    reads_right(&padded, &run());
    let junk = write(folder.path(), "junk.nii.gz", &[&packed[..], b"junk after it"].concat());
    reads_right(&junk, &run());
    let answer = voxstore!("tsnr", junk, "-o", folder.path().join("map.nii")).succeeds();
    assert!(answer.stderr.contains("N89"), "{answer:?}");
}

#[test]
fn bytes_after_the_last_voxel_are_warned_of() {
    let folder = folder();
    let run = Nifti { tail: vec![7; 1000], ..run() };
    warned(&reads_right(&run.write(folder.path(), "run.nii"), &run), "N82");
    let packed = run.write(folder.path(), "run.nii.gz");
    reads_right(&packed, &run);
    let answer = voxstore!("tsnr", packed, "-o", folder.path().join("map.nii")).succeeds();
    assert!(answer.stderr.contains("N90"), "{answer:?}");
}

#[test]
fn damage_inside_a_gzip_stream_is_never_taken_for_voxels() {
    let folder = folder();
    let whole = fs::read(fixture(FMRI1)).unwrap();
    let end = whole.len();
    let mut crc = whole.clone();
    crc[end - 8] ^= 1;
    let mut size = whole.clone();
    size[end - 4] ^= 1;
    for (name, bytes) in [
        ("crc", crc),
        ("isize", size),
        ("no-trailer", whole[..end - 8].to_vec()),
        ("half-trailer", whole[..end - 3].to_vec()),
        ("flipped", flipped(&whole)),
        ("cut", whole[..end * 6 / 10].to_vec()),
        ("cut-late", whole[..end - 20].to_vec()),
    ] {
        let file = format!("{name}.nii.gz");
        let path = write(folder.path(), &file, &bytes);
        voxstore!("info", path).succeeds();
        damaged(&path, &[&file, "fetch"]);
    }
}

#[test]
fn a_gzip_stream_that_is_shorter_than_its_header_says_is_refused() {
    let bytes = run().bytes();
    let (_folder, path) = in_folder("run.nii.gz", &gzipped(&bytes[..bytes.len() - 1]));
    damaged(&path, &["run.nii.gz", "end after 1071 inflated bytes", "1072"]);
}

#[test]
fn a_plain_file_that_is_too_short_is_refused_at_once() {
    let bytes = run().bytes();
    for length in [352, 353, bytes.len() - 1] {
        let (_folder, path) = in_folder("run.nii", &bytes[..length]);
        refused(&path, &["1072", &length.to_string(), "cut short"]);
    }
    for length in [1, 100, 347] {
        let (_folder, path) = in_folder("run.nii", &bytes[..length]);
        refused(&path, &["not a NIfTI file"]);
        let (_folder, path) = in_folder("run.nii.gz", &gzipped(&bytes[..length]));
        refused(&path, &["not a NIfTI file"]);
    }
    let (_folder, path) = in_folder("run.nii", b"");
    refused(&path, &["empty"]);
}

#[test]
fn time_in_the_fifth_dimension_is_read_and_given_back_where_it_is_asked_for() {
    let folder = folder();
    let five = Nifti { dim: [5, 5, 4, 3, 1, 6, 1, 1], ..run() };
    let path = five.write(folder.path(), "five.nii.gz");
    refused(&path, &["five.nii.gz", "--time-dim 5"]);
    let four = run().write(folder.path(), "four.nii");
    let [one, other] = ["one.nii", "other.nii"].map(|name| folder.path().join(name));
    voxstore!("tsnr", four, "-o", one).succeeds();
    voxstore!("tsnr", path, "--time-dim", "5", "-o", other).succeeds();
    assert!(fs::read(&one).unwrap() == fs::read(&other).unwrap());
    voxstore!("tsnr", four, "--time-dim", "5", "-o", one).fails(1, &["exists"]);
    voxstore!("info", four, "--time-dim", "5").fails(1, &["four.nii", "dim[4] is 6"]);
    voxstore!("info", path, "--time-dim", "6").fails(2, &["--time-dim"]);

    let (store, back) = (folder.path().join("study.zarr"), folder.path().join("back.nii"));
    voxstore!("ingest", path, "--time-dim", "5", "-o", store).succeeds();
    let json = voxstore!("info", store, "--json").succeeds().json();
    assert_eq!(json[0]["runs"][0]["shape"], json!(SHAPE));
    warned(&json[0]["runs"][0], "N38");
    voxstore!("export", store, "-o", back).succeeds();
    assert!(fs::read(&back).unwrap() == five.bytes());
}

#[test]
fn relatives_of_nifti_are_refused_by_name() {
    let folder = folder();
    let pair = Nifti { magic: *b"ni1\0", offset: 0.0, ..run() };
    refused(&write(folder.path(), "pair.nii", &pair.bytes()), &["header of a pair", ".hdr"]);

    let mut analyze = run().header();
    analyze[344..348].fill(0);
    refused(&write(folder.path(), "old.hdr", &analyze[..348]), &["ANALYZE"]);

    let mut wrong = run().bytes();
    wrong[344..348].copy_from_slice(b"nope");
    refused(&write(folder.path(), "wrong.nii", &wrong), &["magic"]);
    for (name, magic, word) in [
        ("run.nii.zst", &[0x28, 0xb5, 0x2f, 0xfd][..], "zstd"),
        ("run.nii.bz2", b"BZh9", "bzip2"),
        ("run.nii.xz", &[0xfd, b'7', b'z', b'X', b'Z', 0], "xz"),
    ] {
        let bytes = [magic, &[0; 1000]].concat();
        refused(&write(folder.path(), name, &bytes), &[word, "decompress"]);
    }
}

#[test]
fn content_that_was_not_fetched_is_said_to_be_missing() {
    let folder = folder();
    let pointer = b"/annex/objects/MD5E-s100--d41d8cd98f00b204e9800998ecf8427e.nii.gz\n";
    let path = write(folder.path(), "a.nii.gz", pointer);
    refused(&path, &["content is not present", "datalad get"]);
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 100\n";
    refused(&write(folder.path(), "b.nii.gz", lfs), &["content is not present", "git lfs pull"]);
    let link = folder.path().join("c.nii.gz");
    std::os::unix::fs::symlink(".git/annex/objects/xx/yy/key", &link).unwrap();
    refused(&link, &["content is not present", "datalad get"]);
}

#[test]
fn nan_and_infinite_samples_make_their_voxel_nan_and_no_other() {
    let folder = folder();
    let run = run().of_type(16, 4);
    let mut bytes = run.bytes();
    let put = |bytes: &mut Vec<u8>, voxel: usize, volume: usize, value: f32| {
        let at = 352 + 4 * (60 * volume + voxel);
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    };
    put(&mut bytes, 3, 2, f32::NAN);
    put(&mut bytes, 7, 4, f32::INFINITY);
    let path = write(folder.path(), "run.nii", &bytes);
    let map = folder.path().join("map.nii");
    voxstore!("tsnr", path, "-o", map).succeeds();
    for (voxel, (found, sound)) in map_values(&map).into_iter().zip(expected(&run)).enumerate() {
        if [3, 7].contains(&voxel) {
            assert!(found.is_nan(), "voxel {voxel}: {found}");
        } else {
            assert!(ulps(found, sound) <= 1, "voxel {voxel}: {found} for {sound}");
        }
    }
}

#[test]
fn headers_of_random_bytes_are_refused_without_a_panic() {
    let folder = folder();
    let mut state = 0x1234_5678_9abc_def0_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let sound = run().bytes();
    for _ in 0..40 {
        let mut bytes = sound.clone();
        for _ in 0..8 {
            // Any field but those that say what kind of file it is.
            let at = 40 + next() as usize % 220;
            bytes[at] = next() as u8;
        }
        let path = write(folder.path(), "run.nii", &bytes);
        let map = folder.path().join("map.nii");
        let answer = voxstore!("tsnr", path, "-o", map, "--force", "--memory", "64MiB");
        assert!(matches!(answer.code, Some(0 | 1)), "{answer:?}");
        assert!(!answer.stderr.contains("panicked"), "{answer:?}");
    }
}
