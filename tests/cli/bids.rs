//! BIDS datasets: what is taken, what is left out, and the derivatives.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};

use super::cap::Cap;
use super::common::{folder, inflated, map_values, voxstore};
use super::files::{Nifti, gzipped, write};

/// 10 subjects, 2 sessions, 2 tasks, 5 runs.
const RUNS: usize = 200;

/// A dataset of 200 small runs, with sidecars at three levels, one damaged run, one whose content is not
/// here, and names of other kinds.
fn dataset(root: &Path) {
    let text = |name: &str, value: &Value| {
        write(root, name, value.to_string().as_bytes());
    };
    text("dataset_description.json", &json!({"Name": "made", "BIDSVersion": "1.10.0"}));
    text("task-a_bold.json", &json!({"RepetitionTime": 2.5, "EchoTime": 0.03, "Level": "root"}));
    text("task-b_bold.json", &json!({"RepetitionTime": 5.0, "Level": "root"}));
    text("sub-03/sub-03_task-a_bold.json", &json!({"EchoTime": 0.04, "Level": "subject"}));
    let nearest = "sub-03/ses-x/func/sub-03_ses-x_task-a_run-1_bold.json";
    text(nearest, &json!({"Level": "run"}));
    let bytes = gzipped(&Nifti::new([4, 4, 3, 6]).bytes());
    for sub in 1..=10 {
        for (ses, task) in [("x", "a"), ("x", "b"), ("y", "a"), ("y", "b")] {
            for run in 1..=5 {
                let name = format!("sub-{sub:02}_ses-{ses}_task-{task}_run-{run}_bold.nii.gz");
                write(root, &format!("sub-{sub:02}/ses-{ses}/func/{name}"), &bytes);
            }
        }
    }
    let damaged = "sub-02/ses-x/func/sub-02_ses-x_task-a_run-2_bold.nii.gz";
    write(root, damaged, &bytes[..bytes.len() - 20]);
    let absent = root.join("sub-02/ses-x/func/sub-02_ses-x_task-a_run-3_bold.nii.gz");
    fs::remove_file(&absent).unwrap();
    symlink("../../../.git/annex/objects/Xx/9q/MD5E-s9--0/MD5E-s9--0.nii.gz", absent).unwrap();
    for other in [
        "sub-01/ses-x/anat/sub-01_ses-x_T1w.nii.gz",
        "sub-01/ses-x/func/mean.nii.gz",
        "derivatives/p/sub-01/func/sub-01_task-a_bold.nii.gz",
        "sourcedata/sub-01_task-a_bold.nii.gz",
    ] {
        write(root, other, &bytes);
    }
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_dataset_is_ingested_with_inherited_sidecars_and_what_is_left_out_is_listed() {
    let folder = folder();
    let (root, store) = (folder.path().join("ds"), folder.path().join("s.zarr"));
    dataset(&root);
    let e = "--entity";
    let answer =
        voxstore!("ingest", root, "-o", store, e, "sub=0[123]", e, "ses=x", e, "task=a", "--json");
    let rows = answer.json();
    let rows = rows.as_array().unwrap();
    let of = |outcome: &str| rows.iter().filter(|row| row["outcome"] == outcome).count();
    assert_eq!((answer.code, of("written"), of("failed")), (Some(4), 13, 2), "{answer:?}");
    assert!(rows.iter().any(|row| row["error"].to_string().contains("datalad get")), "{answer:?}");
    let reason = |name: &str| {
        let row = rows.iter().find(|row| row["source"].as_str().unwrap().ends_with(name)).unwrap();
        row["notes"][0].as_str().unwrap().to_owned()
    };
    assert_eq!(reason("sub-01_ses-x_T1w.nii.gz"), "suffix T1w");
    assert_eq!(reason("mean.nii.gz"), "not a BIDS name");
    assert_eq!(reason("derivatives/"), "not a subject's folder");
    assert_eq!(reason("ds/sub-10/"), "sub-10");
    assert_eq!(reason("sub-03/ses-y/"), "ses-y");

    let group = store.join("sub-03/ses-x/func/sub-03_ses-x_task-a_run-1_bold.ome.zarr/zarr.json");
    let stored = json_of(&group);
    let bids = &stored["attributes"]["bids"];
    let merged = json!({"RepetitionTime": 2.5, "EchoTime": 0.04, "Level": "run"});
    assert_eq!(bids["sidecar"], merged);
    let files = json!([
        "task-a_bold.json",
        "sub-03/sub-03_task-a_bold.json",
        "sub-03/ses-x/func/sub-03_ses-x_task-a_run-1_bold.json"
    ]);
    assert_eq!(bids["sidecar_files"], files);
    assert_eq!(bids["entities"]["run"], "1");
    assert_eq!(stored["attributes"]["voxstore"]["tr_s"], 2.5);
    voxstore!("verify", store).succeeds();
    // The same words choose among the runs of a store.
    let map = folder.path().join("m.nii.gz");
    let said = voxstore!("tsnr", store, "-o", map, e, "sub=03", "--json").succeeds().json();
    assert_eq!(said["record"]["inputs"].as_array().unwrap().len(), 5);
}

#[test]
fn subjects_of_a_dataset_are_not_joined_unasked() {
    let folder = folder();
    let (root, map) = (folder.path().join("ds"), folder.path().join("m.nii.gz"));
    dataset(&root);
    voxstore!("tsnr", root, "-o", map).fails(1, &["--entity sub=01 --entity ses=x"]);
    let e = "--entity";
    let said = voxstore!("tsnr", root, "-o", map, e, "task=a", e, "sub=01", e, "ses=x", "--json");
    let said = said.succeeds().json();
    assert_eq!(said["record"]["inputs"].as_array().unwrap().len(), 5);
    assert!(said["left_out"].as_array().unwrap().len() > 10);
    voxstore!("tsnr", root, "-o", map, e, "sub", "--force").fails(2, &["KEY=VALUE"]);
    voxstore!("tsnr", root, "-o", map, e, "sub=77", "--force").fails(1, &["no file is left"]);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "Linux has the cap")]
