//! Maps that do not fit in memory together: on disk, while medians are taken of one at a time.
//!
//! What is kept of voxels in memory is the one list that a median is selected from, or the map that is
//! made at the end.

use ndarray::{Array3, ArrayViewD};

use super::super::middle::median_of;
use super::arrays::Asked;
use super::medians::{Counts, Figure, Rules, Voxel, map_of};
use super::result::TsnrParts;
use crate::dtype::DType;
use crate::exec::ExecError;
use crate::grid::{Region, saturating_count};
use crate::runtime::{FIXED_BYTES, Lease, Session};
use crate::sink::SinkError;
use crate::source::{RegionStream, SourceError, Stream};
use crate::spill::Spill;

/// Voxels of each map that are looked at together.
const STRETCH: usize = 64 << 10;

/// Maps of float64, one after the other.
pub(super) struct Spilled {
    /// Of (x, y, z, map).
    maps: Spill,
    shape: Vec<u64>,
    /// Whether mean and standard deviation are given back.
    parts: bool,
}

impl Spilled {
    /// What is held in memory while medians are taken: one value a voxel, or three where mean and standard
    /// deviation are given back as well, and stretches of four maps.
    pub(super) fn room_bytes(shape: &[u64], parts: bool) -> u64 {
        let voxel_bytes = if parts { 3 * 8 } else { 8 };
        saturating_count(shape).saturating_mul(voxel_bytes).saturating_add(4 * 8 * STRETCH as u64)
    }

    /// The most memory of the process then.
    pub(super) fn room_projected_bytes(shape: &[u64], parts: bool) -> u64 {
        FIXED_BYTES.saturating_add(Self::room_bytes(shape, parts))
    }

    pub(super) fn projected_bytes(&self) -> u64 {
        Self::room_projected_bytes(&self.shape, self.parts)
    }

    /// Room for so many maps in the session's folder for such things.
    pub(super) fn create(
        shape: &[u64],
        maps: usize,
        parts: bool,
        session: &Session,
    ) -> Result<Self, ExecError> {
        let all: Vec<u64> = shape.iter().copied().chain([maps as u64]).collect();
        let one: Vec<u64> = shape.iter().copied().chain([1]).collect();
        let maps = Spill::new("maps of the job", &all, DType::F64, &one);
        maps.open(session.scratch_dir())?;
        Ok(Self { maps, shape: shape.to_vec(), parts })
    }

    /// Keeps a box of a map.
    pub(super) fn keep(
        &self,
        map: usize,
        region: &Region,
        block: ArrayViewD<'_, f64>,
    ) -> Result<(), SinkError> {
        let place = |list: &[u64], last| list.iter().copied().chain([last]).collect();
        let region = Region::new(place(region.start(), map as u64), place(region.shape(), 1));
        let values = block.as_slice_memory_order().unwrap_or_default();
        self.maps.put(&region, bytemuck::cast_slice(values))
    }

    /// All maps are there: takes room for medians, and finds out which voxels count.
    pub(super) fn settle(
        self,
        mask: Option<usize>,
        rules: Rules,
        session: &Session,
    ) -> Result<Settled, ExecError> {
        let lease = session.budget().lease("medians", Self::room_bytes(&self.shape, self.parts))?;
        let voxels = saturating_count(&self.shape) as usize;
        let mut settled = Settled {
            maps: self.maps,
            voxels,
            shape: self.shape,
            mask,
            rules,
            counts: Counts::default(),
            room: Vec::with_capacity(voxels),
            _lease: lease,
        };
        let mut largest = f64::NAN;
        settled.walk(None, |voxel| largest = rules.larger_mean(voxel, largest))?;
        let (rules, mut counts) = (rules.above(largest), Counts::default());
        settled.walk(None, |voxel| counts.add(voxel, &rules))?;
        (settled.rules, settled.counts) = (rules, counts);
        Ok(settled)
    }
}

/// Maps on disk that are complete.
pub(super) struct Settled {
    maps: Spill,
    shape: Vec<u64>,
    voxels: usize,
    /// Which map says what is inside, if one does.
    mask: Option<usize>,
    rules: Rules,
    counts: Counts,
    /// One value a voxel: allocated once, since an allocator may keep what it gets back.
    room: Vec<f64>,
    _lease: Lease,
}

impl Settled {
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Median over the voxels that count of a figure of each.
    pub(super) fn median(&mut self, figure: Figure, map: Option<usize>) -> Result<f64, ExecError> {
        let (rules, mut values) = (self.rules, self.emptied_room());
        self.walk(map, |voxel| {
            if rules.counts(voxel) {
                values.push(rules.figure(figure, voxel));
            }
        })?;
        let median = median_of(&mut values);
        self.room = values;
        Ok(median)
    }

