//! Where results go: their names, what is in the way, and files that appear whole.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;

/// The endings of a map.
pub(crate) const MAP_ENDINGS: [&str; 2] = [".nii.gz", ".nii"];

/// `tsnr.nii.gz` has `tsnr.json` beside it; `None` where the name has none of the endings.
pub(crate) fn sidecar_of(path: &Path, endings: &[&str]) -> Option<PathBuf> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    let stem = endings
        .iter()
        .find_map(|end| lower.ends_with(end).then(|| &name[..name.len() - end.len()]))
        .filter(|stem| !stem.is_empty())?;
    Some(path.with_file_name(format!("{stem}.json")))
}

/// The folder that a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Refuses a file whose folder is not there.
pub(crate) fn require_folder(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    if !folder.is_dir() {
        bail!(
            "{}: there is no folder {1}; make it with `mkdir -p {1}`",
            path.display(),
            folder.display()
        );
    }
    Ok(())
}

/// Refuses to write over what is there.
pub(crate) fn refuse_existing<'a>(
    paths: impl IntoIterator<Item = &'a Path>,
    force: bool,
) -> Result<()> {
    for path in paths {
        if path.exists() && !force {
            bail!("{} exists; choose another name or overwrite it with --force", path.display());
        }
    }
    Ok(())
}

/// Writes a JSON file that appears whole, by rename.
pub(crate) fn write_json(path: &Path, value: &impl Serialize, overwrite: bool) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    write_text(path, &text, overwrite)
}

/// Writes a text file that appears whole, by rename.
pub(crate) fn write_text(path: &Path, text: &str, overwrite: bool) -> Result<()> {
    write_bytes(path, text.as_bytes(), overwrite)
}

/// Writes a file that appears whole, by rename.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8], overwrite: bool) -> Result<()> {
    write(path, bytes, overwrite).with_context(|| format!("cannot write {}", path.display()))
}

fn write(path: &Path, bytes: &[u8], overwrite: bool) -> Result<()> {
    let folder = folder_of(path);
    // As readable as any file the user makes: the umask is taken off.
    let mut file = tempfile::Builder::new()
        .prefix(".voxstore-")
        .suffix(".part")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    if overwrite {
        file.persist(path)?;
    } else {
        file.persist_noclobber(path)?;
    }
    Ok(())
}
