//! How do arrays become numbers, and what would that take?

use numpy::{PyArrayDyn, PyReadwriteArrayDyn, PyUntypedArray, PyUntypedArrayMethods as _};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use voxstore::{AnyArray, Element, LazyArray};

use crate::array::{Array, dtype_of_numpy, of_dtype};
use crate::errors::raised;
use crate::work::Limits;

fn handles(arrays: &[Py<Array>]) -> Vec<&LazyArray> {
    arrays.iter().map(|array| &array.get().0).collect()
}

/// The arrays' numbers, each in its own type, in one scan where they share one; and what sources said.
#[pyfunction]
pub(crate) fn compute(
    py: Python<'_>,
    arrays: Vec<Py<Array>>,
    limits: Limits,
) -> PyResult<(Vec<Py<PyAny>>, Vec<String>)> {
    let wanted = handles(&arrays);
    let (made, report) = limits.run(py, |session| Ok(session.compute_any(&wanted)?))?;
    Ok((made.into_iter().map(|array| in_numpy(py, array)).collect(), report.warnings))
}

/// An array's numbers into memory that is there, of any type that holds them; what sources said.
#[pyfunction]
pub(crate) fn compute_into(
    py: Python<'_>,
    array: Py<Array>,
    out: &Bound<'_, PyUntypedArray>,
    limits: Limits,
) -> PyResult<Vec<String>> {
    fn into<T: Element + numpy::Element>(
        py: Python<'_>,
        array: &LazyArray,
        out: &Bound<'_, PyUntypedArray>,
        limits: &Limits,
    ) -> PyResult<Vec<String>> {
        let mut out: PyReadwriteArrayDyn<'_, T> = out.extract()?;
        let view = out.as_array_mut();
        Ok(limits.run(py, |session| Ok(session.compute_into(array, view)?))?.warnings)
    }
    if !out.is_aligned() {
        let help = "numpy.require(out, requirements=\"A\") is a copy that will do";
        return Err(PyValueError::new_err(format!("out is not aligned in memory; {help}")));
    }
    let array = &array.get().0;
    of_dtype!(dtype_of_numpy(out)?, T => into::<T>(py, array, out, &limits))
}

/// The same memory as a numpy array.
fn in_numpy(py: Python<'_>, array: AnyArray) -> Py<PyAny> {
    macro_rules! moved {
        ($($variant:ident),*) => {
            match array {
                $(AnyArray::$variant(array) => PyArrayDyn::from_owned_array(py, array).into_any().unbind(),)*
            }
        };
    }
    moved!(Bool, U8, I8, U16, I16, U32, I32, U64, I64, F32, F64)
}

/// What computing arrays together would do. Reads no voxel.
#[pyfunction]
pub(crate) fn explain(
    py: Python<'_>,
    arrays: Vec<Py<Array>>,
    limits: Limits,
) -> PyResult<Explanation> {
    let session = limits.session(py)?;
    let wanted = handles(&arrays);
    let plan = py.detach(|| session.explain(&wanted));
    plan.map(Explanation).map_err(|error| raised(py, error.into()))
}

/// A plan: its passes, what each reads, and its peak memory.
#[pyclass(frozen, module = "voxstore._voxstore")]
pub(crate) struct Explanation(pub(crate) voxstore::Explanation);

#[pymethods]
impl Explanation {
    /// The plan as text of 100 columns.
    #[getter]
    fn text(&self) -> String {
        self.0.text()
    }

    /// The plan as JSON, with nothing folded.
    #[getter]
    fn json(&self) -> String {
        self.0.json()
    }

    /// The expression for Graphviz.
    #[getter]
    fn dot(&self) -> String {
        self.0.dot()
    }

    /// The plan as a picture.
    #[getter]
    fn svg(&self) -> String {
        self.0.svg()
    }

    /// The most memory that the work will use, in bytes.
    #[getter]
    fn peak_bytes(&self) -> u64 {
        self.0.summary.peak_bytes
    }

    /// The budget, in bytes.
    #[getter]
    fn budget_bytes(&self) -> u64 {
        self.0.summary.budget_bytes
    }

    /// Bytes of voxels that will be read.
    #[getter]
    fn read_bytes(&self) -> u64 {
        self.0.summary.read_bytes
    }

    /// How often the voxels are gone through.
    #[getter]
    fn scans(&self) -> usize {
        self.0.summary.scans
    }

    fn __repr__(&self) -> String {
        self.0.text()
    }

    fn _repr_html_(&self) -> String {
        self.0.svg()
    }
}
