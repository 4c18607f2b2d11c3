//! With how much memory, on how many threads, and when to stop?
//!
//! [`Session`] holds the answers; [`Budget`](budget::Budget) keeps count of every byte handed out;
//! progress and cancellation travel beside the work. Knows nothing of arrays or files.

mod budget;
mod cancel;
mod progress;
mod session;

pub(crate) use budget::{Buffer, Budget, Lease};
pub use budget::BudgetError;
pub use cancel::CancelToken;
pub use progress::{Progress, Silent};
pub use session::{DEFAULT_MEMORY_BYTES, FIXED_BYTES, Session, SessionBuilder, SessionError};
