//! How does a folder take the place of another, and stay there after a power cut?
//!
//! In one step where the file system knows one, else by way of a place aside. Knows nothing of what lies
//! in the folders.

use std::io;
use std::path::Path;

use super::StoreError;
use crate::files;

/// Puts the folder `new` where `old` is; then `old` lies where `new` was.
///
/// Where the file system cannot do that in one step, `old` is at `aside` for a moment, which must be
/// free. Who is killed then leaves it there, whole, for others to put back.
///
/// # Errors
/// [`StoreError::Aside`] where `old` had to stay aside; else all is as before.
pub(super) fn exchange(new: &Path, old: &Path, aside: &Path) -> Result<(), StoreError> {
    match files::exchange(new, old) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
        done => return done.map_err(StoreError::io("exchange", old)),
    }
    let above = aside.parent().unwrap_or(aside);
    files::create_dir_all(above).map_err(StoreError::io("create", above))?;
    files::rename_to_new(old, aside)
        .map_err(StoreError::io("move what is to be replaced aside, to", aside))?;
    if let Err(source) = files::rename(new, old) {
        return Err(match files::rename_to_new(aside, old) {
            Ok(()) => StoreError::io("rename the finished folder to", old)(source),
            Err(_) => StoreError::Aside { place: old.to_owned(), aside: aside.to_owned(), source },
        });
    }
    // The new one is in place; of the old one nobody needs more than to know where it is.
    drop(files::rename_to_new(aside, new));
    Ok(())
}

/// Makes the new name of what lies at `place` survive a power cut.
pub(super) fn sync_place(place: &Path) -> Result<(), StoreError> {
    let folder = place.parent().filter(|parent| !parent.as_os_str().is_empty());
    files::sync_dir(folder.unwrap_or(Path::new(".")))
        .map_err(|source| StoreError::NotSynced { place: place.to_owned(), source })
}
