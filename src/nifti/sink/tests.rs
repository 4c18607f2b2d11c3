//! Arrays into NIfTI files and back; files in the way, boxes out of order.

use std::fs;

use super::{NiftiOptions, NiftiSink};
use crate::dtype::DType;
use crate::grid::{BlockGrid, Region, copy_overlap};
use crate::nifti::header::Version;
use crate::nifti::testing::{Folder, Image, drain, open_as};
use crate::nifti::{NiftiError, open};
use crate::sink::{Sink, SinkOrder};
use crate::source_conformance;

const SHAPES: [&[u64]; 7] = [
    &[9],
    &[5, 4],
    &[5, 4, 3],
    &[5, 4, 3, 6],
    &[2, 3, 2, 1, 2],
    &[2, 3, 1, 2, 1, 2],
    &[2, 1, 3, 1, 2, 1, 2],
];

fn numbers(shape: &[u64], dtype: DType) -> Vec<u8> {
    let len = Region::whole(shape).len() as usize * dtype.size();
    let mask = if dtype == DType::Bool { 1 } else { 0xFF };
    (0..len).map(|i| ((i * 37 + i / 7) % 251) as u8 & mask).collect()
}

fn options(overwrite: bool) -> NiftiOptions {
    NiftiOptions { overwrite, ..NiftiOptions::default() }
}

fn create(folder: &Folder, name: &str, shape: &[u64], dtype: DType) -> NiftiSink {
    NiftiSink::create(folder.path(name), shape, dtype, None, &options(true)).unwrap()
}

fn put(sink: &NiftiSink, region: &Region) {
    let (shape, item_bytes) = (sink.shape(), sink.dtype().size());
    let mut part = vec![0; region.len() as usize * item_bytes];
    let all = numbers(shape, sink.dtype());
    copy_overlap(&all, &Region::whole(shape), &mut part, region, item_bytes);
    sink.put(region, &part).unwrap();
}

/// All blocks in memory order.
fn blocks(sink: &NiftiSink) -> Vec<Region> {
    let grid = BlockGrid::new(sink.shape(), sink.block_shape());
    let block = |position: Vec<u64>| {
        let start = position.iter().zip(sink.block_shape()).map(|(p, n)| p * n).collect();
        let region = Region::new(start, sink.block_shape().to_vec());
        region.overlap(&Region::whole(sink.shape())).unwrap()
    };
    grid.touching(&Region::whole(sink.shape())).map(block).collect()
}

fn put_all(sink: &NiftiSink) {
    for region in blocks(sink) {
        put(sink, &region);
    }
}

#[test]
fn arrays_of_every_type_and_number_of_axes_are_written_in_any_order() {
    let folder = Folder::new();
    for dtype in DType::ALL {
        for shape in SHAPES {
            let sink = create(&folder, "x.nii", shape, dtype);
            assert_eq!(sink.order(), SinkOrder::Any);
            for region in blocks(&sink).iter().rev() {
                put(&sink, region);
            }
            Box::new(sink).commit().unwrap();
            let bytes = fs::read(folder.path("x.nii")).unwrap();
            assert_eq!(bytes[352..], numbers(shape, dtype), "{dtype} {shape:?}");
            let header = ::nifti::NiftiHeader::from_reader(&bytes[..]).unwrap();
            let lengths: Vec<u64> = header.dim().unwrap().iter().map(|&n| n.into()).collect();
            assert_eq!((lengths.as_slice(), header.bitpix), (shape, dtype.size() as i16 * 8));
        }
    }
}

#[test]
fn what_was_written_is_a_source_that_keeps_its_promises_plain_and_gzip() {
    let folder = Folder::new();
    for dtype in DType::ALL {
        for shape in [&[5, 4, 3][..], &[5, 4, 3, 6]] {
            for name in ["x.nii", "x.nii.gz"] {
                let sink = create(&folder, name, shape, dtype);
                put_all(&sink);
                Box::new(sink).commit().unwrap();
                let run = open(folder.path(name)).unwrap();
                let stored = if dtype == DType::Bool { DType::U8 } else { dtype };
                assert_eq!(run.source().dtype(), stored);
                assert!(run.info().scaling.is_identity());
                let expected = numbers(shape, dtype);
                source_conformance::check(run.source().as_ref(), Some(&expected)).unwrap();
            }
        }
    }
}

#[test]
fn a_gzip_file_is_the_same_whatever_the_boxes_and_takes_them_in_memory_order_only() {
    let folder = Folder::new();
    let shape = [5, 4, 3, 6];
    let sink = create(&folder, "a.nii.gz", &shape, DType::I16);
    assert_eq!(sink.order(), SinkOrder::Memory);
    put_all(&sink);
    Box::new(sink).commit().unwrap();
    let sink = create(&folder, "b.nii.gz", &shape, DType::I16);
    let whole = Region::whole(&shape);
    put(&sink, &whole.with_axis(3, 0, 2));
    for late in [whole.with_axis(3, 3, 1), whole.with_axis(3, 1, 1)] {
        let error = sink.put(&late, &[0; 120]).unwrap_err().to_string();
        assert!(error.contains("memory order") && error.contains("byte 240"), "{error}");
    }
    let gaps = whole.with_axis(3, 2, 2).with_axis(2, 0, 1);
    assert!(sink.put(&gaps, &[0; 80]).is_err());
    put(&sink, &whole.with_axis(3, 2, 4));
    Box::new(sink).commit().unwrap();
    let read = |name| fs::read(folder.path(name)).unwrap();
    assert_eq!(read("a.nii.gz"), read("b.nii.gz"));
}

