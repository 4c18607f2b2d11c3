//! How does a result of any size go to a sink, or to whoever takes boxes?
//!
//! Never whole in memory. Knows no format and no place.

use ndarray::ArrayViewD;

use super::collect::{Collect, as_view};
use super::error::ExecError;
use super::run::{Report, run_plan};
use crate::dtype::{DType, Element};
use crate::grid::{Region, shape_text};
use crate::lazy::LazyArray;
use crate::plan::{Delivery, Plan, ResultMemory};
use crate::runtime::Session;
use crate::sink::{Sink, SinkError, SinkOrder};

impl Session {
    /// Computes several arrays together without ever holding one of them: `take` gets the number of
    /// an array, where a box of it lies, and its elements (memory order is Fortran's). Every element
    /// comes once, boxes in any order and from several threads. What was taken counts only when this
    /// has returned, since a stream is checked when it has been read to its end.
    ///
    /// ```
    /// # use std::sync::Mutex;
    /// # use ndarray::array;
    /// # use voxstore::{Session, from_ndarray};
    /// let x = from_ndarray(array![[1.0, 3.0], [2.0, 6.0]]);
    /// let sums = Mutex::new([0.0; 2]);
    /// Session::default().for_each_block::<f64>(&[&x.mean(-1), &x.max(-1)], |array, _, block| {
    ///     sums.lock().unwrap()[array] += block.sum();
    ///     Ok(())
    /// })?;
    /// assert_eq!(sums.into_inner().unwrap(), [6.0, 9.0]);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`compute_all`](Self::compute_all), and what `take` says.
    pub fn for_each_block<T: Element>(
        &self,
        arrays: &[&LazyArray],
        take: impl Fn(usize, &Region, ArrayViewD<'_, T>) -> Result<(), SinkError> + Sync,
    ) -> Result<Report, ExecError> {
        let wanted: Vec<_> = arrays.iter().map(|&a| (a, T::DTYPE)).collect();
        self.each_box(&wanted, |index, region, bytes| {
            take(index, region, as_view::<T>(region, bytes))
        })
    }

    /// As [`for_each_block`](Self::for_each_block), with the bytes of each array's own type.
    pub(crate) fn for_each_box(
        &self,
        arrays: &[&LazyArray],
        take: impl Fn(usize, &Region, &[u8]) -> Result<(), SinkError> + Sync,
    ) -> Result<Report, ExecError> {
        let wanted: Vec<_> = arrays.iter().map(|&a| (a, a.dtype())).collect();
        self.each_box(&wanted, take)
    }

    fn each_box(
        &self,
        wanted: &[(&LazyArray, DType)],
        take: impl Fn(usize, &Region, &[u8]) -> Result<(), SinkError> + Sync,
    ) -> Result<Report, ExecError> {
        let plan = Plan::new(wanted, &Delivery::of(ResultMemory::Sink), self)?;
        let take = &take;
        let taker = |index| {
            move |region: &Region, bytes: &[u8]| -> Result<(), ExecError> {
                Ok(take(index, region, bytes)?)
            }
        };
        let takers: Vec<_> = (0..wanted.len()).map(taker).collect();
        let collects: Vec<&dyn Collect> =
            takers.iter().map(|taker| taker as &dyn Collect).collect();
        run_plan(&plan, &collects, self)
    }

    /// Computes an array into a sink, box by box: the result is never whole in memory. The sink
    /// becomes visible when all of it has been written and every source has been checked to its end;
    /// after an error it leaves nothing behind.
    ///
    /// ```
    /// # use voxstore::{DType, Session, nifti::{NiftiOptions, NiftiSink}};
    /// # let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("ones.nii");
    /// let sink = NiftiSink::create(&path, &[4, 4, 2], DType::F32, None, &NiftiOptions::default())?;
    /// Session::default().write(&voxstore::full(&[4, 4, 2], 1.0_f32), Box::new(sink))?;
    /// assert!(path.exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`LazyArray::compute`] before anything is read or written; then what a source or the sink
    /// says.
    pub fn write(&self, array: &LazyArray, sink: Box<dyn Sink>) -> Result<Report, ExecError> {
        if sink.shape() != array.shape() || sink.dtype() != array.dtype() {
            let reason = format!(
                "it takes {} {}, the array is {} {}",
                sink.dtype(),
                shape_text(sink.shape()),
                array.dtype(),
                shape_text(array.shape())
            );
            return Err(SinkError::new(sink.name(), "before the first box", reason).into());
        }
        let in_order = sink.order() == SinkOrder::Memory;
        // Boxes in order come from one worker.
        let session = if in_order { self.with_one_thread() } else { self.clone() };
        let delivery = Delivery {
            memory: ResultMemory::Sink,
            grid: Some(sink.block_shape().to_vec()),
            in_order,
            sink_bytes: Some(&|shape| sink.scratch_bytes(shape)),
        };
        let plan = Plan::new(&[(array, array.dtype())], &delivery, &session)?;
        let put = |region: &Region, bytes: &[u8]| Ok(sink.put(region, bytes)?);
        let report = run_plan(&plan, &[&put], &session)?;
        sink.commit()?;
        Ok(report)
    }
}
