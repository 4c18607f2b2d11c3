//! A plan in words. The same expression and budget give the same text.

use std::fmt::Write as _;

use bytesize::ByteSize;

use super::feed::Feed;
use super::fit::{Blocks, Schedule};
use super::pass::{Dest, FoldPass, MapPass, Pass};
use super::{Plan, PlanError, ResultMemory};
use crate::grid::shape_text;
use crate::kernel::ReduceOp;
use crate::lazy::LazyArray;
use crate::runtime::Session;

impl Session {
    /// What computing these arrays together would do: passes, what each reads once, running sums,
    /// workers, and the projected peak memory. Reads no voxel.
    ///
    /// # Errors
    /// As [`compute`](Session::compute) would before it reads anything.
    pub fn explain(&self, arrays: &[&LazyArray]) -> Result<String, PlanError> {
        let outputs: Vec<_> = arrays.iter().map(|&a| (a, a.dtype())).collect();
        Plan::new(&outputs, ResultMemory::Counted, self).map(|plan| plan.text())
    }
}

impl LazyArray {
    /// [`Session::explain`] of this array alone, under the default session.
    ///
    /// # Errors
    /// As [`Session::explain`].
    pub fn explain(&self) -> Result<String, PlanError> {
        Session::default().explain(&[self])
    }
}

impl Plan {
    /// The plan in words.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let passes = self.passes.len();
        let _ = writeln!(
            out,
            "plan: {passes} pass{}, peak {} of {}, reads {} of voxels",
            if passes == 1 { "" } else { "es" },
            ByteSize(self.projected_bytes()),
            ByteSize(self.budget_bytes),
            ByteSize(self.read_bytes()),
        );
        let _ = writeln!(
            out,
            "  fixed {}, results {}, held between passes {}",
            ByteSize(self.beside_bytes),
            ByteSize(self.result_bytes),
            ByteSize(self.held_bytes),
        );
        for (index, (pass, schedule)) in self.passes.iter().enumerate() {
            let _ = writeln!(out, "pass {} of {passes}: {}", index + 1, schedule_text(schedule));
            match pass {
                Pass::Fold(fold) => fold_text(&mut out, fold),
                Pass::Map(map) => map_text(&mut out, map),
            }
        }
        out
    }
}

fn schedule_text(schedule: &Schedule) -> String {
    let units = match &schedule.blocks {
        Blocks::Tiles(tiles) => {
            format!("{} tiles of {}", tiles.len(), shape_text(&tiles.largest()))
        }
        Blocks::Streams(_) => "streams, one unit a file".to_owned(),
    };
    format!(
        "{units}, {} worker{}{} x {} + {} of running sums",
        schedule.workers,
        if schedule.workers == 1 { "" } else { "s" },
        if schedule.read_ahead { " and a reader each" } else { "" },
        ByteSize(schedule.sizes.total()),
        ByteSize(schedule.shared_bytes),
    )
}

fn fold_text(out: &mut String, fold: &FoldPass) {
    for output in &fold.outputs {
        let made: Vec<String> = output
            .inputs
            .iter()
            .map(|&r| {
                let reduction = &fold.reductions[r];
                let ddof = match reduction.op {
                    ReduceOp::Var { ddof: ddof @ 1.. } | ReduceOp::Std { ddof: ddof @ 1.. } => {
                        format!(" ddof {ddof}")
                    }
                    _ => String::new(),
                };
                format!("{}{ddof} over {}", reduction.op.name(), runs_text(reduction.parts.len()))
            })
            .collect();
        let _ = writeln!(
            out,
            "  {} {} {} from {}",
            dest_text(&output.dest),
            output.program.dtype(),
            shape_text(&fold.shape),
            made.join(", "),
        );
    }
    for part in &fold.parts {
        let scaling = if part.slope == 1.0 && part.inter == 0.0 {
            String::new()
        } else {
            format!(", then *{} +{}", part.slope, part.inter)
        };
        let _ = writeln!(
            out,
            "    {} B/voxel {} over axis {}{scaling} <- {}",
            part.kind.cell_bytes(),
            part.kind.text(),
            fold.axis,
            feed_text(&part.feed),
        );
    }
}

fn map_text(out: &mut String, map: &MapPass) {
    let shape = shape_text(&map.shape);
    let _ = writeln!(out, "  {} {} {shape}", dest_text(&map.dest), map.dtype);
    for (_, feed) in &map.pieces {
        let _ = writeln!(out, "    <- {}", feed_text(feed));
    }
}

fn runs_text(parts: usize) -> String {
    if parts == 1 { "1 run".to_owned() } else { format!("{parts} runs") }
}

fn dest_text(dest: &Dest) -> String {
    match dest {
        Dest::Result(index) => format!("result {}", index + 1),
        Dest::Held(_) => "held".to_owned(),
    }
}

fn feed_text(feed: &Feed) -> String {
    let leaves: Vec<String> = feed
        .leaves
        .iter()
        .map(|leaf| {
            let source = &leaf.source;
            format!(
                "{} {} {} ({}, {} stored)",
                source.name(),
                source.dtype(),
                shape_text(&feed.shape),
                source.transport(),
                ByteSize(source.stored_bytes()),
            )
        })
        .collect();
    leaves.join(" with ")
}
