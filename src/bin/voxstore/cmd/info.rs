//! `voxstore info`

use std::path::{Path, PathBuf};

use anyhow::Result;
use bytesize::ByteSize;
use serde::Serialize;
use serde_json::{Map, Value};
use voxstore::foreign::{self, Facts};
use voxstore::nifti;
use voxstore::store::{self, StoredFacts};
use voxstore::{Run, Warning};

use crate::args::InfoArgs;
use crate::exit::Done;
use crate::{inputs, render};

#[derive(Serialize)]
struct Described {
    path: PathBuf,
    kind: &'static str,
    runs: Vec<About>,
}

#[derive(Serialize)]
struct About {
    name: String,
    shape: Vec<u64>,
    data_type: &'static str,
    raw_bytes: u64,
    slope: f64,
    inter: f64,
    tr_seconds: Option<f64>,
    tr_source: &'static str,
    zooms_mm: [f64; 3],
    affine: [[f64; 4]; 4],
    affine_source: &'static str,
    format: &'static str,
    big_endian: bool,
    gzip: bool,
    file_name: String,
    image_name: Option<String>,
    file_bytes: u64,
    sha256: Option<String>,
    transport: &'static str,
    stored: Option<Stored>,
    /// Of an image of another tool.
    foreign: Option<Foreign>,
    sidecar: Map<String, Value>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are the JSON's")]
struct Stored {
    chunk_shape: [u64; 4],
    codec: String,
    chunks: u64,
    stored_bytes: u64,
    voxel_digest: String,
    ingested: String,
}

#[derive(Serialize)]
struct Foreign {
    kind: String,
    zarr_format: u8,
    chunk_shape: [u64; 4],
    shard_shape: Option<[u64; 4]>,
    codecs: Vec<&'static str>,
    files: u64,
    missing_files: u64,
    stored_bytes: u64,
    checksummed: bool,
    fill_value: Option<String>,
    guarantees: String,
}

impl Foreign {
    fn of(facts: &Facts) -> Self {
        Self {
            kind: facts.kind.clone(),
            zarr_format: facts.zarr_format,
            chunk_shape: facts.chunk_shape,
            shard_shape: facts.shard_shape,
            codecs: facts.codecs.clone(),
            files: facts.files,
            missing_files: facts.missing_files,
            stored_bytes: facts.stored_bytes,
            checksummed: facts.checksummed,
            fill_value: facts.fill_value.clone(),
            guarantees: facts.guarantees(),
        }
    }
}

pub(crate) fn run(args: &InfoArgs) -> Result<Done> {
    let described =
        args.paths.iter().map(|path| describe(path, args)).collect::<Result<Vec<_>>>()?;
    if args.json {
        render::json(&described)?;
        return Ok(Done::All);
    }
    for item in &described {
        match item.runs.as_slice() {
            [run] if item.kind != "store" => tell_run(&item.path, run)?,
            runs => tell_store(&item.path, runs)?,
        }
    }
    Ok(Done::All)
}

fn describe(path: &Path, args: &InfoArgs) -> Result<Described> {
    if foreign::is_foreign(path) {
        let image = foreign::open(path)?;
        let about = About { foreign: Some(Foreign::of(image.facts())), ..about(image.run(), None) };
        return Ok(Described { path: path.to_owned(), kind: "foreign", runs: vec![about] });
    }
    if let Some((root, name)) = inputs::run_in_store(path) {
        let store = store::open(root)?;
        let runs = vec![stored_run(&store, &name)?];
        return Ok(Described { path: path.to_owned(), kind: "run", runs });
    }
    if path.is_dir() || inputs::is_store(path) {
        let store = store::open(path)?;
        let runs =
            store.runs().iter().map(|name| stored_run(&store, name)).collect::<Result<_>>()?;
        return Ok(Described { path: path.to_owned(), kind: "store", runs });
    }
    let run = nifti::open_with(path, args.reading.options())?;
    Ok(Described { path: path.to_owned(), kind: "file", runs: vec![about(&run, None)] })
}

fn stored_run(store: &store::Store, name: &str) -> Result<About> {
    let (run, facts) = store.run_with_facts(name)?;
    Ok(about(&run, Some(&facts)))
}

fn about(run: &Run, facts: Option<&StoredFacts>) -> About {
    let (info, source) = (run.info(), run.source());
    let elements: u64 = run.shape().iter().product();
    About {
        name: run.name().to_owned(),
        shape: run.shape().to_vec(),
        data_type: source.dtype().name(),
        raw_bytes: elements * source.dtype().size() as u64,
        slope: info.scaling.slope,
        inter: info.scaling.inter,
        tr_seconds: info.timing.tr_seconds,
        tr_source: info.timing.tr_source,
        zooms_mm: info.geometry.zooms_mm,
        affine: info.geometry.affine,
        affine_source: info.geometry.affine_source,
        format: info.origin.format,
        big_endian: info.origin.big_endian,
        gzip: info.origin.gzip,
        file_name: info.origin.file_name.clone(),
        image_name: info.origin.image_name.clone(),
        file_bytes: info.origin.file_bytes,
        sha256: info.origin.sha256.clone(),
        transport: source.transport(),
        stored: facts.map(|facts| Stored {
            chunk_shape: facts.chunk_shape,
            codec: facts.codec.to_string(),
            chunks: facts.chunks,
            stored_bytes: facts.stored_bytes,
            voxel_digest: facts.voxel_digest.clone(),
            ingested: facts.ingested.clone(),
        }),
        foreign: None,
        sidecar: info.sidecar.clone(),
        warnings: info.warnings.iter().map(Warning::to_string).collect(),
    }
}

fn tell_store(path: &Path, runs: &[About]) -> Result<()> {
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            let stored = run.stored.as_ref();
            vec![
                run.name.clone(),
                render::shape(&run.shape),
                run.data_type.to_owned(),
                render::seconds(run.tr_seconds),
                ByteSize(run.raw_bytes).to_string(),
                stored.map_or("-".to_owned(), |s| ByteSize(s.stored_bytes).to_string()),
                stored.map_or("-".to_owned(), |s| s.codec.clone()),
            ]
        })
        .collect();
    let head = ["run", "x y z t", "type", "TR", "voxels", "stored", "codec"];
    render::line(&render::table(&head, &rows))?;
    let total: u64 = runs.iter().map(|run| run.raw_bytes).sum();
    let s = if runs.len() == 1 { "" } else { "s" };
    let size = ByteSize(total);
    render::line(&format!("{}: {} run{s}, {size} of voxels", path.display(), runs.len()))
}

