//! How large is a chunk?
//!
//! A pure function of shape, type and options, so that the bytes on disk never depend on memory or
//! threads. Chunks hold whole planes: `(X, Y, zb, tb)`, on disk `(tb, zb, Y, X)`.

use crate::grid::element_count;

/// A slab of `tb` volumes, which ingest holds in memory, stays below this where it can.
const SLAB_BYTES: u64 = 32 << 20;
/// A chunk of less wastes files and seeks.
const CHUNK_MIN_BYTES: u64 = 1 << 20;
/// A chunk of more falls out of the processor's cache.
const CHUNK_MAX_BYTES: u64 = 2 << 20;
/// The most volumes in a chunk.
const VOLUMES_MAX: u64 = 16;
/// Above this a chunk is refused, by the reader and by ingest.
pub(crate) const CHUNK_LIMIT_BYTES: u64 = 1 << 30;
/// A run of more chunks is refused, too: each is a file, and an open run holds four bytes of each.
pub(super) const CHUNKS_LIMIT: u64 = 1 << 24;

/// Chunk lengths that a caller asks for, in place of the ones voxstore would choose. Longer than
/// the run means the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkLengths {
    /// Volumes in a chunk, at least 1; also the slab that ingest holds in memory.
    pub t: u64,
    /// Planes in a chunk, at least 1.
    pub z: u64,
}

/// The chunk shape `(x, y, z, t)` of a run of this shape.
///
/// `tb` is the largest power of two up to 16 whose volumes stay within 32 MiB; powers of two nest,
/// so blocks of runs with different `tb` meet at common boundaries. A run no longer than that is
/// one chunk along t, without padding. `zb` brings the chunk to 1..2 MiB, dividing Z where a
/// divisor lies in that range, else splitting Z as evenly as it goes. `None` when a length is 0 or
/// the chunk is larger than 1 GiB.
pub(super) fn chunk_shape(
    shape: [u64; 4],
    item_bytes: u64,
    asked: Option<ChunkLengths>,
) -> Option<[u64; 4]> {
    let [x, y, z, t] = shape;
    let plane_bytes = element_count(&[x, y, item_bytes]).filter(|&b| b > 0)?;
    let volume_bytes = plane_bytes.checked_mul(z).filter(|&b| b > 0 && t > 0)?;
    let (tb, zb) = if let Some(lengths) = asked {
        (lengths.t.min(t), lengths.z.min(z))
    } else {
        let tb = volumes(volume_bytes, t);
        (tb, planes(tb.checked_mul(plane_bytes)?, z))
    };
    let bytes = element_count(&[plane_bytes, zb, tb])?;
    (1..=CHUNK_LIMIT_BYTES).contains(&bytes).then_some([x, y, zb, tb])
}

fn volumes(volume_bytes: u64, t: u64) -> u64 {
    let mut tb = VOLUMES_MAX;
    while tb > 1 && tb.saturating_mul(volume_bytes) > SLAB_BYTES {
        tb /= 2;
    }
    tb.min(t)
}

fn planes(step_bytes: u64, z: u64) -> u64 {
    let most = (CHUNK_MAX_BYTES / step_bytes).clamp(1, z);
    let least = CHUNK_MIN_BYTES.div_ceil(step_bytes).min(most);
    (least..=most)
        .rev()
        .find(|zb| z.is_multiple_of(*zb))
        .unwrap_or_else(|| z.div_ceil(z.div_ceil(most)))
}

/// The chunk shape of an array of this shape, axis 0 first: the lengths asked for, cut to the array, else
/// ones of 1 to 2 MiB.
///
/// Those: axes are taken whole from the first on while a chunk stays within 2 MiB, the next one in parts,
/// the rest by single indices; of four axes `tb` of [`chunk_shape`] is set aside before. An axis of length
/// 0 counts as 1. `None` when a length asked for is 0 or belongs to no axis, or a chunk is larger than
/// 1 GiB.
pub(super) fn array_chunk_shape(
    shape: &[u64],
    item_bytes: u64,
    asked: Option<&[u64]>,
) -> Option<Vec<u64>> {
    let shape: Vec<u64> = shape.iter().map(|&n| n.max(1)).collect();
    let chunk = if let Some(lengths) = asked {
        let cut = lengths.iter().zip(&shape).map(|(&length, &n)| length.min(n)).collect();
        (lengths.len() == shape.len()).then_some(cut)?
    } else {
        let tb = (shape.len() == 4).then(|| {
            let volume_bytes = shape[..3].iter().fold(item_bytes, |n, &m| n.saturating_mul(m));
            volumes(volume_bytes, shape[3])
        });
        grown(&shape, item_bytes, tb)
    };
    let bytes = element_count(&chunk)?.checked_mul(item_bytes)?;
    (1..=CHUNK_LIMIT_BYTES).contains(&bytes).then_some(chunk)
}

