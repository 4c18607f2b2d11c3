//! `compute` and its friends.

use bytesize::ByteSize;
use ndarray::{ArrayD, ArrayViewMutD, IxDyn, ShapeBuilder};

use super::collect::{Collect, IntoArray};
use super::error::ExecError;
use super::{parts, tiles};
use crate::dtype::Element;
use crate::lazy::LazyArray;
use crate::plan::{Delivery, Dest, Plan, ResultMemory, Units};
use crate::runtime::{BudgetError, Session};

/// Results of one trip, and how it went.
#[derive(Debug)]
pub struct Computed<T> {
    /// One array for each that was asked for, in their order; memory order is Fortran's.
    pub arrays: Vec<ArrayD<T>>,
    /// How it went.
    pub report: Report,
}

/// How a computation went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The most memory the plan said the process would use.
    pub projected_bytes: u64,
    /// The most that was leased at once, with what the process itself needs.
    pub leased_peak_bytes: u64,
    /// Bytes of voxels read.
    pub read_bytes: u64,
    /// How often the voxels were gone through: 1 where everything came out of one scan.
    pub scans: usize,
    /// Bytes that waited in a scratch file, to be read in another order; mostly 0.
    pub spilled_bytes: u64,
    /// Untidy things that sources said and that change no voxel.
    pub warnings: Vec<String>,
}

impl LazyArray {
    /// Computes the array under the default session. `T` is the array's own type, or one that holds
    /// all its values. Axes keep their order; the memory order is Fortran's, `x` fastest.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1_i16, 3], [2, 6]]);
    /// assert_eq!((x + 1).compute::<i16>()?, array![[2, 4], [3, 7]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// An expression that means nothing, a result that does not fit the memory budget (nothing is
    /// read then), or a source that is damaged.
    pub fn compute<T: Element>(&self) -> Result<ArrayD<T>, ExecError> {
        Session::default().compute(self)
    }

    /// Computes the array into memory the caller has, of the same shape and any delivery.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 3.0], [2.0, 6.0]]);
    /// let mut mine = array![0.0, 0.0];
    /// x.mean(-1).compute_into(mine.view_mut().into_dyn())?;
    /// assert_eq!(mine, array![2.0, 4.0]);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`compute`](Self::compute), and when the shapes differ.
    pub fn compute_into<T: Element>(&self, view: ArrayViewMutD<'_, T>) -> Result<(), ExecError> {
        Session::default().compute_into(self, view)
    }
}

impl Session {
    /// Computes one array; see [`LazyArray::compute`].
    ///
    /// ```
    /// # use voxstore::Session;
    /// let session = Session::builder().memory("64MiB").threads(1).build()?;
    /// let total = session.compute::<i64>(&voxstore::arange(0, 10, 1).sum(..))?;
    /// assert_eq!(total, ndarray::arr0(45).into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`LazyArray::compute`].
    pub fn compute<T: Element>(&self, array: &LazyArray) -> Result<ArrayD<T>, ExecError> {
        let mut computed = self.compute_all(&[array])?;
        Ok(computed.arrays.remove(0))
    }

    /// Computes several arrays together: what they share is read and summed once.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use voxstore::{Session, from_ndarray};
    /// let x = from_ndarray(array![[1.0, 3.0], [2.0, 6.0]]);
    /// let both = Session::default().compute_all::<f64>(&[&x.mean(-1), &x.std(-1)])?;
    /// assert_eq!(both.arrays[0], array![2.0, 4.0].into_dyn());
    /// assert_eq!(both.arrays[1], array![1.0, 2.0].into_dyn());
    /// assert_eq!(both.report.scans, 1);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`LazyArray::compute`].
    pub fn compute_all<T: Element>(&self, arrays: &[&LazyArray]) -> Result<Computed<T>, ExecError> {
        let wanted: Vec<_> = arrays.iter().map(|&a| (a, T::DTYPE)).collect();
        let plan = Plan::new(&wanted, &Delivery::of(ResultMemory::Counted), self)?;
        let mut results = arrays
            .iter()
            .map(|array| allocate::<T>(array.shape()))
            .collect::<Result<Vec<_>, _>>()?;
        let views: Vec<IntoArray<'_, T>> =
            results.iter_mut().map(|array| IntoArray::new(array.view_mut())).collect();
        let collects: Vec<&dyn Collect> = views.iter().map(|view| view as &dyn Collect).collect();
        let report = run_plan(&plan, &collects, self)?;
        drop(views);
        Ok(Computed { arrays: results, report })
    }

