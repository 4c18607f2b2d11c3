//! N01 to N21: is it a NIfTI file, of which kind, and what lies before its voxels?

use std::os::unix::fs::symlink;

use voxstore::nifti;

use crate::case::{Case, run, values};
use crate::files::{Nifti, gzipped, packed};

const NAMES: [&str; 2] = ["run.nii", "run.nii.gz"];
const ORDERS: [(&str, bool); 2] = [("little-endian", false), ("big-endian", true)];

/// A run of NIfTI-2.
fn two() -> Nifti {
    run().version_two()
}

#[test]
fn n01_nifti_1_is_read_plain_and_compressed() {
    for name in NAMES {
        let case = Case::file("N01", name, name, &packed(name, run().bytes()));
        let opened = case.truth(values(&run())).reads();
        assert_eq!(opened.shape(), [5, 4, 3, 6]);
        let origin = &opened.info().origin;
        assert_eq!((origin.format, origin.gzip), ("nifti1", name == "run.nii.gz"));
    }
}

#[test]
fn n02_big_endian_voxels_are_read_and_stored_little_endian() {
    for (what, file) in [("NIfTI-1", run()), ("NIfTI-2", two())] {
        let file = Nifti { big_endian: true, ..file };
        let opened = Case::of("N02", what, &file).reads();
        assert!(opened.info().origin.big_endian);
        // The header's bytes are kept as they are.
        assert_eq!(opened.info().header[..], file.header());
    }
}

#[test]
fn n03_sizeof_hdr_tells_the_byte_order_and_dim_0_must_agree() {
    for (what, big_endian) in ORDERS {
        let file = Nifti { big_endian, ..run() };
        let opened = Case::of("N03", what, &file).reads();
        assert_eq!(opened.info().origin.big_endian, big_endian);
    }
    // dim[0] of 4 in the other byte order is 1024.
    let mut bytes = run().bytes();
    bytes[40..42].reverse();
    let case = Case::file("N03", "dim[0] in the other byte order", "run.nii", &bytes);
    case.refused(&["dim[0] is 1024", "expected 1 to 7"]);
}

#[test]
fn n04_nifti_2_is_read_and_a_damaged_line_end_check_is_not() {
    let opened = Case::of("N04", "NIfTI-2", &two()).reads();
    assert_eq!(opened.info().origin.format, "nifti2");
    Case::gzip("N04", "NIfTI-2, gzip", &two()).reads();

    let with_check = |check: [u8; 4]| {
        let mut bytes = two().bytes();
        bytes[8..12].copy_from_slice(&check);
        bytes
    };
    let zeros = Case::file("N04", "line end check 0", "run.nii", &with_check([0; 4]));
    zeros.truth(values(&two())).warns(&["N04"]);
    let text = Case::file("N04", "line end check damaged", "run.nii", &with_check(*b"\n\n\x1a\n"));
    text.truth(values(&two())).refused(&["magic", "0a, 0a, 1a, 0a", "text-mode copy"]);
}

#[test]
fn n05_a_wrong_sizeof_hdr_is_read_where_dim_0_tells_the_byte_order() {
    for (what, big_endian) in ORDERS {
        let file = Nifti { big_endian, ..run() }.field("sizeof_hdr", 0, 7.0);
        Case::of("N05", &format!("7, {what}"), &file).warns(&["N05"]);
    }
    let neither = Nifti { dim: [0, 5, 4, 3, 6, 1, 1, 1], ..run() }.field("sizeof_hdr", 0, 7.0);
    let case = Case::file("N05", "7, and dim[0] is 0", "run.nii", &neither.bytes());
    case.refused(&["sizeof_hdr is 7", "expected 348"]);
}

#[test]
fn n06_a_file_without_size_and_magic_is_no_nifti_file() {
    let junk = Case::file("N06", "neither size nor magic", "run.nii", &[7; 4096]);
    junk.refused(&["not a NIfTI file", "sizeof_hdr", "07, 07, 07, 07"]);
    let other = Nifti { magic: *b"nope", ..run() };
    Case::of("N06", "another magic", &other).refused(&["magic", "6e, 6f, 70, 65", "convert it"]);
    let other = Nifti { magic: *b"n+1\0", ..two() };
    Case::of("N06", "n+1 in NIfTI-2", &other).refused(&["NIfTI-2", "magic", "6e, 2b, 31, 00"]);
}

