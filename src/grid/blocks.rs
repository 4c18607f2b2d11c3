//! A regular grid of blocks over an array; the last block of an axis may be short.

use super::Region;

/// Blocks of one shape laid over an array, from index 0, axis 0 counted fastest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlockGrid {
    shape: Vec<u64>,
    block: Vec<u64>,
}

impl BlockGrid {
    /// Blocks are clipped to the array and at least 1 long.
    pub(crate) fn new(shape: &[u64], block: &[u64]) -> Self {
        assert_eq!(shape.len(), block.len(), "one block length an axis");
        let block = block.iter().zip(shape).map(|(&b, &n)| b.clamp(1, n.max(1))).collect();
        Self { shape: shape.to_vec(), block }
    }

    pub(crate) fn block_shape(&self) -> &[u64] {
        &self.block
    }

    /// Number of blocks along each axis.
    pub(crate) fn counts(&self) -> Vec<u64> {
        self.shape.iter().zip(&self.block).map(|(&n, &b)| n.div_ceil(b)).collect()
    }

    /// Number of blocks.
    pub(crate) fn len(&self) -> u64 {
        self.counts().iter().product()
    }

    /// The block at a grid position, clipped to the array.
    pub(crate) fn region(&self, position: &[u64]) -> Region {
        let start: Vec<u64> = position.iter().zip(&self.block).map(|(&p, &b)| p * b).collect();
        let end = start.iter().zip(&self.block).zip(&self.shape).map(|((&s, &b), &n)| n.min(s + b));
        let shape = end.zip(&start).map(|(end, &start)| end - start).collect();
        Region::new(start, shape)
    }

    /// The number of the block at a grid position, axis 0 counted fastest.
    pub(crate) fn number(&self, position: &[u64]) -> u64 {
        let axes = position.iter().zip(&self.shape).zip(&self.block).rev();
        axes.fold(0, |number, ((&p, &n), &b)| number * n.div_ceil(b) + p)
    }

    /// Grid positions of the blocks that a region touches, axis 0 counted fastest.
    pub(crate) fn touching(&self, region: &Region) -> impl Iterator<Item = Vec<u64>> + '_ {
        let low: Vec<u64> = region.start().iter().zip(&self.block).map(|(&s, &b)| s / b).collect();
        let counts: Vec<u64> = (0..region.ndim())
            .map(|a| {
                if region.is_empty() { 0 } else { (region.end(a) - 1) / self.block[a] - low[a] + 1 }
            })
            .collect();
        let total: u64 = counts.iter().product();
        (0..total).map(move |mut index| {
            low.iter()
                .zip(&counts)
                .map(|(&l, &n)| {
                    let p = l + index % n;
                    index /= n;
                    p
                })
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::BlockGrid;
    use crate::grid::Region;

    #[test]
    fn a_short_last_block_counts() {
        let grid = BlockGrid::new(&[5, 3], &[2, 9]);
        assert_eq!((grid.counts(), grid.len()), (vec![3, 1], 3));
        assert_eq!(grid.block_shape(), [2, 3]);
    }

    #[test]
    fn touching_names_just_the_blocks_a_region_needs() {
        let grid = BlockGrid::new(&[10, 10], &[4, 4]);
        let hit: Vec<_> = grid.touching(&Region::new(vec![3, 8], vec![2, 1])).collect();
        assert_eq!(hit, [vec![0, 2], vec![1, 2]]);
        assert_eq!(grid.touching(&Region::new(vec![3, 8], vec![0, 1])).count(), 0);
    }

    #[test]
    fn an_empty_array_has_no_blocks() {
        assert_eq!(BlockGrid::new(&[0, 3], &[2, 2]).len(), 0);
    }
}
