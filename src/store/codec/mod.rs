//! How may chunks be compressed?
//!
//! [`Codec`] is the list: a name, a kind of frame and its settings, a row each. Compresses nothing itself:
//! `chunk` does, out of `numbers`, `steps` undoes it, and what other tools did; `frame` says what a compressed chunk may claim. `blocks` makes
//! the frames of `blosc-zstd`, and zarrs all others.
//! The only folder that names zarrs.

mod bits;
mod blocks;
mod blosc;
mod chunk;
mod frame;
mod numbers;
mod steps;

use std::fmt;

pub(super) use self::chunk::ChunkCodec;
pub(super) use self::frame::CHECKSUM_BYTES;
pub(super) use self::numbers::{Cut, Numbers, pad};
pub(crate) use self::steps::{Step, Steps};

/// How chunks are compressed. A crc32c checksum follows whatever is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Codec {
    /// blosc: bitshuffle in blocks of 512 KiB, zstd level 1. Smallest on real BOLD.
    #[default]
    BloscZstd,
    /// blosc: bitshuffle, lz4 level 5. Fastest to decode.
    BloscLz4,
    /// Plain zstd, level 1.
    Zstd,
    /// Not at all.
    Raw,
}

/// How a codec's bytes are framed, and with what settings they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The numbers as they are.
    None,
    Zstd {
        level: u8,
    },
    /// Bit-shuffled, then compressed by `inner`, in blocks of `block_bytes`; 0 leaves their size to blosc.
    Blosc {
        inner: BloscInner,
        level: u8,
        block_bytes: u32,
    },
}

/// What compresses inside a blosc frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BloscInner {
    Zstd,
    Lz4,
}

impl BloscInner {
    /// As blosc spells it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        }
    }
}

/// Blocks in which volumes meet, so that zstd finds in one what it saw in another. blosc's own choice is
/// 32 KiB. Sizes and rates of others: `docs/decisions/0017`.
const ZSTD_BLOCK_BYTES: u32 = 512 << 10;

const fn blosc(inner: BloscInner, level: u8, block_bytes: u32) -> Frame {
    Frame::Blosc { inner, level, block_bytes }
}

impl Codec {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::BloscZstd, Self::BloscLz4, Self::Zstd, Self::Raw];

    /// What [`ingest`](super::ingest) chooses from: the first is small on what scanners write, the second
    /// on runs that were masked. On real runs one of the two is always smaller than gzip.
    pub const CANDIDATES: [Self; 2] = [Self::BloscZstd, Self::Zstd];

    /// All that is to be said of a codec, a row each.
    const fn row(self) -> (&'static str, Frame) {
        match self {
            Self::BloscZstd => ("blosc-zstd", blosc(BloscInner::Zstd, 1, ZSTD_BLOCK_BYTES)),
            Self::BloscLz4 => ("blosc-lz4", blosc(BloscInner::Lz4, 5, 0)),
            Self::Zstd => ("zstd", Frame::Zstd { level: 1 }),
            Self::Raw => ("none", Frame::None),
        }
    }

    /// `blosc-zstd`, `blosc-lz4`, `zstd` or `none`.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The codec of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }

    pub(super) const fn frame(self) -> Frame {
        self.row().1
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Codec;

    #[test]
    fn names_are_read_back() {
        for codec in Codec::ALL {
            assert_eq!(Codec::from_name(&codec.to_string()), Some(codec));
        }
        assert_eq!(Codec::from_name("lzma"), None);
    }
}
