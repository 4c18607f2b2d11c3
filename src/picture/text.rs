//! How does a plan read in a terminal of 100 columns?
//!
//! Its cost, its passes, its expression. What is alike is counted in `folded`; colours it has none.

use std::fmt::Write as _;

use super::explanation::{ExplainPass, Explanation, Summary};
use super::folded::{Band, Folded, shown};
use super::label::{bytes, counted, distinct_parts, one_line, shorten};
use super::tree;
use crate::grid::shape_text;

/// No line has more characters.
pub(super) const COLUMNS: usize = 100;
/// Of a name, at least so many characters are shown.
const LEAST_NAME: usize = 16;
/// Longer names are told apart by what differs in them.
const MOST_NAME: usize = 36;

pub(super) fn text(explanation: &Explanation) -> String {
    let folded = Folded::new(explanation);
    let mut out = String::new();
    summary_text(&mut out, &explanation.summary, explanation.passes.len());
    for band in &folded.bands {
        out.push('\n');
        band_text(&mut out, band);
    }
    if !folded.items.is_empty() {
        out.push_str("\nexpression\n");
        tree::tree_text(&mut out, &folded);
    }
    // A name may hold anything: it must not move the cursor or colour the terminal.
    out.lines().map(|line| shorten_end(one_line(line).trim_end()) + "\n").collect()
}

fn summary_text(out: &mut String, summary: &Summary, passes: usize) {
    let _ = writeln!(
        out,
        "plan: {}, peak {} of {}, reads {} of voxels, {}",
        counted(passes, "pass", "passes"),
        bytes(summary.peak_bytes),
        bytes(summary.budget_bytes),
        bytes(summary.read_bytes),
        counted(summary.threads, "thread", "threads"),
    );
    let _ = writeln!(
        out,
        "  fixed {}, results {}, held between passes {}, workers {}",
        bytes(summary.fixed_bytes),
        bytes(summary.result_bytes),
        bytes(summary.held_bytes),
        bytes(summary.working_bytes()),
    );
    for rewrite in &summary.rewrites {
        let _ = writeln!(out, "  {}", one_line(rewrite));
    }
}

fn band_text(out: &mut String, band: &Band) {
    let Some(pass) = band.passes.first() else { return };
    let each = if band.passes.len() > 1 { ", each as the one before" } else { "" };
    let _ = writeln!(out, "{}: {}{each}", band.title(), one_line(&pass.strategy));
    let _ = writeln!(
        out,
        "  peak {}, reads {}, {}",
        bytes(band.peak_bytes()),
        bytes(band.read_bytes()),
        workers_text(pass, 'x', str::to_owned),
    );
    if band.passes.len() == 1 {
        pass_text(out, pass);
    }
}

/// `4 workers x 3.8 MiB + 2.8 MiB of running sums`; `keep` what is to stay in one line.
pub(super) fn workers_text(pass: &ExplainPass, times: char, keep: fn(&str) -> String) -> String {
    let workers = counted(pass.workers, "worker", "workers");
    let each = keep(&format!("{workers} {times} {}", bytes(pass.worker_bytes)));
    match pass.state_bytes {
        0 => each,
        n => format!("{each} + {} of running sums", keep(&bytes(n))),
    }
}

