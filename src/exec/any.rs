//! How do arrays of different types come into memory together?
//!
//! Each in the type that its expression has, for callers who do not know it when they are compiled.

use ndarray::ArrayD;

use super::collect::{Collect, into_array};
use super::compute::allocate;
use super::error::ExecError;
use super::run::{Report, run_plan};
use crate::dtype::DType;
use crate::lazy::LazyArray;
use crate::plan::{Delivery, Plan, ResultMemory};
use crate::runtime::{BudgetError, Session};

macro_rules! any_array {
    ($($variant:ident $type:ty),* $(,)?) => {
        /// A computed array of whatever type its expression has; memory order is Fortran's.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "the names say it")]
        pub enum AnyArray {
            $($variant(ArrayD<$type>),)*
        }

        impl AnyArray {
            fn allocate(dtype: DType, shape: &[u64]) -> Result<Self, BudgetError> {
                Ok(match dtype {
                    $(DType::$variant => Self::$variant(allocate(shape)?),)*
                })
            }

            fn collect(&mut self) -> Box<dyn Collect + '_> {
                match self {
                    $(Self::$variant(array) => Box::new(into_array(array.view_mut())),)*
                }
            }
        }
    };
}

any_array! {
    Bool bool, U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32, U64 u64, I64 i64, F32 f32, F64 f64,
}

impl Session {
    /// Computes several arrays together, each in its own type; what they share is read and summed once.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use voxstore::{AnyArray, Session, from_ndarray};
    /// let x = from_ndarray(array![[1.0, 3.0], [6.0, 2.0]]);
    /// let (arrays, report) = Session::default().compute_any(&[&x.max(-1), &x.argmax(-1)])?;
    /// assert_eq!(arrays[0], AnyArray::F64(array![3.0, 6.0].into_dyn()));
    /// assert_eq!(arrays[1], AnyArray::I64(array![1, 0].into_dyn()));
    /// assert_eq!(report.scans, 1);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`LazyArray::compute`].
    pub fn compute_any(&self, arrays: &[&LazyArray]) -> Result<(Vec<AnyArray>, Report), ExecError> {
        let wanted: Vec<_> = arrays.iter().map(|&a| (a, a.dtype())).collect();
        let plan = Plan::new(&wanted, &Delivery::of(ResultMemory::Counted), self)?;
        let mut results = arrays
            .iter()
            .map(|array| AnyArray::allocate(array.dtype(), array.shape()))
            .collect::<Result<Vec<_>, _>>()?;
        let into: Vec<_> = results.iter_mut().map(AnyArray::collect).collect();
        let collects: Vec<&dyn Collect> = into.iter().map(AsRef::as_ref).collect();
        let report = run_plan(&plan, &collects, self)?;
        drop(into);
        Ok((results, report))
    }
}
