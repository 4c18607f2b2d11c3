//! What the terminal shows of tSNR: a row a run, and what runs are together.

use voxstore::jobs::{Across, Mask, Tsnr, TsnrOptions};

use crate::render;

/// The table; columns of what was left out appear where something was.
pub(super) fn of(result: &Tsnr, across: Across) -> String {
    let left_out = [
        ("dummies", result.runs.iter().any(|row| row.dummy_volumes > 0)),
        ("censored", result.runs.iter().any(|row| row.censored_volumes > 0)),
    ];
    let row = |name: &str, numbers: [u64; 3], tr: String, median: f64| {
        let mut cells = vec![name.to_owned(), numbers[0].to_string()];
        let shown = left_out.iter().zip(&numbers[1..]).filter(|((_, shown), _)| *shown);
        cells.extend(shown.map(|(_, number)| number.to_string()));
        cells.extend([tr, format!("{median:.2}")]);
        cells
    };
    let numbers_of =
        |row: &voxstore::jobs::RunRow| [row.volumes, row.dummy_volumes, row.censored_volumes];
    let mut rows: Vec<Vec<String>> = result
        .runs
        .iter()
        .map(|run| row(&run.name, numbers_of(run), render::seconds(run.tr_seconds), run.median))
        .collect();
    if result.runs.len() > 1 {
        let sum = |at: usize| result.runs.iter().map(|run| numbers_of(run)[at]).sum();
        let all = [sum(0), sum(1), sum(2)];
        let mut whole = |name: &str, is: Across, median| {
            let mark = if across == is { " (the map)" } else { "" };
            rows.push(row(&format!("{name}{mark}"), all, String::new(), median));
        };
        whole("pooled (within runs)", Across::Pooled, result.pooled_median);
        whole("joined", Across::Concat, result.concatenated_median);
        if let Some(median) = result.mean_of_runs_median {
            whole("mean of runs", Across::Mean, median);
        }
    }
    let shown = left_out.iter().filter(|(_, shown)| *shown).map(|(name, _)| *name);
    let head: Vec<&str> =
        ["run", "volumes"].into_iter().chain(shown).chain(["TR", "median tSNR"]).collect();
    render::table(&head, &rows)
}

/// What the medians are over, and how much lies between runs.
pub(super) fn below(result: &Tsnr, options: TsnrOptions<'_>) -> String {
    let over = match options.mask {
        Mask::Of(mask) => format!("in {}", mask.name()),
        _ => "std > 0 and mean above 20 % of the largest".to_owned(),
    };
    let counted = format!(
        "medians over {} voxels: {over}; {} constant voxels",
        result.mask_voxels, result.constant_voxels
    );
    let Some(between) = result.between_runs else { return counted };
    format!(
        "{counted}\nbetween runs: variance of the runs' means {:.4}, {:.1} % of that of the joined \
         series (medians)",
        between.variance_median,
        100.0 * between.share_median
    )
}
