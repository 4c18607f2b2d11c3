//! Which way round does a volume lie, and where is a voxel?
//!
//! Axes are turned so that they come close to right, anterior and superior; nothing is resampled.

/// A volume in memory order (`x` fastest), and how it lies in the scanner.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placement {
    /// Lengths of x, y and z as stored.
    pub(crate) shape: [usize; 3],
    /// Voxel indices to millimetres.
    pub(crate) affine: [[f64; 4]; 4],
    /// Edge lengths along x, y and z as stored.
    pub(crate) zooms_mm: [f64; 3],
    /// False where nothing says which side is left.
    pub(crate) is_known: bool,
    /// The stored axes that come closest to left-right, posterior-anterior, inferior-superior.
    pub(crate) axes: [usize; 3],
    /// Which of those run the other way.
    pub(crate) flipped: [bool; 3],
}

impl Placement {
    pub(crate) fn new(
        shape: [usize; 3],
        affine: [[f64; 4]; 4],
        zooms_mm: [f64; 3],
        is_known: bool,
    ) -> Self {
        let mut axes = [0, 1, 2];
        let (mut rows, mut columns) = (vec![0, 1, 2], vec![0, 1, 2]);
        // The clearest first, so that an oblique axis takes what is left.
        while !rows.is_empty() {
            let share = |&(row, column): &(usize, usize)| -> f64 {
                affine[row][column].abs() / zooms_mm[column]
            };
            let pairs =
                rows.iter().flat_map(|&row| columns.iter().map(move |&column| (row, column)));
            let best = pairs.reduce(|a, b| if share(&b) > share(&a) { b } else { a });
            let (row, column) = best.unwrap_or_default();
            axes[row] = column;
            rows.retain(|&r| r != row);
            columns.retain(|&c| c != column);
        }
        let flipped = [0, 1, 2].map(|row| affine[row][axes[row]] < 0.0);
        Self { shape, affine, zooms_mm, is_known, axes, flipped }
    }

    /// Lengths towards right, anterior and superior.
    pub(crate) fn lengths(&self) -> [usize; 3] {
        self.axes.map(|axis| self.shape[axis])
    }

    /// Edge lengths towards right, anterior and superior.
    pub(crate) fn edges_mm(&self) -> [f64; 3] {
        self.axes.map(|axis| self.zooms_mm[axis])
    }

    /// The stored voxel that lies so far right, anterior and superior.
    pub(crate) fn voxel(&self, at: [usize; 3]) -> [usize; 3] {
        let mut voxel = [0; 3];
        for ((axis, flipped), at) in self.axes.into_iter().zip(self.flipped).zip(at) {
            voxel[axis] = if flipped { self.shape[axis] - 1 - at } else { at };
        }
        voxel
    }

    /// Where a stored voxel is in memory.
    pub(crate) fn index(&self, [x, y, z]: [usize; 3]) -> usize {
        x + self.shape[0] * (y + self.shape[1] * z)
    }

    /// Millimetres superior of the middle of a slice.
    pub(crate) fn height_mm(&self, slice: usize) -> f64 {
        let [right, anterior, _] = self.lengths().map(|n| (n - 1) as f64 / 2.0);
        let mut voxel = self.voxel([0, 0, slice]).map(|n| n as f64);
        for (direction, middle) in [right, anterior].into_iter().enumerate() {
            voxel[self.axes[direction]] = middle;
        }
        let row = self.affine[2];
        row[3] + (0..3).map(|axis| row[axis] * voxel[axis]).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::Placement;

    #[test]
    fn a_volume_stored_from_right_to_left_is_turned_round() {
        // As scanners write it: x to the left, y to the front, z up.
        let affine =
            [[-3.0, 0., 0., 90.], [0., 3.0, 0., -80.], [0., 0., 4.0, -50.], [0., 0., 0., 1.]];
        let placement = Placement::new([61, 50, 30], affine, [3.0, 3.0, 4.0], true);
        assert_eq!((placement.axes, placement.flipped), ([0, 1, 2], [true, false, false]));
        assert_eq!(placement.voxel([0, 0, 0]), [60, 0, 0]);
        assert_eq!(placement.height_mm(5), -30.0);
        assert_eq!(placement.index([1, 1, 1]), 1 + 61 + 61 * 50);
    }

    #[test]
    fn sagittal_slices_are_found_to_be_so() {
        // x to the front, y down, z to the right, and all somewhat oblique.
        let affine =
            [[0.2, 0.1, 4.0, 0.], [1.0, 0.1, -0.3, 0.], [0.1, -1.0, 0.2, 0.], [0., 0., 0., 1.]];
        let placement = Placement::new([64, 48, 20], affine, [1.02, 1.01, 4.02], true);
        assert_eq!((placement.axes, placement.flipped), ([2, 0, 1], [false, false, true]));
        assert_eq!(placement.lengths(), [20, 64, 48]);
        assert_eq!(placement.voxel([3, 5, 0]), [5, 47, 3]);
    }
}
