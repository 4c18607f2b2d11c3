//! Single files and pairs as runs, and what is refused of them.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::{Io, Version, open, open_with};
use crate::grid::Region;
use crate::nifti::NiftiError;
use crate::nifti::hex::hex;
use crate::nifti::testing::{
    Folder, Image, SHAPE, drain, gzip, open_as, open_each_way, voxel_bytes,
};
use crate::run::Run;

#[test]
fn the_origin_records_file_time_and_bids_folders() {
    let folder = Folder::new();
    let image = Image::new(Version::Two, true);
    let path = folder.write("sub-01/ses-test/func/sub-01_bold.nii", &image.bytes);
    let run = open(&path).unwrap();
    let origin = &run.info().origin;
    assert_eq!(run.name(), "sub-01_bold.nii");
    assert_eq!(origin.bids_folder.as_deref(), Some("sub-01/ses-test/func"));
    assert_eq!(origin.file_bytes, image.bytes.len() as u64);
    assert_eq!((origin.datatype, origin.gzip, &origin.sha256), (4, false, &None));
    let modified: jiff::Timestamp = origin.modified.as_deref().unwrap().parse().unwrap();
    let found = std::fs::metadata(&path).unwrap().modified().unwrap();
    assert_eq!(modified, jiff::Timestamp::try_from(found).unwrap());
}

#[test]
fn voxels_are_mapped_or_read_as_asked() {
    let folder = Folder::new();
    let path = folder.write("x.nii", &Image::v1().bytes);
    for (io, transport) in [(Io::Map, "mapped"), (Io::Read, "positioned reads")] {
        let run = open_with(&path, io).unwrap();
        assert_eq!(run.source().transport(), transport);
    }
}

#[test]
fn thousands_of_runs_can_be_open_at_once() {
    let folder = Folder::new();
    let path = folder.write("x.nii", &Image::v1().bytes);
    let runs: Vec<_> = (0..3000).map(|_| open(&path)).collect();
    assert!(runs.iter().all(Result::is_ok));
}

#[test]
fn a_plain_file_that_is_cut_anywhere_is_refused() {
    let folder = Folder::new();
    let image = Image::v1();
    for len in 0..image.bytes.len() {
        assert!(open(folder.write("x.nii", &image.bytes[..len])).is_err(), "{len}");
    }
}

/// Writes a pair and opens it by both names, which must give the same run.
fn open_pair(folder: &Folder, files: [(&str, &[u8]); 2]) -> Result<Run, NiftiError> {
    let [header, image] = files.map(|(name, bytes)| folder.write(name, bytes));
    let runs = [open(&header), open(&image)];
    if let [Ok(one), Ok(other)] = &runs {
        assert_eq!(one.info(), other.info());
    }
    let [one, other] = runs;
    assert_eq!(one.is_ok(), other.is_ok());
    one
}

#[test]
fn a_pair_is_a_run_by_either_name_plain_or_gzip() {
    for image in Image::all() {
        let (header, voxels) = image.pair();
        let (header, packed) = (header.bytes, gzip(&voxels));
        let cases: [[(&str, &[u8]); 2]; 4] = [
            [("x.hdr", &header), ("x.img", &voxels)],
            [("x.hdr.gz", &gzip(&header)), ("x.img.gz", &packed)],
            [("x.hdr", &header), ("x.img.gz", &packed)],
            [("x.HDR.gz", &gzip(&header)), ("x.Img", &voxels)],
        ];
        for files in cases {
            let folder = Folder::new();
            let run = open_pair(&folder, files).unwrap();
            let (info, packed) = (run.info(), files[1].1.starts_with(&[0x1f, 0x8b]));
            assert_eq!((run.shape(), run.name()), (&SHAPE[..], files[0].0));
            assert_eq!(&info.header[..], header);
            assert_eq!(info.warnings, []);
            let origin = &info.origin;
            assert_eq!(origin.image_name.as_deref(), Some(files[1].0));
            assert_eq!((origin.gzip, origin.big_endian), (packed, image.big_endian));
            assert_eq!(origin.file_bytes, (files[0].1.len() + files[1].1.len()) as u64);
            for run in open_each_way(&folder.path(files[0].0)) {
                let (found, end) = drain(&run, true).unwrap();
                assert_eq!(found, voxel_bytes());
                let both = [files[0].1, files[1].1].concat();
                assert_eq!(end.sha256, Some(hex(&Sha256::digest(both))));
                if !packed {
                    let mut found = [0; 96];
                    run.source().read(&Region::whole(&SHAPE), &mut found).unwrap();
                    assert_eq!(found, voxel_bytes()[..]);
                }
            }
        }
    }
}

