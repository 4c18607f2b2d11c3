//! Which plans are drawn in tests?
//!
//! Explanations made up for the tests of this module; no planner has seen them.

use super::explanation::{
    ExplainNode, ExplainPass, ExplainSource, ExplainState, Explanation, NodeKind, Summary,
};
use super::label;

const VOLUMES: [u64; 5] = [173, 184, 238, 88, 76];
const TASKS: [&str; 5] = [
    "fingerfootlips",
    "overtverbgeneration",
    "covertverbgeneration",
    "overtwordrepetition",
    "linebisection",
];
const SPACE: u64 = 64 * 64 * 30;

/// Nodes, each with the next position for its number.
#[derive(Default)]
struct Builder(Vec<ExplainNode>);

impl Builder {
    fn push(
        &mut self,
        kind: NodeKind,
        label: &str,
        dtype: &str,
        shape: &[u64],
        inputs: &[usize],
        pass: Option<usize>,
    ) -> usize {
        let item = if dtype == "int16" { 2 } else { 8 };
        let id = self.0.len();
        self.0.push(ExplainNode {
            id,
            kind,
            label: label.to_owned(),
            dtype: dtype.to_owned(),
            shape: shape.to_vec(),
            block: None,
            bytes: shape.iter().product::<u64>() * item,
            stored_bytes: None,
            detail: String::new(),
            inputs: inputs.to_vec(),
            pass,
        });
        id
    }

    fn runs(&mut self, runs: usize) -> Vec<usize> {
        (0..runs)
            .map(|run| {
                let task = TASKS[run % 5];
                let name = format!("sub-{:02}_ses-test_task-{task}_bold.nii.gz", run / 5 + 1);
                let shape = [64, 64, 30, VOLUMES[run % 5]];
                let id = self.push(NodeKind::Source, &name, "int16", &shape, &[], None);
                self.0[id].block = Some(vec![64, 64, 30, 16]);
                self.0[id].stored_bytes = Some(self.0[id].bytes / 2);
                "gzip stream".clone_into(&mut self.0[id].detail);
                id
            })
            .collect()
    }
}

fn sources(nodes: &[ExplainNode]) -> Vec<ExplainSource> {
    let sources = nodes.iter().filter(|node| node.kind == NodeKind::Source);
    sources
        .map(|node| ExplainSource {
            name: node.label.clone(),
            dtype: node.dtype.clone(),
            shape: node.shape.clone(),
            transport: node.detail.clone(),
            stored_bytes: node.stored_bytes.unwrap_or(0),
            read_bytes: node.bytes,
            reads: 1,
        })
        .collect()
}

fn summary(passes: &[ExplainPass], result_bytes: u64, held_bytes: u64) -> Summary {
    Summary {
        peak_bytes: passes.iter().map(|pass| pass.peak_bytes).max().unwrap_or(0),
        budget_bytes: 64 << 20,
        fixed_bytes: 8 << 20,
        result_bytes,
        held_bytes,
        spilled_bytes: 0,
        read_bytes: passes.iter().map(|pass| pass.read_bytes).sum(),
        scans: passes.len(),
        threads: 4,
        rewrites: vec![
            "mean and std share one state".to_owned(),
            "the reduction goes through the concatenation".to_owned(),
        ],
    }
}

fn fold_pass(nodes: &[ExplainNode]) -> ExplainPass {
    let sources = sources(nodes);
    ExplainPass {
        number: 1,
        strategy: "streams, one unit a file".to_owned(),
        workers: 4,
        worker_bytes: 16 * SPACE * 2,
        state_bytes: 24 * SPACE,
        peak_bytes: (8 << 20) + 16 * SPACE * 2 * 4 + 24 * SPACE + 8 * SPACE,
        read_bytes: sources.iter().map(|source| source.read_bytes).sum(),
        sources,
        states: vec![ExplainState {
            text: "exact integer sums over axis 3".to_owned(),
            bytes_per_cell: 24,
            shared_by: vec!["mean over axis 3".to_owned(), "std over axis 3".to_owned()],
        }],
        outputs: vec!["result 1".to_owned()],
    }
}

/// The seed's program: runs joined, mean over std.
pub(super) fn tsnr(runs: usize) -> Explanation {
    let mut b = Builder::default();
    let leaves = b.runs(runs);
    let volumes = (0..runs).map(|run| VOLUMES[run % 5]).sum();
    let shape = [64, 64, 30, volumes];
    let map = [64, 64, 30];
    let all =
        b.push(NodeKind::Structure, "concatenate on axis 3", "int16", &shape, &leaves, Some(1));
    let mean = b.push(NodeKind::Reduction, "mean over axis 3", "float64", &map, &[all], Some(1));
    let std = b.push(NodeKind::Reduction, "std over axis 3", "float64", &map, &[all], Some(1));
    "ddof 0".clone_into(&mut b.0[std].detail);
    let tsnr = b.push(NodeKind::Elementwise, "divide", "float64", &map, &[mean, std], Some(1));
    b.push(NodeKind::Result, "result 1", "float64", &map, &[tsnr], Some(1));
    let passes = vec![fold_pass(&b.0)];
    Explanation { summary: summary(&passes, 8 * SPACE, 0), nodes: b.0, passes }
}

