//! What is there to tell of a plan? Its passes and its expression, as the plain data of a picture.
//!
//! The same expression, budget and threads give the same explanation. Decides nothing, and draws nothing.

mod names;
mod nodes;

use bytesize::ByteSize;

use nodes::nodes_of;

use super::pass::{Dest, Form, Pass};
use super::schedule::{Schedule, SumsIn, Units};
use super::{Delivery, Plan, PlanError, ResultMemory};
use crate::dtype::DType;
use crate::grid::{saturating_count, shape_text};
use crate::lazy::LazyArray;
use crate::picture::{ExplainPass, ExplainSource, ExplainState, Explanation, Summary, chunks_svg};
use crate::runtime::Session;
use crate::source::address;

impl Session {
    /// What computing these arrays together would do: the expression, the passes, what each reads and
    /// how often, running sums, workers, and the projected peak memory. Reads no voxel. The answer
    /// writes itself as text, JSON, DOT and SVG.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use voxstore::{Session, from_ndarray};
    /// let x = from_ndarray(array![[1.0, 3.0], [2.0, 6.0]]);
    /// let plan = Session::default().explain(&[&(x.mean(-1) / x.std(-1))])?;
    /// assert_eq!(plan.passes.len(), 1); // mean and std share one scan
    /// assert!(plan.svg().starts_with("<svg"));
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`compute`](Session::compute) would before it reads anything.
    pub fn explain(&self, arrays: &[&LazyArray]) -> Result<Explanation, PlanError> {
        self.explained(arrays, ResultMemory::Counted)
    }

    /// What computing these arrays together would do where their boxes are handed on, and none is ever
    /// whole in memory: [`for_each_block`](Session::for_each_block), or writing one to a file. What the
    /// file's format takes for a box is added when it is written.
    ///
    /// ```
    /// # use voxstore::Session;
    /// let large = voxstore::full(&[256, 256, 128, 1000], 1.0); // 62 GiB
    /// let plan = Session::default().explain_write(&[&large.square(), &large.mean(-1)])?;
    /// assert!(plan.summary.peak_bytes < 512 << 20);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`explain`](Session::explain).
    pub fn explain_write(&self, arrays: &[&LazyArray]) -> Result<Explanation, PlanError> {
        self.explained(arrays, ResultMemory::Sink)
    }

    fn explained(
        &self,
        arrays: &[&LazyArray],
        memory: ResultMemory,
    ) -> Result<Explanation, PlanError> {
        Ok(self.planned(arrays, memory)?.explanation(arrays, self))
    }

    /// How often [`explain`](Session::explain) says that a source is read, without the rest of it.
    pub(crate) fn scans(&self, arrays: &[&LazyArray]) -> Result<usize, PlanError> {
        Ok(self.planned(arrays, ResultMemory::Counted)?.scans())
    }

    /// The same of [`explain_write`](Session::explain_write).
    pub(crate) fn scans_to_write(&self, arrays: &[&LazyArray]) -> Result<usize, PlanError> {
        Ok(self.planned(arrays, ResultMemory::Sink)?.scans())
    }

    fn planned(&self, arrays: &[&LazyArray], memory: ResultMemory) -> Result<Plan, PlanError> {
        let outputs: Vec<_> = arrays.iter().map(|&a| (a, a.dtype())).collect();
        // The blocks that `rechunk` asked for are those of a file.
        let grid = match arrays {
            [one] if memory == ResultMemory::Sink => one.wanted_blocks().map(<[u64]>::to_vec),
            _ => None,
        };
        Plan::new(&outputs, &Delivery { grid, ..Delivery::of(memory) }, self)
    }
}

