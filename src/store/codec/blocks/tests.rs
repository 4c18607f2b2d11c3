//! Frames beside those that zarrs makes and reads, whole, in runs and damaged.

use std::borrow::Cow;

use zarrs::array::BytesRepresentation;
use zarrs::array::codec::api::BytesToBytesCodecTraits;
use zarrs::array::codec::{BloscCodec, BloscCompressor, BloscShuffleMode};

use super::{Blocks, Kind, decompress_into};
use crate::grid::Run;
use crate::store::codec::chunk::OPTIONS;

fn codec(compressor: BloscCompressor, shuffle: BloscShuffleMode) -> BloscCodec {
    BloscCodec::new(compressor, 5.try_into().unwrap(), None, shuffle, Some(2)).unwrap()
}

#[test]
fn zarrs_gives_the_same_bytes_of_every_frame_that_it_makes_and_of_damaged_ones() {
    let numbers: Vec<u8> = (0..100_001_u32).map(|i| (i / 7 * 31 % 251) as u8).collect();
    for shuffle in
        [BloscShuffleMode::BitShuffle, BloscShuffleMode::Shuffle, BloscShuffleMode::NoShuffle]
    {
        for inner in [BloscCompressor::Zstd, BloscCompressor::LZ4, BloscCompressor::Zlib] {
            let codec = codec(inner, shuffle);
            for len in [1, 15, 16, 4096, 100_001] {
                let frame = codec.encode((&numbers[..len]).into(), &OPTIONS).unwrap();
                let mut out = vec![1; len];
                decompress_into(&frame, &mut out).unwrap();
                assert_eq!(out, numbers[..len]);
                for at in (0..frame.len()).step_by(frame.len() / 50 + 1) {
                    let mut bad = frame.to_vec();
                    bad[at] ^= 16;
                    let size = BytesRepresentation::FixedSize(len as u64);
                    let twin = codec.decode((&bad[..]).into(), &size, &OPTIONS).ok();
                    let ours = decompress_into(&bad, &mut out).ok().map(|()| &out[..]);
                    let twin = twin.as_deref().filter(|numbers| numbers.len() == len);
                    assert_eq!(ours, twin, "byte {at} of {}", frame.len());
                }
            }
        }
    }
}

#[test]
fn a_frame_that_is_cut_or_of_another_length_is_an_error() {
    let codec = codec(BloscCompressor::Zstd, BloscShuffleMode::BitShuffle);
    let frame = codec.encode((&[3; 1000][..]).into(), &OPTIONS).unwrap();
    for len in 0..frame.len() {
        assert!(decompress_into(&frame[..len], &mut [0; 1000]).is_err(), "{len}");
    }
    assert!(decompress_into(&frame, &mut [0; 999]).is_err());
    assert!(decompress_into(&frame, &mut [0; 1001]).is_err());
    assert!(decompress_into(&frame, &mut []).is_err());
}

fn numbers(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i / 7 * 31 % 251) as u8).collect()
}

/// A frame of blocks of 8 KiB.
fn frame(
    inner: BloscCompressor,
    shuffle: BloscShuffleMode,
    item: usize,
    len: usize,
) -> (BloscCodec, Vec<u8>) {
    let level = 5.try_into().unwrap();
    let codec = BloscCodec::new(inner, level, Some(8 << 10), shuffle, Some(item)).unwrap();
    let frame = codec.encode(numbers(len).into(), &OPTIONS).unwrap().into_owned();
    (codec, frame)
}

