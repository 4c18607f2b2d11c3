//! How does work run beside Python?
//!
//! On threads of its own, with Python's lock given back. The thread that asked waits, and every tenth of a second
//! lets Python look for Ctrl-C and tells how far the work is; whatever that raises stops the work and is raised.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use voxstore::{CancelToken, Error, Progress, Session};

use crate::errors::raised;

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What a piece of work may take, as Python's keywords say it.
#[derive(FromPyObject)]
pub(crate) struct Limits {
    memory: Option<Memory>,
    threads: Option<usize>,
    scratch: Option<PathBuf>,
    progress: Option<Py<PyAny>>,
}

#[derive(FromPyObject)]
enum Memory {
    Bytes(u64),
    Text(String),
}

/// How far the work is, for the thread that waits.
#[derive(Debug, Default)]
struct Told {
    what: Mutex<String>,
    done_bytes: AtomicU64,
    total_bytes: AtomicU64,
}

impl Progress for Told {
    fn begin(&self, what: &str, total_bytes: u64) {
        what.clone_into(&mut self.what.lock().unwrap_or_else(PoisonError::into_inner));
        self.done_bytes.store(0, Ordering::Relaxed);
        self.total_bytes.store(total_bytes, Ordering::Relaxed);
    }
    fn advance(&self, bytes: u64) {
        self.done_bytes.fetch_add(bytes, Ordering::Relaxed);
    }
    fn end(&self) {}
}

impl Told {
    fn tell(&self, py: Python<'_>, listener: &Py<PyAny>) -> PyResult<()> {
        let what = self.what.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if what.is_empty() {
            return Ok(());
        }
        let load = |bytes: &AtomicU64| bytes.load(Ordering::Relaxed);
        listener.call1(py, (what, load(&self.done_bytes), load(&self.total_bytes))).map(drop)
    }
}

impl Limits {
    pub(crate) fn session(&self, py: Python<'_>) -> PyResult<Session> {
        self.builder().build().map_err(|error| raised(py, error.into()))
    }

    fn builder(&self) -> voxstore::SessionBuilder {
        let mut builder = Session::builder();
        builder = match &self.memory {
            Some(Memory::Bytes(bytes)) => builder.memory_bytes(*bytes),
            Some(Memory::Text(text)) => builder.memory(text),
            None => builder,
        };
        if let Some(threads) = self.threads {
            builder = builder.threads(threads);
        }
        if let Some(folder) = &self.scratch {
            builder = builder.scratch(folder);
        }
        builder
    }

    /// Runs a piece of work under these limits; `KeyboardInterrupt` stops it.
    pub(crate) fn run<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&Session) -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        let (cancel, told) = (CancelToken::new(), Arc::new(Told::default()));
        let builder = self.builder().cancel_token(cancel.clone());
        let session = builder.progress(Arc::<Told>::clone(&told)).build();
        let session = session.map_err(|error| raised(py, error.into()))?;
        let look = |py: Python<'_>| {
            py.check_signals()?;
            self.progress.as_ref().map_or(Ok(()), |listener| told.tell(py, listener))
        };
        let (done, stopped) = py.detach(|| {
            thread::scope(|scope| {
                let (running, ended) = channel::<()>();
                let worker = scope.spawn(move || {
                    // Dropped at the end, also of a panic.
                    let _running = running;
                    work(&session)
                });
                let mut stopped = None;
                while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LOOK_EVERY) {
                    if stopped.is_none()
                        && let Err(error) = Python::attach(look)
                    {
                        cancel.cancel();
                        stopped = Some(error);
                    }
                }
                match worker.join() {
                    Ok(done) => (done, stopped),
                    Err(panic) => resume_unwind(panic),
                }
            })
        });
        if let Some(error) = stopped {
            return Err(error);
        }
        let done = done.map_err(|error| raised(py, error))?;
        look(py)?;
        Ok(done)
    }
}
