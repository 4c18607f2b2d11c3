//! N09 to N11: runs that are two files, a header and an image.

use voxstore::nifti;

use crate::case::{Case, run, values};
use crate::files::{Nifti, gzipped, packed};

/// A pair under these names, opened by the first.
fn pair(row: &'static str, what: &str, file: &Nifti, gap: usize, names: [&str; 2]) -> Case {
    let (head, image) = file.halves(&vec![9; gap]);
    let [first, second] = names;
    let [ours, other] =
        if first.to_ascii_lowercase().contains(".hdr") { [head, image] } else { [image, head] };
    let case = Case::file(row, what, first, &packed(first, ours)).truth(values(file));
    case.beside(second, &packed(second, other))
}

#[test]
fn n09_the_magic_of_a_single_file_in_a_pair_is_refused() {
    let (mut head, image) = run().halves(&[]);
    head[344..348].copy_from_slice(b"n+1\0");
    let case = Case::file("N09", "n+1 in .hdr", "run.hdr", &head).beside("run.img", &image);
    case.truth(values(&run())).refused(&["magic", "run.img lies beside it", ".nii"]);
    let case = Case::file("N09", "a single file named .hdr", "run.hdr", &run().bytes());
    let case = case.beside("run.img", &image).truth(values(&run()));
    case.refused(&["magic", "run.img lies beside it", ".nii"]);
}

#[test]
fn n10_a_pair_is_read_by_either_name_from_where_vox_offset_says() {
    for (what, file) in [
        ("NIfTI-1", run()),
        ("NIfTI-2", run().version_two()),
        ("big-endian", Nifti { big_endian: true, ..run() }),
        ("slope 0.5, inter 10", Nifti { slope: 0.5, inter: 10.0, ..run() }),
    ] {
        for gap in [0, 16, 48] {
            let what = format!("{what}, vox_offset {gap}");
            let opened = pair("N10", &what, &file, gap, ["run.hdr", "run.img"]).reads();
            let (head, image) = file.halves(&vec![9; gap]);
            assert_eq!(opened.info().header[..], [&head[..], &image[..gap]].concat());
            assert_eq!(opened.info().origin.image_name.as_deref(), Some("run.img"));
        }
    }
    pair("N10", "by the name of its image", &run(), 16, ["run.img", "run.hdr"]).reads();
    pair("N10", "vox_offset 40", &run(), 40, ["run.hdr", "run.img"]).warns(&["N26"]);
    pair("N10", "both gzip", &run(), 16, ["run.hdr.gz", "run.img.gz"]).reads();

    let (mut head, image) = run().halves(&[]);
    for offset in [-16.0_f32, 0.5, f32::NAN] {
        head[108..112].copy_from_slice(&offset.to_le_bytes());
        let case = Case::file("N10", &format!("vox_offset {offset:?}"), "run.hdr", &head);
        let case = case.beside("run.img", &image);
        case.refused(&[&format!("vox_offset is {offset}"), "a whole number from 0"]);
    }
}

#[test]
fn n10_a_header_of_a_pair_without_its_image_is_refused() {
    let (head, image) = run().halves(&[]);
    let case = Case::file("N10", "header alone", "run.hdr", &head);
    case.refused(&["run.img is not beside it", "put both files into one folder"]);
    let case = Case::file("N10", "image alone", "run.img", &image);
    case.refused(&["run.hdr is not beside it", "put both files into one folder"]);
    let two = Case::file("N10", "two images", "run.hdr", &head).beside("run.img.gz", &[]);
    two.beside("run.IMG", &[]).refused(&["run.IMG and run.img.gz", "leave only one"]);
    // Under the name of a single file, an offset of 0 is none.
    let case = Case::file("N08", "ni1, vox_offset 0", "run.nii", &[head, image].concat());
    case.refused(&["header of a pair", "name it .hdr"]);
}

#[test]
fn n11_a_pair_of_which_only_one_is_gzip_is_read() {
    for names in [["run.hdr", "run.img.gz"], ["run.hdr.gz", "run.img"]] {
        pair("N11", &names.join(", "), &run(), 0, names).reads();
    }
    // Each is told by its content: names that say otherwise are warned of.
    let (head, image) = run().halves(&[]);
    let case = Case::file("N11", "gzip, named .img", "run.hdr", &head);
    let case = case.beside("run.img", &gzipped(&image)).truth(values(&run()));
    assert!(case.warns(&["N12"]).info().origin.gzip);
    assert_eq!(nifti::files_of("run.hdr").len(), 2);
}
