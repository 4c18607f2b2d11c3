//! Runs written back: single files and pairs, whole or not at all.

use std::fs;

use super::Writer;
use crate::nifti::header::Version;
use crate::nifti::testing::{Folder, Image, drain, open_as, voxel_bytes};
use crate::nifti::{NiftiError, open};

#[test]
fn header_and_voxels_come_back_byte_for_byte() {
    let folder = Folder::new();
    for mut image in Image::all() {
        image.raw(150, b"odd but kept");
        let run = open_as("x.nii", &image.bytes).unwrap();
        for name in ["y.nii", "y.nii.gz"] {
            let mut writer = Writer::create(folder.path(name), run.info(), true).unwrap();
            for part in voxel_bytes().chunks(10) {
                writer.put(part).unwrap();
            }
            writer.commit().unwrap();
        }
        assert_eq!(fs::read(folder.path("y.nii")).unwrap(), image.bytes);
        let again = open(folder.path("y.nii.gz")).unwrap();
        assert_eq!(again.info().header, run.info().header);
        assert_eq!(drain(&again, false).unwrap().0, voxel_bytes());
    }
}

#[test]
fn compressed_output_is_the_same_bytes_every_time() {
    let folder = Folder::new();
    let run = open_as("x.nii", &Image::v1().bytes).unwrap();
    for name in ["a.nii.gz", "b.nii.gz"] {
        let mut writer = Writer::create(folder.path(name), run.info(), false).unwrap();
        writer.put(&voxel_bytes()).unwrap();
        writer.commit().unwrap();
    }
    assert_eq!(
        fs::read(folder.path("a.nii.gz")).unwrap(),
        fs::read(folder.path("b.nii.gz")).unwrap()
    );
}

#[test]
fn an_unfinished_file_leaves_nothing() {
    let folder = Folder::new();
    let run = open_as("x.nii", &Image::v1().bytes).unwrap();
    let mut writer = Writer::create(folder.path("y.nii"), run.info(), false).unwrap();
    writer.put(&[0; 94]).unwrap();
    assert!(matches!(writer.put(&[0; 4]), Err(NiftiError::Length { .. })));
    assert!(matches!(writer.put(&[0; 1]), Err(NiftiError::Length { .. })));
    assert!(matches!(writer.commit(), Err(NiftiError::Length { .. })));
    drop(Writer::create(folder.path("y.nii"), run.info(), false).unwrap());
    assert!(folder.names().is_empty());
}

#[test]
fn an_existing_file_is_kept_unless_overwriting_is_asked_for() {
    let folder = Folder::new();
    let run = open_as("x.nii", &Image::v1().bytes).unwrap();
    let path = folder.write("y.nii", b"mine");
    let refused = Writer::create(&path, run.info(), false);
    assert!(matches!(refused, Err(NiftiError::Exists { .. })));
    // Created between the check and the commit.
    let late = folder.path("late.nii");
    let mut writer = Writer::create(&late, run.info(), false).unwrap();
    writer.put(&voxel_bytes()).unwrap();
    fs::write(&late, b"mine").unwrap();
    assert!(matches!(writer.commit(), Err(NiftiError::Exists { .. })));
    assert_eq!(fs::read(&late).unwrap(), b"mine");
    let mut writer = Writer::create(&path, run.info(), true).unwrap();
    writer.put(&voxel_bytes()).unwrap();
    writer.commit().unwrap();
    assert_eq!(fs::read(&path).unwrap(), Image::v1().bytes);
}

/// A pair as a run, with an extension and a gap before its voxels.
fn pair(folder: &Folder, image: &Image) -> (crate::run::Run, Vec<u8>, Vec<u8>) {
    let (mut header, voxels) = image.pair();
    let at = header.bytes.len();
    header.bytes.extend([b'e'; 16]);
    header.raw(at - 4, &[1]);
    header.int(at, 4, 16);
    header.vox_offset(32);
    let voxels = [&[7; 32][..], &voxels].concat();
    folder.write("x.img", &voxels);
    (open(folder.write("x.hdr", &header.bytes)).unwrap(), header.bytes, voxels)
}

