//! Maps that do not fit in memory together: on disk, while medians are taken of one at a time.
//!
//! What is kept of voxels in memory is the one list that a median is selected from, or the map that is
//! made at the end. The file has no name and is gone with the process, however that ends.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ndarray::{Array3, ArrayViewD};

use super::asked::Asked;
use super::figures::{Counts, Voxel, map_of, median_of};
use super::{Constant, JobError};
use crate::exec::ExecError;
use crate::grid::{Region, saturating_count};
use crate::runtime::{FIXED_BYTES, Lease, Session};
use crate::sink::SinkError;

/// Voxels of each map that are looked at together.
const STRETCH: usize = 64 << 10;

/// Maps one after the other, each of as many float64 as there are voxels.
pub(super) struct Spilled {
    file: Mutex<File>,
    folder: PathBuf,
    shape: Vec<u64>,
}

impl Spilled {
    /// What is held in memory while medians are taken: one value a voxel, and stretches of three maps.
    pub(super) fn room_bytes(shape: &[u64]) -> u64 {
        saturating_count(shape).saturating_mul(8).saturating_add(3 * 8 * STRETCH as u64)
    }

    /// The most memory of the process then.
    pub(super) fn room_projected_bytes(shape: &[u64]) -> u64 {
        FIXED_BYTES.saturating_add(Self::room_bytes(shape))
    }

    pub(super) fn projected_bytes(&self) -> u64 {
        Self::room_projected_bytes(&self.shape)
    }

    /// An empty file in the session's folder for such things.
    pub(super) fn create(shape: &[u64], session: &Session) -> Result<Self, JobError> {
        let folder = session.scratch_dir().to_owned();
        let file = tempfile::tempfile_in(&folder).map_err(|e| JobError::scratch(&folder, e))?;
        Ok(Self { file: Mutex::new(file), folder, shape: shape.to_vec() })
    }

    /// Keeps a box of a map.
    pub(super) fn keep(
        &self,
        map: usize,
        region: &Region,
        block: ArrayViewD<'_, f64>,
    ) -> Result<(), SinkError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error: io::Error| {
            let place = format!("{} of map {map}", region.len());
            SinkError::new(self.folder.display().to_string(), place, error)
        };
        let values = block.as_slice_memory_order().ok_or_else(|| {
            failed(io::Error::other("a box whose elements do not follow each other"))
        })?;
        // Rows of x, as many together as follow each other in the map.
        let same = |axis: &usize| region.shape()[*axis] == self.shape[*axis];
        let whole = (0..self.shape.len()).take_while(same).count();
        let row = region.shape().iter().take(whole + 1).product::<u64>().max(1);
        for (index, run) in values.chunks(row as usize).enumerate() {
            let place = region.place(index as u64 * row);
            let (mut voxel, mut stride) = (0, 1);
            for (at, len) in place.iter().zip(&self.shape) {
                voxel += at * stride;
                stride *= len;
            }
            file.seek(place_of(map, voxel as usize, stride as usize)).map_err(failed)?;
            file.write_all(bytemuck::cast_slice(run)).map_err(failed)?;
        }
        Ok(())
    }

    /// All maps are there: takes room for medians, and finds out which voxels count.
    pub(super) fn settle(self, session: &Session) -> Result<Settled, JobError> {
        let room = Self::room_bytes(&self.shape);
        let lease = session.budget().lease("medians", room).map_err(ExecError::from)?;
        let voxels = saturating_count(&self.shape) as usize;
        let mut settled = Settled {
            file: self.file.into_inner().unwrap_or_else(PoisonError::into_inner),
            folder: self.folder,
            voxels,
            shape: self.shape,
            counts: Counts::default(),
            room: Vec::with_capacity(voxels),
            _lease: lease,
        };
        let mut largest = f64::NAN;
        settled.walk(None, |voxel| largest = voxel.larger_mean(largest))?;
        let mut counts = Counts::above(largest);
        settled.walk(None, |voxel| counts.add(voxel))?;
        settled.counts = counts;
        Ok(settled)
    }
}

/// Maps on disk that are complete.
pub(super) struct Settled {
    file: File,
    folder: PathBuf,
    shape: Vec<u64>,
    voxels: usize,
    counts: Counts,
    /// One value a voxel: allocated once, since an allocator may keep what it gets back.
    room: Vec<f64>,
    _lease: Lease,
}

impl Settled {
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Median over the voxels that count of what `figure` makes of each.
    pub(super) fn median(
        &mut self,
        map: usize,
        figure: impl Fn(Voxel) -> f64,
    ) -> Result<f64, JobError> {
        let (counts, mut values) = (self.counts, self.emptied_room());
        self.walk(Some(map), |voxel| {
            if counts.hold(voxel) {
                values.push(figure(voxel));
            }
        })?;
        let median = median_of(&mut values);
        self.room = values;
        Ok(median)
    }

