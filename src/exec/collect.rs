//! Where do finished boxes of a result go?
//!
//! Into arrays, sinks and whoever takes boxes; into memory or a scratch file that a later pass reads; or into
//! a box that is put together first. Knows no pass.

use std::sync::{Mutex, PoisonError};

use ndarray::{ArrayView, ArrayViewMutD, IxDyn, ShapeBuilder, Slice};

use super::error::ExecError;
use crate::buffer::Buffer;
use crate::dtype::Element;
use crate::grid::{Region, copy_overlap};
use crate::lazy::MemorySource;
use crate::sink::SinkError;
use crate::spill::Spill;

/// Takes boxes of a result in any order; no two overlap.
pub(super) trait Collect: Sync {
    /// Elements of `region` in memory order.
    fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), ExecError>;
}

/// What takes the results of a pass, each in the order of the pass.
pub(super) struct Collects<'a> {
    /// Those made of sums, a list for each output.
    pub(super) outputs: &'a [Vec<&'a dyn Collect>],
    /// Those that are handed on as they flow by.
    pub(super) emits: &'a [&'a dyn Collect],
}

impl<F: Fn(&Region, &[u8]) -> Result<(), ExecError> + Sync> Collect for F {
    fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), ExecError> {
        self(region, bytes)
    }
}

/// What puts boxes into an ndarray of any memory layout.
pub(super) fn into_array<T: Element>(view: ArrayViewMutD<'_, T>) -> impl Collect {
    let view = Mutex::new(view);
    move |region: &Region, bytes: &[u8]| {
        let mut view = view.lock().unwrap_or_else(PoisonError::into_inner);
        view.slice_each_axis_mut(|axis| {
            let (start, end) = (region.start()[axis.axis.0], region.end(axis.axis.0));
            Slice::from(start as usize..end as usize)
        })
        .assign(&as_view::<T>(region, bytes));
        Ok(())
    }
}

/// What puts the boxes of one tile together before it goes on: its parts come from different files.
pub(super) fn into_box<'a>(
    tile: &'a Region,
    item_bytes: usize,
    bytes: &'a mut [u8],
) -> impl Collect + 'a {
    let whole = Mutex::new(bytes);
    move |region: &Region, bytes: &[u8]| {
        let mut whole = whole.lock().unwrap_or_else(PoisonError::into_inner);
        copy_overlap(bytes, region, &mut whole, tile, item_bytes);
        Ok(())
    }
}

/// A box in memory order as an ndarray view.
pub(super) fn as_view<'b, T: Element>(region: &Region, bytes: &'b [u8]) -> ArrayView<'b, T, IxDyn> {
    let shape: Vec<usize> = region.shape().iter().map(|&n| n as usize).collect();
    ArrayView::from_shape(IxDyn(&shape).f(), bytemuck::checked::cast_slice(bytes))
        .expect("a box has as many elements as its shape says")
}

/// Memory that a later pass, or a later phase of the same tile, reads as a source.
impl Collect for MemorySource {
    fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), ExecError> {
        self.put(region, bytes);
        Ok(())
    }
}

/// A scratch file that a later pass reads as a source.
impl Collect for Spill {
    fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), ExecError> {
        Ok(self.put(region, bytes)?)
    }
}

/// Collects rows of whole trailing slices, which come in order, until they are whole blocks of where
/// they go.
pub(super) struct Regroup<'a> {
    inner: &'a dyn Collect,
    whole: Region,
    rows: u64,
    item_bytes: usize,
    /// The rows held, and the first of them.
    held: Mutex<(Buffer, u64, u64)>,
}

impl<'a> Regroup<'a> {
    /// Goes on to `inner` by `rows` rows; `buffer` holds as many.
    pub(super) fn new(
        inner: &'a dyn Collect,
        shape: &[u64],
        rows: u64,
        item_bytes: usize,
        buffer: Buffer,
    ) -> Self {
        let whole = Region::whole(shape);
        Self { inner, whole, rows, item_bytes, held: Mutex::new((buffer, 0, 0)) }
    }
}

impl Collect for Regroup<'_> {
    fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), ExecError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (buffer, first, count) = &mut *held;
        let last = self.whole.ndim() - 1;
        let total = self.whole.shape()[last];
        let row_bytes = bytes.len() / (region.shape()[last].max(1)) as usize;
        let mut rest = bytes;
        let expected = self.whole.with_axis(last, *first + *count, region.shape()[last]);
        if *region != expected && !region.is_empty() {
            let reason = format!("rows came out of order: {expected:?} were to come");
            return Err(SinkError::new("regrouping", format!("{region:?}"), reason).into());
        }
        while !rest.is_empty() {
            let wanted = self.rows.min(total - *first);
            let take = (wanted - *count).min((rest.len() / row_bytes) as u64);
            let (now, later) = rest.split_at(take as usize * row_bytes);
            buffer[*count as usize * row_bytes..][..now.len()].copy_from_slice(now);
            (*count, rest) = (*count + take, later);
            if *count == wanted {
                let full = self.whole.with_axis(last, *first, wanted);
                self.inner.put(&full, &buffer[..full.len() as usize * self.item_bytes])?;
                (*first, *count) = (*first + wanted, 0);
            }
        }
        Ok(())
    }
}
