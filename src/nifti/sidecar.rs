//! What do the JSON files say that belong to a run?
//!
//! The one of the same stem beside the file; of a file in a BIDS dataset also those it inherits, merged key by
//! key, the nearest winning (which they are, `bids` decides). A sidecar that cannot be used is a warning, never
//! an error.

use std::io::{self, Read};
use std::path::Path;

use bytesize::ByteSize;
use serde_json::{Map, Value};

use super::Intake;
use crate::bids;
use crate::files::{self, File};

/// Of all of a run's: parsed, a list of numbers takes thirty times its text.
const MOST_SIDECAR_BYTES: u64 = 512 << 10;

/// What the run's sidecars say together, and which they are; both empty where there is none.
pub(super) fn sidecar(intake: &mut Intake) -> (Map<String, Value>, Vec<String>) {
    let (mut merged, mut used) = (Map::new(), Vec::new());
    let found = bids::sidecars_of(intake.path()).unwrap_or_else(|(folder, error)| {
        intake
            .warn("N94", format!("no sidecar is used: cannot list {}: {error}", folder.display()));
        Vec::new()
    });
    let mut room_bytes = MOST_SIDECAR_BYTES;
    for sidecar in found {
        match read(&sidecar.path, &mut room_bytes) {
            Ok(object) => {
                if sidecar.has_rival {
                    intake.warn("N96", format!(
                        "the sidecar {} is not the only one in its folder that applies; what has more \
                         entities wins",
                        sidecar.below
                    ));
                }
                merged.extend(object);
                used.push(sidecar.below);
            }
            Err(reason) => {
                intake.warn("N94", format!("the sidecar {} is not used: {reason}", sidecar.below));
            }
        }
    }
    (merged, used)
}

/// The object in a file that fits into what room is left.
fn read(path: &Path, room_bytes: &mut u64) -> Result<Map<String, Value>, String> {
    let too_long =
        |found: u64| format!("it has {}, with the run's others more than 512 KiB", ByteSize(found));
    match files::look(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err("its content is not here; fetch it with `datalad get FILE`".to_owned());
        }
        Err(e) => return Err(e.to_string()),
        Ok(found) if !found.is_file() => return Err("it is not a file".to_owned()),
        Ok(found) if found.len() > *room_bytes => return Err(too_long(found.len())),
        Ok(_) => {}
    }
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(*room_bytes).read_to_end(&mut text))
        .map_err(|e| e.to_string())?;
    *room_bytes -= text.len() as u64;
    // Some tools write a byte order mark, which JSON does not allow.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    serde_json::from_slice(text).map_err(|e| format!("it is not a JSON object: {e}"))
}
