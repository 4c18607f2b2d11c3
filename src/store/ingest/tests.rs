//! Runs into stores and back; sources that fail, folders in the way, ingests that were killed.

mod faults;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use super::{IngestOptions, IngestReport, Outcome, ingest, plan, stage};
use crate::dtype::DType;
use crate::grid::Region;
use crate::run::Run;
use crate::runtime::{FIXED_BYTES, Session};
use crate::source::{Access, StreamOptions};
use crate::store::testing::{Memory, info, session, tree};
use crate::store::{ChunkLengths, Codec, StoreError, open};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn store_in(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("study.zarr")
}

fn staging_is_gone(store: &Path) -> bool {
    !crate::store::layout::staging_dir(store).exists()
}

fn defaults() -> IngestOptions {
    IngestOptions::default()
}

fn chunks(t: u64, z: u64) -> IngestOptions {
    IngestOptions { chunk: Some(ChunkLengths { t, z }), ..defaults() }
}

fn forced(options: IngestOptions) -> IngestOptions {
    IngestOptions { force: true, ..options }
}

fn ok(runs: &[Run], store: &Path, options: &IngestOptions) -> IngestReport {
    ingest(runs, store, options, &session(2, "256MiB")).unwrap()
}

fn voxels(store: &Path, name: &str) -> Vec<u8> {
    let run = open(store).unwrap().run(name).unwrap();
    let whole = Region::whole(run.shape());
    let mut out = vec![0; whole.len() as usize * run.source().dtype().size()];
    run.source().read(&whole, &mut out).unwrap();
    out
}

#[test]
fn every_type_shape_and_codec_comes_back_byte_for_byte() {
    let folder = folder();
    let shapes = [[5, 4, 7, 11], [3, 2, 1, 1], [4, 3, 5, 1], [2, 2, 1, 9], [1, 1, 1, 1]];
    for codec in Codec::ALL {
        for chunk in [None, Some(ChunkLengths { t: 4, z: 3 })] {
            let store = folder.path().join(format!("{codec}-{}.zarr", chunk.is_some()));
            let sources: Vec<Memory> = DType::ALL
                .into_iter()
                .flat_map(|dtype| shapes.map(|shape| (dtype, shape)))
                .enumerate()
                .map(|(i, (dtype, shape))| Memory::new(&format!("r{i}.nii"), shape, dtype))
                .collect();
            let runs: Vec<Run> = sources.iter().cloned().map(Memory::run).collect();
            let report =
                ok(&runs, &store, &IngestOptions { codec: Some(codec), chunk, ..defaults() });
            assert!(report.runs.iter().all(|r| matches!(r.result, Outcome::Written(_))));
            for (i, source) in sources.iter().enumerate() {
                assert_eq!(voxels(&store, &format!("r{i}")), source.data, "{codec} {source:?}");
            }
            assert!(staging_is_gone(&store));
        }
    }
}

#[test]
fn every_fact_of_a_run_comes_back() {
    let (folder, mut facts) = (folder(), info("sub-01_ses-02_task-rest_bold.nii.gz"));
    facts.timing.tr_seconds = Some(1.0 / 3.0);
    facts.origin.big_endian = true;
    facts.origin.image_name = Some("sub-01_ses-02_task-rest_bold.img.gz".into());
    let source = Memory::new("in memory", [3, 4, 5, 6], DType::I16);
    ok(&[source.run_with(facts.clone())], &store_in(&folder), &defaults());
    let run = open(store_in(&folder)).unwrap().run("sub-01_ses-02_task-rest_bold").unwrap();
    assert_eq!(run.name(), "sub-01/ses-02/func/sub-01_ses-02_task-rest_bold.ome.zarr");
    facts.origin.sha256 = Some("ab".repeat(32));
    assert_eq!(*run.info(), facts);
}

