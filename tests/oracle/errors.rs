//! Mistakes are typed errors that name what is wrong; damage never becomes numbers.

use std::sync::Arc;

use ndarray::{Array, Array2, IxDyn, arr1, s};
use voxstore::{DType, ExecError, LazyArray, PlanError, Session, concatenate, from_ndarray};

use crate::bits::{MIB, session};
use crate::case::Kind;
use crate::sources::TestSource;
use crate::strategies::{check, one_source};

fn two_by_three() -> LazyArray {
    from_ndarray(Array2::<i16>::zeros((2, 3)))
}

/// The error of each way to compute.
fn problem(array: &LazyArray) -> String {
    let checked = array.check().unwrap_err();
    assert!(checked.file.ends_with("errors.rs") && checked.line > 0);
    let computed = array.compute::<f64>().unwrap_err();
    assert!(matches!(&computed, ExecError::Plan(PlanError::Expression(e)) if *e == checked));
    assert_eq!(array.explain().unwrap_err(), PlanError::Expression(checked.clone()));
    assert!(array.blocks::<f64>().is_err());
    assert!(format!("{array:?}").contains("invalid"));
    checked.problem
}

#[test]
fn an_axis_that_does_not_exist_is_named() {
    for axis in [2, -3, isize::MAX, isize::MIN] {
        for array in [two_by_three().mean(axis), two_by_three().sum(axis), two_by_three().std(axis)]
        {
            let text = problem(&array);
            assert!(text.contains(&format!("axis {axis}")) && text.contains("2 axes"), "{text}");
        }
        let joined = concatenate(&[two_by_three(), two_by_three()], axis);
        assert!(problem(&joined).contains("concatenate: axis"));
    }
    assert!(problem(&two_by_three().mean(0).mean(0).mean(0)).contains("0 axes"));
}

#[test]
fn shapes_that_differ_are_both_named() {
    let other = from_ndarray(Array2::<f32>::zeros((3, 2)));
    for array in
        [&two_by_three() + &other, two_by_three() / other.mean(0), other.clone() - two_by_three()]
    {
        let text = problem(&array);
        assert!(
            text.contains("(2, 3)") && (text.contains("(3, 2)") || text.contains("(2,)")),
            "{text}"
        );
    }
    let text = problem(&concatenate(&[two_by_three(), other], 0));
    assert!(text.contains("(2, 3)") && text.contains("(3, 2)"), "{text}");
    assert!(problem(&concatenate(&[], 0)).contains("no arrays"));
    // The first mistake stays the one that is told.
    assert!(problem(&(two_by_three().mean(7) + two_by_three().mean(0)).std(9)).contains("axis 7"));
}

#[test]
fn slices_out_of_range_are_named() {
    for array in [two_by_three().slice(s![2, ..]), two_by_three().slice(s![-3, ..])] {
        assert!(problem(&array).contains("axis 0 of length 2"));
    }
    assert!(problem(&two_by_three().slice(s![0, 0, 0])).contains("(2, 3)"));
    assert!(problem(&two_by_three().slice(s![.., 0, ndarray::NewAxis, 0])).contains("3 axes"));
}

#[test]
fn steps_of_any_size_are_taken_and_never_overflow() {
    let x = from_ndarray(arr1(&[0_i32, 1, 2, 3, 4]));
    for step in [isize::MAX, isize::MIN, -isize::MAX, isize::MAX / 2] {
        let first = i32::from(step < 0) * 4;
        let once = x.slice([ndarray::SliceInfoElem::Slice { start: 0, end: None, step }]);
        assert_eq!(once.compute::<i32>().unwrap(), arr1(&[first]).into_dyn());
        let twice = once.slice([ndarray::SliceInfoElem::Slice { start: 0, end: None, step }]);
        assert_eq!(twice.compute::<i32>().unwrap(), arr1(&[first]).into_dyn());
        let joined = concatenate(&[x.clone(), x.clone()], 0);
        let of_both = joined.slice([ndarray::SliceInfoElem::Slice { start: 0, end: None, step }]);
        assert_eq!(of_both.compute::<i32>().unwrap(), arr1(&[first]).into_dyn());
        assert_eq!(of_both.mean(0).compute::<f64>().unwrap().sum(), f64::from(first));
    }
}

