//! Regions as a table: for a terminal, as tab-separated values, and what each column is.

use serde::Serialize;
use voxstore::jobs::RegionRow;

use super::names::Names;
use crate::render;

/// Columns and what they are, in their order.
pub(super) const COLUMNS: [(&str, &str); 14] = [
    ("label", "Label of the region in the atlas; 0 is background and left out"),
    ("name", "Name of the region; n/a where none was given"),
    ("voxels", "Voxels of the region"),
    ("nan", "Voxels whose value is NaN or infinite; left out of the columns that follow"),
    ("zeros", "Voxels whose value is 0; they count"),
    ("mean", "Mean over voxels"),
    ("sd", "Standard deviation over voxels, ddof 1; n/a of one voxel"),
    ("min", "Smallest value"),
    ("p05", "5th percentile, interpolated linearly between neighbours, as numpy's default"),
    ("p25", "25th percentile, likewise"),
    ("median", "Median"),
    ("p75", "75th percentile, likewise"),
    ("p95", "95th percentile, likewise"),
    ("max", "Largest value"),
];

/// A region and its name.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    name: Option<&'a str>,
    #[serde(flatten)]
    figures: &'a RegionRow,
}

impl<'a> Row<'a> {
    pub(super) fn of(figures: &'a RegionRow, names: &'a Names) -> Self {
        Self { name: names.of(figures.label), figures }
    }

    /// A cell a column.
    fn cells(&self, number: impl Fn(f64) -> String) -> [String; COLUMNS.len()] {
        let row = self.figures;
        let number = |value: f64| if value.is_nan() { "n/a".to_owned() } else { number(value) };
        [
            row.label.to_string(),
            self.name.unwrap_or("n/a").to_owned(),
            row.voxels.to_string(),
            row.nan.to_string(),
            row.zeros.to_string(),
            number(row.mean),
            number(row.sd),
            number(row.min),
            number(row.p05),
            number(row.p25),
            number(row.median),
            number(row.p75),
            number(row.p95),
            number(row.max),
        ]
    }
}

/// The lines of a file, with as many digits as make a number the same again.
pub(super) fn tsv(rows: &[Row<'_>]) -> String {
    let mut text = COLUMNS.map(|(column, _)| column).join("\t");
    text.push('\n');
    for row in rows {
        text.push_str(&row.cells(|value| format!("{value:?}")).join("\t"));
        text.push('\n');
    }
    text
}

/// The table for a terminal. Names are left out where there are none.
pub(super) fn text(rows: &[Row<'_>]) -> String {
    let named = rows.iter().any(|row| row.name.is_some());
    let shown = |column: usize| named || COLUMNS[column].0 != "name";
    let head: Vec<&str> =
        (0..COLUMNS.len()).filter(|&at| shown(at)).map(|at| COLUMNS[at].0).collect();
    let cells = |row: &Row<'_>| {
        let cells = row.cells(short).into_iter().enumerate();
        cells.filter(|(at, _)| shown(*at)).map(|(_, cell)| cell).collect()
    };
    render::table(&head, &rows.iter().map(cells).collect::<Vec<_>>())
}

fn short(value: f64) -> String {
    if value == 0.0 || (1e-2..1e6).contains(&value.abs()) {
        format!("{value:.2}")
    } else {
        format!("{value:.2e}")
    }
}
