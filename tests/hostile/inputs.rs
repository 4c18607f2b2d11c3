//! What the fuzz targets in `fuzz/` do with their input, so that `cargo test` can do it, too. Each panics
//! where an answer is wrong.

use std::fs;
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;
use std::io::Read as _;
use tempfile::TempDir;
use voxstore::store::{Codec, ZarrOptions, ZarrSink, open_array};
use voxstore::{DType, Region, Run, Sink as _, nifti, store};

use crate::claim::Claim;
use crate::common::{folder, session, store_in, voxels};
use crate::image::{big_endian_scaled, plain};

/// Whatever a file claims, a target inflates no more than this for its own comparison.
const MOST_INFLATED: u64 = 64 << 20;

/// Holds a run that opened against what its header claims of the file's bytes.
pub(crate) fn check_facts(what: &str, run: &Run, bytes: &[u8]) -> Claim {
    let claim = Claim::of(bytes).unwrap_or_else(|| panic!("{what}: no header, and it opened"));
    let info = run.info();
    assert_eq!(run.shape(), claim.shape, "{what}");
    assert_eq!(run.source().dtype().name(), claim.dtype, "{what}");
    assert_eq!(info.header[..], bytes[..claim.offset], "{what}");
    let scaling = (info.scaling.slope.to_bits(), info.scaling.inter.to_bits());
    assert_eq!(scaling, (claim.slope.to_bits(), claim.inter.to_bits()), "{what}");
    if let Some(rows) = claim.sform {
        assert_eq!(info.geometry.affine[..3], rows, "{what}");
    }
    assert!(info.geometry.affine.iter().flatten().all(|v| v.is_finite()), "{what}");
    assert!(info.geometry.zooms_mm.iter().all(|&v| v.is_finite() && v > 0.0), "{what}");
    assert!(info.timing.tr_seconds.is_none_or(|tr| tr.is_finite() && tr > 0.0), "{what}");
    claim
}

/// A whole `.nii` file.
pub(crate) fn header(place: &Place, input: &[u8]) {
    let path = place.file("x.nii");
    fs::write(&path, input).unwrap();
    // Gzip, whatever the name: the target `gzip`.
    let Ok(run) = nifti::open(&path) else { return };
    if !input.starts_with(&[0x1f, 0x8b]) {
        let claim = check_facts("header", &run, input);
        assert_eq!(voxels(&run), claim.voxels(input));
    }
}

/// The bytes between a header and its voxels: they move no voxel.
pub(crate) fn extensions(place: &Place, input: &[u8]) {
    let big_endian = input.first().is_some_and(|byte| byte & 1 == 1);
    let mut bytes = if big_endian { big_endian_scaled() } else { plain() }.bytes();
    let offset = 352.0 + input.len() as f32;
    let offset = if big_endian { offset.to_be_bytes() } else { offset.to_le_bytes() };
    bytes[108..112].copy_from_slice(&offset);
    bytes[348] = 1;
    bytes.splice(352..352, input.iter().copied());
    let path = place.file("x.nii");
    fs::write(&path, &bytes).unwrap();
    let run = nifti::open(&path).unwrap();
    let claim = check_facts("extensions", &run, &bytes);
    assert_eq!(run.info().header[..], bytes[..352 + input.len()]);
    assert_eq!(voxels(&run), claim.voxels(&bytes));
}

/// A whole `.nii.gz` file.
pub(crate) fn gzip(place: &Place, input: &[u8]) {
    let path = place.file("x.nii.gz");
    fs::write(&path, input).unwrap();
    let Ok(run) = nifti::open(&path) else { return };
    let bytes = Region::whole(run.shape()).len() * run.source().dtype().size() as u64;
    if bytes > MOST_INFLATED || !run.info().origin.gzip {
        return;
    }
    if let Some(found) = voxels(&run) {
        let mut inflated = Vec::new();
        // Junk after the last member is an error here, after all that counts.
        let _ = MultiGzDecoder::new(input).take(MOST_INFLATED).read_to_end(&mut inflated);
        let claim = check_facts("gzip", &run, &inflated);
        assert_eq!(Some(found), claim.voxels(&inflated));
    }
}

