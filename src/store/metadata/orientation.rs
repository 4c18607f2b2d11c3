//! Which way does each voxel axis run through the body?
//!
//! The answer that viewers without an affine can use: for each axis the closest anatomical
//! direction (OME-Zarr RFC-4 `orientation`, and the letters of `xyz_orientation`).

/// One end of an anatomical axis: the index in (right, anterior, superior) and whether the voxel
/// axis runs toward it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Direction {
    axis: usize,
    positive: bool,
}

impl Direction {
    /// RFC-4's words.
    pub(super) fn words(self) -> &'static str {
        match (self.axis, self.positive) {
            (0, true) => "left-to-right",
            (0, false) => "right-to-left",
            (1, true) => "posterior-to-anterior",
            (1, false) => "anterior-to-posterior",
            (_, true) => "inferior-to-superior",
            (_, false) => "superior-to-inferior",
        }
    }

    /// The letter of the side that the axis runs toward.
    pub(super) fn letter(self) -> char {
        match (self.axis, self.positive) {
            (0, true) => 'R',
            (0, false) => 'L',
            (1, true) => 'A',
            (1, false) => 'P',
            (_, true) => 'S',
            (_, false) => 'I',
        }
    }
}

/// The directions of x, y and z: of the six ways to pair voxel axes with anatomical ones, the one
/// whose cosines sum highest. `None` when a column of the affine is zero or not finite.
pub(super) fn directions(affine: &[[f64; 4]; 4]) -> Option<[Direction; 3]> {
    const PAIRINGS: [[usize; 3]; 6] =
        [[0, 1, 2], [1, 0, 2], [0, 2, 1], [2, 1, 0], [1, 2, 0], [2, 0, 1]];
    let mut cosines = [[0.0; 3]; 3];
    for (voxel, column) in cosines.iter_mut().enumerate() {
        let entries = [0, 1, 2].map(|row| affine[row][voxel]);
        let norm = entries.iter().map(|e| e * e).sum::<f64>().sqrt();
        if !(norm.is_finite() && norm > 0.0) {
            return None;
        }
        *column = entries.map(|e| e / norm);
    }
    let sum = |p: &[usize; 3]| (0..3).map(|v| cosines[v][p[v]].abs()).sum::<f64>();
    let mut best = PAIRINGS[0];
    for pairing in PAIRINGS {
        if sum(&pairing) > sum(&best) {
            best = pairing;
        }
    }
    Some([0, 1, 2].map(|v| Direction { axis: best[v], positive: cosines[v][best[v]] > 0.0 }))
}

#[cfg(test)]
mod tests {
    use super::directions;

    fn letters(rows: [[f64; 3]; 3]) -> Option<String> {
        let mut affine = [[0.0; 4]; 4];
        for (to, from) in affine.iter_mut().zip(rows) {
            to[..3].copy_from_slice(&from);
        }
        directions(&affine).map(|d| d.iter().map(|d| d.letter()).collect())
    }

    #[test]
    fn letters_are_nibabels_axcodes() {
        // nibabel.aff2axcodes, 5.4.2
        let las = [[-3.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 3.5]];
        assert_eq!(letters(las).unwrap(), "LAS");
        let sagittal = [[0.0, 0.0, 1.0], [-0.9, 0.1, 0.0], [0.1, -0.9, 0.1]];
        assert_eq!(letters(sagittal).unwrap(), "PIR");
        let oblique = [[2.0, 0.4, -0.1], [-0.3, 1.9, 0.8], [0.2, -0.8, 2.8]];
        assert_eq!(letters(oblique).unwrap(), "RAS");
        assert_eq!(letters([[0.0; 3]; 3]), None);
        assert_eq!(letters([[f64::NAN, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), None);
    }
}
