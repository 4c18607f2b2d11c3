//! How do several threads share reading and encoding one run?
//!
//! Two slabs go round. Every worker does what is most urgent: it reads on where a slab is empty and nobody else
//! reads, since for that all others wait; or it encodes a chunk of the older filled slab; and only where there is
//! neither it waits. Before each chunk comes what the source leaves to others, such as hashing. So all are busy to the end, whichever of the two takes longer. What is read and written is
//! `writer`'s matter; who does it, and when, changes no byte.

use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::thread;

use super::choose_codec::choose;
use super::plan::RunPlan;
use super::writer::{Ended, SlabWriter, Slabs};
use crate::buffer::Buffer;
use crate::grid::Region;
use crate::runtime::{Lease, Session};
use crate::source::{Beside, StreamEnd};
use crate::store::error::{StoreError, stop_if_cancelled};

/// Slabs that go round.
pub(super) const SLABS: usize = 2;

/// Writes the voxels of a run by all threads of the pool.
pub(super) fn write_overlapped<'a>(
    plan: &'a RunPlan<'a>,
    array_dir: &Path,
    lease: &mut Lease,
    pool: &rayon::ThreadPool,
    session: &Session,
) -> Result<Ended<'a>, StoreError> {
    let mut reader = Slabs::start(plan)?;
    let mut slab = || lease.buffer(plan.needs.slab_bytes).map(RwLock::new);
    let line = Line {
        plan,
        array_dir,
        session,
        slabs: [slab()?, slab()?],
        writer: OnceLock::new(),
        beside: reader.beside(),
        state: Mutex::new(State {
            reader: Some(reader),
            filled: 0,
            encoded: 0,
            places: [const { None }; SLABS],
            outcome: None,
        }),
        changed: Condvar::new(),
    };
    // Each has a thread of its own, so whoever is waited for is running.
    pool.broadcast(|_| line.work());
    let outcome = line.state.into_inner().unwrap_or_else(PoisonError::into_inner).outcome;
    let end = outcome.unwrap_or(Err(StoreError::Cancelled))?;
    // A run of no volume has no slab that it could be chosen by.
    let writer = match line.writer.into_inner() {
        Some(writer) => writer,
        None => SlabWriter::new(plan, array_dir, choose(plan, None)?),
    };
    Ok((writer, end))
}

struct Line<'l, 'a> {
    plan: &'a RunPlan<'a>,
    array_dir: &'l Path,
    session: &'l Session,
    /// Slab `k` of the run is in buffer `k % SLABS`. Locks that nobody waits for: `state` says whose turn it is.
    slabs: [RwLock<Buffer>; SLABS],
    /// There once the first slab is.
    writer: OnceLock<SlabWriter<'a>>,
    /// What the reader's source leaves to others.
    beside: Option<Beside>,
    state: Mutex<State<'a>>,
    changed: Condvar,
}

struct State<'a> {
    /// `None` while somebody reads, and at the end.
    reader: Option<Slabs<'a>>,
    /// Slabs that were filled, and slabs whose chunks are all written.
    filled: usize,
    encoded: usize,
    places: [Option<Place>; SLABS],
    /// There when the source has been read to its end, and verified, or something failed.
    outcome: Option<Result<(StreamEnd, String), StoreError>>,
}

/// A filled slab, and how far its chunks are.
struct Place {
    region: Region,
    next: u64,
    left: u64,
}

enum Task<'a> {
    Read(Slabs<'a>, usize),
    Encode { slab: usize, region: Region, z: u64 },
}

impl<'a> Line<'_, 'a> {
    fn work(&self) {
        let _ended = Ending(self);
        while let Some(task) = self.next() {
            let done = stop_if_cancelled(self.session).and_then(|()| match task {
                Task::Read(reader, slab) => self.read(reader, slab),
                Task::Encode { slab, region, z } => self.encode(slab, &region, z),
            });
            if let Err(error) = done {
                self.fail(error);
            }
        }
    }

    /// What this worker does next; `None` when all is done or something failed.
    fn next(&self) -> Option<Task<'a>> {
        let mut state = self.lock();
        loop {
            if let Some(Err(_)) = state.outcome {
                return None;
            }
            if state.filled - state.encoded < SLABS
                && let Some(reader) = state.reader.take()
            {
                return Some(Task::Read(reader, state.filled));
            }
            if let Some(task) = state.next_chunk(self.chunks_along_z()) {
                return Some(task);
            }
            if state.outcome.is_some() && state.encoded == state.filled {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn read(&self, mut reader: Slabs<'a>, slab: usize) -> Result<(), StoreError> {
        let mut buffer = self.slabs[slab % SLABS].write().unwrap_or_else(PoisonError::into_inner);
        let Some(region) = reader.fill(&mut buffer)? else {
            drop(buffer);
            let end = reader.finish()?;
            let mut state = self.lock();
            state.outcome.get_or_insert(Ok(end));
            self.changed.notify_all();
            return Ok(());
        };
        if slab == 0 {
            let layout = choose(self.plan, Some(&buffer))?;
            self.writer.get_or_init(|| SlabWriter::new(self.plan, self.array_dir, layout));
        }
        drop(buffer);
        let mut state = self.lock();
        let left = self.chunks_along_z();
        state.places[slab % SLABS] = Some(Place { region, next: 0, left });
        state.filled += 1;
        state.reader = Some(reader);
        self.changed.notify_all();
        Ok(())
    }

    fn encode(&self, slab: usize, region: &Region, z: u64) -> Result<(), StoreError> {
        // First, since nobody but the reader could do it later, and all would wait for that.
        while self.beside.as_ref().is_some_and(|beside| beside()) {}
        let buffer = self.slabs[slab % SLABS].read().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = self.writer.get() {
            writer.write_chunk(&buffer, region, z)?;
        }
        drop(buffer);
        let mut state = self.lock();
        if let Some(place) = &mut state.places[slab % SLABS] {
            place.left -= 1;
        }
        // Slabs get free in their order.
        while state.encoded < state.filled
            && let Some(Place { region, left: 0, .. }) = &state.places[state.encoded % SLABS]
        {
            self.session.progress().advance(self.plan.bytes_of(region));
            state.encoded += 1;
            self.changed.notify_all();
        }
        Ok(())
    }

    fn chunks_along_z(&self) -> u64 {
        self.plan.grid().counts()[2]
    }

    /// Of several failures the first one stays.
    fn fail(&self, error: StoreError) {
        let mut state = self.lock();
        if !matches!(state.outcome, Some(Err(_))) {
            state.outcome = Some(Err(error));
        }
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> State<'a> {
    /// The next chunk that nobody has taken, of the older slab first.
    fn next_chunk(&mut self, chunks_along_z: u64) -> Option<Task<'a>> {
        for slab in self.encoded..self.filled {
            if let Some(place) = &mut self.places[slab % SLABS]
                && place.next < chunks_along_z
            {
                place.next += 1;
                return Some(Task::Encode {
                    slab,
                    region: place.region.clone(),
                    z: place.next - 1,
                });
            }
        }
        None
    }
}

/// A worker that panics must not leave others waiting for what it had taken.
struct Ending<'w, 'l, 'a>(&'w Line<'l, 'a>);

impl Drop for Ending<'_, '_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.fail(StoreError::Cancelled);
        }
    }
}
