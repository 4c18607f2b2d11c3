//! The list of what was filled, beside a file that is not all true.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;
use voxstore::store::{Hole, Holes};
use voxstore::{Run, Session, nifti};

use crate::{output, render};

#[derive(Serialize)]
struct Mark {
    description: &'static str,
    run: String,
    /// What stands in the place of lost voxels.
    fill: &'static str,
    /// `None` while the file is being written.
    lost_voxels: Option<u64>,
    chunks: Vec<Lost>,
    tool: &'static str,
}

/// A chunk, and the box of voxels that it was: from the first to before the last index.
#[derive(Serialize)]
struct Lost {
    chunk: String,
    x: [u64; 2],
    y: [u64; 2],
    z: [u64; 2],
    t: [u64; 2],
    reason: String,
}

impl From<&Hole> for Lost {
    fn from(hole: &Hole) -> Self {
        let range = |axis: usize| [hole.region.start()[axis], hole.region.end(axis)];
        Self {
            chunk: hole.chunk.clone(),
            x: range(0),
            y: range(1),
            z: range(2),
            t: range(3),
            reason: hole.reason.clone(),
        }
    }
}

/// `OUT.damaged.json`
pub(super) fn mark_of(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".damaged.json");
    name.into()
}

/// Removes the list of a file that is all true, where an earlier one had any.
pub(super) fn unmark(out: &Path) -> Result<()> {
    let mark = mark_of(out);
    if mark.exists() {
        fs::remove_file(&mark).with_context(|| format!("cannot remove {}", mark.display()))?;
    }
    Ok(())
}

/// Exports a run and lists what was filled; gives the bytes of voxels, and how many chunks are lost. The list
/// is there before the file is: a file that is not all true is never without one.
pub(super) fn export(
    run: &Run,
    holes: &Holes,
    out: &Path,
    force: bool,
    session: &Session,
) -> Result<(u64, usize)> {
    let path = mark_of(out);
    let mut mark = Mark {
        description: "voxels of these chunks were lost and are filled; all others are true",
        run: run.name().to_owned(),
        fill: if run.source().dtype().is_float() { "NaN" } else { "0" },
        lost_voxels: None,
        chunks: Vec::new(),
        tool: concat!("voxstore ", env!("CARGO_PKG_VERSION")),
    };
    let before = fs::read_to_string(&path).ok();
    output::write_json(&path, &mark, force)?;
    let bytes = match nifti::export(run, out, force, session) {
        Ok(bytes) => bytes,
        Err(error) => {
            // What was there before is there still.
            match before {
                Some(text) => output::write_text(&path, &text, true)?,
                None => unmark(out)?,
            }
            return Err(error.into());
        }
    };
    let found = holes.found();
    if found.is_empty() {
        unmark(out)?;
        return Ok((bytes, 0));
    }
    for hole in &found {
        let (first, end) = (hole.region.start()[3], hole.region.end(3));
        render::say(&format!(
            "damaged: {}: chunk {}, volumes {first} to {}, filled with {}: {}",
            run.name(),
            hole.chunk,
            end - 1,
            mark.fill,
            hole.reason
        ));
    }
    mark.lost_voxels = Some(found.iter().map(|hole| hole.region.len()).sum());
    mark.chunks = found.iter().map(Lost::from).collect();
    output::write_json(&path, &mark, true)?;
    Ok((bytes, found.len()))
}
