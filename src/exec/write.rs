//! Results of any size, box by box into a sink.

use super::collect::Collect;
use super::compute::{Report, run_plan};
use super::error::ExecError;
use crate::grid::{Region, shape_text};
use crate::lazy::LazyArray;
use crate::plan::{Layout, Plan, ResultMemory};
use crate::runtime::Session;
use crate::sink::{Sink, SinkError, SinkOrder};

struct IntoSink<'a>(&'a dyn Sink);

impl Collect for IntoSink<'_> {
    fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), ExecError> {
        Ok(self.0.put(region, bytes)?)
    }
}

impl Session {
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
        let layout = Layout {
            memory: ResultMemory::Sink,
            grid: Some(sink.block_shape().to_vec()),
            in_order,
            sink_bytes: Some(&|shape| sink.scratch_bytes(shape)),
        };
        let plan = Plan::new(&[(array, array.dtype())], &layout, &session)?;
        let report = run_plan(&plan, &[&IntoSink(&*sink)], &session)?;
        sink.commit()?;
        Ok(report)
    }
}
