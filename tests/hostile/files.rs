//! Damaged NIfTI files through what `info`, `tsnr` and `ingest` do.

use std::fs;
use std::path::Path;

use voxstore::jobs::{TsnrOptions, tsnr};
use voxstore::store::{IngestOptions, Outcome, ingest};
use voxstore::{Run, RunInfo, nifti, store};

use crate::claim::Claim;
use crate::common::{folder, session, voxels};
use crate::damage::{every, guarded};
use crate::image::{big_endian_scaled, extended, gzip, nifti_2, plain, two_members};
use crate::inputs::check_facts;

fn check_tsnr(what: &str, run: &Run, claim: &Claim, voxels: Option<&[u8]>) {
    let Ok(found) = tsnr(std::slice::from_ref(run), TsnrOptions::default(), &session()) else {
        assert!(claim.shape[3] < 2 || voxels.is_none() || claim.tsnr(&[]).is_none(), "{what}");
        return;
    };
    let voxels = voxels.unwrap_or_else(|| panic!("{what}: a map of voxels that cannot be read"));
    let Some(expected) = claim.tsnr(voxels) else { return };
    let found: Vec<f64> = found.map.t().iter().copied().collect();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(&expected) {
        // Both take a few roundings of float64; where a huge slope leaves its range, nothing is compared.
        let close = (found - expected).abs() <= 1e-9 * expected.abs();
        assert!(close || !expected.is_finite(), "{what}: {found}, expected {expected}");
    }
}

/// What an ingest stores must be the same voxels and facts.
fn check_ingest(what: &str, run: &Run, voxels_expected: Option<&[u8]>, folder: &Path) {
    let place = folder.join("s.zarr");
    let report =
        ingest(std::slice::from_ref(run), &place, &IngestOptions::default(), &session()).unwrap();
    let stored = match &report.runs[0].result {
        Outcome::Written(_) => store::open(&place).unwrap().run("x").unwrap(),
        outcome => {
            assert!(matches!(outcome, Outcome::Failed(_)) && voxels_expected.is_none(), "{what}");
            assert!(store::open(&place).is_ok_and(|s| s.runs().is_empty()) || !place.exists());
            return;
        }
    };
    assert_eq!(voxels(&stored).as_deref(), voxels_expected, "{what}");
    let (before, after) = (run.info(), stored.info());
    assert_eq!(before.header, after.header, "{what}");
    assert_eq!(same_bits(before), same_bits(after), "{what}");
    fs::remove_dir_all(&place).unwrap();
}

/// Facts in a form in which NaN equals NaN.
fn same_bits(info: &RunInfo) -> String {
    format!("{:?} {:?} {:?} {:?}", info.geometry, info.timing, info.scaling, info.sidecar)
}

/// Damages a plain file everywhere; gives how many cases opened. Of these, every so many are ingested, too.
fn plain_file(good: &[u8], ingested: usize) -> usize {
    let (folder, mut opened) = (folder(), 0_usize);
    let path = folder.path().join("x.nii");
    for (what, bytes) in every(good) {
        fs::write(&path, &bytes).unwrap();
        guarded(&what, || {
            let Ok(run) = nifti::open(&path) else { return };
            opened += 1;
            let claim = check_facts(&what, &run, &bytes);
            let expected = claim.voxels(&bytes);
            assert!(expected.is_some(), "{what}: fewer bytes than the header needs, and it opened");
            assert_eq!(voxels(&run), expected, "{what}");
            check_tsnr(&what, &run, &claim, expected.as_deref());
            if opened.is_multiple_of(ingested) {
                check_ingest(&what, &run, expected.as_deref(), folder.path());
            }
        });
    }
    opened
}

