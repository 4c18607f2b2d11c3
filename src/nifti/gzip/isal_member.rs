//! What is a gzip member when ISA-L inflates it?
//!
//! A header that `flate2` understands, deflate data, and a trailer that holds their checksum and length. [`Member`] is used
//! as `flate2::bufread::GzDecoder` is, so that either can stand in `members`.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use super::isal::Inflater;
use super::window::Window;

/// One member; it reads no further than its own end.
pub(super) struct Member<'a> {
    window: Window<'a>,
    inflater: Inflater,
    /// Inflated bytes, counted as the trailer counts them.
    len: u32,
    next: Next,
}

/// What the next read does.
enum Next {
    Inflate,
    /// Says what is wrong with the header.
    Refuse(io::Error),
    /// Nothing: the member was read and checked.
    End,
    /// Nothing: it is damaged.
    Failed,
}

impl<'a> Member<'a> {
    /// Reads the header; what is wrong with it is said by the first read.
    pub(super) fn new(window: Window<'a>) -> Self {
        let mut header = GzDecoder::new(window);
        let next = if header.header().is_some() {
            Next::Inflate
        } else {
            let error = header.read(&mut [0]).err();
            Next::Refuse(error.unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()))
        };
        Self { window: header.into_inner(), inflater: Inflater::new(), len: 0, next }
    }

    pub(super) fn get_ref(&self) -> &Window<'a> {
        &self.window
    }

    pub(super) fn get_mut(&mut self) -> &mut Window<'a> {
        &mut self.window
    }

    /// The window, behind the last byte of the member once everything was read.
    pub(super) fn into_inner(self) -> Window<'a> {
        self.window
    }

    /// Inflates some of the data; 0 at their end.
    fn inflate(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.inflater.has_ended() {
            let ready = self.window.fill_buf()?;
            let is_last = ready.is_empty();
            let step = self.inflater.inflate(ready, out).ok_or_else(damaged)?;
            self.window.consume(step.taken);
            self.len = self.len.wrapping_add(step.given as u32);
            if step.given > 0 {
                return Ok(step.given);
            }
            if step.taken == 0 && !self.inflater.has_ended() {
                return Err(if is_last { io::ErrorKind::UnexpectedEof.into() } else { damaged() });
            }
        }
        Ok(0)
    }

    /// Reads the trailer, of which the inflater may have taken the front, or all.
    fn check_trailer(&mut self) -> io::Result<()> {
        let (mut trailer, taken) = self.inflater.taken_beyond();
        self.window.read_exact(&mut trailer[taken..])?;
        let expected = u64::from(self.inflater.crc()) | u64::from(self.len) << 32;
        if u64::from_le_bytes(trailer) == expected {
            return Ok(());
        }
        Err(invalid("the checksum or the length of a gzip member does not hold"))
    }
}

impl Read for Member<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        // Whatever goes wrong is for good: the inflater must not be used further.
        match std::mem::replace(&mut self.next, Next::Failed) {
            Next::Inflate => {
                let given = self.inflate(out)?;
                self.next = if given > 0 {
                    Next::Inflate
                } else {
                    self.check_trailer()?;
                    Next::End
                };
                Ok(given)
            }
            Next::End => {
                self.next = Next::End;
                Ok(0)
            }
            Next::Refuse(error) => Err(error),
            Next::Failed => Err(damaged()),
        }
    }
}