/// Outcomes as one letter each: written, replaced, skipped, failed.
fn letters(report: &IngestReport) -> String {
    let letter = |outcome: &Outcome| match outcome {
        Outcome::Written(_) => 'w',
        Outcome::Skipped => 's',
        Outcome::Failed(_) => 'f',
    };
    report.runs.iter().map(|run| letter(&run.result)).collect()
}

fn named(i: usize) -> Memory {
    Memory::new(&format!("run-{i}.nii"), [4, 3, 5, 13], DType::I16)
}

/// Who helps with a run may come to it when its last chunk is being written, or a moment later.
#[test]
fn many_threads_write_few_short_runs_again_and_again() {
    let memory = |i: usize| Memory::new(&format!("r{i}.nii"), [5, 4, 6, 1 + i as u64], DType::I16);
    for round in 0..60 {
        let folder = folder();
        let sources: Vec<Memory> = (0..round % 5).map(memory).collect();
        let runs: Vec<Run> = sources.iter().cloned().map(Memory::run).collect();
        let session = session(2 + round % 7, if round % 2 == 0 { "256MiB" } else { "24MiB" });
        ingest(&runs, store_in(&folder), &chunks(2, 2), &session).unwrap();
        for (i, source) in sources.iter().enumerate() {
            assert_eq!(voxels(&store_in(&folder), &format!("r{i}")), source.data, "{round}");
        }
    }
}

/// Chunk files and arrays' metadata: what must not depend on threads, memory or timing.
fn arrays(store: &Path) -> Vec<(String, Vec<u8>)> {
    let is_array = |path: &String| path.contains(".ome.zarr/0/") || path.contains("/nifti/");
    tree(store).into_iter().filter(|(path, _)| is_array(path)).collect()
}

#[test]
fn stored_bytes_do_not_depend_on_threads_or_memory() {
    let folder = folder();
    let run = |i: usize, z| Memory::new(&format!("r{i}.nii"), [9, 8, z, 40], DType::F32).run();
    for runs in [vec![run(0, 7)], vec![run(0, 7), run(1, 3), run(2, 9)]] {
        let mut first = None;
        for (at, (threads, memory)) in
            [(1, "64MiB"), (2, "64MiB"), (4, "512MiB"), (4, "20MiB"), (3, "23MiB")]
                .into_iter()
                .enumerate()
        {
            let store = folder.path().join(format!("{}-{at}.zarr", runs.len()));
            ingest(&runs, &store, &chunks(8, 2), &session(threads, memory)).unwrap();
            let stored = arrays(&store);
            assert!(stored.len() > 20);
            assert!(*first.get_or_insert_with(|| stored.clone()) == stored, "{threads}");
        }
    }
}

#[test]
fn a_source_that_fails_leaves_nothing_and_the_others_are_written() {
    for threads in [1, 2, 4] {
        for fault in 0..8_u64 {
            let (folder, mut bad) = (folder(), named(1));
            match fault {
                7 => bad.bad_checksum = true,
                slab => bad.fails_at = Some(slab * 4 * 3 * 5 * 2 * 2),
            }
            let runs = match fault % 2 {
                0 => vec![named(0).run(), bad.run(), named(2).run()],
                _ => vec![bad.run()],
            };
            let session = session(threads, "64MiB");
            let report = ingest(&runs, store_in(&folder), &chunks(2, 2), &session).unwrap();
            assert_eq!(letters(&report), if fault % 2 == 0 { "wfw" } else { "f" });
            assert!(staging_is_gone(&store_in(&folder)));
            if fault % 2 == 0 {
                assert_eq!(open(store_in(&folder)).unwrap().runs().len(), 2);
            } else {
                assert!(!store_in(&folder).exists());
            }
        }
    }
}

