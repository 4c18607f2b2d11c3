//! How much memory does a plan itself take, with what it was made from?
//!
//! Measured by the entry, not computed by the byte: lists and names are small, and many.

use std::collections::HashMap;

use super::pass::Pass;
use crate::feed::Feed;
use crate::kernel::Groups;
use crate::source::{address, open_beyond_free_bytes};

/// What a source, a program or a sum takes in the tables of a plan, with its share of the expression and
/// the headers behind it: measured on 500 joined runs (`docs/decisions/0004-memory-plan.md`).
const ENTRY_BYTES: u64 = 8 << 10;

/// So many are part of what every process needs.
const FREE_ENTRIES: u64 = 256;

/// Bytes of the plan itself and of what it was made from, beyond [`FIXED_BYTES`]. Short
/// headers and sidecars are in [`ENTRY_BYTES`].
pub(super) fn tables_bytes(passes: &[Pass]) -> u64 {
    let held: HashMap<usize, u64> = passes
        .iter()
        .flat_map(Pass::feeds)
        .flat_map(Feed::sources)
        .map(|source| (address(source), open_beyond_free_bytes(source.as_ref())))
        .collect();
    // While one is read or written, it is there in as many as three forms.
    let most_held = held.values().max().copied().unwrap_or(0);
    let held_bytes = held.values().fold(2 * most_held, |sum, &bytes| sum.saturating_add(bytes));
    let of_feed = |feed: &Feed| feed.windows.len() + feed.branches.len();
    let of_pass = |pass: &Pass| pass.sums.len() + pass.feeds().map(of_feed).sum::<usize>();
    let entries = passes.iter().map(of_pass).sum::<usize>() as u64;
    // Each part has its own share of the labels.
    let groups = passes.iter().flat_map(|pass| &pass.sums).filter_map(|sum| sum.groups.as_ref());
    let labels = groups.map(Groups::len_bytes).sum::<u64>();
    entries.saturating_sub(FREE_ENTRIES) * ENTRY_BYTES + labels + held_bytes
}
