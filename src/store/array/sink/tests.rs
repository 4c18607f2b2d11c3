//! Arrays into folders and back; folders in the way, boxes that do not fit.

mod faults;

use std::path::Path;
use std::sync::Arc;
use std::{fs, thread};

use super::{ZarrOptions, ZarrSink};
use crate::dtype::DType;
use crate::grid::{BlockGrid, Region, copy_overlap};
use crate::sink::Sink;
use crate::source::Source;
use crate::source_conformance;
use crate::store::testing::{info, tree};
use crate::store::{Codec, StoreError, open_array};

const SHAPES: [(&[u64], &[u64]); 9] = [
    (&[], &[]),
    (&[7], &[3]),
    (&[5, 4], &[5, 3]),
    (&[5, 4, 3], &[2, 4, 2]),
    (&[5, 4, 3, 6], &[5, 2, 3, 4]),
    (&[2, 3, 2, 3, 2], &[2, 2, 1, 2, 1]),
    (&[2, 1, 2, 1, 2, 1, 2, 3], &[1, 1, 2, 1, 1, 1, 2, 2]),
    (&[3, 0, 2], &[2, 1, 2]),
    (&[1, 1, 1, 1], &[1, 1, 1, 1]),
];

/// Numbers of which no two neighbours are equal; of `bool`, 0 and 1.
fn numbers(shape: &[u64], dtype: DType) -> Vec<u8> {
    let len = Region::whole(shape).len() as usize * dtype.size();
    let mask = if dtype == DType::Bool { 1 } else { 0xFF };
    (0..len).map(|i| ((i * 37 + i / 7) % 251) as u8 & mask).collect()
}

fn options(chunk: &[u64], codec: Codec) -> ZarrOptions {
    let chunks = Some(chunk.to_vec());
    ZarrOptions { codec, chunks, ..ZarrOptions::default() }
}

/// Boxes of `blocks` whole blocks along every axis, the last first.
fn boxes(sink: &dyn Sink, blocks: u64) -> Vec<Region> {
    let step: Vec<u64> = sink.block_shape().iter().map(|n| n * blocks).collect();
    let grid = BlockGrid::new(sink.shape(), &step);
    let clipped = |position: Vec<u64>| {
        let start: Vec<u64> = position.iter().zip(&step).map(|(p, n)| p * n).collect();
        let ends = sink.shape().iter().zip(&start).zip(&step);
        let lengths = ends.map(|((&n, &s), &step)| step.min(n - s)).collect();
        Region::new(start, lengths)
    };
    let mut boxes: Vec<_> = grid.touching(&Region::whole(sink.shape())).map(clipped).collect();
    boxes.reverse();
    boxes
}

fn put(sink: &dyn Sink, region: &Region, all: &[u8]) {
    let item_bytes = sink.dtype().size();
    let mut part = vec![0; region.len() as usize * item_bytes];
    copy_overlap(all, &Region::whole(sink.shape()), &mut part, region, item_bytes);
    sink.put(region, &part).unwrap();
}

fn write(path: &Path, shape: &[u64], dtype: DType, options: &ZarrOptions, blocks: u64) {
    let sink = ZarrSink::create(path, shape, dtype, None, options).unwrap();
    let all = numbers(shape, dtype);
    for region in boxes(&sink, blocks) {
        put(&sink, &region, &all);
    }
    Box::new(sink).commit().unwrap();
}

fn read(source: &Arc<dyn Source>) -> Vec<u8> {
    let whole = Region::whole(source.shape());
    let mut bytes = vec![0xAA; whole.len() as usize * source.dtype().size()];
    source.read(&whole, &mut bytes).unwrap();
    bytes
}

fn refused(sink: &ZarrSink, start: &[u64], shape: &[u64], bytes: usize) -> String {
    let region = Region::new(start.to_vec(), shape.to_vec());
    sink.put(&region, &vec![0; bytes]).unwrap_err().to_string()
}

