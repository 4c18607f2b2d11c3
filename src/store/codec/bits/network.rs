//! The steps that turn bytes and bits, of whatever a row of 32 bytes is.
//!
//! Who calls [`network`] has a type `Row` and functions of two rows:
//!
//! - `unpack`: the bytes of both by turns, of the first eight of each half of a row, and of the others;
//! - `halves`: the first halves of both, and the last;
//! - `swap`: exchanges, within each byte, bits of the first row that are `BITS` higher with those of the second under `mask`.

/// Planes of so many bytes go through memory of their own: planes of a block lie so far from each other that lines of several
/// push each other out of the cache.
pub(super) const LOCAL_BYTES: usize = 8 << 10;

/// Fewer groups than fill a row are turned one by one.
pub(super) const FEW_GROUPS: usize = 32;

/// `to_planes` and `from_planes` of whole groups.
macro_rules! network {
    ($(#[$feature:meta])*) => {
        $(#[$feature])*
        pub(super) fn to_planes(number_bytes: usize, numbers: &[u8], planes: &mut [u8]) {
            match number_bytes {
                1 => spread::<8>(numbers, planes),
                2 => spread::<16>(numbers, planes),
                4 => spread::<32>(numbers, planes),
                _ => spread::<64>(numbers, planes),
            }
        }

        $(#[$feature])*
        pub(super) fn from_planes(
            number_bytes: usize,
            planes: &[u8],
            first: usize,
            numbers: &mut [u8],
        ) {
            match number_bytes {
                1 => gather::<8>(planes, first, numbers),
                2 => gather::<16>(planes, first, numbers),
                4 => gather::<32>(planes, first, numbers),
                _ => gather::<64>(planes, first, numbers),
            }
        }

        /// Into planes: groups of `R` bytes, 32 at a time.
        $(#[$feature])*
        fn spread<const R: usize>(numbers: &[u8], planes: &mut [u8]) {
            let (groups, bytes) = (planes.len() / R, R / 8);
            let mut local = [0; LOCAL_BYTES];
            let mut first = 0;
            for numbers in numbers.chunks(LOCAL_BYTES) {
                let here = numbers.len() / R;
                for at in (0..here / 32 * 32).step_by(32) {
                    let (from, _) = numbers[at * R..][..32 * R].as_chunks::<32>();
                    let mut rows = [zero(); R];
                    for pair in 0..R / 2 {
                        (rows[2 * pair], rows[2 * pair + 1]) =
                            halves(load(&from[pair]), load(&from[R / 2 + pair]));
                    }
                    let rows = turned::<R>(rows, 4);
                    for byte in 0..bytes {
                        let mut of_byte = [zero(); 8];
                        for number in 0..8 {
                            of_byte[number] = rows[number * bytes + byte];
                        }
                        for (bit, row) in bits_turned(of_byte).into_iter().enumerate() {
                            let plane = &mut local[(byte * 8 + bit) * here + at..];
                            if let Some(part) = plane.first_chunk_mut() {
                                store(row, part);
                            }
                        }
                    }
                }
                for at in here / 32 * 32..here {
                    super::network::spread_one(at, here, &numbers[at * R..][..R], &mut local);
                }
                for (plane, part) in local[..here * R].chunks_exact(here).enumerate() {
                    planes[plane * groups + first..][..here].copy_from_slice(part);
                }
                first += here;
            }
        }

        /// Out of planes: as many groups as there is room for, from number `first` on.
        $(#[$feature])*
        fn gather<const R: usize>(planes: &[u8], mut first: usize, numbers: &mut [u8]) {
            let (groups, bytes) = (planes.len() / R, R / 8);
            let mut local = [0; LOCAL_BYTES];
            for numbers in numbers.chunks_mut(LOCAL_BYTES) {
                let here = numbers.len() / R;
                for (plane, part) in local[..here * R].chunks_exact_mut(here).enumerate() {
                    part.copy_from_slice(&planes[plane * groups + first..][..here]);
                }
                for at in (0..here / 32 * 32).step_by(32) {
                    let mut rows = [zero(); R];
                    for byte in 0..bytes {
                        let mut of_byte = [zero(); 8];
                        for (bit, row) in of_byte.iter_mut().enumerate() {
                            let plane = &local[(byte * 8 + bit) * here + at..];
                            if let Some(part) = plane.first_chunk() {
                                *row = load(part);
                            }
                        }
                        for (number, row) in bits_turned(of_byte).into_iter().enumerate() {
                            rows[number * bytes + byte] = row;
                        }
                    }
                    let rows = turned::<R>(rows, R.trailing_zeros());
                    let (to, _) = numbers[at * R..][..32 * R].as_chunks_mut::<32>();
                    for pair in 0..R / 2 {
                        let (one, other) = halves(rows[2 * pair], rows[2 * pair + 1]);
                        store(one, &mut to[pair]);
                        store(other, &mut to[R / 2 + pair]);
                    }
                }
                for at in here / 32 * 32..here {
                    super::network::gather_one(at, here, &local, &mut numbers[at * R..][..R]);
                }
                first += here;
            }
        }

        /// Turns the bits of the index that a byte has in each half of the rows, one after the other, left so many times: first
        /// and last half of the rows get in by turns.
        $(#[$feature])*
        #[inline]
        fn turned<const R: usize>(mut rows: [Row; R], times: u32) -> [Row; R] {
            for _ in 0..times {
                let mut next = [zero(); R];
                for at in 0..R / 2 {
                    (next[2 * at], next[2 * at + 1]) = unpack(rows[at], rows[R / 2 + at]);
                }
                rows = next;
            }
            rows
        }

        /// Bit `i` of byte `j` of row `k` becomes bit `k` of byte `j` of row `i`.
        $(#[$feature])*
        #[inline]
        fn bits_turned([a, b, c, d, e, f, g, h]: [Row; 8]) -> [Row; 8] {
            let ((a, e), (b, f)) = (swap::<4>(a, e, 0x0F), swap::<4>(b, f, 0x0F));
            let ((c, g), (d, h)) = (swap::<4>(c, g, 0x0F), swap::<4>(d, h, 0x0F));
            let ((a, c), (b, d)) = (swap::<2>(a, c, 0x33), swap::<2>(b, d, 0x33));
            let ((e, g), (f, h)) = (swap::<2>(e, g, 0x33), swap::<2>(f, h, 0x33));
            let ((a, b), (c, d)) = (swap::<1>(a, b, 0x55), swap::<1>(c, d, 0x55));
            let ((e, f), (g, h)) = (swap::<1>(e, f, 0x55), swap::<1>(g, h, 0x55));
            [a, b, c, d, e, f, g, h]
        }
    };
}
pub(super) use network;

/// The numbers of one group of so many into planes.
pub(super) fn spread_one(group: usize, groups: usize, numbers: &[u8], planes: &mut [u8]) {
    let number_bytes = numbers.len() / 8;
    for byte in 0..number_bytes {
        let bytes = [0, 1, 2, 3, 4, 5, 6, 7].map(|number| numbers[number * number_bytes + byte]);
        for (bit, plane) in square_turned(bytes).into_iter().enumerate() {
            planes[(byte * 8 + bit) * groups + group] = plane;
        }
    }
}

/// The numbers of one group out of planes.
pub(super) fn gather_one(group: usize, groups: usize, planes: &[u8], numbers: &mut [u8]) {
    let number_bytes = numbers.len() / 8;
    for byte in 0..number_bytes {
        let bytes = [0, 1, 2, 3, 4, 5, 6, 7].map(|bit| planes[(byte * 8 + bit) * groups + group]);
        for (number, of) in square_turned(bytes).into_iter().enumerate() {
            numbers[number * number_bytes + byte] = of;
        }
    }
}

/// Bit `i` of byte `k` becomes bit `k` of byte `i`.
fn square_turned(bytes: [u8; 8]) -> [u8; 8] {
    let mut square = u64::from_le_bytes(bytes);
    for (distance, mask) in
        [(7, 0x00AA_00AA_00AA_00AA), (14, 0x0000_CCCC_0000_CCCC), (28, 0x0000_0000_F0F0_F0F0)]
    {
        let differ = (square ^ square >> distance) & mask;
        square ^= differ ^ differ << distance;
    }
    square.to_le_bytes()
}
