//! `voxstore verify`: what is whole, what is damaged, and where.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use voxstore::store;

use super::common::{folder, store_of, voxstore};
use super::files::Nifti;

const CHUNKS: [&str; 3] = ["0/c.0.0.0.0", "0/c.1.0.0.0", "0/c.2.0.0.0"];

/// A store of two runs of 6 volumes, two a chunk.
fn store(folder: &Path) -> PathBuf {
    let store = folder.join("study.zarr");
    let runs = [1, 2].map(|seed| {
        let run = Nifti { seed, ..Nifti::new([5, 4, 3, 6]) };
        run.write(folder, &format!("run-{seed}.nii.gz"))
    });
    voxstore!("ingest", runs[0], runs[1], "-o", store, "--chunk", "2,3").succeeds();
    store
}

fn file(store: &Path, run: u8, name: &str) -> PathBuf {
    store.join(format!("runs/run-{run}.ome.zarr")).join(name)
}

#[test]
fn a_store_as_it_was_written_is_well() {
    let folder = folder();
    let store = store(folder.path());
    voxstore!("verify", store)
        .succeeds()
        .shows(&["run", "chunks", "run-1", "3", "ok", "run-2", "ok"]);
    let said = voxstore!("verify", store, "--deep", "--json", "--threads", "1").succeeds().json();
    assert_eq!(said.as_array().unwrap().len(), 2);
    for row in said.as_array().unwrap() {
        assert_eq!((&row["chunks"], &row["damage"]), (&json!(3), &json!([])));
        assert!(row["read_bytes"].as_u64().unwrap() > 0);
    }
    voxstore!("verify", store, "--run", "run-2").succeeds().shows(&["run-2"]);
    voxstore!("verify", store, "--run", "run-9").fails(1, &["run-9"]);
}

#[test]
fn every_kind_of_damage_is_told_with_its_run_chunk_and_volumes() {
    let folder = folder();
    let store = store(folder.path());
    let chunk = |run, at: usize| file(&store, run, CHUNKS[at]);
    let good = fs::read(chunk(1, 1)).unwrap();
    let damaged = |reason: &str| {
        let words = ["run-1.ome.zarr", "c.1.0.0.0", "volumes 2 to 3", reason];
        voxstore!("verify", store).fails(3, &words).shows(&["1 damaged", "ok"]);
        let said = voxstore!("verify", store, "--json", "--deep").fails(3, &[]).json();
        let damage = said[0]["damage"].as_array().unwrap();
        assert_eq!(damage.len(), 1, "{damage:?}");
        assert_eq!((&damage[0]["first_volume"], &damage[0]["end_volume"]), (&json!(2), &json!(4)));
        assert_eq!(said[1]["damage"], json!([]));
    };
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    fs::write(chunk(1, 1), &flipped).unwrap();
    damaged("checksum");
    fs::write(chunk(1, 1), &good[..good.len() - 3]).unwrap();
    damaged("checksum");
    fs::write(chunk(1, 1), [&good[..], &vec![0; 1 << 20][..]].concat()).unwrap();
    damaged("expected at most");
    fs::write(chunk(1, 1), fs::read(chunk(2, 1)).unwrap()).unwrap();
    damaged("belongs elsewhere");
    fs::remove_file(chunk(1, 1)).unwrap();
    damaged("missing");
    fs::write(chunk(1, 1), &good).unwrap();
    voxstore!("verify", store, "--deep").succeeds();
}

#[test]
fn a_run_that_cannot_be_opened_does_not_hide_the_others() {
    let folder = folder();
    let store = store(folder.path());
    fs::write(file(&store, 1, "nifti/c.0"), "short").unwrap();
    let table = file(&store, 2, "chunk_crc32c/c.0.0.0.0");
    voxstore!("verify", store, "--deep").fails(3, &["damaged: runs/run-1.ome.zarr", "nifti"]);
    fs::remove_file(table).unwrap();
    let said = voxstore!("verify", store, "--json").fails(3, &[]).json();
    assert!(said[1]["error"].as_str().unwrap().contains("chunk_crc32c"), "{said}");
    voxstore!("verify", folder.path()).fails(1, &["zarr.json"]);
}

