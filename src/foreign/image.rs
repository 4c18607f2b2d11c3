//! How does an image of another tool become a run?

use std::path::Path;
use std::sync::Arc;

use super::array::OpenedArray;
use super::error::{Complain, ForeignError};
use super::facts::Facts;
use super::node::{Node, is_absent};
use super::ome::{self, Ome};
use crate::dtype::DType;
use crate::files;
use crate::grid::Region;
use crate::nifti::{made_header, run_info_of_header};
use crate::run::{Run, RunInfo, Warning};
use crate::source::Source;

/// The array of NIfTI header bytes that nifti-zarr tools keep beside the voxels.
const HEADER: &str = "nifti";
/// The most bytes that it may have.
const MOST_HEADER_BYTES: u64 = 1 << 20;

/// The code of the warning that every run of [`open`] carries, with what its store vouches for.
pub const UNVERIFIED: &str = "Z01";

/// An image that another tool wrote.
#[derive(Clone, Debug)]
pub struct Image {
    run: Run,
    facts: Facts,
}

impl Image {
    /// Its voxels, and where and when they are.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// How it is stored, and what that vouches for.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The run alone.
    pub fn into_run(self) -> Run {
        self.run
    }
}

/// Opens an OME-Zarr image (0.4 or 0.5) or a nifti-zarr store of another tool as a run of axes
/// `(x, y, z, t)`, read-only. Reads metadata, a NIfTI header where there is one, and lists files; no voxel.
///
/// A NIfTI header beside the voxels gives affine, TR and scaling; else they are those of the OME metadata, and
/// voxels are unscaled. Nothing vouches for the voxels: see [`Facts::guarantees`].
///
/// # Errors
/// When there is no image, voxstore wrote it, metadata and array disagree, or it has an axis, type, codec
/// or field that is not read.
pub fn open(path: impl AsRef<Path>) -> Result<Image, ForeignError> {
    let path = path.as_ref();
    let ome = metadata(path)?;
    let folder = path.join(&ome.dataset);
    let opened = OpenedArray::open(&folder)?;
    let axes = axes(&opened, &ome)?;
    let shape = axes.map(|axis| axis.map_or(1, |axis| opened.array.shape[axis]));
    let facts = Facts::of(&opened, &ome, &axes, path.join(HEADER).is_dir());
    let mut info = info(path, &ome, shape, opened.array.dtype)?;
    let message = format!("{}: {}", facts.kind, facts.guarantees());
    info.warnings.insert(0, Warning { code: UNVERIFIED.to_owned(), message });
    info.origin.file_bytes = opened.found.bytes;
    let name = info.origin.file_name.clone();
    let mut source = opened.into_source(name, &folder, axes.to_vec());
    source.open_bytes = info.open_bytes();
    Ok(Image { run: Run::new(Arc::new(source), info), facts })
}

/// The metadata of an image's group.
fn metadata(path: &Path) -> Result<Ome, ForeignError> {
    let Some(node) = Node::of(path)? else {
        let found = if files::exists(path).unwrap_or(false) {
            "it is no Zarr store"
        } else {
            "nothing is there"
        };
        return Err(ForeignError::other(path, found, "give the folder of an OME-Zarr image"));
    };
    if node.is_ours(path) {
        let help = "open the store that holds it, which verifies what it reads";
        return Err(ForeignError::other(path, "voxstore wrote it", help));
    }
    if node.is_array {
        let found = "a Zarr array, which does not say where its voxels lie";
        let help =
            "give the OME-Zarr image that holds it, or read it as numbers with foreign::open_array";
        return Err(ForeignError::other(path, found, help));
    }
    ome::read(&node.attributes, &node.file)?.ok_or_else(|| {
        let found = "a Zarr group without OME metadata of an image (multiscales)";
        ForeignError::other(path, found, "give the folder of one image in it")
    })
}

/// The array's axes x, y, z and t; any other must have length 1.
fn axes(opened: &OpenedArray, ome: &Ome) -> Result<[Option<usize>; 4], ForeignError> {
    let complain = Complain(&opened.node.file);
    let (array, names) = (&opened.array, &ome.names);
    if array.shape.len() != names.len() {
        let expected = format!("{} axes, as the image has", names.len());
        return Err(complain.wrong("shape", expected, format!("{:?}", array.shape)));
    }
    let known = array.names.iter().map(|name| name.as_deref().unwrap_or_default());
    if !array.names.is_empty() && !known.eq(names.iter().map(String::as_str)) {
        let expected = format!("{names:?}, as the image has");
        return Err(complain.wrong("dimension_names", expected, format!("{:?}", array.names)));
    }
    let more =
        (0..names.len()).find(|axis| !ome.axes.contains(&Some(*axis)) && array.shape[*axis] != 1);
    if let Some(axis) = more {
        let found = format!("{} of length {}", names[axis], array.shape[axis]);
        return Err(complain.unsupported(
            "an axis",
            "x, y, z and t, and others of length 1",
            found,
        ));
    }
    Ok(ome.axes)
}

/// Facts by the NIfTI header beside the voxels, or else by OME.
fn info(path: &Path, ome: &Ome, shape: [u64; 4], dtype: DType) -> Result<RunInfo, ForeignError> {
    // NIfTI has no bool.
    let dtype = if dtype == DType::Bool { DType::U8 } else { dtype };
    if let Some(header) = header(&path.join(HEADER))? {
        return Ok(run_info_of_header(path, &header, shape, dtype)?);
    }
    let header = made_header(shape, dtype, &ome.affine, ome.tr_seconds);
    let mut info = run_info_of_header(path, &header, shape, dtype)?;
    // The header rounds to float32.
    info.geometry.affine = ome.affine;
    info.geometry.affine_source = "ome";
    info.geometry.zooms_mm =
        std::array::from_fn(|axis| [0, 1, 2].iter().map(|&row| ome.affine[row][axis].abs()).sum());
    info.timing.tr_seconds = ome.tr_seconds;
    info.timing.tr_source = if ome.tr_seconds.is_some() { "ome" } else { "unknown" };
    info.timing.start_seconds = ome.start_seconds;
    info.origin.format = "ome-zarr";
    info.warnings.clone_from(&ome.warnings);
    Ok(info)
}

/// The bytes of the header's array, where there is one.
fn header(folder: &Path) -> Result<Option<Vec<u8>>, ForeignError> {
    match files::look(folder) {
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(ForeignError::io("open", folder)(error)),
        Ok(_) => {}
    }
    let opened = OpenedArray::open(folder)?;
    let complain = Complain(&opened.node.file);
    let (shape, file) = (opened.array.shape.clone(), &opened.node.file);
    if opened.array.dtype != DType::U8 || shape.len() != 1 || shape[0] > MOST_HEADER_BYTES {
        let expected = format!("up to {MOST_HEADER_BYTES} uint8 of a NIfTI header");
        return Err(complain.unsupported(
            "nifti",
            expected,
            format!("{} {shape:?}", opened.array.dtype),
        ));
    }
    if opened.found.files == 0 {
        return Err(complain.wrong("nifti", "the bytes of a NIfTI header", "no chunk"));
    }
    let (file, name) = (file.clone(), folder.display().to_string());
    let source = opened.into_source(name, folder, vec![Some(0)]);
    let mut bytes = vec![0; shape[0] as usize];
    source
        .read(&Region::whole(&shape), &mut bytes)
        .map_err(|error| Complain(&file).wrong("nifti", "bytes that can be read", error))?;
    Ok(Some(bytes))
}
