//! How do the bits of numbers get side by side, and back?
//!
//! As bitshuffle has it, whose order blosc keeps in its frames: first the lowest bit of all numbers, eight of them a byte,
//! then the next one. Noise stays in few of these planes, and the others compress. c-blosc does it in half as wide
//! registers unless it is compiled for one machine, and then takes more time than zstd; it is the twin that tests compare with.
//! What is compressed, and what a frame looks like, is for `blocks`.
//!
//! Eight numbers are a group, which is a byte of each plane. Where bytes of a group lie is turned by unpacking rows of
//! bytes, which turns the bits of a byte's index by one; bits are turned in rows of eight, as many at a time as a row has
//! bytes. Both are in `network`, once for registers and once for arrays.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod network;
mod plain;

use multiversion::multiversion;
use multiversion::target::match_target;

/// Bytes of numbers that there are planes for.
pub(super) fn has_planes(number_bytes: usize) -> bool {
    matches!(number_bytes, 1 | 2 | 4 | 8)
}

/// Makes planes of numbers of so many bytes: as long as they are. Where they are not so many groups it copies them, and
/// what is left of the last number always, as blosc does.
pub(super) fn to_planes(number_bytes: usize, numbers: &[u8], planes: &mut [u8]) {
    let turned = turned_bytes(number_bytes, numbers.len());
    groups_to_planes(number_bytes, &numbers[..turned], &mut planes[..turned]);
    planes[turned..].copy_from_slice(&numbers[turned..]);
}

/// The numbers that [`to_planes`] made the planes of: as many of them, from byte `start` on, as there is room for. They
/// begin where a number does, and end so, or where all do.
pub(super) fn from_planes(number_bytes: usize, planes: &[u8], start: usize, numbers: &mut [u8]) {
    let turned = turned_bytes(number_bytes, planes.len());
    let end = start + numbers.len();
    let (numbers, copied) = numbers.split_at_mut(turned.clamp(start, end) - start);
    copied.copy_from_slice(&planes[end - copied.len()..end]);
    let group_bytes = 8 * number_bytes;
    let planes = &planes[..turned];
    // What is asked for of a group that begins before, then whole groups, then what is asked for of the last one.
    let before = start.next_multiple_of(group_bytes).min(start + numbers.len()) - start;
    let (first, numbers) = numbers.split_at_mut(before);
    let (groups, last) = numbers.split_at_mut(numbers.len() / group_bytes * group_bytes);
    let at = (start + before) / group_bytes;
    if groups.len() < network::FEW_GROUPS * group_bytes {
        let all = planes.len() / group_bytes;
        for (group, numbers) in groups.chunks_exact_mut(group_bytes).enumerate() {
            network::gather_one(at + group, all, planes, numbers);
        }
    } else {
        groups_from_planes(number_bytes, planes, at, groups);
    }
    let at_last = at + groups.len() / group_bytes;
    let mut group = [0; 64];
    let group = &mut group[..group_bytes];
    for (at, skip, part) in [(start / group_bytes, start % group_bytes, first), (at_last, 0, last)]
    {
        if !part.is_empty() {
            network::gather_one(at, planes.len() / group_bytes, planes, group);
            part.copy_from_slice(&group[skip..skip + part.len()]);
        }
    }
}

/// Of so many bytes, those of groups.
fn turned_bytes(number_bytes: usize, len: usize) -> usize {
    let count = len / number_bytes;
    if count.is_multiple_of(8) { count * number_bytes } else { 0 }
}

#[multiversion(targets("x86_64+avx2"))]
fn groups_to_planes(number_bytes: usize, numbers: &[u8], planes: &mut [u8]) {
    match_target! {
        "x86_64+avx2" => avx2::to_planes(number_bytes, numbers, planes),
        _ => plain::to_planes(number_bytes, numbers, planes),
    }
}

/// As many groups as there is room for, from number `first` on.
#[multiversion(targets("x86_64+avx2"))]
fn groups_from_planes(number_bytes: usize, planes: &[u8], first: usize, numbers: &mut [u8]) {
    match_target! {
        "x86_64+avx2" => avx2::from_planes(number_bytes, planes, first, numbers),
        _ => plain::from_planes(number_bytes, planes, first, numbers),
    }
}

#[cfg(test)]
mod tests {
    use super::{from_planes, plain, to_planes};
    use crate::store::testing::noise;

    /// Bit by bit.
    fn naive(number_bytes: usize, numbers: &[u8]) -> Vec<u8> {
        let count = numbers.len() / number_bytes;
        let mut planes = vec![0; numbers.len()];
        for (at, byte) in numbers.iter().enumerate() {
            let (number, of) = (at / number_bytes, at % number_bytes);
            for bit in 0..8 {
                let plane = &mut planes[(of * 8 + bit) * count / 8..];
                plane[number / 8] |= (byte >> bit & 1) << (number % 8);
            }
        }
        planes
    }

    #[test]
    fn planes_are_those_made_bit_by_bit_and_give_the_numbers_back() {
        for number_bytes in [1, 2, 4, 8] {
            for groups in [0, 1, 3, 31, 32, 33, 64, 100] {
                let numbers = noise(groups * 8 * number_bytes);
                let want = naive(number_bytes, &numbers);
                let (mut planes, mut back) = (vec![1; numbers.len()], vec![1; numbers.len()]);
                for to in [to_planes, plain::to_planes] {
                    planes.fill(1);
                    to(number_bytes, &numbers, &mut planes);
                    assert!(planes == want, "{groups} groups of {number_bytes} bytes");
                }
                for from in [from_planes, plain::from_planes] {
                    back.fill(1);
                    from(number_bytes, &planes, 0, &mut back);
                    assert!(back == numbers, "{groups} groups of {number_bytes} bytes");
                }
            }
        }
    }

    #[test]
    fn every_part_of_the_numbers_comes_out_of_the_planes() {
        for number_bytes in [1, 2, 4, 8] {
            for len in [0, 8, 9, 13 * 8, 70 * 8] {
                let numbers = noise(len * number_bytes);
                let mut planes = vec![0; numbers.len()];
                to_planes(number_bytes, &numbers, &mut planes);
                for first in 0..=len {
                    for end in (first..=len).filter(|end| end - first < 20 || end % 31 == 0) {
                        let bytes = first * number_bytes..end * number_bytes;
                        let mut part = vec![1; bytes.len()];
                        from_planes(number_bytes, &planes, bytes.start, &mut part);
                        assert!(part == numbers[bytes], "{first}..{end} of {len}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_group_is_copied() {
        for (number_bytes, len) in [(2, 18), (4, 4), (8, 3), (8, 72)] {
            let numbers = noise(len);
            let mut planes = vec![0; len];
            to_planes(number_bytes, &numbers, &mut planes);
            assert_eq!(planes, numbers);
        }
        let numbers = noise(35);
        let mut planes = vec![0; 35];
        to_planes(4, &numbers, &mut planes);
        assert_eq!((&planes[..32], &planes[32..]), (&naive(4, &numbers[..32])[..], &numbers[32..]));
        for first in [0, 4, 28, 32] {
            let mut back = vec![0; 35 - first];
            from_planes(4, &planes, first, &mut back);
            assert_eq!(back, numbers[first..]);
        }
    }
}
