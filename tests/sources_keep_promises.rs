//! Every kind of source that the public API hands out, held against the promises of `Source`.
#![expect(clippy::unwrap_used, reason = "a file that cannot be made or opened is a failure")]

use std::fs;
use std::path::Path;

use voxstore::nifti::{self, Io, NiftiOptions, NiftiSink};
use voxstore::store::{self, ChunkLengths, IngestOptions, ZarrOptions, ZarrSink};
use voxstore::{DType, Region, Run, Session, Sink, source_conformance};

const SHAPE: [u64; 4] = [5, 4, 6, 7];

/// The numbers of every array here, in memory order.
fn numbers(dtype: DType) -> Vec<u8> {
    (0..840 * dtype.size()).map(|i| (i * 37 % 251) as u8).collect()
}

fn write_nifti(path: &Path, dtype: DType) {
    let options = NiftiOptions { overwrite: true, ..NiftiOptions::default() };
    let sink = NiftiSink::create(path, &SHAPE, dtype, None, &options).unwrap();
    sink.put(&Region::whole(&SHAPE), &numbers(dtype)).unwrap();
    Box::new(sink).commit().unwrap();
}

fn check(run: &Run, dtype: DType) {
    source_conformance::check(run.source().as_ref(), Some(&numbers(dtype))).unwrap();
}

#[test]
fn mapped_read_and_inflated_files_keep_a_sources_promises() {
    let folder = tempfile::tempdir().unwrap();
    for dtype in [DType::U8, DType::I16, DType::F64] {
        for name in ["x.nii", "x.nii.gz"] {
            let path = folder.path().join(name);
            write_nifti(&path, dtype);
            for io in [Io::Map, Io::Read] {
                let run = nifti::open_with(&path, io).unwrap();
                check(&run, dtype);
            }
        }
    }
}

#[test]
fn pairs_keep_a_sources_promises() {
    let folder = tempfile::tempdir().unwrap();
    for dtype in [DType::U8, DType::I16, DType::F64] {
        let single = folder.path().join("x.nii");
        write_nifti(&single, dtype);
        let mut header = fs::read(&single).unwrap();
        let voxels = header.split_off(352);
        header[344..348].copy_from_slice(b"ni1\0");
        header[108..112].copy_from_slice(&20_f32.to_le_bytes());
        fs::write(folder.path().join("x.hdr"), header).unwrap();
        fs::write(folder.path().join("x.img"), [&[9; 20][..], &voxels].concat()).unwrap();
        for io in [Io::Map, Io::Read] {
            let pair = nifti::open_with(folder.path().join("x.hdr"), io).unwrap();
            check(&pair, dtype);
            // As both files of a compressed pair.
            let place = folder.path().join("y.hdr.gz");
            nifti::export(&pair, &place, true, &Session::default()).unwrap();
            check(&nifti::open_with(&place, io).unwrap(), dtype);
        }
    }
}

#[test]
fn stored_runs_and_arrays_keep_a_sources_promises() {
    let folder = tempfile::tempdir().unwrap();
    for dtype in [DType::U8, DType::I16, DType::F64] {
        let file = folder.path().join("x.nii");
        write_nifti(&file, dtype);
        let place = folder.path().join(format!("{dtype}-store.zarr"));
        let chunk = Some(ChunkLengths { t: 3, z: 4 });
        let options = IngestOptions { chunk, ..IngestOptions::default() };
        let runs = [nifti::open(&file).unwrap()];
        store::ingest(&runs, &place, &options, &Session::default()).unwrap();
        check(&store::open(&place).unwrap().run("x").unwrap(), dtype);

        let place = folder.path().join(format!("{dtype}.zarr"));
        let chunks = Some(vec![2, 3, 4, 3]);
        let options = ZarrOptions { chunks, ..ZarrOptions::default() };
        let sink = ZarrSink::create(&place, &SHAPE, dtype, None, &options).unwrap();
        sink.put(&Region::whole(&SHAPE), &numbers(dtype)).unwrap();
        Box::new(sink).commit().unwrap();
        let array = store::open_array(&place).unwrap();
        source_conformance::check(array.as_ref(), Some(&numbers(dtype))).unwrap();
    }
}
