//! What threads does a piece of work have?
//!
//! A [`Pool`] of rayon that is nobody else's, and is gone when the value is: rayon only tells its threads to end, and
//! until a busy machine lets them, their stacks and allocator's pages count beside those of the next pool.

use std::mem;
use std::ops::Deref;
use std::panic::resume_unwind;
use std::thread::{self, JoinHandle};

use super::session::SessionError;

/// Stack of a worker; the deepest user is zstd's encoder, below 200 KiB.
const STACK_BYTES: usize = 1 << 20;

/// Threads that end with the value.
#[derive(Debug)]
pub(crate) struct Pool {
    /// `None` when it ends.
    rayon: Option<rayon::ThreadPool>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    pub(super) fn new(workers: usize) -> Result<Self, SessionError> {
        let mut threads = Vec::with_capacity(workers);
        let rayon = rayon::ThreadPoolBuilder::new()
            .num_threads(workers)
            .stack_size(STACK_BYTES)
            .thread_name(|i| format!("voxstore-{i}"))
            .spawn_handler(|worker| {
                let named = thread::Builder::new().stack_size(STACK_BYTES);
                let named = named.name(worker.name().unwrap_or_default().to_owned());
                threads.push(named.spawn(|| worker.run())?);
                Ok(())
            })
            .build()
            .map_err(|e| SessionError::Pool { workers, reason: e.to_string() })?;
        Ok(Self { rayon: Some(rayon), threads })
    }
}

impl Deref for Pool {
    type Target = rayon::ThreadPool;
    fn deref(&self) -> &rayon::ThreadPool {
        self.rayon.as_ref().unwrap_or_else(|| unreachable!("it is there until the end"))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        drop(self.rayon.take());
        for thread in mem::take(&mut self.threads) {
            let ended = thread.join();
            if let Err(panic) = ended
                && !thread::panicking()
            {
                resume_unwind(panic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::Pool;

    #[test]
    fn no_thread_is_left_when_a_pool_is_gone() {
        struct Leaving(Arc<AtomicUsize>);
        impl Drop for Leaving {
            fn drop(&mut self) {
                std::thread::sleep(Duration::from_millis(50));
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        std::thread_local! {
            static OF_THREAD: std::cell::RefCell<Option<Leaving>> = const { std::cell::RefCell::new(None) };
        }
        let left = Arc::new(AtomicUsize::new(0));
        let pool = Pool::new(3).unwrap();
        assert_eq!(pool.current_num_threads(), 3);
        pool.broadcast(|_| OF_THREAD.set(Some(Leaving(Arc::clone(&left)))));
        assert_eq!(left.load(Ordering::Relaxed), 0);
        drop(pool);
        assert_eq!(left.load(Ordering::Relaxed), 3);
    }
}