    /// Computes one array into memory the caller has; that memory is not part of the budget.
    ///
    /// ```
    /// # use voxstore::Session;
    /// let mut mine = ndarray::array![0_i32, 0, 0];
    /// Session::default().compute_into(&voxstore::arange(0, 9, 3), mine.view_mut().into_dyn())?;
    /// assert_eq!(mine, ndarray::array![0, 3, 6]);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`LazyArray::compute_into`].
    pub fn compute_into<T: Element>(
        &self,
        array: &LazyArray,
        view: ArrayViewMutD<'_, T>,
    ) -> Result<(), ExecError> {
        let plan = Plan::new(&[(array, T::DTYPE)], &Delivery::of(ResultMemory::Callers), self)?;
        let shape: Vec<u64> = view.shape().iter().map(|&n| n as u64).collect();
        if shape != array.shape() {
            return Err(ExecError::Shape { array: array.shape().to_vec(), view: shape });
        }
        run_plan(&plan, &[&IntoArray::new(view)], self).map(drop)
    }
}

fn allocate<T: Element>(shape: &[u64]) -> Result<ArrayD<T>, BudgetError> {
    let refuse = |wanted_bytes| BudgetError::System { what: "a result", wanted_bytes };
    let dims: Option<Vec<usize>> = shape.iter().map(|&n| usize::try_from(n).ok()).collect();
    let elements = crate::grid::element_count(shape).and_then(|n| usize::try_from(n).ok());
    let (Some(dims), Some(elements)) = (dims, elements) else { return Err(refuse(u64::MAX)) };
    let mut values = Vec::new();
    values
        .try_reserve_exact(elements)
        .map_err(|_| refuse(elements as u64 * size_of::<T>() as u64))?;
    values.resize(elements, T::zeroed());
    ArrayD::from_shape_vec(IxDyn(&dims).f(), values).map_err(|_| refuse(elements as u64))
}

/// Runs the passes in order; `results[k]` takes result `k`.
pub(super) fn run_plan(
    plan: &Plan,
    results: &[&dyn Collect],
    session: &Session,
) -> Result<Report, ExecError> {
    let budget = session.budget();
    // Results and held arrays are allocated elsewhere; their bytes are taken here.
    let _held = budget.lease("results", plan.standing.result_bytes + plan.standing.held_bytes)?;
    let mut warnings = Vec::new();
    for spill in plan.spills() {
        spill.open(session.scratch_dir())?;
    }
    session.progress().begin("computing", plan.read_bytes());
    let mut run = || -> Result<(), ExecError> {
        for (pass, schedule) in &plan.passes {
            let collects: Vec<&dyn Collect> = pass
                .dests()
                .map(|(dest, ..)| -> Result<&dyn Collect, BudgetError> {
                    Ok(match dest {
                        Dest::Result(index) => results[*index],
                        Dest::Held(source) => {
                            let what = "an array held between passes";
                            let refuse = |wanted_bytes| BudgetError::System { what, wanted_bytes };
                            source.allocate().map_err(refuse)?;
                            &**source
                        }
                        Dest::Spilled(spill) => &**spill,
                    })
                })
                .collect::<Result<_, _>>()?;
            let collects = collects.split_at(pass.outputs.len());
            if schedule.readings() > 1 {
                warnings.push(format!(
                    "each gzip stream was read {} times, slab by slab, to stay within {}; a larger \
                     budget, or ingesting first, reads once",
                    schedule.readings(),
                    ByteSize(session.memory_bytes()),
                ));
            }
            match &schedule.units {
                Units::Tiles(tiles) => {
                    tiles::run(pass, tiles, schedule, collects, &budget, session)?;
                }
                Units::Parts { finish, slabs } => {
                    let boxes = parts::Boxes { finish, slabs: slabs.as_ref() };
                    let said = parts::run(pass, &boxes, schedule, collects, &budget, session)?;
                    // A file that is read twice says the same twice.
                    for warning in said {
                        if !warnings.contains(&warning) {
                            warnings.push(warning);
                        }
                    }
                }
            }
        }
        Ok(())
    };
    let outcome = run();
    session.progress().end();
    outcome?;
    Ok(Report {
        projected_bytes: plan.projected_bytes(),
        leased_peak_bytes: crate::runtime::FIXED_BYTES + budget.peak_bytes(),
        read_bytes: plan.read_bytes(),
        scans: plan.scans(),
        spilled_bytes: plan.spilled_bytes(),
        warnings,
    })
}
