//! How is an expression written for Graphviz?
//!
//! A node an item, a cluster a band. Lays nothing out: Graphviz does.

use std::fmt::Write as _;

use super::colours::{DOT_EDGE, DOT_LINE, DOT_PANEL, dot_fill};
use super::explanation::Explanation;
use super::folded::{Folded, Item};
use super::label::{bytes, one_line};
use super::text::workers_text;

pub(super) fn dot(explanation: &Explanation) -> String {
    let folded = Folded::new(explanation);
    let mut out = format!(
        "digraph plan {{\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", \
         fontname=\"Helvetica\", fontsize=11, color=\"{DOT_LINE}\"];\n  \
         edge [color=\"{DOT_LINE}\", arrowsize=0.7];\n",
    );
    for (at, item) in folded.items.iter().enumerate().filter(|(_, item)| item.band.is_none()) {
        let _ = writeln!(out, "  {}", node_text(at, item));
    }
    for (number, band) in folded.bands.iter().enumerate() {
        let Some(pass) = band.passes.first() else { continue };
        let lines = [
            format!("{}: {}", band.title(), pass.strategy),
            format!("peak {}, reads {}", bytes(band.peak_bytes()), bytes(band.read_bytes())),
            workers_text(pass, 'x', str::to_owned),
        ];
        let _ = writeln!(
            out,
            "  subgraph cluster_{number} {{\n    label={}; fontname=\"Helvetica\"; fontsize=11; \
             style=\"rounded,filled\"; color=\"{DOT_EDGE}\"; fillcolor=\"{DOT_PANEL}\";",
            quoted(&lines),
        );
        let own = folded.items.iter().enumerate().filter(|(_, item)| item.band == Some(number));
        for (at, item) in own {
            let _ = writeln!(out, "    {}", node_text(at, item));
        }
        out.push_str("  }\n");
    }
    for (at, item) in folded.items.iter().enumerate() {
        for input in &item.inputs {
            let _ = writeln!(out, "  n{input} -> n{at};");
        }
    }
    out.push_str("}\n");
    out
}

fn node_text(at: usize, item: &Item) -> String {
    let stored = item.stored_bytes().map(|n| format!(", {} stored", bytes(n))).unwrap_or_default();
    let type_and_shape = format!("{} {}", item.dtype(), item.shape());
    let mut lines = vec![item.title(), type_and_shape, format!("{}{stored}", bytes(item.bytes()))];
    if !item.detail().is_empty() {
        lines.push(item.detail().to_owned());
    }
    let fill = dot_fill(item.kind());
    let many = if item.is_rest() { ", peripheries=2" } else { "" };
    format!("n{at} [label={}, fillcolor=\"{fill}\"{many}];", quoted(&lines))
}

/// A quoted label, one line a part.
fn quoted(lines: &[String]) -> String {
    let escape = |line: &String| one_line(line).trim().replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", lines.iter().map(escape).collect::<Vec<_>>().join("\\n"))
}

#[cfg(test)]
mod tests {
    use super::quoted;
    use crate::picture::testing;

    /// The text with its strings taken out, or an error where one does not end.
    fn without_strings(dot: &str) -> Result<String, String> {
        let (mut out, mut inside, mut escaped) = (String::new(), false, false);
        for c in dot.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' if inside => escaped = true,
                '"' => inside = !inside,
                '\n' if inside => return Err(format!("a string breaks in {dot}")),
                _ if !inside => out.push(c),
                _ => {}
            }
        }
        if inside { Err(format!("a string does not end in {dot}")) } else { Ok(out) }
    }

    #[test]
    fn every_string_ends_and_every_brace_closes_whatever_names_hold() {
        for (name, explanation) in testing::all() {
            let plain = without_strings(&explanation.dot()).unwrap();
            assert_eq!(plain.matches('{').count(), plain.matches('}').count(), "{name}");
            assert!(plain.starts_with("digraph plan {") && plain.ends_with("}\n"), "{name}");
        }
        assert_eq!(quoted(&["a\"\\\n".to_owned(), "b".to_owned()]), r#""a\"\\\nb""#);
    }

    #[test]
    fn every_edge_joins_nodes_that_are_declared() {
        for (name, explanation) in testing::all() {
            let dot = explanation.dot();
            for edge in dot.lines().filter(|line| line.contains(" -> n")) {
                let ends = edge.trim().trim_end_matches(';');
                for end in ends.split(" -> ") {
                    assert_eq!(dot.matches(&format!(" {end} [label=")).count(), 1, "{name}: {end}");
                }
            }
        }
    }

    #[test]
    fn labels_have_shape_type_and_bytes() {
        let dot = testing::tsnr(5).dot();
        assert!(dot.contains(r#""divide\nfloat64 (64, 64, 30)\n960.0 KiB""#), "{dot}");
        assert!(dot.contains("subgraph cluster_0"), "{dot}");
    }
}
