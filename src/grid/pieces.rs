//! Which contiguous stretches of an array make up a region?
//!
//! Leading axes that a region takes whole join into one stretch.

use super::Region;

/// One contiguous stretch: `len` bytes at `at` of the array's bytes go to `to` of the region's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) at: u64,
    pub(crate) to: usize,
    pub(crate) len: usize,
}

/// The pieces of a region in the order of the array, which is also that of the region.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
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
    pub(crate) fn new(offset: u64, shape: &[u64], item_bytes: usize, region: &Region) -> Self {
        let item_bytes = item_bytes as u64;
        let ndim = shape.len();
        let mut joined = ndim.min(1);
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
    fn a_cut_along_x_is_one_piece_a_row() {
        let region = Region::new(vec![1, 0, 0, 0], vec![2, 3, 1, 1]);
        let pieces = Pieces::new(100, &[4, 3, 2, 9], 2, &region);
        let starts: Vec<_> = pieces.map(|p| (p.at, p.to, p.len)).collect();
        assert_eq!(starts, [(102, 0, 4), (110, 4, 4), (118, 8, 4)]);
    }

    #[test]
    fn a_region_of_a_number_is_one_piece_and_an_empty_one_none() {
        let number: Vec<_> = Pieces::new(8, &[], 4, &Region::whole(&[])).collect();
        assert_eq!(number, [Piece { at: 8, to: 0, len: 4 }]);
        let empty = Region::new(vec![0; 4], vec![4, 0, 2, 9]);
        assert_eq!(Pieces::new(352, &[4, 3, 2, 9], 2, &empty).count(), 0);
    }
}