#[test]
fn strict_writes_nothing_when_one_source_is_bad_and_all_when_none_is() {
    let (folder, mut bad) = (folder(), named(1));
    bad.bad_checksum = true;
    let strict = IngestOptions { strict: true, ..defaults() };
    let session = session(2, "64MiB");
    let runs = [named(0).run(), bad.run()];
    let error = ingest(&runs, store_in(&folder), &strict, &session).unwrap_err();
    assert!(matches!(&error, StoreError::Strict { failed, total: 2 } if failed.len() == 1));
    assert!(error.to_string().contains("CRC does not match"), "{error}");
    assert!(!store_in(&folder).exists() && staging_is_gone(&store_in(&folder)));

    let runs = [named(0).run(), named(1).run()];
    let report = ingest(&runs, store_in(&folder), &strict, &session).unwrap();
    assert_eq!(letters(&report), "ww");
    assert_eq!(open(store_in(&folder)).unwrap().runs().len(), 2);
}

#[test]
fn a_name_taken_while_a_strict_ingest_reads_stops_no_other_run() {
    #[derive(Debug)]
    struct TakeName(PathBuf);
    impl crate::runtime::Progress for TakeName {
        fn begin(&self, _: &str, _: u64) {}
        fn advance(&self, _: u64) {}
        fn end(&self) {
            fs::create_dir_all(self.0.join("runs/run-0.ome.zarr/0")).unwrap();
        }
    }
    let folder = folder();
    let taker = std::sync::Arc::new(TakeName(store_in(&folder)));
    let session = Session::builder().threads(1).progress(taker).build().unwrap();
    let runs = [named(0).run(), named(1).run()];
    let strict = IngestOptions { strict: true, ..defaults() };
    let report = ingest(&runs, store_in(&folder), &strict, &session).unwrap();
    assert_eq!(letters(&report), "fw");
    assert_eq!(voxels(&store_in(&folder), "run-1"), named(1).data);
    assert!(staging_is_gone(&store_in(&folder)));
}

