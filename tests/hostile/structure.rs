//! What no honest tool makes: paths that lead out, links, pipes, absurd grids, bombs, JSON without end.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};
use voxstore::jobs::{TsnrOptions, tsnr};
use voxstore::store::{Codec, IngestOptions, Outcome, ZarrOptions, ZarrSink, ingest, open_array};
use voxstore::{DType, Region, Session, Sink as _, nifti, store};

use crate::common::{folder, session, voxels};
use crate::damage::guarded;
use crate::image::{gzip, plain};
use crate::stores::{Good, RUN};

/// Puts a pipe in the place of whatever is there. Opening one to read waits for a writer, for ever.
fn pipe(path: &Path) {
    drop(fs::remove_file(path));
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut json: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut json);
    fs::write(path, json.to_string()).unwrap();
}

/// What opening a run or reading its voxels says.
fn refusal(good: &Good) -> String {
    match good.open() {
        Err(error) => error.to_string(),
        Ok(run) => tsnr(&[run], TsnrOptions::default(), &session()).unwrap_err().to_string(),
    }
}

#[test]
fn names_that_lead_out_of_a_store_are_no_runs_of_it() {
    let good = Good::new(Codec::Raw);
    let outside = good.folder.path().join("out.ome.zarr");
    fs::rename(good.file(""), &outside).unwrap();
    let absolute = outside.to_str().unwrap();
    for name in ["../out.ome.zarr", "runs/../../out.ome.zarr", "./../out", absolute, "..", ""] {
        let store = store::open(good.place()).unwrap();
        assert!(store.run(name).unwrap_err().to_string().contains("no run"), "{name}");
        // What the index says makes no run, either.
        edit(&good.place().join("zarr.json"), |root| {
            root["attributes"]["voxstore"]["runs"][0]["path"] = json!(name);
        });
        let store = store::open(good.place()).unwrap();
        assert!(store.runs().is_empty() && store.index_is_stale(), "{name}");
        assert!(store.run(name).is_err() && store.facts(name).is_err(), "{name}");
        assert!(store.verify(name, false, &session()).is_err(), "{name}");
    }
}

#[test]
fn a_chunk_key_or_codec_of_somebody_elses_making_is_refused() {
    type Edit = fn(&mut Value);
    let edits: [Edit; 6] = [
        |j| j["chunk_key_encoding"]["configuration"]["separator"] = json!("/"),
        |j| j["chunk_key_encoding"]["configuration"]["separator"] = json!("/../../"),
        |j| j["chunk_key_encoding"]["name"] = json!("v2"),
        |j| j["chunk_key_encoding"]["configuration"]["prefix"] = json!("../"),
        |j| j["storage_transformers"] = json!([{"name": "elsewhere"}]),
        |j| j["codecs"] = json!([{"name": "sharding_indexed", "configuration": {}}]),
    ];
    for (at, change) in edits.into_iter().enumerate() {
        let good = Good::new(Codec::Raw);
        edit(&good.file("0/zarr.json"), change);
        // A field beside the separator names nothing that is read.
        let harmless = good.open().ok().and_then(|run| voxels(&run)).is_some();
        assert_eq!(harmless, at == 3, "edit {at}");
    }
}

#[test]
fn s12_a_link_in_the_place_of_a_file_or_folder_of_a_run_is_refused() {
    let places =
        ["", "0", "nifti", "chunk_crc32c", "zarr.json", "0/zarr.json", "0/c.0.0.0.0", "nifti/c.0"];
    for name in places {
        let good = Good::new(Codec::Raw);
        let (inside, outside) = (good.file(name), good.folder.path().join("elsewhere"));
        let inside = inside.components().collect::<std::path::PathBuf>();
        fs::rename(&inside, &outside).unwrap();
        // To the very bytes, to nothing, and to itself.
        for target in [outside.as_path(), Path::new("nowhere"), inside.as_path()] {
            drop(fs::remove_file(&inside));
            symlink(target, &inside).unwrap();
            let said = refusal(&good);
            assert!(said.contains("it is a link"), "{name}: {said}");
        }
    }
}

