//! Which view does ndarray's `s![]` ask for?
//!
//! numpy's basic slicing: ranges, steps, indices, new axes. Picks of indices are `take`.

use ndarray::SliceInfoElem;

use super::view::{AxisView, View};
use crate::grid::shape_text;

/// The view that ndarray's `s![]` asks of an array of this shape; axes not named are whole.
pub(super) fn view_of(elements: &[SliceInfoElem], shape: &[u64]) -> Result<View, String> {
    let named = elements.iter().filter(|e| !matches!(e, SliceInfoElem::NewAxis)).count();
    if named > shape.len() {
        return Err(format!(
            "slice: {named} axes are indexed, the array has {}: {}",
            shape.len(),
            shape_text(shape)
        ));
    }
    let (mut out, mut axes) = (Vec::new(), Vec::new());
    for element in elements {
        let input = axes.len();
        match element {
            SliceInfoElem::NewAxis => out.push(1),
            _ => axes.push(driver(*element, input, shape[input], &mut out)?),
        }
    }
    for &len in &shape[axes.len()..] {
        axes.push(AxisView::whole(out.len()));
        out.push(len);
    }
    Ok(View::new(out, axes))
}

/// What drives one axis of the array; its length goes to the view's shape where it stays an axis.
fn driver(
    element: SliceInfoElem,
    axis: usize,
    len: u64,
    out: &mut Vec<u64>,
) -> Result<AxisView, String> {
    let signed = len as i64;
    let from_end = |i: isize| if i < 0 { i as i64 + signed } else { i as i64 };
    match element {
        SliceInfoElem::Index(i) => {
            let at = from_end(i);
            if (0..signed).contains(&at) {
                Ok(AxisView::At(at as u64))
            } else {
                Err(format!("slice: index {i} is out of range for axis {axis} of length {len}"))
            }
        }
        SliceInfoElem::Slice { step: 0, .. } => Err(format!("slice: step 0 on axis {axis}")),
        SliceInfoElem::Slice { start, end, step } => {
            // ndarray's rule: take start..end first, then walk it in steps, from the end if negative.
            let low = from_end(start).clamp(0, signed);
            let high = end.map_or(signed, from_end).clamp(low, signed);
            let step = step as i64;
            let kept = ((high - low) as u64).div_ceil(step.unsigned_abs());
            let start = if step > 0 || kept == 0 { low } else { high - 1 } as u64;
            out.push(kept);
            Ok(AxisView::Run { axis: out.len() - 1, start, step })
        }
        SliceInfoElem::NewAxis => Err("slice: a new axis indexes nothing".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{AxisView, view_of};
    use ndarray::{Array1, s};

    #[test]
    fn slices_keep_what_ndarray_keeps() {
        let data = Array1::from_iter(0..11_i64);
        macro_rules! check {
            ($($info:expr),* $(,)?) => {$(
                let info = $info;
                let want = data.slice(info).to_vec();
                let view = view_of(info.as_ref(), &[11]).unwrap();
                let AxisView::Run { start, step, .. } = view.axes()[0] else { panic!("not a run") };
                let len = view.shape()[0] as i64;
                let got: Vec<i64> = (0..len).map(|k| start as i64 + k * step).collect();
                assert_eq!(got, want, stringify!($info));
            )*};
        }
        check!(s![..], s![2..], s![..-1], s![3..9;2], s![..;-1], s![2..9;-3], s![..;4]);
        check!(s![5..5], s![-4..-1;-1], s![0..11;-10]);
        assert!(view_of(s![11].as_ref(), &[11]).is_err());
        assert!(view_of(s![-12].as_ref(), &[11]).is_err());
        assert_eq!(view_of(s![-1].as_ref(), &[11]).unwrap().axes(), [AxisView::At(10)]);
        assert!(view_of(s![0, 0].as_ref(), &[11]).is_err());
    }
}