/// Joined runs minus their mean, over their standard deviation: two passes.
pub(super) fn z_score(runs: usize) -> Explanation {
    let mut b = Builder::default();
    let leaves = b.runs(runs);
    let volumes = (0..runs).map(|run| VOLUMES[run % 5]).sum();
    let shape = [64, 64, 30, volumes];
    let map = [64, 64, 30, 1];
    let all = b.push(NodeKind::Structure, "concatenate on axis 3", "int16", &shape, &leaves, None);
    let mean = b.push(NodeKind::Reduction, "mean over axis 3", "float64", &map, &[all], Some(1));
    let std = b.push(NodeKind::Reduction, "std over axis 3", "float64", &map, &[all], Some(1));
    let centred =
        b.push(NodeKind::Elementwise, "subtract", "float64", &shape, &[all, mean], Some(2));
    let z = b.push(NodeKind::Elementwise, "divide", "float64", &shape, &[centred, std], Some(2));
    b.push(NodeKind::Result, "z.zarr", "float64", &shape, &[z], Some(2));
    let mut first = fold_pass(&b.0);
    first.outputs = vec!["mean over axis 3, held".to_owned(), "std over axis 3, held".to_owned()];
    let second = ExplainPass {
        number: 2,
        strategy: "streams, one unit a file".to_owned(),
        workers: 2,
        worker_bytes: 16 * SPACE * 10,
        state_bytes: 0,
        peak_bytes: (8 << 20) + 16 * SPACE * 10 * 2 + 16 * SPACE,
        read_bytes: first.read_bytes,
        sources: sources(&b.0),
        states: Vec::new(),
        outputs: vec!["z.zarr".to_owned()],
    };
    let passes = vec![first, second];
    Explanation { summary: summary(&passes, 0, 16 * SPACE), nodes: b.0, passes }
}

/// A map of each subject's joined runs, stacked: branches within branches.
pub(super) fn group(subjects: usize, runs: usize) -> Explanation {
    let mut b = Builder::default();
    let leaves = b.runs(subjects * runs);
    let map = [64, 64, 30];
    let means: Vec<usize> = leaves
        .chunks(runs)
        .map(|own| {
            let volumes = own.iter().map(|&leaf| b.0[leaf].shape[3]).sum();
            let shape = [64, 64, 30, volumes];
            let kind = NodeKind::Structure;
            let all = b.push(kind, "concatenate on axis 3", "int16", &shape, own, Some(1));
            b.push(NodeKind::Reduction, "mean over axis 3", "float64", &map, &[all], Some(1))
        })
        .collect();
    let shape = [64, 64, 30, subjects as u64];
    let all = b.push(NodeKind::Structure, "stack on axis 3", "float64", &shape, &means, Some(1));
    b.push(NodeKind::Result, "result 1", "float64", &shape, &[all], Some(1));
    let passes = vec![fold_pass(&b.0)];
    Explanation { summary: summary(&passes, 8 * SPACE, 0), nodes: b.0, passes }
}

/// As many results, each of its own source and made by its own pass.
pub(super) fn many_results(results: usize) -> Explanation {
    let mut b = Builder::default();
    let leaves = b.runs(results);
    let mut passes = Vec::new();
    for (at, &leaf) in leaves.iter().enumerate() {
        let shape = b.0[leaf].shape.clone();
        let number = at + 1;
        let log = b.push(NodeKind::Elementwise, "log", "float64", &shape, &[leaf], Some(number));
        let label = format!("result {number}");
        b.push(NodeKind::Result, &label, "float64", &shape, &[log], Some(number));
        let pass = fold_pass(&b.0[leaf..=leaf]);
        passes.push(ExplainPass { number, states: Vec::new(), state_bytes: 0, ..pass });
    }
    Explanation { summary: summary(&passes, 8 * SPACE, 0), nodes: b.0, passes }
}

/// Runs added one to the next: no two branches are alike.
pub(super) fn chain(runs: usize) -> Explanation {
    let mut b = Builder::default();
    let leaves = b.runs(runs);
    let shape = [64, 64, 30, 173];
    let mut total = leaves[0];
    for &leaf in &leaves[1..] {
        total = b.push(NodeKind::Elementwise, "add", "float64", &shape, &[total, leaf], Some(1));
    }
    b.push(NodeKind::Result, "result 1", "float64", &shape, &[total], Some(1));
    let passes = vec![fold_pass(&b.0)];
    Explanation { summary: summary(&passes, 8 * SPACE, 0), nodes: b.0, passes }
}

/// A label with everything that means something to XML, DOT or a terminal.
pub(super) const HOSTILE: &str = "a<b>&\"c\" 'd' \\ ]]> {x|y} \u{1} \u{1b}[31m \u{fffe}\n\u{8133}";

