//! What happens on Ctrl-C, and when a scheduler ends the program?
//!
//! The work is cancelled and tidies up, for SIGINT and SIGTERM alike; the exit code says which it was. SIGHUP is
//! left alone, so that `nohup` does what people expect.

use std::sync::atomic::{AtomicI32, Ordering};
use std::{io, thread};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use voxstore::CancelToken;

/// The signal that came last.
static CAUGHT: AtomicI32 = AtomicI32::new(SIGINT);

/// From now on, a signal cancels.
pub(crate) fn cancel_on_signal(cancel: CancelToken) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let wait = move || {
        for signal in signals.forever() {
            CAUGHT.store(signal, Ordering::Relaxed);
            cancel.cancel();
        }
    };
    thread::Builder::new().name("voxstore-signals".to_owned()).spawn(wait).map(drop)
}

/// What a program that was ended by a signal exits with: 130 after SIGINT, 143 after SIGTERM.
pub(crate) fn exit_code() -> u8 {
    128 + CAUGHT.load(Ordering::Relaxed) as u8
}
