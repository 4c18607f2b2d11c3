//! The network in registers of 32 bytes.

use std::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_permute2x128_si256, _mm256_set1_epi8, _mm256_setzero_si256,
    _mm256_slli_epi64, _mm256_srli_epi64, _mm256_unpackhi_epi8, _mm256_unpacklo_epi8,
    _mm256_xor_si256,
};

use bytemuck::cast;

use super::network::{LOCAL_BYTES, network};

type Row = __m256i;

#[target_feature(enable = "avx2")]
#[inline]
fn zero() -> Row {
    _mm256_setzero_si256()
}

#[target_feature(enable = "avx2")]
#[inline]
fn load(bytes: &[u8; 32]) -> Row {
    cast(*bytes)
}

#[target_feature(enable = "avx2")]
#[inline]
fn store(row: Row, bytes: &mut [u8; 32]) {
    *bytes = cast(row);
}

#[target_feature(enable = "avx2")]
#[inline]
fn unpack(a: Row, b: Row) -> (Row, Row) {
    (_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b))
}

#[target_feature(enable = "avx2")]
#[inline]
fn halves(a: Row, b: Row) -> (Row, Row) {
    (_mm256_permute2x128_si256::<0x20>(a, b), _mm256_permute2x128_si256::<0x31>(a, b))
}

#[target_feature(enable = "avx2")]
#[inline]
fn swap<const BITS: i32>(low: Row, high: Row, mask: u8) -> (Row, Row) {
    let differ = _mm256_xor_si256(_mm256_srli_epi64::<BITS>(low), high);
    let differ = _mm256_and_si256(differ, _mm256_set1_epi8(mask as i8));
    (_mm256_xor_si256(low, _mm256_slli_epi64::<BITS>(differ)), _mm256_xor_si256(high, differ))
}

network!(#[target_feature(enable = "avx2")]);
