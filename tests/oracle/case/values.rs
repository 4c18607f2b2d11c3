//! Sources and their twins: the numbers they hold, and the kinds they are made as.

use std::sync::Arc;

use ndarray::{Array, IxDyn, ShapeBuilder};
use voxstore::{
    DType, Element, Geometry, LazyArray, Origin, Run, RunInfo, Scaling, Timing, from_ndarray,
};

use super::dice::Dice;
use super::element::{integer, with_type};
use crate::sources::TestSource;
use crate::strategies::{Case, SourceSpec, Style};
use crate::twin::{Near, Twin};

/// What a source is made as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Memory,
    Blocked,
    OtherBlocks,
    Sequential,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] =
        [Self::Memory, Self::Blocked, Self::OtherBlocks, Self::Sequential];

    /// The kind a case that mixes them gives this source.
    pub(crate) fn mixed(case: &Case, source: &SourceSpec) -> Self {
        Self::ALL[usize::from(source.kind) % if case.backwards { 3 } else { 4 }]
    }
}

fn value<T: Element>(dice: &mut Dice, style: Style) -> T {
    match (T::DTYPE.int_range(), style) {
        _ if T::DTYPE == DType::Bool => T::from_i64(dice.below(2) as i64),
        (Some((low, high)), Style::Edges) => match dice.below(4) {
            0 => T::from_i64(low as i64),
            1 => T::from_i64(high as i64),
            _ => T::from_i64(dice.next().cast_signed()),
        },
        (Some((_, high)), Style::Offset) => T::from_i64((high - 10 + dice.below(3) as i128) as i64),
        (Some((low, _)), _) => T::from_i64(dice.below(100) as i64 - if low < 0 { 40 } else { 0 }),
        (None, Style::Edges) => {
            let digits = dice.below(1 << 50) as f64 / 2_f64.powi(50) - 0.5;
            match dice.below(6) {
                0 => T::from_f64(0.0),
                1 => T::from_f64(-0.0),
                _ => T::from_f64(digits * 10_f64.powi(dice.below(31) as i32 - 15)),
            }
        }
        (None, Style::Offset) => T::from_f64(1e9 + dice.below(1000) as f64 / 1024.0),
        (None, Style::NonFinite) => match dice.below(12) {
            0 => T::from_f64(f64::NAN),
            1 => T::from_f64(f64::INFINITY),
            2 => T::from_f64(f64::NEG_INFINITY),
            _ => T::from_f64(dice.below(100) as f64),
        },
        (None, _) => T::from_f64(dice.below(1000) as f64 / 7.0 - 60.0),
    }
}

impl SourceSpec {
    fn values<T: Element>(&self) -> Vec<T> {
        let mut dice = Dice(self.seed);
        let count = self.shape.iter().product::<u64>();
        let first = value::<T>(&mut dice, Style::Edges);
        let constant = self.style == Style::Constant;
        (0..count).map(|_| if constant { first } else { value(&mut dice, self.style) }).collect()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        with_type!(self.dtype, T => {
            self.values::<T>().iter().flat_map(|v| bytemuck::bytes_of(v).to_vec()).collect()
        })
    }

    /// The stored numbers as they are.
    pub(crate) fn stored(&self) -> Twin {
        let shape = self.shape.iter().map(|&n| n as usize).collect();
        with_type!(self.dtype, T => {
            let values = self.values::<T>();
            if self.dtype.is_float() {
                let cells = values.iter().map(|v| Near::exact(v.to_f64())).collect();
                Twin::near(shape, self.dtype, cells)
            } else {
                Twin::ints(shape, self.dtype, values.iter().map(|v| integer(*v)).collect())
            }
        })
    }

    pub(super) fn twin(&self) -> Twin {
        let stored = self.stored();
        self.scaling.map_or(stored.clone(), |(slope, inter)| match (slope, inter) {
            (1.0, 0.0) => stored,
            _ => stored.rescale(slope, inter),
        })
    }

    pub(crate) fn source(&self, kind: Kind) -> TestSource {
        let block = if kind == Kind::OtherBlocks { &self.other_block } else { &self.block };
        let source = TestSource::new(&self.shape, self.dtype, block, self.bytes());
        if kind == Kind::Sequential { source.sequential() } else { source }
    }

    /// The array of true values.
    pub(crate) fn lazy(&self, kind: Kind) -> LazyArray {
        match (kind, self.scaling) {
            (Kind::Memory, None) => {
                let dims: Vec<usize> = self.shape.iter().map(|&n| n as usize).collect();
                with_type!(self.dtype, T => {
                    from_ndarray(Array::from_shape_vec(IxDyn(&dims).f(), self.values::<T>()).unwrap())
                })
            }
            (kind, None) => LazyArray::from_source(Arc::new(self.source(kind))),
            (kind, Some((slope, inter))) => run_of(self.source(kind), slope, inter).lazy(),
        }
    }
}

/// A run with this slope and intercept, and no other fact worth telling.
fn run_of(source: TestSource, slope: f64, inter: f64) -> Run {
    let mut affine = [[0.0; 4]; 4];
    (0..4).for_each(|i| affine[i][i] = 1.0);
    let info = RunInfo {
        geometry: Geometry {
            affine,
            affine_source: "pixdim",
            qform_code: 0,
            sform_code: 0,
            zooms_mm: [1.0; 3],
        },
        timing: Timing {
            tr_seconds: None,
            tr_source: "unknown",
            start_seconds: 0.0,
            echo_time_seconds: None,
            header_pixdim4: 0.0,
            header_time_unit: "unknown",
        },
        scaling: Scaling { slope, inter, header_slope: slope, header_inter: inter },
        header: Vec::new().into(),
        origin: Origin {
            file_name: "test".to_owned(),
            image_name: None,
            bids_folder: None,
            file_bytes: 0,
            modified: None,
            sha256: None,
            format: "nifti1",
            big_endian: false,
            gzip: false,
            dim: [0; 8],
            datatype: 0,
        },
        sidecar: serde_json::Map::new(),
        sidecar_files: Vec::new(),
        warnings: Vec::new(),
    };
    Run::new(Arc::new(source), info)
}
