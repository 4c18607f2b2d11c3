//! Which contiguous stretches of the bytes of an array make up a region?
//!
//! The runs that the region shares with the array, in bytes.

use super::{Region, SharedRuns};

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
    /// None of an empty region.
    runs: Option<SharedRuns>,
    offset: u64,
    item_bytes: u64,
}

impl Pieces {
    /// The pieces of `region` in an array of `shape` whose first element lies at `offset`.
    pub(crate) fn new(offset: u64, shape: &[u64], item_bytes: usize, region: &Region) -> Self {
        let runs = SharedRuns::of(&Region::whole(shape), region);
        Self { runs, offset, item_bytes: item_bytes as u64 }
    }
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let run = self.runs.as_mut()?.next()?;
        let [from, to, len] = [run.from, run.to, run.len].map(|n| n * self.item_bytes);
        Some(Piece { at: self.offset + from, to: to as usize, len: len as usize })
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