impl LazyArray {
    /// [`Session::explain`] of this array alone, under the default session.
    ///
    /// ```
    /// let x = voxstore::full(&[64, 64, 30, 184], 1.0);
    /// let demeaned = &x - x.mean(-1).expand_dims(-1);
    /// println!("{}", demeaned.explain()?); // passes, memory, the expression
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Session::explain`].
    pub fn explain(&self) -> Result<Explanation, PlanError> {
        Session::default().explain(&[self])
    }

    /// What writing this array to a file would do, under the default session: as
    /// [`explain`](Self::explain), but the result is never whole in memory. What the file's format takes
    /// for a box is added when it is written.
    ///
    /// ```
    /// let large = voxstore::full(&[256, 256, 128, 1000], 1.0).square(); // 62 GiB
    /// assert!(large.explain().is_err());
    /// assert!(large.explain_write()?.summary.peak_bytes < 64 << 20);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Session::explain`].
    pub fn explain_write(&self) -> Result<Explanation, PlanError> {
        Session::default().explain_write(&[self])
    }

    /// A picture of the array and the blocks it comes in, as self-contained SVG: what dask shows of an
    /// array in a notebook.
    ///
    /// ```
    /// let x = voxstore::full(&[64, 64, 30, 184], 0_i16).rechunk(&[64, 64, 10, 16]);
    /// assert!(x.blocks_svg().starts_with("<svg"));
    /// ```
    pub fn blocks_svg(&self) -> String {
        chunks_svg(self.shape(), &self.block_shape(), self.dtype().name(), self.nbytes())
    }
}

impl Plan {
    /// The plan, and the expressions it computes, as plain data.
    fn explanation(&self, arrays: &[&LazyArray], session: &Session) -> Explanation {
        let passes =
            self.passes.iter().enumerate().map(|(k, (pass, s))| self.pass(k, pass, s)).collect();
        let summary = Summary {
            peak_bytes: self.projected_bytes(),
            budget_bytes: self.budget_bytes,
            fixed_bytes: self.standing.fixed_bytes(),
            result_bytes: self.standing.result_bytes,
            held_bytes: self.standing.held_bytes,
            spilled_bytes: self.spilled_bytes(),
            read_bytes: self.read_bytes(),
            scans: self.scans(),
            threads: session.threads(),
            rewrites: self.rewrites(),
        };
        Explanation { summary, nodes: nodes_of(self, arrays), passes }
    }

    fn pass(&self, index: usize, pass: &Pass, schedule: &Schedule) -> ExplainPass {
        ExplainPass {
            number: index + 1,
            strategy: strategy(pass, schedule),
            workers: schedule.workers,
            worker_bytes: schedule.sizes.total(),
            state_bytes: schedule.shared_bytes,
            peak_bytes: self.standing.projected_bytes(schedule.total_bytes()),
            read_bytes: pass.read_bytes().saturating_mul(schedule.readings()),
            sources: sources(pass, schedule),
            states: states(pass),
            outputs: pass
                .dests()
                .map(|(dest, ..)| match dest {
                    Dest::Result(index) => format!("result {}", index + 1),
                    Dest::Held(_) => "held".to_owned(),
                    Dest::Spilled(_) => "scratch file".to_owned(),
                })
                .collect(),
        }
    }

    /// What the planner did with the expression.
    fn rewrites(&self) -> Vec<String> {
        let mut said: Vec<String> = Vec::new();
        for (pass, schedule) in &self.passes {
            let runs = pass.reductions.iter().map(|r| r.sums.len()).max().unwrap_or(0);
            if runs > 1 {
                said.push(format!("reductions go through the join: {runs} pieces summed alone"));
            }
            for state in states(pass).into_iter().filter(|state| state.shared_by.len() > 1) {
                said.push(format!("{} share one set of sums", state.shared_by.join(", ")));
            }
            if pass.sums.iter().any(|sum| sum.slope != 1.0 || sum.inter != 0.0) {
                said.push("slope and intercept are applied to finished sums".to_owned());
            }
            let mut loads = pass.feeds().flat_map(|f| &f.branches).flat_map(|b| &b.loads);
            if loads.any(|load| !load.view.is_in_order()) {
                said.push("views fold into what is read".to_owned());
            }
            if pass.form == Form::Mixed {
                said.push("results of different kinds share one scan".to_owned());
            }
            if let Some(spill) = schedule.spill() {
                let wait = ByteSize(spill.len_bytes());
                said.push(format!("{wait} of running sums wait on disk, so that all is read once"));
            }
            if let Some(spill) = pass.spill() {
                let wait = ByteSize(spill.len_bytes());
                said.push(format!("{wait} wait on disk, to be read in the blocks of the result"));
            }
            if schedule.keep {
                said.push("tiles are kept from the sums to what is made of them".to_owned());
            }
        }
        let mut once = Vec::new();
        for phrase in said {
            if !once.contains(&phrase) {
                once.push(phrase);
            }
        }
        once
    }
}