#[test]
fn sources_that_would_become_one_run_stop_all_before_writing() {
    let folder = folder();
    let other = Memory { name: "other/run-1.nii.gz".into(), ..named(1) };
    let runs = [named(1).run(), other.run_with(info("run-1.nii.gz"))];
    let error = ingest(&runs, store_in(&folder), &defaults(), &session(1, "64MiB"));
    assert!(matches!(error, Err(StoreError::Clash { .. })), "{error:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_run_that_is_there_is_skipped_and_another_of_its_name_needs_force() {
    let (folder, session) = (folder(), session(2, "64MiB"));
    let store = store_in(&folder);
    let try_with = |memory: Memory, facts, options: &IngestOptions| {
        ingest(&[memory.run_with(facts)], &store, options, &session)
    };
    let facts = || info("sub-01_task-rest_bold.nii");
    assert_eq!(letters(&try_with(named(1), facts(), &defaults()).unwrap()), "w");
    // A source that would fail if it were read.
    let unread = Memory { fails_at: Some(0), ..named(1) };
    assert_eq!(letters(&try_with(unread.clone(), facts(), &defaults()).unwrap()), "s");
    assert_eq!(letters(&try_with(unread.clone(), facts(), &forced(defaults())).unwrap()), "s");

    let mut touched = facts();
    touched.origin.modified = Some("2025-01-01T00:00:00Z".into());
    assert_eq!(letters(&try_with(named(1), touched.clone(), &defaults()).unwrap()), "s");
    assert_eq!(letters(&try_with(unread, touched.clone(), &defaults()).unwrap()), "f");
    let unhashed = Memory { sha256: None, ..named(1) };
    assert_eq!(letters(&try_with(unhashed.clone(), touched.clone(), &defaults()).unwrap()), "s");

    let mut changed = unhashed;
    changed.data[17] ^= 1;
    let before = tree(&store);
    let refused = try_with(changed.clone(), touched.clone(), &defaults());
    assert!(matches!(refused, Err(StoreError::Exists { .. })), "{refused:?}");
    let mut larger = facts();
    larger.origin.file_bytes += 1;
    let refused = try_with(named(1), larger, &defaults());
    assert!(refused.unwrap_err().to_string().contains("file size"));
    assert!(tree(&store) == before);

    let report = try_with(changed.clone(), touched, &forced(defaults())).unwrap();
    assert_eq!(letters(&report), "w");
    assert_eq!(voxels(&store, "sub-01_task-rest_bold"), changed.data);
    assert!(staging_is_gone(&store));
}

#[test]
fn a_name_that_is_anybodys_is_skipped_only_when_the_voxels_agree() {
    let (folder, session) = (folder(), session(2, "64MiB"));
    let store = store_in(&folder);
    let unhashed = Memory { sha256: None, ..named(1) };
    let again = |memory: &Memory| {
        let run = memory.clone().run_with(info("rest.nii"));
        ingest(&[run], &store, &defaults(), &session)
    };
    assert_eq!(letters(&again(&unhashed).unwrap()), "w");
    assert_eq!(letters(&again(&unhashed).unwrap()), "s");
    // Size, header and time are the same, as when an archive sets all times.
    let mut other = unhashed;
    other.data[17] ^= 1;
    let refused = again(&other);
    assert!(matches!(refused, Err(StoreError::Exists { .. })), "{refused:?}");
}

#[test]
fn runs_with_the_same_voxels_are_noted_and_nothing_else() {
    let folder = folder();
    let store = store_in(&folder);
    let copy = |name: &str| Memory { name: name.to_owned(), ..named(1) };
    let mut other = copy("other.nii");
    other.data[17] ^= 1;
    // The same bytes in another shape, or as another type, are other voxels.
    let turned = Memory { shape: vec![3, 4, 5, 13], ..copy("turned.nii") };
    let retyped = Memory { dtype: DType::U16, ..copy("retyped.nii") };
    let same = |report: &IngestReport| -> Vec<Vec<String>> {
        report.runs.iter().map(|run| run.same_voxels.clone()).collect()
    };
    let runs = [other, turned, retyped, copy("a.nii")].map(Memory::run);
    assert_eq!(same(&ok(&runs, &store, &defaults())), vec![Vec::<String>::new(); 4]);

    let mut bad = copy("bad.nii");
    bad.bad_checksum = true;
    let runs = [copy("c.nii"), bad, copy("b.nii"), copy("a.nii")].map(Memory::run);
    let report = ok(&runs, &store, &defaults());
    assert_eq!(letters(&report), "wfws");
    let path = |name: &str| format!("runs/{name}.ome.zarr");
    let expected = [["a", "b"].map(path).to_vec(), vec![], ["a", "c"].map(path).to_vec()];
    assert_eq!(same(&report)[..3], expected);
    assert_eq!(same(&report)[3], ["b", "c"].map(path));
    // With another codec they are the same voxels, too.
    let zstd = IngestOptions { codec: Some(Codec::Zstd), ..defaults() };
    assert_eq!(same(&ok(&[copy("d.nii").run()], &store, &zstd))[0], ["a", "b", "c"].map(path));
}

#[test]
fn force_stores_a_run_anew_with_other_chunks_or_codec() {
    let folder = folder();
    ok(&[named(1).run()], &store_in(&folder), &chunks(4, 2));
    assert_eq!(letters(&ok(&[named(1).run()], &store_in(&folder), &chunks(2, 2))), "s");
    assert_eq!(letters(&ok(&[named(1).run()], &store_in(&folder), &forced(chunks(2, 2)))), "w");
    let facts = open(store_in(&folder)).unwrap().facts("run-1").unwrap();
    assert_eq!((facts.chunk_shape, facts.chunks), ([4, 3, 2, 2], 21));
    assert_eq!(voxels(&store_in(&folder), "run-1"), named(1).data);
}

/// Noise of a scanner on a signal; masked, most of it is background and the rest coarse.
fn scan(name: &str, masked: bool) -> Memory {
    let mut memory = Memory::new(name, [16, 16, 12, 20], DType::I16);
    for (i, sample) in memory.data.chunks_exact_mut(2).enumerate() {
        let noise = i16::from_le_bytes([sample[0], sample[1]]).rem_euclid(1 << 9);
        let inside = i % 16 < 5 && !masked || i % 256 == 7;
        let value = if inside {
            900 + noise
        } else if masked {
            0
        } else {
            noise / 16
        };
        sample.copy_from_slice(&value.to_le_bytes());
    }
    memory
}

#[test]
fn each_run_gets_the_codec_that_makes_it_smaller() {
    let folder = folder();
    let stored = |codec: Option<Codec>, name: &str, threads| {
        let store = folder.path().join(format!("{threads}-{codec:?}.zarr"));
        let runs = [scan("noise.nii", false).run(), scan("masked.nii", true).run()];
        let options = IngestOptions { codec, ..chunks(16, 5) };
        ingest(&runs, &store, &options, &session(threads, "64MiB")).unwrap();
        let facts = open(&store).unwrap().facts(name).unwrap();
        (facts.stored_bytes, facts.codec)
    };
    let mut chosen = Vec::new();
    for name in ["noise", "masked"] {
        let sizes = Codec::CANDIDATES.map(|codec| stored(Some(codec), name, 1));
        assert_eq!(sizes.map(|(_, codec)| codec), Codec::CANDIDATES);
        let smallest = *sizes.iter().min_by_key(|(bytes, _)| *bytes).unwrap();
        for threads in [1, 2, 4] {
            assert_eq!(stored(None, name, threads), smallest, "{name}");
        }
        chosen.push(smallest.1);
    }
    assert_eq!(chosen, Codec::CANDIDATES);
}

#[test]
fn a_damaged_run_is_replaced_by_force_only() {
    let folder = folder();
    ok(&[named(1).run()], &store_in(&folder), &defaults());
    fs::write(store_in(&folder).join("runs/run-1.ome.zarr/zarr.json"), "{").unwrap();
    let session = session(1, "64MiB");
    let again = ingest(&[named(1).run()], store_in(&folder), &defaults(), &session);
    assert!(matches!(again, Err(StoreError::Exists { .. })), "{again:?}");
    let runs = [named(1).run()];
    assert_eq!(letters(&ok(&runs, &store_in(&folder), &forced(defaults()))), "w");
    assert_eq!(voxels(&store_in(&folder), "run-1"), named(1).data);
}

#[test]
fn what_a_killed_ingest_left_is_removed_and_a_live_one_is_let_be() {
    let folder = folder();
    let store = store_in(&folder);
    let beside = crate::store::layout::staging_dir(&store);
    let dead = beside.join("ingest-dead");
    fs::create_dir_all(dead.join("run-0/0")).unwrap();
    fs::write(dead.join("live.lock"), "").unwrap();
    let unborn = beside.join("ingest-unborn");
    fs::create_dir_all(&unborn).unwrap();
    let alive = beside.join("ingest-alive");
    fs::create_dir_all(&alive).unwrap();
    let lock = fs::File::create_new(alive.join("live.lock")).unwrap();
    lock.lock().unwrap();

    ok(&[named(0).run()], &store, &defaults());
    assert!(!dead.exists() && !unborn.exists() && alive.exists());
    drop(lock);
    ok(&[named(1).run()], &store, &defaults());
    assert!(staging_is_gone(&store));
    assert_eq!(open(&store).unwrap().runs().len(), 2);
}

#[test]
fn a_staging_folder_may_come_and_go_at_any_moment() {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let store = store_in(&folder);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    plan::check_places(&[], &store).unwrap();
                    drop(stage::Staging::open(&store).unwrap());
                    stage::tidy(&store).unwrap();
                }
            });
        }
    });
    assert!(staging_is_gone(&store));
    // What is no folder is said to be there, not waited for.
    let beside = crate::store::layout::staging_dir(&store);
    fs::write(&beside, "").unwrap();
    let refused = || stage::Staging::open(&store).unwrap_err().to_string();
    assert!(refused().contains("cannot create"), "{}", refused());
    fs::remove_file(&beside).unwrap();
    std::os::unix::fs::symlink("nowhere", &beside).unwrap();
    assert!(refused().contains("cannot create"), "{}", refused());
}

