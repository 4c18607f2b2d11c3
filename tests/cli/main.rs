//! The program as people run it: arguments in, exit code, text and files out.
//!
//! Every test starts the built binary in a process of its own. Inputs are the fixtures, or files
//! that the test makes.
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files has failed")]

mod bids;
mod bits;
mod cap;
mod commands;
mod common;
mod diff;
mod errors;
mod explain;
mod export;
#[path = "../files/mod.rs"]
mod files;
mod foreign;
mod golden;
mod info;
mod ingest;
mod memory;
mod odd_files;
mod pages;
mod pairs;
mod progress;
mod qc;
mod reduce;
mod report;
mod shards;
mod stats;
mod tsnr;
mod tutorial;
mod verify;
