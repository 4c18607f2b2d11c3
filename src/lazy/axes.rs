//! Which axes does an operation mean?
//!
//! Names of axes become numbers from 0. Lengths play no part.

use std::ops::RangeFull;

/// Axes as numpy takes them: one (`-1`), several (`[0, 1, 2]`), or all (`..`). Negative ones count
/// from the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axes(Wanted);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    All,
    These(Vec<isize>),
}

impl From<RangeFull> for Axes {
    fn from(_: RangeFull) -> Self {
        Self(Wanted::All)
    }
}

impl From<isize> for Axes {
    fn from(axis: isize) -> Self {
        Self(Wanted::These(vec![axis]))
    }
}

impl<const N: usize> From<[isize; N]> for Axes {
    fn from(axes: [isize; N]) -> Self {
        Self(Wanted::These(axes.to_vec()))
    }
}

impl From<&[isize]> for Axes {
    fn from(axes: &[isize]) -> Self {
        Self(Wanted::These(axes.to_vec()))
    }
}

impl From<Vec<isize>> for Axes {
    fn from(axes: Vec<isize>) -> Self {
        Self(Wanted::These(axes))
    }
}

impl Axes {
    /// True for `..`.
    pub(super) fn is_all(&self) -> bool {
        self.0 == Wanted::All
    }

    /// The axes in the order given, from 0, each once; all of them ascending for `..`.
    pub(super) fn resolve(&self, operation: &str, ndim: usize) -> Result<Vec<usize>, String> {
        let Wanted::These(wanted) = &self.0 else { return Ok((0..ndim).collect()) };
        let mut axes = Vec::with_capacity(wanted.len());
        for &axis in wanted {
            let resolved = resolve_axis(operation, axis, ndim)?;
            if axes.contains(&resolved) {
                return Err(format!("{operation}: axis {axis} is named twice"));
            }
            axes.push(resolved);
        }
        Ok(axes)
    }
}

/// The axis that `axis` means for an array of `ndim` axes; negative counts from the end.
pub(super) fn resolve_axis(operation: &str, axis: isize, ndim: usize) -> Result<usize, String> {
    let resolved = if axis < 0 { axis.saturating_add(ndim as isize) } else { axis };
    usize::try_from(resolved).ok().filter(|&a| a < ndim).ok_or_else(|| {
        format!("{operation}: axis {axis} does not exist, the array has {ndim} axes")
    })
}