#[test]
fn every_run_is_that_of_the_whole_and_nothing_else_is_written() {
    const LEN: usize = 48_000;
    for (inner, shuffle, item) in [
        (BloscCompressor::Zstd, BloscShuffleMode::BitShuffle, 1),
        (BloscCompressor::Zstd, BloscShuffleMode::BitShuffle, 2),
        (BloscCompressor::Zstd, BloscShuffleMode::BitShuffle, 3),
        (BloscCompressor::Zstd, BloscShuffleMode::BitShuffle, 4),
        (BloscCompressor::Zstd, BloscShuffleMode::BitShuffle, 8),
        (BloscCompressor::Zstd, BloscShuffleMode::Shuffle, 2),
        (BloscCompressor::LZ4, BloscShuffleMode::BitShuffle, 2),
        (BloscCompressor::BloscLZ, BloscShuffleMode::NoShuffle, 4),
    ] {
        let (_, frame) = frame(inner, shuffle, item, LEN);
        let blocks = Blocks::of(&frame).unwrap();
        let are_planes =
            inner == BloscCompressor::Zstd && shuffle == BloscShuffleMode::BitShuffle && item != 3;
        assert_eq!(blocks.kind == Kind::Planes, are_planes, "{inner:?} {shuffle:?} {item}");
        for len in [1, 5, 8, 100, 8192, 20_000] {
            for (apart, many) in [(1, true), (1, false), (3, true), (30_000, false)] {
                let starts = (0..LEN / item).step_by(len + apart);
                let last = |from: &usize| from + len <= LEN / item;
                let runs = starts.take_while(last).enumerate().map(|(at, from)| {
                    let [from, to, len] = [from, at * (len + 1), len].map(|n| n as u64);
                    Run { from, to, len }
                });
                let mut out = vec![77; 2 * LEN];
                blocks.decode_runs(item, runs.clone(), many, &mut out).unwrap();
                let mut want = vec![77; 2 * LEN];
                for run in runs {
                    let [from, to, len] = [run.from, run.to, run.len].map(|n| n as usize * item);
                    want[to..to + len].copy_from_slice(&numbers(LEN)[from..from + len]);
                }
                assert!(out == want, "{len} numbers of {item} bytes, {apart} apart");
            }
        }
        let run = |from: usize, len: usize| {
            let run = Run { from: from as u64, to: 0, len: len as u64 };
            blocks.decode_runs(1, std::iter::once(run), false, &mut [0; 64]).is_ok()
        };
        assert!(run(24, 24) && !run(LEN, 24) && !run(LEN - 24, 48));
        assert_eq!(run(9, 6), item == 1 || item == 3);
    }
}

#[test]
fn runs_of_a_frame_that_is_a_copy_are_those_of_its_content() {
    let (_, mut frame) = frame(BloscCompressor::Zstd, BloscShuffleMode::BitShuffle, 2, 100);
    assert_eq!(frame.len(), 116);
    let run = Run { from: 20, to: 1, len: 30 };
    let decode = |frame: &[u8]| {
        let mut out = [0; 62];
        let runs = std::iter::once(run);
        Blocks::of(frame)?.decode_runs(2, runs, false, &mut out).ok()?;
        Some(out[2..].to_vec())
    };
    assert_eq!(decode(&frame).unwrap(), numbers(100)[40..100]);
    frame.truncate(115);
    assert!(decode(&frame).is_none());
}

/// What is flipped may lie in another block; else it is an error, or the part as zarrs has it.
#[test]
fn a_part_of_a_damaged_frame_is_an_error_or_what_zarrs_gives() {
    const LEN: usize = 30_000;
    let (codec, frame) = frame(BloscCompressor::Zstd, BloscShuffleMode::BitShuffle, 2, LEN);
    let (from, len) = (17_000, 2000);
    let run = Run { from, to: 0, len };
    let part = |numbers: &[u8]| numbers[from as usize..][..len as usize].to_vec();
    let mut out = vec![0; len as usize];
    let mut decode = |frame: &[u8]| {
        let done = Blocks::of(frame)?.decode_runs(1, std::iter::once(run), false, &mut out);
        done.ok().map(|()| out.clone())
    };
    let (mut right, mut errors) = (0, 0);
    for at in 0..frame.len() {
        for bit in [1, 16, 128] {
            let mut bad = frame.clone();
            bad[at] ^= bit;
            let Some(found) = decode(&bad) else {
                errors += 1;
                continue;
            };
            let size = BytesRepresentation::FixedSize(LEN as u64);
            let twin = codec.decode((&bad[..]).into(), &size, &OPTIONS).ok();
            let twin = twin.filter(|numbers| numbers.len() == LEN);
            let want = twin.map_or_else(|| numbers(LEN), Cow::into_owned);
            assert_eq!(found, part(&want), "byte {at}");
            right += 1;
        }
    }
    assert!(right > 0 && errors > 0, "{right} {errors}");
    for len in 0..frame.len() {
        let found = decode(&frame[..len]);
        assert!(found.is_none_or(|found| found == part(&numbers(LEN))), "{len}");
    }
}
