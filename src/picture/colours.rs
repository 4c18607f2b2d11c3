//! Which colours do pictures have?
//!
//! All there are, as SVG and Graphviz write them. What is drawn in them is for the files that draw.

use super::explanation::NodeKind;

pub(super) const GROUND: &str = "#fbfcfe";
pub(super) const PANEL: &str = "#eef2f7";
pub(super) const EDGE: &str = "#cbd5e1";
pub(super) const LINE: &str = "#7c8ba1";
pub(super) const INK: &str = "#1e293b";
pub(super) const MUTED: &str = "#56657a";
pub(super) const WARNING: &str = "#b45309";
pub(super) const WHITE: &str = "#ffffff";

const BLUE: &str = "#5b8fc7";
const GOLD: &str = "#c39a45";
const VIOLET: &str = "#7d68bd";

/// Of the memory bar.
pub(super) const FIXED: &str = "#94a3b8";
pub(super) const RESULTS: &str = VIOLET;
pub(super) const HELD: &str = GOLD;
pub(super) const WORKERS: &str = BLUE;

/// Front, top and side of an array's box, and of its first block.
pub(super) const ARRAY: [&str; 3] = ["#d5e6f7", "#e8f1fb", "#bed7ef"];
pub(super) const BLOCK: [&str; 3] = [BLUE, "#7ba7d6", "#4a7db4"];
pub(super) const OUTLINE: &str = "#3b6ea5";

/// Lines of Graphviz, and edge and ground of a pass.
pub(super) const DOT_LINE: &str = "#64748b";
pub(super) const DOT_EDGE: &str = "#e2e8f0";
pub(super) const DOT_PANEL: &str = "#f1f5f9";

/// A pale and a strong colour for each kind.
pub(super) fn of_kind(kind: NodeKind) -> (&'static str, &'static str) {
    match kind {
        NodeKind::Source => ("#e3eefb", BLUE),
        NodeKind::Elementwise => ("#f1f3f6", "#8793a6"),
        NodeKind::Reduction => ("#e0f3ec", "#3f9c7c"),
        NodeKind::Structure => ("#faf0db", GOLD),
        NodeKind::Result => ("#ece7fa", VIOLET),
    }
}

/// What Graphviz fills a node of each kind with.
pub(super) fn dot_fill(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Source => "#dbeafe",
        NodeKind::Elementwise => WHITE,
        NodeKind::Reduction => "#dcfce7",
        NodeKind::Structure => "#fef3c7",
        NodeKind::Result => "#ede9fe",
    }
}
