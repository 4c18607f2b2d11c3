//! The median of some voxels of a map, in the map's own memory.

/// Median of `value(voxel, number)` over the voxels that `keep` names; NaN where there are none.
/// Averages the two middle values of an even count, as numpy does. Shuffles `numbers`.
pub(super) fn median_where(
    numbers: &mut [f64],
    keep: impl Fn(usize) -> bool,
    value: impl Fn(usize, f64) -> f64,
) -> f64 {
    let mut kept = 0;
    for voxel in 0..numbers.len() {
        if keep(voxel) {
            numbers[kept] = value(voxel, numbers[voxel]);
            kept += 1;
        }
    }
    let kept = &mut numbers[..kept];
    if kept.is_empty() {
        return f64::NAN;
    }
    let middle = kept.len() / 2;
    let odd = kept.len() % 2 == 1;
    let (below, upper, _) = kept.select_nth_unstable_by(middle, f64::total_cmp);
    if odd {
        return *upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    f64::midpoint(lower, *upper)
}

#[cfg(test)]
mod tests {
    use super::median_where;

    #[test]
    fn an_even_count_averages_the_middle_and_none_is_nan() {
        let mut numbers = [9.0, 1.0, 7.0, 3.0, 5.0];
        assert_eq!(median_where(&mut numbers.clone(), |_| true, |_, v| v), 5.0);
        assert_eq!(median_where(&mut numbers.clone(), |i| i != 0, |_, v| v), 4.0);
        assert_eq!(median_where(&mut numbers.clone(), |i| i > 2, |_, v| -v), -4.0);
        assert!(median_where(&mut numbers, |_| false, |_, v| v).is_nan());
    }
}
