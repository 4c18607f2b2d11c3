//! What is each kernel given to do?
//!
//! One list: `kernels` takes the time of each, `instructions` counts what each executes. Kernels are
//! private, so each is reached through the public function that does little else, by one worker, over
//! made voxels in memory and files in memory.

use std::fmt;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use ndarray::{Array1, Array3, Array4};
use voxstore::jobs::{TsnrOptions, tsnr};
use voxstore::nifti::{self, Io, NiftiOptions};
use voxstore::store::{self, Codec, IngestOptions, ZarrOptions, ZarrSink};
use voxstore::{
    DType, Element, LazyArray, ReduceOptions, Region, Session, Sink as _, StreamOptions,
    from_ndarray,
};

use crate::made;

/// `(x, y, z, t)` of all arrays and runs.
const SHAPE: [u64; 4] = [64, 64, 16, 64];
pub(crate) const VOXELS: u64 = SHAPE[0] * SHAPE[1] * SHAPE[2] * SHAPE[3];

fn bold<T: Element>() -> Array4<T> {
    made::bold(SHAPE, 114)
}

/// Something to do, any number of times.
pub(crate) type Job = Box<dyn FnMut()>;

/// A job by its name.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    pub(crate) name: &'static str,
    item_bytes: u64,
    /// Makes it ready, with the folder that [`make_files`] filled.
    prepare: fn(&Path) -> Job,
}

/// All of them.
pub(crate) const ALL: [Work; 25] = [
    Work::of::<u8>("moments-uint8", |_| reduce::<u8>(|x| vec![x.std(-1)])),
    Work::of::<i16>("moments-int16", |_| reduce::<i16>(|x| vec![x.std(-1)])),
    Work::of::<u16>("moments-uint16", |_| reduce::<u16>(|x| vec![x.std(-1)])),
    Work::of::<i32>("moments-int32", |_| reduce::<i32>(|x| vec![x.std(-1)])),
    Work::of::<f32>("moments-float32", |_| reduce::<f32>(|x| vec![x.std(-1)])),
    Work::of::<f64>("moments-float64", |_| reduce::<f64>(|x| vec![x.std(-1)])),
    Work::of::<i16>("moments-of-volumes-int16", |_| reduce::<i16>(|x| vec![x.std([0, 1, 2])])),
    Work::of::<i16>("masked-volumes-int16", |_| {
        reduce::<i16>(|x| vec![x.std_with(-1, ReduceOptions::new().mask(&some_volumes()))])
    }),
    Work::of::<i16>("masked-voxels-int16", |_| {
        reduce::<i16>(|x| vec![x.std_with([0, 1, 2], ReduceOptions::new().mask(&some_voxels()))])
    }),
    Work::of::<i16>("min-max-int16", |_| reduce::<i16>(|x| vec![x.min(-1), x.max(-1)])),
    Work::of::<f32>("min-max-float32", |_| reduce::<f32>(|x| vec![x.min(-1), x.max(-1)])),
    Work::of::<i16>("argmax-int16", |_| reduce::<i16>(|x| vec![x.argmax(-1).to_f64()])),
    Work::of::<i16>("median-int16", |_| reduce::<i16>(|x| vec![x.median(-1)])),
    Work::of::<f32>("median-float32", |_| reduce::<f32>(|x| vec![x.median(-1)])),
    Work::of::<f32>("zscore-float32", |_| zscore()),
    Work::of::<i16>("inflate", |folder| stream(&folder.join("run.nii.gz"), false)),
    Work::of::<i16>("sha256", |folder| stream(&folder.join("run.nii"), true)),
    Work::of::<i16>("digest", digest),
    Work::of::<i16>("encode-blosc-zstd", |folder| encode(folder, Codec::BloscZstd)),
    Work::of::<i16>("encode-blosc-lz4", |folder| encode(folder, Codec::BloscLz4)),
    Work::of::<i16>("encode-zstd", |folder| encode(folder, Codec::Zstd)),
    Work::of::<i16>("decode-blosc-zstd", |folder| decode(folder, Codec::BloscZstd)),
    Work::of::<i16>("decode-blosc-lz4", |folder| decode(folder, Codec::BloscLz4)),
    Work::of::<i16>("decode-zstd", |folder| decode(folder, Codec::Zstd)),
    Work::of::<i16>("tsnr", whole_tsnr),
];

impl Work {
    const fn of<T>(name: &'static str, prepare: fn(&Path) -> Job) -> Self {
        Self { name, item_bytes: size_of::<T>() as u64, prepare }
    }

    /// Bytes of the voxels that it goes over.
    pub(crate) const fn voxel_bytes(&self) -> u64 {
        VOXELS * self.item_bytes
    }