#[test]
fn arrays_of_every_type_codec_and_number_of_axes_come_back() {
    let folder = tempfile::tempdir().unwrap();
    for (at, dtype) in DType::ALL.into_iter().enumerate() {
        for (shape, chunk) in SHAPES {
            let codec = Codec::ALL[at % Codec::ALL.len()];
            let path = folder.path().join(format!("{dtype}-{}.zarr", shape.len() + at * 9));
            let mut options = options(chunk, codec);
            options.force = true;
            write(&path, shape, dtype, &options, 1);
            let source = open_array(&path).unwrap();
            assert_eq!((source.shape(), source.dtype()), (shape, dtype));
            assert_eq!(source.block_shape(), chunk);
            assert_eq!(read(&source), numbers(shape, dtype), "{dtype} {shape:?} {codec}");
        }
    }
}

#[test]
fn an_array_that_was_written_is_a_source_that_keeps_its_promises() {
    let folder = tempfile::tempdir().unwrap();
    for (at, (shape, chunk)) in SHAPES.into_iter().enumerate() {
        for dtype in [DType::Bool, DType::I16, DType::F64] {
            let path = folder.path().join(format!("{at}-{dtype}.zarr"));
            write(&path, shape, dtype, &options(chunk, Codec::BloscLz4), 1);
            let source = open_array(&path).unwrap();
            let expected = numbers(shape, dtype);
            source_conformance::check(source.as_ref(), Some(&expected)).unwrap();
        }
    }
}

#[test]
fn order_threads_and_size_of_boxes_leave_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let (shape, options) = ([5, 9, 4, 7], options(&[2, 3, 4, 2], Codec::BloscZstd));
    let one = folder.path().join("one.zarr");
    write(&one, &shape, DType::F32, &options, 1);
    let two = folder.path().join("two.zarr");
    write(&two, &shape, DType::F32, &options, 2);
    let three = folder.path().join("three.zarr");
    let sink = ZarrSink::create(&three, &shape, DType::F32, None, &options).unwrap();
    let (all, boxes) = (numbers(&shape, DType::F32), boxes(&sink, 1));
    thread::scope(|scope| {
        for part in boxes.chunks(boxes.len().div_ceil(4)) {
            let (sink, all) = (&sink, &all);
            scope.spawn(move || part.iter().for_each(|region| put(sink, region, all)));
        }
    });
    Box::new(sink).commit().unwrap();
    assert_eq!(tree(&one), tree(&two));
    assert_eq!(tree(&one), tree(&three));
}

#[test]
fn boxes_that_are_no_whole_blocks_of_the_array_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.zarr");
    let options = options(&[2, 3], Codec::Raw);
    let sink = ZarrSink::create(path, &[5, 4], DType::I16, None, &options).unwrap();
    assert!(refused(&sink, &[0, 0], &[2, 2], 8).contains("whole blocks"));
    assert!(refused(&sink, &[1, 0], &[1, 4], 8).contains("whole blocks"));
    assert!(refused(&sink, &[4, 3], &[1, 2], 4).contains("shape (5, 4)"));
    assert!(refused(&sink, &[0], &[2], 4).contains("shape (5, 4)"));
    assert!(refused(&sink, &[0, 0], &[2, 3], 11).contains("expected 12"));
    assert!(sink.put(&Region::new(vec![4, 3], vec![1, 1]), &[1, 2]).is_ok());
    assert!(sink.put(&Region::new(vec![1, 1], vec![0, 1]), &[]).is_ok());
    assert!(refused(&sink, &[4, 3], &[1, 1], 2).contains("c.1.2"), "put twice");
}

