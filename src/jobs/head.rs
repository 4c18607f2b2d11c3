//! Which voxels are head, where nobody gave a mask?
//!
//! Those whose series changes and whose mean is above a share of the largest mean of such voxels. Reads nothing.

/// Share of the largest mean that a voxel's mean must exceed.
pub(super) const HEAD_SHARE: f64 = 0.2;

/// What the mean of a voxel of head exceeds, by means and standard deviations over time; NaN, which nothing
/// exceeds, where no series changes.
pub(super) fn threshold(voxels: impl Iterator<Item = (f64, f64)>) -> f64 {
    let changing = voxels.filter(|(mean, std)| *std > 0.0 && mean.is_finite());
    HEAD_SHARE * changing.fold(f64::NAN, |largest, (mean, _)| largest.max(mean))
}

/// Whether a voxel is head.
pub(super) fn is_head(mean: f64, std: f64, threshold: f64) -> bool {
    std > 0.0 && mean > threshold
}

#[cfg(test)]
mod tests {
    use super::{is_head, threshold};

    #[test]
    fn head_changes_and_is_bright() {
        let voxels =
            [(100.0, 1.0), (500.0, 0.0), (20.0, 1.0), (21.0, 1.0), (f64::INFINITY, f64::NAN)];
        let least = threshold(voxels.into_iter());
        assert_eq!(least, 20.0);
        let head: Vec<bool> = voxels.iter().map(|&(mean, std)| is_head(mean, std, least)).collect();
        assert_eq!(head, [true, false, false, true, false]);
        assert!(!is_head(1.0, 1.0, threshold([(1.0, 0.0)].into_iter())));
    }
}