#[test]
fn n07_analyze_is_refused_because_nobody_knows_which_side_is_left() {
    let file = Nifti { magic: [0; 4], ..run() };
    let case = Case::file("N07", "header and voxels", "run.hdr", &file.header()[..348]);
    let case = case.beside("run.img", &file.voxels()).truth(values(&file));
    case.refused(&["magic", "ANALYZE 7.5", "convert it to .nii", "which side is left"]);
}

#[test]
fn n08_the_magic_of_a_pair_in_a_single_file_is_read_where_vox_offset_fits_one() {
    let file = Nifti { magic: *b"ni1\0", ..run() };
    Case::of("N08", "ni1, vox_offset 352", &file).warns(&["N08"]);
    let file = Nifti { magic: *b"ni2\0", ..two() };
    Case::of("N08", "ni2, vox_offset 544", &file).warns(&["N08"]);
    let file = Nifti { magic: *b"ni1\0", ..run() };
    let bytes = file.bytes();
    let short = Case::file("N08", "ni1, and too short", "run.nii", &bytes[..bytes.len() - 1]);
    short.refused(&["1072", "1071", "cut short"]);
}

#[test]
fn n12_content_decides_whether_a_file_is_gzip_and_not_its_name() {
    let bytes = run().bytes();
    let plain = Case::file("N12", "plain, named .nii.gz", "run.nii.gz", &bytes);
    let opened = plain.truth(values(&run())).warns(&["N12"]);
    assert!(!opened.info().origin.gzip);
    let packed = Case::file("N12", "gzip, named .nii", "run.nii", &gzipped(&bytes));
    let opened = packed.truth(values(&run())).warns(&["N12"]);
    assert!(opened.info().origin.gzip);
}

#[test]
fn n13_other_compressions_are_refused_with_a_hint_and_the_case_of_names_is_free() {
    for (word, name, magic) in [
        ("zstd", "run.nii.zst", &[0x28, 0xb5, 0x2f, 0xfd][..]),
        ("bzip2", "run.nii.bz2", b"BZh9"),
        ("xz", "run.nii.xz", &[0xfd, b'7', b'z', b'X', b'Z', 0]),
    ] {
        // The first bytes of a real stream, and what no decoder would take for the rest.
        let bytes = [magic, &[0; 1000]].concat();
        let case = Case::file("N13", word, name, &bytes).by_itself();
        case.refused(&[word, "not supported", "decompress it, or compress it with gzip"]);
    }
    for name in ["RUN.NII", "RUN.NII.GZ", "Run.Nii.Gz"] {
        let bytes = run().bytes();
        let bytes = if name == "RUN.NII" { bytes } else { gzipped(&bytes) };
        Case::file("N13", name, name, &bytes).truth(values(&run())).reads();
    }
}

#[test]
fn n14_a_file_that_ends_before_its_voxels_is_refused() {
    Case::file("N14", "empty", "run.nii", b"").refused(&["empty"]);
    let bytes = run().bytes();
    for len in [1, 347] {
        let words = ["not a NIfTI file", &format!("{len} bytes"), "348"];
        Case::file("N14", &format!("{len} bytes"), "run.nii", &bytes[..len]).refused(&words);
        let packed = gzipped(&bytes[..len]);
        Case::file("N14", &format!("{len} bytes, gzip"), "run.nii.gz", &packed).refused(&words);
    }
    let words = ["has 352 bytes", "needs 1072", "cut short", "copy or convert it again"];
    Case::file("N14", "a header only", "run.nii", &bytes[..352]).refused(&words);
    let two = two().bytes();
    Case::file("N14", "half a header of NIfTI-2", "run.nii", &two[..400]).refused(&["540", "400"]);
    let packed = gzipped(&bytes[..352]);
    let case = Case::file("N14", "a header only, gzip", "run.nii.gz", &packed);
    case.damaged(&["end after 352 inflated bytes", "1072"]);
}

#[test]
fn n15_content_that_was_not_fetched_is_said_to_be_missing() {
    let datalad = ["content is not present", "datalad get"];
    let key = b"/annex/objects/MD5E-s100--d41d8cd98f00b204e9800998ecf8427e.nii.gz\n";
    Case::file("N15", "git-annex pointer", "run.nii.gz", key).refused(&datalad);
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 100\n";
    let case = Case::file("N15", "Git LFS pointer", "run.nii.gz", lfs);
    case.refused(&["content is not present", "git lfs pull"]);
    for (what, target, words) in [
        ("dangling git-annex link", ".git/annex/objects/xx/yy/key", datalad),
        ("dangling link", "elsewhere.nii.gz", ["elsewhere.nii.gz", "does not exist"]),
    ] {
        let case = Case::file("N15", what, "run.nii.gz", b"");
        std::fs::remove_file(case.path()).unwrap();
        symlink(target, case.path()).unwrap();
        case.refused(&words);
    }
}

