//! How do computed arrays become files?
//!
//! Ties computing to the two formats: an array is computed box by box into a sink, in memory that does
//! not grow with it. Knows nothing of either format itself.

use std::path::Path;

use crate::error::Error;
use crate::exec::Report;
use crate::lazy::LazyArray;
use crate::nifti::{NiftiOptions, NiftiSink};
use crate::run::Run;
use crate::runtime::Session;
use crate::store::{ZarrOptions, ZarrSink};

impl LazyArray {
    /// Computes the array into a new Zarr v3 array at `path`, chunk by chunk, under the default
    /// session; see [`Session::write_zarr`].
    ///
    /// ```
    /// # use voxstore::{LazyArray, store};
    /// # let folder = tempfile::tempdir()?;
    /// let squares = voxstore::arange(0, 1000, 1).square();
    /// squares.write_zarr(folder.path().join("squares.zarr"))?;
    /// let back = LazyArray::from_source(store::open_array(folder.path().join("squares.zarr"))?);
    /// assert_eq!(back.max(..).compute::<i32>()?, ndarray::arr0(998_001).into_dyn());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Session::write_zarr`].
    pub fn write_zarr(&self, path: impl AsRef<Path>) -> Result<Report, Error> {
        Session::default().write_zarr(self, path, None, &ZarrOptions::default())
    }

    /// Computes the array into a new NIfTI file, `.nii` or `.nii.gz`, box by box, under the default
    /// session, on the grid of `like`; see [`Session::write_nifti`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// let phantom = voxstore::full(&[4, 4, 2, 10], 7_i16);
    /// phantom.write_nifti(folder.path().join("phantom.nii.gz"), None)?;
    /// let run = voxstore::nifti::open(folder.path().join("phantom.nii.gz"))?;
    /// assert_eq!(run.shape(), [4, 4, 2, 10]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Session::write_nifti`].
    pub fn write_nifti(&self, path: impl AsRef<Path>, like: Option<&Run>) -> Result<Report, Error> {
        Session::default().write_nifti(self, path, like, &NiftiOptions::default())
    }
}

impl Session {
    /// Computes an array of any size into a Zarr v3 array of its own at `path`: it is never whole in
    /// memory. Chunks are those of [`rechunk`](LazyArray::rechunk) where the options name none; each
    /// is computed, encoded and written once. Where a run is given, the array says where its voxels
    /// lie. One pass more than the reductions in the expression need, or none more where a tile can be
    /// kept until it is written.
    ///
    /// ```
    /// # use voxstore::{Session, store::ZarrOptions};
    /// # let folder = tempfile::tempdir()?;
    /// let session = Session::builder().memory("64MiB").build()?;
    /// let x = voxstore::full(&[8, 8, 4, 20], 1.5).rechunk(&[8, 8, 4, 5]);
    /// let path = folder.path().join("x.zarr");
    /// session.write_zarr(&x, &path, None, &ZarrOptions::default())?;
    /// assert_eq!(voxstore::store::open_array(&path)?.block_shape(), [8, 8, 4, 5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A path that is taken, an expression that means nothing or does not fit the budget (nothing is
    /// read or written then), a source that is damaged, or what the file system says. Nothing is left
    /// behind.
    pub fn write_zarr(
        &self,
        array: &LazyArray,
        path: impl AsRef<Path>,
        like: Option<&Run>,
        options: &ZarrOptions,
    ) -> Result<Report, Error> {
        array.check()?;
        let mut options = options.clone();
        options.chunks = options.chunks.or_else(|| array.wanted_blocks().map(<[u64]>::to_vec));
        let like = like.map(Run::info);
        let sink = ZarrSink::create(path, array.shape(), array.dtype(), like, &options)?;
        Ok(self.write(array, Box::new(sink))?)
    }

    /// Computes an array of any size into a NIfTI file, in the array's own type: it is never whole in
    /// memory. A `.nii` is filled in any order by all workers; a `.nii.gz` in memory order by one.
    /// Where a run is given, the file has its grid and header.
    ///
    /// ```
    /// # use voxstore::{Session, nifti::{self, NiftiOptions}};
    /// # let folder = tempfile::tempdir()?;
    /// let run = nifti::open("fixtures/nitime/fmri1.nii.gz")?;
    /// let path = folder.path().join("mean.nii.gz");
    /// let mean = run.lazy().mean(-1);
    /// Session::default().write_nifti(&mean, &path, Some(&run), &NiftiOptions::default())?;
    /// let written = nifti::open(&path)?;
    /// assert_eq!(written.info().geometry.affine, run.info().geometry.affine);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`write_zarr`](Self::write_zarr), and shapes that NIfTI cannot hold.
    pub fn write_nifti(
        &self,
        array: &LazyArray,
        path: impl AsRef<Path>,
        like: Option<&Run>,
        options: &NiftiOptions,
    ) -> Result<Report, Error> {
        array.check()?;
        let like = like.map(Run::info);
        let sink = NiftiSink::create(path, array.shape(), array.dtype(), like, options)?;
        Ok(self.write(array, Box::new(sink))?)
    }
}
