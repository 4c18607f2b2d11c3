//! How does an array look, and the blocks it comes in?
//!
//! A table of what array and block are, a box of the first three axes with its block lines, and a
//! strip for each further axis: of a run, time. The first block is dark. Chooses no blocks: it is told.

use super::canvas::{Canvas, Font, Paint};
use super::colours::{EDGE, INK, MUTED};
use super::cuboid::{Axis, Cuboid, STRIP_HEIGHT, draw_strip, scaled};
use super::label::{bytes, width};
use crate::grid::{BlockGrid, shape_text};

const MARGIN: f64 = 20.0;
const ROW_HEIGHT: f64 = 24.0;
const GAP: f64 = 34.0;
/// More axes beyond the third are only counted.
const MOST_STRIPS: usize = 4;
const STRIP: f64 = 260.0;

const HEAD: Font = Font::new(12.0, MUTED).bold();
const CELL: Font = Font::new(12.0, INK);
const NOTE: Font = Font::new(11.0, MUTED);

/// An SVG picture of an array of this shape in blocks of that one, as [`Explanation::svg`] in being
/// self-contained.
///
/// `bytes` are those of all elements. A block is clipped to the array; `block` must have as many axes
/// as `shape`, else the array is drawn as one block. Cost: nothing that grows with the array.
///
/// [`Explanation::svg`]: super::Explanation::svg
pub(crate) fn chunks_svg(shape: &[u64], block: &[u64], dtype: &str, bytes: u64) -> String {
    let block = if block.len() == shape.len() { block } else { shape };
    let grid = BlockGrid::new(shape, block);
    let is_empty = shape.contains(&0);
    let rows = rows(shape, &grid, dtype, bytes);
    let table = Table::new(&rows);

    let cuboid = Cuboid::new(shape, grid.block_shape(), is_empty);
    let (strips, hidden) = strips(shape, grid.block_shape());
    let mut notes: Vec<String> = Vec::new();
    let drawn = cuboid.iter().flat_map(Cuboid::axes).chain(&strips);
    for axis in drawn.filter(|axis| axis.step > 1) {
        let name = axis.label.split(':').next().unwrap_or_default();
        notes.push(format!("{name}: one block line in {} is drawn", axis.step));
    }
    if hidden > 0 {
        notes.push(format!("\u{2026} {hidden} more axes"));
    }
    if is_empty {
        notes.push("no elements".to_owned());
    }

    let box_size = cuboid.as_ref().map_or((0.0, 0.0), Cuboid::size);
    let strips_height = STRIP_HEIGHT * strips.len() as f64;
    let notes_height = 15.0 * notes.len() as f64;
    let drawn = box_size.1.max(strips_height);
    let height = (ROW_HEIGHT * 5.0).max(drawn + notes_height + 6.0);

    let mut canvas = Canvas::default();
    table.draw(&mut canvas, &rows, MARGIN, MARGIN + (height - ROW_HEIGHT * 5.0) / 2.0);
    let pictures = MARGIN + table.width() + GAP;
    let mut x = pictures;
    let middle = MARGIN + (height - notes_height) / 2.0;
    if let Some(cuboid) = &cuboid {
        cuboid.draw(&mut canvas, x, middle - box_size.1 / 2.0);
        x += box_size.0;
    }
    if !strips.is_empty() {
        if cuboid.is_some() {
            let times = Font::new(18.0, MUTED).anchored("middle");
            canvas.text(x + GAP / 2.0, middle, times, "\u{d7}");
            x += GAP;
        }
        for (at, axis) in strips.iter().enumerate() {
            let top = middle - strips_height / 2.0 + STRIP_HEIGHT * at as f64;
            draw_strip(&mut canvas, axis, x, top, is_empty);
        }
        let label = |axis: &Axis| width(&axis.label, NOTE.size + 1.0, false).max(axis.pixels);
        x += strips.iter().map(label).fold(0.0, f64::max);
    }
    let mut y = MARGIN + height - notes_height + 12.0;
    for note in &notes {
        canvas.text(pictures, y, NOTE, note);
        x = x.max(pictures + width(note, NOTE.size, false));
        y += 15.0;
    }
    let title = format!("{dtype} array of shape {}", shape_text(shape));
    canvas.finish(x + MARGIN, height + 2.0 * MARGIN, &title)
}

/// A strip for each axis without a place in the box, and how many axes are not drawn.
fn strips(shape: &[u64], block: &[u64]) -> (Vec<Axis>, usize) {
    let first = if shape.len() < 2 { 0 } else { 3.min(shape.len()) };
    let count = (shape.len() - first).min(MOST_STRIPS);
    let lengths = &shape[first..first + count];
    let longest = scaled(lengths).into_iter().fold(1.0, f64::max);
    let strips = scaled(lengths)
        .into_iter()
        .enumerate()
        .map(|(at, pixels)| {
            let axis = first + at;
            Axis::new(axis, shape[axis], block[axis], pixels / longest * STRIP)
        })
        .collect();
    (strips, shape.len() - first - count)
}

/// Name, array, block.
type Row = [String; 3];

