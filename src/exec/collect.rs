//! Where finished boxes of a result go.

use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{ArrayView, ArrayViewMutD, IxDyn, ShapeBuilder, Slice};

use super::error::ExecError;
use crate::dtype::Element;
use crate::grid::Region;
use crate::lazy::MemorySource;

/// Takes boxes of a result in any order; no two overlap.
pub(super) trait Collect: Sync {
    /// Elements of `region` in memory order.
    fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), ExecError>;
}

/// Writes into an ndarray of any layout.
pub(super) struct IntoArray<'a, T>(Mutex<ArrayViewMutD<'a, T>>);

impl<'a, T: Element> IntoArray<'a, T> {
    pub(super) fn new(view: ArrayViewMutD<'a, T>) -> Self {
        Self(Mutex::new(view))
    }
}

/// A box in memory order as an ndarray view.
pub(super) fn as_view<'b, T: Element>(region: &Region, bytes: &'b [u8]) -> ArrayView<'b, T, IxDyn> {
    let shape: Vec<usize> = region.shape().iter().map(|&n| n as usize).collect();
    ArrayView::from_shape(IxDyn(&shape).f(), bytemuck::checked::cast_slice(bytes))
        .expect("a box has as many elements as its shape says")
}

impl<T: Element> Collect for IntoArray<'_, T> {
    fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), ExecError> {
        let mut view = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        view.slice_each_axis_mut(|axis| {
            let (start, end) = (region.start()[axis.axis.0], region.end(axis.axis.0));
            Slice::from(start as usize..end as usize)
        })
        .assign(&as_view::<T>(region, bytes));
        Ok(())
    }
}

/// Fills memory that a later pass, or a later phase of the same tile, reads as a source.
pub(super) struct IntoMemory(pub(super) Arc<MemorySource>);

impl Collect for IntoMemory {
    fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), ExecError> {
        self.0.put(region, bytes);
        Ok(())
    }
}
