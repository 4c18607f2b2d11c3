//! Counts of `numpy.histogram`'s bins: half-open, the last one closed; NaN is in none.

use std::ops::Range;

use bytemuck::{cast_slice, cast_slice_mut};

use super::Rows;
use crate::dtype::Number;

/// A cell's bins lie side by side.
pub(super) fn add<T: Number>(
    edges: &[f64],
    bytes: &mut [u8],
    span: Range<usize>,
    rows: Rows<'_, T>,
) {
    let bins = edges.len().saturating_sub(1);
    let counts = &mut cast_slice_mut::<_, u64>(bytes)[span.start * bins..span.end * bins];
    rows.each(|_, column, v| {
        if let Some(bin) = bin_of(edges, v.to_f64()) {
            counts[column * bins + bin] += 1;
        }
    });
}

/// What `searchsorted` makes of it: the last bin whose lower edge is not above the value.
fn bin_of(edges: &[f64], value: f64) -> Option<usize> {
    let (&last, lower) = edges.split_last()?;
    if value <= last { lower.partition_point(|&edge| edge <= value).checked_sub(1) } else { None }
}

pub(super) fn cell(edges: &[f64], bytes: &[u8], cell: usize, bin: usize) -> u64 {
    cast_slice::<_, u64>(bytes)[cell * edges.len().saturating_sub(1) + bin]
}

#[cfg(test)]
mod tests {
    use super::bin_of;

    #[test]
    fn bins_are_numpys_at_edges_empty_bins_and_infinities() {
        // numpy.histogram, numpy 2.4.6
        const INF: f64 = f64::INFINITY;
        let values =
            [-1.0, 0.0, 0.0, 0.5, 1.0, 1.0, 2.0, 3.0, f64::NAN, INF, -INF, 1.999_999_999_999_999_8];
        let cases: [(&[f64], &[u64]); 7] = [
            (&[0.0, 1.0, 2.0], &[3, 4]),
            (&[0.0, 0.0, 1.0], &[0, 5]),
            (&[0.0, 1.0, 1.0], &[3, 2]),
            (&[-1.0, -1.0, -1.0], &[0, 1]),
            (&[0.0, 0.5, 3.0], &[2, 6]),
            (&[-INF, 0.0, INF], &[2, 9]),
            (&[2.0, 3.0], &[2]),
        ];
        for (edges, want) in cases {
            let mut counts = vec![0; edges.len() - 1];
            values.iter().filter_map(|v| bin_of(edges, *v)).for_each(|bin| counts[bin] += 1);
            assert_eq!(counts, want, "{edges:?}");
        }
        assert_eq!(bin_of(&[], 1.0), None);
        assert_eq!(bin_of(&[1.0], 1.0), None);
    }
}
