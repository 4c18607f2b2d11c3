//! Which codec makes a run small?
//!
//! Asked once a run, of one chunk: the middle one along z of the first slab. Which that is depends on the
//! run's shape and type alone, so the answer never depends on threads, memory or timing. Writes nothing.

use std::sync::Arc;

use super::plan::RunPlan;
use crate::grid::Region;
use crate::store::chunk_layout::ChunkLayout;
use crate::store::error::StoreError;

/// The layout that makes the middle chunk of the first slab, `(bytes, region)`, smallest; the first of
/// those that make it equally small. `chunk` is as long as a chunk.
pub(super) fn choose(
    plan: &RunPlan<'_>,
    first: Option<(&[u8], &Region)>,
    chunk: &mut [u8],
) -> Result<Arc<ChunkLayout>, StoreError> {
    let (Some((bytes, region)), [layout, _, ..]) = (first, &plan.layouts[..]) else {
        return Ok(Arc::clone(&plan.layouts[0]));
    };
    let position = [0, 0, plan.grid().counts()[2] / 2, 0];
    layout.cut(&bytes[..plan.bytes_of(region) as usize], region, &position, chunk);
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
