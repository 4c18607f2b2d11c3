//! How is an expression built from Python?
//!
//! One handle, whose methods are those of [`LazyArray`], by name. Mistakes are raised where they are made, by
//! the exception that numpy raises; indices and axes come checked.

use ndarray::SliceInfoElem;
use numpy::{PyReadonlyArrayDyn, PyUntypedArray, PyUntypedArrayMethods as _};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use voxstore::{
    Axes, DType, Element, LazyArray, LazyError, Operand, Overflow, QuantileMethod, ReduceOptions,
};

use crate::errors::in_python;

/// Runs `$body` with `$T` bound to the Rust type that `$dtype` names.
macro_rules! of_dtype {
    ($dtype:expr, $T:ident => $body:expr) => {
        of_dtype!(@arms $dtype, $T => $body; Bool bool, U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32,
            U64 u64, I64 i64, F32 f32, F64 f64)
    };
    (@arms $dtype:expr, $T:ident => $body:expr; $($variant:ident $type:ty),*) => {
        match $dtype {
            $(voxstore::DType::$variant => {
                type $T = $type;
                $body
            })*
        }
    };
}
pub(crate) use of_dtype;

/// An array that is not computed yet.
#[pyclass(frozen, module = "voxstore._voxstore")]
pub(crate) struct Array(pub(crate) LazyArray);

/// What stands beside an array.
#[derive(FromPyObject)]
pub(crate) enum Other {
    Array(Py<Array>),
    Bool(bool),
    Int(i64),
    Float(f64),
}

impl Other {
    fn operand(&self) -> Operand {
        match self {
            Self::Array(array) => (&array.get().0).into(),
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            Self::Float(value) => (*value).into(),
        }
    }

    fn is_beyond(&self, dtype: DType) -> bool {
        match (self, dtype.int_range()) {
            (&Self::Int(value), Some((low, high))) if dtype != DType::Bool => {
                !(low..=high).contains(&i128::from(value))
            }
            _ => false,
        }
    }
}

/// One element of an index; a new axis is `None`.
#[derive(FromPyObject)]
enum Index {
    /// From 0 up.
    At(isize),
    /// First index, step and number of elements.
    Range(isize, isize, isize),
}

impl Index {
    fn element(&self) -> SliceInfoElem {
        match *self {
            Self::At(index) => SliceInfoElem::Index(index),
            Self::Range(_, step, 0) => SliceInfoElem::Slice { start: 0, end: Some(0), step },
            // The range first, then walked from its end.
            Self::Range(first, step, count) => {
                let last = first + (count - 1) * step;
                SliceInfoElem::Slice {
                    start: first.min(last),
                    end: Some(first.max(last) + 1),
                    step,
                }
            }
        }
    }
}

/// The array, or the first mistake in it; the line in the library's own tongue is left out.
fn checked(array: LazyArray) -> Result<Array, LazyError> {
    array.check().map(|()| Array(array))
}

pub(crate) fn valued(array: LazyArray) -> PyResult<Array> {
    checked(array).map_err(|error| PyValueError::new_err(in_python(&error.problem)))
}

/// Elementwise: shapes came checked, so that what is wrong is a type, or a number beyond one.
fn typed(array: LazyArray, dtype: DType, numbers: &[&Other]) -> PyResult<Array> {
    checked(array).map_err(|error| {
        if numbers.iter().any(|number| number.is_beyond(dtype)) {
            return PyOverflowError::new_err(in_python(&error.problem));
        }
        PyTypeError::new_err(in_python(&error.problem))
    })
}

fn no_such(name: &str) -> PyErr {
    PyTypeError::new_err(format!("{name} is not done to lazy arrays; compute the array first"))
}

pub(crate) fn dtype_of(name: &str) -> PyResult<DType> {
    DType::from_name(name).ok_or_else(|| {
        PyTypeError::new_err(format!(
            "{name} is not supported; arrays are bool, integers of 8 to 64 bits, float32 or float64"
        ))
    })
}

fn axes_of(axes: Option<Vec<isize>>) -> Axes {
    axes.map_or_else(|| (..).into(), Into::into)
}

#[pymethods]
impl Array {
    #[getter]
    fn shape(&self) -> Vec<u64> {
        self.0.shape().to_vec()
    }