/// Damages a gzip file everywhere; all that comes through must be as before. Gives how many did.
fn gzip_file(good: &[u8], inflated: &[u8]) -> usize {
    let (folder, mut whole) = (folder(), 0);
    let path = folder.path().join("x.nii.gz");
    let claim = Claim::of(inflated).unwrap();
    let expected = claim.voxels(inflated).unwrap();
    fs::write(&path, good).unwrap();
    let facts = same_bits(nifti::open(&path).unwrap().info());
    for (what, bytes) in every(good) {
        fs::write(&path, &bytes).unwrap();
        guarded(&what, || {
            // A damaged header may open; that its checksum is wrong is known when voxels were read.
            let Ok(run) = nifti::open(&path) else { return };
            let found = voxels(&run);
            if let Some(found) = &found {
                whole += 1;
                assert_eq!(*found, expected, "{what}");
                assert_eq!(same_bits(run.info()), facts, "{what}");
                assert_eq!(run.info().header[..], inflated[..claim.offset], "{what}");
            }
            check_tsnr(&what, &run, &claim, found.as_deref());
            check_ingest(&what, &run, found.as_deref(), folder.path());
        });
    }
    whole
}

/// Of the bits of a header, most are text and matrices: about half of all cases must open.
fn half_of_cases(good: &[u8]) -> usize {
    good.len() * 8 / 2
}

#[test]
fn a_damaged_plain_file_is_refused_or_read_as_its_header_says() {
    let good = plain().bytes();
    assert!(plain_file(&good, 1) > half_of_cases(&good));
}

#[test]
fn a_damaged_big_endian_scaled_file_is_refused_or_read_as_its_header_says() {
    let good = big_endian_scaled().bytes();
    assert!(plain_file(&good, 8) > half_of_cases(&good));
}

#[test]
fn a_damaged_nifti_2_file_is_refused_or_read_as_its_header_says() {
    let good = nifti_2().bytes();
    assert!(plain_file(&good, 8) > half_of_cases(&good));
}

#[test]
fn a_damaged_file_with_an_extension_is_refused_or_read_as_its_header_says() {
    let good = extended().bytes();
    assert!(plain_file(&good, 8) > half_of_cases(&good));
}

#[test]
fn a_damaged_gzip_file_is_an_error_or_changes_nothing() {
    let good = plain().bytes();
    // Time, extra flags, system, the text flag, and codes that are never used: as in `nifti::gzip`.
    let whole = gzip_file(&gzip(&good), &good);
    assert!((49..80).contains(&whole), "{whole} cases");
}

#[test]
fn a_damaged_gzip_file_of_two_members_is_an_error_or_changes_nothing() {
    let good = extended().bytes();
    let whole = gzip_file(&two_members(&good), &good);
    assert!((98..160).contains(&whole), "{whole} cases");
}

#[test]
fn a_damaged_sidecar_changes_no_voxel_and_no_place() {
    let folder = folder();
    let path = folder.path().join("x.nii");
    let bytes = plain().bytes();
    fs::write(&path, &bytes).unwrap();
    let expected = Claim::of(&bytes).unwrap().voxels(&bytes).unwrap();
    let sidecar = br#"{"RepetitionTime": 2.5, "EchoTime": 0.03, "SliceTiming": [0.0, 1.25], "Note": "a\u00e9"}"#;
    let geometry = nifti::open(&path).unwrap().info().geometry.clone();
    for (what, json) in every(sidecar) {
        fs::write(folder.path().join("x.json"), &json).unwrap();
        guarded(&what, || {
            let run = nifti::open(&path).unwrap();
            let (info, text) = (run.info(), json.as_slice());
            assert_eq!(info.geometry, geometry, "{what}");
            assert_eq!(voxels(&run).unwrap(), expected, "{what}");
            let parsed = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(text);
            let unread = info.warnings.iter().any(|w| w.code == "N94");
            assert_eq!(unread, parsed.is_err(), "{what}");
            let tr = parsed.ok().and_then(|json| json.get("RepetitionTime")?.as_f64());
            let tr = tr.filter(|tr| *tr > 0.0).or(Some(2.0));
            assert_eq!(info.timing.tr_seconds, tr, "{what}");
            check_ingest(&what, &run, Some(&expected), folder.path());
        });
    }
}
