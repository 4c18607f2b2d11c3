//! How do threads share reading and encoding one run?
//!
//! Slabs go round: one, and a second one once somebody helps who has memory for it. Everybody does what is most urgent: reads
//! on where a slab is empty and nobody else reads, since for that all others wait; or encodes a chunk of the oldest filled
//! slab; and only where there is neither it waits. Before each chunk comes what the source leaves to others, such as hashing.
//! So all are busy to the end, whichever of the two takes longer, and one alone does one after the other. What is read and
//! written is `writer`'s matter, who helps is `team`'s; neither changes a byte.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::thread;

use super::choose_codec::choose;
use super::plan::RunPlan;
use super::writer::{SlabWriter, Slabs, VoxelsWritten};
use crate::buffer::Buffer;
use crate::grid::Region;
use crate::runtime::{Budget, Lease, Session};
use crate::source::{Beside, StreamEnd};
use crate::store::error::{StoreError, stop_if_cancelled};

/// Slabs that go round at most.
const SLABS: usize = 2;

/// A run whose voxels are being written.
pub(super) struct Line<'a> {
    plan: &'a RunPlan<'a>,
    array_dir: PathBuf,
    session: &'a Session,
    /// Locks that nobody waits for: `state` says whose turn it is.
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
    /// How many slabs there are, and which of them are empty.
    slabs: usize,
    empty: Vec<usize>,
    /// Filled slabs, oldest first.
    filled: VecDeque<Filled>,
    written_bytes: u64,
    helpers: usize,
    /// Memory of helpers.
    leases: Vec<Lease>,
    /// There when the source has been read to its end, and verified, or something failed; until it is asked for.
    outcome: Option<Result<(StreamEnd, String), StoreError>>,
    /// Nobody can help any more.
    closed: bool,
}

/// A filled slab, and how far its chunks are.
struct Filled {
    slab: usize,
    region: Region,
    next: u64,
    left: u64,
}

enum Task<'a> {
    Read(Slabs<'a>, usize),
    Encode { slab: usize, region: Region, z: u64 },
}

impl<'a> Line<'a> {
    /// A run that nobody has begun; `slab` is memory for one.
    pub(super) fn new(
        plan: &'a RunPlan<'a>,
        array_dir: &Path,
        slab: Buffer,
        session: &'a Session,
    ) -> Result<Self, StoreError> {
        let mut reader = Slabs::start(plan)?;
        Ok(Self {
            plan,
            array_dir: array_dir.to_owned(),
            session,
            slabs: [RwLock::new(slab), RwLock::default()],
            writer: OnceLock::new(),
            beside: reader.beside(),
            state: Mutex::new(State {
                reader: Some(reader),
                slabs: 1,
                empty: vec![0],
                filled: VecDeque::new(),
                written_bytes: 0,
                helpers: 0,
                leases: Vec::new(),
                outcome: None,
                closed: false,
            }),
            changed: Condvar::new(),
        })
    }

    /// How much there is to do for each who is at it; `None` where all of it is done.
    pub(super) fn left_bytes(&self) -> Option<u64> {
        let state = self.lock();
        let left = self.plan.raw_bytes.saturating_sub(state.written_bytes);
        (!state.is_over()).then(|| left / (state.helpers as u64 + 1))
    }

    /// Helps until the run is written; false where there is no memory for it, or it is written.
    pub(super) fn help(&self, budget: &Budget) -> bool {
        let joined = self.join(budget);
        if joined {
            self.work();
            self.lock().helpers -= 1;
            self.changed.notify_all();
        }
        joined
    }

    fn join(&self, budget: &Budget) -> bool {
        let needs = &self.plan.needs;
        let lease = |bytes| budget.lease("helping with a run", bytes).ok();
        let mut state = self.lock();
        if state.is_over() {
            return false;
        }
        if state.slabs < SLABS
            && let Some(mut lease) = lease(needs.encode_scratch_bytes + needs.slab_bytes)
            && let Ok(slab) = lease.buffer(needs.slab_bytes)
        {
            *self.slabs[1].write().unwrap_or_else(PoisonError::into_inner) = slab;
            state.slabs = SLABS;
            state.empty.push(1);
            state.leases.push(lease);
        } else if let Some(lease) = lease(needs.encode_scratch_bytes) {
            state.leases.push(lease);
        } else {
            return false;
        }
        state.helpers += 1;
        self.changed.notify_all();
        true
    }

