//! Disks that fail in the middle of an array: the old one or the new one is there, whole, or none.

use std::path::Path;

use rustix::io::Errno;

use super::{numbers, open_array, options};
use crate::dtype::DType;
use crate::files::{Disk, Fault, Faults, Kind, Loss, lay_out};
use crate::grid::Region;
use crate::sink::{Sink, SinkError};
use crate::store::{Codec, ZarrSink};

const SHAPE: [u64; 3] = [4, 3, 2];

/// What is written, as new or as it was before.
fn array(old: bool) -> Vec<u8> {
    let mut numbers = numbers(&SHAPE, DType::I16);
    numbers[5] ^= u8::from(old);
    numbers
}

fn write(path: &Path, old: bool) -> Result<(), SinkError> {
    let mut options = options(&[4, 3, 1], Codec::BloscZstd);
    options.force = true;
    let sink = ZarrSink::create(path, &SHAPE, DType::I16, None, &options)
        .map_err(|error| SinkError::new("x.zarr", "create", error))?;
    let whole = Region::whole(&SHAPE);
    for z in 0..2 {
        let numbers = &array(old)[z * 24..(z + 1) * 24];
        sink.put(&whole.with_axis(2, z as u64, 1), numbers)?;
    }
    Box::new(sink).commit()
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut numbers = vec![0; array(false).len()];
    let source = open_array(path).ok()?;
    source.read(&Region::whole(&SHAPE), &mut numbers).unwrap();
    Some(numbers)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn start(old: bool, plain_renames: bool) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.zarr");
    if old {
        let _faults = Faults::record(folder.path(), plain_renames);
        write(&path, true).unwrap();
    }
    (folder, path)
}

#[test]
fn whatever_fails_the_old_array_or_the_new_one_is_there_whole() {
    let cases: [(&[Kind], Fault); 6] = [
        (&[], Fault::Once(Errno::IO)),
        (&[], Fault::PowerOff),
        (&[Kind::Create, Kind::Write], Fault::Stays(Errno::NOSPC)),
        (&[Kind::Rename], Fault::Stays(Errno::IO)),
        (&[Kind::Remove], Fault::Stays(Errno::ACCESS)),
        (&[Kind::Sync], Fault::Once(Errno::IO)),
    ];
    for (kinds, fault) in cases {
        for (old, plain) in [(false, false), (true, false), (false, true), (true, true)] {
            for at in 0.. {
                let (folder, path) = start(old, plain);
                let faults = Faults::new(folder.path(), plain, kinds, at, fault);
                let ended = write(&path, false);
                let fired = faults.fired();
                drop(faults);
                let aside = path.with_extension("zarr.old");
                // Where two renames are needed, what was there may have to wait aside.
                let found = read(&path).or_else(|| read(&aside).filter(|_| plain));
                let is_new = found.as_ref() == Some(&array(false));
                match &ended {
                    Ok(()) => assert!(is_new, "{fault:?} {at}"),
                    Err(error) if !is_new => {
                        assert_eq!(found, old.then(|| array(true)), "{fault:?} {at}: {error}");
                    }
                    Err(error) => assert!(
                        error.to_string().contains("in place") || fault == Fault::PowerOff,
                        "{fault:?} {at}: {error}"
                    ),
                }
                let is_safe = !(fired && kinds == [Kind::Sync]);
                assert!(is_safe || ended.is_err(), "{at}: a sync failed");
                if let Fault::Once(_) = fault
                    && ended.is_err()
                {
                    assert!(names(folder.path()).len() <= 1, "{at}: {:?}", names(folder.path()));
                }
                if !fired {
                    assert_eq!(names(folder.path()), ["x.zarr"]);
                    break;
                }
            }
        }
    }
}

#[test]
fn an_array_that_could_not_be_put_back_is_named() {
    let mut stranded = 0;
    for at in 0..8 {
        let (folder, path) = start(true, true);
        let faults = Faults::new(folder.path(), true, &[Kind::Rename], at, Fault::Stays(Errno::IO));
        let ended = write(&path, false);
        drop(faults);
        if let Err(error) = ended
            && error.to_string().contains("whole and lies at")
        {
            stranded += 1;
            assert!(error.to_string().contains("x.zarr.old"), "{error}");
            assert_eq!(names(folder.path()), ["x.zarr.old"]);
            assert_eq!(read(&path.with_extension("zarr.old")), Some(array(true)));
        }
    }
    assert_eq!(stranded, 1);
}

#[test]
fn a_power_cut_leaves_the_old_array_or_the_new_one_and_after_the_commit_the_new_one() {
    for (old, plain) in [(false, false), (true, false), (true, true)] {
        let (folder, path) = start(old, plain);
        let mut disk = Disk::of(folder.path());
        let faults = Faults::record(folder.path(), plain);
        write(&path, false).unwrap();
        let events = faults.events();
        drop(faults);
        for at in 0..=events.len() {
            if at > 0 {
                disk.play(&events[at - 1]);
            }
            for loss in [Loss::Unsynced, Loss::Bytes] {
                let folder = tempfile::tempdir().unwrap();
                lay_out(&disk.after(loss), folder.path());
                let path = folder.path().join("x.zarr");
                let found = read(&path)
                    .or_else(|| read(&path.with_extension("zarr.old")).filter(|_| plain));
                let is_new = found.as_ref() == Some(&array(false));
                assert!(is_new || found == old.then(|| array(true)), "{loss:?} {at}");
                assert!(is_new || at < events.len(), "{loss:?}");
            }
        }
    }
}
