//! What means nothing is an error that says where and why, and never a panic.

use voxstore::{LazyArray, Session};

use crate::build::build;
use crate::compute::compute;
use crate::expressions::caught;
use crate::file::{Oracle, Refusal};
use crate::inputs::{From, Inputs};

#[test]
fn what_numpy_refuses_is_an_error_that_names_the_operation() {
    let oracle = Oracle::read();
    let mut wrong = Vec::new();
    for from in [From::Memory, From::Blocks] {
        let inputs = Inputs::new(&oracle, from);
        for refusal in &oracle.refusals {
            let outcome = caught(|| refused(refusal, &build(&refusal.tree, &inputs).array()));
            if let Err(problem) = outcome {
                wrong.push(format!("{}: {problem}", refusal.tree.json()));
            }
        }
    }
    println!("{} expressions must be refused", oracle.refusals.len());
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn refused(refusal: &Refusal, array: &LazyArray) -> Result<(), String> {
    let text = match array.check() {
        Err(error) => {
            if !error.file.starts_with("tests/numpy/") || error.line == 0 {
                return Err(format!("{error} does not name the caller's line"));
            }
            error.problem
        }
        Ok(()) => match compute(&[array], &Session::default()) {
            Err(error) => error.to_string(),
            Ok(numbers) => {
                let numpy = refusal.numpy.as_deref().unwrap_or("voxstore should refuse");
                return Err(format!("{numpy}, but it gives {numbers:?}"));
            }
        },
    };
    match refusal.names.iter().find(|name| !text.contains(name.as_str())) {
        None => Ok(()),
        Some(name) => Err(format!("{text:?} does not name {name:?}")),
    }
}