fn rows(shape: &[u64], grid: &BlockGrid, dtype: &str, all_bytes: u64) -> [Row; 4] {
    let elements = |shape: &[u64]| shape.iter().map(|&n| n as f64).product::<f64>();
    let block = grid.block_shape();
    // Exact enough to print; a product of lengths may be more than any integer holds.
    let share = if elements(shape) > 0.0 { elements(block) / elements(shape) } else { 0.0 };
    let counts = grid.counts();
    let total = counts.iter().map(|&n| u128::from(n)).fold(1, u128::saturating_mul);
    let counts: Vec<String> = counts.iter().map(u64::to_string).collect();
    let product = if counts.len() > 1 {
        format!("{} = {}", counts.join(" \u{d7} "), in_thousands(total))
    } else {
        in_thousands(total)
    };
    let row = |name: &str, array: String, block: String| [name.to_owned(), array, block];
    [
        row("Shape", shape_text(shape), shape_text(block)),
        row("Bytes", bytes(all_bytes), bytes((all_bytes as f64 * share).round() as u64)),
        row("Blocks", product, String::new()),
        row("Type", dtype.to_owned(), String::new()),
    ]
}

/// `18 200 364`, with spaces that do not break.
fn in_thousands(number: u128) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(digit);
    }
    out
}

/// Widths of the three columns.
struct Table([f64; 3]);

impl Table {
    fn new(rows: &[Row]) -> Self {
        let widest = |column: usize| {
            let cells = rows.iter().map(|row| width(&row[column], CELL.size, column == 0));
            cells.fold(width("Array", HEAD.size, true), f64::max) + 18.0
        };
        Self([widest(0), widest(1), widest(2)])
    }

    fn width(&self) -> f64 {
        self.0.iter().sum()
    }

    fn draw(&self, canvas: &mut Canvas, rows: &[Row], left: f64, top: f64) {
        let [first, second, _] = self.0;
        let places = [left, left + first, left + first + second];
        for (x, name) in places.into_iter().zip(["", "Array", "Block"]) {
            canvas.text(x, top + 16.0, HEAD, name);
        }
        let right = left + self.width() - 18.0;
        for (at, row) in rows.iter().enumerate() {
            let y = top + ROW_HEIGHT * (at + 1) as f64;
            canvas.line((left, y), (right, y), Paint::line(EDGE, 1.0));
            for (column, (cell, x)) in row.iter().zip(places).enumerate() {
                canvas.text(x, y + 16.5, if column == 0 { HEAD } else { CELL }, cell);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::picture::chunks_svg;
    use crate::picture::testing::Picture;

    const CASES: [(&[u64], &[u64]); 10] = [
        (&[], &[]),
        (&[1000], &[64]),
        (&[64, 200], &[16, 50]),
        (&[64, 64, 30], &[32, 32, 10]),
        (&[64, 64, 30, 759], &[32, 32, 10, 100]),
        (&[91, 109, 91, 100_000], &[1, 8, 91, 7]),
        (&[2, 3, 4, 5, 6, 7, 8, 9, 10], &[1; 9]),
        (&[64, 0, 30, 10], &[32, 1, 10, 5]),
        (&[u64::MAX, u64::MAX, 1, 1], &[1, 1, 1, 1]),
        (&[5, 6], &[9, 9, 9]),
    ];

    #[test]
    fn arrays_of_any_number_of_axes_are_on_the_page_with_no_text_over_another() {
        for (shape, block) in CASES {
            let picture = Picture::read(&chunks_svg(shape, block, "int16", 1 << 20));
            for (what, area) in picture.areas.iter().chain(&picture.texts) {
                assert!(picture.page.contains(*area), "{shape:?}: {what} {area:?}");
            }
            for (at, (text, one)) in picture.texts.iter().enumerate() {
                for (other_text, other) in &picture.texts[at + 1..] {
                    assert!(!one.overlaps(*other), "{shape:?}: {text} over {other_text}");
                }
            }
        }
    }

    #[test]
    fn the_table_tells_shape_bytes_blocks_and_type() {
        let svg = chunks_svg(&[64, 64, 30, 759], &[32, 32, 10, 100], "int16", 186_531_840);
        let picture = Picture::read(&svg);
        let texts: Vec<&str> = picture.texts.iter().map(|(text, _)| text.as_str()).collect();
        for wanted in [
            "(64, 64, 30, 759)",
            "(32, 32, 10, 100)",
            "177.9 MiB",
            "2.0 MiB",
            "2 \u{d7} 2 \u{d7} 3 \u{d7} 8 = 96",
            "int16",
            "axis 3: 759",
        ] {
            assert!(texts.contains(&wanted), "{wanted} in {texts:?}");
        }
    }

    #[test]
    fn block_lines_that_are_left_out_are_told_of() {
        let svg = chunks_svg(&[91, 109, 91, 100_000], &[1, 8, 91, 7], "int16", 1);
        assert!(svg.contains("axis 3: one block line in 715 is drawn"), "{svg}");
        assert!(svg.contains("= 18\u{a0}200\u{a0}364"), "{svg}");
        assert!(!chunks_svg(&[64, 64], &[32, 32], "int16", 1).contains("is drawn"));
    }
}
