//! Disks that fail while NIfTI files are written or read.

use std::fs;
use std::path::Path;

use ndarray::Array3;
use rustix::io::Errno;

use super::testing::{Folder, Image, drain, voxel_bytes};
use super::{Io, NiftiError, NiftiOptions, NiftiSink, export, open, open_with, write_map};
use crate::dtype::DType;
use crate::files::{Disk, Fault, Faults, Kind, Loss};
use crate::grid::Region;
use crate::run::Run;
use crate::runtime::Session;
use crate::sink::Sink;

/// A way to write a file, and the name it goes by.
type Writer = (&'static str, fn(&Run, &Path, bool) -> Result<(), String>);

const WRITERS: [Writer; 4] = [
    ("y.nii", |run, path, overwrite| {
        export(run, path, overwrite, &Session::default()).map(drop).map_err(|e| e.to_string())
    }),
    ("y.nii.gz", |run, path, overwrite| {
        export(run, path, overwrite, &Session::default()).map(drop).map_err(|e| e.to_string())
    }),
    ("m.nii.gz", |run, path, overwrite| {
        let options = NiftiOptions { overwrite, ..NiftiOptions::default() };
        let map = Array3::from_elem((2, 3, 2), 1.5);
        write_map(path, run, map.view(), &options).map_err(|e: NiftiError| e.to_string())
    }),
    ("s.nii", |run, path, overwrite| {
        let options = NiftiOptions { overwrite, ..NiftiOptions::default() };
        let sink = NiftiSink::create(path, run.shape(), DType::I16, Some(run.info()), &options)
            .map_err(|e| e.to_string())?;
        let whole = Region::whole(run.shape());
        for t in (0..run.shape()[3]).rev() {
            let at = t as usize * 24;
            sink.put(&whole.with_axis(3, t, 1), &voxel_bytes()[at..at + 24])
                .map_err(|e| e.to_string())?;
        }
        Box::new(sink).commit().map_err(|e| e.to_string())
    }),
];

#[test]
fn whatever_fails_the_old_file_or_the_new_one_is_there_whole() {
    let sources = Folder::new();
    let run = open(sources.write("x.nii", &Image::v1().bytes)).unwrap();
    let cases: [(&[Kind], Fault); 6] = [
        (&[], Fault::Once(Errno::IO)),
        (&[], Fault::PowerOff),
        (&[Kind::Create, Kind::Write], Fault::Stays(Errno::NOSPC)),
        (&[Kind::Rename], Fault::Stays(Errno::ACCESS)),
        (&[Kind::Remove], Fault::Stays(Errno::ACCESS)),
        (&[Kind::Sync], Fault::Once(Errno::IO)),
    ];
    for (name, write) in WRITERS {
        let reference = Folder::new();
        write(&run, &reference.path(name), false).unwrap();
        let new = fs::read(reference.path(name)).unwrap();
        for (kinds, fault) in cases {
            for (old, plain) in [(false, false), (true, false), (false, true)] {
                let mut at = 0;
                loop {
                    let folder = Folder::new();
                    if old {
                        folder.write(name, b"old");
                    }
                    let above = folder.path("");
                    let faults = Faults::new(&above, plain, kinds, at, fault);
                    let ended = write(&run, &folder.path(name), old);
                    let fired = faults.fired();
                    drop(faults);
                    let found = fs::read(folder.path(name)).ok();
                    let is_new = found.as_ref() == Some(&new);
                    assert!(is_new || found == old.then(|| b"old".into()), "{name} {fault:?} {at}");
                    assert!(is_new || ended.is_err(), "{name} {fault:?} {at}");
                    let is_safe = !(fired && kinds == [Kind::Sync]);
                    assert!(is_safe || ended.is_err(), "{name} {at}: a sync failed");
                    if let (Fault::Once(_), Err(error)) = (fault, &ended) {
                        assert!(folder.names().len() <= 1, "{name} {at}: {error}");
                    }
                    if !fired {
                        assert_eq!((folder.names(), ended), (vec![name.to_owned()], Ok(())));
                        break;
                    }
                    at += 1;
                }
            }
        }
    }
}

#[test]
fn a_power_cut_leaves_the_old_file_or_the_new_one_and_after_the_commit_the_new_one() {
    let sources = Folder::new();
    let run = open(sources.write("x.nii", &Image::v1().bytes)).unwrap();
    for (name, write) in WRITERS {
        for (old, plain) in [(false, false), (true, false), (false, true)] {
            let folder = Folder::new();
            if old {
                folder.write(name, b"old");
            }
            let mut disk = Disk::of(&folder.path(""));
            let faults = Faults::record(&folder.path(""), plain);
            write(&run, &folder.path(name), old).unwrap();
            let (events, new) = (faults.events(), fs::read(folder.path(name)).unwrap());
            for at in 0..=events.len() {
                if at > 0 {
                    disk.play(&events[at - 1]);
                }
                for loss in [Loss::Unsynced, Loss::Bytes] {
                    let found = disk.after(loss).remove(Path::new(name)).flatten();
                    let is_new = found.as_ref() == Some(&new);
                    assert!(is_new || found == old.then(|| b"old".into()), "{name} {loss:?} {at}");
                    assert!(is_new || at < events.len(), "{name} {loss:?}");
                }
            }
        }
    }
}

#[test]
fn any_operation_may_fail_while_a_file_is_read() {
    let folder = Folder::new();
    let image = Image::long();
    folder.write("x.json", br#"{"RepetitionTime": 2.5}"#);
    let plain = folder.write("x.nii", &image.bytes);
    let gzip = folder.write("x.nii.gz", &image.gzip());
    let voxels = &image.bytes[352..];
    for path in [plain, gzip] {
        let mut at = 0;
        loop {
            let faults = Faults::new(&folder.path(""), false, &[], at, Fault::Once(Errno::IO));
            let read = || -> Result<Vec<u8>, Box<dyn std::error::Error>> {
                Ok(drain(&open_with(&path, Io::Read)?, true)?.0)
            };
            match read() {
                Ok(found) => assert!(found == voxels, "{at}"),
                Err(error) => {
                    assert!(faults.fired() && error.to_string().contains("x.nii"), "{error}");
                }
            }
            if !faults.fired() {
                break;
            }
            at += 1;
        }
        assert!(at > 5, "{at} operations");
    }
}