#[test]
fn voxels_that_are_not_those_ingested_are_found_by_looking_deep() {
    let folder = folder();
    let store = store(folder.path());
    // As if other voxels had been written: their digest is another, and all that tells of it. In the root, too.
    let edit = |path: &Path, node: &str| {
        let mut json: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let facts = &mut json.pointer_mut(node).unwrap()["attributes"]["voxstore"];
        facts["voxels"]["digest"] = json!(format!("xxh3-128:{}", "0".repeat(32)));
        facts.as_object_mut().unwrap().remove("digest").unwrap();
        fs::write(path, serde_json::to_vec(&json).unwrap()).unwrap();
    };
    edit(&file(&store, 1, "zarr.json"), "");
    edit(&store.join("zarr.json"), "/consolidated_metadata/metadata/runs~1run-1.ome.zarr");
    voxstore!("verify", store).succeeds();
    voxstore!("verify", store, "--deep").fails(3, &["run-1", "volumes 0 to 5", "digest"]);
}

/// A store of one run with sidecar and slope, and every file of it.
fn small_store(folder: &Path) -> (PathBuf, Vec<PathBuf>) {
    let name = "sub-1_task-x_bold";
    let sidecar = br#"{"RepetitionTime": 2.25, "SliceTiming": [0.0, 0.75, 1.5], "Note": "a"}"#;
    super::files::write(folder, &format!("{name}.json"), sidecar);
    let run = Nifti { slope: 0.5, inter: 3.0, ..Nifti::new([3, 2, 3, 4]) };
    let run = run.write(folder, &format!("{name}.nii"));
    let store = folder.join("study.zarr");
    voxstore!("ingest", run, "-o", store, "--chunk", "2,3").succeeds();
    let files = walkdir::WalkDir::new(&store).sort_by_file_name().into_iter();
    let files = files.map(|entry| entry.unwrap().into_path()).filter(|path| path.is_file());
    let files: Vec<PathBuf> = files.collect();
    (store, files)
}

/// Changes the metadata of the one run, in its own file and in the root's copy: they agree then.
fn edit(store: &Path, change: impl Fn(&mut Value)) {
    const RUN: &str = "sub-1/func/sub-1_task-x_bold.ome.zarr";
    for (file, place) in [(format!("{RUN}/zarr.json"), None), ("zarr.json".into(), Some(RUN))] {
        let path = store.join(file);
        let mut json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(match place {
            Some(run) => &mut json["consolidated_metadata"]["metadata"][run]["attributes"],
            None => &mut json["attributes"],
        });
        fs::write(&path, serde_json::to_string_pretty(&json).unwrap()).unwrap();
    }
}

