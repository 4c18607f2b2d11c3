//! How may chunks be compressed?
//!
//! [`Codec`] is the list: a name, a kind of frame and its settings, a row each. Compresses nothing itself:
//! `chunk` does, and `frame` says what a compressed chunk may claim.

mod chunk;
mod frame;

use std::fmt;
use std::str::FromStr;

pub(super) use self::chunk::{ChunkCodec, fill_bytes};
pub(super) use self::frame::CHECKSUM_BYTES;

/// How chunks are compressed. A crc32c checksum follows whatever is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Codec {
    /// blosc: bitshuffle, zstd level 1. Smallest on real BOLD.
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
    /// Bit-shuffled, then compressed by `inner` in blocks.
    Blosc {
        inner: BloscInner,
        level: u8,
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

impl Codec {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::BloscZstd, Self::BloscLz4, Self::Zstd, Self::Raw];

    /// All that is to be said of a codec, a row each.
    const fn row(self) -> (&'static str, Frame) {
        match self {
            Self::BloscZstd => ("blosc-zstd", Frame::Blosc { inner: BloscInner::Zstd, level: 1 }),
            Self::BloscLz4 => ("blosc-lz4", Frame::Blosc { inner: BloscInner::Lz4, level: 5 }),
            Self::Zstd => ("zstd", Frame::Zstd { level: 1 }),
            Self::Raw => ("none", Frame::None),
        }
    }

    /// `blosc-zstd`, `blosc-lz4`, `zstd` or `none`.
    pub const fn name(self) -> &'static str {
        self.row().0
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

impl FromStr for Codec {
    type Err = UnknownCodec;

    fn from_str(name: &str) -> Result<Self, UnknownCodec> {
        let found = Self::ALL.into_iter().find(|codec| codec.name() == name);
        found.ok_or_else(|| UnknownCodec(name.to_owned()))
    }
}

/// Not the name of a [`Codec`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a codec; choose one of {names}", names = Codec::ALL.map(Codec::name).join(", "))]
pub struct UnknownCodec(pub String);

#[cfg(test)]
mod tests {
    use super::Codec;

    #[test]
    fn names_are_read_back() {
        for codec in Codec::ALL {
            assert_eq!(codec.to_string().parse(), Ok(codec));
        }
        assert!("lzma".parse::<Codec>().is_err());
    }
}
