//! Tables for people, JSON for machines.

use std::io::{self, Write as _};

use anyhow::Result;
use bytesize::ByteSize;
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle, presets};
use serde::Serialize;
use voxstore::Report;

/// Rows under a head, no lines but one between them.
const STYLE: TableStyle = presets::NOTHING
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// A table; columns whose cells all look like numbers are aligned right.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(STYLE).set_header(head.to_vec()).add_rows(rows.to_vec());
    for (index, column) in table.column_iter_mut().enumerate() {
        let numeric = |row: &Vec<String>| {
            row.get(index).is_some_and(|c| {
                c.is_empty() || c == "-" || c.starts_with(|c: char| c.is_ascii_digit())
            })
        };
        if rows.iter().all(numeric) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

/// Prints a line to stdout; a closed pipe is an error that ends the program quietly.
pub(crate) fn line(text: &str) -> Result<()> {
    Ok(writeln!(io::stdout().lock(), "{text}")?)
}

/// Prints a value as JSON to stdout.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Says something to the person at the terminal.
pub(crate) fn say(text: &str) {
    // When stderr is gone there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says what memory a computation was allowed, planned and had.
pub(crate) fn memory(budget_bytes: u64, report: &Report, measured: Option<u64>) -> Result<()> {
    let peak = measured.map_or_else(String::new, |b| format!(", measured {}", ByteSize(b)));
    line(&format!(
        "memory: budget {}, projected peak {}{peak}; {} of voxels read in {} scan{}",
        ByteSize(budget_bytes),
        ByteSize(report.projected_bytes),
        ByteSize(report.read_bytes),
        report.scans,
        if report.scans == 1 { "" } else { "s" },
    ))
}

/// `64 x 64 x 30 x 173`
pub(crate) fn shape(lengths: &[u64]) -> String {
    lengths.iter().map(u64::to_string).collect::<Vec<_>>().join(" x ")
}

/// A number in as few digits as make it again. Headers hold 32-bit floats: 1.35 is shown as 1.35, not as the
/// 64-bit number nearest to it.
pub(crate) fn number(value: f64) -> String {
    if f64::from(value as f32) == value { (value as f32).to_string() } else { value.to_string() }
}

/// Seconds, or a dash where not known.
pub(crate) fn seconds(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{} s", number(value)))
}
