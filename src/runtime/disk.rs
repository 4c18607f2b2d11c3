//! How much room has a disk, may it be written, and is this still the file that was opened?
//!
//! What the file system says of a folder and of a file, and what would help where it refuses. Reads no content.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use rustix::fs::{Access, AtFlags, CWD, StatxFlags};

/// Bytes that whoever runs the process may still write where `folder` lies.
///
/// # Errors
/// When the folder is not there or the system does not tell.
pub(crate) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// What would help where the system refused to write, as the end of a sentence; nothing where that is clear.
pub(crate) fn remedy(refused: &io::Error) -> &'static str {
    match refused.kind() {
        io::ErrorKind::StorageFull => "; free some space or choose another disk",
        io::ErrorKind::QuotaExceeded => "; free some space of your quota or choose another disk",
        io::ErrorKind::FileTooLarge => {
            "; raise the limit on the size of a file (ulimit -f) or choose another disk"
        }
        io::ErrorKind::ReadOnlyFilesystem => "; choose another place, or mount it for writing",
        io::ErrorKind::PermissionDenied => "; choose another place, or ask who owns it",
        _ => "",
    }
}

/// Asks whether whoever runs the process may make and remove files in a folder.
///
/// # Errors
/// When not, with the system's reason.
pub(crate) fn check_writable(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
}

/// True when a file can be moved from one folder to the other by renaming it. Two mounts of one disk are as
/// far apart as two disks.
///
/// # Errors
/// When a folder is not there.
pub(crate) fn same_mount(one: &Path, other: &Path) -> io::Result<bool> {
    let mount = |folder: &Path| {
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
        let found = rustix::fs::statx(CWD, folder, AtFlags::empty(), wanted)?;
        // Systems before Linux 5.8 tell the disk only.
        Ok::<_, io::Error>((found.stx_dev_major, found.stx_dev_minor, found.stx_mnt_id))
    };
    Ok(mount(one)? == mount(other)?)
}

/// The folder that a path lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Identity, size and time of a file. Two that are equal mean that nobody wrote to it in between, nor put
/// another in its place, as far as file systems tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    pub(crate) len: u64,
    pub(crate) modified: Option<SystemTime>,
}

impl Stamp {
    pub(crate) fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            len: found.len(),
            modified: found.modified().ok(),
        }
    }
}
