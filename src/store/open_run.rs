//! Which stored runs may be read?
//!
//! [`OpenedRun`] checks that every fact told twice is told the same, then hands out the run with its
//! voxels as a [`ChunkedSource`]. Reads metadata, the header and the table of checksums; no voxel.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::checksums::Checksums;
use super::chunk_layout::ChunkLayout;
use super::chunk_reader::ChunkedSource;
use super::chunking::CHUNKS_LIMIT;
use super::layout::{AXES, CHECKSUMS, HEADER, METADATA, VOXELS, chunk_file};
use super::metadata::{ArrayFile, RunAttributes, StoredArray, read_group, read_json};
use super::{StoreError, StoredFacts, digest, own_file};
use crate::files;
use crate::grid::Region;
use crate::run::{Run, RunInfo};
use crate::runtime::Stamp;

/// A run whose metadata has been read and found to agree.
#[derive(Debug)]
pub(super) struct OpenedRun {
    source: ChunkedSource,
    attributes: RunAttributes,
    metadata_file: PathBuf,
    /// Of the group's metadata file, from before anything was read.
    version: Stamp,
}

impl OpenedRun {
    /// Reads and checks the metadata of the run at this group path.
    pub(super) fn open(store: &Path, path: &str) -> Result<Self, StoreError> {
        let opened = Self::open_to_verify(store, path)?;
        opened.attributes.check_digest(&opened.metadata_file)?;
        Ok(opened)
    }

    /// As [`open`](Self::open), but what is told in one place only may be wrong.
    pub(super) fn open_to_verify(store: &Path, path: &str) -> Result<Self, StoreError> {
        let dir = store.join(path);
        own_file::refuse_link(&dir).map_err(StoreError::io("open", &dir))?;
        let metadata_file = dir.join(METADATA);
        let found =
            files::look_at_link(&metadata_file).map_err(StoreError::io("open", &metadata_file))?;
        let version = Stamp::of(&found);
        // Halves of two versions contradict each other, which is no damage.
        let opened = Self::read(store, path, version.clone());
        if is_replaced(&metadata_file, &version) { Err(replaced(path)) } else { opened }
    }

    fn read(store: &Path, path: &str, version: Stamp) -> Result<Self, StoreError> {
        let dir = store.join(path);
        for folder in [VOXELS, CHECKSUMS, HEADER].map(|name| dir.join(name)) {
            own_file::refuse_link(&folder).map_err(StoreError::io("open", &folder))?;
        }
        let metadata_file = dir.join(METADATA);
        let attributes = read_group::<RunAttributes>(&metadata_file)?;
        let array_dir = dir.join(VOXELS);
        let array_file = array_dir.join(METADATA);
        let found =
            files::look_at_link(&array_file).map_err(StoreError::io("open", &array_file))?;
        let array = StoredArray::from_file(&array_file, &read_json::<ArrayFile>(&array_file)?)?;
        let layout = check(&attributes, &array, &array_file)?;
        let table = dir.join(CHECKSUMS).join(chunk_file(&[0; AXES.len()]));
        let digest = &attributes.voxels().chunk_crc32c;
        let checksums = Checksums::read(&table, layout.chunks, digest)?;
        let source = ChunkedSource {
            name: path.to_owned(),
            remedy: "ingest the run again",
            array_dir,
            version: Stamp::of(&found),
            layout,
            dtype: array.dtype,
            stored_bytes: attributes.voxels().stored_bytes,
            checksums: Some(checksums),
            open_bytes: 0,
        };
        Ok(Self { source, attributes, metadata_file, version })
    }

    /// The run.
    pub(super) fn into_run(self) -> Result<Run, StoreError> {
        let info = self.info()?;
        Ok(Run::new(Arc::new(self.into_source(&info)), info))
    }