#[test]
fn what_the_attributes_say_otherwise_than_the_header_is_told_with_both_values() {
    let folder = folder();
    let (store, files) = small_store(folder.path());
    let good: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    let cases = [
        ("/voxstore/scaling/slope", json!(0.25), "0.5"),
        ("/voxstore/scaling/inter", json!(-3.0), "3.0"),
        ("/voxstore/scaling/header_slope", json!(1.0), "0.5"),
        ("/voxstore/scaling/applied", json!(true), "false"),
        ("/voxstore/affine/0/3", json!(9.0), "-9.0"),
        ("/voxstore/affine_source", json!("qform"), "\"sform\""),
        ("/voxstore/sform_code", json!(2), "1"),
        ("/voxstore/zooms_mm/1", json!(3.5), "3.0"),
        ("/voxstore/grid", json!("g:0000000000000000"), "\"g:"),
        ("/voxstore/tr_s", json!(2.5), "2.25"),
        ("/voxstore/tr_source", json!("header"), "\"sidecar\""),
        ("/voxstore/start_s", json!(1.0), "0.0"),
        ("/voxstore/header_pixdim4", json!("NaN"), "2.0"),
        ("/voxstore/header_time_unit", json!("hertz"), "\"second\""),
        ("/voxstore/source/dim/5", json!(2), "1"),
        ("/voxstore/source/datatype", json!(512), "4"),
        ("/voxstore/source/endian", json!("big"), "\"little\""),
        ("/voxstore/source/format", json!("nifti2"), "\"nifti1\""),
        ("/voxstore/voxels/stored_bytes", json!(1), "chunk files have"),
        ("/voxstore/voxels/empty_chunks", json!("left out"), "\"stored\""),
        ("/bids/suffix", json!("T1w"), "\"bold\""),
        ("/bids/sidecar/RepetitionTime", json!(2.5), "2.5"),
        ("/xyz_orientation", json!("LAS"), "\"RAS\""),
        ("/ome/multiscales/0/axes/3/unit", json!("meter"), "\"millimeter\""),
    ];
    for (pointer, value, expected) in cases {
        edit(&store, |attributes| *attributes.pointer_mut(pointer).unwrap() = value.clone());
        let found = if value.is_string() { format!("is {value}") } else { format!("is {value}, ") };
        // Of a list, the place in it.
        let parts = pointer.split('/').skip(1).map(|part| match part.parse::<u8>() {
            Ok(index) => format!("[{index}]"),
            Err(_) => format!(".{part}"),
        });
        let field = format!("attributes{}", parts.collect::<String>());
        // A changed sidecar is the truth as far as a header knows: what followed from it is not.
        let (field, found) = match pointer {
            "/bids/sidecar/RepetitionTime" => ("tr_s".to_owned(), "is 2.25, ".to_owned()),
            _ => (field, found),
        };
        voxstore!("verify", store).fails(3, &[&field, &found, expected]);
        let said = voxstore!("verify", store, "--json").fails(3, &[]).json();
        let fields = said[0]["damage"].as_array().unwrap().iter().map(|d| d["field"].as_str());
        assert!(fields.flatten().any(|f| f.ends_with(&field)), "{said}");
        files.iter().zip(&good).for_each(|(file, bytes)| fs::write(file, bytes).unwrap());
    }
    voxstore!("verify", store).succeeds();
}

#[test]
fn a_header_of_another_kind_of_run_is_told() {
    let folder = folder();
    let (store, files) = small_store(folder.path());
    let header = files.iter().find(|file| file.ends_with("nifti/c.0")).unwrap();
    let mut bytes = fs::read(header).unwrap();
    let mut with = |at: usize, value: u8, words: &[&str]| {
        let old = std::mem::replace(&mut bytes[at], value);
        fs::write(header, &bytes).unwrap();
        let digest = format!("xxh3-128:{:032x}", xxhash_rust::xxh3::xxh3_128(&bytes));
        edit(&store, |attributes| attributes["voxstore"]["header"]["digest"] = json!(digest));
        voxstore!("verify", store).fails(3, words);
        bytes[at] = old;
    };
    // dim[4], datatype, vox_offset, magic.
    with(48, 3, &["voxels.shape", "is [4, 3, 2, 3]", "say [3, 3, 2, 3]"]);
    with(70, 8, &["voxels.dtype", "is int16", "say int32"]);
    with(344, 0, &["not those of such a run", "magic"]);
    with(252, 1, &["qform_code"]);
}

#[test]
fn coordinates_that_are_whole_and_wrong_are_told() {
    let folder = folder();
    let (store, files) = small_store(folder.path());
    for axis in ["t/c.0", "z/c.0", "y/c.0", "x/c.0"] {
        let file = files.iter().find(|file| file.ends_with(axis)).unwrap();
        let good = fs::read(file).unwrap();
        let mut bad = good[..good.len() - 4].to_vec();
        bad[8..16].copy_from_slice(&77.0_f64.to_le_bytes());
        bad.extend(crc32c::crc32c(&bad).to_le_bytes());
        fs::write(file, bad).unwrap();
        voxstore!("verify", store).fails(3, &[axis, "differs from byte"]);
        fs::write(file, [&good[..], &[0]].concat()).unwrap();
        voxstore!("verify", store).fails(3, &[axis, "bytes, expected"]);
        fs::remove_file(file).unwrap();
        voxstore!("verify", store).fails(3, &[axis, "cannot be read"]);
        fs::write(file, good).unwrap();
    }
}

