//! How is a size, a shape or a name written, and how wide is it?
//!
//! Texts in characters and in pixels. Where they stand is for those who draw them.

use bytesize::ByteSize;

use super::explanation::ExplainNode;
use crate::grid::shape_text;

/// Bytes for people: `31.2 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    ByteSize(bytes).to_string()
}

/// `1 pass`, `2 passes`.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// The shape that all nodes have, with the range of the axes they differ in: `(64, 64, 76..238)`.
/// Empty where they differ in the number of axes.
pub(super) fn common_shape<'a>(nodes: impl Iterator<Item = &'a ExplainNode> + Clone) -> String {
    let Some(first) = nodes.clone().next() else { return String::new() };
    if nodes.clone().any(|node| node.shape.len() != first.shape.len()) {
        return String::new();
    }
    let (mut low, mut high) = (first.shape.clone(), first.shape.clone());
    for node in nodes {
        for (axis, &n) in node.shape.iter().enumerate() {
            low[axis] = low[axis].min(n);
            high[axis] = high[axis].max(n);
        }
    }
    if low == high {
        return shape_text(&low);
    }
    let axis = |(l, h): (&u64, &u64)| if l == h { l.to_string() } else { format!("{l}..{h}") };
    let axes: Vec<String> = low.iter().zip(&high).map(axis).collect();
    if axes.len() == 1 { format!("({},)", axes[0]) } else { format!("({})", axes.join(", ")) }
}

/// What tells each name from the others, for where there is no room for all of it: the name without
/// the words at its start and its end that all of them have. Words end at `_`, `.` and `/`.
///
/// Names of runs are long and differ in their middle.
pub(crate) fn distinct_parts(names: &[&str]) -> Vec<String> {
    let Some((first, others)) = names.split_first() else { return Vec::new() };
    let is_break = |c: u8| matches!(c, b'_' | b'.' | b'/');
    let (mut start, mut end) = (first.len(), first.len());
    for name in others {
        let both = first.bytes().zip(name.bytes());
        start = start.min(both.take_while(|(a, b)| a == b).count());
        let both = first.bytes().rev().zip(name.bytes().rev());
        end = end.min(both.take_while(|(a, b)| a == b).count());
    }
    // Back to the ends of words, which are ASCII and so never within a character.
    let start = first.as_bytes()[..start].iter().rposition(|&c| is_break(c)).map_or(0, |at| at + 1);
    let tail = &first.as_bytes()[first.len() - end..];
    let end = tail.iter().position(|&c| is_break(c)).map_or(0, |at| end - at);
    let dots = |cut: usize| if cut > 0 { "\u{2026}" } else { "" };
    let part = |name: &&str| match name.get(start..name.len().saturating_sub(end)) {
        Some(own) if !own.is_empty() => format!("{}{own}{}", dots(start), dots(end)),
        _ => (*name).to_owned(),
    };
    names.iter().map(part).collect()
}

/// `text` without breaks and other control characters.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `text` with its middle taken out where it has more than `most` characters. Names of runs differ
/// at their end and say whose they are at their start.
pub(super) fn shorten(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let head: String = text.chars().take(kept / 3).collect();
    let tail: String = text.chars().skip(count - (kept - kept / 3)).collect();
    format!("{head}\u{2026}{tail}")
}

/// Width of `text` in pixels, at most: as wide as the widest of the usual sans-serif fonts has it.
pub(super) fn width(text: &str, size: f64, bold: bool) -> f64 {
    let ems: f64 = text.chars().map(ems).sum();
    ems * size * if bold { 1.1 } else { 1.0 }
}

fn ems(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '|' | '\'' | ' ' | '\u{a0}' => 0.33,
        'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '-' | '/' | '"' | 's' | 'c' | 'z' => 0.5,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 1.0,
        'A'..='Z' | '\u{d7}' | '+' | '=' | '<' | '>' => 0.8,
        c if c.is_ascii() => 0.64,
        '\u{b7}' | '\u{2013}' | '\u{2026}' => 0.7,
        // Scripts of wide characters.
        _ => 1.1,
    }
}