    /// The run's voxels, for who holds these facts beside them.
    pub(super) fn into_source(self, info: &RunInfo) -> ChunkedSource {
        ChunkedSource { open_bytes: self.open_bytes(info), ..self.source }
    }

    /// What the run holds while it is open, with these facts.
    pub(super) fn open_bytes(&self, info: &RunInfo) -> u64 {
        info.open_bytes() + Checksums::bytes_of(self.source.layout.chunks)
    }

    /// The run's facts, with its header read and compared with its digest.
    pub(super) fn info(&self) -> Result<RunInfo, StoreError> {
        let info = self.header().and_then(|h| self.attributes.to_info(&self.metadata_file, h));
        self.unless_replaced(info)
    }

    /// What was read of the run, unless another has taken its place meanwhile.
    pub(super) fn unless_replaced<T>(&self, read: Result<T, StoreError>) -> Result<T, StoreError> {
        if is_replaced(&self.metadata_file, &self.version) {
            return Err(replaced(&self.source.name));
        }
        read
    }

    fn header(&self) -> Result<Arc<[u8]>, StoreError> {
        let (len, want) = self.attributes.header();
        if len == 0 {
            return Ok(Arc::from([]));
        }
        let file = self.metadata_file.with_file_name(HEADER).join(chunk_file(&[0]));
        Ok(digest::read(&file, len, 0, want)?.into())
    }

    pub(super) fn facts(&self) -> StoredFacts {
        let (source, voxels) = (&self.source, self.attributes.voxels());
        let [tb, zb, y, x] = voxels.chunk_shape;
        StoredFacts {
            chunk_shape: [x, y, zb, tb],
            codec: source.layout.codec.codec(),
            chunks: voxels.n_chunks,
            stored_bytes: voxels.stored_bytes,
            voxel_digest: voxels.digest.clone(),
            ingested: self.attributes.finished().to_owned(),
        }
    }

    pub(super) fn source(&self) -> &ChunkedSource {
        &self.source
    }

    /// The metadata file of the run's group.
    pub(super) fn metadata_file(&self) -> &Path {
        &self.metadata_file
    }

    pub(super) fn attributes(&self) -> &RunAttributes {
        &self.attributes
    }
}

/// True when a run lies there that is not the one that was looked at. One that is gone was not replaced.
fn is_replaced(metadata_file: &Path, version: &Stamp) -> bool {
    files::look_at_link(metadata_file).is_ok_and(|found| Stamp::of(&found) != *version)
}

fn replaced(run: &str) -> StoreError {
    StoreError::Replaced { run: run.to_owned() }
}