/// The seed's program with [`HOSTILE`] for every name.
pub(super) fn hostile() -> Explanation {
    let mut explanation = tsnr(2);
    explanation.summary.rewrites = vec![HOSTILE.to_owned()];
    for node in &mut explanation.nodes {
        node.label = HOSTILE.to_owned();
        node.detail = HOSTILE.to_owned();
        node.dtype = HOSTILE.to_owned();
    }
    for pass in &mut explanation.passes {
        pass.strategy = HOSTILE.to_owned();
        pass.outputs = vec![HOSTILE.to_owned()];
        for source in &mut pass.sources {
            source.name = HOSTILE.to_owned();
            source.reads = 3;
        }
        for state in &mut pass.states {
            state.text = HOSTILE.to_owned();
            state.shared_by = vec![HOSTILE.to_owned()];
        }
    }
    explanation
}

/// A plan of nothing.
pub(super) fn nothing() -> Explanation {
    Explanation { summary: Summary::default(), nodes: Vec::new(), passes: Vec::new() }
}

/// One of each, with a name for messages.
pub(super) fn all() -> Vec<(&'static str, Explanation)> {
    vec![
        ("tsnr of 1", tsnr(1)),
        ("tsnr of 5", tsnr(5)),
        ("tsnr of 500", tsnr(500)),
        ("z-score of 5", z_score(5)),
        ("z-score of 500", z_score(500)),
        ("group", group(40, 12)),
        ("group of few", group(6, 9)),
        ("two results", many_results(2)),
        ("many results", many_results(300)),
        ("chain", chain(200)),
        ("hostile", hostile()),
        ("nothing", nothing()),
    ]
}

/// A rectangle of a picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
}

impl Area {
    pub(super) fn overlaps(self, other: Self) -> bool {
        let apart = |a: (f64, f64), b: (f64, f64)| a.1 <= b.0 || b.1 <= a.0;
        !apart(self.x, other.x) && !apart(self.y, other.y)
    }

    pub(super) fn contains(self, other: Self) -> bool {
        // Coordinates are rounded to a tenth of a pixel.
        let within = |a: (f64, f64), b: (f64, f64)| a.0 - 0.2 <= b.0 && b.1 <= a.1 + 0.2;
        within(self.x, other.x) && within(self.y, other.y)
    }
}

/// A picture, as a program that shows it reads it.
pub(super) struct Picture {
    pub(super) page: Area,
    /// Rectangles, with their classes.
    pub(super) areas: Vec<(String, Area)>,
    /// Texts, with their places; as wide as they are at most.
    pub(super) texts: Vec<(String, Area)>,
    /// What is shown when pointed at.
    pub(super) titles: Vec<String>,
}

impl Picture {
    /// Reads an SVG document; it must be well-formed and need nothing from elsewhere.
    pub(super) fn read(svg: &str) -> Self {
        let document = roxmltree::Document::parse(svg).unwrap();
        let number = |node: roxmltree::Node, name: &str| -> f64 {
            node.attribute(name).map_or(0.0, |text| text.parse().unwrap())
        };
        let area = |node: roxmltree::Node| {
            let (x, y) = (number(node, "x"), number(node, "y"));
            Area { x: (x, x + number(node, "width")), y: (y, y + number(node, "height")) }
        };
        let root = document.root_element();
        let mut picture = Self { page: area(root), areas: vec![], texts: vec![], titles: vec![] };
        for node in root.descendants().filter(roxmltree::Node::is_element) {
            let name = node.tag_name().name();
            assert!(["svg", "title", "g", "rect", "path", "text"].contains(&name), "{name}");
            for attribute in node.attributes() {
                assert!(!attribute.value().contains("NaN"), "{attribute:?}");
                assert!(!attribute.value().contains("inf"), "{attribute:?}");
                assert!(!["href", "style"].contains(&attribute.name()), "{attribute:?}");
            }
            let text = node.text().unwrap_or_default().to_owned();
            match name {
                "rect" => {
                    let class = node.attribute("class").unwrap_or_default();
                    picture.areas.push((class.to_owned(), area(node)));
                }
                "text" => {
                    let (x, y, size) =
                        (number(node, "x"), number(node, "y"), number(node, "font-size"));
                    let wide = label::width(&text, size, node.has_attribute("font-weight"));
                    let x = match node.attribute("text-anchor") {
                        Some("end") => (x - wide, x),
                        Some("middle") => (x - wide / 2.0, x + wide / 2.0),
                        _ => (x, x + wide),
                    };
                    picture.texts.push((text, Area { x, y: (y - size, y + size / 4.0) }));
                }
                "title" => picture.titles.push(text),
                _ => {}
            }
        }
        picture
    }

    pub(super) fn of_class(&self, class: &str) -> Vec<Area> {
        self.areas.iter().filter(|(name, _)| name == class).map(|(_, area)| *area).collect()
    }
}
