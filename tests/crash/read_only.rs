//! Stores that may be read and not written.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::common::{Answer, FMRI1, FMRI2, fixture, inflated, program_path, run};
use super::files::write;
use super::process::args;
use super::sandbox::Sandbox;
use super::study::folder;

/// A store of a run with a plain name, and beside it what looks like the same run and is damaged: who
/// reads it says so.
struct Place {
    store: PathBuf,
    damaged: PathBuf,
    map: PathBuf,
    back: PathBuf,
}

impl Place {
    fn new(folder: &Path) -> Self {
        let store = folder.join("study/study.zarr");
        fs::create_dir(store.parent().unwrap()).unwrap();
        run(args!["ingest", fixture(FMRI1), "-o", store]).succeeds();
        let mut bytes = fs::read(fixture(FMRI1)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let damaged = write(folder, "fmri1.nii.gz", &bytes);
        // Where whoever reads the store may write.
        let out = folder.join("out");
        fs::create_dir(&out).unwrap();
        fs::set_permissions(&out, Permissions::from_mode(0o777)).unwrap();
        Self { store, damaged, map: out.join("map.nii"), back: out.join("back.nii") }
    }

    fn serves_readers_and_refuses_ingest(&self, run: impl Fn(Vec<OsString>) -> Answer, why: &str) {
        let Self { store, damaged, map, back } = self;
        run(args!["info", store, "--json"]).succeeds();
        run(args!["verify", store, "--deep"]).succeeds();
        run(args!["tsnr", store, "-o", map]).succeeds();
        run(args!["export", store, "-o", back]).succeeds();
        let whole = inflated(&fixture(FMRI1));
        let found = fs::read(back).unwrap();
        assert!(found == whole[..found.len()]);
        for source in [damaged, &fixture(FMRI2)] {
            let said = run(args!["ingest", source, "-o", store])
                .fails(1, &["study.zarr", why, "choose another place"]);
            assert!(!said.stderr.contains(".nii"), "{said:?}");
        }
    }
}

#[test]
fn a_store_on_a_read_only_disk_is_read_and_an_ingest_refused_before_it_reads() {
    let folder = folder();
    let place = Place::new(folder.path());
    // The whole folder; or the store alone, where the folder of staging could be written.
    for mounted in [place.store.parent().unwrap(), &place.store] {
        let mount = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"";
        let Some(sandbox) = Sandbox::new(mount, mounted) else { return };
        place.serves_readers_and_refuses_ingest(|args| sandbox.run(args), "Read-only file system");
        drop(sandbox);
        fs::remove_file(&place.map).unwrap();
        fs::remove_file(place.map.with_extension("json")).unwrap();
        fs::remove_file(&place.back).unwrap();
    }
}

#[test]
fn a_store_on_a_disk_of_its_own_is_refused_before_anything_is_read() {
    let folder = folder();
    let place = Place::new(folder.path());
    let mount = "mount --bind \"$1\" \"$1\"";
    let Some(sandbox) = Sandbox::new(mount, &place.store) else { return };
    let said = sandbox.run(args!["ingest", place.damaged, "-o", place.store]);
    let words = ["study.zarr", "file system of its own", "choose a folder in it"];
    let said = said.fails(1, &words);
    assert!(!said.stderr.contains(".nii"), "{said:?}");
}

/// Runs the program as somebody who is not root.
fn as_nobody(args: Vec<OsString>) -> Answer {
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = Command::new(if is_root { "setpriv".into() } else { program_path() });
    if is_root {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program_path());
    }
    let output = command.args(&args).output().unwrap();
    Answer::of(args, output)
}

#[test]
fn a_store_without_permission_to_write_is_read_and_an_ingest_refused_before_it_reads() {
    let folder = folder();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let place = Place::new(folder.path());
    if as_nobody(args!["info", place.store, fixture(FMRI2)]).code != Some(0) {
        println!("SKIPPED: the program cannot be run as somebody else here");
        return;
    }
    fs::set_permissions(&place.store, Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(place.store.parent().unwrap(), Permissions::from_mode(0o777)).unwrap();
    place.serves_readers_and_refuses_ingest(as_nobody, "Permission denied");
    fs::set_permissions(&place.store, Permissions::from_mode(0o755)).unwrap();
}
