//! With how much memory, on how many threads, and when to stop?
//!
//! [`Session`] holds the answers; [`Budget`](budget::Budget) keeps count of every byte handed out;
//! progress, cancellation and what the system says of disks and files stand beside it. Knows
//! nothing of arrays or of what is in files.

mod budget;
mod cancel;
mod disk;
mod peak;
mod pool;
mod progress;
mod session;
mod shell;

pub use budget::BudgetError;
pub(crate) use budget::{Budget, Lease};
pub use cancel::CancelToken;
pub(crate) use disk::{Stamp, check_writable, folder_of, free_bytes, remedy, same_mount};
pub use peak::peak_memory_bytes;
pub use progress::{MemoryUse, Progress, Silent};
pub(crate) use session::FIXED_BYTES;
pub use session::{Session, SessionBuilder, SessionError};
pub(crate) use shell::in_shell;
