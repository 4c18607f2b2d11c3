use std::sync::Arc;

use ndarray::{Array3, ArrayD, array};

use super::{DiffInput, DiffValues, diff};
use crate::dtype::Element;
use crate::lazy::{LazyArray, from_ndarray};
use crate::runtime::Session;

fn input(name: &str, values: LazyArray) -> DiffInput {
    DiffInput { name: name.to_owned(), dtype: values.dtype(), values, run: None }
}

fn values<T: Element, U: Element>(a: ArrayD<T>, b: ArrayD<U>) -> DiffValues {
    let (a, b) = (input("a", from_ndarray(a)), input("b", from_ndarray(b)));
    let (found, _) = diff(&a, &b, &Session::default()).unwrap();
    assert!(found.same_shape);
    found.values.unwrap()
}

#[test]
fn figures_are_those_worked_by_hand() {
    let a = array![1.0, 2.0, 3.5, 4.0, -1.0];
    let b = array![1.0, 2.5, 3.0, 4.0, -3.0];
    let found = values(a.into_dyn(), b.into_dyn());
    assert_eq!((found.elements, found.identical, found.share_identical), (5, 2, 0.4));
    assert_eq!((found.max_abs, found.mean_abs), (2.0, 0.6));
    let by_hand = 21.25 / (16.2_f64 * 30.0).sqrt();
    assert!((found.correlation - by_hand).abs() < 1e-15, "{}", found.correlation);
    let place = found.at.unwrap();
    assert_eq!((&place.index[..], place.a, place.b), (&[4_u64][..], -1.0, -3.0));
}

#[test]
fn equal_arrays_differ_nowhere_and_correlate_fully() {
    let a = Array3::from_shape_fn((4, 3, 5), |(x, y, z)| 1e6 + (x * 7 + y * 3 + z) as f64 * 0.1);
    let found = values(a.clone().into_dyn(), a.into_dyn());
    assert_eq!((found.identical, found.max_abs, found.mean_abs), (60, 0.0, 0.0));
    assert_eq!((found.at, found.correlation), (None, 1.0));
}

#[test]
fn a_large_mean_does_not_spoil_the_correlation() {
    // The first element is far from all others.
    let wave = |i: usize| if i == 0 { 0.0 } else { 1e9 + (i % 7) as f64 };
    let a = ndarray::Array1::from_shape_fn(7001, wave);
    let b = a.mapv(|v| if v == 0.0 { 1e9 } else { 2e9 - v });
    let found = values(
        a.slice(ndarray::s![1..]).to_owned().into_dyn(),
        b.slice(ndarray::s![1..]).to_owned().into_dyn(),
    );
    assert!((found.correlation + 1.0).abs() < 1e-12, "{}", found.correlation);
}

#[test]
fn nan_and_infinities_are_counted_and_placed() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    let found = values(
        array![nan, nan, 1.0, inf, inf, 0.0_f32].into_dyn(),
        array![nan, 2.0, nan, inf, 3.0, -0.0_f32].into_dyn(),
    );
    assert_eq!((found.identical, found.nan_in_a_only, found.nan_in_b_only), (3, 1, 1));
    assert_eq!((found.max_abs, found.mean_abs), (f64::INFINITY, f64::INFINITY));
    assert_eq!(found.at.unwrap().index, [4]);
    // Nothing to compare: no distance, and no correlation.
    let found = values(array![nan].into_dyn(), array![1.0_f32].into_dyn());
    assert!(found.max_abs.is_nan() && found.mean_abs.is_nan() && found.correlation.is_nan());
    assert_eq!(found.at, None);
}

#[test]
fn types_may_differ_and_large_integers_are_told_apart() {
    let found = values(array![1_i16, 2, 3].into_dyn(), array![1.0_f32, 2.0, 3.5].into_dyn());
    assert_eq!((found.identical, found.max_abs), (2, 0.5));
    let large = 1_i64 << 60;
    let found = values(array![large, large].into_dyn(), array![large, large + 1].into_dyn());
    assert_eq!((found.identical, found.max_abs), (1, 0.0));
}

#[test]
fn axes_of_length_one_at_the_end_do_not_count_and_other_shapes_have_no_figures() {
    let map = Array3::<f32>::ones((2, 3, 4));
    let run = map.clone().insert_axis(ndarray::Axis(3));
    assert_eq!(values(map.clone().into_dyn(), run.into_dyn()).identical, 24);
    let a = input("a", from_ndarray(map));
    let b = input("b", from_ndarray(Array3::<f32>::ones((2, 4, 3))));
    let (found, report) = diff(&a, &b, &Session::default()).unwrap();
    assert!(!found.same_shape && found.values.is_none() && report.is_none());
    assert!(!found.is_within(f64::INFINITY));
}

#[test]
fn the_place_is_the_first_of_the_largest_in_c_order() {
    let a = Array3::<f64>::zeros((3, 4, 5));
    let mut b = a.clone();
    (b[[2, 0, 1]], b[[1, 3, 4]], b[[1, 3, 2]]) = (5.0, -5.0, 4.0);
    let found = values(a.into_dyn(), b.into_dyn());
    let place = found.at.unwrap();
    assert_eq!((&place.index[..], place.a, place.b), (&[1_u64, 3, 4][..], 0.0, -5.0));
}

#[test]
fn within_a_tolerance_means_no_element_beyond_it_and_none_nan_in_one_only() {
    let within = |b: ArrayD<f64>, tolerance| {
        let a = input("a", from_ndarray(array![1.0, 2.0]));
        let b = input("b", from_ndarray(b));
        diff(&a, &b, &Session::default()).unwrap().0.is_within(tolerance)
    };
    assert!(within(array![1.0, 2.0].into_dyn(), 0.0));
    assert!(within(array![1.5, 2.0].into_dyn(), 0.5));
    assert!(!within(array![1.5, 2.0].into_dyn(), 0.49));
    assert!(!within(array![f64::NAN, 2.0].into_dyn(), 10.0));
}

#[test]
fn a_source_of_its_own_has_a_name_and_no_place() {
    #[derive(Debug)]
    struct Seven;
    impl crate::source::Source for Seven {
        fn name(&self) -> &'static str {
            "seven"
        }
        fn shape(&self) -> &[u64] {
            &[2, 2]
        }
        fn dtype(&self) -> crate::dtype::DType {
            crate::dtype::DType::U8
        }
        fn access(&self) -> crate::source::Access {
            crate::source::Access::Random
        }
        fn block_shape(&self) -> &[u64] {
            &[2, 2]
        }
        fn scratch_bytes(&self) -> u64 {
            0
        }
        fn stored_bytes(&self) -> u64 {
            4
        }
        fn transport(&self) -> &'static str {
            "none"
        }
        fn read(
            &self,
            _region: &crate::grid::Region,
            out: &mut [u8],
        ) -> Result<(), crate::source::SourceError> {
            out.fill(7);
            Ok(())
        }
    }
    let seven: Arc<dyn crate::source::Source> = Arc::new(Seven);
    let other = input("b", from_ndarray(array![[7_u8, 7], [7, 9]]));
    let (found, _) = diff(&DiffInput::from(seven), &other, &Session::default()).unwrap();
    assert_eq!((found.a.name.as_str(), found.corners_apart_mm), ("seven", None));
    assert_eq!(found.values.unwrap().max_abs, 2.0);
}
