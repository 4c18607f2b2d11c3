//! Every row of `docs/correctness.md`: odd files and stores, made here, read right or refused with the
//! reason. A test is named by its row's code and says what happens.
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files has failed")]

#[path = "correctness/case.rs"]
mod case;
#[path = "correctness/container.rs"]
mod container;
mod files;
#[path = "correctness/geometry.rs"]
mod geometry;
#[path = "correctness/integrity.rs"]
mod integrity;
#[path = "correctness/offset.rs"]
mod offset;
#[path = "correctness/pairs.rs"]
mod pairs;
#[path = "files/real.rs"]
mod real;
#[path = "correctness/real_files.rs"]
mod real_files;
#[path = "correctness/scaling.rs"]
mod scaling;
#[path = "correctness/size.rs"]
mod size;
#[path = "correctness/stored.rs"]
mod stored;
#[path = "correctness/table.rs"]
mod table;
#[path = "correctness/time.rs"]
mod time;
#[path = "correctness/types.rs"]
mod types;
