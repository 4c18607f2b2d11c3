//! Shards on the command line: what `merge` leaves is what the command without `--shard` leaves.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::common::{
    DS003, FMRI1, FMRI2, compressed, fixture, folder, names, plain, program, program_path, run,
    store_of, voxstore,
};

fn tsnr(inputs: &[PathBuf], more: &[&str], output: &Path) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["tsnr".into()];
    args.extend(inputs.iter().map(Into::into));
    args.extend(more.iter().map(Into::into));
    args.extend(["-o".into(), output.into()]);
    args
}

fn shards(inputs: &[PathBuf], more: &[&str], count: usize, parts: &Path) {
    for index in (0..count).rev() {
        let shard = format!("{index}/{count}");
        let more: Vec<&str> = more.iter().copied().chain(["--shard", &shard]).collect();
        run(tsnr(inputs, &more, parts)).succeeds();
    }
}

/// A record without what differs from one computation to the next.
fn record(path: &Path) -> Value {
    let mut json: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert!(json["memory"].is_object());
    json["memory"] = Value::Null;
    json
}

#[test]
fn a_merged_map_and_its_record_are_those_of_one_process() {
    let made = folder();
    let plain = [plain(FMRI1, made.path()), plain(FMRI2, made.path())];
    let gzip = [compressed(FMRI1, made.path()), compressed(FMRI2, made.path())];
    let store = [store_of(&gzip, made.path())];
    let floats = [fixture(DS003)];
    let cases: [(&[PathBuf], &[&str]); 4] = [
        (&gzip, &["--dummy-scans", "auto"]),
        (&plain, &["--detrend", "2", "--ddof", "model", "--across", "per-run"]),
        (&store, &["--run", "*fmri*", "--mask", "auto"]),
        (&floats, &["--nan", "skip", "--constant", "nan"]),
    ];
    for (inputs, more) in cases {
        for count in [1, 2, 7] {
            let out = folder();
            let (one, merged) = (out.path().join("one"), out.path().join("merged"));
            let (one_map, merged_map) = (one.join("t.nii.gz"), merged.join("t.nii.gz"));
            fs::create_dir(&one).unwrap();
            fs::create_dir(&merged).unwrap();
            let first = run(tsnr(inputs, more, &one_map)).succeeds();
            let parts = out.path().join("parts");
            shards(inputs, more, count, &parts);
            assert_eq!(names(&parts).len(), count);
            let second = voxstore!("merge", parts, "-o", merged_map).succeeds();
            assert_eq!(names(&one), names(&merged));
            for name in names(&one).iter().filter(|name| *name != "t.json") {
                let same =
                    fs::read(one.join(name)).unwrap() == fs::read(merged.join(name)).unwrap();
                assert!(same, "{count} shards: {name} {second:?}");
            }
            assert_eq!(record(&one.join("t.json")), record(&merged.join("t.json")));
            let table = |text: &str| text.split("memory:").next().unwrap().to_owned();
            assert_eq!(table(&first.stdout), table(&second.stdout));
        }
    }
}