#[test]
fn a_stale_index_is_seen_and_repaired() {
    let folder = folder();
    let store = store_in(&folder);
    ok(&[named(1).run()], &store, &defaults());
    let old_index = fs::read(store.join("zarr.json")).unwrap();
    ok(&[named(10).run(), named(2).run()], &store, &defaults());
    let good_index = fs::read(store.join("zarr.json")).unwrap();
    // As after a crash between the last rename and the index.
    fs::write(store.join("zarr.json"), old_index).unwrap();
    let opened = open(&store).unwrap();
    assert!(opened.index_is_stale());
    let names = ["runs/run-1.ome.zarr", "runs/run-2.ome.zarr", "runs/run-10.ome.zarr"];
    assert_eq!(opened.runs(), names);
    assert_eq!(letters(&ok(&[named(1).run()], &store, &defaults())), "s");
    assert!(!open(&store).unwrap().index_is_stale());
    assert!(fs::read(store.join("zarr.json")).unwrap() == good_index);
}

#[test]
fn a_cancelled_ingest_leaves_only_whole_runs() {
    #[derive(Debug)]
    struct CancelAfter(std::sync::atomic::AtomicI64, crate::runtime::CancelToken);
    impl crate::runtime::Progress for CancelAfter {
        fn begin(&self, _: &str, _: u64) {}
        fn advance(&self, _: u64) {
            if self.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) == 1 {
                self.1.cancel();
            }
        }
        fn end(&self) {}
    }
    for threads in [1, 2, 4] {
        for (after, runs) in [(1, 1), (3, 1), (3, 3), (9, 3)] {
            let folder = folder();
            let token = crate::runtime::CancelToken::new();
            let session = Session::builder()
                .threads(threads)
                .cancel_token(token.clone())
                .progress(std::sync::Arc::new(CancelAfter(after.into(), token)))
                .build()
                .unwrap();
            let runs: Vec<Run> = (0..runs).map(|i| named(i).run()).collect();
            let ended = ingest(&runs, store_in(&folder), &chunks(2, 2), &session);
            assert!(matches!(ended, Err(StoreError::Cancelled)), "{ended:?}");
            assert!(staging_is_gone(&store_in(&folder)));
            if store_in(&folder).exists() {
                let store = open(store_in(&folder)).unwrap();
                assert!(!store.index_is_stale());
                store.runs().iter().for_each(|name| drop(voxels(store.path(), name)));
            }
        }
    }
}

