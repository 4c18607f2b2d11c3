//! What does the JSON file beside a run say?
//!
//! Reads the file of the same stem in the same folder, and nothing else: BIDS lets a run inherit from
//! folders above, which is not looked at. A sidecar that cannot be used is a warning, never an error.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use serde_json::{Map, Value};

use super::Intake;
use super::name::without_ending;
use crate::files::{self, File};

/// Parsed, a list of numbers takes thirty times its text.
const MOST_SIDECAR_BYTES: u64 = 512 << 10;

/// The parsed sidecar; empty where there is none.
pub(super) fn sidecar(intake: &mut Intake) -> Map<String, Value> {
    let Some(path) = sidecar_path(intake.path()) else { return Map::new() };
    match read(&path) {
        Ok(object) => object,
        Err(reason) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            intake.warn("N94", format!("the sidecar {name} is not used: {reason}"));
            Map::new()
        }
    }
}

/// `x_bold.json` for `x_bold.nii`, `x_bold.nii.gz`, `x_bold.hdr` and `x_bold.ome.zarr`, whatever the case of the
/// ending.
fn sidecar_path(path: &Path) -> Option<PathBuf> {
    let endings = [".nii.gz", ".nii", ".hdr.gz", ".hdr", ".gz", ".ome.zarr", ".nii.zarr"];
    let stem = without_ending(path, &endings)?;
    Some(path.with_file_name(format!("{stem}.json")))
}

/// The object in a file; an absent file is an empty object.
fn read(path: &Path) -> Result<Map<String, Value>, String> {
    match files::look(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Map::new()),
        Err(e) => return Err(e.to_string()),
        Ok(found) if !found.is_file() => return Err("it is not a file".to_owned()),
        Ok(found) if found.len() > MOST_SIDECAR_BYTES => {
            return Err(format!("it has {}, more than 512 KiB", ByteSize(found.len())));
        }
        Ok(_) => {}
    }
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST_SIDECAR_BYTES).read_to_end(&mut text))
        .map_err(|e| e.to_string())?;
    // Some tools write a byte order mark, which JSON does not allow.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    serde_json::from_slice(text).map_err(|e| format!("it is not a JSON object: {e}"))
}