#[test]
fn an_array_without_all_its_chunks_is_not_committed_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.zarr");
    let create = || {
        let options = options(&[2], Codec::Raw);
        ZarrSink::create(&path, &[5], DType::U8, None, &options).unwrap()
    };
    let sink = create();
    put(&sink, &Region::new(vec![0], vec![4]), &[1; 5]);
    let error = Box::new(sink).commit().unwrap_err().to_string();
    assert!(error.contains("2 of 3"), "{error}");
    drop(create());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_is_there_is_replaced_only_when_asked_and_only_an_array() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.zarr");
    let mut options = options(&[2], Codec::Raw);
    write(&path, &[5], DType::U8, &options, 1);
    let old = open_array(&path).unwrap();
    let create = |options: &ZarrOptions| ZarrSink::create(&path, &[6], DType::I16, None, options);
    assert!(matches!(create(&options), Err(StoreError::Occupied { .. })));
    options.force = true;
    drop(create(&options).unwrap());
    assert_eq!(read(&old), numbers(&[5], DType::U8));
    write(&path, &[6], DType::I16, &options, 1);
    assert_eq!(read(&open_array(&path).unwrap()), numbers(&[6], DType::I16));
    let mut whole = [0; 5];
    let error = old.read(&Region::whole(&[5]), &mut whole).unwrap_err().to_string();
    assert!(error.contains("replaced while"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    fs::remove_file(path.join("zarr.json")).unwrap();
    assert!(matches!(create(&options), Err(StoreError::Occupied { .. })));
    fs::write(path.join("zarr.json"), r#"{"zarr_format": 3, "node_type": "group"}"#).unwrap();
    assert!(matches!(create(&options), Err(StoreError::Occupied { .. })));
}

#[test]
fn a_name_that_is_taken_meanwhile_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.zarr");
    let options = options(&[2], Codec::Raw);
    let sink = ZarrSink::create(&path, &[2], DType::U8, None, &options).unwrap();
    put(&sink, &Region::whole(&[2]), &[1, 2]);
    fs::create_dir(&path).unwrap();
    fs::write(path.join("mine"), "mine").unwrap();
    assert!(Box::new(sink).commit().is_err());
    assert_eq!(tree(&path).len(), 1);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_run_lends_its_affine_and_tr_to_an_array_on_its_grid() {
    let folder = tempfile::tempdir().unwrap();
    let info = info("a.nii");
    let create = |name: &str, shape: &[u64]| {
        let path = folder.path().join(name);
        let options = ZarrOptions::default();
        let sink = ZarrSink::create(&path, shape, DType::F32, Some(&info), &options)?;
        put(&sink, &Region::whole(shape), &numbers(shape, DType::F32));
        Box::new(sink).commit().unwrap();
        let text = fs::read(path.join("zarr.json")).unwrap();
        Ok::<serde_json::Value, StoreError>(serde_json::from_slice(&text).unwrap())
    };
    let json = create("4.zarr", &[2, 3, 4, 9]).unwrap();
    let ours = &json["attributes"]["voxstore"];
    assert_eq!(ours["affine"][0], serde_json::json!([-3.0, 0.0, 0.0, 90.0]));
    assert_eq!(ours["tr_s"], 2.1);
    assert_eq!(json["dimension_names"], serde_json::json!(["t", "z", "y", "x"]));
    let json = create("3.zarr", &[2, 3, 4]).unwrap();
    assert_eq!(json["attributes"]["voxstore"].get("tr_s"), None);
    assert_eq!(json["dimension_names"], serde_json::json!(["z", "y", "x"]));
    assert!(matches!(create("x.zarr", &[2, 3]), Err(StoreError::Unsupported { .. })));
    assert!(matches!(create("x.zarr", &[3, 2, 4]), Err(StoreError::Unsupported { .. })));
}

#[test]
fn options_that_do_not_fit_the_array_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |shape: &[u64], options: ZarrOptions| {
        let path = folder.path().join("x.zarr");
        let sink = ZarrSink::create(path, shape, DType::F64, None, &options);
        matches!(sink, Err(StoreError::Unsupported { .. }))
    };
    assert!(refused(&[4, 4], options(&[4], Codec::Raw)));
    assert!(refused(&[4, 4], options(&[4, 0], Codec::Raw)));
    assert!(refused(&[1 << 40], options(&[1 << 40], Codec::Raw)));
    assert!(refused(&[u64::MAX, 2], ZarrOptions::default()));
    let names = Some(vec!["x".to_owned()]);
    assert!(refused(&[4, 4], ZarrOptions { dimension_names: names, ..Default::default() }));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let nowhere = folder.path().join("absent/x.zarr");
    let sink = ZarrSink::create(nowhere, &[4], DType::U8, None, &ZarrOptions::default());
    assert!(matches!(sink, Err(StoreError::Io { .. })));
}

#[test]
fn an_array_of_very_many_chunks_is_begun_in_no_memory() {
    let path = tempfile::tempdir().unwrap().path().with_extension("zarr");
    let options = options(&[1, 1], Codec::Raw);
    assert!(ZarrSink::create(path, &[1 << 40, 1 << 20], DType::U8, None, &options).is_ok());
}
