//! The inputs of the fuzz targets, once more in `cargo test`: what was found stays found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use voxstore::store::Codec;

use crate::damage::guarded;
use crate::image::{big_endian_scaled, extended, gzip, nifti_2, plain, two_members};
use crate::inputs::{Place, TARGETS};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

/// Names and bytes of a target's inputs.
fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(corpus(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{target} has no inputs");
    files.into_iter().map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect()
}

#[test]
fn every_input_that_a_fuzz_target_started_from_or_found_is_answered_rightly() {
    let place = Place::new();
    for (name, target) in TARGETS {
        for (what, input) in inputs(name) {
            guarded(&what, || target(&place, &input));
        }
    }
}

#[test]
fn every_line_of_arguments_that_a_fuzz_target_started_from_or_found_ends_with_an_exit_code() {
    let folder = crate::common::folder();
    fs::write(folder.path().join("x.nii"), plain().bytes()).unwrap();
    for (what, input) in inputs("arguments") {
        let Ok(text) = String::from_utf8(input) else { continue };
        let mut program = Command::new(env!("CARGO_BIN_EXE_voxstore"));
        program.args(text.lines()).current_dir(folder.path()).stdin(Stdio::null());
        let output = program.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0..=4)), "{what}: {said}");
        assert!(!said.contains("panicked"), "{what}: {said}");
    }
}

/// Writes the seeds anew: `cargo test --test hostile -- --ignored seeds`.
#[test]
#[ignore = "writes into fuzz/corpus"]
fn write_the_seeds_of_the_fuzz_targets() {
    let put = |target: &str, name: &str, bytes: &[u8]| {
        fs::create_dir_all(corpus(target)).unwrap();
        fs::write(corpus(target).join(name), bytes).unwrap();
    };
    let images = [
        ("nifti1", plain()),
        ("nifti1_big_endian_scaled", big_endian_scaled()),
        ("nifti2", nifti_2()),
        ("nifti1_extended", extended()),
    ];
    for (name, image) in images {
        put("header", name, &image.bytes());
        put("gzip", name, &gzip(&image.bytes()));
        put("gzip", &format!("{name}_two_members"), &two_members(&image.bytes()));
    }
    put("gzip", "zeros_behind", &[gzip(&plain().bytes()), vec![0; 64]].concat());
    put("gzip", "junk_behind", &[&gzip(&plain().bytes())[..], b"junk"].concat());
    put("gzip", "more_data", &gzip(&[plain().bytes(), vec![0; 5000]].concat()));
    for (name, size) in
        [("good", 32_i32), ("odd", 24), ("zero", 0), ("negative", -16), ("huge", i32::MAX)]
    {
        let mut bytes = vec![0; 64];
        bytes[..4].copy_from_slice(&size.to_le_bytes());
        put("extensions", name, &bytes);
        bytes[..4].copy_from_slice(&size.to_be_bytes());
        bytes[0] |= 1;
        put("extensions", &format!("{name}_big_endian"), &bytes);
    }
    let place = Place::new();
    let run = "s.zarr/runs/x.ome.zarr";
    let files = [
        ("root", "s.zarr/zarr.json".to_owned()),
        ("run", format!("{run}/zarr.json")),
        ("voxels", format!("{run}/0/zarr.json")),
        ("array", "none.zarr/zarr.json".to_owned()),
    ];
    for (which, (name, file)) in files.into_iter().enumerate() {
        let text = fs::read(place.file(&file)).unwrap();
        put("metadata", name, &[&[which as u8], &text[..]].concat());
    }
    for (which, codec) in Codec::ALL.into_iter().enumerate() {
        let file = fs::read(place.file(&format!("{codec}.zarr/c.0.0"))).unwrap();
        let bytes = &file[..file.len() - 4];
        put("chunk", codec.name(), &[&[which as u8], bytes].concat());
    }
    let lines: [(&str, &str); 12] = [
        ("info", "info x.nii --json"),
        ("tsnr", "tsnr x.nii -o t.nii.gz --memory 64MiB --ddof 1 --constant nan --threads 2"),
        ("mean", "reduce mean x.nii -o mean.nii --force --dtype float64"),
        ("quantile", "reduce quantile x.nii --q 0.9 --axis x,y,z,t --io read"),
        ("histogram", "reduce histogram x.nii --edges -1,0,1e3,4e9 --axis t -o h.nii --force"),
        ("argmax", "reduce argmax x.nii --axis x --skip-nan -o a.nii --force"),
        ("std", "reduce std x.nii --ddof 18446744073709551615 --axis x,y,z"),
        ("explain", "explain reduce median x.nii --memory 17MiB --format svg"),
        ("explain_tsnr", "explain tsnr x.nii --memory 99999999999999999999TiB"),
        ("ingest", "ingest x.nii -o s.zarr --chunk 18446744073709551615,1 --codec zstd --strict"),
        ("verify", "verify s.zarr --run [ --run ** --deep"),
        ("export", "export s.zarr -o back --memory 0x10 --run {a,b}"),
    ];
    for (name, line) in lines {
        put("arguments", name, line.replace(' ', "\n").as_bytes());
    }
}
