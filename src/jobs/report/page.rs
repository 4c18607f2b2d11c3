//! How does a report stand on a page?
//!
//! Text, tables and the pictures inline; a style sheet and one script of our own. Names of files are other
//! people's text: `maud` escapes them, and JSON in the page has no `<`.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::pictures::{Map, Pictures};
use super::{QualityReport, Verdict};
use crate::jobs::record::TOOL;

/// The frame of any page: nothing in it is fetched, which browsers are told to see to.
pub(super) fn frame(title: &str, body: Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(TOOL);
                title { (title) }
                link rel="icon" href="data:,";
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body { main { (body) } }
        }
    };
    page.into_string()
}

/// Data inside a page, where no text may end the element.
pub(super) fn data(id: &str, value: &Value) -> Markup {
    let text = value.to_string().replace('<', "\\u003c");
    html! { script type="application/json" id=(id) { (PreEscaped(text)) } }
}

pub(super) fn of(report: &QualityReport, pictures: &Pictures) -> String {
    let count = report.runs.len();
    let title = match &report.runs[..] {
        [run] => format!("Quality of {}", run.name),
        _ => format!("Quality of {count} runs"),
    };
    let volumes: u64 = report.runs.iter().map(|run| run.volumes).sum();
    let [sd, tsnr, mean] = &pictures.maps;
    let body = html! {
        header {
            h1 { (title) }
            p.lead {
                (volumes) " volumes, " (report.mask_voxels) " voxels in the mask, median tSNR "
                b { (format!("{:.1}", report.pooled_median)) }
                @if count > 1 { " pooled within runs" }
            }
        }
        (verdicts(&report.verdicts))
        (table(report))
        (map_section(sd, "sd", "Where the signal changes most: vessels, edges that move, ghosts, bad slices. Bright is unsteady."))
        (map_section(tsnr, "tsnr", "Mean over standard deviation in time. Bright is good; holes are lost signal."))
        (map_section(mean, "mean", "What was imaged: coverage, dropout, shading."))
        (viewer(pictures))
        section {
            h2 { "Spread of tSNR" }
            p { "Voxels of the mask by their tSNR, one run a row, on one axis. Ticks: 5th percentile, median, 95th." }
            (figure(&pictures.ridges.svg()))
        }
        section {
            h2 { "Carpet" }
            p { "Rows are voxels, columns volumes; each row less its mean and over its standard deviation. Upright stripes are whole-head changes: motion, breathing, spikes. Orange lines are the limits of the rules above." }
            (figure(&pictures.carpet.svg()))
        }
        section {
            h2 { "Slices over time" }
            p { "How far the mean of each slice is from its own mean. Single lines are spikes; a pattern that repeats across slices is that of multiband packets." }
            (figure(&pictures.slices.svg()))
        }
        @if let Some(drawing) = &pictures.comparison {
            section {
                h2 { "Runs beside each other" }
                p { "tSNR of each run at one scale, and what it has less (red) or more (blue) than all runs pooled." }
                (figure(&drawing.svg()))
            }
        }
        (definition(report))
        (provenance(report))
        script { (PreEscaped(include_str!("viewer.js"))) }
    };
    frame(&title, body)
}

fn verdicts(verdicts: &[Verdict]) -> Markup {
    let warnings = verdicts.iter().filter(|verdict| !verdict.passed).count();
    html! {
        section #verdicts {
            h2 {
                @match warnings {
                    0 => { "All rules hold" }
                    1 => { "1 warning" }
                    count => { (count) " warnings" }
                }
            }
            ul.verdicts {
                @for verdict in verdicts {
                    li class=(if verdict.passed { "pass" } else { "warn" }) {
                        strong { (if verdict.passed { "PASS" } else { "WARN" }) }
                        span { (verdict.finding) small { (verdict.rule) } }
                    }
                }
            }
        }
    }
}

fn table(report: &QualityReport) -> Markup {
    let number = |value: f64, digits: usize| {
        if value.is_finite() { format!("{value:.digits$}") } else { "\u{2013}".to_owned() }
    };
    let percent = |share: f64| format!("{} %", number(100.0 * share, 1));
    // Headers hold 32-bit floats: 1.35 is shown as 1.35.
    let seconds =
        |tr: Option<f64>| tr.map_or("\u{2013}".to_owned(), |tr| format!("{} s", tr as f32));
    html! {
        div.wide {
            table {
                thead { tr {
                    th scope="col" { "run" }
                    @for name in ["volumes", "TR", "median tSNR", "p05", "p95", "below 10", "std DVARS > 1.5", "largest std DVARS", "largest slice spike"] {
                        th.number scope="col" { (name) }
                    }
                } }
                tbody { @for run in &report.runs { tr {
                    th scope="row" { (run.name) }
                    td { (run.volumes) }
                    td { (seconds(run.tr_seconds)) }
                    td { b { (number(run.median, 1)) } }
                    td { (number(run.p05, 1)) }
                    td { (number(run.p95, 1)) }
                    td { (percent(run.dropout_share)) }
                    td { (percent(run.std_dvars_share)) }
                    td { (number(run.std_dvars_largest, 2)) }
                    td {
                        (number(run.spike_largest.abs(), 1)) " SD"
                        @if let Some((slice, volume)) = run.spike_at { small { "slice " (slice) ", volume " (volume) } }
                    }
                } } }
            }
        }
        @for warning in &report.warnings { p.note { "Note: " (warning) } }
    }
}