#[test]
fn a_root_that_tells_of_other_runs_is_told_and_mended_by_the_next_ingest() {
    let folder = folder();
    let store = store(folder.path());
    let root = store.join("zarr.json");
    let good = fs::read_to_string(&root).unwrap();
    for (from, to, words) in [
        ("\"path\": \"runs/run-1", "\"path\": \"runs/run-3", &["runs/run-1", "not there"][..]),
        (
            "\"path\": \"runs/run-1",
            "\"path\": \"runs/run-3",
            &["runs/run-3", "is not in the store"],
        ),
        ("\"runs/run-2.ome.zarr/t\": {", "\"runs/run-2.ome.zarr/u\": {", &["run-2.ome.zarr/t"]),
        ("\"inline\"", "\"outline\"", &["consolidated_metadata.kind"]),
    ] {
        assert!(good.contains(from), "{from}");
        fs::write(&root, good.replacen(from, to, 1)).unwrap();
        voxstore!("verify", store).fails(3, words).shows(&["(index)", "damaged"]);
    }
    // A run that was taken away.
    fs::write(&root, good).unwrap();
    fs::remove_dir_all(store.join("runs/run-2.ome.zarr")).unwrap();
    voxstore!("verify", store).fails(3, &["runs/run-2.ome.zarr", "next ingest"]);
    let again = folder.path().join("run-2.nii.gz");
    voxstore!("ingest", again, "-o", store).succeeds();
    voxstore!("verify", store).succeeds();
}

#[test]
fn a_root_that_is_behind_the_runs_is_no_damage() {
    let folder = folder();
    let store = store(folder.path());
    let root = store.join("zarr.json");
    let old = fs::read(&root).unwrap();
    let (third, more) =
        (folder.path().join("run-3.nii.gz"), folder.path().join("sub-01_bold.nii.gz"));
    fs::copy(folder.path().join("run-1.nii.gz"), &third).unwrap();
    fs::copy(folder.path().join("run-2.nii.gz"), &more).unwrap();
    let ingest = || voxstore!("ingest", third, more, "-o", store).succeeds();
    ingest();
    // As if it had been killed when its runs were in place.
    fs::write(&root, old).unwrap();
    let said = voxstore!("verify", store).succeeds().shows(&["runs/run-3.ome.zarr", "ok"]);
    for words in ["note: ", "runs/run-3.ome.zarr and 1 more", "next ingest"] {
        assert!(said.stderr.contains(words), "{said:?}");
    }
    let rows = voxstore!("verify", store, "--json").succeeds().json();
    let unlisted = |row: &Value| row["unlisted"].as_bool().unwrap();
    assert_eq!(rows.as_array().unwrap().iter().filter(|row| unlisted(row)).count(), 2);
    // Damage is damage all the same, and so is a run that is told of in half.
    let text = fs::read_to_string(&root).unwrap();
    fs::write(&root, text.replacen("\"path\": \"runs/run-1", "\"path\": \"runs/run-9", 1)).unwrap();
    voxstore!("verify", store).fails(3, &["note: ", "run-1", "not there", "run-9"]);
    ingest();
    let said = voxstore!("verify", store).succeeds();
    assert!(!said.stderr.contains("note: "), "{said:?}");
}

/// What verifying finds, or why nothing can be.
fn found(store: &Path) -> Option<String> {
    let session = voxstore::Session::builder().threads(1).build().unwrap();
    let look = || -> Result<Vec<store::Damage>, store::StoreError> {
        let opened = store::open(store)?;
        let mut damage = opened.verify_index(opened.runs())?.damage;
        for run in opened.runs() {
            damage.extend(opened.verify(run, false, &session)?.damage);
        }
        Ok(damage)
    };
    match look() {
        Ok(damage) if damage.is_empty() => None,
        Ok(damage) => Some(format!("{damage:?}")),
        Err(error) => Some(error.to_string()),
    }
}

