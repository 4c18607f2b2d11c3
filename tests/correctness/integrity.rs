//! N81 to N92: is the file whole?

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};
use voxstore::jobs::{TsnrOptions, tsnr};
use voxstore::nifti::{self, Io};
use voxstore::store::{IngestOptions, Outcome, ingest};
use voxstore::{Session, StreamOptions};

use crate::case::{Case, run, values};
use crate::files::{Nifti, flipped, gzipped, write};

#[test]
fn n81_a_plain_file_that_is_cut_short_is_refused_when_it_is_opened() {
    let bytes = run().bytes();
    for len in [353, 1000, bytes.len() - 1] {
        let case = Case::file("N81", &format!("{len} of 1072 bytes"), "run.nii", &bytes[..len]);
        let has = format!("has {len} bytes");
        case.truth(values(&run())).refused(&[&has, "needs 1072", "5 x 4 x 3 x 6", "cut short"]);
    }
}

#[test]
fn n82_bytes_after_the_last_voxel_of_a_plain_file_are_counted() {
    let file = Nifti { tail: vec![7; 11], ..run() };
    let opened = Case::of("N82", "11 bytes", &file).warns(&["N82"]);
    let said = &opened.info().warnings[0].message;
    assert!(said.contains("11 bytes") && !said.contains("more volume"), "{said}");
    let file = Nifti { tail: vec![7; 250], ..run() };
    let opened = Case::of("N82", "2 more volumes", &file).warns(&["N82"]);
    let said = &opened.info().warnings[0].message;
    assert!(said.contains("250 bytes") && said.contains("2 more volumes"), "{said}");
}

#[test]
fn n83_a_gzip_file_of_several_members_is_read_to_its_end() {
    let bytes = run().bytes();
    let cuts = [0, 100, 352, 500, bytes.len()];
    let packed: Vec<u8> = cuts.windows(2).flat_map(|cut| gzipped(&bytes[cut[0]..cut[1]])).collect();
    Case::file("N83", "4 members", "run.nii.gz", &packed).truth(values(&run())).reads();
    // bgzip ends with a member of nothing.
    let packed = [gzipped(&bytes), gzipped(b"")].concat();
    Case::file("N83", "an empty member", "run.nii.gz", &packed).truth(values(&run())).reads();
}

/// Of a size that no reader has seen the end of when it has told what the file is.
fn long() -> Nifti {
    Nifti::new([16, 16, 8, 6])
}

/// A gzip file with this done to its bytes.
fn broken(row: &'static str, what: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Case {
    let case = Case::file(row, what, "run.nii.gz", &change(gzipped(&long().bytes())));
    case.truth(values(&long()))
}

#[test]
fn n84_a_gzip_trailer_that_contradicts_its_data_is_damage() {
    for (what, from_end) in [("checksum", 8), ("length", 4)] {
        let case = broken("N84", what, |mut bytes| {
            let at = bytes.len() - from_end;
            bytes[at] ^= 1;
            bytes
        });
        case.damaged(&["damaged", "fetch or write the file again"]);
    }
}

#[test]
fn n85_a_gzip_file_without_its_trailer_is_cut_short() {
    for (what, missing) in [("no trailer", 8), ("half a trailer", 3)] {
        let case = broken("N85", what, |bytes| bytes[..bytes.len() - missing].to_vec());
        case.damaged(&["cut short", "fetch it again"]);
    }
}

#[test]
fn n86_a_flipped_bit_in_a_gzip_stream_is_never_taken_for_voxels() {
    broken("N86", "in the middle", |bytes| flipped(&bytes)).damaged(&["damaged"]);
    // Stored blocks: a flipped bit there inflates without a complaint.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut encoder, &long().bytes()).unwrap();
    let stored = flipped(&encoder.finish().unwrap());
    let case = Case::file("N86", "in a stored block", "run.nii.gz", &stored);
    case.truth(values(&long())).damaged(&["damaged"]);
}

#[test]
fn n87_a_gzip_file_that_is_cut_in_the_middle_is_cut_short() {
    for percent in [60, 99] {
        let case = broken("N87", &format!("after {percent} %"), |bytes| {
            bytes[..bytes.len() * percent / 100].to_vec()
        });
        case.damaged(&["cut short"]);
    }
}

#[test]
fn n88_zeros_after_the_last_gzip_member_are_padding() {
    for zeros in [1, 512] {
        let case =
            broken("N88", &format!("{zeros} zeros"), |bytes| [bytes, vec![0; zeros]].concat());
        case.reads();
    }
}

#[test]
fn n89_other_bytes_after_the_last_gzip_member_are_counted() {
    let case = broken("N89", "13 bytes", |bytes| [&bytes[..], b"junk after it"].concat());
    let opened = case.warns_at_the_end(&[], &["N89"]);
    drop(opened);
    let case = broken("N89", "zeros and then bytes", |bytes| [&bytes[..], b"\0\0junk"].concat());
    case.warns_at_the_end(&[], &["N89"]);
}

#[test]
fn n90_inflated_bytes_after_the_last_voxel_are_checked_and_counted() {
    let file = Nifti { tail: vec![7; 1000], ..run() };
    Case::gzip("N90", "1000 bytes", &file).warns_at_the_end(&[], &["N90"]);
    // They are inflated to the end: damage there is damage.
    let mut packed = gzipped(&file.bytes());
    let at = packed.len() - 8;
    packed[at] ^= 1;
    let case = Case::file("N90", "1000 bytes, wrong checksum", "run.nii.gz", &packed);
    case.truth(values(&run())).damaged(&["damaged"]);
}