    #[getter]
    fn dtype(&self) -> &'static str {
        self.0.dtype().name()
    }

    #[getter]
    fn block_shape(&self) -> Vec<u64> {
        self.0.block_shape()
    }

    fn blocks_svg(&self) -> String {
        self.0.blocks_svg()
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }

    fn index(&self, index: Vec<Option<Index>>) -> PyResult<Self> {
        let element =
            |index: &Option<Index>| index.as_ref().map_or(SliceInfoElem::NewAxis, Index::element);
        let elements: Vec<SliceInfoElem> = index.iter().map(element).collect();
        valued(self.0.slice(elements))
    }

    fn take(&self, indices: Vec<isize>, axis: isize) -> PyResult<Self> {
        valued(self.0.take(&indices, axis))
    }

    fn transpose(&self, axes: Vec<isize>) -> PyResult<Self> {
        valued(self.0.transpose(axes))
    }

    fn squeeze(&self, axes: Option<Vec<isize>>) -> PyResult<Self> {
        valued(self.0.squeeze(axes_of(axes)))
    }

    fn flip(&self, axes: Option<Vec<isize>>) -> PyResult<Self> {
        valued(self.0.flip(axes_of(axes)))
    }

    fn broadcast_to(&self, shape: Vec<u64>) -> PyResult<Self> {
        valued(self.0.broadcast_to(&shape))
    }

    fn reshape(&self, shape: Vec<i64>) -> PyResult<Self> {
        valued(self.0.reshape(&shape))
    }

    fn rechunk(&self, blocks: Vec<u64>) -> PyResult<Self> {
        valued(self.0.rechunk(&blocks))
    }

    fn astype(&self, dtype: &str, overflow: &str) -> PyResult<Self> {
        let overflow = match overflow {
            "refuse" => Overflow::Refuse,
            "wrap" => Overflow::Wrap,
            "saturate" => Overflow::Saturate,
            other => {
                return Err(PyValueError::new_err(format!(
                    "overflow is {other:?}; expected \"refuse\", \"wrap\" or \"saturate\""
                )));
            }
        };
        valued(self.0.astype_with(dtype_of(dtype)?, overflow))
    }

    fn unary(&self, name: &str) -> PyResult<Self> {
        let x = &self.0;
        let made = match name {
            "negative" => -x,
            "invert" => !x,
            "absolute" => x.abs(),
            "sqrt" => x.sqrt(),
            "square" => x.square(),
            "reciprocal" => x.reciprocal(),
            "exp" => x.exp(),
            "expm1" => x.expm1(),
            "log" => x.log(),
            "log1p" => x.log1p(),
            "log10" => x.log10(),
            "sign" => x.sign(),
            "floor" => x.floor(),
            "ceil" => x.ceil(),
            "trunc" => x.trunc(),
            "rint" => x.round(),
            "isnan" => x.isnan(),
            "isinf" => x.isinf(),
            "isfinite" => x.isfinite(),
            "nan_to_num" => x.nan_to_num(),
            _ => return Err(no_such(name)),
        };
        typed(made, x.dtype(), &[])
    }

    fn binary(&self, name: &str, other: Other) -> PyResult<Self> {
        let (x, y) = (&self.0, other.operand());
        let made = match name {
            "add" => x + y,
            "subtract" => x - y,
            "multiply" => x * y,
            "divide" => x / y,
            "remainder" => x % y,
            "bitwise_and" => x & y,
            "bitwise_or" => x | y,
            "bitwise_xor" => x ^ y,
            "floor_divide" => x.floor_divide(y),
            "equal" => x.equal(y),
            "not_equal" => x.not_equal(y),
            "less" => x.less(y),
            "less_equal" => x.less_equal(y),
            "greater" => x.greater(y),
            "greater_equal" => x.greater_equal(y),
            "minimum" => x.minimum(y),
            "maximum" => x.maximum(y),
            "fmin" => x.fmin(y),
            "fmax" => x.fmax(y),
            "power" => match other {
                Other::Int(n) => {
                    x.powi(n.try_into().map_err(|_| PyOverflowError::new_err("power beyond 2^31"))?)
                }
                Other::Float(p) => x.powf(p),
                _ => return Err(no_such("a power whose exponent is an array")),
            },
            _ => return Err(no_such(name)),
        };
        typed(made, x.dtype(), &[&other])
    }

    /// The operator with a number on its left.
    fn reflected(&self, name: &str, number: Other) -> PyResult<Self> {
        let x = &self.0;
        let made = match (name, &number) {
            ("subtract", &Other::Int(n)) => n - x,
            ("subtract", &Other::Float(n)) => n - x,
            ("divide", &Other::Int(n)) => n / x,
            ("divide", &Other::Float(n)) => n / x,
            ("remainder", &Other::Int(n)) => n % x,
            ("remainder", &Other::Float(n)) => n % x,
            _ => return Err(no_such(name)),
        };
        typed(made, x.dtype(), &[&number])
    }

    fn clip(&self, low: Other, high: Other) -> PyResult<Self> {
        let made = self.0.clip(low.operand(), high.operand());
        typed(made, self.0.dtype(), &[&low, &high])
    }

    fn diff(&self, axis: isize) -> PyResult<Self> {
        valued(self.0.diff(axis))
    }

    #[pyo3(signature = (name, axes, *, ddof=0, keepdims=false, skip_nan=false, mask=None, q=0.5, method="linear"))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn reduce(
        &self,
        name: &str,
        axes: Option<Vec<isize>>,
        ddof: u64,
        keepdims: bool,
        skip_nan: bool,
        mask: Option<Py<Array>>,
        q: f64,
        method: &str,
    ) -> PyResult<Self> {
        let (x, axes) = (&self.0, axes_of(axes));
        let mut options = ReduceOptions::new().ddof(ddof);
        if keepdims {
            options = options.keepdims();
        }
        if skip_nan {
            options = options.skip_nan();
        }
        if let Some(mask) = &mask {
            options = options.mask(&mask.get().0);
        }
        let made = match name {
            "sum" => x.sum_with(axes, options),
            "prod" => x.prod_with(axes, options),
            "mean" => x.mean_with(axes, options),
            "var" => x.var_with(axes, options),
            "std" => x.std_with(axes, options),
            "min" => x.min_with(axes, options),
            "max" => x.max_with(axes, options),
            "ptp" => x.ptp_with(axes, options),
            "argmin" => x.argmin_with(axes, options),
            "argmax" => x.argmax_with(axes, options),
            "any" => x.any_with(axes, options),
            "all" => x.all_with(axes, options),
            "count_nonzero" => x.count_nonzero_with(axes, options),
            "median" => x.median_with(axes, options),
            "mad" => x.mad_with(axes, options),
            "quantile" => x.quantile_with(q, axes, options.quantile_method(method_of(method)?)),
            _ => return Err(no_such(name)),
        };
        valued(made)
    }

    fn histogram(&self, edges: Vec<f64>, axes: Option<Vec<isize>>) -> PyResult<Self> {
        valued(self.0.histogram(&edges, axes_of(axes)))
    }
}

