//! The arrays of the file as lazy arrays.

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::{Array2, ArrayD, IxDyn};
use voxstore::{DType, Element, LazyArray, from_ndarray};

use crate::file::{Numbers, Oracle, float, int};
use crate::source::Blocks;

/// Where numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Memory,
    Blocks,
}

/// The inputs by name; one array is one source, however often it is used.
pub(crate) struct Inputs<'a> {
    oracle: &'a Oracle,
    arrays: BTreeMap<&'a str, LazyArray>,
}

impl<'a> Inputs<'a> {
    pub(crate) fn new(oracle: &'a Oracle, from: From) -> Self {
        let arrays = oracle.inputs.iter().map(|(name, x)| (name.as_str(), lazy(x, from)));
        Self { oracle, arrays: arrays.collect() }
    }

    pub(crate) fn array(&self, name: &str) -> &LazyArray {
        self.arrays.get(name).unwrap_or_else(|| panic!("no input {name}"))
    }

    /// Numbers of two axes that a method takes as they are.
    pub(crate) fn matrix(&self, name: &str) -> Array2<f64> {
        ndarray_of(&self.oracle.inputs[name], float).into_dimensionality().unwrap()
    }
}

fn lazy(numbers: &Numbers, from: From) -> LazyArray {
    macro_rules! array {
        ($value:expr) => {
            deliver(ndarray_of(numbers, $value), from)
        };
    }
    match numbers.dtype {
        DType::Bool => array!(|v| v.as_bool().unwrap()),
        DType::U8 => array!(|v| int(v) as u8),
        DType::I8 => array!(|v| int(v) as i8),
        DType::U16 => array!(|v| int(v) as u16),
        DType::I16 => array!(|v| int(v) as i16),
        DType::U32 => array!(|v| int(v) as u32),
        DType::I32 => array!(|v| int(v) as i32),
        DType::U64 => array!(|v| int(v) as u64),
        DType::I64 => array!(|v| int(v) as i64),
        DType::F32 => array!(|v| float(v) as f32),
        DType::F64 => array!(float),
    }
}

fn ndarray_of<T>(numbers: &Numbers, value: impl Fn(&serde_json::Value) -> T) -> ArrayD<T> {
    let shape: Vec<usize> = numbers.shape.iter().map(|&n| n as usize).collect();
    ArrayD::from_shape_vec(IxDyn(&shape), numbers.data.iter().map(value).collect()).unwrap()
}

fn deliver<T: Element>(array: ArrayD<T>, from: From) -> LazyArray {
    match from {
        From::Memory => from_ndarray(array),
        From::Blocks => {
            let shape: Vec<u64> = array.shape().iter().map(|&n| n as u64).collect();
            // The transpose in its logical order is the array in memory order.
            let bytes = array.t().iter().flat_map(|v| bytemuck::bytes_of(v).to_vec()).collect();
            LazyArray::from_source(Arc::new(Blocks::new(&shape, T::DTYPE, bytes)))
        }
    }
}
