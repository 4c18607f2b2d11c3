//! The limits a piece of work runs under.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytesize::ByteSize;

use super::pool::Pool;
use super::{Budget, CancelToken, Progress, Silent};

/// The budget of a session that names none: 512 MiB.
const DEFAULT_MEMORY_BYTES: u64 = 512 << 20;

/// What a process needs before any voxel: code, stacks, allocator, tables. Measured as the peak of
/// `voxstore info` on a small file, rounded up (`docs/decisions/0004-memory-plan.md`).
pub(crate) const FIXED_BYTES: u64 = 16 << 20;

/// Memory and threads for plans, computations and ingests. Cheap to clone.
///
/// ```
/// let session = voxstore::Session::builder().memory("256MiB").threads(2).build()?;
/// assert_eq!(session.memory_bytes(), 256 << 20);
/// # Ok::<(), voxstore::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    memory_bytes: u64,
    /// Of the budget that was given, what somebody holds beside this session.
    held_bytes: u64,
    threads: usize,
    scratch: Arc<Path>,
    progress: Arc<dyn Progress>,
    cancel: CancelToken,
}

impl Session {
    /// Starts from the defaults: 512 MiB, as many threads as cores are available, no progress.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }

    /// The budget: peak memory of the whole process stays below it.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// The most threads that read or compute at one time.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Stops work of this session and its clones between two blocks.
    pub fn cancel_token(&self) -> &CancelToken {
        &self.cancel
    }

    /// Where results wait that do not fit in memory.
    pub(crate) fn scratch_dir(&self) -> &Path {
        &self.scratch
    }

    pub(crate) fn progress(&self) -> &Arc<dyn Progress> {
        &self.progress
    }

    /// What is left for data when the process itself is paid for.
    pub(crate) fn data_bytes(&self) -> u64 {
        self.memory_bytes.saturating_sub(FIXED_BYTES)
    }

    /// A fresh count over this session's data bytes.
    pub(crate) fn budget(&self) -> Budget {
        self.budget_of(self.data_bytes())
    }

    /// A fresh count over a part of the budget; what is not in it is taken already.
    pub(crate) fn budget_of(&self, bytes: u64) -> Budget {
        let beside_bytes = self.held_bytes + self.memory_bytes.saturating_sub(bytes);
        Budget::new(bytes, beside_bytes, Arc::clone(&self.progress))
    }

    /// The same limits with one thread.
    pub(crate) fn with_one_thread(&self) -> Self {
        Self { threads: 1, ..self.clone() }
    }

    /// The same limits without these bytes, which somebody holds meanwhile; `None` where nothing is left
    /// for data.
    pub(crate) fn with_less(&self, bytes: u64) -> Option<Self> {
        let memory_bytes =
            self.memory_bytes.checked_sub(bytes).filter(|&left| left > FIXED_BYTES)?;
        Some(Self { memory_bytes, held_bytes: self.held_bytes + bytes, ..self.clone() })
    }

    /// A private pool of `workers` threads; ends with the value.
    pub(crate) fn pool(&self, workers: usize) -> Result<Pool, SessionError> {
        Pool::new(workers.clamp(1, self.threads))
    }
}

impl Default for Session {
    fn default() -> Self {
        Self {
            memory_bytes: DEFAULT_MEMORY_BYTES,
            held_bytes: 0,
            threads: available_threads(),
            scratch: std::env::temp_dir().into(),
            progress: Arc::new(Silent),
            cancel: CancelToken::new(),
        }
    }
}

fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Sets up a [`Session`].
#[derive(Clone, Debug, Default)]
pub struct SessionBuilder {
    memory: Option<Result<u64, SessionError>>,
    threads: Option<usize>,
    scratch: Option<PathBuf>,
    progress: Option<Arc<dyn Progress>>,
    cancel: Option<CancelToken>,
}

impl SessionBuilder {
    /// The memory budget as text: `512MiB`, `2GB`, or plain bytes.
    #[must_use]
    pub fn memory(mut self, size: &str) -> Self {
        self.memory = Some(
            size.parse::<ByteSize>()
                .map(|b| b.as_u64())
                .map_err(|reason| SessionError::Memory { given: size.to_owned(), reason }),
        );
        self
    }

    /// The memory budget in bytes.
    #[must_use]
    pub fn memory_bytes(mut self, bytes: u64) -> Self {
        self.memory = Some(Ok(bytes));
        self
    }

    /// The number of threads; 0 is refused.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// A folder for what does not fit in memory; the system's folder for temporary files where none is
    /// named. Where that is in memory itself, name one that is not.
    #[must_use]
    pub fn scratch(mut self, folder: impl Into<PathBuf>) -> Self {
        self.scratch = Some(folder.into());
        self
    }

    /// Who is told about progress.
    #[must_use]
    pub fn progress(mut self, progress: Arc<dyn Progress>) -> Self {
        self.progress = Some(progress);
        self
    }

    /// A token that stops the session's work.
    #[must_use]
    pub fn cancel_token(mut self, cancel: CancelToken) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// The session.
    ///
    /// # Errors
    /// When the memory size is not a size, is no more than the process itself needs, or threads is 0.
    pub fn build(self) -> Result<Session, SessionError> {
        let defaults = Session::default();
        let memory_bytes = self.memory.transpose()?.unwrap_or(defaults.memory_bytes);
        if memory_bytes <= FIXED_BYTES {
            return Err(SessionError::TooSmall { memory_bytes });
        }
        let threads = self.threads.unwrap_or(defaults.threads);
        if threads == 0 {
            return Err(SessionError::NoThreads);
        }
        Ok(Session {
            memory_bytes,
            held_bytes: 0,
            threads,
            scratch: self.scratch.map_or(defaults.scratch, Into::into),
            progress: self.progress.unwrap_or(defaults.progress),
            cancel: self.cancel.unwrap_or(defaults.cancel),
        })
    }
}

/// A session cannot be set up like this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Not a size.
    #[error("memory {given:?} is not a size ({reason}); write it like 512MiB or 2GB")]
    Memory {
        /// The text given.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No more than the process needs for itself.
    #[error("memory {} leaves nothing for data: the program itself takes {}; give at least {}",
        ByteSize(*.memory_bytes), ByteSize(FIXED_BYTES), ByteSize(2 * FIXED_BYTES))]
    TooSmall {
        /// The budget given.
        memory_bytes: u64,
    },
    /// Zero threads.
    #[error("threads is 0; give at least 1")]
    NoThreads,
    /// The system would not start threads.
    #[error("cannot start {workers} worker threads: {reason}; use fewer with --threads")]
    Pool {
        /// Threads asked for.
        workers: usize,
        /// What the system said.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::{FIXED_BYTES, Session, SessionError};

    #[test]
    fn sizes_are_checked_when_the_session_is_built() {
        assert!(matches!(
            Session::builder().memory("lots").build(),
            Err(SessionError::Memory { .. })
        ));
        assert!(matches!(
            Session::builder().memory("1MiB").build(),
            Err(SessionError::TooSmall { .. })
        ));
        assert_eq!(Session::builder().threads(0).build().unwrap_err(), SessionError::NoThreads);
        let session = Session::builder().memory("1GiB").threads(3).build().unwrap();
        assert_eq!((session.memory_bytes(), session.threads()), (1 << 30, 3));
        let rest = session.with_less(1 << 29).unwrap();
        assert_eq!((rest.memory_bytes(), rest.threads()), (1 << 29, 3));
        assert!(session.with_less((1 << 30) - FIXED_BYTES).is_none());
        assert!(session.with_less(1 << 31).is_none());
    }
}
