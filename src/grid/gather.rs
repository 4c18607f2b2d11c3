//! Elements taken out of a box in any regular order.

/// How far apart neighbours along one axis lie, in elements of the box they are taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stride {
    /// Always as far; 0 repeats one element, negative goes backwards.
    Even(i64),
    /// The place of each index, counted from the first.
    Uneven(Vec<i64>),
}

/// A box of another order taken out of a box in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gather {
    /// The element at index 0 of every axis.
    pub(crate) first: i64,
    pub(crate) strides: Vec<Stride>,
    /// Lengths of what is made.
    pub(crate) shape: Vec<u64>,
}

impl Gather {
    /// Copies elements of `item_bytes` from `src` to `dst`, which is filled in memory order (axis 0
    /// fastest).
    pub(crate) fn copy(&self, src: &[u8], dst: &mut [u8], item_bytes: usize) {
        match item_bytes {
            1 => self.copy_items::<1>(src, dst),
            2 => self.copy_items::<2>(src, dst),
            4 => self.copy_items::<4>(src, dst),
            _ => self.copy_items::<8>(src, dst),
        }
    }

    fn copy_items<const N: usize>(&self, src: &[u8], dst: &mut [u8]) {
        let (src, dst) = (src.as_chunks::<N>().0, dst.as_chunks_mut::<N>().0);
        if self.shape.contains(&0) {
            return;
        }
        let row_len = self.shape.first().map_or(1, |&n| n as usize);
        let place = |axis: usize, index: u64| match &self.strides[axis] {
            Stride::Even(step) => step * index as i64,
            Stride::Uneven(offsets) => offsets[index as usize],
        };
        let mut index = vec![0_u64; self.shape.len()];
        for row in dst.chunks_exact_mut(row_len) {
            let outer: i64 = (1..index.len()).map(|axis| place(axis, index[axis])).sum();
            let at = (self.first + outer) as usize;
            match self.strides.first() {
                None | Some(Stride::Even(1)) => row.copy_from_slice(&src[at..at + row.len()]),
                Some(Stride::Even(0)) => row.fill(src[at]),
                Some(Stride::Even(step)) => {
                    let mut from = at as i64;
                    for item in row {
                        *item = src[from as usize];
                        from += step;
                    }
                }
                Some(Stride::Uneven(offsets)) => {
                    for (item, by) in row.iter_mut().zip(offsets) {
                        *item = src[(at as i64 + by) as usize];
                    }
                }
            }
            for (at, &len) in index.iter_mut().zip(&self.shape).skip(1) {
                *at += 1;
                if *at < len {
                    break;
                }
                *at = 0;
            }
        }
    }
}