fn damaged() -> io::Error {
    invalid("the deflate data are damaged")
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read, Write};

    use flate2::bufread::GzDecoder;
    use flate2::{Compression, GzBuilder};

    use super::Member;
    use crate::nifti::Io;
    use crate::nifti::file_bytes::FileBytes;
    use crate::nifti::gzip::window::Window;
    use crate::nifti::testing::Folder;

    /// Voxels of a kind, the same every time: noise, runs of zeros, repeats from far away.
    fn voxels(len: u32) -> Vec<u8> {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let mut bytes: Vec<u8> = (0..len)
            .map(|at| if at % 3000 < 900 { 0 } else { noise() % if at % 2 == 0 { 255 } else { 4 } })
            .collect();
        if bytes.len() > 70_000 {
            bytes.copy_within(1000..8000, 33_000);
        }
        bytes
    }

    fn member(bytes: &[u8], level: u32) -> Vec<u8> {
        let builder = GzBuilder::new().filename("x.nii").comment("made").extra(vec![7; 30]);
        let mut encoder = builder.write(Vec::new(), Compression::new(level));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// How a member ended: with all its bytes and where in the file, or with what kind of error.
    type Outcome = Result<(Vec<u8>, u64), io::ErrorKind>;

    fn all_of(decoder: &mut impl Read, piece: usize) -> Result<Vec<u8>, io::ErrorKind> {
        let (mut all, mut out) = (Vec::new(), vec![0; piece]);
        loop {
            match decoder.read(&mut out).map_err(|error| error.kind())? {
                0 => return Ok(all),
                given => all.extend(&out[..given]),
            }
        }
    }

    /// By ISA-L and by the twin.
    fn both(file: &FileBytes, window: usize, piece: usize) -> [Outcome; 2] {
        let mut ours = Member::new(Window::new(file, window, None));
        let mut twin = GzDecoder::new(Window::new(file, window, None));
        let (first, second) = (all_of(&mut ours, piece), all_of(&mut twin, piece));
        [
            first.map(|all| (all, ours.get_ref().position())),
            second.map(|all| (all, twin.get_ref().position())),
        ]
    }

    fn open(folder: &Folder, bytes: &[u8]) -> FileBytes {
        FileBytes::open(&folder.write("x.gz", bytes), Io::Read).unwrap()
    }

    #[test]
    fn a_member_ends_at_its_last_byte_whatever_the_pieces() {
        let folder = Folder::new();
        for (len, level) in [(0, 6), (1, 6), (300, 1), (200_000, 0), (200_000, 1), (200_000, 9)] {
            let (bytes, behind) = (voxels(len), b"next member");
            let packed = member(&bytes, level);
            let file = open(&folder, &[&packed[..], behind].concat());
            for window in [1, 2, 7, 8, 9, 1000, 128 << 10] {
                for piece in [1, 5, 32 << 10, 70_000, 1 << 20] {
                    let [ours, twin] = both(&file, window, piece);
                    let (all, position) = ours.unwrap();
                    assert!(all == bytes, "{len} bytes, level {level}, {window} to {piece}");
                    assert_eq!(position, packed.len() as u64);
                    assert!(twin.is_ok());
                }
            }
        }
    }

    #[test]
    fn a_member_that_is_cut_short_is_told_from_a_damaged_one_as_the_twin_tells_it() {
        let folder = Folder::new();
        for level in [0, 1, 6] {
            let packed = member(&voxels(600), level);
            for len in 1..packed.len() {
                for window in [3, 4096] {
                    let [ours, twin] = both(&open(&folder, &packed[..len]), window, 4096);
                    assert_eq!(
                        ours,
                        Err(io::ErrorKind::UnexpectedEof),
                        "{len} of {}",
                        packed.len()
                    );
                    assert_eq!(twin, ours);
                }
            }
        }
    }

    #[test]
    fn every_flipped_bit_ends_as_with_the_twin() {
        let folder = Folder::new();
        for level in [0, 1, 6] {
            let packed = member(&voxels(300), level);
            for bit in 0..packed.len() * 8 {
                let mut damaged = packed.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                for window in [3, 13, 4096] {
                    let [ours, twin] = both(&open(&folder, &damaged), window, 4096);
                    assert_eq!(ours.is_ok(), twin.is_ok(), "level {level}, bit {bit}");
                    if ours.is_ok() {
                        assert_eq!(ours, twin, "level {level}, bit {bit}");
                    }
                }
            }
        }
    }

    #[test]
    fn bytes_before_the_damage_are_given() {
        let folder = Folder::new();
        let bytes = voxels(300_000);
        let mut packed = member(&bytes, 6);
        let middle = packed.len() / 2;
        packed[middle..].fill(0xff);
        let file = open(&folder, &packed);
        let mut decoder = Member::new(Window::new(&file, 4096, None));
        let mut front = vec![0; 100_000];
        decoder.read_exact(&mut front).unwrap();
        assert!(front == bytes[..100_000]);
        assert!(all_of(&mut decoder, 1000).is_err());
        assert!(decoder.read(&mut front).is_err());
    }
}