#[test]
fn a_flipped_bit_anywhere_is_found_but_in_when_and_by_whom_the_root_was_made() {
    let folder = folder();
    let (store, files) = small_store(folder.path());
    assert_eq!(found(&store), None);
    assert!(files.len() > 17, "{files:?}");
    let (stride, mut missed, mut flips) = (stride(), Vec::new(), 0);
    for file in &files {
        let good = fs::read(file).unwrap();
        for bit in
            (0..good.len() * 8).step_by(if good.len() < 400 { stride.min(7) } else { stride })
        {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fs::write(file, &bad).unwrap();
            flips += 1;
            if found(&store).is_none() {
                missed.push((file, bit, line_of(&good, bit / 8)));
            }
        }
        fs::write(file, &good).unwrap();
    }
    let known = |line: &String| ["\"created\"", "\"tool\""].iter().any(|key| line.contains(key));
    let is_root = |file: &PathBuf| *file == store.join("zarr.json");
    let unknown: Vec<_> =
        missed.iter().filter(|(file, _, line)| !(is_root(file) && known(line))).collect();
    assert!(unknown.is_empty(), "{} of {flips}: {unknown:#?}", unknown.len());
}

/// Every so many bits of larger files; 1 is all of them and takes minutes.
fn stride() -> usize {
    std::env::var("VOXSTORE_FLIP_STRIDE").map_or(499, |text| text.parse().unwrap())
}

/// The line of text that a byte stands in.
fn line_of(text: &[u8], at: usize) -> String {
    let start = text[..at].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    let end = text[at..].iter().position(|&b| b == b'\n').map_or(text.len(), |n| at + n);
    String::from_utf8_lossy(&text[start..end]).into_owned()
}

