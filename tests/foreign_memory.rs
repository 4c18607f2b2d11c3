//! What reading an array of another tool takes is what its source says beforehand.
//!
//! A test of its own: nothing else may allocate meanwhile.
#![expect(clippy::unwrap_used, reason = "a file that cannot be written is a failure")]

#[path = "oracle/allocator.rs"]
mod allocator;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use allocator::measured;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::{Value, json};
use voxstore::Region;
use voxstore::foreign;

/// z, y, x of a chunk.
const CHUNK: [usize; 3] = [64, 64, 128];

fn numbers() -> Vec<u8> {
    let mut state = 9_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..2 * CHUNK.iter().product::<usize>()).map(next).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Writes an array of 2 x 2 x 2 chunks, all the same.
fn write(folder: &Path, order: &Value, codec: &Value, file: &[u8]) {
    fs::create_dir_all(folder).unwrap();
    let bytes = json!({"name": "bytes", "configuration": {"endian": "big"}});
    let transpose = json!({"name": "transpose", "configuration": {"order": order}});
    let codecs = match codec {
        Value::Null => json!([transpose, bytes]),
        codec => json!([transpose, bytes, codec]),
    };
    let metadata = json!({
        "zarr_format": 3, "node_type": "array", "data_type": "int16", "fill_value": 0,
        "shape": CHUNK.map(|n| 2 * n),
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": CHUNK}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
        "codecs": codecs,
    });
    fs::write(folder.join("zarr.json"), metadata.to_string()).unwrap();
    for at in 0..8 {
        let key = format!("c.{}.{}.{}", at >> 2 & 1, at >> 1 & 1, at & 1);
        fs::write(folder.join(key), file).unwrap();
    }
}

#[test]
fn a_read_takes_no_more_memory_than_the_source_says_and_a_bomb_no_more_than_a_read() {
    reads_of_every_codec();
    bombs();
}

/// What inflates to many times a chunk.
fn bombs() {
    let folder = tempfile::tempdir().unwrap();
    let zeros = vec![0; 50 * CHUNK.iter().product::<usize>()];
    let stream = zstd::stream::encode_all(&zeros[..], 1).unwrap();
    let whole = zstd::bulk::compress(&zeros, 1).unwrap();
    for (name, codec, file) in [
        ("gzip", json!({"name": "gzip", "configuration": {"level": 1}}), gzip(&zeros)),
        ("zlib", json!({"name": "numcodecs.zlib", "configuration": {"level": 1}}), zlib(&zeros)),
        ("zstd", json!({"name": "zstd", "configuration": {"level": 1}}), stream),
        ("zstd", json!({"name": "zstd", "configuration": {"level": 1}}), whole),
    ] {
        let place = folder.path().join(format!("{name}-{}.zarr", file.len()));
        write(&place, &json!([0, 1, 2]), &codec, &file);
        let source = foreign::open_array(&place).unwrap();
        let mut out = vec![0; 2];
        let region = Region::new(vec![0, 0, 0], vec![1, 1, 1]);
        let (read, most) = measured(|| source.read(&region, &mut out));
        assert!(read.is_err(), "{name}");
        assert!(most <= source.scratch_bytes(), "{name}: {most} bytes");
    }
}

fn reads_of_every_codec() {
    let folder = tempfile::tempdir().unwrap();
    let plain = numbers();
    let gzip_codec = json!({"name": "gzip", "configuration": {"level": 1}});
    let zstd_codec = json!({"name": "zstd", "configuration": {"level": 1, "checksum": false}});
    let crc = json!({"name": "crc32c"});
    let summed = [&plain[..], &crc32c::crc32c(&plain).to_le_bytes()].concat();
    for (name, codec, file) in [
        ("none", Value::Null, plain.clone()),
        ("gzip", gzip_codec, gzip(&plain)),
        ("zstd", zstd_codec, zstd::stream::encode_all(&plain[..], 1).unwrap()),
        ("crc32c", crc, summed),
    ] {
        for order in [json!([0, 1, 2]), json!([2, 0, 1])] {
            let place = folder.path().join(format!("{name}{order}.zarr"));
            write(&place, &order, &codec, &file);
            let source = foreign::open_array(&place).unwrap();
            // The whole of one chunk, and what lies across all.
            let [z, y, x] = CHUNK.map(|n| n as u64);
            for region in [
                Region::new(vec![0, 0, 0], vec![x, y, z]),
                Region::new(vec![x - 3, y - 3, z - 3], vec![6, 6, 6]),
                Region::whole(source.shape()),
            ] {
                let mut out = vec![0; region.len() as usize * 2];
                let (read, most) = measured(|| source.read(&region, &mut out));
                read.unwrap();
                let said = source.scratch_bytes();
                assert!(most <= said, "{name} {order}: {most} bytes, {said} were said");
                // And the promise is no wild guess.
                assert!(said < 3 * (plain.len() as u64) + (8 << 20), "{name}: {said}");
            }
        }
    }
}