#[test]
fn numbers_that_do_not_fit_and_types_that_lose_are_refused() {
    let x = from_ndarray(arr1(&[1_u8, 2]));
    for array in [&x + 256_i64, &x - -1_i64, 300_i64 * &x] {
        assert!(problem(&array).contains("does not fit uint8"));
    }
    let lossy = |from: DType, wanted: DType, got: Result<(), ExecError>| {
        let want = PlanError::LossyResult { array: from, wanted };
        assert!(matches!(&got, Err(ExecError::Plan(e)) if *e == want), "{got:?}");
    };
    let f = from_ndarray(arr1(&[1.5_f64]));
    lossy(DType::F64, DType::I16, f.compute::<i16>().map(drop));
    lossy(DType::F64, DType::F32, f.compute::<f32>().map(drop));
    lossy(DType::F64, DType::F32, x.mean(0).compute::<f32>().map(drop));
    lossy(DType::U8, DType::I8, x.compute::<i8>().map(drop));
    lossy(DType::U8, DType::I8, x.blocks::<i8>().map(drop));
    let mut into = arr1(&[0_i8, 0]).into_dyn();
    lossy(DType::U8, DType::I8, x.compute_into(into.view_mut()));
    assert_eq!(x.compute::<i16>().unwrap(), arr1(&[1_i16, 2]).into_dyn());
}

#[test]
fn a_view_of_another_shape_is_refused_with_both_shapes() {
    let mut view = Array::from_elem(IxDyn(&[3, 2]), 5_i16);
    let error = two_by_three().compute_into(view.view_mut()).unwrap_err();
    assert!(error.to_string().contains("[2, 3]") && error.to_string().contains("[3, 2]"));
    assert!(view.iter().all(|&v| v == 5));
}

#[test]
fn an_array_too_large_to_count_is_an_error_and_never_a_panic() {
    #[derive(Debug)]
    struct Huge([u64; 3]);
    impl voxstore::Source for Huge {
        fn name(&self) -> &'static str {
            "huge"
        }
        fn shape(&self) -> &[u64] {
            &self.0
        }
        fn dtype(&self) -> DType {
            DType::F64
        }
        fn access(&self) -> voxstore::Access {
            voxstore::Access::Random
        }
        fn block_shape(&self) -> &[u64] {
            &[64, 64, 64]
        }
        fn scratch_bytes(&self) -> u64 {
            0
        }
        fn stored_bytes(&self) -> u64 {
            u64::MAX
        }
        fn transport(&self) -> &'static str {
            "none"
        }
        fn read(&self, _: &voxstore::Region, _: &mut [u8]) -> Result<(), voxstore::SourceError> {
            panic!("nothing is read")
        }
        fn stream(
            &self,
            _: voxstore::StreamOptions,
        ) -> Result<Box<dyn voxstore::Stream + '_>, voxstore::SourceError> {
            panic!("nothing is read")
        }
    }
    let many = LazyArray::from_source(Arc::new(Huge([1 << 30, 1 << 30, 1 << 30])));
    assert!(problem(&many).contains("1073741824"));
    let most = LazyArray::from_source(Arc::new(Huge([1 << 19, 1 << 20, 1 << 20])));
    most.check().unwrap();
    for array in [most.clone(), most.mean(0), most.std(-1), most.mean(0).mean(0).mean(0)] {
        let refused = array.compute::<f64>().unwrap_err();
        assert!(matches!(refused, ExecError::Plan(PlanError::Memory { .. })), "{refused}");
    }
    let joined = concatenate(&[most.clone(), most], 0);
    assert!(problem(&joined).contains("1048576, 1048576, 1048576"));
}

