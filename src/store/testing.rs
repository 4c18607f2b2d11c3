//! Runs made up for the tests of this module.

use std::path::Path;
use std::sync::Arc;

use crate::dtype::DType;
use crate::grid::{Region, copy_overlap};
use crate::run::{Geometry, HeaderFacts, Origin, Run, RunInfo, Scaling, Timing, Warning};
use crate::runtime::Session;
use crate::source::{Access, Source, SourceError, Stream, StreamEnd, StreamOptions};
use crate::store::{Store, Verified};

pub(super) fn origin(file_name: &str) -> Origin {
    Origin {
        file_name: file_name.to_owned(),
        image_name: None,
        bids_folder: None,
        file_bytes: 1234,
        modified: Some("2024-01-02T03:04:05Z".to_owned()),
        sha256: None,
        format: "nifti1",
        big_endian: false,
        gzip: true,
        dim: [4, 2, 3, 4, 5, 1, 1, 1],
        datatype: 4,
    }
}

pub(super) fn info(file_name: &str) -> RunInfo {
    let affine = [
        [-3.0, 0.0, 0.0, 90.0],
        [0.0, 3.0, 0.0, -126.0],
        [0.0, 0.0, 3.5, f64::from(0.1_f32)],
        [0.0, 0.0, 0.0, 1.0],
    ];
    let sidecar = serde_json::json!({"RepetitionTime": 2.1, "SliceTiming": [0.0, 1e-17, 0.3]});
    RunInfo {
        geometry: Geometry {
            affine,
            affine_source: "sform",
            qform_code: 1,
            sform_code: 2,
            zooms_mm: [3.0, 3.0, 3.5],
        },
        timing: Timing {
            tr_seconds: Some(2.1),
            tr_source: "sidecar",
            start_seconds: 0.5,
            echo_time_seconds: Some(0.03),
            header_pixdim4: f64::INFINITY,
            header_time_unit: "second",
        },
        scaling: Scaling {
            slope: f64::from(0.1_f32),
            inter: -0.0,
            header_slope: f64::from(0.1_f32),
            header_inter: 0.0,
        },
        header: (0..352_u32).map(|i| (i * 7 % 256) as u8).collect(),
        origin: origin(file_name),
        sidecar: sidecar.as_object().cloned().unwrap_or_default(),
        sidecar_files: vec!["bold.json".into(), "sub-1/func/sub-1_bold.json".into()],
        warnings: vec![Warning { code: "N75".into(), message: "pixdim[4] is inf".into() }],
    }
}

/// A run held in memory, with faults on request.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    pub(super) name: String,
    pub(super) shape: Vec<u64>,
    pub(super) dtype: DType,
    pub(super) data: Vec<u8>,
    pub(super) access: Access,
    pub(super) sha256: Option<String>,
    /// The stream fails when it comes to this byte.
    pub(super) fails_at: Option<u64>,
    /// The stream's last check fails.
    pub(super) bad_checksum: bool,
}

impl Memory {
    pub(super) fn new(name: &str, shape: [u64; 4], dtype: DType) -> Self {
        let bytes = shape.iter().product::<u64>() as usize * dtype.size();
        let mut state = bytes as u64 ^ 0x9E37_79B9;
        let data = (0..bytes)
            .map(|i| {
                state =
                    state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(name.len() as u64);
                let byte = if i % 2 == 0 { (state >> 56) as u8 } else { (i % 5) as u8 };
                if dtype == DType::Bool { byte & 1 } else { byte }
            })
            .collect();
        Self {
            name: name.to_owned(),
            shape: shape.to_vec(),
            dtype,
            data,
            access: Access::Sequential,
            sha256: Some("ab".repeat(32)),
            fails_at: None,
            bad_checksum: false,
        }
    }

    pub(super) fn run(self) -> Run {
        let info = info(&self.name);
        self.run_with(info)
    }

    pub(super) fn run_with(self, info: RunInfo) -> Run {
        Run::new(Arc::new(self), info)
    }
}

impl Source for Memory {
    fn name(&self) -> &str {
        &self.name
    }
    fn shape(&self) -> &[u64] {
        &self.shape
    }
    fn dtype(&self) -> DType {
        self.dtype
    }
    fn access(&self) -> Access {
        self.access
    }
    fn block_shape(&self) -> &[u64] {
        &self.shape
    }
    fn scratch_bytes(&self) -> u64 {
        1000
    }
    fn stored_bytes(&self) -> u64 {
        self.data.len() as u64
    }
    fn transport(&self) -> &'static str {
        "memory"
    }
    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        let whole = Region::whole(&self.shape);
        copy_overlap(&self.data, &whole, out, region, self.dtype.size());
        Ok(())
    }
    fn stream(&self, options: StreamOptions) -> Result<Box<dyn Stream + '_>, SourceError> {
        Ok(Box::new(MemoryStream { source: self, at: 0, options }))
    }
}

struct MemoryStream<'a> {
    source: &'a Memory,
    at: u64,
    options: StreamOptions,
}

impl Stream for MemoryStream<'_> {
    fn read_next(&mut self, out: &mut [u8]) -> Result<(), SourceError> {
        let end = self.at + out.len() as u64;
        if self.source.fails_at.is_some_and(|at| end > at) {
            return Err(SourceError::new(&self.source.name, format!("byte {end}"), "bad deflate"));
        }
        out.copy_from_slice(&self.source.data[self.at as usize..end as usize]);
        self.at = end;
        Ok(())
    }
    fn skip(&mut self, bytes: u64) -> Result<(), SourceError> {
        self.at += bytes;
        Ok(())
    }
    fn finish(self: Box<Self>) -> Result<StreamEnd, SourceError> {
        if self.source.bad_checksum {
            return Err(SourceError::new(&self.source.name, "trailer", "CRC does not match"));
        }
        let sha256 = self.source.sha256.clone().filter(|_| self.options.sha256);
        Ok(StreamEnd { sha256, gzip_members: 1, ..StreamEnd::default() })
    }
}

pub(super) fn session(threads: usize, memory: &str) -> Session {
    Session::builder().threads(threads).memory(memory).build().unwrap()
}

/// Every file below a folder with its bytes, by relative path.
pub(super) fn tree(root: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    walkdir::WalkDir::new(root)
        .into_iter()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            (path, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// What `verify` finds of a run whose header is no NIfTI header: what is told of it must agree with itself.
pub(super) fn verified(store: &Store, name: &str) -> Verified {
    let run = store.run(name).unwrap();
    let shape = run.shape().try_into().unwrap();
    let facts =
        |info: &RunInfo| Ok(HeaderFacts { shape, dtype: run.source().dtype(), info: info.clone() });
    store.verify_by(name, true, &session(1, "64MiB"), facts).unwrap()
}

/// Bytes that no codec makes smaller.
pub(super) fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..bytes).map(next).collect()
}
