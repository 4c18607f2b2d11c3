//! Are these the voxels of that file?
//!
//! Two runs are streamed side by side, a slab of volumes at a time, and compared byte by byte as they are
//! stored. Computes nothing: how much two maps differ is `jobs::diff`'s matter.

use std::ops::Range;

use crate::dtype::{DType, Element as _, with_dtype};
use crate::nifti::field_at;
use crate::run::Run;
use crate::runtime::Session;
use crate::source::{Source, StreamOptions};
use crate::store::{Store, StoreError, stop_if_cancelled};

/// How a stored run differs from a source.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Against {
    /// What the source is called.
    pub source: String,
    /// Voxels of the run.
    pub voxels: u64,
    /// Why the two were not compared voxel by voxel: they differ in shape or type.
    pub kind: Option<String>,
    /// How many voxels differ.
    pub differing: u64,
    /// The volumes in which any does.
    pub volumes: Vec<Range<u64>>,
    /// The first of them in the order of the file.
    pub first: Option<VoxelDifference>,
    /// The first difference of the bytes before the voxels.
    pub header: Option<HeaderDifference>,
}

/// A voxel that is not the same in store and source.
#[derive(Clone, Debug, PartialEq)]
pub struct VoxelDifference {
    /// Its index `(x, y, z, t)`.
    pub at: [u64; 4],
    /// The stored number, exactly.
    pub stored: String,
    /// The source's number, exactly.
    pub source: String,
    /// Both with their own run's slope and intercept applied, where either is scaled.
    pub scaled: Option<(f64, f64)>,
}

/// A byte of the header that is not the same in store and source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderDifference {
    /// Its place, from 0.
    pub byte: usize,
    /// The field it is in, such as `scl_slope`.
    pub field: &'static str,
    /// The stored byte; `None` where the stored header ends before it.
    pub stored: Option<u8>,
    /// The source's byte; `None` where its header ends before it.
    pub source: Option<u8>,
}

impl Against {
    /// True where header and voxels are the same, byte for byte.
    pub fn is_same(&self) -> bool {
        self.kind.is_none() && self.differing == 0 && self.header.is_none()
    }
}

impl Store {
    /// Compares a stored run with a source, header and voxels byte for byte. Names as in
    /// [`run`](Self::run); the path that a source has in a store is [`path_of`](crate::store::path_of).
    ///
    /// One pass over both; memory is two slabs of volumes out of the session's budget. The source's own
    /// checksums are verified, too.
    ///
    /// # Errors
    /// As [`run`](Self::run); a voxel of either that cannot be had for certain; cancellation, or a budget that
    /// does not hold a volume of both.
    pub fn verify_against(
        &self,
        name: &str,
        source: &Run,
        session: &Session,
    ) -> Result<Against, StoreError> {
        let run = self.run(name)?;
        let mut found = Against {
            source: source.name().to_owned(),
            voxels: run.shape().iter().product(),
            kind: kind(&run, source),
            differing: 0,
            volumes: Vec::new(),
            first: None,
            header: header(&run, source),
        };
        if found.kind.is_none() {
            voxels(&run, source, &mut found, session)?;
        }
        Ok(found)
    }
}

/// Why two runs cannot be compared voxel by voxel.
fn kind(run: &Run, source: &Run) -> Option<String> {
    let differ = |what: &str, stored: String, found: String| {
        Some(format!("{what} is {stored} in the store, {found} in the source"))
    };
    let (stored, found) = (run.source().dtype(), source.source().dtype());
    if run.shape() != source.shape() {
        return differ("shape", format!("{:?}", run.shape()), format!("{:?}", source.shape()));
    }
    if stored != found {
        return differ("type", stored.to_string(), found.to_string());
    }
    None
}

fn header(run: &Run, source: &Run) -> Option<HeaderDifference> {
    let (stored, found) = (&run.info().header, &source.info().header);
    let shared = stored.len().min(found.len());
    let byte = (0..shared)
        .find(|&at| stored[at] != found[at])
        .or_else(|| (stored.len() != found.len()).then_some(shared))?;
    Some(HeaderDifference {
        byte,
        field: field_at(run.info().origin.format, byte),
        stored: stored.get(byte).copied(),
        source: found.get(byte).copied(),
    })
}