pub(super) fn figure(svg: &str) -> Markup {
    html! { figure { (PreEscaped(svg)) } }
}

fn map_section(map: &Map, id: &str, text: &str) -> Markup {
    html! {
        section id=(id) {
            h2 { (if map.name == "SD" { "Standard deviation" } else { map.name }) }
            p { (text) }
            (figure(&map.drawing.svg()))
        }
    }
}

fn viewer(pictures: &Pictures) -> Markup {
    let (tiles, placement) = (&pictures.tiles, &pictures.tiles.placement);
    let maps = pictures.maps.iter().zip(["sd", "tsnr", "mean"]).map(|(map, id)| {
        json!({ "id": id, "name": map.name, "unit": map.unit, "low": map.scale.low, "high": map.scale.high })
    });
    let facts = json!({
        "maps": maps.collect::<Vec<_>>(),
        "tile": tiles.tile(),
        "columns": tiles.columns,
        "slices": tiles.slices,
        "step": tiles.step,
        "shape": placement.shape,
        "axes": placement.axes,
        "flipped": placement.flipped,
        "edges_mm": placement.edges_mm(),
        "affine": placement.affine,
        "is_known": placement.is_known,
    });
    html! {
        section #viewer hidden {
            h2 { "Slices" }
            p {
                "Point at a voxel for its value; click to go there. Keys, with a view in focus: arrows move, "
                kbd { "PgUp" } " " kbd { "PgDn" } " change the slice, " kbd { "m" } " the map."
            }
            fieldset {
                legend { "Map" }
                @for (at, map) in pictures.maps.iter().enumerate() {
                    label { input type="radio" name="map" value=(at) checked[at == 1]; " " (map.name) }
                }
                label.slider { "Slice " input #slice type="range" min="0" step="1"; }
            }
            div.views {
                @for view in ["axial", "coronal", "sagittal"] {
                    canvas id=(view) tabindex="0" role="img" aria-label=(format!("{view} slice")) aria-describedby="readout" {}
                }
            }
            output #readout aria-live="polite" {}
            (data("facts", &facts))
        }
    }
}

fn definition(report: &QualityReport) -> Markup {
    html! {
        section {
            h2 { "Definition" }
            dl {
                dt { "tSNR" }
                dd { "Mean over time / standard deviation over time (ddof 0, no detrending), of stored \u{d7} slope + inter; 0 where a series never changes." }
                @if report.runs.len() > 1 {
                    dt { "Several runs" }
                    dd { "Maps are pooled within runs: the mean of all volumes over the root of the squares about each run's own mean. Joined end to end, as " code { "voxstore tsnr" } " has it, the median is " (format!("{:.2}", report.concatenated_median)) "." }
                }
                dt { "Mask" }
                dd { "Unless one was given: standard deviation above 0 and mean above 20 % of the largest mean, of all runs together; for what is shown over time, of the run itself." }
                dt { "DVARS" }
                dd { "Root mean square, over the mask, of the change from the volume before, over what noise alone would give (Nichols 2013; fMRIPrep's " code { "std_dvars" } "): 1 is a quiet run." }
                dt { "Slice spikes" }
                dd { "Distance of a slice's mean from the slice's own median over time, in robust standard deviations." }
                dt { "Orientation" }
                dd { "By the affine, turned to the nearest axes, not resampled. Neurological: the subject's left is on the left." }
            }
        }
    }
}

fn provenance(report: &QualityReport) -> Markup {
    let record = json!({ "tool": TOOL, "report": report });
    html! {
        section {
            h2 { "Provenance" }
            div.wide { table {
                thead { tr { @for name in ["file", "bytes", "shape", "type", "slope", "inter", "header xxh3"] { th scope="col" { (name) } } } }
                tbody { @for input in &report.inputs { tr {
                    @for cell in input.cells() { td { (cell) } }
                } } }
            } }
            p { (TOOL) ". All figures are in this page as JSON, in the element " code { "record" } "." }
            (data("record", &record))
        }
    }
}