#[test]
fn a_bare_header_and_one_with_extensions_are_kept_whole() {
    for image in Image::all() {
        let (header, voxels) = image.pair();
        let bare = &header.bytes[..image.version.header_bytes()];
        let mut extended = header.clone();
        let at = header.bytes.len();
        extended.bytes.extend([7; 32]);
        extended.raw(at - 4, &[1]);
        extended.int(at, 4, 32);
        let mut bad = extended.clone();
        bad.int(at, 4, 4096);
        for (bytes, codes) in [(bare, &[][..]), (&extended.bytes, &[]), (&bad.bytes, &["N19"])] {
            let run = open_pair(&Folder::new(), [("x.hdr", bytes), ("x.img", &voxels)]).unwrap();
            assert_eq!(&run.info().header[..], bytes);
            let found: Vec<&str> = run.info().warnings.iter().map(|w| &w.code[..]).collect();
            assert_eq!(found, codes);
        }
    }
}

#[test]
fn voxels_of_a_pair_start_at_vox_offset_of_the_image() {
    for image in Image::all() {
        for packed in [false, true] {
            for offset in [1_i64, 16, 352, 100_000] {
                let (mut header, voxels) = image.pair();
                header.vox_offset(offset);
                let gap: Vec<u8> = (0..offset).map(|i| (i % 250 + 1) as u8).collect();
                let bytes = [&gap[..], &voxels].concat();
                let bytes = if packed { gzip(&bytes) } else { bytes };
                let folder = Folder::new();
                let run =
                    open_pair(&folder, [("x.hdr", &header.bytes), ("x.img", &bytes)]).unwrap();
                assert_eq!(run.info().header[..], [&header.bytes[..], &gap].concat());
                assert_eq!(drain(&run, false).unwrap().0, voxel_bytes());
                assert!(run.source().open_bytes() >= 348 + offset as u64);
            }
        }
    }
}

#[test]
fn an_unusable_vox_offset_of_a_pair_is_refused() {
    let (header, voxels) = Image::v1().pair();
    for offset in [-1.0, -352.0, 0.5, 352.5, f64::NAN, f64::INFINITY, 3e9, 16_777_216.0] {
        let mut header = header.clone();
        header.float(108, offset);
        let refused = open_pair(&Folder::new(), [("x.hdr", &header.bytes), ("x.img", &voxels)]);
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("vox_offset") && text.contains("x.hdr"), "{offset}: {text}");
    }
}

#[test]
fn an_image_of_another_length_is_refused_or_said() {
    let (header, voxels) = Image::v1().pair();
    let pair =
        |image: &[u8]| open_pair(&Folder::new(), [("x.hdr", &header.bytes), ("x.img", image)]);
    for len in 0..voxels.len() {
        let text = pair(&voxels[..len]).unwrap_err().to_string();
        assert!(text.contains("x.img") && (len == 0 || text.contains("cut short")), "{text}");
    }
    let run = pair(&[&voxels[..], &[9; 24]].concat()).unwrap();
    let warning = run.info().warnings[0].to_string();
    assert!(warning.starts_with("N82: x.img: 24 bytes"), "{warning}");
    // Inflated data may be longer or shorter: only reading them tells.
    let folder = Folder::new();
    let long = gzip(&[&voxels[..], &[9; 24]].concat());
    let run = open_pair(&folder, [("x.hdr", &header.bytes), ("x.img.gz", &long)]).unwrap();
    let (found, end) = drain(&run, false).unwrap();
    assert_eq!((found, end.trailing_bytes), (voxel_bytes(), 24));
    assert!(end.warnings[0].to_string().starts_with("N90"), "{:?}", end.warnings);
    folder.write("x.img.gz", &gzip(&voxels[..90]));
    assert!(drain(&open(folder.path("x.hdr")).unwrap(), false).is_err());
}

