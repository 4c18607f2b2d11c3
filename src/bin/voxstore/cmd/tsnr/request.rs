//! From what was typed to runs and a definition of tSNR.

use std::path::Path;

use anyhow::Result;
use voxstore::Run;
use voxstore::jobs::{Across, Constant, Like, Mask, NonFinite, TsnrOptions};

use super::censor;
use crate::args::{AcrossArg, ConstantArg, LikeArg, NonFiniteArg, TsnrWhat};
use crate::chosen::LeftOut;
use crate::exit::Misuse;
use crate::inputs::Chosen;
use crate::{inputs, render};

/// Runs, and what the definition borrows.
pub(crate) struct Request<'a> {
    what: &'a TsnrWhat,
    pub(crate) runs: Vec<Run>,
    pub(crate) left_out: Vec<LeftOut>,
    censored: Vec<Vec<u64>>,
    mask: Option<Run>,
}

impl<'a> Request<'a> {
    /// Opens runs, mask and lists; reads no voxel.
    pub(crate) fn of(what: &'a TsnrWhat) -> Result<Self> {
        let options = what.reading.options();
        let Chosen { runs, left_out } = inputs::runs_to_join(&what.inputs, &what.runs, options)?;
        if !what.censor.is_empty() && what.censor.len() != runs.len() {
            let names: Vec<&str> = runs.iter().map(Run::name).collect();
            return Err(Misuse(format!(
                "{} --censor file(s) for {} run(s); give one a run, in this order:\n  {}",
                what.censor.len(),
                runs.len(),
                names.join("\n  ")
            ))
            .into());
        }
        let mut censored = Vec::new();
        for (path, run) in what.censor.iter().zip(&runs) {
            let list = censor::read(path, run)?;
            list.warnings.iter().for_each(|warning| render::say(&format!("warning: {warning}")));
            censored.push(list.volumes);
        }
        let mask = what.mask.as_deref().filter(|path| !is_auto(path));
        let mask = mask.map(|path| inputs::open_one(path, options)).transpose()?;
        Ok(Self { what, runs, left_out, censored, mask })
    }

    /// That of the tool named, or the default, with what was typed beside it.
    pub(crate) fn options(&self) -> TsnrOptions<'_> {
        let what = self.what;
        let mut options = what.like.map_or_else(TsnrOptions::default, |tool| {
            TsnrOptions::like(match tool {
                LikeArg::Seed => Like::Seed,
                LikeArg::Fsl => Like::Fsl,
                LikeArg::Afni => Like::Afni,
                LikeArg::AfniCvarinv => Like::AfniCvarinv,
                LikeArg::Nipype => Like::Nipype,
                LikeArg::Mriqc => Like::Mriqc,
                LikeArg::Sct => Like::Sct,
                LikeArg::Halfpipe => Like::Halfpipe,
            })
        });
        options.across = match what.across {
            None | Some(AcrossArg::Concat) => Across::Concat,
            Some(AcrossArg::Pooled) => Across::Pooled,
            Some(AcrossArg::Mean) => Across::Mean,
            Some(AcrossArg::PerRun) => Across::PerRun,
        };
        options.detrend = what.detrend.unwrap_or(options.detrend);
        if let Some(ddof) = what.ddof {
            ddof.apply(&mut options);
        }
        options.dummies = what.dummy_scans.map_or(options.dummies, Into::into);
        options.censored = &self.censored;
        options.mask = match &self.mask {
            Some(mask) => Mask::Of(mask),
            None if what.mask.is_some() => Mask::Auto,
            None => Mask::None,
        };
        options.constant = match what.constant {
            None => options.constant,
            Some(ConstantArg::Zero) => Constant::Zero,
            Some(ConstantArg::Nan) => Constant::Nan,
        };
        options.non_finite = match what.non_finite {
            None => options.non_finite,
            Some(NonFiniteArg::Propagate) => NonFinite::Propagate,
            Some(NonFiniteArg::Skip) => NonFinite::Skip,
            Some(NonFiniteArg::Zero) => NonFinite::Zero,
        };
        options
    }
}

/// A file of that name is meant by `./auto`.
fn is_auto(path: &Path) -> bool {
    path.as_os_str() == "auto"
}
