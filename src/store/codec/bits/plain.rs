//! The network in arrays of 32 bytes, for any machine.

use bytemuck::{cast, cast_mut, cast_ref};

use super::network::{LOCAL_BYTES, network};

type Row = [u64; 4];

#[inline]
fn zero() -> Row {
    [0; 4]
}

#[inline]
fn load(bytes: &[u8; 32]) -> Row {
    cast(*bytes)
}

#[inline]
fn store(row: Row, bytes: &mut [u8; 32]) {
    *bytes = cast(row);
}

#[inline]
fn unpack(a: Row, b: Row) -> (Row, Row) {
    let (a, b): (&[[u8; 16]; 2], &[[u8; 16]; 2]) = (cast_ref(&a), cast_ref(&b));
    let mut both = (zero(), zero());
    {
        let low: &mut [[u8; 16]; 2] = cast_mut(&mut both.0);
        for half in 0..2 {
            for at in 0..8 {
                (low[half][2 * at], low[half][2 * at + 1]) = (a[half][at], b[half][at]);
            }
        }
        let high: &mut [[u8; 16]; 2] = cast_mut(&mut both.1);
        for half in 0..2 {
            for at in 0..8 {
                (high[half][2 * at], high[half][2 * at + 1]) = (a[half][8 + at], b[half][8 + at]);
            }
        }
    }
    both
}

#[inline]
fn halves(a: Row, b: Row) -> (Row, Row) {
    ([a[0], a[1], b[0], b[1]], [a[2], a[3], b[2], b[3]])
}

#[inline]
fn swap<const BITS: i32>(mut low: Row, mut high: Row, mask: u8) -> (Row, Row) {
    let mask = u64::from_ne_bytes([mask; 8]);
    for at in 0..4 {
        let differ = (low[at] >> BITS ^ high[at]) & mask;
        low[at] ^= differ << BITS;
        high[at] ^= differ;
    }
    (low, high)
}

network!();