/// Which file of a store, and what is in it: `zarr.json` of the root, the run, its voxels, or of an array
/// that is no run.
pub(crate) fn metadata(place: &Place, input: &[u8]) {
    let Some((which, text)) = input.split_first() else { return };
    let run = "s.zarr/runs/x.ome.zarr";
    let file = match which % 4 {
        0 => "s.zarr/zarr.json".to_owned(),
        1 => format!("{run}/zarr.json"),
        2 => format!("{run}/0/zarr.json"),
        _ => format!("{}/zarr.json", array_name(Codec::Raw)),
    };
    let file = place.file(&file);
    let good = fs::read(&file).unwrap();
    fs::write(&file, text).unwrap();
    let opened = store::open(place.file("s.zarr"));
    if let Ok(store) = &opened {
        let _ = store.index_is_stale();
        assert_eq!(store.runs(), ["runs/x.ome.zarr"]);
        if let Ok(run) = store.run("x") {
            let found = voxels(&run);
            assert!(found.is_none_or(|found| found == place.voxels), "wrong voxels");
            store.facts("x").unwrap();
            let _ = store.verify("x", which & 4 != 0, &session());
        }
    }
    if let Ok(array) = open_array(place.file(&array_name(Codec::Raw))) {
        let start = vec![0; array.shape().len()];
        let region = Region::new(start, array.block_shape().to_vec());
        let bytes = region.len() * array.dtype().size() as u64;
        if bytes <= MOST_INFLATED {
            let _ = array.read(&region, &mut vec![0; bytes as usize]);
        }
    }
    fs::write(&file, good).unwrap();
}

/// A codec, and the bytes of a chunk without their checksum, which is put behind them: what comes through
/// has met the decoder.
pub(crate) fn chunk(place: &Place, input: &[u8]) {
    let Some((which, bytes)) = input.split_first() else { return };
    let codec = Codec::ALL[usize::from(which % 4)];
    let array = place.file(&array_name(codec));
    let mut file = bytes.to_vec();
    file.extend(crc32c::crc32c(bytes).to_le_bytes());
    fs::write(array.join("c.0.0"), file).unwrap();
    let array = open_array(array).unwrap();
    let mut numbers = vec![0; ARRAY_BYTES];
    let read = array.read(&Region::whole(array.shape()), &mut numbers);
    assert!(codec != Codec::Raw || read.is_ok() == (bytes.len() == ARRAY_BYTES));
    assert!(codec != Codec::Raw || read.is_err() || numbers == bytes);
}

pub(crate) type Target = fn(&Place, &[u8]);

/// The targets by their names; `arguments` is not here, because the arguments are the program's.
pub(crate) const TARGETS: [(&str, Target); 5] = [
    ("header", header),
    ("extensions", extensions),
    ("gzip", gzip),
    ("metadata", metadata),
    ("chunk", chunk),
];

/// Length of an array of one chunk.
pub(crate) const ARRAY_BYTES: usize = 24 * 10 * 2;

fn array_name(codec: Codec) -> String {
    format!("{codec}.zarr")
}

/// Where inputs become files: a store, and an array for each codec.
pub(crate) struct Place {
    folder: TempDir,
    voxels: Vec<u8>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = folder();
        store_in(folder.path(), Codec::Raw);
        let bytes = big_endian_scaled().bytes();
        let voxels = Claim::of(&bytes).unwrap().voxels(&bytes).unwrap();
        let numbers: Vec<u8> = (0..ARRAY_BYTES).map(|i| (i / 2 % 7 * 30) as u8).collect();
        for codec in Codec::ALL {
            let options = ZarrOptions { codec, ..ZarrOptions::default() };
            let path = folder.path().join(array_name(codec));
            let sink = ZarrSink::create(path, &[24, 10], DType::I16, None, &options).unwrap();
            sink.put(&Region::whole(&[24, 10]), &numbers).unwrap();
            Box::new(sink).commit().unwrap();
        }
        Self { folder, voxels }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
