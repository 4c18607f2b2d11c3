//! What of an array does a function see that a user brings?
//!
//! A block, or every series along an axis. The function is part of the expression; which boxes it gets,
//! in how much memory, is for `plan` and `feed`.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use ndarray::{
    ArrayView, ArrayView1, ArrayViewD, ArrayViewMut, ArrayViewMut1, ArrayViewMutD, Axis,
};
use ndarray::{IxDyn, ShapeBuilder};

use super::array::LazyArray;
use super::axes::resolve_axis;
use super::error::check_size;
use super::node::{Node, Op};
use crate::dtype::Element;

/// What a custom function does to a box: shape and bytes of the input, shape and bytes of the output,
/// both in memory order.
type Call = dyn Fn(&[u64], &[u8], &[u64], &mut [u8]) + Send + Sync;

/// A function of whole boxes.
#[derive(Clone)]
pub(crate) struct Custom {
    /// What plans call it.
    pub(crate) name: Arc<str>,
    pub(crate) footprint: Footprint,
    /// Memory it uses beyond its two boxes, for each element of its input.
    pub(crate) scratch_per_element: u64,
    /// `None` for a reshape.
    pub(crate) call: Option<Arc<Call>>,
}

/// What of the input a box of the output needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Footprint {
    /// The same box.
    Same,
    /// The same box with this axis whole.
    Along(usize),
    /// The first so many axes of the input as one, in C order.
    Flatten(usize),
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:?})", self.name, self.footprint)
    }
}

impl LazyArray {
    /// A function applied block by block: it gets a block of the array as `T` and fills one of the
    /// same shape with `U`. How the array is cut into blocks is the plan's choice, so the function must
    /// give the same for each element however its neighbours are cut. `name` is what plans show;
    /// `scratch_bytes` the memory the function allocates for each element of a block, which is part of
    /// the plan.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1.0_f32, 4.0]);
    /// let half = x.map_blocks::<f32, f32>("half", 0, |block, mut out| {
    ///     out.zip_mut_with(&block, |o, v| *o = v / 2.0);
    /// });
    /// assert_eq!(half.compute::<f32>()?, array![0.5, 2.0].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn map_blocks<T: Element, U: Element>(
        &self,
        name: &str,
        scratch_bytes: u64,
        function: impl Fn(ArrayViewD<'_, T>, ArrayViewMutD<'_, U>) + Send + Sync + 'static,
    ) -> Self {
        let call = move |from: &[u64], input: &[u8], to: &[u64], output: &mut [u8]| {
            let (input, output) = views(from, input, to, output);
            function(input, output);
        };
        let custom = Custom {
            name: name.into(),
            footprint: Footprint::Same,
            scratch_per_element: scratch_bytes,
            call: Some(Arc::new(call)),
        };
        self.derived(
            |node| custom_node::<T, U>(node, custom, node.shape.clone()),
            Location::caller(),
        )
    }

    /// A function applied to every series along an axis: it gets the series as `T` and fills one of
    /// `len` elements with `U`, which takes the axis's place in the result. The series must fit in
    /// memory, the array need not: where time lies across blocks, each block is read once for every
    /// tile that the plan prints. `scratch_bytes` is the memory the function allocates for each element
    /// of a series.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 5.0, 2.0], [4.0, 0.0, 3.0]]);
    /// let running = x.map_axis::<f64, f64>("cumsum", -1, 3, 0, |series, mut out| {
    ///     let mut sum = 0.0;
    ///     for (o, v) in out.iter_mut().zip(series) {
    ///         sum += v;
    ///         *o = sum;
    ///     }
    /// });
    /// assert_eq!(running.compute::<f64>()?, array![[1.0, 6.0, 8.0], [4.0, 4.0, 7.0]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn map_axis<T: Element, U: Element>(
        &self,
        name: &str,
        axis: isize,
        len: u64,
        scratch_bytes: u64,
        function: impl Fn(ArrayView1<'_, T>, ArrayViewMut1<'_, U>) + Send + Sync + 'static,
    ) -> Self {
        let made = |node: &Arc<Node>| {
            let axis = resolve_axis("map_axis", axis, node.shape.len())?;
            let call = move |from: &[u64], input: &[u8], to: &[u64], output: &mut [u8]| {
                let (input, mut output) = views::<T, U>(from, input, to, output);
                let series = input.lanes(Axis(axis)).into_iter();
                for (series, out) in series.zip(output.lanes_mut(Axis(axis))) {
                    function(series, out);
                }
            };
            let custom = Custom {
                name: name.into(),
                footprint: Footprint::Along(axis),
                scratch_per_element: scratch_bytes,
                call: Some(Arc::new(call)),
            };
            let mut shape = node.shape.clone();
            shape[axis] = len;
            let node = custom_node::<T, U>(node, custom, shape)?;
            check_size("map_axis", &node.shape).map(|()| node)
        };
        self.derived(made, Location::caller())
    }
}

/// The node of a function from `T` to `U`, which must hold the elements of its input.
fn custom_node<T: Element, U: Element>(
    input: &Arc<Node>,
    function: Custom,
    shape: Vec<u64>,
) -> Result<Arc<Node>, String> {
    if input.dtype.promote(T::DTYPE) != T::DTYPE {
        return Err(format!(
            "{}: the array is {} and the function takes {}, which does not hold all of it; use \
             astype first",
            function.name,
            input.dtype,
            T::DTYPE
        ));
    }
    Ok(Node::new(Op::Custom { function, input: input.cast(T::DTYPE) }, shape, U::DTYPE))
}

/// The boxes as arrays, the output all 0: what is left of another box need not be bytes of a bool.
fn views<'a, T: Element, U: Element>(
    from: &[u64],
    input: &'a [u8],
    to: &[u64],
    output: &'a mut [u8],
) -> (ArrayViewD<'a, T>, ArrayViewMutD<'a, U>) {
    const FITS: &str = "a box has as many elements as its shape says";
    let dims = |shape: &[u64]| IxDyn(&shape.iter().map(|&n| n as usize).collect::<Vec<_>>()).f();
    output.fill(0);
    let input = ArrayView::from_shape(dims(from), bytemuck::checked::cast_slice(input));
    let output = ArrayViewMut::from_shape(dims(to), bytemuck::checked::cast_slice_mut(output));
    (input.expect(FITS), output.expect(FITS))
}
