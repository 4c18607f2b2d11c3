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
    /// The first, of which all others are as long.
    first: Run,
    /// Of the axes that are walked, fastest first: the length, and how far apart the indices are in either box.
    outer: Vec<(u64, u64, u64)>,
    /// Of the next run, along those.
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
        let mut first = Run { from: 0, to: 0, len: 1 };
        let mut outer = Vec::with_capacity(shared.ndim() - run_axes);
        let (mut in_from, mut in_to) = (1, 1);
        for (axis, (&start, &len)) in shared.start().iter().zip(shared.shape()).enumerate() {
            first.from += (start - from.start()[axis]) * in_from;
            first.to += (start - to.start()[axis]) * in_to;
            if axis < run_axes {
                first.len *= len;
            } else {
                outer.push((len, in_from, in_to));
            }
            in_from *= from.shape()[axis];
            in_to *= to.shape()[axis];
        }
        let left = outer.iter().map(|(len, ..)| len).product();
        Some(Self { first, index: vec![0; outer.len()], outer, left })
    }

    /// How many runs there are still.
    pub(crate) fn count_left(&self) -> u64 {
        self.left
    }

    /// Elements of each.
    pub(crate) fn run_len(&self) -> u64 {
        self.first.len
    }
}

impl Iterator for SharedRuns {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        self.left = self.left.checked_sub(1)?;
        let mut run = self.first;
        for (i, (_, in_from, in_to)) in self.index.iter().zip(&self.outer) {
            run.from += i * in_from;
            run.to += i * in_to;
        }
        for (i, &(len, ..)) in self.index.iter_mut().zip(&self.outer) {
            *i += 1;
            if *i < len {
                break;
            }
            *i = 0;
        }
        Some(run)
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
