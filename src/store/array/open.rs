//! Which arrays may be read?
//!
//! Those that [`ZarrSink`](super::ZarrSink) wrote, whole, and whose metadata does not contradict itself.
//! Reads no number: that is `chunk_reader`'s matter.

use std::path::Path;
use std::sync::Arc;

use crate::files;
use crate::runtime::Stamp;
use crate::source::Source;
use crate::store::chunk_layout::ChunkLayout;
use crate::store::chunk_reader::ChunkedSource;
use crate::store::error::StoreError;
use crate::store::layout::METADATA;
use crate::store::metadata::{StoredArray, read_array};

/// Opens an array that [`ZarrSink`](super::ZarrSink) wrote: any region of it can be read, chunks are
/// its blocks, axis 0 is the fastest. Reads metadata only.
///
/// A chunk that is missing or damaged is an error when it is read, never zeros.
///
/// # Errors
/// When the path holds no array of ours, one of a newer schema, or one that contradicts itself.
pub fn open_array(path: impl AsRef<Path>) -> Result<Arc<dyn Source>, StoreError> {
    let path = path.as_ref();
    let file = path.join(METADATA);
    let found = files::look_at_link(&file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            let found = if files::exists(path).unwrap_or(false) {
                "it has no zarr.json"
            } else {
                "nothing is there"
            };
            let help = "give the folder of an array, such as zscore.zarr";
            StoreError::NotAnArray { path: path.to_owned(), found: found.to_owned(), help }
        }
        _ => StoreError::io("open", &file)(error),
    })?;
    let content = read_array(&file)?;
    let array = StoredArray::from_file(&file, &content)?;
    let layout = ChunkLayout::of(&array, &file)?;
    let attributes = content.attributes;
    if layout.chunks != attributes.chunks() {
        return Err(StoreError::metadata(&file, "n_chunks", layout.chunks, attributes.chunks()));
    }
    Ok(Arc::new(ChunkedSource {
        name: path.display().to_string(),
        remedy: "write the array again",
        array_dir: path.to_owned(),
        version: Stamp::of(&found),
        layout,
        dtype: array.dtype,
        stored_bytes: attributes.stored_bytes(),
        checksums: None,
        open_bytes: 0,
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use serde_json::{Value, json};

    use super::open_array;
    use crate::dtype::DType;
    use crate::grid::Region;
    use crate::sink::Sink;
    use crate::source::StreamOptions;
    use crate::store::codec::ChunkCodec;
    use crate::store::testing::{Memory, session};
    use crate::store::{Codec, IngestOptions, StoreError, ZarrOptions, ZarrSink, ingest};

    /// An array of 4 x 3 `bool`s in chunks of 2 x 3.
    struct Fixture(tempfile::TempDir);

    impl Fixture {
        fn new(codec: Codec) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let chunks = Some(vec![2, 3]);
            let options = ZarrOptions { codec, chunks, ..ZarrOptions::default() };
            let path = folder.path().join("x.zarr");
            let sink = ZarrSink::create(path, &[4, 3], DType::Bool, None, &options).unwrap();
            sink.put(&Region::whole(&[4, 3]), &[0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 1]).unwrap();
            Box::new(sink).commit().unwrap();
            Self(folder)
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("x.zarr")
        }

        /// What reading the second chunk says.
        fn fault(&self) -> Option<String> {
            let source = open_array(self.path()).unwrap();
            let region = Region::new(vec![2, 0], vec![2, 3]);
            source.read(&region, &mut [0; 6]).err().map(|error| error.to_string())
        }

        fn edit(&self, edit: impl FnOnce(&mut Value)) -> Result<(), StoreError> {
            let file = self.path().join("zarr.json");
            let mut json: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            edit(&mut json);
            fs::write(file, json.to_string()).unwrap();
            open_array(self.path()).map(drop)
        }
    }

    #[test]
    fn damage_to_a_chunk_is_an_error_and_never_numbers() {
        for codec in Codec::ALL {
            let fixture = Fixture::new(codec);
            let chunk = fixture.path().join("c.0.1");
            let good = fs::read(&chunk).unwrap();
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                fs::write(&chunk, bad).unwrap();
                assert!(fixture.fault().is_some(), "{codec}: bit {bit}");
            }
            for len in 0..good.len() {
                fs::write(&chunk, &good[..len]).unwrap();
                assert!(fixture.fault().is_some(), "{codec}: {len} bytes");
            }
            fs::remove_file(&chunk).unwrap();
            let error = fixture.fault().unwrap();
            for part in ["x.zarr", "c.0.1", "missing", "write the array again"] {
                assert!(error.contains(part), "{error}");
            }
            fs::write(&chunk, good).unwrap();
            assert_eq!(fixture.fault(), None);
        }
    }

    #[test]
    fn a_bool_that_is_neither_0_nor_1_is_damage() {
        let fixture = Fixture::new(Codec::Raw);
        let codec = ChunkCodec::new(Codec::Raw, DType::Bool, &[3, 2]);
        let file = codec.unwrap().encode(&[0, 1, 2, 0, 0, 1]).unwrap();
        fs::write(fixture.path().join("c.0.1"), &*file).unwrap();
        assert!(fixture.fault().unwrap().contains("neither 0 nor 1"));
    }

    #[test]
    fn what_is_no_array_of_ours_is_told_apart() {
        let fixture = Fixture::new(Codec::Raw);
        let found = |path: PathBuf| match open_array(path) {
            Err(StoreError::NotAnArray { found, .. }) => found,
            other => panic!("{other:?}"),
        };
        assert_eq!(found(fixture.path().join("nothing")), "nothing is there");
        assert_eq!(found(fixture.0.path().to_owned()), "it has no zarr.json");
        let chunk = fixture.path().join("c.0.1");
        assert_eq!(found(chunk.join("x")), "nothing is there");
        assert_eq!(found(chunk), "it has no zarr.json");

        let store = fixture.0.path().join("s.zarr");
        let runs = [Memory::new("a.nii", [2, 2, 1, 2], DType::U8).run()];
        ingest(&runs, &store, &IngestOptions::default(), &session(1, "64MiB")).unwrap();
        assert_eq!(found(store.clone()), "a Zarr group");
        let theirs = "a Zarr array without voxstore's attributes";
        assert_eq!(found(store.join("runs/a.ome.zarr/0")), theirs);
    }

    #[test]
    fn metadata_that_could_not_be_ours_are_refused() {
        type Edit = fn(&mut Value);
        let edits: [Edit; 12] = [
            |j| j["shape"] = json!([3, 5]),
            |j| j["shape"] = json!([3]),
            |j| j["shape"] = json!([u64::MAX, u64::MAX]),
            |j| j["chunk_grid"]["configuration"]["chunk_shape"] = json!([0, 2]),
            |j| j["chunk_grid"]["configuration"]["chunk_shape"] = json!([4, 2]),
            |j| j["data_type"] = json!("complex64"),
            |j| j["codecs"] = json!([j["codecs"][0]]),
            |j| j["attributes"]["voxstore"]["n_chunks"] = json!(3),
            |j| j["attributes"]["voxstore"]["stored_bytes"] = json!("many"),
            |j| j["attributes"]["voxstore"]["status"] = json!("writing"),
            |j| j["attributes"]["voxstore"]["schema"] = json!("2"),
            |j| *j = json!([]),
        ];
        for (at, edit) in edits.into_iter().enumerate() {
            assert!(Fixture::new(Codec::Zstd).edit(edit).is_err(), "edit {at}");
        }
        assert!(Fixture::new(Codec::Zstd).edit(|j| j["attributes"]["more"] = json!(1)).is_ok());
    }

    #[test]
    fn axes_that_are_absurd_beside_one_of_length_0_are_no_panic() {
        let huge = u64::MAX;
        let fixture = Fixture::new(Codec::Zstd);
        let opened = fixture.edit(|j| {
            j["shape"] = json!([huge, 0, huge]);
            j["chunk_grid"]["configuration"]["chunk_shape"] = json!([1, 1, 1]);
            j["attributes"]["voxstore"]["n_chunks"] = json!(0);
        });
        assert!(opened.is_ok());
        let source = open_array(fixture.path()).unwrap();
        assert!(source.read(&Region::whole(&[huge, 0, huge]), &mut []).is_ok());
        assert!(source.stream(StreamOptions::default()).unwrap().finish().is_ok());
    }
}
