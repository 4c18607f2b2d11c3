//! `voxstore diff`

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;
use voxstore::jobs::{Diff, DiffInput, DiffValues, MemoryRecord, diff};
use voxstore::nifti::OpenOptions;
use voxstore::{Report, peak_memory_bytes, store};

use crate::args::DiffArgs;
use crate::exit::Done;
use crate::{inputs, render};

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    diff: &'a Diff,
    tolerance: f64,
    within: bool,
    memory: Option<MemoryRecord>,
}

pub(crate) fn run(args: &DiffArgs) -> Result<Done> {
    let options = args.reading.options();
    let (a, b) = (open(&args.a, options)?, open(&args.b, options)?);
    let session = args.limits.session(&args.talk)?;
    let (found, report) = diff(&a, &b, &session)?;
    let within = found.is_within(args.tolerance);
    if args.talk.json {
        let memory = report
            .as_ref()
            .map(|report| MemoryRecord::new(session.memory_bytes(), report, peak_memory_bytes()));
        render::json(&Answer { diff: &found, tolerance: args.tolerance, within, memory })?;
    } else if !args.talk.quiet {
        tell(&found, args.tolerance, within, report.as_ref(), session.memory_bytes())?;
    }
    Ok(if within { Done::All } else { Done::Different })
}

/// A file, a run in a store, or an array.
fn open(path: &Path, options: OpenOptions) -> Result<DiffInput> {
    if let Some((root, name)) = inputs::run_in_store(path) {
        return Ok(DiffInput::from(&store::open(root)?.run(&name)?));
    }
    if !inputs::is_store(path) {
        return Ok(DiffInput::from(&inputs::open_one(path, options)?));
    }
    if store::open(path).is_ok() {
        bail!(
            "{} is a store; give the folder of one of its runs, such as {}",
            path.display(),
            path.join("runs").join("rest.ome.zarr").display()
        );
    }
    Ok(DiffInput::from(store::open_array(path)?))
}

fn tell(
    found: &Diff,
    tolerance: f64,
    within: bool,
    report: Option<&Report>,
    budget_bytes: u64,
) -> Result<()> {
    let sides = [("a", &found.a), ("b", &found.b)];
    let rows = sides.map(|(letter, side)| {
        let shape = render::shape(&side.shape);
        vec![letter.to_owned(), side.name.clone(), shape, side.data_type.to_owned()]
    });
    render::line(&render::table(&["", "name", "shape", "type"], &rows))?;
    match &found.values {
        Some(values) => tell_values(values)?,
        None => render::line("shapes differ: values cannot be compared")?,
    }
    match found.corners_apart_mm {
        Some(0.0) => render::line("affines:     the same")?,
        Some(apart) => render::line(&format!("affines:     corners up to {apart:.3e} mm apart"))?,
        None => {}
    }
    if let Some(report) = report {
        render::memory(budget_bytes, report, peak_memory_bytes())?;
    }
    let verdict = if within { "within" } else { "not within" };
    render::line(&format!("{verdict} a tolerance of {tolerance:?}"))
}

fn tell_values(values: &DiffValues) -> Result<()> {
    let share = 100.0 * values.share_identical;
    render::line(&format!(
        "identical:   {} of {} ({share:.4} %)",
        values.identical, values.elements
    ))?;
    let place = values.at.as_ref().map_or(String::new(), |place| {
        let index: Vec<String> = place.index.iter().map(u64::to_string).collect();
        format!(" at ({}): {:?} and {:?}", index.join(", "), place.a, place.b)
    });
    render::line(&format!("largest:     {:?}{place}", values.max_abs))?;
    render::line(&format!("mean:        {:?}", values.mean_abs))?;
    render::line(&format!("correlation: {:?}", values.correlation))?;
    let (a, b) = (values.nan_in_a_only, values.nan_in_b_only);
    if a + b > 0 {
        render::line(&format!("NaN in one:  {a} in a only, {b} in b only"))?;
    }
    Ok(())
}