fn tell_run(path: &Path, run: &About) -> Result<()> {
    let scaling = if run.slope == 1.0 && run.inter == 0.0 {
        "none".to_owned()
    } else {
        format!("stored * {} + {}", run.slope, run.inter)
    };
    let zooms = run.zooms_mm.map(|z| format!("{z}")).join(" x ");
    let endian = if run.big_endian { "big-endian" } else { "little-endian" };
    let packed = if run.gzip { ", gzip" } else { "" };
    let pair = run
        .image_name
        .as_ref()
        .map_or(String::new(), |image| format!(", a pair of {} and {image}", run.file_name));
    let mut lines = vec![
        ("file", path.display().to_string()),
        ("shape", format!("{} (x y z t)", render::shape(&run.shape))),
        ("type", format!("{}, {} of voxels", run.data_type, ByteSize(run.raw_bytes))),
        ("scaling", scaling),
        ("voxel", format!("{zooms} mm")),
        ("TR", format!("{} ({})", render::seconds(run.tr_seconds), run.tr_source)),
        ("source", format!("{} {endian}{packed}, {}{pair}", run.format, ByteSize(run.file_bytes))),
        ("read by", run.transport.to_owned()),
    ];
    for (row, values) in run.affine[..3].iter().enumerate() {
        let label = if row == 0 { "affine" } else { "" };
        let tail = if row == 0 { format!("   from {}", run.affine_source) } else { String::new() };
        let cells = values.map(|v| format!("{v:>10.4}")).join(" ");
        lines.push((label, format!("{cells}{tail}")));
    }
    if let Some(stored) = &run.stored {
        let chunk = render::shape(&stored.chunk_shape);
        lines.push(("chunks", format!("{} of {chunk}, {}", stored.chunks, stored.codec)));
        lines.push(("stored", ByteSize(stored.stored_bytes).to_string()));
        lines.push(("digest", stored.voxel_digest.clone()));
        lines.push(("ingested", stored.ingested.clone()));
    }
    if let Some(foreign) = &run.foreign {
        let lengths = |shape: &[u64; 4]| render::shape(shape);
        let shards = foreign
            .shard_shape
            .as_ref()
            .map_or(String::new(), |s| format!(" in shards of {}", lengths(s)));
        let codecs =
            if foreign.codecs.is_empty() { "none".to_owned() } else { foreign.codecs.join(", ") };
        lines.push(("store", format!("{}, Zarr v{}", foreign.kind, foreign.zarr_format)));
        lines.push(("chunks", format!("{}{shards}, {codecs}", lengths(&foreign.chunk_shape))));
        let files = foreign.files - foreign.missing_files;
        let s = if files == 1 { "" } else { "s" };
        lines.push(("stored", format!("{} in {files} file{s}", ByteSize(foreign.stored_bytes))));
        lines.push(("promises", foreign.guarantees.clone()));
    }
    for (label, text) in lines {
        render::line(&format!("{label:<9} {text}"))?;
    }
    // What vouches for an image was said among the lines.
    let said =
        |warning: &&String| run.foreign.is_none() || !warning.starts_with(foreign::UNVERIFIED);
    for warning in run.warnings.iter().filter(said) {
        render::say(&format!("warning: {warning}"));
    }
    Ok(())
}