#[test]
fn both_files_of_a_pair_come_back_byte_for_byte() {
    for image in Image::all() {
        let folder = Folder::new();
        let (run, header, voxels) = pair(&folder, &image);
        for name in ["y.hdr", "y.img", "y.hdr.gz", "Y.IMG.GZ"] {
            let mut writer = Writer::create(folder.path(name), run.info(), true).unwrap();
            for part in voxel_bytes().chunks(10) {
                writer.put(part).unwrap();
            }
            writer.commit().unwrap();
        }
        assert_eq!(fs::read(folder.path("y.hdr")).unwrap(), header);
        assert_eq!(fs::read(folder.path("y.img")).unwrap(), voxels);
        for name in ["y.hdr.gz", "Y.HDR.GZ"] {
            let again = open(folder.path(name)).unwrap();
            assert_eq!(again.info().header, run.info().header);
            assert!(again.info().origin.gzip);
            assert_eq!(drain(&again, false).unwrap().0, voxel_bytes());
        }
    }
}

#[test]
fn a_pair_becomes_a_single_file_with_two_fields_changed() {
    for image in Image::all() {
        let folder = Folder::new();
        let (run, header, _) = pair(&folder, &image);
        let mut writer = Writer::create(folder.path("y.nii"), run.info(), false).unwrap();
        writer.put(&voxel_bytes()).unwrap();
        writer.commit().unwrap();
        let mut want = Image { bytes: header, ..image.clone() };
        want.vox_offset(want.bytes.len() as i64);
        match image.version {
            Version::One => want.raw(344, b"n+1\0"),
            Version::Two => want.raw(4, b"n+2\0"),
        }
        let single = open(folder.path("y.nii")).unwrap();
        assert_eq!(single.info().header[..], want.bytes);
        assert_eq!(single.info().warnings, run.info().warnings);
        assert_eq!(drain(&single, false).unwrap().0, voxel_bytes());

        // A header without even an extender gets one.
        let (bare, voxels) = image.pair();
        let bare = &bare.bytes[..image.version.header_bytes()];
        folder.write("b.img", &voxels);
        let run = open(folder.write("b.hdr", bare)).unwrap();
        let mut writer = Writer::create(folder.path("b.nii"), run.info(), false).unwrap();
        writer.put(&voxel_bytes()).unwrap();
        writer.commit().unwrap();
        assert_eq!(fs::read(folder.path("b.nii")).unwrap(), image.bytes);
    }
}

#[test]
fn a_pair_that_is_in_the_way_is_kept_or_replaced_whole() {
    let folder = Folder::new();
    let (run, header, voxels) = pair(&folder, &Image::v1());
    for name in ["y.hdr", "y.img"] {
        let path = folder.write(name, b"mine");
        for asked in ["y.hdr", "y.img"] {
            let refused = Writer::create(folder.path(asked), run.info(), false);
            assert!(matches!(refused, Err(NiftiError::Exists { .. })), "{name} {asked}");
        }
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        fs::remove_file(path).unwrap();
    }
    // Taken between the check and the commit: nothing of ours stays.
    for name in ["y.hdr", "y.img"] {
        let mut writer = Writer::create(folder.path("y.hdr"), run.info(), false).unwrap();
        writer.put(&voxel_bytes()).unwrap();
        let path = folder.write(name, b"mine");
        assert!(matches!(writer.commit(), Err(NiftiError::Exists { .. })), "{name}");
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        fs::remove_file(path).unwrap();
        assert_eq!(folder.names().len(), 2, "{:?}", folder.names());
    }
    folder.write("y.hdr", b"old");
    folder.write("y.img", b"old");
    let mut writer = Writer::create(folder.path("y.img"), run.info(), true).unwrap();
    writer.put(&voxel_bytes()).unwrap();
    writer.commit().unwrap();
    assert_eq!(fs::read(folder.path("y.hdr")).unwrap(), header);
    assert_eq!(fs::read(folder.path("y.img")).unwrap(), voxels);
}

#[test]
fn header_bytes_that_are_no_pairs_are_refused() {
    let folder = Folder::new();
    let (run, ..) = pair(&folder, &Image::v1());
    let mut info = run.info().clone();
    info.header = info.header[..348 + 31].into();
    let refused = Writer::create(folder.path("y.hdr"), &info, false);
    assert!(matches!(refused, Err(NiftiError::Length { .. })), "{refused:?}");
}

#[test]
fn other_endings_and_absent_folders_are_refused() {
    let folder = Folder::new();
    let run = open_as("x.nii", &Image::v1().bytes).unwrap();
    for name in ["y.img", "y.hdr", "y", "y.gz", "absent/y.nii"] {
        assert!(Writer::create(folder.path(name), run.info(), false).is_err(), "{name}");
    }
}