#[test]
fn an_array_lies_where_the_run_lies_whose_grid_it_is_on() {
    let folder = Folder::new();
    for mut image in Image::all() {
        let (code, srow) = if image.version == Version::One { (254, 280) } else { (348, 400) };
        let width = if image.version == Version::One { (2, 4) } else { (4, 8) };
        image.int(code, width.0, 4);
        for (i, v) in (0..12).map(|i| f64::from(i * i + 1)).enumerate() {
            image.float(srow + i * width.1, v);
        }
        let run = open_as("x.nii", &image.bytes).unwrap();
        for shape in [&[2, 3, 2][..], &[2, 3, 2, 9], &[1, 3, 2, 4], &[2, 3, 1]] {
            let path = folder.path("y.nii");
            let sink =
                NiftiSink::create(&path, shape, DType::F64, Some(run.info()), &options(true))
                    .unwrap();
            put_all(&sink);
            Box::new(sink).commit().unwrap();
            let written = open(&path).unwrap();
            assert_eq!(written.info().geometry, run.info().geometry);
            assert_eq!(written.info().origin.format, image.version.format());
            let tr = (shape.len() == 4).then_some(2.5);
            assert_eq!(written.info().timing.tr_seconds, tr);
            assert_eq!(drain(&written, false).unwrap().0, numbers(shape, DType::F64));
        }
        for shape in [&[2, 3][..], &[3, 2, 2], &[1, 3, 3, 4]] {
            let path = folder.path("z.nii");
            let sink =
                NiftiSink::create(&path, shape, DType::F64, Some(run.info()), &options(true));
            assert!(matches!(sink, Err(NiftiError::Length { .. })), "{shape:?}");
        }
    }
}

#[test]
fn an_axis_too_long_for_nifti_1_makes_a_nifti_2() {
    let folder = Folder::new();
    let like = open_as("x.nii", &Image::v1().bytes).unwrap();
    for (volumes, format) in [(32767, "nifti1"), (32768, "nifti2")] {
        let (path, shape) = (folder.path("y.nii"), [2, 3, 2, volumes]);
        let sink = NiftiSink::create(&path, &shape, DType::U8, Some(like.info()), &options(true));
        let sink = sink.unwrap();
        put(&sink, &Region::whole(&shape));
        Box::new(sink).commit().unwrap();
        let written = open(&path).unwrap();
        assert_eq!((written.shape(), written.info().origin.format), (&shape[..], format));
        assert_eq!(written.info().geometry, like.info().geometry);
        assert_eq!(drain(&written, false).unwrap().0, numbers(&shape, DType::U8));
    }
}

#[test]
fn blocks_are_planes_or_rows_of_about_a_mebibyte() {
    let block = |shape: &[u64]| super::block(shape, DType::F64);
    assert_eq!(block(&[64, 64, 30, 9]), [64, 64, 1, 1]);
    assert_eq!(block(&[1024, 1024, 3]), [1024, 128, 1]);
    assert_eq!(block(&[1 << 20, 7]), [1 << 17, 1]);
}

#[test]
fn boxes_that_are_no_whole_blocks_of_the_array_are_refused() {
    let folder = Folder::new();
    let sink = create(&folder, "x.nii", &[5, 4, 3], DType::U8);
    let whole = Region::whole(&[5, 4, 3]);
    let refused = |region: Region, len| sink.put(&region, &vec![0; len]).unwrap_err();
    assert!(refused(whole.with_axis(1, 0, 2), 30).to_string().contains("whole blocks"));
    assert!(refused(whole.with_axis(2, 2, 2), 40).to_string().contains("shape (5, 4, 3)"));
    assert!(refused(whole.clone(), 59).to_string().contains("expected 60"));
    assert!(sink.put(&whole.with_axis(2, 1, 0), &[]).is_ok());
}

#[test]
fn an_array_without_all_its_boxes_is_not_committed_and_leaves_nothing() {
    let folder = Folder::new();
    for name in ["x.nii", "x.nii.gz"] {
        let sink = create(&folder, name, &[5, 4, 3], DType::U8);
        put(&sink, &Region::whole(&[5, 4, 3]).with_axis(2, 0, 2));
        let error = Box::new(sink).commit().unwrap_err().to_string();
        assert!(error.contains("40 of 60"), "{error}");
        drop(create(&folder, name, &[5], DType::U8));
    }
    assert!(folder.names().is_empty());
}

#[test]
fn a_file_that_is_there_stays_unless_overwriting_is_asked_for() {
    let folder = Folder::new();
    let path = folder.write("x.nii", b"mine");
    let start = |path: &std::path::Path, overwrite| {
        NiftiSink::create(path, &[3], DType::U8, None, &options(overwrite))
    };
    assert!(matches!(start(&path, false), Err(NiftiError::Exists { .. })));
    let late = folder.path("late.nii");
    let sink = start(&late, false).unwrap();
    put(&sink, &Region::whole(&[3]));
    fs::write(&late, b"mine").unwrap();
    let error = Box::new(sink).commit().unwrap_err().to_string();
    assert!(error.contains("exists already"), "{error}");
    assert_eq!(error.matches("late.nii").count(), 1, "{error}");
    assert_eq!(fs::read(&late).unwrap(), b"mine");
    let sink = start(&path, true).unwrap();
    put(&sink, &Region::whole(&[3]));
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    Box::new(sink).commit().unwrap();
    assert_eq!(fs::read(&path).unwrap().len(), 355);
}

#[test]
fn shapes_that_nifti_cannot_hold_are_refused() {
    let folder = Folder::new();
    for shape in [&[][..], &[4, 0], &[1; 8], &[u64::MAX], &[1 << 40, 1 << 40]] {
        let sink = NiftiSink::create(folder.path("x.nii"), shape, DType::U8, None, &options(false));
        assert!(matches!(sink, Err(NiftiError::Unsupported { .. })), "{shape:?}");
    }
    assert!(folder.names().is_empty());
}
