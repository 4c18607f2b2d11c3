//! The targets that are fed a file's bytes. `VOXSTORE_TARGET` names the one to run. What they do stands
//! beside the tests, which replay their inputs.
#![no_main]
#![allow(dead_code, reason = "the tests need more of it")]

#[path = "../../tests/hostile/claim.rs"]
mod claim;
#[path = "../../tests/hostile/common.rs"]
mod common;
#[path = "../../tests/hostile/image.rs"]
mod image;
#[path = "../../tests/hostile/inputs.rs"]
mod inputs;

use std::cell::OnceCell;

use libfuzzer_sys::fuzz_target;

use crate::inputs::{Place, TARGETS, Target};

thread_local! {
    static CHOSEN: OnceCell<(Place, Target)> = const { OnceCell::new() };
}

fn chosen() -> (Place, Target) {
    let name = std::env::var("VOXSTORE_TARGET").unwrap_or_default();
    let found = TARGETS.into_iter().find(|(target, _)| *target == name);
    let names = TARGETS.map(|(target, _)| target).join(", ");
    let (_, target) = found.unwrap_or_else(|| panic!("VOXSTORE_TARGET must be one of {names}"));
    (Place::new(), target)
}

fuzz_target!(|input: &[u8]| {
    CHOSEN.with(|cell| {
        let (place, target) = cell.get_or_init(chosen);
        target(place, input);
    });
});
