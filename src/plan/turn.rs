//! Which sources are brought to disk first, to be read in another order?
//!
//! Those whose stored blocks are much longer than the steps in which a pass reads them: every step would
//! decode the same blocks again (`docs/decisions/0011-waiting-on-disk.md`). Brings nothing anywhere; `cut`
//! makes the pass that does.

use std::sync::Arc;

use super::MOST_REREADS;
use super::cut::Turned;
use super::pass::Pass;
use super::schedule::Schedule;
use crate::grid::saturating_count;
use crate::source::Source;

/// What a step along such a file reads: its pieces are long enough, and small budgets hold it.
const STEP_BYTES: u64 = 8 << 20;

/// The sources to turn, each with blocks in which it would be read once.
pub(super) fn to_turn(passes: &[(Pass, Schedule)]) -> Vec<Turned> {
    let mut turned: Vec<Turned> = Vec::new();
    for (pass, schedule) in passes {
        for (part, &rows) in pass.parts.iter().zip(&schedule.rows) {
            for (source, axis) in part.feed.cut_sources(rows, MOST_REREADS) {
                if turned.iter().all(|known| !Arc::ptr_eq(&known.source, source)) {
                    let block = block_to_walk(source.as_ref(), axis);
                    turned.push(Turned { source: Arc::clone(source), block });
                }
            }
        }
    }
    turned
}

/// A source's own blocks, cut along `axis` so that a row of them can be read at a time.
fn block_to_walk(source: &dyn Source, axis: usize) -> Vec<u64> {
    let item = source.dtype().size() as u64;
    let row_bytes =
        saturating_count(source.shape()).saturating_mul(item) / source.shape()[axis].max(1);
    let mut block = source.block_shape().to_vec();
    block[axis] = (STEP_BYTES / row_bytes.max(1)).clamp(1, block[axis].max(1));
    block
}