fn pass_text(out: &mut String, pass: &ExplainPass) {
    let (sources, rest) = shown(&pass.sources);
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let names = if longest > MOST_NAME {
        distinct_parts(&names)
    } else {
        names.into_iter().map(str::to_owned).collect()
    };
    let mut rows: Vec<[String; 6]> = sources
        .iter()
        .zip(names)
        .map(|(source, name)| {
            [
                one_line(&name),
                source.dtype.clone(),
                shape_text(&source.shape),
                bytes(source.stored_bytes),
                one_line(&source.transport),
                reads_text(source.reads),
            ]
        })
        .collect();
    if !rest.is_empty() {
        let stored = rest.iter().map(|source| source.stored_bytes).fold(0, u64::saturating_add);
        let most = rest.iter().map(|source| source.reads).max().unwrap_or(0);
        let [dtype, shape, transport] = [const { String::new() }; 3];
        let count = format!("\u{2026} {} more", rest.len());
        rows.push([count, dtype, shape, bytes(stored), transport, reads_text(most)]);
    }
    table_text(out, "  reads  ", &rows);

    let (states, rest) = shown(&pass.states);
    let mut rows: Vec<[String; 3]> = states
        .iter()
        .map(|state| {
            let shared: Vec<String> = state.shared_by.iter().map(|label| one_line(label)).collect();
            let cell = format!("{} B a cell", state.bytes_per_cell);
            [one_line(&state.text), cell, format!("for {}", shared.join(", "))]
        })
        .collect();
    if !rest.is_empty() {
        rows.push([format!("\u{2026} {} more", rest.len()), String::new(), String::new()]);
    }
    table_text(out, "  keeps  ", &rows);

    let (outputs, rest) = shown(&pass.outputs);
    let mut outputs: Vec<String> = outputs.iter().map(|label| one_line(label)).collect();
    if !rest.is_empty() {
        outputs.push(format!("\u{2026} {} more", rest.len()));
    }
    table_text(out, "  makes  ", &[[outputs.join(", ")]]);
}

/// `once`, `3 times`.
pub(super) fn reads_text(reads: u64) -> String {
    if reads == 1 { "once".to_owned() } else { format!("{reads} times") }
}

/// Rows in aligned columns; the first line starts with `head`, the others as far in. The first column
/// gives way where a line has no room for all.
fn table_text<const N: usize>(out: &mut String, head: &str, rows: &[[String; N]]) {
    let indent = head.chars().count();
    let mut widths = widths(rows);
    let others: usize = widths[1..].iter().map(|width| width + 2).sum();
    widths[0] = widths[0].min(COLUMNS.saturating_sub(indent + others).max(LEAST_NAME));
    for (at, row) in rows.iter().enumerate() {
        let _ = write!(out, "{:indent$}", if at == 0 { head } else { "" });
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let gap = if column == 0 { "" } else { "  " };
            let _ = write!(out, "{gap}{:<width$}", shorten(cell, width));
        }
        out.push('\n');
    }
}

/// Characters of the longest cell of each column.
pub(super) fn widths<const N: usize>(rows: &[[String; N]]) -> [usize; N] {
    let longest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    std::array::from_fn(|column| longest(column).unwrap_or(0))
}

fn shorten_end(line: &str) -> String {
    if line.chars().count() <= COLUMNS {
        return line.to_owned();
    }
    let kept: String = line.chars().take(COLUMNS - 1).collect();
    format!("{}\u{2026}", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::COLUMNS;
    use crate::picture::testing;

    #[test]
    fn no_line_is_wider_than_the_terminal_or_moves_its_cursor() {
        for (name, explanation) in testing::all() {
            for line in explanation.text().lines() {
                assert!(line.chars().count() <= COLUMNS, "{name}: {line}");
                assert!(!line.chars().any(char::is_control), "{name}: {line:?}");
            }
        }
    }

    #[test]
    fn five_hundred_runs_take_as_many_lines_as_seven() {
        let lines = |runs| testing::tsnr(runs).text().lines().count();
        assert_eq!(lines(500), lines(7));
        assert!(lines(500) < 30);
    }

    #[test]
    fn cost_comes_first_then_passes_then_the_expression() {
        let text = testing::z_score(5).text();
        assert!(text.starts_with("plan: 2 passes, peak "), "{text}");
        let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} in {text}"));
        let order = [at("  fixed "), at("\npass 1: "), at("\npass 2: "), at("\nexpression\n")];
        assert!(order.is_sorted());
        assert!(text.contains("for mean over axis 3, std over axis 3"), "{text}");
    }

    #[test]
    fn a_source_that_is_read_again_says_so() {
        let mut explanation = testing::tsnr(2);
        explanation.passes[0].sources[1].reads = 3;
        let text = explanation.text();
        assert!(text.contains("once\n") && text.contains("3 times\n"), "{text}");
    }
}
