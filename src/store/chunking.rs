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
pub(super) const CHUNK_LIMIT_BYTES: u64 = 1 << 30;

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

#[cfg(test)]
mod tests {
    use super::{ChunkLengths, chunk_shape};

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
}