    pub(crate) fn prepare(&self, folder: &Path) -> Job {
        (self.prepare)(folder)
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// Fills a folder with what works read: one run as `.nii`, as `.nii.gz` and in a store that does not
/// compress it, and its voxels as arrays in all codecs.
pub(crate) fn make_files(folder: &Path) {
    let session = Session::default();
    let voxels = from_ndarray(bold::<i16>());
    for name in ["run.nii", "run.nii.gz"] {
        session
            .write_nifti(&voxels, folder.join(name), None, &NiftiOptions::default())
            .expect("a run can be written");
    }
    let run = nifti::open(folder.join("run.nii")).expect("it is a run");
    let raw = IngestOptions { codec: Some(Codec::Raw), ..IngestOptions::default() };
    store::ingest(&[run], folder.join("study.zarr"), &raw, &session).expect("it can be stored");
    for codec in Codec::ALL {
        let options = ZarrOptions { codec, ..ZarrOptions::default() };
        session
            .write_zarr(&voxels, array_of(folder, codec), None, &options)
            .expect("an array can be written");
    }
}

fn array_of(folder: &Path, codec: Codec) -> PathBuf {
    folder.join(codec.name()).with_extension("zarr")
}

fn one_worker() -> Session {
    Session::builder().memory("512MiB").threads(1).build().expect("a session of one worker")
}

fn reduce<T: Element>(reductions: fn(&LazyArray) -> Vec<LazyArray>) -> Job {
    let (session, asked) = (one_worker(), reductions(&from_ndarray(bold::<T>())));
    Box::new(move || {
        let asked: Vec<&LazyArray> = asked.iter().collect();
        black_box(session.compute_all::<f64>(&asked).expect("numbers in memory"));
    })
}

/// Nine volumes of ten, as after censoring.
fn some_volumes() -> LazyArray {
    let [.., volumes] = SHAPE.map(|n| n as usize);
    from_ndarray(Array1::from_shape_fn(volumes, |t| t % 10 != 0))
}

/// Those of the head, `(x, y, z, 1)`.
fn some_voxels() -> LazyArray {
    let [x, y, z, _] = SHAPE;
    from_ndarray(made::bold::<i16>([x, y, z, 1], 114).mapv(|value| value > 300))
}

/// Elementwise only: mean and deviation are there already.
fn zscore() -> Job {
    let (session, x) = (one_worker(), from_ndarray(bold::<f32>()));
    let [nx, ny, nz, _] = SHAPE.map(|n| n as usize);
    let map = |value: f32| from_ndarray(Array3::from_elem((nx, ny, nz), value)).expand_dims(-1);
    let z = (x - map(900.0)) / map(15.0);
    Box::new(move || drop(black_box(session.compute::<f32>(&z).expect("numbers in memory"))))
}

fn buffer() -> Vec<u8> {
    vec![0; 2 * VOXELS as usize]
}

/// A file from its first voxel to its last.
fn stream(file: &Path, sha256: bool) -> Job {
    let run = nifti::open_with(file, Io::Read).expect("make_files made it");
    let mut out = buffer();
    Box::new(move || {
        let mut stream = run.source().stream(StreamOptions { sha256 }).expect("it is there");
        stream.read_next(&mut out).expect("it is whole");
        black_box(stream.finish().expect("its checksums hold"));
    })
}

/// All that is to be checked of chunks which are not compressed: crc32c, and XXH3 of the voxels.
fn digest(folder: &Path) -> Job {
    let (session, store) = (one_worker(), store::open(folder.join("study.zarr")));
    let store = store.expect("make_files made it");
    Box::new(move || {
        let found = store.verify(&store.runs()[0], true, &session).expect("it can be read");
        assert!(found.damage.is_empty(), "{:?}", found.damage);
    })
}

/// Chunks are encoded and written; nothing is synced, and nothing is left.
fn encode(folder: &Path, codec: Codec) -> Job {
    let place = folder.join("encoded.zarr");
    let voxels = bold::<i16>();
    let options = ZarrOptions { codec, ..ZarrOptions::default() };
    Box::new(move || {
        let sink = ZarrSink::create(&place, &SHAPE, DType::I16, None, &options);
        let bytes = bytemuck::cast_slice(voxels.as_slice_memory_order().expect("it has no gaps"));
        let put = sink.expect("the place is free").put(&Region::whole(&SHAPE), bytes);
        put.expect("a chunk can be written");
    })
}

fn decode(folder: &Path, codec: Codec) -> Job {
    let array = store::open_array(array_of(folder, codec)).expect("make_files made it");
    let mut out = buffer();
    Box::new(move || array.read(&Region::whole(&SHAPE), &mut out).expect("it is whole"))
}

fn whole_tsnr(folder: &Path) -> Job {
    let run = [nifti::open(folder.join("run.nii.gz")).expect("make_files made it")];
    let session = one_worker();
    Box::new(move || {
        drop(black_box(tsnr(&run, TsnrOptions::default(), &session).expect("it is whole")));
    })
}