/// A file beside the run it was stored from, with these bytes changed.
fn changed(source: &Path, name: &str, changes: &[(usize, u8)]) -> PathBuf {
    let mut bytes = super::common::inflated(source);
    for &(at, value) in changes {
        bytes[at] = value;
    }
    let path = source.with_file_name(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn sources_are_compared_with_the_runs_they_would_become() {
    let folder = folder();
    let store = store(folder.path());
    let sources = [1, 2].map(|n| folder.path().join(format!("run-{n}.nii.gz")));
    let both = ["source", "run-1.nii.gz", "runs/run-1.ome.zarr", "the same", "run-2", "the same"];
    voxstore!("verify", store, "--against", sources[0], sources[1]).succeeds().shows(&both);
    // A folder, and a pattern; stores in it are passed over.
    voxstore!("verify", store, "--against", folder.path()).succeeds().shows(&both);
    let pattern = folder.path().join("run-*.nii.gz");
    let said = voxstore!("verify", store, "--deep", "--json", "--against", pattern).succeeds();
    let said = said.json();
    assert_eq!(said["runs"].as_array().unwrap().len(), 2);
    let against = &said["against"][1];
    assert_eq!((&against["same"], &against["differing"]), (&json!(true), &json!(0)), "{said}");
    assert_eq!(against["voxels"], json!(360));

    // A file that is no run of the store, and one that cannot be read.
    let other = Nifti::new([5, 4, 3, 6]).write(folder.path(), "other.nii");
    voxstore!("verify", store, "--against", other).fails(3, &["runs/other", "no such run"]);
    fs::write(&sources[1], b"no").unwrap();
    voxstore!("verify", store, "--against", sources[0], sources[1])
        .fails(4, &["not compared", "run-2.nii.gz"])
        .shows(&["the same", "not compared"]);
    voxstore!("verify", store, "--against", store).fails(1, &["not a store"]);
}

#[test]
fn the_first_voxel_that_differs_is_named_with_both_values() {
    let folder = folder();
    let run = Nifti { slope: 0.5, inter: 3.0, ..Nifti::new([5, 4, 3, 6]) };
    let source = run.write(folder.path(), "a.nii");
    let store = folder.path().join("study.zarr");
    voxstore!("ingest", source, "-o", store, "--chunk", "2,3").succeeds();
    let index = |[x, y, z, t]: [usize; 4]| 352 + 2 * (x + 5 * (y + 4 * (z + 3 * t)));
    let samples: Vec<i64> = run.samples().collect();
    let at = [3, 1, 2, 4];
    let stored = samples[(index(at) - 352) / 2];
    assert!(stored < 128);
    let changes = [(index(at), 201), (index([4, 1, 2, 4]), 202), (index([0, 0, 0, 5]), 203)];
    let other = changed(&source, "b.nii", &changes);
    let scaled = format!("scaled: {:?} and 103.5", stored as f64 * 0.5 + 3.0);
    let first = format!("x 3, y 1, z 2, t 4: {stored} in the store, 201 in the source");
    let words = ["3 of 360 voxels", "volumes 4 to 5", first.as_str(), scaled.as_str()];
    let compared = ["verify".as_ref(), store.as_os_str(), "--run".as_ref(), "a".as_ref()];
    let with = |more: &[&std::ffi::OsStr]| {
        let args = compared.iter().chain(more).map(|&arg| arg.to_owned()).collect();
        super::common::run(args)
    };
    with(&["--against".as_ref(), other.as_os_str()]).fails(3, &words).shows(&["3 voxels differ"]);
    // In little memory: the same answer.
    with(&["--memory".as_ref(), "20MiB".as_ref(), "--against".as_ref(), other.as_os_str()])
        .fails(3, &words);
    let said = with(&["--json".as_ref(), "--against".as_ref(), other.as_os_str()]).fails(3, &[]);
    let first = &said.json()["against"][0]["first"];
    assert_eq!((&first["at"], &first["source"]), (&json!(at), &json!("201")));
    assert_eq!(first["source_scaled"], json!(103.5));
    with(&["--against".as_ref(), other.as_os_str(), source.as_os_str()]).fails(2, &["2 files"]);
}

#[test]
fn headers_shapes_and_types_that_differ_are_named() {
    let folder = folder();
    let run = Nifti::new([5, 4, 3, 6]);
    let source = run.write(folder.path(), "a.nii");
    let store = store_of(std::slice::from_ref(&source), folder.path());
    let against = |file: &Path| voxstore!("verify", store, "--run", "a", "--against", file);
    // Free text, slope, and bytes where no field is.
    for (at, field) in [(150, "descrip"), (115, "scl_slope"), (351, "extender")] {
        let old = fs::read(&source).unwrap()[at];
        let words = format!("byte {at} of the header ({field}) is {old:#04x} in the store, 0x01");
        let other = changed(&source, "b.nii", &[(at, 1)]);
        against(&other).fails(3, &[&words]).shows(&["differs"]);
    }
    let longer = Nifti { offset: 368.0, ..run.clone() }.write(folder.path(), "c.nii");
    against(&longer).fails(3, &["vox_offset"]);
    let shorter = Nifti::new([5, 4, 3, 5]).write(folder.path(), "d.nii");
    against(&shorter).fails(3, &["shape is [5, 4, 3, 6] in the store, [5, 4, 3, 5] in the source"]);
    let wider = run.clone().of_type(8, 4).write(folder.path(), "e.nii");
    against(&wider).fails(3, &["type is int16 in the store, int32 in the source"]);
    let other_order = Nifti { big_endian: true, ..run }.write(folder.path(), "f.nii");
    against(&other_order).fails(3, &["byte 0 of the header (sizeof_hdr)"]);
}

#[test]
fn a_damaged_source_or_chunk_is_no_difference_of_voxels_but_is_told() {
    let folder = folder();
    let store = store(folder.path());
    let source = folder.path().join("run-1.nii.gz");
    let good = fs::read(&source).unwrap();
    fs::write(&source, &good[..good.len() - 4]).unwrap();
    voxstore!("verify", store, "--against", source).fails(4, &["not compared", "cut short"]);
    fs::write(&source, good).unwrap();
    fs::remove_file(file(&store, 1, CHUNKS[1])).unwrap();
    voxstore!("verify", store, "--against", source)
        .fails(3, &["damaged: runs/run-1", "not compared", "missing"]);
}
