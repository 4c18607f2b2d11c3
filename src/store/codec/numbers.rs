//! Where do a chunk's numbers lie before it is encoded?
//!
//! In one stretch; or as runs in a larger box, out of which they are put together piece by piece. Knows no codec.

use crate::grid::{Run, SharedRuns};

/// The numbers of a chunk in native byte order, to be taken from front to back.
#[derive(Clone, Debug)]
pub(in crate::store) enum Numbers<'a> {
    Whole(&'a [u8]),
    Cut(Cut<'a>),
}

/// A chunk in the box that it is cut out of.
#[derive(Clone, Debug)]
pub(in crate::store) struct Cut<'a> {
    from: &'a [u8],
    item_bytes: usize,
    runs: SharedRuns,
    /// What is left of the run that was taken last.
    begun: Option<Run>,
    /// One number, where some of the chunk are in no run: they are this.
    fill: Option<&'a [u8]>,
    /// Bytes of the chunk, and how many of them were taken.
    bytes: usize,
    at: usize,
}

/// Makes every number of `bytes` this one.
pub(in crate::store) fn pad(bytes: &mut [u8], fill: &[u8]) {
    bytes.chunks_exact_mut(fill.len()).for_each(|number| number.copy_from_slice(fill));
}

impl<'a> Cut<'a> {
    /// A chunk of so many bytes, of which the bytes of a box hold these runs.
    pub(in crate::store) const fn new(
        from: &'a [u8],
        runs: SharedRuns,
        item_bytes: usize,
        fill: Option<&'a [u8]>,
        bytes: usize,
    ) -> Self {
        Self { from, item_bytes, runs, begun: None, fill, bytes, at: 0 }
    }

    /// Makes `out`, which is whole numbers, those that come next.
    fn take(&mut self, out: &mut [u8]) {
        if let Some(fill) = self.fill {
            pad(out, fill);
        }
        let item = self.item_bytes as u64;
        let (first, end) = (self.at as u64 / item, (self.at + out.len()) as u64 / item);
        while let Some(run) = self.begun.take().or_else(|| self.runs.next()) {
            if run.to >= end {
                self.begun = Some(run);
                break;
            }
            let len = run.len.min(end - run.to);
            let [from, to, bytes] = [run.from, run.to - first, len].map(|n| (n * item) as usize);
            out[to..to + bytes].copy_from_slice(&self.from[from..from + bytes]);
            if len < run.len {
                let (from, to, len) = (run.from + len, run.to + len, run.len - len);
                self.begun = Some(Run { from, to, len });
                break;
            }
        }
        self.at += out.len();
    }
}

impl<'a> Numbers<'a> {
    /// Bytes that were not taken yet.
    pub(super) const fn left(&self) -> usize {
        match self {
            Self::Whole(rest) => rest.len(),
            Self::Cut(cut) => cut.bytes - cut.at,
        }
    }

    /// Room that [`take`](Self::take) wants for so many bytes.
    pub(super) const fn room_bytes(&self, bytes: usize) -> usize {
        match self {
            Self::Whole(_) => 0,
            Self::Cut(_) => bytes,
        }
    }

    /// The next so many bytes, which are whole numbers: where they lie, or put together in `room`.
    pub(super) fn take<'r>(&mut self, bytes: usize, room: &'r mut [u8]) -> &'r [u8]
    where
        'a: 'r,
    {
        match self {
            Self::Whole(rest) => {
                let (taken, behind) = rest.split_at(bytes);
                *rest = behind;
                taken
            }
            Self::Cut(cut) => {
                let taken = &mut room[..bytes];
                cut.take(taken);
                taken
            }
        }
    }

    /// Makes `out` all that is left, which is as long.
    pub(super) fn copy_to(mut self, out: &mut [u8]) {
        match &mut self {
            Self::Whole(rest) => out.copy_from_slice(rest),
            Self::Cut(cut) => cut.take(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cut, Numbers};
    use crate::grid::{Region, SharedRuns, copy_overlap};

    #[test]
    fn pieces_of_any_length_are_those_of_the_chunk_cut_at_once() {
        let region = Region::new(vec![0, 2, 4], vec![5, 6, 3]);
        let from: Vec<u8> = (0..region.len() * 2).map(|i| i as u8).collect();
        let fill = [250, 251];
        // Inside the box, and beyond an end of it where there is padding.
        for (start, shape, padded) in [
            ([0, 2, 4], [5, 6, 3], false),
            ([1, 3, 5], [3, 2, 1], false),
            ([0, 4, 4], [5, 2, 3], false),
            ([2, 6, 5], [4, 4, 4], true),
        ] {
            let chunk = Region::new(start.to_vec(), shape.to_vec());
            let bytes = chunk.len() as usize * 2;
            let mut want: Vec<u8> = fill.into_iter().cycle().take(bytes).collect();
            copy_overlap(&from, &region, &mut want, &chunk, 2);
            let runs = SharedRuns::of(&region, &chunk).unwrap();
            let cut = Cut::new(&from, runs, 2, padded.then_some(&fill), bytes);
            for piece in [2, 4, 6, 14, bytes] {
                for numbers in [Numbers::Whole(&want), Numbers::Cut(cut.clone())] {
                    let (mut left, mut found) = (numbers.clone(), Vec::new());
                    let mut room = vec![9; numbers.room_bytes(piece)];
                    while left.left() > 0 {
                        found.extend_from_slice(left.take(piece.min(left.left()), &mut room));
                    }
                    assert_eq!(found, want, "{chunk:?} by {piece}");
                    let mut whole = vec![9; bytes];
                    numbers.copy_to(&mut whole);
                    assert_eq!(whole, want);
                }
            }
        }
    }
}
