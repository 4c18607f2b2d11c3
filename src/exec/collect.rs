//! Where finished boxes of a result go.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{ArrayView, ArrayViewMutD, IxDyn, ShapeBuilder, Slice};

use crate::dtype::Element;
use crate::grid::{Region, copy_overlap};
use crate::lazy::MemorySource;

/// Takes boxes of a result in any order; no two overlap.
pub(super) trait Collect: Sync {
    /// Elements of `region` in memory order; `Break` when nobody wants more.
    fn put(&self, region: &Region, bytes: &[u8]) -> ControlFlow<()>;
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
    fn put(&self, region: &Region, bytes: &[u8]) -> ControlFlow<()> {
        let mut view = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        view.slice_each_axis_mut(|axis| {
            let (start, end) = (region.start()[axis.axis.0], region.end(axis.axis.0));
            Slice::from(start as usize..end as usize)
        })
        .assign(&as_view::<T>(region, bytes));
        ControlFlow::Continue(())
    }
}

/// Gathers a result that a later pass reads as a source.
pub(super) struct IntoMemory {
    source: Arc<MemorySource>,
    whole: Region,
    item_bytes: usize,
    bytes: Mutex<Vec<u8>>,
}

impl IntoMemory {
    pub(super) fn new(source: Arc<MemorySource>, shape: &[u64], item_bytes: usize) -> Self {
        let whole = Region::whole(shape);
        let bytes = Mutex::new(vec![0; whole.len() as usize * item_bytes]);
        Self { source, whole, item_bytes, bytes }
    }

    /// Hands the numbers to the source.
    pub(super) fn deliver(self) {
        self.source.fill(self.bytes.into_inner().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Collect for IntoMemory {
    fn put(&self, region: &Region, bytes: &[u8]) -> ControlFlow<()> {
        let mut all = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        copy_overlap(bytes, region, &mut all, &self.whole, self.item_bytes);
        ControlFlow::Continue(())
    }
}
