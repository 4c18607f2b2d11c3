//! Which pictures does a report have?

use super::QualityReport;
use super::figures::Sorted;
use super::gather::Gathered;
use crate::picture::{
    ColourMap, Course, Drawing, Ridge, RunSlices, Scale, Tiles, axis_end, carpet, comparison,
    counts_of, distinct_parts, mosaic, ridges, slices_by_time, volumes_a_column,
};

/// Slices of each run beside each other.
const SLICES: usize = 6;

/// A volume on a page: a mosaic that can be read back.
#[derive(Debug)]
pub(super) struct Map {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) scale: Scale,
    pub(super) drawing: Drawing,
}

#[derive(Debug)]
pub(super) struct Pictures {
    /// Slices of all maps.
    pub(super) tiles: Tiles,
    /// Standard deviation, tSNR, mean.
    pub(super) maps: [Map; 3],
    pub(super) ridges: Drawing,
    pub(super) carpet: Drawing,
    pub(super) slices: Drawing,
    /// Of several runs.
    pub(super) comparison: Option<Drawing>,
}

impl Pictures {
    pub(super) fn of(report: &QualityReport) -> Self {
        let gathered = &report.gathered;
        let tiles = Tiles::all(&gathered.placement);
        let a_column = volumes_a_column(gathered.volumes as usize);
        let around = Scale::around_zero(largest_change(gathered));
        let courses = gathered.runs.iter().map(|run| run.course_in(around, a_column));
        let courses: Vec<Course> = courses.collect();
        let several = gathered.runs.len() > 1;
        Self {
            maps: maps_of(gathered, &tiles),
            ridges: ridges(&ridges_of(report), "tSNR"),
            carpet: carpet(&courses),
            slices: slices_by_time(&courses, around),
            comparison: several.then(|| comparison_of(report)),
            tiles,
        }
    }

    /// Each with its name as a file.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'static str, &Drawing)> {
        let names = ["sd_mosaic", "tsnr_mosaic", "mean_mosaic"];
        let maps = names.into_iter().zip(self.maps.iter().map(|map| &map.drawing));
        let rest =
            [("tsnr_histogram", &self.ridges), ("carpet", &self.carpet), ("slices", &self.slices)];
        maps.chain(rest).chain(self.comparison.iter().map(|drawing| ("runs", drawing)))
    }
}

fn maps_of(gathered: &Gathered, tiles: &Tiles) -> [Map; 3] {
    let within = match gathered.runs.len() {
        1 => String::new(),
        count => format!(", within {count} runs"),
    };
    let map = |name, unit, title: String, colours, of: &dyn Fn(usize) -> f64| {
        let sorted = Sorted::of(gathered, of);
        let scale = Scale::up_to(sorted.quantile(0.98), colours);
        let image = tiles.image(scale, of);
        let drawing = mosaic(tiles, image, scale, &title, unit, sorted.quantile(0.5));
        Map { name, unit, scale, drawing }
    };
    let std = |voxel: usize| gathered.pooled_std(voxel);
    let tsnr = |voxel: usize| gathered.pooled(voxel);
    let mean = |voxel: usize| gathered.mean[voxel];
    [
        map(
            "SD",
            "signal",
            format!("Standard deviation over time{within}"),
            ColourMap::Inferno,
            &std,
        ),
        map(
            "tSNR",
            "tSNR",
            format!("Temporal SNR: mean / standard deviation{within}"),
            ColourMap::Viridis,
            &tsnr,
        ),
        map("Mean", "signal", "Mean over time".to_owned(), ColourMap::Grey, &mean),
    ]
}

fn ridges_of(report: &QualityReport) -> Vec<Ridge> {
    let gathered = &report.gathered;
    let high = axis_end(report.runs.iter().map(|run| 1.3 * run.p95));
    let names = short_names(gathered);
    // Few voxels make no fine steps.
    let bins = ((report.mask_voxels as f64).sqrt() as usize).clamp(12, 90);
    let runs = report.runs.iter().zip(&gathered.runs).zip(names);
    runs.map(|((figures, run), name)| {
        let inside = (0..run.tsnr.len()).filter(|&voxel| gathered.mask[voxel]);
        Ridge {
            name,
            counts: counts_of(inside.map(|voxel| run.tsnr[voxel]), high, bins),
            high,
            p05: figures.p05,
            median: figures.median,
            p95: figures.p95,
            low: super::figures::DROPOUT,
            low_share: figures.dropout_share,
        }
    })
    .collect()
}

fn comparison_of(report: &QualityReport) -> Drawing {
    let gathered = &report.gathered;
    let tiles = Tiles::row(&gathered.placement, SLICES, slices_with_mask(gathered));
    let pooled = Sorted::of(gathered, |voxel| gathered.pooled(voxel));
    let scale = Scale::up_to(pooled.quantile(0.98), ColourMap::Viridis);
    let around = Scale::around_zero(0.5 * pooled.quantile(0.5));
    let names = short_names(gathered);
    let runs = report.runs.iter().zip(&gathered.runs).zip(names).map(|((figures, run), name)| {
        let difference = |voxel: usize| {
            if gathered.mask[voxel] { run.tsnr[voxel] - gathered.pooled(voxel) } else { f64::NAN }
        };
        RunSlices {
            name,
            figure: format!("median {:.1}", figures.median),
            map: tiles.image(scale, |voxel| run.tsnr[voxel]),
            difference: tiles.image(around, difference),
        }
    });
    comparison(&tiles, &runs.collect::<Vec<_>>(), scale, around)
}

fn short_names(gathered: &Gathered) -> Vec<String> {
    let names: Vec<&str> = gathered.runs.iter().map(|run| run.name.as_str()).collect();
    distinct_parts(&names)
}

/// The first and the last slice with voxels of the mask, counted from inferior.
fn slices_with_mask(gathered: &Gathered) -> (usize, usize) {
    let placement = &gathered.placement;
    let [right, anterior, superior] = placement.lengths();
    let has = |slice: &usize| {
        (0..right * anterior).any(|at| {
            gathered.mask[placement.index(placement.voxel([at % right, at / right, *slice]))]
        })
    };
    let first = (0..superior).find(has).unwrap_or(0);
    let last = (0..superior).rev().find(has).unwrap_or(superior - 1);
    (first, last)
}

/// Almost all changes of slices are smaller, in percent.
fn largest_change(gathered: &Gathered) -> f64 {
    let changes = gathered.runs.iter().flat_map(|run| &run.change).map(|v| v.abs());
    Sorted::new(changes.filter(|v| v.is_finite()).collect()).quantile(0.99)
}