fn method_of(name: &str) -> PyResult<QuantileMethod> {
    Ok(match name {
        "linear" => QuantileMethod::Linear,
        "lower" => QuantileMethod::Lower,
        "higher" => QuantileMethod::Higher,
        "midpoint" => QuantileMethod::Midpoint,
        _ => {
            return Err(PyValueError::new_err(format!(
                "method is {name:?}; expected \"linear\", \"lower\", \"higher\" or \"midpoint\""
            )));
        }
    })
}

fn handles(arrays: &[Py<Array>]) -> Vec<LazyArray> {
    arrays.iter().map(|array| array.get().0.clone()).collect()
}

#[pyfunction]
pub(crate) fn concatenate(arrays: Vec<Py<Array>>, axis: isize) -> PyResult<Array> {
    valued(voxstore::concatenate(&handles(&arrays), axis))
}

#[pyfunction]
pub(crate) fn stack(arrays: Vec<Py<Array>>, axis: isize) -> PyResult<Array> {
    valued(voxstore::stack(&handles(&arrays), axis))
}

#[pyfunction(name = "where")]
pub(crate) fn where_(condition: Py<Array>, then: Other, otherwise: Other) -> PyResult<Array> {
    let made = voxstore::where_(&condition.get().0, then.operand(), otherwise.operand());
    typed(made, DType::Bool, &[])
}

/// Numbers of a rule: integers are int64, floats float64.
#[pyfunction]
pub(crate) fn arange(start: Other, stop: Other, step: Other) -> PyResult<Array> {
    let float = |number: &Other| match *number {
        Other::Int(value) => value as f64,
        Other::Float(value) => value,
        Other::Array(_) | Other::Bool(_) => f64::NAN,
    };
    valued(match (&start, &stop, &step) {
        (&Other::Int(start), &Other::Int(stop), &Other::Int(step)) => {
            voxstore::arange(start, stop, step)
        }
        _ => voxstore::arange(float(&start), float(&stop), float(&step)),
    })
}

/// Numbers in memory, which is aligned; copied.
#[pyfunction]
pub(crate) fn from_numpy(array: &Bound<'_, PyUntypedArray>) -> PyResult<Array> {
    fn taken<T: Element + numpy::Element>(array: &Bound<'_, PyUntypedArray>) -> PyResult<Array> {
        let array: PyReadonlyArrayDyn<'_, T> = array.extract()?;
        valued(voxstore::from_ndarray(array.as_array().to_owned()))
    }
    of_dtype!(dtype_of_numpy(array)?, T => taken::<T>(array))
}

/// The type of a numpy array.
pub(crate) fn dtype_of_numpy(array: &Bound<'_, PyUntypedArray>) -> PyResult<DType> {
    let name: String = array.dtype().getattr("name")?.extract()?;
    dtype_of(&name)
}
