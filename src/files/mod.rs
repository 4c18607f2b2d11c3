//! How does the library touch the disk?
//!
//! Every file that the library creates, writes, syncs, renames, lists, reads or removes goes through
//! here, each call a plain one of the standard library or the system. One place, so that unit tests can
//! have any operation fail, or the power, and look at what is left (`faults`, `power`). Knows nothing of
//! what is in files, and decides nothing about when to sync.

mod file;
mod folder;
mod place;
mod temp;
mod watch;

#[cfg(test)]
mod faults;
#[cfg(test)]
mod power;

pub(crate) use file::{File, canonicalize, exists, look, look_at_link, read_link};
pub(crate) use folder::{
    FileSystem, create_dir, create_dir_all, list, remove_dir, remove_dir_all, remove_file,
    sync_dir, walk,
};
pub(crate) use place::{exchange, rename, rename_to_new};
pub(crate) use temp::{TempDir, TempPath, unnamed_file};

#[cfg(test)]
pub(crate) use faults::{Event, Fault, Faults, Kind};
#[cfg(test)]
pub(crate) use power::{Disk, Loss, Tree, lay_out};
