//! Copies between boxes of elements, one contiguous run at a time.

use super::Region;

/// Copies the part that `from` and `to` share. Both buffers hold their box in memory order (axis 0
/// fastest), `item_bytes` an element. Returns the number of elements copied.
pub(crate) fn copy_overlap(
    src: &[u8],
    from: &Region,
    dst: &mut [u8],
    to: &Region,
    item_bytes: usize,
) -> u64 {
    let Some(shared) = from.overlap(to) else { return 0 };
    let ndim = shared.ndim();
    if ndim == 0 {
        dst[..item_bytes].copy_from_slice(&src[..item_bytes]);
        return 1;
    }
    // Leading axes that are whole in both boxes join into one contiguous run.
    let mut run_axes = 1;
    while run_axes < ndim
        && shared.shape()[run_axes - 1] == from.shape()[run_axes - 1]
        && shared.shape()[run_axes - 1] == to.shape()[run_axes - 1]
    {
        run_axes += 1;
    }
    let run: u64 = shared.shape()[..run_axes].iter().product();
    let run_bytes = run as usize * item_bytes;
    let outer = &shared.shape()[run_axes..];
    let runs: u64 = outer.iter().product();
    let offset = |inside: &Region, index: &[u64]| -> usize {
        let mut at = 0;
        for axis in (0..ndim).rev() {
            let i = if axis < run_axes { 0 } else { index[axis - run_axes] };
            at = at * inside.shape()[axis] + (shared.start()[axis] - inside.start()[axis]) + i;
        }
        at as usize * item_bytes
    };
    let mut index = vec![0; outer.len()];
    for _ in 0..runs {
        let (s, d) = (offset(from, &index), offset(to, &index));
        dst[d..d + run_bytes].copy_from_slice(&src[s..s + run_bytes]);
        for (i, &n) in index.iter_mut().zip(outer) {
            *i += 1;
            if *i < n {
                break;
            }
            *i = 0;
        }
    }
    shared.len()
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
