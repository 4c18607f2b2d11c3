//! How is a stream read while the worker sums what came before?
//!
//! By a thread of its own, into buffers that go round between the two.

use std::sync::Arc;

use super::error::ExecError;
use crate::buffer::Buffer;
use crate::source::{Source, SourceError, StreamOptions};

/// Slabs of a stream in order. `slabs` are the volume ranges to read; `free` are the buffers to read
/// into; `take` gets each slab. Returns the stream's warnings, and the buffers.
pub(super) fn read_ahead(
    source: &Arc<dyn Source>,
    slabs: impl Iterator<Item = (u64, u64)> + Send,
    free: Vec<Buffer>,
    mut take: impl FnMut(&[u8]) -> Result<(), ExecError>,
) -> Result<(Vec<String>, Vec<Buffer>), ExecError> {
    let (empty_in, empty_out) = std::sync::mpsc::channel::<Buffer>();
    let (full_in, full_out) = std::sync::mpsc::channel::<(Buffer, usize)>();
    for buffer in free {
        // The other end is held below, so this cannot fail.
        let _ = empty_in.send(buffer);
    }
    let volume: u64 = {
        let shape = source.shape();
        shape[..shape.len() - 1].iter().product::<u64>() * source.dtype().size() as u64
    };
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new()
            .name("voxstore-reader".to_owned())
            .stack_size(1 << 20)
            .spawn_scoped(scope, move || {
                let read = || -> Result<Vec<String>, SourceError> {
                    let mut stream = source.stream(StreamOptions::default())?;
                    let mut next = 0;
                    for (first, count) in slabs {
                        // The worker has gone: its own error tells why.
                        let Ok(mut buffer) = empty_out.recv() else { return Ok(Vec::new()) };
                        if first > next {
                            stream.skip((first - next) * volume)?;
                        }
                        let bytes = (count * volume) as usize;
                        stream.read_next(&mut buffer[..bytes])?;
                        next = first + count;
                        if full_in.send((buffer, bytes)).is_err() {
                            return Ok(Vec::new());
                        }
                    }
                    let end = stream.finish()?;
                    let name = source.name();
                    Ok(end.warnings.into_iter().map(|w| format!("{name}: {w}")).collect())
                };
                let said = read();
                // The slabs in `full_in` end here; buffers not used again go back with the channel.
                drop(full_in);
                (said, empty_out)
            })
            .map_err(|e| {
                SourceError::new(source.name(), "reader thread", format!("cannot start: {e}"))
            })?;
        let mut outcome = Ok(());
        // Ends when the reader does, after its last slab or its first error.
        for (buffer, bytes) in &full_out {
            outcome = take(&buffer[..bytes]);
            if outcome.is_err() {
                break;
            }
            // The reader keeps its end until it is joined, so this cannot fail.
            let _ = empty_in.send(buffer);
        }
        drop((empty_in, full_out));
        let (said, empty_out) =
            reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        outcome?;
        // Every buffer comes back: the next stream of this worker is read into the same ones.
        Ok((said?, empty_out.try_iter().collect()))
    })
}