#[test]
fn an_ingest_does_not_follow_links_out_of_its_store() {
    let folder = folder();
    let place = folder.path().join("s.zarr");
    let outside = folder.path().join("outside");
    fs::create_dir_all(&outside).unwrap();
    let source = folder.path().join("sub-1_bold.nii");
    fs::write(&source, plain().bytes()).unwrap();
    let other = folder.path().join("other.nii");
    fs::write(&other, plain().bytes()).unwrap();
    let options = IngestOptions::default();
    ingest(&[nifti::open(&other).unwrap()], &place, &options, &session()).unwrap();
    symlink(&outside, place.join("sub-1")).unwrap();
    let report = ingest(&[nifti::open(&source).unwrap()], &place, &options, &session());
    let refused = match report {
        Err(error) => error.to_string(),
        Ok(report) => match &report.runs[0].result {
            Outcome::Failed(error) => error.to_string(),
            outcome => panic!("{outcome:?}"),
        },
    };
    assert!(refused.contains("it is a link"), "{refused}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    assert_eq!(store::open(&place).unwrap().runs(), ["runs/other.ome.zarr"]);
}

#[test]
fn a_folder_that_leads_back_to_itself_is_listed_in_no_time() {
    let good = Good::new(Codec::Raw);
    symlink("..", good.place().join("runs/up")).unwrap();
    symlink(good.place(), good.place().join("again")).unwrap();
    assert_eq!(store::open(good.place()).unwrap().runs(), [RUN]);
}

#[test]
fn s12_a_pipe_or_folder_in_the_place_of_a_stores_file_is_refused_and_not_waited_for() {
    for name in ["zarr.json", "0/zarr.json", "0/c.1.1.0.0", "nifti/c.0", "chunk_crc32c/c.0.0.0.0"] {
        let good = Good::new(Codec::Raw);
        pipe(&good.file(name));
        assert!(refusal(&good).contains("it is a pipe"), "{name}: {}", refusal(&good));
        let verified = store::open(good.place()).unwrap().verify("x", true, &session());
        assert!(verified.map_or(true, |found| !found.damage.is_empty()), "{name}");
        fs::remove_file(good.file(name)).unwrap();
        fs::create_dir(good.file(name)).unwrap();
        assert!(refusal(&good).contains("it is a folder"), "{name}: {}", refusal(&good));
    }
    let good = Good::new(Codec::Raw);
    pipe(&good.place().join("zarr.json"));
    let said = store::open(good.place()).unwrap_err().to_string();
    assert!(said.contains("it is a pipe"), "{said}");
    assert!(open_array(good.place()).unwrap_err().to_string().contains("it is a pipe"));
}

#[test]
fn a_pipe_device_or_folder_in_the_place_of_a_nifti_file_or_sidecar_is_not_waited_for() {
    let folder = folder();
    let path = folder.path().join("x.nii");
    pipe(&path);
    assert!(nifti::open(&path).unwrap_err().to_string().contains("a device or a pipe"));
    fs::remove_file(&path).unwrap();
    symlink("/dev/zero", &path).unwrap();
    assert!(nifti::open(&path).unwrap_err().to_string().contains("a device or a pipe"));
    fs::remove_file(&path).unwrap();
    symlink("x.nii", &path).unwrap();
    assert!(nifti::open(&path).is_err());
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(nifti::open(&path).unwrap_err().to_string().contains("it is a folder"));
    fs::remove_dir(&path).unwrap();
    fs::write(&path, plain().bytes()).unwrap();
    let sidecar = folder.path().join("x.json");
    pipe(&sidecar);
    let run = nifti::open(&path).unwrap();
    assert_eq!(run.info().warnings[0].code, "N94");
    fs::remove_file(&sidecar).unwrap();
    symlink("/dev/zero", &sidecar).unwrap();
    assert_eq!(nifti::open(&path).unwrap().info().warnings[0].code, "N94");
}

#[test]
fn s13_absurd_chunk_grids_are_refused_before_anything_is_allocated_for_them() {
    let most = u64::MAX;
    let cases: [([u64; 4], [u64; 4]); 9] = [
        ([1 << 30, 1 << 30, 1, 1], [1, 1, 1, 1]),
        ([1 << 20, 1 << 20, 1 << 20, 1], [1, 1, 1, 1]),
        ([1 << 40, 1, 1, 1], [1 << 40, 1, 1, 1]),
        ([most, 1, 1, 1], [1 << 20, 1, 1, 1]),
        ([1 << 62, 1, 1, 1], [1 << 20, 1, 1, 1]),
        ([most, most, most, most], [1, 1, 1, 1]),
        ([4, 4, 4, 4], [0, 4, 4, 4]),
        ([0, 4, 4, 4], [1, 4, 4, 4]),
        ([1 << 25, 1, 1, 1], [1, 1, 1, 1]),
    ];
    for (shape, chunk) in cases {
        let good = Good::new(Codec::Raw);
        let chunks = shape
            .iter()
            .zip(&chunk)
            .fold(1_u64, |n, (&length, &block)| n.saturating_mul(length.div_ceil(block.max(1))));
        edit(&good.file("0/zarr.json"), |j| {
            j["shape"] = json!(shape);
            j["chunk_grid"]["configuration"]["chunk_shape"] = json!(chunk);
        });
        edit(&good.file("zarr.json"), |j| {
            let voxels = &mut j["attributes"]["voxstore"]["voxels"];
            voxels["shape"] = json!(shape);
            voxels["chunk_shape"] = json!(chunk);
            voxels["n_chunks"] = json!(chunks);
        });
        // A table that is as long as the grid wants it, and takes no room.
        let table = File::options().write(true).open(good.file("chunk_crc32c/c.0.0.0.0")).unwrap();
        table.set_len(chunks.saturating_mul(4).saturating_add(4).min(1 << 40)).unwrap();
        guarded(&format!("{shape:?} in {chunk:?}"), || {
            let said = good.open().unwrap_err().to_string();
            assert!(said.contains("shape"), "{shape:?} in {chunk:?}: {said}");
        });
    }
}

#[test]
fn an_array_of_more_chunks_than_there_are_atoms_is_opened_and_its_chunks_are_missing() {
    let folder = folder();
    let path = folder.path().join("x.zarr");
    let options = ZarrOptions { chunks: Some(vec![1, 1]), codec: Codec::Raw, ..Default::default() };
    let sink = ZarrSink::create(&path, &[2, 2], DType::U8, None, &options).unwrap();
    sink.put(&Region::whole(&[2, 2]), &[1, 2, 3, 4]).unwrap();
    Box::new(sink).commit().unwrap();
    edit(&path.join("zarr.json"), |j| {
        j["shape"] = json!([1_u64 << 30, 1_u64 << 30]);
        j["attributes"]["voxstore"]["n_chunks"] = json!(1_u64 << 60);
    });
    guarded("2^60 chunks", || {
        let array = open_array(&path).unwrap();
        let mut one = [0];
        array.read(&Region::new(vec![1, 1], vec![1, 1]), &mut one).unwrap();
        assert_eq!(one, [4]);
        let last = (1 << 30) - 1;
        let error = array.read(&Region::new(vec![last, last], vec![1, 1]), &mut one).unwrap_err();
        assert!(error.to_string().contains("missing"), "{error}");
    });
}

#[test]
fn json_without_end_depth_or_sense_is_refused() {
    let good = Good::new(Codec::Raw);
    let file = good.file("zarr.json");
    let text = fs::read_to_string(&file).unwrap();
    let attributes =
        |more: &str| text.replacen("\"attributes\": {", &format!("\"attributes\": {{{more}"), 1);
    let deep = |n: usize| format!("\"deep\": {}{}, ", "[".repeat(n), "]".repeat(n));
    let sidecar = |more: &str| text.replacen("\"EchoTime\"", &format!("{more}\"EchoTime\""), 1);
    // What is not asked for is passed over, however deep, and never held.
    fs::write(&file, attributes(&deep(100_000))).unwrap();
    assert!(guarded("deep, ignored", || good.open()).is_ok());
    let refused = [
        sidecar(&deep(100_000)),
        "[".repeat(1 << 20),
        "{\"a\":".repeat(1 << 18),
        text.replacen("\"zarr_format\": 3", "\"zarr_format\": 3, \"zarr_format\": 3", 1),
        text.replacen("\"schema\": \"1\"", "\"schema\": \"1\", \"schema\": \"1\"", 1),
        text.replacen("\"slope\": 0.5", "\"slope\": NaN", 1),
        text.replacen("\"slope\": 0.5", "\"slope\": 1e400", 1),
        text.replacen("\"slope\": 0.5", "\"slope\": \"0.5\"", 1),
        text.replacen("\"tr_s\": 2.0", "\"tr_s\": [2.0]", 1),
        text.replacen("\"slope\": 0.5", "\"slope\": 0.5e", 1),
    ];
    for (at, bad) in refused.into_iter().enumerate() {
        assert_ne!(bad, text, "{at}");
        fs::write(&file, bad).unwrap();
        let said = guarded(&format!("text {at}"), || good.open()).unwrap_err().to_string();
        assert!(said.contains("zarr.json"), "{at}: {said}");
    }
}

#[test]
fn s13_a_metadata_file_of_a_hundred_megabytes_is_refused_unread() {
    for name in ["zarr.json", "0/zarr.json"] {
        let good = Good::new(Codec::Raw);
        let mut file = File::options().append(true).open(good.file(name)).unwrap();
        let spaces = vec![b' '; 1 << 20];
        (0..100).for_each(|_| file.write_all(&spaces).unwrap());
        let said = guarded(name, || good.open()).unwrap_err().to_string();
        assert!(said.contains("at most 4194304 bytes"), "{said}");
    }
    // The root's grows with the number of runs; its spaces are passed over and not held.
    let good = Good::new(Codec::Raw);
    let root = good.place().join("zarr.json");
    let mut file = File::options().append(true).open(&root).unwrap();
    let spaces = vec![b' '; 1 << 20];
    (0..16).for_each(|_| file.write_all(&spaces).unwrap());
    assert!(guarded("root", || good.open()).is_ok());
    file.set_len(300 << 20).unwrap();
    let said = guarded("root", || good.open()).unwrap_err().to_string();
    assert!(said.contains("at most 268435456 bytes"), "{said}");
}

#[test]
fn s13_a_run_whose_sidecar_could_not_be_read_back_is_not_stored() {
    let folder = folder();
    let path = folder.path().join("x.nii");
    fs::write(&path, plain().bytes()).unwrap();
    // Printed, each number stands on a line of its own, behind 200 spaces.
    let (open, close) = ("[".repeat(100), "]".repeat(100));
    let numbers = vec!["1"; 22_000].join(",");
    fs::write(folder.path().join("x.json"), format!("{{\"a\": {open}{numbers}{close}}}")).unwrap();
    let run = nifti::open(&path).unwrap();
    assert!(run.info().warnings.is_empty(), "{:?}", run.info().warnings);
    let place = folder.path().join("s.zarr");
    let session = Session::builder().memory("64MiB").threads(1).build().unwrap();
    let report = ingest(&[run], &place, &IngestOptions::default(), &session).unwrap();
    let Outcome::Failed(error) = &report.runs[0].result else { panic!("{report:?}") };
    assert!(error.to_string().contains("shorten the sidecar"), "{error}");
}

#[test]
fn a_chunk_that_inflates_past_its_size_is_refused() {
    let folder = folder();
    let write = |name: &str, codec, length: u64| {
        let path = folder.path().join(name);
        let options = ZarrOptions { codec, chunks: Some(vec![length]), ..Default::default() };
        let sink = ZarrSink::create(&path, &[length], DType::U8, None, &options).unwrap();
        sink.put(&Region::whole(&[length]), &vec![0; length as usize]).unwrap();
        Box::new(sink).commit().unwrap();
        path
    };
    for codec in [Codec::BloscZstd, Codec::BloscLz4, Codec::Zstd] {
        let bomb = write(&format!("bomb-{codec}"), codec, 16 << 20);
        let place = write(&format!("place-{codec}"), codec, 1 << 16);
        fs::copy(bomb.join("c.0"), place.join("c.0")).unwrap();
        let array = open_array(&place).unwrap();
        let read = || array.read(&Region::whole(&[1 << 16]), &mut vec![0; 1 << 16]);
        let said = guarded(codec.name(), read).unwrap_err().to_string();
        assert!(said.contains("c.0") && said.contains("bytes") || said.contains("size"), "{said}");
    }
}

#[test]
fn gzip_data_that_go_on_far_beyond_the_header_stop_every_job() {
    let folder = folder();
    let path = folder.path().join("x.nii.gz");
    let mebibytes = gzip(&vec![0; 4 << 20]).repeat(65);
    let mut bytes = gzip(&plain().bytes());
    bytes.extend(mebibytes);
    fs::write(&path, bytes).unwrap();
    let run = nifti::open(&path).unwrap();
    let said = tsnr(std::slice::from_ref(&run), TsnrOptions::default(), &session()).unwrap_err();
    assert!(said.to_string().contains("a trap"), "{said}");
    let place = folder.path().join("s.zarr");
    let report = ingest(&[run], &place, &IngestOptions::default(), &session()).unwrap();
    assert!(
        matches!(&report.runs[0].result, Outcome::Failed(e) if e.to_string().contains("a trap"))
    );
}