#[test]
fn too_little_memory_is_refused_with_the_amount_that_works() {
    let folder = folder();
    let run = [Memory { fails_at: Some(0), ..named(1) }.run()];
    let at = |bytes| {
        let session = Session::builder().threads(2).memory_bytes(bytes).build().unwrap();
        ingest(&run, store_in(&folder), &defaults(), &session)
    };
    let Err(StoreError::Memory { needed_bytes, .. }) = at(FIXED_BYTES + 1) else {
        panic!("should not fit");
    };
    assert!(matches!(at(needed_bytes - 1), Err(StoreError::Memory { .. })));
    assert_eq!(letters(&at(needed_bytes).unwrap()), "f"); // it was read, and failed
}

#[test]
fn a_refusal_names_the_run_that_needs_most_of_those_that_are_read() {
    let folder = folder();
    let store = store_in(&folder);
    let run = |name: &str, planes| {
        Memory::new(name, [64, 64, planes, 16], DType::I16).run_with(info(name))
    };
    let large = run("sub-01_task-rest_bold.nii", 30);
    ok(std::slice::from_ref(&large), &store, &defaults());
    let runs = [run("small.nii", 2), run("middle.nii", 9), run("least.nii", 1), large];
    let at = |bytes| {
        let session = Session::builder().threads(1).memory_bytes(bytes).build().unwrap();
        ingest(&runs, &store, &defaults(), &session)
    };
    let Err(StoreError::Memory { run, needed_bytes, .. }) = at(FIXED_BYTES + 1) else {
        panic!("should not fit");
    };
    assert_eq!(run, "middle.nii");
    assert!(matches!(at(needed_bytes - 1), Err(StoreError::Memory { .. })));
    assert_eq!(letters(&at(needed_bytes).unwrap()), "wwws");
}

