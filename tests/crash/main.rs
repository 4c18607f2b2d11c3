//! The program when it is killed, starved, and set upon a store by several at once.
//!
//! Processes, not threads: what one leaves behind, another finds. Moments are marked by what is to be seen
//! on the disk, such as so many chunk files, never by time alone; choices are seeded.
//! `VOXSTORE_CRASH_ROUNDS` raises the number of kills and of rounds (50 if not given).
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot prepare its files has failed; skipped ones say so"
)]

#[path = "../cli/common.rs"]
#[expect(dead_code, reason = "tests/cli uses the rest")]
mod common;
#[path = "../files/mod.rs"]
#[expect(dead_code, reason = "tests/cli uses the rest")]
mod files;
mod full_disk;
mod interrupt;
mod killed_ingest;
mod killed_outputs;
mod leftovers;
mod process;
mod read_only;
mod readers;
mod sandbox;
mod schedule;
mod shards;
mod snapshot;
mod study;
mod writers;
