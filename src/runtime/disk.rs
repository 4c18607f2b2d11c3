//! How much room has a disk?

use std::io;
use std::path::Path;

/// Bytes that whoever runs the process may still write where `folder` lies.
///
/// # Errors
/// When the folder is not there or the system does not tell.
pub(crate) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