fn derivatives_of_a_dataset_are_made_once_and_a_table_needs_only_their_sidecars() {
    let folder = folder();
    let (root, out) = (folder.path().join("ds"), folder.path().join("ds/derivatives/voxstore"));
    dataset(&root);
    let level = "participant";
    voxstore!("bids", root, out, level, "--dry-run").fails(4, &["datalad get"]);
    assert!(!out.exists());
    voxstore!("bids", root, out, level, "--participant-label", "77").fails(2, &["no subject 77"]);

    // Under the kernel's cap: what is held does not grow with the runs.
    let args = ["bids", root.to_str().unwrap(), out.to_str().unwrap(), level, "--json"];
    let args = args.into_iter().chain(["--mem", "32MiB", "--nprocs", "2"]).map(Into::into);
    let output = Cap::of(32 << 20).command(&args.collect::<Vec<_>>()).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |said: &Value, outcome: &str| {
        said["runs"].as_array().unwrap().iter().filter(|run| run["outcome"] == outcome).count()
    };
    assert_eq!((of(&said, "written"), of(&said, "failed")), (RUNS - 2, 2));
    // The folder in which the maps are is none of those that were left out.
    let left_out: Vec<&str> =
        said["left_out"].as_array().unwrap().iter().map(|o| o["path"].as_str().unwrap()).collect();
    assert!(left_out.contains(&root.join("sourcedata/").to_str().unwrap()), "{left_out:?}");
    assert!(!left_out.iter().any(|path| path.contains("derivatives")), "{left_out:?}");

    let stem = "sub-03/ses-x/func/sub-03_ses-x_task-a_run-1_stat-tsnr_boldmap";
    let record = json_of(&out.join(format!("{stem}.json")));
    let source = "sub-03/ses-x/func/sub-03_ses-x_task-a_run-1_bold.nii.gz";
    assert_eq!(record["Sources"], json!([format!("bids:raw:{source}")]));
    assert_eq!((&record["RepetitionTime"], &record["Units"]), (&json!(2.5), &json!("arbitrary")));
    // The map is that of `tsnr`, bit for bit.
    let (map, run) = (folder.path().join("m.nii.gz"), root.join(source));
    let alone = voxstore!("tsnr", run, "-o", map, "--json").succeeds().json();
    let made = out.join(format!("{stem}.nii.gz"));
    assert_eq!(map_values(&made), map_values(&map));
    // So are those it is made of, those of `reduce`.
    for op in ["mean", "std"] {
        let file = folder.path().join(format!("{op}.nii.gz"));
        voxstore!("reduce", op, run, "-o", file, "-q").succeeds();
        let part = out.join(stem.replace("tsnr", op));
        assert_eq!(map_values(&part.with_extension("nii.gz")), map_values(&file), "{op}");
        let said = json_of(&part.with_extension("json"));
        assert_eq!(said["Sources"], record["Sources"]);
        assert!(said["Definition"].as_str().unwrap().contains(" over time of stored"), "{said}");
        assert_eq!((&said["DummyVolumes"], &said["MedianTsnr"]), (&json!(0), &Value::Null));
    }
    assert_eq!(record["MedianTsnr"], alone["record"]["figures"]["concatenated_median"]);
    assert_eq!(json_of(&out.join("dataset_description.json"))["DatasetLinks"]["raw"], "../..");

    // Again: nothing but the run that was changed meanwhile.
    write(&root, source, &inflated(&run));
    let said = voxstore!("bids", root, out, level, "--json");
    assert_eq!((said.code, of(&said.json(), "written")), (Some(4), 1), "{said:?}");
    assert_eq!(of(&said.json(), "skipped"), RUNS - 3);

    // The table, of sidecars alone.
    fs::remove_file(&made).unwrap();
    voxstore!("bids", folder.path().join("gone"), out, "group").succeeds();
    let table = fs::read_to_string(out.join("group_tsnr.tsv")).unwrap();
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines.len(), 1 + RUNS - 2);
    let dictionary = json_of(&out.join("group_tsnr.json"));
    assert!(dictionary.as_object().unwrap().keys().eq(lines[0].iter()));
    let row = lines.iter().find(|line| stem.ends_with(line[0])).unwrap();
    assert_eq!(row[1..5], ["sub-03", "ses-x", "a", "1"]);
    assert_eq!(row[5], record["MedianTsnr"].to_string());

    // Somebody else's folder is left alone.
    voxstore!("bids", root, root, level).fails(1, &["did not make"]);
    let theirs = folder.path().join("theirs");
    write(&theirs, "x.txt", b"mine");
    voxstore!("bids", root, theirs, level).fails(1, &["x.txt"]);
}