#[test]
fn n91_a_file_that_changes_after_it_was_opened_is_an_error() {
    let other = Nifti { seed: 2, ..run() };
    let replaced = |path: &Path, name: &str| {
        fs::remove_file(path).unwrap();
        other.write(path.parent().unwrap(), name);
    };
    let longer = |path: &Path, name: &str| {
        Nifti { tail: vec![1; 100], ..other.clone() }.write(path.parent().unwrap(), name);
    };
    let later = |path: &Path, name: &str| {
        other.write(path.parent().unwrap(), name);
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    };
    for change in [&replaced as &dyn Fn(&Path, &str), &longer, &later] {
        for name in ["run.nii", "run.nii.gz"] {
            for io in [Io::Map, Io::Read] {
                let folder = tempfile::tempdir().unwrap();
                let path = run().write(folder.path(), name);
                let opened = nifti::open_with(&path, io).unwrap();
                change(&path, name);
                let runs = [opened];
                let error = tsnr(&runs, TsnrOptions::default(), &Session::default()).unwrap_err();
                says(&error.to_string(), name);

                let place = folder.path().join("study.zarr");
                let options = IngestOptions::default();
                let report = ingest(&runs, &place, &options, &Session::default()).unwrap();
                match &report.runs[0].result {
                    Outcome::Failed(error) => says(&error.to_string(), name),
                    other => panic!("{name}: {other:?}"),
                }
                assert!(!place.join("runs").exists());
            }
        }
    }
}

#[test]
fn n91_a_file_that_changes_between_its_first_and_its_last_voxel_is_an_error() {
    for name in ["run.nii", "run.nii.gz"] {
        for io in [Io::Map, Io::Read] {
            let folder = tempfile::tempdir().unwrap();
            let path = run().write(folder.path(), name);
            let opened = nifti::open_with(&path, io).unwrap();
            let mut stream = opened.source().stream(StreamOptions::default()).unwrap();
            let mut half = vec![0; 360];
            stream.read_next(&mut half).unwrap();
            assert_eq!(half[..], run().voxels()[..360]);
            fs::remove_file(&path).unwrap();
            run().write(folder.path(), name);
            let rest = stream.read_next(&mut half);
            let error = rest.and_then(|()| stream.finish().map(drop)).unwrap_err();
            says(&error.to_string(), name);
        }
    }
}

#[track_caller]
fn says(error: &str, name: &str) {
    assert!(error.contains(name) && error.contains("open it again"), "{error}");
}

#[test]
fn n91_a_header_of_a_pair_that_changes_after_it_was_opened_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (mut head, image) = run().halves(&[]);
    let path = write(folder.path(), "run.hdr", &head);
    write(folder.path(), "run.img", &image);
    let runs = [nifti::open(&path).unwrap()];
    // Zeros behind the bytes as they were: no extension, and another file.
    head.extend([0; 16]);
    write(folder.path(), "run.hdr", &head);
    let error = tsnr(&runs, TsnrOptions::default(), &Session::default()).unwrap_err().to_string();
    assert!(error.contains("run.hdr changed") && error.contains("open the pair again"), "{error}");
}

#[test]
fn n92_bytes_that_are_not_those_of_their_git_annex_key_are_refused() {
    let bytes = gzipped(&run().bytes());
    let mut hash = String::new();
    for byte in Sha256::digest(&bytes) {
        write!(hash, "{byte:02x}").unwrap();
    }
    let other = "0".repeat(64);
    let linked = |len: usize, hash: &str| {
        let folder = tempfile::tempdir().unwrap();
        let key = format!("SHA256E-s{len}--{hash}.nii.gz");
        let object = format!(".git/annex/objects/Gq/3x/{key}/{key}");
        write(folder.path(), &object, &bytes);
        let link = folder.path().join("run.nii.gz");
        symlink(object, &link).unwrap();
        (folder, link)
    };
    let (_folder, link) = linked(bytes.len() + 1, &hash);
    let error = nifti::open(&link).unwrap_err().to_string();
    let (key_says, has) = ((bytes.len() + 1).to_string(), bytes.len().to_string());
    for word in ["run.nii.gz", "git-annex's key", &key_says, &has, "git annex fsck"] {
        assert!(error.contains(word), "no {word:?} in {error}");
    }
    for (key, is_right) in [(&hash, true), (&other, false)] {
        let (folder, link) = linked(bytes.len(), key);
        let runs = [nifti::open(&link).unwrap()];
        let place = folder.path().join("study.zarr");
        let report = ingest(&runs, &place, &IngestOptions::default(), &Session::default()).unwrap();
        match &report.runs[0].result {
            Outcome::Written(_) => assert!(is_right),
            Outcome::Failed(error) => {
                let error = error.to_string();
                for word in ["run.nii.gz", "git-annex's key", &hash, &other, "git annex fsck"] {
                    assert!(!is_right && error.contains(word), "no {word:?} in {error}");
                }
                assert!(!place.join("runs").exists());
            }
            Outcome::Skipped => panic!("{link:?}"),
        }
    }
}
