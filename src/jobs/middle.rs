//! Where is the middle of some numbers, and how far from it are they?

/// The standard deviation of normal noise, in median absolute deviations.
pub(super) const STD_IN_MADS: f64 = 1.482_602_218_505_602;

/// The median; NaN of no values. Averages the two middle values of an even count, as numpy does. Shuffles them.
pub(super) fn median_of(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let (middle, odd) = (values.len() / 2, values.len() % 2 == 1);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if odd {
        return *upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    f64::midpoint(lower, *upper)
}

#[cfg(test)]
mod tests {
    use super::median_of;

    #[test]
    fn the_median_of_an_even_count_is_the_mean_of_the_middle_two_and_of_none_nan() {
        assert_eq!(median_of(&mut [9.0, 1.0, 7.0, 3.0, 5.0]), 5.0);
        assert_eq!(median_of(&mut [1.0, 7.0, 3.0, 5.0]), 4.0);
        assert!(median_of(&mut []).is_nan());
    }
}