    /// Works until the run is written or something failed; whoever made the line does. Nobody is in it then, and its memory
    /// is let go. Gives the table of the chunks' checksums, too.
    pub(super) fn write(&self) -> Result<(VoxelsWritten, Vec<u8>), StoreError> {
        self.work();
        let mut state = self.lock();
        while state.helpers > 0 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        for slab in &self.slabs {
            *slab.write().unwrap_or_else(PoisonError::into_inner) = Buffer::default();
        }
        state.leases.clear();
        state.closed = true;
        let (end, digest) = state.outcome.take().unwrap_or(Err(StoreError::Cancelled))?;
        drop(state);
        if let Some(writer) = self.writer.get() {
            return Ok(writer.written(end, digest));
        }
        // A run of no volume has no slab that it could be chosen by.
        let layout = choose(self.plan, None)?;
        Ok(SlabWriter::new(self.plan, &self.array_dir, layout).written(end, digest))
    }

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

    /// What this thread does next; `None` when all is done or something failed.
    fn next(&self) -> Option<Task<'a>> {
        let mut state = self.lock();
        loop {
            if state.is_over() {
                return None;
            }
            if let Some(&slab) = state.empty.last()
                && let Some(reader) = state.reader.take()
            {
                state.empty.pop();
                return Some(Task::Read(reader, slab));
            }
            if let Some(task) = state.next_chunk(self.chunks_along_z()) {
                return Some(task);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn read(&self, mut reader: Slabs<'a>, slab: usize) -> Result<(), StoreError> {
        let mut buffer = self.slabs[slab].write().unwrap_or_else(PoisonError::into_inner);
        let Some(region) = reader.fill(&mut buffer)? else {
            drop(buffer);
            let end = reader.finish()?;
            let mut state = self.lock();
            state.outcome.get_or_insert(Ok(end));
            self.changed.notify_all();
            return Ok(());
        };
        if self.writer.get().is_none() {
            let layout = choose(self.plan, Some(&buffer))?;
            self.writer.get_or_init(|| SlabWriter::new(self.plan, &self.array_dir, layout));
        }
        drop(buffer);
        let mut state = self.lock();
        state.filled.push_back(Filled { slab, region, next: 0, left: self.chunks_along_z() });
        state.reader = Some(reader);
        self.changed.notify_all();
        Ok(())
    }

    fn encode(&self, slab: usize, region: &Region, z: u64) -> Result<(), StoreError> {
        // First, since nobody but the reader could do it later, and all would wait for that.
        while self.beside.as_ref().is_some_and(|beside| beside()) {}
        let buffer = self.slabs[slab].read().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = self.writer.get() {
            writer.write_chunk(&buffer, region, z)?;
        }
        drop(buffer);
        let mut state = self.lock();
        let place = state.filled.iter().position(|filled| filled.slab == slab);
        let Some(place) = place else { return Ok(()) };
        state.filled[place].left -= 1;
        if state.filled[place].left == 0 {
            state.filled.remove(place);
            state.empty.push(slab);
            let bytes = self.plan.bytes_of(region);
            state.written_bytes += bytes;
            self.session.progress().advance(bytes);
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
    fn is_over(&self) -> bool {
        match &self.outcome {
            Some(Ok(_)) => self.filled.is_empty(),
            Some(Err(_)) => true,
            None => self.closed,
        }
    }

    /// The next chunk that nobody has taken, of the oldest slab first.
    fn next_chunk(&mut self, chunks_along_z: u64) -> Option<Task<'a>> {
        let filled = self.filled.iter_mut().find(|filled| filled.next < chunks_along_z)?;
        let (slab, region, z) = (filled.slab, filled.region.clone(), filled.next);
        filled.next += 1;
        Some(Task::Encode { slab, region, z })
    }
}

/// A thread that panics must not leave others waiting for what it had taken.
struct Ending<'w, 'a>(&'w Line<'a>);

impl Drop for Ending<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.fail(StoreError::Cancelled);
        }
    }
}
