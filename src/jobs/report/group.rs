//! Which of many runs stand out, where only the records beside their maps are at hand?
//!
//! Reads no voxel and no file: a record is JSON that the caller has. One dot a run.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::html;
use serde::{Deserialize, Serialize};

use super::page::{figure, frame};
use crate::jobs::middle::{STD_IN_MADS, median_of};
use crate::jobs::record::TOOL;
use crate::picture::{Dot, dots};

/// A median so many times the MAD from that of all runs stands out.
const FAR: f64 = 3.0;

/// What the record beside a tSNR map says of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupRun {
    /// The run.
    pub name: String,
    /// The record that says so.
    pub record: String,
    /// Volumes in it.
    pub volumes: u64,
    /// Seconds from volume to volume, where known.
    pub tr_seconds: Option<f64>,
    /// Median tSNR of the run; none where no voxel counts.
    pub median: Option<f64>,
    /// Voxels that the median is over.
    pub mask_voxels: u64,
    /// True where the median is more than 3 scaled MAD from that of all runs.
    pub stands_out: bool,
}

/// The runs of many records, smallest median first.
#[derive(Clone, Debug, Default, Serialize)]
pub struct GroupReport {
    /// The runs; those without a median last.
    pub runs: Vec<GroupRun>,
    /// Median of the runs' medians; NaN without runs.
    pub median: f64,
    /// Median distance from it, times 1.4826.
    pub mad: f64,
}

/// What is needed of a record; more may be there.
#[derive(Deserialize)]
struct Record {
    inputs: Vec<Input>,
    figures: Figures,
}

#[derive(Deserialize)]
struct Input {
    run: String,
    shape: Vec<u64>,
    tr_seconds: Option<f64>,
    tsnr_median: Option<f64>,
}

#[derive(Deserialize)]
struct Figures {
    mask_voxels: u64,
}

/// The same of the file beside a map of a BIDS dataset, which has one run.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sidecar {
    median_tsnr: Option<f64>,
    mask_voxels: u64,
    volumes: u64,
    repetition_time: Option<f64>,
}

impl GroupRun {
    /// The runs of one record, as `voxstore tsnr` and `voxstore bids` write it beside a map; `path` is where
    /// it lies. None where the JSON is something else.
    pub fn of_record(path: &str, json: &str) -> Option<Vec<Self>> {
        let run = |name: String, volumes, tr_seconds, median, mask_voxels| {
            let record = path.to_owned();
            Self { name, record, volumes, tr_seconds, median, mask_voxels, stands_out: false }
        };
        if let Ok(record) = serde_json::from_str::<Record>(json) {
            let voxels = record.figures.mask_voxels;
            let runs = record.inputs.into_iter().map(|input| {
                let volumes = input.shape.last().copied().unwrap_or(0);
                run(input.run, volumes, input.tr_seconds, input.tsnr_median, voxels)
            });
            return Some(runs.collect());
        }
        let told: Sidecar = serde_json::from_str(json).ok()?;
        let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".json");
        let name = name.trim_end_matches("_boldmap").replace("_stat-tsnr", "");
        Some(vec![run(
            name,
            told.volumes,
            told.repetition_time,
            told.median_tsnr,
            told.mask_voxels,
        )])
    }
}

impl GroupReport {
    /// Sorts runs, and finds those that stand out.
    pub fn of(mut runs: Vec<GroupRun>) -> Self {
        let key = |run: &GroupRun| run.median.unwrap_or(f64::INFINITY);
        runs.sort_by(|a, b| {
            key(a).total_cmp(&key(b)).then_with(|| natord::compare(&a.name, &b.name))
        });
        let mut medians: Vec<f64> = runs.iter().filter_map(|run| run.median).collect();
        let median = median_of(&mut medians);
        for value in &mut medians {
            *value = (*value - median).abs();
        }
        let mad = STD_IN_MADS * median_of(&mut medians);
        for run in &mut runs {
            run.stands_out = run.median.is_none_or(|value| (value - median).abs() > FAR * mad);
        }
        Self { runs, median, mad }
    }

    /// The table, a run a line: tab-separated, `n/a` for what is not known.
    pub fn tsv(&self) -> String {
        let mut out =
            "run\tmedian_tsnr\tstands_out\tvolumes\ttr_seconds\tmask_voxels\trecord\n".to_owned();
        // A tab in a name would be a column.
        let plain = |text: &str| text.replace(|c: char| c.is_control(), " ");
        let number = |value: Option<f64>| value.map_or("n/a".to_owned(), |v| v.to_string());
        for run in &self.runs {
            // A string takes all that is written.
            let _ = writeln!(
                out,
                "{}\t{}\t{}\t{}\t{}\t{}\t{}",
                plain(&run.name),
                number(run.median),
                run.stands_out,
                run.volumes,
                number(run.tr_seconds),
                run.mask_voxels,
                plain(&run.record),
            );
        }
        out
    }