#[test]
fn a_filter_file_of_fmriprep_chooses_runs() {
    let folder = folder();
    let (root, out) = (folder.path().join("ds"), folder.path().join("out"));
    dataset(&root);
    let filter = folder.path().join("filter.json");
    let run = |filter_of: &str, more: &[&str]| {
        fs::write(&filter, filter_of).unwrap();
        let args = ["bids", root.to_str().unwrap(), out.to_str().unwrap(), "participant", "--json"];
        let file = ["--dry-run", "--bids-filter-file", filter.to_str().unwrap()];
        super::common::run(args.iter().chain(&file).chain(more).map(Into::into).collect())
    };
    let sources = |filter_of: &str, more: &[&str]| -> Vec<String> {
        let said = run(filter_of, more).succeeds().json();
        let runs = said["runs"].as_array().unwrap().iter();
        runs.map(|run| run["source"].as_str().unwrap().to_owned()).collect()
    };
    let one = r#"{"bold": {"task": "a", "session": ["y"], "run": 2, "suffix": "bold"}, "t1w": {}}"#;
    assert_eq!(
        sources(one, &["--participant-label", "03"]),
        ["sub-03/ses-y/func/sub-03_ses-y_task-a_run-2_bold.nii.gz"]
    );
    // Alternatives, and an entity that is not there.
    let some = r#"{"bold": {"subject": ["03", "04"], "task": ["a", "b"], "acquisition": null}}"#;
    assert_eq!(sources(some, &[]).len(), 40);
    let none = r#"{"bold": {"session": [null, "z"]}}"#;
    run(none, &[]).fails(1, &["no run of", "left out"]);
    for (filter_of, words) in [
        (
            r#"{"bold": {"desc": "x"}}"#,
            ["filter.json: bold.desc is not honoured", "reconstruction"],
        ),
        (r#"{"bolt": {"task": "a"}}"#, ["no query \"bolt\"", "bold is honoured"]),
        (r#"{"t1w": {"session": "x"}}"#, ["no query \"bold\"", "filter.json"]),
        (r#"{"bold": {"task": []}}"#, ["bold.task", "empty list"]),
        (r#"{"bold": {"run": 1.5}}"#, ["bold.run is 1.5", "whole number"]),
        (r#"{"bold": {"suffix": "sbref"}}"#, ["bold.suffix is \"sbref\"", "\"bold\""]),
        (r#"{"bold": ["task"]}"#, ["bold is [\"task\"]", "object"]),
        (r#"{"bold": "#, ["filter.json: ", "expected JSON such as"]),
    ] {
        run(filter_of, &[]).fails(2, &words);
    }
    run(one, &["--task-id", "a"]).fails(2, &["bold.task", "one place"]);
    fs::remove_file(&filter).unwrap();
    let missing = voxstore!("bids", root, out, "participant", "--bids-filter-file", filter);
    missing.fails(1, &["filter.json", "--bids-filter-file"]);
    assert!(!out.exists());
}