/// Streams both side by side.
fn voxels(
    run: &Run,
    source: &Run,
    found: &mut Against,
    session: &Session,
) -> Result<(), StoreError> {
    let (ours, theirs) = (run.source().as_ref(), source.source().as_ref());
    let volumes = ours.shape()[3];
    let volume_bytes = found.voxels / volumes * ours.dtype().size() as u64;
    let held_bytes = |s: &dyn Source| s.scratch_bytes().saturating_add(s.open_bytes());
    let fixed_bytes = held_bytes(ours).saturating_add(held_bytes(theirs));
    let fit = session.data_bytes().saturating_sub(fixed_bytes) / (2 * volume_bytes);
    let step = ours.block_shape()[3].min(fit).max(1);
    let slab_bytes = step.saturating_mul(volume_bytes);
    let lease_bytes = fixed_bytes.saturating_add(slab_bytes.saturating_mul(2));
    let mut lease = session.budget().lease("verify", lease_bytes)?;
    let (mut ours_slab, mut theirs_slab) = (lease.buffer(slab_bytes)?, lease.buffer(slab_bytes)?);

    let mut ours = ours.stream(StreamOptions::default())?;
    let mut theirs = theirs.stream(StreamOptions::default())?;
    let _progress = session.report(&format!("compare {}", run.name()), volumes * volume_bytes);
    for first in (0..volumes).step_by(step as usize) {
        stop_if_cancelled(session)?;
        let bytes = (step.min(volumes - first) * volume_bytes) as usize;
        ours.read_next(&mut ours_slab[..bytes])?;
        theirs.read_next(&mut theirs_slab[..bytes])?;
        let ours = ours_slab[..bytes].chunks_exact(volume_bytes as usize);
        let theirs = theirs_slab[..bytes].chunks_exact(volume_bytes as usize);
        for ((t, stored), found_bytes) in (first..).zip(ours).zip(theirs) {
            found.volume((run, source), t, stored, found_bytes);
        }
        session.progress().advance(bytes as u64);
    }
    ours.finish()?;
    theirs.finish()?;
    Ok(())
}

impl Against {
    /// Counts what differs in a volume.
    fn volume(&mut self, (run, source): (&Run, &Run), t: u64, stored: &[u8], found: &[u8]) {
        if stored == found {
            return;
        }
        let dtype = run.source().dtype();
        let pairs = stored.chunks_exact(dtype.size()).zip(found.chunks_exact(dtype.size()));
        let differing = pairs.enumerate().filter(|(_, (a, b))| a != b);
        for (index, (a, b)) in differing {
            self.differing += 1;
            self.first.get_or_insert_with(|| {
                let (x, y) = (run.shape()[0], run.shape()[1]);
                let index = index as u64;
                let ((stored, raw_stored), (found, raw_found)) =
                    (number(a, dtype), number(b, dtype));
                let scaling = [run.info().scaling, source.info().scaling];
                let scaled = |s: crate::run::Scaling, raw: f64| raw * s.slope + s.inter;
                VoxelDifference {
                    at: [index % x, index / x % y, index / x / y, t],
                    stored,
                    source: found,
                    scaled: scaling
                        .iter()
                        .any(|s| !s.is_identity())
                        .then(|| (scaled(scaling[0], raw_stored), scaled(scaling[1], raw_found))),
                }
            });
        }
        match self.volumes.last_mut() {
            Some(last) if last.end == t => last.end = t + 1,
            _ => self.volumes.push(t..t + 1),
        }
    }
}

/// A stored number as text and as `f64`. Of a NaN the bits are shown: two may differ in nothing else.
fn number(bytes: &[u8], dtype: DType) -> (String, f64) {
    let (text, value) = with_dtype!(dtype, T => {
        let value: T = bytemuck::pod_read_unaligned(bytes);
        (format!("{value:?}"), value.to_f64())
    });
    if !value.is_nan() {
        return (text, value);
    }
    let bits: Vec<String> = bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect();
    (format!("{text} (bits {})", bits.concat()), value)
}

#[cfg(test)]
mod tests {
    use super::number;
    use crate::dtype::DType;

    #[test]
    fn numbers_are_shown_exactly() {
        let text = |bytes: &[u8], dtype| number(bytes, dtype).0;
        assert_eq!(text(&u64::MAX.to_le_bytes(), DType::U64), "18446744073709551615");
        assert_eq!(text(&(-3_i16).to_le_bytes(), DType::I16), "-3");
        assert_eq!(text(&0.1_f32.to_le_bytes(), DType::F32), "0.1");
        assert_eq!(text(&(-0.0_f64).to_le_bytes(), DType::F64), "-0.0");
        assert_eq!(text(&0x7fc0_0001_u32.to_le_bytes(), DType::F32), "NaN (bits 7fc00001)");
    }
}