    /// One HTML page that needs nothing else, with the table to download in it. The same records give the
    /// same bytes.
    pub fn html(&self) -> String {
        let out: Vec<&GroupRun> = self.runs.iter().filter(|run| run.stands_out).collect();
        let all = self.runs.iter().map(|run| Dot {
            name: run.name.clone(),
            value: run.median.unwrap_or(f64::NAN),
            stands_out: run.stands_out,
        });
        let bounds = (self.median - FAR * self.mad, self.median + FAR * self.mad);
        let drawing = dots(&all.collect::<Vec<_>>(), self.median, bounds, "median tSNR of a run");
        let tsv = format!("data:text/tab-separated-values;base64,{}", STANDARD.encode(self.tsv()));
        let figures =
            |value: Option<f64>| value.map_or("\u{2013}".to_owned(), |v| format!("{v:.1}"));
        let body = html! {
            header {
                h1 { "tSNR of " (self.runs.len()) " runs" }
                p.lead { "Median of the runs' medians " b { (format!("{:.1}", self.median)) } ", scaled MAD " (format!("{:.1}", self.mad)) }
            }
            section {
                h2 { (if out.is_empty() { "No run stands out".to_owned() } else { format!("{} of {} runs stand out", out.len(), self.runs.len()) }) }
                ul.verdicts { @for run in &out { li.warn {
                    strong { "WARN" }
                    span {
                        (run.name) ": median tSNR " (figures(run.median))
                        small { "more than " (FAR) " scaled MAD from " (format!("{:.1}", self.median)) ", the median of all runs; " (run.record) }
                    }
                } } }
            }
            section {
                h2 { "Runs by their median" }
                p { "A dot a run. Across: the median of all runs, and " (FAR) " scaled MAD above and below." }
                (figure(&drawing.svg()))
            }
            section {
                h2 { "Table" }
                p { a href=(tsv) download="group_tsnr.tsv" { "Download as TSV" } }
                div.wide { table {
                    thead { tr { @for name in ["run", "median tSNR", "volumes", "TR", "mask voxels", "record"] { th scope="col" { (name) } } } }
                    tbody { @for run in &self.runs { tr {
                        th scope="row" { (run.name) }
                        td { b { (figures(run.median)) } }
                        td { (run.volumes) }
                        td { (run.tr_seconds.map_or("\u{2013}".to_owned(), |tr| format!("{} s", tr as f32))) }
                        td { (run.mask_voxels) }
                        td { (run.record) }
                    } } }
                } }
            }
            p { (TOOL) }
        };
        frame(&format!("tSNR of {} runs", self.runs.len()), body)
    }
}

#[cfg(test)]
mod tests {
    use super::{GroupReport, GroupRun, STD_IN_MADS};

    fn run(name: &str, median: Option<f64>) -> GroupRun {
        let json = serde_json::json!({
            "inputs": [{ "run": name, "shape": [4, 4, 3, 50], "tr_seconds": 2.5, "tsnr_median": median }],
            "figures": { "mask_voxels": 40 },
        });
        GroupRun::of_record("map.json", &json.to_string()).unwrap().remove(0)
    }

    #[test]
    fn runs_far_from_the_others_stand_out_and_so_do_those_without_a_median() {
        let medians = [60.0, 58.0, 61.0, 20.0, 59.0, 62.0];
        let mut runs: Vec<_> = medians.iter().map(|&m| run(&format!("run-{m}"), Some(m))).collect();
        runs.push(run("empty", None));
        let report = GroupReport::of(runs);
        // Median 59.5; distances 0.5, 0.5, 1.5, 1.5, 2.5, 39.5: their median is 1.5.
        assert_eq!((report.median, report.mad), (59.5, 1.5 * STD_IN_MADS));
        let out: Vec<&str> =
            report.runs.iter().filter(|r| r.stands_out).map(|r| r.name.as_str()).collect();
        assert_eq!(out, ["run-20", "empty"]);
        assert_eq!(report.runs[0].name, "run-20");
        let line = "run-20\t20\ttrue\t50\t2.5\t40\tmap.json\n";
        assert!(report.tsv().contains(line) && report.tsv().contains("\nempty\tn/a\t"));
    }

    #[test]
    fn text_of_others_is_text_in_page_and_table() {
        let report = GroupReport::of(vec![run("<script>\t\"'&", Some(1.0))]);
        assert!(!report.html().contains("<script>"));
        assert_eq!(report.tsv().lines().nth(1).unwrap().split('\t').count(), 7);
    }

    #[test]
    fn the_file_beside_a_bids_map_is_a_record_of_one_run() {
        let json = r#"{"MedianTsnr": 41.5, "MaskVoxels": 9, "Volumes": 88, "RepetitionTime": 5.0}"#;
        let path = "out/sub-01/func/sub-01_task-x_stat-tsnr_boldmap.json";
        let runs = GroupRun::of_record(path, json).unwrap();
        assert_eq!((runs.len(), &*runs[0].name, runs[0].median), (1, "sub-01_task-x", Some(41.5)));
        assert_eq!((runs[0].volumes, runs[0].tr_seconds), (88, Some(5.0)));
    }

    #[test]
    fn other_json_is_no_record() {
        for json in ["", "{}", "[1]", r#"{"inputs": 3, "figures": {}}"#, r#"{"RepetitionTime": 2}"#]
        {
            assert_eq!(GroupRun::of_record("x.json", json), None, "{json}");
        }
    }
}
