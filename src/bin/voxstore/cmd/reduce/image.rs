//! Results with space, as NIfTI files.

use std::path::Path;

use anyhow::Result;
use voxstore::nifti::{NiftiOptions, NiftiSink};
use voxstore::{DType, Element, LazyArray, Region, Report, RunInfo, Session, Sink};

/// Where an image goes, where it lies, and what its header says.
pub(crate) struct Image<'a> {
    pub(crate) path: &'a Path,
    pub(crate) like: RunInfo,
    pub(crate) options: NiftiOptions,
}

impl Image<'_> {
    /// Computes the array, and writes it in its own type.
    ///
    /// An image is much smaller than the runs it is made of, so it is held: a gzip file that took it
    /// box by box would leave all reading to one thread.
    pub(crate) fn write(&self, array: &LazyArray, session: &Session) -> Result<Report> {
        match array.dtype() {
            DType::Bool => self.write_as::<bool>(array, session),
            DType::U8 => self.write_as::<u8>(array, session),
            DType::I8 => self.write_as::<i8>(array, session),
            DType::U16 => self.write_as::<u16>(array, session),
            DType::I16 => self.write_as::<i16>(array, session),
            DType::U32 => self.write_as::<u32>(array, session),
            DType::I32 => self.write_as::<i32>(array, session),
            DType::U64 => self.write_as::<u64>(array, session),
            DType::I64 => self.write_as::<i64>(array, session),
            DType::F32 => self.write_as::<f32>(array, session),
            DType::F64 => self.write_as::<f64>(array, session),
        }
    }

    fn write_as<T: Element>(&self, array: &LazyArray, session: &Session) -> Result<Report> {
        let (shape, like) = (array.shape(), Some(&self.like));
        // First, so that a file that cannot be written is known before anything is read.
        let sink = NiftiSink::create(self.path, shape, array.dtype(), like, &self.options)?;
        let computed = session.compute_all::<T>(&[array])?;
        for image in &computed.arrays {
            let voxels = image.as_slice_memory_order().unwrap_or_default();
            sink.put(&Region::whole(shape), bytemuck::cast_slice(voxels))?;
        }
        Box::new(sink).commit()?;
        Ok(computed.report)
    }
}