/// The first of these texts that is no wider than `most` pixels, or the last one shortened to it.
pub(super) fn fit_one(texts: &[&str], most: f64, size: f64, bold: bool) -> String {
    let fits = texts.iter().find(|text| width(text, size, bold) <= most);
    fit(fits.or(texts.last()).unwrap_or(&""), most, size, bold)
}

/// `text` shortened to `most` pixels.
pub(super) fn fit(text: &str, most: f64, size: f64, bold: bool) -> String {
    if width(text, size, bold) <= most {
        return text.to_owned();
    }
    let mut count = text.chars().count();
    while count > 3 {
        count -= 1;
        let short = shorten(text, count);
        if width(&short, size, bold) <= most {
            return short;
        }
    }
    shorten(text, count)
}

/// `text` without places where [`wrap`] may break it.
pub(super) fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

/// `text` in lines of at most `most` pixels, broken at spaces; a longer word is shortened.
pub(super) fn wrap(text: &str, most: f64, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word = fit(word, most, size, false);
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size, false) <= most => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{common_shape, distinct_parts, fit, shorten, width, wrap};
    use crate::picture::testing;

    #[test]
    fn a_long_name_keeps_its_start_and_more_of_its_end() {
        let name = "sub-01_ses-test_task-fingerfootlips_run-1_bold.nii.gz";
        let short = shorten(name, 24);
        assert_eq!(short.chars().count(), 24);
        assert!(short.starts_with("sub-01_\u{2026}") && short.ends_with("bold.nii.gz"), "{short}");
        assert_eq!(shorten("short", 24), "short");
        assert_eq!(shorten("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", 4), "\u{e9}\u{2026}\u{e9}\u{e9}");
    }

    #[test]
    fn names_are_told_apart_by_the_words_that_differ() {
        let names = ["sub-01_task-covert_bold.nii.gz", "sub-01_task-overt_bold.nii.gz"];
        assert_eq!(
            distinct_parts(&names),
            ["\u{2026}task-covert\u{2026}", "\u{2026}task-overt\u{2026}"]
        );
        assert_eq!(distinct_parts(&["a_1.nii", "b_1.nii"]), ["a\u{2026}", "b\u{2026}"]);
        for same in [vec![], vec!["a_b.c"], vec!["a_b.c"; 2], vec!["", "a"], vec!["a_b", "a_b_b"]] {
            let parts = distinct_parts(&same);
            assert_eq!(parts.len(), same.len());
            assert!(parts.iter().zip(&same).all(|(part, name)| part.is_empty() == name.is_empty()));
        }
        let accents = ["\u{e9}_\u{e8}_\u{e9}", "\u{e9}_\u{ea}_\u{e9}"];
        assert_eq!(distinct_parts(&accents), ["\u{2026}\u{e8}\u{2026}", "\u{2026}\u{ea}\u{2026}"]);
    }

    #[test]
    fn a_fitted_text_and_wrapped_lines_are_as_wide_as_there_is_room() {
        let text =
            "exact integer sums over axis 3, kept for every voxel_of_the_whole_brain_and_more";
        assert!(width(&fit(text, 150.0, 12.0, true), 12.0, true) <= 150.0);
        let lines = wrap(text, 100.0, 12.0);
        assert!(lines.len() > 3);
        assert!(lines.iter().all(|line| width(line, 12.0, false) <= 100.0), "{lines:?}");
        assert!(wrap("", 100.0, 12.0).is_empty());
    }

    #[test]
    fn a_common_shape_gives_the_range_of_what_differs() {
        let mut nodes = testing::tsnr(3).nodes;
        nodes.truncate(3);
        assert_eq!(common_shape(nodes.iter()), "(64, 64, 30, 173..238)");
        assert_eq!(common_shape(nodes[..1].iter()), "(64, 64, 30, 173)");
        nodes[1].shape.pop();
        assert_eq!(common_shape(nodes.iter()), "");
    }
}
