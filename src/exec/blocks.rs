//! How is an array walked that is larger than memory?

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use ndarray::ArrayD;

use super::collect::{Collect, as_view};
use super::error::ExecError;
use super::run::run_plan;
use crate::buffer::Buffer;
use crate::dtype::Element;
use crate::grid::{BlockGrid, Region, copy_overlap};
use crate::lazy::LazyArray;
use crate::plan::{Delivery, Plan, ResultMemory};
use crate::runtime::{BudgetError, Session};

impl LazyArray {
    /// The array block by block, under the default session; see [`Session::blocks`].
    ///
    /// ```
    /// let mut largest = 0;
    /// for block in voxstore::arange(0, 1000, 3).blocks::<i32>()? {
    ///     let (_region, values) = block?;
    ///     largest = values.iter().copied().fold(largest, i32::max);
    /// }
    /// assert_eq!(largest, 999);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Session::blocks`].
    pub fn blocks<T: Element>(&self) -> Result<BlockIter<T>, ExecError> {
        Session::default().blocks(self)
    }
}

impl Session {
    /// Walks an array of any size in memory order: boxes with their numbers, each computed while the
    /// one before is in use. A block is whole stored blocks where they fit; one pass over the
    /// sources. Dropping the iterator stops the work.
    ///
    /// ```
    /// # use voxstore::Session;
    /// let session = Session::builder().memory("64MiB").build()?;
    /// let mut seen = 0;
    /// for block in session.blocks::<f64>(&voxstore::full(&[64, 64, 30, 10], 2.0))? {
    ///     let (region, values) = block?; // where it lies, and an ndarray
    ///     assert_eq!(values.sum(), 2.0 * region.len() as f64);
    ///     seen += region.len();
    /// }
    /// assert_eq!(seen, 64 * 64 * 30 * 10);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`LazyArray::compute`] before anything is read; later errors come as items and end the
    /// walk. Blocks of a gzip stream are checked against its checksum when the walk has ended: an
    /// error there means that blocks already seen may be wrong.
    pub fn blocks<T: Element>(&self, array: &LazyArray) -> Result<BlockIter<T>, ExecError> {
        // One worker hands over boxes in order.
        let session = self.with_one_thread();
        let wanted = array.wanted_blocks();
        let delivery =
            Delivery { grid: wanted.map(<[u64]>::to_vec), ..Delivery::of(ResultMemory::Blocks) };
        let grid = wanted.map(|blocks| BlockGrid::new(array.shape(), blocks));
        let plan = Plan::new(&[(array, T::DTYPE)], &delivery, &session)?;
        let (sender, receiver) = sync_channel(0);
        let thread = std::thread::Builder::new()
            .name("voxstore-blocks".to_owned())
            .spawn(move || {
                let outcome =
                    run_plan(&plan, &[&IntoChannel { sender: sender.clone(), grid }], &session);
                if let Err(error) = outcome {
                    // Nobody may be listening any more.
                    let _ = sender.send(Err(error));
                }
            })
            .map_err(|e| crate::runtime::SessionError::Pool {
                workers: 1,
                reason: e.to_string(),
            })?;
        Ok(BlockIter { receiver: Some(receiver), thread: Some(thread) })
    }
}

type Block<T> = Result<(Region, ArrayD<T>), ExecError>;

struct IntoChannel<T> {
    sender: SyncSender<Block<T>>,
    /// The blocks that were asked for, where some were.
    grid: Option<BlockGrid>,
}

impl<T: Element> IntoChannel<T> {
    fn send(&self, region: &Region, bytes: &[u8]) -> Result<(), ExecError> {
        let block = (region.clone(), as_view::<T>(region, bytes).to_owned());
        // Nobody may want more.
        self.sender.send(Ok(block)).map_err(|_| ExecError::Cancelled)
    }
}

impl<T: Element> Collect for IntoChannel<T> {
    fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), ExecError> {
        let Some(grid) = self.grid.as_ref().filter(|_| !region.is_empty()) else {
            return self.send(region, bytes);
        };
        // A stream hands over rows of whole slices, which may hold several blocks.
        for block in grid.touching(region).map(|position| grid.region(&position)) {
            if block == *region {
                return self.send(region, bytes);
            }
            let wanted_bytes = block.len() * size_of::<T>() as u64;
            let mut part = Buffer::zeroed(wanted_bytes)
                .ok_or(BudgetError::System { what: "a block", wanted_bytes })?;
            copy_overlap(bytes, region, &mut part, &block, size_of::<T>());
            self.send(&block, &part)?;
        }
        Ok(())
    }
}

/// Blocks of an array in memory order; see [`Session::blocks`].
#[derive(Debug)]
pub struct BlockIter<T> {
    receiver: Option<Receiver<Block<T>>>,
    thread: Option<JoinHandle<()>>,
}

impl<T> BlockIter<T> {
    fn end(&mut self) {
        // Closing the channel makes the worker stop at its next block.
        self.receiver = None;
        if let Some(thread) = self.thread.take()
            && let Err(panic) = thread.join()
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl<T> Iterator for BlockIter<T> {
    type Item = Block<T>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.receiver.as_ref().and_then(|receiver| receiver.recv().ok());
        if !matches!(item, Some(Ok(_))) {
            self.end();
        }
        item
    }
}

impl<T> Drop for BlockIter<T> {
    fn drop(&mut self) {
        self.end();
    }
}