    /// The map of tSNR.
    pub(super) fn into_map(mut self, constant: Constant) -> Result<Array3<f64>, JobError> {
        let mut values = self.emptied_room();
        self.walk(None, |voxel| values.push(voxel.tsnr(constant)))?;
        let shape: Vec<usize> = self.shape.iter().map(|&n| n as usize).collect();
        Ok(map_of(values, &shape))
    }

    fn emptied_room(&mut self) -> Vec<f64> {
        let mut room = std::mem::take(&mut self.room);
        room.clear();
        room
    }

    /// Every voxel in memory order, with its value of `map` where one is asked for.
    fn walk(&mut self, map: Option<usize>, mut see: impl FnMut(Voxel)) -> Result<(), JobError> {
        let most = STRETCH.min(self.voxels);
        let (mut mean, mut std, mut value) = (vec![0.0; most], vec![0.0; most], vec![0.0; most]);
        for first in (0..self.voxels).step_by(STRETCH) {
            let len = STRETCH.min(self.voxels - first);
            let wanted =
                [(Some(Asked::MEAN), &mut mean), (Some(Asked::STD), &mut std), (map, &mut value)];
            for (map, into) in wanted {
                if let Some(map) = map {
                    let read = self.read(map, first, &mut into[..len]);
                    read.map_err(|e| JobError::scratch(&self.folder, e))?;
                }
            }
            for ((&mean, &std), &value) in mean[..len].iter().zip(&std).zip(&value) {
                see(Voxel { mean, std, value });
            }
        }
        Ok(())
    }

    fn read(&mut self, map: usize, first: usize, values: &mut [f64]) -> io::Result<()> {
        self.file.seek(place_of(map, first, self.voxels))?;
        self.file.read_exact(bytemuck::cast_slice_mut(values))
    }
}

impl JobError {
    fn scratch(folder: &Path, error: io::Error) -> Self {
        Self::Scratch { folder: folder.to_owned(), error }
    }
}

fn place_of(map: usize, voxel: usize, voxels: usize) -> SeekFrom {
    SeekFrom::Start((map as u64 * voxels as u64 + voxel as u64) * 8)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array, Array3, IxDyn, ShapeBuilder};

    use super::{Asked, JobError, Spilled};
    use crate::grid::Region;
    use crate::jobs::tsnr::Constant;
    use crate::jobs::tsnr::figures::Voxel;
    use crate::runtime::Session;

    const SHAPE: [u64; 3] = [5, 4, 3];

    /// Maps in boxes of any cut: mean, std, and one more.
    fn spilled(boxes: &[Region], value: impl Fn(usize, usize) -> f64) -> Spilled {
        let spilled = Spilled::create(&SHAPE, &Session::default()).unwrap();
        for (map, of) in (0..3).flat_map(|map| boxes.iter().map(move |of| (map, of))) {
            let shape: Vec<usize> = of.shape().iter().map(|&n| n as usize).collect();
            let values = (0..of.len()).map(|at| {
                let place = of.place(at);
                value(map, (place[0] + 5 * (place[1] + 4 * place[2])) as usize)
            });
            let block = Array::from_shape_vec(IxDyn(&shape).f(), values.collect()).unwrap();
            spilled.keep(map, of, block.view()).unwrap();
        }
        spilled
    }

    #[test]
    fn boxes_of_any_cut_come_back_as_medians_and_a_map() {
        let cuts: [Vec<Region>; 4] = [
            vec![Region::whole(&SHAPE)],
            (0..3).map(|z| Region::new(vec![0, 0, z], vec![5, 4, 1])).collect(),
            (0..12).rev().map(|k| Region::new(vec![0, k % 4, k / 4], vec![5, 1, 1])).collect(),
            [(0, 2), (2, 3)].map(|(x, len)| Region::new(vec![x, 0, 0], vec![len, 4, 3])).into(),
        ];
        for boxes in cuts {
            // Means 0, 1, 2, ...; the last ten never change.
            let of = |map, voxel: usize| match map {
                Asked::MEAN => voxel as f64,
                Asked::STD => f64::from(voxel < 50),
                _ => 100.0 - voxel as f64,
            };
            let mut settled = spilled(&boxes, of).settle(&Session::default()).unwrap();
            // A fifth of 49, the largest mean of a voxel that changes.
            assert_eq!((settled.counts().voxels, settled.counts().constant), (40, 10));
            assert_eq!(settled.median(Asked::WITHIN, Voxel::of_run).unwrap(), 70.5);
            assert_eq!(settled.median(Asked::WITHIN, Voxel::joined).unwrap(), 29.5);
            let map = settled.into_map(Constant::Nan).unwrap();
            let want = Array3::from_shape_fn((5, 4, 3), |(x, y, z)| (x + 5 * (y + 4 * z)) as f64);
            let same = |(got, want): (&f64, &f64)| got == want || (*want > 49.0 && got.is_nan());
            assert!(map.iter().zip(&want).all(same), "{map}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let session = Session::builder().scratch("/no/such/folder").build().unwrap();
        let error = Spilled::create(&SHAPE, &session).err().unwrap();
        assert!(matches!(&error, JobError::Scratch { .. }));
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
    }
}