#[test]
fn a_stream_is_never_read_backwards() {
    check(100, (one_source(), -3..0_isize), |(spec, step)| {
        let source = Arc::new(spec.source(Kind::Sequential));
        let x = LazyArray::from_source(source.clone());
        let last = spec.shape.len() - 1;
        let back = |a: usize| if a == last { step } else { 1 };
        let slices: Vec<_> = (0..=last)
            .map(|a| ndarray::SliceInfoElem::Slice { start: 0, end: None, step: back(a) })
            .collect();
        let slice = x.slice(&slices[..]);
        if slice.shape()[last] > 1 && !spec.shape.contains(&0) {
            let own = |array: &LazyArray| {
                let wide = array.to_f64();
                wide.map_blocks::<f64, f64>("own", 0, |block, mut out| out.assign(&block))
            };
            let inside = own(&slice);
            let deep = own(&(own(&slice) + 1.0)).max(-1);
            for array in [&slice, &slice.mean(-1), &(&slice + &slice), &inside, &deep] {
                let refused = array.compute::<f64>().unwrap_err();
                let named = matches!(&refused, ExecError::Plan(PlanError::Backwards { name }) if name == "test");
                assert!(named, "{refused:?}");
                assert!(matches!(array.explain(), Err(PlanError::Backwards { .. })));
            }
            assert!(source.untouched());
        } else {
            slice.compute::<f64>().unwrap();
        }
        // Backwards along another axis is no matter, and twice backwards is forwards.
        slice.slice(&slices[..]).compute::<f64>().unwrap();
    });
}

/// A source with each kind of expression over it.
fn expressions(source: &Arc<TestSource>) -> Vec<LazyArray> {
    let x = LazyArray::from_source(source.clone());
    let y = from_ndarray(Array::<f64, _>::zeros(IxDyn(
        &x.shape().iter().map(|&n| n as usize).collect::<Vec<_>>(),
    )));
    vec![
        x.clone(),
        x.mean(0),
        x.std(-1),
        &x + &y,
        concatenate(&[y.clone(), x.clone()], 0).var(-1),
        y / x,
    ]
}

#[test]
fn an_element_that_cannot_be_read_is_an_error_and_no_result() {
    check(120, (one_source(), 0..10_000_u64, 1..5_usize), |(spec, bad, threads)| {
        let count: u64 = spec.shape.iter().product();
        if count == 0 {
            return;
        }
        for kind in [Kind::Blocked, Kind::Sequential] {
            let mut source = spec.source(kind);
            source.bad_element = Some(bad % count);
            for array in expressions(&Arc::new(source)) {
                let session = session(threads, 64 * MIB);
                let failed = session.compute::<f64>(&array).unwrap_err();
                assert!(
                    matches!(&failed, ExecError::Source(e) if e.to_string().contains("on purpose"))
                );
                let blocks: Vec<_> = session.blocks::<f64>(&array).unwrap().collect();
                assert_eq!(blocks.iter().filter(|b| b.is_err()).count(), 1);
                assert!(blocks.last().unwrap().is_err(), "the error ends the walk");
            }
        }
    });
}

#[test]
fn a_stream_that_fails_its_last_check_is_an_error_and_no_result() {
    check(60, (one_source(), 1..6_usize), |(spec, threads)| {
        if spec.shape.contains(&0) {
            return;
        }
        let mut source = spec.source(Kind::Sequential);
        source.bad_finish = true;
        for array in expressions(&Arc::new(source)) {
            let session = session(threads, 64 * MIB);
            let failed = session.compute::<f64>(&array).unwrap_err();
            assert!(matches!(&failed, ExecError::Source(e) if e.to_string().contains("checksum")));
            let walked: Result<Vec<_>, _> = session.blocks::<f64>(&array).unwrap().collect();
            assert!(walked.is_err());
        }
    });
}

#[test]
fn a_stream_is_read_to_its_end_even_where_only_its_start_is_wanted() {
    let spec_shape = [2, 2, 6];
    let bytes = vec![1; 24];
    let source = Arc::new(TestSource::new(&spec_shape, DType::U8, &[2, 2, 1], bytes).sequential());
    let x = LazyArray::from_source(source.clone());
    let computed =
        Session::default().compute_all::<f64>(&[&x.slice(s![.., .., 1..3]).mean(-1)]).unwrap();
    assert_eq!(source.finishes.load(std::sync::atomic::Ordering::Relaxed), 1);
    assert_eq!(computed.report.warnings, ["test: T1: streamed"]);
}