/// Whole leading axes and a part of the next, beside the length of the last where that is set.
fn grown(shape: &[u64], item_bytes: u64, last: Option<u64>) -> Vec<u64> {
    let mut chunk = vec![1; shape.len()];
    let mut step_bytes = item_bytes;
    let mut free = shape.len();
    if let Some(length) = last {
        free -= 1;
        chunk[free] = length;
        step_bytes = step_bytes.saturating_mul(length);
    }
    for (axis, &length) in shape[..free].iter().enumerate() {
        let all = step_bytes.saturating_mul(length);
        if all > CHUNK_MAX_BYTES {
            chunk[axis] = planes(step_bytes, length);
            break;
        }
        chunk[axis] = length;
        step_bytes = all;
    }
    chunk
}

#[cfg(test)]
mod tests {
    use super::{ChunkLengths, array_chunk_shape, chunk_shape};

    #[test]
    fn chunks_are_whole_planes_of_one_to_two_mebibytes() {
        let cases = [
            ([64, 64, 30, 184], 2, [64, 64, 15, 16]),
            ([104, 104, 72, 600], 2, [104, 104, 6, 16]),
            ([80, 80, 35, 156], 2, [80, 80, 7, 16]),
            ([64, 64, 31, 184], 2, [64, 64, 16, 16]),
            ([90, 104, 72, 400], 8, [90, 104, 6, 4]),
            ([64, 64, 30, 5], 2, [64, 64, 30, 5]),
            ([256, 256, 170, 1], 2, [256, 256, 10, 1]),
            ([3, 2, 1, 1], 1, [3, 2, 1, 1]),
            ([4096, 4096, 3, 9], 2, [4096, 4096, 1, 1]),
        ];
        for (shape, item, want) in cases {
            assert_eq!(chunk_shape(shape, item, None), Some(want), "{shape:?}");
        }
    }

    #[test]
    fn lengths_asked_for_are_cut_to_the_run() {
        let asked = |t, z| chunk_shape([4, 4, 5, 6], 2, Some(ChunkLengths { t, z }));
        assert_eq!(asked(4, 2), Some([4, 4, 2, 4]));
        assert_eq!(asked(99, 99), Some([4, 4, 5, 6]));
        assert_eq!(asked(0, 1), None);
    }

    #[test]
    fn nothing_overflows_and_monsters_are_refused() {
        assert_eq!(chunk_shape([u64::MAX, 2, 1, 1], 2, None), None);
        assert_eq!(chunk_shape([32767, 32767, 1, 1], 8, None), None);
        assert_eq!(chunk_shape([0, 2, 1, 1], 2, None), None);
        assert_eq!(chunk_shape([2, 2, 1, 0], 2, None), None);
    }

    #[test]
    fn an_array_of_four_axes_is_cut_like_a_run() {
        for (shape, item) in [
            ([64, 64, 30, 184], 2),
            ([104, 104, 72, 600], 2),
            ([64, 64, 31, 184], 8),
            ([90, 104, 72, 400], 8),
            ([3, 2, 1, 1], 1),
        ] {
            let run = chunk_shape(shape, item, None).map(Vec::from);
            assert_eq!(array_chunk_shape(&shape, item, None), run, "{shape:?}");
        }
    }

    #[test]
    fn an_array_of_any_axes_has_chunks_of_about_two_mebibytes() {
        let balanced = |shape: &[u64]| array_chunk_shape(shape, 8, None).unwrap();
        assert_eq!(balanced(&[]), [0_u64; 0]);
        assert_eq!(balanced(&[10]), [10]);
        assert_eq!(balanced(&[1 << 30]), [1 << 18]);
        assert_eq!(balanced(&[0, 5]), [1, 5]);
        assert_eq!(balanced(&[104, 104, 72]), [104, 104, 24]);
        assert_eq!(balanced(&[4096, 4096, 3, 9]), [4096, 64, 1, 1]);
        assert_eq!(balanced(&[10, 10, 10, 10, 70, 2]), [10, 10, 10, 10, 14, 1]);
    }

    #[test]
    fn lengths_of_an_array_are_cut_to_it_and_checked() {
        let asked = |lengths: &[u64]| array_chunk_shape(&[5, 0], 2, Some(lengths));
        assert_eq!(asked(&[9, 9]), Some(vec![5, 1]));
        assert_eq!(asked(&[0, 1]), None);
        assert_eq!(asked(&[1]), None);
        let huge = [u64::MAX; 2];
        assert_eq!(array_chunk_shape(&huge, 8, Some(&huge)), None);
    }
}
