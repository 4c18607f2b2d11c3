//! The figures of a run as tab-separated values, and in a line for people.

use voxstore::jobs::RunQc;

/// What stands above the lines for people.
pub(super) const SUMMARY: [&str; 7] = [
    "run",
    "volumes",
    "mask voxels",
    "mean std DVARS",
    "largest (volume)",
    "most outliers (volume)",
    "largest spike (slice, volume)",
];

/// Volumes and slices are counted from 0.
pub(super) fn summary(found: &RunQc) -> Vec<String> {
    let changes = &found.std_dvars[1..];
    let mean = changes.iter().sum::<f64>() / changes.len() as f64;
    let at = |place: Option<(usize, f64)>, text: &dyn Fn(f64) -> String| match place {
        Some((volume, value)) => format!("{} ({volume})", text(value)),
        None => "-".to_owned(),
    };
    let spikes = found.spikes.indexed_iter().filter(|(_, z)| !z.is_nan());
    let spike = spikes.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    vec![
        found.name.clone(),
        found.global_signal.len().to_string(),
        found.mask_voxels.to_string(),
        format!("{mean:.3}"),
        at(largest(&found.std_dvars), &|v| format!("{v:.3}")),
        at(largest(&found.outlier_fraction), &|v| format!("{:.2} %", 100.0 * v)),
        spike.map_or("-".to_owned(), |((slice, volume), z)| format!("{z:.1} ({slice}, {volume})")),
    ]
}

/// The first of the largest values that are numbers.
fn largest(values: &[f64]) -> Option<(usize, f64)> {
    let numbers = values.iter().copied().enumerate().filter(|(_, v)| !v.is_nan());
    numbers.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// A row a volume under the names of the columns.
pub(super) fn tsv(found: &RunQc) -> String {
    let columns = found.columns();
    let head: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let mut text = head.join("\t");
    text.push('\n');
    for volume in 0..found.global_signal.len() {
        let cells: Vec<String> = columns.iter().map(|(_, values)| cell(values[volume])).collect();
        text.push_str(&cells.join("\t"));
        text.push('\n');
    }
    text
}

/// As many digits as make it the same number again; n/a where there is none.
fn cell(value: f64) -> String {
    if value.is_finite() { format!("{value:?}") } else { "n/a".to_owned() }
}