#[test]
fn a_half_without_the_other_is_an_error_that_names_both() {
    let (folder, image) = (Folder::new(), Image::v1());
    let (header, voxels) = image.pair();
    for (name, bytes, other) in [
        ("a.hdr", &header.bytes, "a.img"),
        ("b.hdr.gz", &header.gzip(), "b.img.gz"),
        ("c.img", &voxels, "c.hdr"),
        ("d.IMG", &voxels, "d.HDR"),
    ] {
        let error = open(folder.write(name, bytes)).unwrap_err();
        assert!(matches!(error, NiftiError::HalfPair { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(name) && text.contains(other) && text.contains("put both"), "{text}");
    }
    let missing = open(folder.path("a.img")).unwrap_err();
    assert!(matches!(missing, NiftiError::NotFound { .. }), "{missing}");
}

#[test]
fn a_single_file_is_not_half_a_pair() {
    let (folder, image) = (Folder::new(), Image::v1());
    // By its name only: content decides.
    let run = open(folder.write("x.hdr", &image.bytes)).unwrap();
    assert_eq!((run.info().origin.image_name.as_ref(), run.shape()), (None, &SHAPE[..]));
    assert_eq!(drain(&run, false).unwrap().0, voxel_bytes());
    let (mut header, voxels) = image.pair();
    header.raw(344, b"n+1\0");
    for bytes in [&image.bytes, &header.bytes] {
        let text =
            open_pair(&folder, [("x.hdr", bytes), ("x.img", &voxels)]).unwrap_err().to_string();
        assert!(text.contains("magic") && text.contains("x.img lies beside it"), "{text}");
    }
}

#[test]
fn an_analyze_pair_is_refused() {
    let (mut header, voxels) = Image::v1().pair();
    header.raw(344, &[0; 4]);
    let refused = open_pair(&Folder::new(), [("x.hdr", &header.bytes), ("x.img", &voxels)]);
    assert!(refused.unwrap_err().to_string().contains("ANALYZE"));
    assert!(open_as("x.hdr", &header.bytes).unwrap_err().to_string().contains("ANALYZE"));
}

#[test]
fn voxels_that_look_like_another_kind_of_file_are_voxels() {
    let (header, voxels) = Image::v1().pair();
    for front in [&[0x1f, 0x8b, 8][..], b"BZh", b"version https://git-lfs", &[0, 5, 0x16, 7]] {
        let (folder, mut voxels) = (Folder::new(), voxels.clone());
        voxels[..front.len()].copy_from_slice(front);
        let run = open_pair(&folder, [("x.hdr", &header.bytes), ("x.img", &voxels)]).unwrap();
        assert_eq!(drain(&run, false).unwrap().0, voxels);
    }
}

#[test]
fn a_pair_of_which_either_file_changes_is_noticed() {
    let touch = |path: PathBuf| {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_mins(1)).unwrap();
    };
    let (header, voxels) = Image::v1().pair();
    for (image, bytes) in [("x.img", voxels.clone()), ("x.img.gz", gzip(&voxels))] {
        for (changed, says) in [("x.hdr", "changed"), (image, "the file changed")] {
            let folder = Folder::new();
            let run = open_pair(&folder, [("x.hdr", &header.bytes), (image, &bytes)]).unwrap();
            touch(folder.path(changed));
            for sha256 in [false, true] {
                let text = drain(&run, sha256).unwrap_err().to_string();
                assert!(text.contains(says) && text.contains(changed), "{text}");
            }
            if image == "x.img" {
                let read = run.source().read(&Region::whole(&SHAPE), &mut [0; 96]);
                assert!(read.unwrap_err().to_string().contains(says));
            }
        }
    }
}

#[test]
fn a_gzip_header_that_is_damaged_or_endless_is_refused() {
    let (header, voxels) = Image::v1().pair();
    let bytes = header.gzip();
    let pair = |bytes: &[u8]| {
        open_pair(&Folder::new(), [("x.hdr.gz", bytes), ("x.img.gz", &gzip(&voxels))])
    };
    for len in 0..bytes.len() {
        assert!(pair(&bytes[..len]).is_err(), "{len}");
    }
    let mut wrong = bytes.clone();
    let crc = bytes.len() - 8;
    wrong[crc] ^= 1;
    assert!(pair(&wrong).unwrap_err().to_string().contains("damaged"));
    let junk = pair(&[&bytes[..], b"junk"].concat()).unwrap();
    assert_eq!(junk.info().warnings[0].code, "N89");
    let mut long = header.bytes.clone();
    long.resize((1 << 24) + 1, 0);
    assert!(pair(&gzip(&long)).unwrap_err().to_string().contains("16 MiB"));
    let folder = Folder::new();
    let plain = open_pair(&folder, [("x.hdr", &long), ("x.img", &voxels)]);
    assert!(plain.unwrap_err().to_string().contains("16 MiB"));
    long.truncate(1 << 24);
    assert!(pair(&gzip(&long)).is_ok());
}

#[test]
fn a_sidecar_beside_a_pair_is_read() {
    let folder = Folder::new();
    let (header, voxels) = Image::v1().pair();
    folder.write("x.json", br#"{"RepetitionTime": 2.5, "EchoTime": 0.03}"#);
    let run = open_pair(&folder, [("x.hdr", &header.bytes), ("x.img", &voxels)]).unwrap();
    assert_eq!(run.info().timing.echo_time_seconds, Some(0.03));
}

#[test]
fn no_flipped_bit_of_a_pairs_header_makes_opening_panic() {
    for image in Image::all() {
        let folder = Folder::new();
        let (header, voxels) = image.pair();
        folder.write("x.img", &voxels);
        // One of each byte: single files have all of them flipped in turn.
        for at in 0..header.bytes.len() {
            let mut bytes = header.bytes.clone();
            bytes[at] ^= 1 << (at % 8);
            let _ = open(folder.write("x.hdr", &bytes));
        }
    }
}