#[test]
fn the_commands_that_are_printed_for_missing_parts_make_them() {
    let made = folder();
    // A folder that a shell would take apart, and paths that start in it.
    let home = made.path().join("it's here");
    fs::create_dir(&home).unwrap();
    for name in [FMRI1, FMRI2] {
        let gzip = fixture(name);
        fs::copy(&gzip, home.join(gzip.file_name().unwrap())).unwrap();
    }
    let in_home = |words: &[&str]| {
        let done = program().args(words).current_dir(&home).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let inputs = ["tsnr", "fmri1.nii.gz", "fmri2.nii.gz"];
    in_home(&[&inputs[..], &["-o", "one.nii"]].concat());
    in_home(&[&inputs[..], &["-o", "parts", "--shard", "1/2", "--quiet"]].concat());

    let merged = made.path().join("merged.nii");
    let parts = home.join("parts");
    let missing = voxstore!("merge", parts, "-o", merged)
        .fails(1, &["1 of 2 units are in no part, those of shard 0/2", "make them with"]);
    assert!(!merged.exists());
    let command = missing.stderr.lines().find(|line| line.contains("--shard 0/2")).unwrap();
    let shell = Command::new("sh").args(["-c", command]).stdout(Stdio::null()).status().unwrap();
    assert!(shell.success(), "{command}");
    voxstore!("merge", parts, "-o", merged, "--quiet").succeeds();
    assert_eq!(fs::read(merged).unwrap(), fs::read(home.join("one.nii")).unwrap());
    assert!(command.contains(program_path().to_str().unwrap()));
}

#[test]
fn a_part_that_is_there_is_told_of_and_left_alone() {
    let out = folder();
    let (inputs, parts) = ([fixture(FMRI1)], out.path().join("parts"));
    let args = || tsnr(&inputs, &["--shard", "0/1", "--json"], &parts);
    let first = run(args()).succeeds().json();
    assert_eq!((&first["was_there"], &first["shard"]), (&Value::Bool(false), &"0/1".into()));
    assert!(first["memory"]["voxel_bytes_read"].as_u64() > Some(0));
    let second = run(args()).succeeds().json();
    assert_eq!(second["was_there"], Value::Bool(true));
    assert_eq!(second["memory"]["voxel_bytes_read"], 0);
    run(tsnr(&inputs, &["--shard", "0/1", "--ddof", "1"], &parts)).fails(1, &["definition.ddof"]);
    run(tsnr(&inputs, &["--shard", "1/1"], &parts)).fails(2, &["1/1", "0/4"]);
    run(tsnr(&inputs, &["--shard", "0/1", "--ddof", "1", "--force"], &parts)).succeeds();
}

#[test]
fn explain_tells_a_scheduler_what_a_shard_takes() {
    let out = folder();
    let inputs = [fixture(FMRI1), fixture(FMRI2)];
    let parts = out.path().join("parts");
    let mut args = vec![OsString::from("explain")];
    args.extend(tsnr(&inputs, &["--shard", "1/2", "--format", "json"], &parts));
    let plan = run(args).succeeds().json();
    assert_eq!(plan["summary"]["read_bytes"], 10 * 10 * 18 * 40 * 2);
    assert!(plan["summary"]["peak_bytes"].as_u64() > Some(16 << 20));
    assert!(plan["passes"][0]["workers"].as_u64() >= Some(1));
    assert!(!parts.exists());
    let part = run(tsnr(&inputs, &["--shard", "1/2", "--json"], &parts)).succeeds().json();
    assert_eq!(part["memory"]["voxel_bytes_read"], plan["summary"]["read_bytes"]);
}

#[test]
fn what_cannot_be_merged_is_said() {
    let out = folder();
    let map = out.path().join("t.nii");
    voxstore!("merge", out.path(), "-o", map).fails(1, &["has no part", ".part-00000-of-"]);
    voxstore!("merge", out.path().join("none"), "-o", map).fails(1, &["none"]);
    voxstore!("merge", "-o", map).fails(2, &["PART"]);
    let parts = out.path().join("parts");
    shards(&[fixture(FMRI1)], &[], 1, &parts);
    voxstore!("merge", parts, "-o", out.path().join("t.txt")).fails(1, &["NAME.nii"]);
    fs::write(&map, "mine").unwrap();
    voxstore!("merge", parts, "-o", map).fails(1, &["exists", "--force"]);
    assert_eq!(fs::read(&map).unwrap(), b"mine");
    voxstore!("merge", parts, "-o", map, "--force").succeeds();
}

#[test]
fn a_merged_reduction_is_that_of_one_process() {
    let made = folder();
    let store =
        store_of(&[compressed(FMRI1, made.path()), compressed(FMRI2, made.path())], made.path());
    let gzip = fixture(DS003);
    let mask = made.path().join("mask.nii");
    voxstore!("reduce", "max", gzip, "-o", mask, "--dtype", "float32").succeeds();
    let mask = mask.to_str().unwrap();
    let cases: [(&Path, &[&str], &str); 18] = [
        (&store, &["mean"], "nii"),
        (&store, &["std", "--ddof", "1", "--dtype", "float64"], "nii.gz"),
        (&store, &["sum", "--axis", "x,y,z"], "tsv"),
        (&store, &["var", "--axis", "x,y,z,t"], "json"),
        (&store, &["max", "--axis", "z"], "nii"),
        (&store, &["argmin"], "nii"),
        (&store, &["histogram", "--edges", "0,100,200,4000"], "nii"),
        (&gzip, &["prod", "--axis", "x,y"], "nii"),
        (&gzip, &["std", "--skip-nan", "--mask", mask], "nii"),
        (&gzip, &["mean", "--axis", "x,y,z", "--mask", mask], "tsv"),
        (&gzip, &["ptp"], "nii"),
        (&gzip, &["any"], "nii"),
        (&store, &["median"], "nii"),
        (&store, &["mad", "--dtype", "float64"], "nii.gz"),
        (&store, &["quantile", "--q", "0.05,0.5,0.95"], "nii"),
        (&store, &["median", "--axis", "x,y,z"], "tsv"),
        (&gzip, &["quantile", "--q", "0.9", "--quantile-method", "lower", "--mask", mask], "nii"),
        (&gzip, &["median", "--axis", "x,y,z,t", "--mask", mask], "json"),
    ];
    for (input, how, ending) in cases {
        let out = folder();
        let args = |more: &[&str], output: &Path| {
            let mut args: Vec<OsString> = vec!["reduce".into(), how[0].into(), input.into()];
            args.extend(how[1..].iter().chain(more).map(Into::into));
            args.extend(["-o".into(), output.into(), "--quiet".into()]);
            args
        };
        let (one, merged) =
            (out.path().join(format!("one.{ending}")), out.path().join(format!("merged.{ending}")));
        run(args(&[], &one)).succeeds();
        let parts = out.path().join("parts");
        for shard in ["2/3", "0/3", "1/3"] {
            run(args(&["--shard", shard], &parts)).succeeds();
        }
        voxstore!("merge", parts, "-o", merged, "--quiet").succeeds();
        if ending == "json" {
            let values = |path: &Path| {
                let text = fs::read_to_string(path).unwrap();
                serde_json::from_str::<Value>(&text).unwrap()["values"].clone()
            };
            assert_eq!(values(&one), values(&merged), "{how:?}");
            continue;
        }
        assert!(fs::read(&one).unwrap() == fs::read(&merged).unwrap(), "{how:?}");
        assert_eq!(
            record(&out.path().join("one.json")),
            record(&out.path().join("merged.json")),
            "{how:?}"
        );
    }
}

#[test]
fn a_median_of_streams_is_done_by_one_shard_and_the_other_is_told_what_to_do() {
    let out = folder();
    let parts = out.path().join("parts");
    let shard = |op: &[&str], shard: &str| {
        let mut args: Vec<OsString> = vec!["reduce".into()];
        args.extend(op.iter().map(Into::into));
        args.extend([fixture(FMRI1), fixture(FMRI2)].map(Into::into));
        args.extend(["--shard", shard, "-o"].map(Into::into));
        args.push(parts.clone().into());
        run(args)
    };
    let first = shard(&["median"], "0/2").succeeds();
    assert!(first.stderr.contains("nothing to do") && first.stderr.contains("ingest them"));
    let second = shard(&["median"], "1/2").succeeds();
    assert!(second.stdout.contains("1 of 1 units, of 2 run(s)"), "{}", second.stdout);
    // Quantiles of one q, but between samples another one.
    fs::remove_dir_all(&parts).unwrap();
    shard(&["quantile", "--q", "0.5"], "1/2").succeeds();
    shard(&["quantile", "--q", "0.5", "--quantile-method", "lower"], "1/2")
        .fails(1, &["definition.quantile_method", "linear", "lower"]);
    voxstore!("reduce", "mean", fixture(FMRI1), "--shard", "0/2").fails(2, &["-o FOLDER"]);
}

#[test]
fn shards_of_ingest_at_once_fill_the_store_that_one_process_makes() {
    let made = folder();
    let sources: Vec<PathBuf> = [FMRI1, FMRI2, DS003]
        .iter()
        .map(|name| {
            let to = made.path().join("in").join(fixture(name).file_name().unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(fixture(name), &to).unwrap();
            to
        })
        .collect();
    let one = store_of(&sources, made.path());
    let store = made.path().join("sharded.zarr");
    let shards: Vec<_> = (0..4)
        .map(|index| {
            let shard = format!("{index}/4");
            let folder = made.path().join("in");
            let args = [folder.as_os_str(), "-o".as_ref(), store.as_os_str()];
            program().arg("ingest").args(args).args(["--shard", &shard]).spawn().unwrap()
        })
        .collect();
    for shard in shards {
        let done = shard.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    assert_eq!(super::common::runs_in(&store), super::common::runs_in(&one));
    voxstore!("verify", store, "--deep").succeeds();
    let again = voxstore!("ingest", made.path().join("in"), "-o", store, "--shard", "3/4");
    assert!(again.succeeds().stderr.contains("nothing to do"));
}

/// The lines of an example that run the program, joined where they go on, as a shell would get them.
fn commands_of(example: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/scale").join(example);
    let text = fs::read_to_string(path).unwrap().replace("\\\n", " ");
    let lines = text.lines().map(|line| line.trim().trim_matches('"').to_owned());
    lines.filter(|line| line.starts_with("voxstore ")).collect()
}

#[test]
fn the_commands_of_the_examples_make_the_map_in_a_shell_loop() {
    let made = folder();
    let store = store_of(&[fixture(FMRI1), fixture(FMRI2)], made.path());
    let one = made.path().join("one.nii.gz");
    run(tsnr(std::slice::from_ref(&store), &[], &one)).succeeds();
    let program_folder = program_path().parent().unwrap().to_owned();
    let path = format!("{}:{}", program_folder.display(), std::env::var("PATH").unwrap());
    let shell = |script: &str, folder: &Path, words: &[(&str, &str)]| {
        let mut shell = Command::new("bash");
        shell.args(["-euc", script]).envs(words.iter().copied()).env("PATH", &path);
        let done = shell.current_dir(folder).output().unwrap();
        assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
    };
    let study = store.to_str().unwrap();
    let scale = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/scale");

    let out = folder();
    let script = format!("sh '{}' '{study}' 3 tsnr.nii.gz", scale.join("loop.sh").display());
    shell(&script, out.path(), &[]);
    assert!(fs::read(out.path().join("tsnr.nii.gz")).unwrap() == fs::read(&one).unwrap());

    let out = folder();
    for index in ["2", "0", "1"] {
        let script = format!("bash '{}' '{study}' parts", scale.join("shard.sbatch").display());
        let words = [("SLURM_ARRAY_TASK_ID", index), ("SLURM_ARRAY_TASK_COUNT", "3")];
        shell(&script, out.path(), &words);
    }
    let merge = scale.join("merge.sbatch");
    shell(&format!("bash '{}' parts tsnr.nii.gz", merge.display()), out.path(), &[]);
    assert!(fs::read(out.path().join("tsnr.nii.gz")).unwrap() == fs::read(&one).unwrap());

    // What the other two put into their shells.
    let snakemake: (&str, &[(&str, &str)]) = (
        "Snakefile",
        &[
            ("{params.shard}", "$i/3"),
            ("{threads}", "2"),
            ("tsnr {input}", "tsnr $study"),
            ("{input}", "parts/tsnr.part-0000?-of-00003.zarr"),
            ("{output[0]}", "tsnr.nii.gz"),
        ],
    );
    let nextflow: (&str, &[(&str, &str)]) = (
        "main.nf",
        &[
            ("${study}", "$study"),
            ("${index}/${params.shards}", "$i/3"),
            ("${task.cpus}", "2"),
            ("${parts}", "tsnr.part-0000?-of-00003.zarr"),
            ("${params.map}", "tsnr.nii.gz"),
        ],
    );
    for (example, words) in [snakemake, nextflow] {
        let out = folder();
        let mut commands = commands_of(example);
        commands.sort_by_key(|command| command.contains(" merge "));
        assert_eq!(commands.len(), 2, "{example}");
        for command in &mut commands {
            for (word, value) in words {
                *command = command.replace(word, value);
            }
            assert!(!command.contains('{'), "{example}: {command}");
        }
        let script = format!("for i in 1 0 2; do {}; done; {}", commands[0], commands[1]);
        shell(&script, out.path(), &[("study", study)]);
        assert!(fs::read(out.path().join("tsnr.nii.gz")).unwrap() == fs::read(&one).unwrap());
    }
}
