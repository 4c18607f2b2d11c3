//! How is tSNR asked for from Python?

pub(crate) mod shards;

use numpy::PyArray3;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use voxstore::jobs::{
    self, Across, Constant, Dummies, Like, Mask, NonFinite, TsnrOptions, TsnrRecord,
};
use voxstore::peak_memory_bytes;

use crate::open::Run;
use crate::work::Limits;

#[derive(FromPyObject)]
enum NumberOrWord {
    Number(u64),
    Word(String),
}

#[derive(FromPyObject)]
enum RunOrWord {
    Run(Py<Run>),
    Word(String),
}

/// The definition as Python's keywords say it; what is `None` is as the tool named has it, or the default.
#[derive(FromPyObject)]
pub(crate) struct Definition {
    across: String,
    ddof: Option<NumberOrWord>,
    detrend: Option<u32>,
    dummy_scans: NumberOrWord,
    censor: Vec<Vec<u64>>,
    mask: Option<RunOrWord>,
    constant: Option<String>,
    nan: Option<String>,
    like: Option<String>,
}

/// The word's meaning among these, or what it could have been.
fn one_of<T: Copy>(option: &str, word: &str, all: &[(&str, T)]) -> PyResult<T> {
    let found = all.iter().find(|(name, _)| *name == word).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        PyValueError::new_err(format!("{option} is {word:?}; expected one of {}", names.join(", ")))
    })
}

impl Definition {
    fn options(&self) -> PyResult<TsnrOptions<'_>> {
        let tools = [
            Like::Seed,
            Like::Fsl,
            Like::Afni,
            Like::AfniCvarinv,
            Like::Nipype,
            Like::Mriqc,
            Like::Sct,
            Like::Halfpipe,
        ];
        let mut options = match &self.like {
            Some(word) => {
                TsnrOptions::like(one_of("like", word, &tools.map(|tool| (tool.name(), tool)))?)
            }
            None => TsnrOptions::default(),
        };
        let across = [
            ("concat", Across::Concat),
            ("pooled", Across::Pooled),
            ("mean", Across::Mean),
            ("per-run", Across::PerRun),
        ];
        options.across = one_of("across", &self.across, &across)?;
        options.detrend = self.detrend.unwrap_or(options.detrend);
        match &self.ddof {
            Some(NumberOrWord::Number(ddof)) => options.ddof = *ddof,
            Some(NumberOrWord::Word(word)) => {
                options.ddof_of_model = one_of("ddof", word, &[("model", true)])?;
            }
            None => {}
        }
        options.dummies = match &self.dummy_scans {
            NumberOrWord::Number(count) => Dummies::First(*count),
            NumberOrWord::Word(word) => one_of("dummy_scans", word, &[("auto", Dummies::Auto)])?,
        };
        options.censored = &self.censor;
        options.mask = match &self.mask {
            None => Mask::None,
            Some(RunOrWord::Run(run)) => Mask::Of(&run.get().0),
            Some(RunOrWord::Word(word)) => one_of("mask", word, &[("auto", Mask::Auto)])?,
        };
        if let Some(word) = &self.constant {
            options.constant =
                one_of("constant", word, &[("0", Constant::Zero), ("nan", Constant::Nan)])?;
        }
        if let Some(word) = &self.nan {
            let all = [
                ("propagate", NonFinite::Propagate),
                ("skip", NonFinite::Skip),
                ("zero", NonFinite::Zero),
            ];
            options.non_finite = one_of("nan", word, &all)?;
        }
        Ok(options)
    }
}

/// The map and the figures beside it.
#[pyfunction]
pub(crate) fn tsnr(
    py: Python<'_>,
    runs: Vec<Py<Run>>,
    definition: Definition,
    limits: Limits,
) -> PyResult<Bound<'_, PyDict>> {
    let runs: Vec<voxstore::Run> = runs.iter().map(|run| run.get().0.clone()).collect();
    let options = definition.options()?;
    let (done, budget_bytes) = limits
        .run(py, |session| Ok((jobs::tsnr(&runs, options, session)?, session.memory_bytes())))?;
    in_python(py, done, &runs, options, budget_bytes)
}

/// The keywords of Python's `Tsnr`.
fn in_python<'py>(
    py: Python<'py>,
    done: jobs::Tsnr,
    runs: &[voxstore::Run],
    options: TsnrOptions<'_>,
    budget_bytes: u64,
) -> PyResult<Bound<'py, PyDict>> {
    let record = TsnrRecord::new(&done, runs, options, budget_bytes, peak_memory_bytes());
    let record =
        serde_json::to_string(&record).map_err(|e| PyValueError::new_err(e.to_string()))?;
    let out = PyDict::new(py);
    out.set_item("median", done.map_median(options.across))?;
    out.set_item("run_medians", done.runs.iter().map(|run| run.median).collect::<Vec<_>>())?;
    out.set_item("pooled_median", done.pooled_median)?;
    out.set_item("concatenated_median", done.concatenated_median)?;
    out.set_item("warnings", done.warnings)?;
    out.set_item("record", record)?;
    let in_numpy = |map| PyArray3::from_owned_array(py, map);
    out.set_item("run_maps", done.run_maps.into_iter().map(in_numpy).collect::<Vec<_>>())?;
    out.set_item("map", in_numpy(done.map))?;
    Ok(out)
}