#[test]
fn n16_macos_metadata_beside_a_file_are_refused_by_what_they_are() {
    let bytes =
        [&[0x00, 0x05, 0x16, 0x07, 0, 2, 0, 0][..], b"Mac OS X        ", &[0; 4000]].concat();
    let case = Case::file("N16", "AppleDouble", "._run.nii", &bytes);
    case.refused(&["macOS metadata", "leading ._"]);
}

/// An extension of code 6 (a comment) that says it has `size` bytes, and takes 48.
fn with_extension(file: Nifti, size: i32) -> Vec<u8> {
    let least = if file.two { 544 } else { 352 };
    let offset = least as f64 + 48.0;
    let file = Nifti { offset, ..file }.field("extension", 0, 1.0);
    let mut bytes = file.bytes();
    let number = |v: i32| if file.big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    bytes[least..least + 4].copy_from_slice(&number(size));
    bytes[least + 4..least + 8].copy_from_slice(&number(6));
    bytes[least + 8..least + 15].copy_from_slice(b"comment");
    bytes
}

#[test]
fn n17_extensions_are_kept_as_bytes() {
    for (what, file) in [
        ("NIfTI-1", run()),
        ("NIfTI-2", two()),
        ("big-endian", Nifti { big_endian: true, ..run() }),
    ] {
        let bytes = with_extension(file.clone(), 48);
        let case = Case::file("N17", what, "run.nii", &bytes);
        let opened = case.truth(values(&file)).reads();
        let least = if file.two { 544 } else { 352 };
        assert_eq!(opened.info().header[..], bytes[..least + 48]);
        let case = Case::file("N17", &format!("{what}, gzip"), "run.nii.gz", &gzipped(&bytes));
        case.truth(values(&file)).reads();
    }
    // Bounded by vox_offset, of which the most is 16 MiB.
    let file = Nifti { offset: f64::from(1 << 24) + 16.0, ..run() };
    let case = Case::file("N17", "more than 16 MiB", "run.nii", &file.bytes());
    case.refused(&["vox_offset is 16777232", "from 352 to 16777216"]);
}

#[test]
fn n18_an_extension_size_that_is_no_multiple_of_16_moves_no_voxel() {
    let case = Case::file("N18", "esize 40", "run.nii", &with_extension(run(), 40));
    // What follows it is then no extension.
    case.truth(values(&run())).warns(&["N18", "N19"]);
    let case = Case::file("N18", "esize 44, to the end", "run.nii", &with_extension(run(), 44));
    case.truth(values(&run())).warns(&["N18"]);
}

#[test]
fn n19_an_extension_size_that_cannot_be_moves_no_voxel_and_takes_no_memory() {
    for size in [0, -16, 7, 64, i32::MAX] {
        let bytes = with_extension(run(), size);
        let case = Case::file("N19", &format!("esize {size}"), "run.nii", &bytes);
        let opened = case.truth(values(&run())).warns(&["N19"]);
        assert_eq!(opened.info().header[..], bytes[..400]);
    }
}

#[test]
fn n20_a_flag_for_extensions_without_room_for_any_changes_nothing() {
    let file = run().field("extension", 0, 1.0);
    let opened = Case::of("N20", "flag set, vox_offset 352", &file).reads();
    assert_eq!(opened.info().header.len(), 352);
    Case::gzip("N20", "flag set, vox_offset 352, gzip", &file).reads();
}

#[test]
fn n21_text_is_kept_as_bytes_whatever_they_are() {
    let mut bytes = run().bytes();
    // descrip, full to its last byte, in no encoding; aux_file with bytes behind its NUL.
    bytes[148..228].fill(0xe9);
    bytes[228..252].copy_from_slice(b"a\0behind\xff\xfe\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    let case = Case::file("N21", "no UTF-8", "run.nii", &bytes);
    let opened = case.truth(values(&run())).reads();
    assert_eq!(opened.info().header[..], bytes[..352]);
}

#[test]
fn n01_a_folder_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let error = nifti::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("folder") && error.contains("give the files in it"), "{error}");
}
