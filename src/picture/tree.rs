//! How is an expression written as an indented tree?
//!
//! Results first, inputs below. What several share is written out once; later places refer to its
//! mark. Which items there are is decided in `folded`.

use super::folded::{Folded, consumers};
use super::label::{bytes, one_line, shorten};
use super::text::{COLUMNS, widths};

/// Columns of the tree itself, the rest of the line is for types and sizes.
const TREE_COLUMNS: usize = 48;

struct Row {
    /// Lines of the tree before the label.
    lead: String,
    label: String,
    /// The item that the row tells of; none where the row refers to an earlier one.
    item: Option<usize>,
}

/// The expression, a line an item.
pub(super) fn tree_text(out: &mut String, folded: &Folded) {
    let consumers = consumers(&folded.items);
    let mut marks = vec![None; folded.items.len()];
    let mut shared = 0;
    for at in (0..folded.items.len()).rev() {
        if consumers[at].len() > 1 {
            shared += 1;
            marks[at] = Some(shared);
        }
    }
    let mut walk = Walk { folded, marks, told: vec![false; folded.items.len()], rows: Vec::new() };
    for (root, _) in consumers.iter().enumerate().filter(|(_, users)| users.is_empty()) {
        walk.tell(root, "", "", "");
    }
    write_rows(out, folded, &walk.rows);
}

struct Walk<'a> {
    folded: &'a Folded<'a>,
    marks: Vec<Option<usize>>,
    told: Vec<bool>,
    rows: Vec<Row>,
}

impl Walk<'_> {
    fn tell(&mut self, at: usize, lead: &str, branch: &str, below: &str) {
        let item = &self.folded.items[at];
        let depth = (lead.chars().count() + branch.chars().count()).min(TREE_COLUMNS / 2);
        let is_long = item.title().chars().count() + depth > TREE_COLUMNS;
        let title = one_line(&if is_long { item.short_title() } else { item.title() });
        let again = std::mem::replace(&mut self.told[at], true);
        let label = match self.marks[at] {
            Some(mark) if again => format!("{title} [{mark}] above"),
            Some(mark) => format!("{title} [{mark}]"),
            None => title,
        };
        let item_of_row = (!again).then_some(at);
        self.rows.push(Row { lead: format!("{lead}{branch}"), label, item: item_of_row });
        if again {
            return;
        }
        let lead = format!("{lead}{below}");
        let last = item.inputs.len().saturating_sub(1);
        for (number, &input) in item.inputs.iter().enumerate() {
            if number == last {
                self.tell(input, &lead, "\u{2514}\u{2500} ", "   ");
            } else {
                self.tell(input, &lead, "\u{251c}\u{2500} ", "\u{2502}  ");
            }
        }
    }
}

fn write_rows(out: &mut String, folded: &Folded, rows: &[Row]) {
    let cells: Vec<[String; 5]> = rows.iter().map(|row| cells(folded, row)).collect();
    let [w0, w1, w2, w3, _] = widths(&cells);
    for [tree, dtype, shape, size, more] in cells {
        let line = format!("  {tree:<w0$}  {dtype:<w1$}  {shape:<w2$}  {size:>w3$}  ");
        let room = COLUMNS.saturating_sub(line.chars().count());
        out.push_str(&line);
        if room >= 6 {
            out.push_str(&shorten(&more, room));
        }
        out.push('\n');
    }
}

fn cells(folded: &Folded, row: &Row) -> [String; 5] {
    // A tree deeper than the columns keeps its innermost lines.
    let depth = row.lead.chars().count();
    let lead: String = row.lead.chars().skip(depth.saturating_sub(TREE_COLUMNS / 2)).collect();
    let room = TREE_COLUMNS.saturating_sub(lead.chars().count());
    let tree = format!("{lead}{}", shorten(&row.label, room));
    let Some(at) = row.item else {
        return [tree, String::new(), String::new(), String::new(), String::new()];
    };
    let item = &folded.items[at];
    let pass = item.band.map(|band| folded.bands[band].title());
    let more: Vec<String> =
        pass.into_iter().chain([one_line(item.detail())]).filter(|t| !t.is_empty()).collect();
    [tree, one_line(item.dtype()), item.shape(), bytes(item.bytes()), more.join(", ")]
}

#[cfg(test)]
mod tests {
    use super::tree_text;
    use crate::picture::folded::Folded;
    use crate::picture::testing;

    #[test]
    fn what_is_shared_is_written_out_once() {
        let explanation = testing::tsnr(5);
        let mut text = String::new();
        tree_text(&mut text, &Folded::new(&explanation));
        assert_eq!(text.lines().count(), explanation.nodes.len() + 1, "{text}");
        assert_eq!(text.matches("concatenate on axis 3 [1]").count(), 2, "{text}");
        assert_eq!(text.matches("[1] above").count(), 1, "{text}");
        for node in &explanation.nodes {
            assert!(text.contains(&crate::grid::shape_text(&node.shape)), "{text}");
        }
    }

    #[test]
    fn the_columns_of_types_and_sizes_are_aligned() {
        let explanation = testing::tsnr(5);
        let mut text = String::new();
        tree_text(&mut text, &Folded::new(&explanation));
        let column =
            |line: &str, what: &str| line.find(what).map(|byte| line[..byte].chars().count());
        let mut places: Vec<_> = text.lines().filter_map(|line| column(line, "(64")).collect();
        places.dedup();
        assert_eq!(places.len(), 1, "{text}");
    }
}
