//! Copies between boxes of elements, one contiguous run at a time.

use super::Region;

/// Elements that follow one another in both of two boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Where they begin in the memory order of either.
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) len: u64,
}

/// The elements that two boxes share, in memory order (axis 0 fastest): as few runs as there can be.
#[derive(Clone, Debug)]
pub(crate) struct SharedRuns {
    shared: Region,
    from: Region,
    to: Region,
    /// So many leading axes are one run, of so many elements.
    run_axes: usize,
    run_len: u64,
    /// Of the next run, along the others.
    index: Vec<u64>,
    left: u64,
}

impl SharedRuns {
    /// `None` where they share nothing.
    pub(crate) fn of(from: &Region, to: &Region) -> Option<Self> {
        let shared = from.overlap(to)?;
        // Leading axes that are whole in both boxes join into one contiguous run, and the first that is not.
        let is_whole = |axis: &usize| {
            let lengths = [&shared, from, to].map(|of| of.shape()[*axis]);
            lengths[0] == lengths[1] && lengths[0] == lengths[2]
        };
        let whole = (0..shared.ndim()).take_while(is_whole).count();
        let run_axes = (whole + 1).min(shared.ndim());
        let run_len = shared.shape()[..run_axes].iter().product();
        let left = shared.shape()[run_axes..].iter().product();
        let index = vec![0; shared.ndim() - run_axes];
        let (from, to) = (from.clone(), to.clone());
        Some(Self { shared, from, to, run_axes, run_len, index, left })
    }

    /// How many runs there are still.
    pub(crate) fn count_left(&self) -> u64 {
        self.left
    }

    /// Elements of each.
    pub(crate) fn run_len(&self) -> u64 {
        self.run_len
    }

    fn offset(&self, inside: &Region) -> u64 {
        (0..self.shared.ndim()).rev().fold(0, |at, axis| {
            let i = axis.checked_sub(self.run_axes).map_or(0, |outer| self.index[outer]);
            at * inside.shape()[axis] + (self.shared.start()[axis] - inside.start()[axis]) + i
        })
    }
}

impl Iterator for SharedRuns {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        self.left = self.left.checked_sub(1)?;
        let (from, to) = (self.offset(&self.from), self.offset(&self.to));
        for (i, &n) in self.index.iter_mut().zip(&self.shared.shape()[self.run_axes..]) {
            *i += 1;
            if *i < n {
                break;
            }
            *i = 0;
        }
        Some(Run { from, to, len: self.run_len })
    }
}

/// Copies the part that `from` and `to` share. Both buffers hold their box in memory order (axis 0
/// fastest), `item_bytes` an element. Returns the number of elements copied.
pub(crate) fn copy_overlap(
    src: &[u8],
    from: &Region,
    dst: &mut [u8],
    to: &Region,
    item_bytes: usize,
) -> u64 {
    let Some(runs) = SharedRuns::of(from, to) else { return 0 };
    let bytes = runs.run_len() as usize * item_bytes;
    let mut copied = 0;
    for run in runs {
        let (s, d) = (run.from as usize * item_bytes, run.to as usize * item_bytes);
        dst[d..d + bytes].copy_from_slice(&src[s..s + bytes]);
        copied += run.len;
    }
    copied
}

#[cfg(test)]
mod tests {
    use super::{Region, copy_overlap};

    fn numbered(shape: &[u64]) -> Vec<u8> {
        (0..shape.iter().product::<u64>()).map(|i| i as u8).collect()
    }

    #[test]
    fn overlap_copies_the_right_elements_for_every_pair_of_boxes() {
        let whole = Region::whole(&[5, 4, 3]);
        let data = numbered(&[5, 4, 3]);
        for start in 0..3_u64 {
            for len in 1..=3_u64 {
                let to = Region::new(vec![start, 1, 0], vec![len.min(5 - start), 2, 3]);
                let mut got = vec![255; to.len() as usize];
                assert_eq!(copy_overlap(&data, &whole, &mut got, &to, 1), to.len());
                let mut want = vec![];
                for z in 0..3 {
                    for y in 1..3 {
                        for x in start..to.end(0) {
                            want.push((x + 5 * (y + 4 * z)) as u8);
                        }
                    }
                }
                assert_eq!(got, want);
            }
        }
    }
}