fn strategy(pass: &Pass, schedule: &Schedule) -> String {
    let ahead = if schedule.read_ahead { ", read ahead" } else { "" };
    let again = match schedule.rereads {
        times if times < 1.5 => String::new(),
        times => format!(", stored blocks read {times:.0} times"),
    };
    match &schedule.units {
        Units::Tiles(tiles) => {
            let tile = shape_text(&tiles.largest());
            let kept = if schedule.keep { ", kept for two phases" } else { "" };
            let plural = if tiles.len() == 1 { "" } else { "s" };
            let legs = match schedule.legs {
                1 => String::new(),
                legs => format!(", summed in {legs} legs by several workers"),
            };
            format!("{} tile{plural} of {tile}{legs}{kept}{again}", tiles.len())
        }
        Units::Parts { sums: SumsIn::Slabs(slabs), .. } => {
            let slab = shape_text(&slabs.largest());
            format!("streams, read again for each of {} slabs of {slab}", slabs.len())
        }
        Units::Parts { sums, .. } => {
            let waiting = if matches!(sums, SumsIn::Disk(_)) { ", sums wait on disk" } else { "" };
            if pass.is_sequential() {
                format!("streams, one unit a file{ahead}{waiting}")
            } else {
                format!("front to back, one unit a source{again}{waiting}")
            }
        }
    }
}

fn sources(pass: &Pass, schedule: &Schedule) -> Vec<ExplainSource> {
    let mut listed: Vec<(usize, ExplainSource)> = Vec::new();
    for feed in pass.feeds() {
        for (index, window) in feed.windows.iter().enumerate() {
            let source = &window.source;
            let bytes = feed.window_bytes(index);
            match listed.iter_mut().find(|(known, _)| *known == address(source)) {
                Some((_, entry)) => entry.read_bytes = entry.read_bytes.saturating_add(bytes),
                None => listed.push((
                    address(source),
                    ExplainSource {
                        name: source.name().to_owned(),
                        dtype: source.dtype().to_string(),
                        shape: source.shape().to_vec(),
                        transport: source.transport().to_owned(),
                        stored_bytes: source.stored_bytes(),
                        read_bytes: bytes,
                        reads: schedule.readings(),
                    },
                )),
            }
        }
    }
    listed
        .into_iter()
        .map(|(_, mut entry)| {
            // More than all of it means more than one trip; what is in memory can be looked at again.
            let elements = saturating_count(&entry.shape);
            let size = DType::from_name(&entry.dtype).map_or(8, |dtype| dtype.size() as u64);
            let all = elements.saturating_mul(size);
            if entry.stored_bytes > 0 {
                entry.reads = entry.reads.max(entry.read_bytes.div_ceil(all.max(1)));
            }
            entry
        })
        .collect()
}

fn states(pass: &Pass) -> Vec<ExplainState> {
    let mut listed: Vec<ExplainState> = Vec::new();
    for (index, sum) in pass.sums.iter().enumerate() {
        let users: Vec<String> = pass
            .reductions
            .iter()
            .filter(|reduction| reduction.sums.contains(&index))
            .map(|reduction| reduction.op.label())
            .collect();
        let axes: Vec<String> = sum.reduced.iter().map(usize::to_string).collect();
        let text = format!("{} over axis {}", sum.kind.text(), axes.join(", "));
        if let Some(state) = listed.iter_mut().find(|state| state.text == text) {
            // Runs have sums of their own; what is told of one is told of all.
            let new = users.into_iter().filter(|user| !state.shared_by.contains(user));
            let new: Vec<String> = new.collect();
            state.shared_by.extend(new);
        } else {
            let bytes_per_cell = sum.kind.cell_bytes();
            listed.push(ExplainState { text, bytes_per_cell, shared_by: users });
        }
    }
    listed
}