#[test]
fn nothing_but_a_store_or_an_empty_folder_is_written_to() {
    let folder = folder();
    let try_at = |path: &Path| ingest(&[named(1).run()], path, &defaults(), &session(1, "64MiB"));
    let refused = |path: &Path| matches!(try_at(path), Err(StoreError::NotAStore { .. }));
    fs::write(folder.path().join("file"), "x").unwrap();
    assert!(refused(&folder.path().join("file")));
    assert!(refused(folder.path()));
    assert!(refused(&folder.path().join("a.ome.zarr")));
    assert!(refused(Path::new("/")));
    let other = folder.path().join("other.zarr");
    fs::create_dir(&other).unwrap();
    let group = r#"{"zarr_format":3,"node_type":"group","attributes":{}}"#;
    fs::write(other.join("zarr.json"), group).unwrap();
    assert!(refused(&other));
    assert_eq!(tree(&other).len(), 1);
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert_eq!(letters(&try_at(&empty).unwrap()), "w");
    assert_eq!(letters(&try_at(&folder.path().join("deep/er/study.zarr")).unwrap()), "w");
}

#[test]
fn a_run_of_a_store_goes_into_another_store() {
    let folder = folder();
    ok(&[named(1).run()], &store_in(&folder), &chunks(4, 2));
    let run = open(store_in(&folder)).unwrap().run("run-1").unwrap();
    assert_eq!(run.source().access(), Access::Random);
    let copy = folder.path().join("copy.zarr");
    ok(std::slice::from_ref(&run), &copy, &chunks(8, 5));
    let copied = open(&copy).unwrap().run("run-1").unwrap();
    assert_eq!(copied.info(), run.info());
    assert_eq!(voxels(&copy, "run-1"), named(1).data);
    let stream = copied.source().stream(StreamOptions { sha256: true }).unwrap();
    assert_eq!(stream.finish().unwrap().sha256, None);
}

#[test]
fn the_facts_told_of_a_run_are_those_of_its_files() {
    let folder = folder();
    let report = ok(&[named(1).run()], &store_in(&folder), &chunks(4, 2));
    let Outcome::Written(written) = &report.runs[0].result else { panic!("not written") };
    let facts = open(store_in(&folder)).unwrap().facts("run-1").unwrap();
    let is_chunk = |path: &str| path.contains("/0/c.");
    let files = tree(&store_in(&folder));
    let chunks: Vec<_> = files.iter().filter(|(path, _)| is_chunk(path)).collect();
    let bytes: usize = chunks.iter().map(|(_, bytes)| bytes.len()).sum();
    assert_eq!((facts.chunks, facts.stored_bytes), (chunks.len() as u64, bytes as u64));
    assert_eq!((written.chunks, written.stored_bytes), (facts.chunks, facts.stored_bytes));
    assert_eq!(written.raw_bytes, named(1).data.len() as u64);
    assert_eq!(facts.voxel_digest, crate::store::digest::of(&named(1).data));
    assert!(Codec::CANDIDATES.contains(&facts.codec));
    assert_eq!(written.warnings.len(), 1);
}