/// Refuses a run whose group and array disagree, or whose chunks could not have been written by us.
fn check(run: &RunAttributes, array: &StoredArray, file: &Path) -> Result<ChunkLayout, StoreError> {
    let voxels = run.voxels();
    let same = |field: &str, expected: String, found: String| {
        if expected == found {
            return Ok(());
        }
        Err(StoreError::metadata(file, field, format!("{expected}, as the run's group"), found))
    };
    let codec = array.codec.map_or("none at all", super::Codec::name);
    same("shape", format!("{:?}", voxels.shape), format!("{:?}", array.shape))?;
    same("chunk_shape", format!("{:?}", voxels.chunk_shape), format!("{:?}", array.chunk_shape))?;
    same("data_type", voxels.dtype.clone(), array.dtype.name().to_owned())?;
    same("codecs", voxels.codec.clone(), codec.to_owned())?;
    same("dimension_names", format!("{AXES:?}"), format!("{:?}", array.dimension_names))?;

    let layout = ChunkLayout::of(array, file)?;
    if Region::whole(&layout.shape).is_empty() {
        let found = format!("{:?}", array.shape);
        return Err(StoreError::metadata(file, "shape", "lengths of at least 1", found));
    }
    if layout.chunks > CHUNKS_LIMIT {
        let expected = format!("at most {CHUNKS_LIMIT} chunks");
        return Err(StoreError::metadata(file, "chunk_shape", expected, layout.chunks));
    }
    same("n_chunks", layout.chunks.to_string(), voxels.n_chunks.to_string())?;
    Ok(layout)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use serde_json::{Value, json};

    use crate::dtype::DType;
    use crate::grid::{Region, copy_overlap};
    use crate::run::Run;
    use crate::source::{SourceError, StreamOptions};
    use crate::store::testing::{Memory, session};
    use crate::store::{ChunkLengths, Codec, IngestOptions, StoreError, ingest, open};

    const SHAPE: [u64; 4] = [5, 4, 6, 7];

    /// A store of one run, cut into chunks of 3 volumes and 4 planes.
    struct Fixture {
        folder: tempfile::TempDir,
        data: Vec<u8>,
    }

    impl Fixture {
        fn new(codec: Codec) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let memory = Memory::new("a.nii", SHAPE, DType::I16);
            let data = memory.data.clone();
            let chunk = Some(ChunkLengths { t: 3, z: 4 });
            let options = IngestOptions { codec: Some(codec), chunk, ..IngestOptions::default() };
            let session = session(1, "64MiB");
            ingest(&[memory.run()], folder.path().join("s.zarr"), &options, &session).unwrap();
            Self { folder, data }
        }

        fn file(&self, name: &str) -> PathBuf {
            self.folder.path().join("s.zarr/runs/a.ome.zarr").join(name)
        }

        fn open(&self) -> Result<Run, StoreError> {
            open(self.folder.path().join("s.zarr"))?.run("a")
        }

        fn edit(&self, file: &str, edit: impl FnOnce(&mut Value)) {
            let path = self.file(file);
            let mut json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            edit(&mut json);
            fs::write(path, json.to_string()).unwrap();
        }
    }

    fn read(run: &Run, region: &Region) -> Result<Vec<u8>, SourceError> {
        let mut out = vec![0xAA; region.len() as usize * 2];
        run.source().read(region, &mut out).map(|()| out)
    }

    #[test]
    fn every_region_reads_as_the_same_part_of_the_array() {
        let fixture = Fixture::new(Codec::BloscLz4);
        let run = fixture.open().unwrap();
        assert_eq!(run.source().block_shape(), [5, 4, 4, 3]);
        let whole = Region::whole(&SHAPE);
        for t in 0..7 {
            for len in 0..=7 - t {
                for (z, planes) in [(0, 6), (3, 2), (5, 1)] {
                    let region = Region::new(vec![1, 0, z, t], vec![3, 4, planes, len]);
                    let mut want = vec![0xAA; region.len() as usize * 2];
                    copy_overlap(&fixture.data, &whole, &mut want, &region, 2);
                    assert_eq!(read(&run, &region).unwrap(), want, "{region:?}");
                }
            }
        }
        let mut stream = run.source().stream(StreamOptions::default()).unwrap();
        let mut volumes = vec![0; 5 * 4 * 6 * 2 * 4];
        stream.skip(5 * 4 * 6 * 2 * 2).unwrap();
        stream.read_next(&mut volumes).unwrap();
        assert_eq!(volumes, fixture.data[5 * 4 * 6 * 2 * 2..5 * 4 * 6 * 2 * 6]);
    }

    /// Of a chunk of several blocks of blosc only those that hold what is asked for are decompressed.
    #[test]
    fn a_box_of_a_chunk_of_several_blocks_reads_as_that_of_the_array() {
        let folder = tempfile::tempdir().unwrap();
        let (shape, store) = ([64, 64, 31, 9], folder.path().join("s.zarr"));
        let whole = Region::whole(&shape);
        let memory = Memory::new("a.nii", shape, DType::I16);
        let data = memory.data.clone();
        let chunk = Some(ChunkLengths { t: 8, z: 31 });
        let options = IngestOptions { chunk, ..IngestOptions::default() };
        ingest(&[memory.run()], &store, &options, &session(1, "64MiB")).unwrap();
        let run = open(store).unwrap().run("a").unwrap();
        for t in 0..9 {
            for (start, lengths) in [
                ([0, 0, 0, t], [64, 64, 31, 1]),
                ([0, 0, 3, t], [64, 64, 2, 9 - t]),
                ([5, 60, 30, t], [1, 1, 1, 1]),
                ([63, 0, 7, t], [1, 64, 20, (9 - t).min(3)]),
            ] {
                let region = Region::new(start.to_vec(), lengths.to_vec());
                let mut want = vec![0; region.len() as usize * 2];
                copy_overlap(&data, &whole, &mut want, &region, 2);
                assert!(read(&run, &region).unwrap() == want, "{region:?}");
            }
        }
    }

    #[test]
    fn a_region_outside_or_a_buffer_of_another_size_is_an_error() {
        let run = Fixture::new(Codec::Raw).open().unwrap();
        assert!(read(&run, &Region::new(vec![0, 0, 0, 7], vec![5, 4, 6, 1])).is_err());
        assert!(run.source().read(&Region::whole(&SHAPE), &mut [0; 3]).is_err());
    }

    #[test]
    fn a_missing_chunk_is_an_error_that_names_run_chunk_and_file() {
        let fixture = Fixture::new(Codec::BloscZstd);
        let run = fixture.open().unwrap();
        fs::remove_file(fixture.file("0/c.1.0.0.0")).unwrap();
        let error = read(&run, &Region::whole(&SHAPE)).unwrap_err().to_string();
        for part in ["runs/a.ome.zarr", "chunk c.1.0.0.0", "s.zarr/runs", "missing"] {
            assert!(error.contains(part), "{error}");
        }
        let elsewhere = Region::new(vec![0, 0, 4, 0], vec![5, 4, 2, 7]);
        assert!(read(&run, &elsewhere).is_ok());
    }

    #[test]
    fn a_whole_chunk_in_the_place_of_another_is_an_error() {
        let refused = |fixture: &Fixture| {
            let error = read(&fixture.open().unwrap(), &Region::whole(&SHAPE)).unwrap_err();
            assert!(error.to_string().contains("belongs elsewhere"), "{error}");
        };
        // Of the same run.
        let fixture = Fixture::new(Codec::BloscZstd);
        let [one, other] = ["0/c.0.0.0.0", "0/c.1.0.0.0"].map(|name| fixture.file(name));
        let (first, second) = (fs::read(&one).unwrap(), fs::read(&other).unwrap());
        fs::write(&one, &second).unwrap();
        fs::write(&other, &first).unwrap();
        refused(&fixture);
        fs::write(&one, &first).unwrap();
        fs::write(&other, &second).unwrap();
        assert!(read(&fixture.open().unwrap(), &Region::whole(&SHAPE)).is_ok());

        // Of what the run was before it was ingested anew, and so of any other run.
        let mut newer = Memory::new("a.nii", SHAPE, DType::I16);
        newer.data[0] ^= 1;
        let mut facts = crate::store::testing::info("a.nii");
        facts.origin.file_bytes += 1;
        let options = IngestOptions {
            force: true,
            chunk: Some(ChunkLengths { t: 3, z: 4 }),
            ..Default::default()
        };
        let store = fixture.folder.path().join("s.zarr");
        ingest(&[newer.run_with(facts)], store, &options, &session(1, "64MiB")).unwrap();
        assert!(read(&fixture.open().unwrap(), &Region::whole(&SHAPE)).is_ok());
        fs::write(&one, &first).unwrap();
        refused(&fixture);
    }

    #[test]
    fn a_table_of_checksums_that_is_damaged_missing_or_of_another_run_is_an_error() {
        let fixture = Fixture::new(Codec::Zstd);
        let table = fixture.file("chunk_crc32c/c.0.0.0.0");
        let good = fs::read(&table).unwrap();
        let refused = |part: &str| {
            let error = fixture.open().unwrap_err().to_string();
            assert!(error.contains("chunk_crc32c") && error.contains(part), "{error}");
        };
        for byte in 0..good.len() - 4 {
            let mut bad = good.clone();
            bad[byte] ^= 1;
            fs::write(&table, bad).unwrap();
            refused("digest");
        }
        fs::write(&table, &good[4..]).unwrap();
        refused("length");
        fs::remove_file(&table).unwrap();
        refused("cannot open");
        fs::write(&table, good).unwrap();
        assert!(fixture.open().is_ok());
    }

    #[test]
    fn a_chunk_file_that_is_flipped_cut_empty_or_too_long_is_an_error() {
        for codec in Codec::ALL {
            let fixture = Fixture::new(codec);
            let run = fixture.open().unwrap();
            let path = fixture.file("0/c.2.1.0.0");
            let good = fs::read(&path).unwrap();
            let region = Region::new(vec![0, 0, 5, 6], vec![5, 4, 1, 1]);
            let fails = |bytes: &[u8]| {
                fs::write(&path, bytes).unwrap();
                read(&run, &region).is_err()
            };
            for byte in 0..good.len() {
                let mut bad = good.clone();
                bad[byte] ^= 0x10;
                assert!(fails(&bad), "{codec}: byte {byte}");
            }
            assert!(fails(&good[..good.len() / 2]) && fails(&[]), "{codec}");
            assert!(fails(&[&good[..], &[0]].concat()), "{codec}");
            assert!(fails(&vec![0; 1 << 20]), "{codec}");
            assert!(!fails(&good), "{codec}");
        }
    }

    #[test]
    fn a_run_replaced_while_it_is_read_is_an_error() {
        let fixture = Fixture::new(Codec::Zstd);
        let run = fixture.open().unwrap();
        let mut other = Memory::new("a.nii", SHAPE, DType::I16);
        other.data[0] ^= 1;
        let mut facts = crate::store::testing::info("a.nii");
        facts.origin.file_bytes += 1;
        let options = IngestOptions { force: true, codec: Some(Codec::Zstd), ..Default::default() };
        let store = fixture.folder.path().join("s.zarr");
        ingest(&[other.run_with(facts)], store, &options, &session(1, "64MiB")).unwrap();
        assert!(read(&run, &Region::whole(&SHAPE)).is_err());
        assert!(read(&fixture.open().unwrap(), &Region::whole(&SHAPE)).is_ok());
    }

    #[test]
    fn an_unfinished_run_and_a_newer_schema_are_refused() {
        let fixture = Fixture::new(Codec::Zstd);
        fixture.edit("zarr.json", |j| j["attributes"]["voxstore"]["status"] = json!("writing"));
        assert!(matches!(fixture.open(), Err(StoreError::Incomplete { .. })));
        fixture.edit("zarr.json", |j| {
            j["attributes"]["voxstore"] = json!({"schema": "2", "news": true});
        });
        assert!(matches!(fixture.open(), Err(StoreError::NewerSchema { .. })));
    }

    #[test]
    fn a_run_without_a_status_is_refused() {
        let fixture = Fixture::new(Codec::Zstd);
        fixture.edit("zarr.json", |j| {
            j["attributes"]["voxstore"].as_object_mut().unwrap().remove("status");
        });
        assert!(fixture.open().is_err());
    }

    #[test]
    fn metadata_that_contradicts_itself_is_refused() {
        type Edit = fn(&mut Value);
        let edits: [(&str, Edit); 22] = [
            ("0/zarr.json", |j| j["shape"] = json!([7, 6, 4, 6])),
            ("0/zarr.json", |j| j["shape"] = json!([7, 6, 4])),
            ("0/zarr.json", |j| j["data_type"] = json!("uint16")),
            ("0/zarr.json", |j| j["chunk_grid"]["configuration"]["chunk_shape"][0] = json!(2)),
            ("0/zarr.json", |j| j["codecs"] = json!([j["codecs"][0], j["codecs"][2]])),
            ("0/zarr.json", |j| j["codecs"] = json!([])),
            ("0/zarr.json", |j| j["codecs"][1]["name"] = json!("gzip")),
            ("0/zarr.json", |j| j["dimension_names"] = json!(["x", "y", "z", "t"])),
            ("0/zarr.json", |j| j["node_type"] = json!("group")),
            ("0/zarr.json", |j| *j = json!([])),
            ("zarr.json", |j| j["zarr_format"] = json!(2)),
            ("zarr.json", |j| j["attributes"]["voxstore"]["schema"] = json!("0")),
            ("zarr.json", |j| j["attributes"]["voxstore"]["schema"] = json!(1)),
            ("zarr.json", |j| j["attributes"]["voxstore"]["affine_source"] = json!("guess")),
            ("zarr.json", |j| j["attributes"]["voxstore"]["affine"] = json!([1, 2])),
            ("zarr.json", |j| j["attributes"]["voxstore"]["voxels"]["n_chunks"] = json!(5)),
            ("zarr.json", |j| j["attributes"]["voxstore"]["header"]["bytes"] = json!(351)),
            ("zarr.json", |j| j["attributes"]["voxstore"]["header"]["digest"] = json!("xxh3")),
            ("zarr.json", |j| j["attributes"]["bids"]["sidecar"] = json!(3)),
            ("zarr.json", |j| j["attributes"] = json!({})),
            ("zarr.json", |j| j["attributes"]["voxstore"] = Value::Null),
            ("zarr.json", |j| *j = Value::Null),
        ];
        for (at, (file, edit)) in edits.into_iter().enumerate() {
            let fixture = Fixture::new(Codec::Zstd);
            fixture.edit(file, edit);
            assert!(fixture.open().is_err(), "edit {at}");
        }
    }

    #[test]
    fn shapes_that_agree_and_are_absurd_are_refused_without_panic() {
        let huge = u64::MAX;
        let cases = [
            ([7, 6, 4, 0], [3, 4, 4, 5]),
            ([7, 6, 4, 5], [3, 4, 4, 0]),
            ([7, 6, 4, 5], [8, 4, 4, 5]),
            ([huge, 6, 4, 5], [3, 4, 4, 5]),
            ([huge, huge, huge, huge], [huge, huge, huge, huge]),
            ([huge, 1, 1, 1], [huge, 1, 1, 1]),
            ([1 << 20, 1 << 20, 1, 1], [1 << 20, 1 << 10, 1, 1]),
        ];
        for (shape, chunk) in cases {
            let fixture = Fixture::new(Codec::Zstd);
            fixture.edit("0/zarr.json", |j| {
                j["shape"] = json!(shape);
                j["chunk_grid"]["configuration"]["chunk_shape"] = json!(chunk);
            });
            fixture.edit("zarr.json", |j| {
                let voxels = &mut j["attributes"]["voxstore"]["voxels"];
                voxels["shape"] = json!(shape);
                voxels["chunk_shape"] = json!(chunk);
            });
            let opened = fixture.open();
            assert!(matches!(opened, Err(StoreError::Metadata { .. })), "{shape:?} {opened:?}");
        }
    }

    #[test]
    fn a_damaged_header_is_an_error() {
        let fixture = Fixture::new(Codec::Zstd);
        let path = fixture.file("nifti/c.0");
        let mut header = fs::read(&path).unwrap();
        header[100] ^= 1;
        fs::write(&path, &header).unwrap();
        assert!(matches!(fixture.open(), Err(StoreError::Metadata { .. })));
        fs::remove_file(path).unwrap();
        assert!(matches!(fixture.open(), Err(StoreError::Io { .. })));
    }
}
