//! Which contiguous stretches of a file make up a region?
//!
//! Leading axes that a region takes whole join into one stretch. Neighbouring small stretches are
//! grouped, so that a region cut along x costs one read a cell and not one a row. Touches no
//! file.

use std::ops::Range;

use super::mapping::CELL_BYTES;
use crate::grid::Region;

/// Stretches at least this long are read by themselves.
const LONG_BYTES: usize = 64 << 10;
/// Stretches this close (about a page) are read as one.
const NEAR_BYTES: u64 = 4 << 10;

/// One contiguous stretch: `len` bytes at `at` of the file go to `to` of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) at: u64,
    pub(super) to: usize,
    pub(super) len: usize,
}

/// The pieces of a region in the order of the file, which is also the order of the buffer.
#[derive(Clone, Debug)]
pub(super) struct Pieces {
    base: u64,
    piece_bytes: usize,
    /// Length and stride in bytes of the axes that are walked, fastest first.
    outer: Vec<(u64, u64)>,
    index: Vec<u64>,
    next: u64,
    count: u64,
}

impl Pieces {
    /// The pieces of `region` in an array of `shape` whose first element lies at `offset`.
    pub(super) fn new(offset: u64, shape: &[u64], item_bytes: usize, region: &Region) -> Self {
        let item_bytes = item_bytes as u64;
        let ndim = shape.len();
        let mut joined = 1;
        while joined < ndim && region.shape()[joined - 1] == shape[joined - 1] {
            joined += 1;
        }
        let strides: Vec<u64> = shape
            .iter()
            .scan(item_bytes, |stride, &n| {
                let this = *stride;
                *stride *= n;
                Some(this)
            })
            .collect();
        let start: u64 = region.start().iter().zip(&strides).map(|(s, stride)| s * stride).sum();
        let outer: Vec<(u64, u64)> =
            (joined..ndim).map(|axis| (region.shape()[axis], strides[axis])).collect();
        let piece_bytes = region.shape()[..joined].iter().product::<u64>() * item_bytes;
        let count =
            if region.is_empty() { 0 } else { outer.iter().map(|&(n, _)| n).product::<u64>() };
        Self {
            base: offset + start,
            piece_bytes: piece_bytes as usize,
            index: vec![0; outer.len()],
            outer,
            next: 0,
            count,
        }
    }

    /// How many of the next pieces are best read together, and the span of the file they lie in:
    /// one piece of any length, or several that lie in one cell.
    pub(super) fn group(&self) -> Option<(usize, Range<u64>)> {
        let mut ahead = self.clone();
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
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if self.next == self.count {
            return None;
        }
        let at = self.base
            + self.index.iter().zip(&self.outer).map(|(i, (_, stride))| i * stride).sum::<u64>();
        let to = self.next as usize * self.piece_bytes;
        self.next += 1;
        for (i, &(n, _)) in self.index.iter_mut().zip(&self.outer) {
            *i += 1;
            if *i < n {
                break;
            }
            *i = 0;
        }
        Some(Piece { at, to, len: self.piece_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::{Piece, Pieces};
    use crate::grid::Region;

    #[test]
    fn whole_leading_axes_join_into_one_piece() {
        let region = Region::new(vec![0, 0, 0, 2], vec![4, 3, 2, 5]);
        let pieces: Vec<_> = Pieces::new(352, &[4, 3, 2, 9], 2, &region).collect();
        assert_eq!(pieces, [Piece { at: 352 + 2 * 48, to: 0, len: 5 * 48 }]);
    }

    #[test]
    fn a_cut_along_x_is_one_piece_a_row_and_near_rows_are_grouped() {
        let region = Region::new(vec![1, 0, 0, 0], vec![2, 3, 1, 1]);
        let pieces = Pieces::new(100, &[4, 3, 2, 9], 2, &region);
        assert_eq!(pieces.group(), Some((3, 102..122)));
        let starts: Vec<_> = pieces.map(|p| (p.at, p.to, p.len)).collect();
        assert_eq!(starts, [(102, 0, 4), (110, 4, 4), (118, 8, 4)]);
    }

    #[test]
    fn a_voxels_series_is_far_apart_and_read_piece_by_piece() {
        let region = Region::new(vec![5, 5, 5, 0], vec![1, 1, 1, 7]);
        let pieces = Pieces::new(352, &[64, 64, 30, 7], 2, &region);
        assert_eq!(pieces.group().map(|(together, _)| together), Some(1));
        assert_eq!(pieces.count(), 7);
    }

    #[test]
    fn an_empty_region_has_no_piece() {
        let region = Region::new(vec![0; 4], vec![4, 0, 2, 9]);
        assert_eq!(Pieces::new(352, &[4, 3, 2, 9], 2, &region).group(), None);
    }
}
