//! Lazy arrays against a naive twin that holds everything in memory.
//!
//! Random sources and expressions; `VOXSTORE_CASES` raises the number of cases (percent of the
//! default, so 1000 is ten times as many).

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

#[path = "oracle/bits.rs"]
mod bits;
#[path = "oracle/case/mod.rs"]
mod case;
#[path = "oracle/coverage.rs"]
mod coverage;
#[path = "oracle/errors.rs"]
mod errors;
#[path = "oracle/large.rs"]
mod large;
#[path = "oracle/numbers.rs"]
mod numbers;
#[path = "oracle/pattern.rs"]
mod pattern;
#[path = "oracle/reads.rs"]
mod reads;
#[path = "oracle/refusals.rs"]
mod refusals;
#[path = "oracle/scans.rs"]
mod scans;
#[path = "oracle/sources.rs"]
mod sources;
#[path = "oracle/strategies.rs"]
mod strategies;
#[path = "oracle/twin/mod.rs"]
mod twin;
#[path = "oracle/written.rs"]
mod written;
