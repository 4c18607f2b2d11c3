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

#[cfg(test)]
mod tests {
    use super::{Gather, Stride};

    fn taken(first: i64, strides: &[Stride], shape: &[u64]) -> Vec<u8> {
        let src: Vec<u8> = (0..24).collect();
        let count: u64 = shape.iter().product();
        let gather = Gather { first, strides: strides.to_vec(), shape: shape.to_vec() };
        let mut out = vec![255; count as usize];
        gather.copy(&src, &mut out, 1);
        // Wider elements go the same ways.
        for item_bytes in [2, 4, 8] {
            let wide = |bytes: &[u8]| -> Vec<u8> {
                bytes.iter().flat_map(|&b| vec![b; item_bytes]).collect()
            };
            let mut copied = vec![255; out.len() * item_bytes];
            gather.copy(&wide(&src), &mut copied, item_bytes);
            assert_eq!(copied, wide(&out));
        }
        out
    }

    #[test]
    fn elements_come_in_the_order_of_the_strides() {
        use Stride::{Even, Uneven};
        // A box of 4 x 3 x 2.
        assert_eq!(taken(5, &[Even(1), Even(4)], &[2, 2]), [5, 6, 9, 10]);
        assert_eq!(taken(3, &[Even(-1), Even(12)], &[3, 2]), [3, 2, 1, 15, 14, 13]);
        assert_eq!(taken(0, &[Even(4), Even(1)], &[3, 2]), [0, 4, 8, 1, 5, 9]);
        assert_eq!(taken(7, &[Even(0), Even(2)], &[2, 2]), [7, 7, 9, 9]);
        assert_eq!(taken(1, &[Even(1), Even(0)], &[2, 2]), [1, 2, 1, 2]);
        assert_eq!(taken(0, &[Uneven(vec![3, 3, 0]), Even(4)], &[3, 2]), [3, 3, 0, 7, 7, 4]);
        assert_eq!(taken(1, &[Even(1), Uneven(vec![16, 0])], &[2, 2]), [17, 18, 1, 2]);
    }

    #[test]
    fn a_box_without_axes_is_one_element_and_an_empty_one_is_none() {
        assert_eq!(taken(7, &[], &[]), [7]);
        assert!(taken(7, &[Stride::Even(1), Stride::Even(4)], &[0, 2]).is_empty());
        assert!(taken(90, &[Stride::Even(1), Stride::Even(4)], &[2, 0]).is_empty());
    }
}