    /// Mean and standard deviation, in memory of their own.
    pub(super) fn parts(&self) -> Result<TsnrParts, ExecError> {
        let made = |figure| {
            let mut values = Vec::with_capacity(self.voxels);
            self.walk(None, |voxel| values.push(self.rules.in_map(figure, voxel)))?;
            let shape: Vec<usize> = self.shape.iter().map(|&n| n as usize).collect();
            Ok::<_, SourceError>(map_of(values, &shape))
        };
        Ok(TsnrParts { mean: made(Figure::Mean)?, std: made(Figure::Std)? })
    }

    /// The map of a figure.
    pub(super) fn into_map(
        mut self,
        figure: Figure,
        map: Option<usize>,
    ) -> Result<Array3<f64>, ExecError> {
        let (rules, mut values) = (self.rules, self.emptied_room());
        self.walk(map, |voxel| values.push(rules.in_map(figure, voxel)))?;
        let shape: Vec<usize> = self.shape.iter().map(|&n| n as usize).collect();
        Ok(map_of(values, &shape))
    }

    fn emptied_room(&mut self) -> Vec<f64> {
        let mut room = std::mem::take(&mut self.room);
        room.clear();
        room
    }

    /// Every voxel in memory order, with its value of `map` where one is asked for.
    fn walk(&self, map: Option<usize>, mut see: impl FnMut(Voxel)) -> Result<(), SourceError> {
        let of_map = |map: usize| {
            let mut stream = RegionStream::new(&self.maps);
            stream.skip((map * self.voxels * 8) as u64).map(|()| stream)
        };
        let (mut mean, mut std) = (of_map(Asked::MEAN)?, of_map(Asked::STD)?);
        let mut mask = self.mask.map(of_map).transpose()?;
        let mut value = map.map(of_map).transpose()?;
        let most = STRETCH.min(self.voxels);
        let (mut means, mut stds) = (vec![0.0; most], vec![0.0; most]);
        let (mut masks, mut values) = (vec![1.0; most], vec![0.0; most]);
        for first in (0..self.voxels).step_by(STRETCH) {
            let len = STRETCH.min(self.voxels - first);
            mean.read_next(bytemuck::cast_slice_mut(&mut means[..len]))?;
            std.read_next(bytemuck::cast_slice_mut(&mut stds[..len]))?;
            if let Some(mask) = &mut mask {
                mask.read_next(bytemuck::cast_slice_mut(&mut masks[..len]))?;
            }
            if let Some(value) = &mut value {
                value.read_next(bytemuck::cast_slice_mut(&mut values[..len]))?;
            }
            for at in 0..len {
                let (mean, std, mask, value) = (means[at], stds[at], masks[at], values[at]);
                see(Voxel { mean, std, mask, value });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array, Array3, IxDyn, ShapeBuilder};

    use super::{Asked, Spilled};
    use crate::grid::Region;
    use crate::jobs::tsnr::medians::{Figure, Rules};
    use crate::jobs::tsnr::options::{Constant, TsnrOptions};
    use crate::runtime::Session;

    const SHAPE: [u64; 3] = [5, 4, 3];

    /// Maps in boxes of any cut: mean, std, and one more.
    fn spilled(boxes: &[Region], value: impl Fn(usize, usize) -> f64) -> Spilled {
        let spilled = Spilled::create(&SHAPE, 3, false, &Session::default()).unwrap();
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
            let options = TsnrOptions { constant: Constant::Nan, ..TsnrOptions::default() };
            let settle = || {
                spilled(&boxes, of).settle(None, Rules::of(&options), &Session::default()).unwrap()
            };
            let mut settled = settle();
            // A fifth of 49, the largest mean of a voxel that changes.
            assert_eq!((settled.counts().voxels, settled.counts().constant), (40, 10));
            assert_eq!(settled.median(Figure::Value, Some(Asked::WITHIN)).unwrap(), 70.5);
            assert_eq!(settled.median(Figure::Joined, None).unwrap(), 29.5);
            let map = settled.into_map(Figure::Joined, None).unwrap();
            let want = Array3::from_shape_fn((5, 4, 3), |(x, y, z)| (x + 5 * (y + 4 * z)) as f64);
            let same = |(got, want): (&f64, &f64)| got == want || (*want > 49.0 && got.is_nan());
            assert!(map.iter().zip(&want).all(same), "{map}");

            let settled = settle();
            let map = settled.into_map(Figure::Pooled, Some(Asked::WITHIN)).unwrap();
            assert_eq!(
                (map[[1, 0, 0]], map[[4, 3, 2]]),
                (1.0 / 99_f64.sqrt(), 59.0 / 41_f64.sqrt())
            );
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let session = Session::builder().scratch("/no/such/folder").build().unwrap();
        let error = Spilled::create(&SHAPE, 3, false, &session).err().unwrap();
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
    }
}
