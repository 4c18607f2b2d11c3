//! Every number is the one numpy would give, to the documented accuracy.

use ndarray::ArrayD;
use voxstore::{Element, ExecError, LazyArray, Session};

use crate::case::{Kind, Program, integer, with_type};
use crate::coverage::Coverage;
use crate::strategies::{case, check};
use crate::twin::{Cells, Twin, agrees, promote};

/// Asserts that `got` is what the twin says.
pub(crate) fn assert_agrees<T: Element>(want: &Twin, got: &ArrayD<T>, what: &str) {
    assert_eq!(got.shape(), want.shape, "{what}");
    // The transpose in its logical order visits axis 0 fastest.
    let got = got.t();
    match &want.cells {
        Cells::Int(list) => {
            for (k, (want, got)) in list.iter().zip(got).enumerate() {
                assert_eq!(*want, integer(*got), "{what}: element {k}");
            }
        }
        Cells::Float(list) => {
            for (k, (want, got)) in list.iter().zip(got).enumerate() {
                assert!(agrees(*want, got.to_f64()), "{what}: element {k}: {want:?}, got {got:?}");
            }
        }
    }
}

#[test]
fn every_result_is_what_the_twin_says() {
    let coverage = Coverage::default();
    check(1200, case(), |case| {
        let program = Program::new(&case);
        coverage.note_case(&case, &program);
        let sources: Vec<LazyArray> =
            case.sources.iter().map(|s| s.lazy(Kind::mixed(&case, s))).collect();
        let lazies = program.lazies(&sources);
        let session = Session::builder().threads(2).build().unwrap();
        for (index, (lazy, twin)) in lazies.iter().zip(&program.twins).enumerate() {
            let what = format!("{index}: {:?}", program.nodes[index]);
            lazy.check().unwrap();
            let shape: Vec<usize> = lazy.shape().iter().map(|&n| n as usize).collect();
            assert_eq!((shape, lazy.dtype()), (twin.shape.clone(), twin.dtype), "{what}");
            with_type!(twin.dtype, T => {
                assert_agrees(twin, &session.compute::<T>(lazy).unwrap(), &what);
            });
        }
        let last = lazies.len().saturating_sub(3);
        let asked: Vec<&LazyArray> = lazies[last..].iter().collect();
        let together = session.compute_all::<f64>(&asked).unwrap();
        for (got, twin) in together.arrays.iter().zip(&program.twins[last..]) {
            let twin = Twin { cells: Cells::Float(twin.floats()), ..twin.clone() };
            assert_agrees(&twin, got, "together");
        }
        for node in &program.overflows {
            coverage.note("sum overflow");
            let lazy = Program::lazy(node, &lazies, &sources);
            let failed = with_type!(lazy.dtype(), T => session.compute::<T>(&lazy).map(drop));
            assert!(matches!(failed, Err(ExecError::Overflow { .. })), "{failed:?}");
        }
        for node in &program.misfits {
            coverage.note("integer that does not fit");
            let problem = Program::lazy(node, &lazies, &sources).check().unwrap_err().problem;
            assert!(problem.contains("does not fit"), "{problem}");
        }
    });
    coverage.assert_full();
    assert!(coverage.count("sum overflow") > 0 && coverage.count("integer that does not fit") > 0);
}

#[test]
fn the_twins_own_promotion_is_that_of_the_library() {
    for a in voxstore::DType::ALL {
        for b in voxstore::DType::ALL {
            assert_eq!(promote(a, b), a.promote(b), "{a} with {b}");
        }
    }
}
