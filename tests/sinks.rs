//! Arrays of every type through the sinks, as another tool will find them. What is written here is left
//! in `VOXSTORE_SINKS` (default: `sinks` in Cargo's folder for test files), with the numbers raw beside
//! it, for `tests/interop/check_sinks.py`.
#![expect(clippy::unwrap_used, reason = "a file that cannot be written is a failure")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use voxstore::nifti::{self, NiftiOptions, NiftiSink};
use voxstore::store::{Codec, ZarrOptions, ZarrSink, open_array};
use voxstore::{DType, Region, Run, Sink};

const SHAPES: [&[u64]; 7] = [
    &[9],
    &[5, 4],
    &[5, 4, 3],
    &[5, 4, 3, 6],
    &[2, 3, 2, 1, 2],
    &[2, 3, 1, 2, 1, 2],
    &[2, 1, 3, 1, 2, 1, 2],
];

/// A run whose grid is lent.
const LIKE: &str = "fixtures/nibabel/functional.nii";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where arrays are left, empty at the start.
fn folder() -> PathBuf {
    let default = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sinks");
    let folder = std::env::var_os("VOXSTORE_SINKS").map_or(default, PathBuf::from);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Numbers in memory order: small ones, and where the type has them negative and fractional ones.
fn numbers(shape: &[u64], dtype: DType) -> Vec<u8> {
    let count = shape.iter().product::<u64>();
    let value = |i: u64| i as i64 * 7 % 101 - 20;
    let bytes = |i: u64| match dtype {
        DType::Bool => vec![u8::from(value(i) % 2 == 0)],
        DType::F32 => (value(i) as f32 / 3.0).to_le_bytes().to_vec(),
        DType::F64 => (value(i) as f64 / 3.0).to_le_bytes().to_vec(),
        integer => value(i).to_le_bytes()[..integer.size()].to_vec(),
    };
    (0..count).flat_map(bytes).collect()
}

/// Puts the array as halves of its last axis where its blocks allow it, and commits it.
fn fill(sink: impl Sink + 'static, numbers: &[u8]) {
    let whole = Region::whole(sink.shape());
    let axis = whole.ndim() - 1;
    let (len, block) = (whole.shape()[axis], sink.block_shape()[axis]);
    let half = (len / 2).div_ceil(block) * block;
    let (first, second) = numbers.split_at(numbers.len() / len as usize * half.min(len) as usize);
    sink.put(&whole.with_axis(axis, 0, half.min(len)), first).unwrap();
    sink.put(&whole.with_axis(axis, half.min(len), len - half.min(len)), second).unwrap();
    Box::new(sink).commit().unwrap();
}

/// Writes an array both ways and says what is where.
fn write(folder: &Path, name: &str, shape: &[u64], dtype: DType, like: Option<&Run>) -> [Value; 3] {
    let numbers = numbers(shape, dtype);
    fs::write(folder.join(format!("{name}.raw")), &numbers).unwrap();
    let info = like.map(Run::info);

    let codec = Codec::ALL[shape.len() % Codec::ALL.len()];
    let options = ZarrOptions { codec, ..ZarrOptions::default() };
    let zarr = format!("{name}.zarr");
    let sink = ZarrSink::create(folder.join(&zarr), shape, dtype, info, &options).unwrap();
    fill(sink, &numbers);
    let source = open_array(folder.join(&zarr)).unwrap();
    let mut found = vec![0; numbers.len()];
    source.read(&Region::whole(shape), &mut found).unwrap();
    assert_eq!(found, numbers, "{zarr}");

    let niftis = ["nii", "nii.gz"].map(|ending| format!("{name}.{ending}"));
    for file in &niftis {
        let options = NiftiOptions::default();
        let sink = NiftiSink::create(folder.join(file), shape, dtype, info, &options).unwrap();
        fill(sink, &numbers);
    }
    let [plain, gzip] = niftis;
    [zarr, plain, gzip].map(|path| {
        json!({
            "path": path, "raw": format!("{name}.raw"), "shape": shape, "dtype": dtype.name(),
            "like": like.map(|_| root().join(LIKE)),
        })
    })
}

#[test]
fn arrays_of_every_type_and_number_of_axes_are_written_for_the_interop_checks() {
    let folder = folder();
    let mut arrays = Vec::new();
    for dtype in DType::ALL {
        for shape in SHAPES {
            let name = format!("{dtype}-{}d", shape.len());
            arrays.extend(write(&folder, &name, shape, dtype, None));
        }
    }
    let like = nifti::open(root().join(LIKE)).unwrap();
    for (name, axes) in [("like-3d", 3), ("like-4d", 4)] {
        let shape = &like.shape()[..axes];
        arrays.extend(write(&folder, name, shape, DType::F32, Some(&like)));
    }
    let text = serde_json::to_string_pretty(&arrays).unwrap();
    fs::write(folder.join("sinks.json"), text).unwrap();
}
