//! Which codec makes a run small?
//!
//! Asked once a run, of one chunk: the middle one along z of the first slab. Which that is depends on the
//! run's shape and type alone, so the answer never depends on threads, memory or timing. Writes nothing.

use std::sync::Arc;

use super::plan::RunPlan;
use crate::store::chunk_layout::ChunkLayout;
use crate::store::error::StoreError;

/// The layout that makes the middle chunk of the first slab smallest; the first of those that make it equally
/// small.
pub(super) fn choose(
    plan: &RunPlan<'_>,
    first_slab: Option<&[u8]>,
) -> Result<Arc<ChunkLayout>, StoreError> {
    let middle = plan.grid().counts()[2] / 2;
    let chunk = first_slab
        .and_then(|slab| slab.chunks_exact(plan.needs.chunk_bytes as usize).nth(middle as usize));
    let (Some(chunk), [layout, _, ..]) = (chunk, &plan.layouts[..]) else {
        return Ok(Arc::clone(&plan.layouts[0]));
    };
    let mut smallest = (usize::MAX, layout);
    for layout in &plan.layouts {
        let encoded = layout.codec.encode(chunk).map_err(|reason| StoreError::Encode {
            run: plan.run.name().to_owned(),
            chunk: "the first".to_owned(),
            reason,
        })?;
        if encoded.len() < smallest.0 {
            smallest = (encoded.len(), layout);
        }
    }
    Ok(Arc::clone(smallest.1))
}
