//! Which pieces of a file are best read together?
//!
//! Neighbouring small pieces are grouped, so that a region cut along x costs one read a cell and not one
//! a row. Touches no file.

use std::ops::Range;

use super::mmap::CELL_BYTES;
use crate::grid::Pieces;

/// Pieces at least this long are read by themselves.
const LONG_BYTES: usize = 64 << 10;
/// Pieces this close (about a page) are read as one.
const NEAR_BYTES: u64 = 4 << 10;

/// How many of the next pieces are best read together, and the span of the file they lie in: one piece
/// of any length, or several that lie in one cell.
pub(super) fn next_group(pieces: &Pieces) -> Option<(usize, Range<u64>)> {
    let mut ahead = pieces.clone();
    let first = ahead.next()?;
    let mut end = first.at + first.len as u64;
    let mut together = 1;
    let cell_end = (first.at / CELL_BYTES as u64 + 1) * CELL_BYTES as u64;
    if first.len < LONG_BYTES && end <= cell_end {
        for piece in ahead {
            let piece_end = piece.at + piece.len as u64;
            if piece.at - end > NEAR_BYTES || piece_end > cell_end {
                break;
            }
            (end, together) = (piece_end, together + 1);
        }
    }
    Some((together, first.at..end))
}

#[cfg(test)]
mod tests {
    use super::next_group;
    use crate::grid::{Pieces, Region};

    #[test]
    fn near_rows_are_grouped() {
        let region = Region::new(vec![1, 0, 0, 0], vec![2, 3, 1, 1]);
        let pieces = Pieces::new(100, &[4, 3, 2, 9], 2, &region);
        assert_eq!(next_group(&pieces), Some((3, 102..122)));
    }

    #[test]
    fn a_voxels_series_is_far_apart_and_read_piece_by_piece() {
        let region = Region::new(vec![5, 5, 5, 0], vec![1, 1, 1, 7]);
        let pieces = Pieces::new(352, &[64, 64, 30, 7], 2, &region);
        assert_eq!(next_group(&pieces).map(|(together, _)| together), Some(1));
        assert_eq!(pieces.count(), 7);
    }

    #[test]
    fn an_empty_region_has_no_group() {
        let region = Region::new(vec![0; 4], vec![4, 0, 2, 9]);
        assert_eq!(next_group(&Pieces::new(352, &[4, 3, 2, 9], 2, &region)), None);
    }
}
