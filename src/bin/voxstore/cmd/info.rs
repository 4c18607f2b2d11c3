//! `voxstore info`

use std::path::{Path, PathBuf};

use anyhow::Result;
use bytesize::ByteSize;
use serde::Serialize;
use serde_json::{Map, Value};
use voxstore::foreign::{self, Facts};
use voxstore::nifti::{self, Incomplete};
use voxstore::store::{self, StoredFacts};
use voxstore::{DType, Run, RunInfo, Warning};

use crate::args::{FieldArg, InfoArgs};
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
    /// Of a file whose voxels are not all there.
    incomplete: Option<Missing>,
}

#[derive(Serialize)]
struct Missing {
    expected_bytes: u64,
    found_bytes: u64,
    whole_volumes: u64,
    message: String,
}

impl Missing {
    fn of(incomplete: &Incomplete) -> Self {
        Self {
            expected_bytes: incomplete.expected_bytes,
            found_bytes: incomplete.found_bytes,
            whole_volumes: incomplete.whole_volumes,
            message: incomplete.to_string(),
        }
    }
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
    } else if !args.fields.is_empty() {
        tell_fields(&described, &args.fields)?;
    } else {
        for item in &described {
            match item.runs.as_slice() {
                [run] if item.kind != "store" => tell_run(&item.path, run)?,
                runs => tell_store(&item.path, runs)?,
            }
        }
    }
    let runs = || described.iter().flat_map(|item| &item.runs);
    let missing = runs().filter_map(|run| run.incomplete.as_ref());
    for missing in missing.filter(|_| !args.json) {
        render::say(&format!("warning: {}", missing.message));
    }
    let is_whole = runs().all(|run| run.incomplete.is_none());
    Ok(if is_whole { Done::All } else { Done::Different })
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
    let found = nifti::inspect(path, args.reading.options())?;
    let about = About {
        incomplete: found.incomplete.as_ref().map(Missing::of),
        ..of_header(&found.name, &found.shape, found.dtype, found.transport, &found.info)
    };
    Ok(Described { path: path.to_owned(), kind: "file", runs: vec![about] })
}

fn stored_run(store: &store::Store, name: &str) -> Result<About> {
    let (run, facts) = store.run_with_facts(name)?;
    Ok(about(&run, Some(&facts)))
}

fn about(run: &Run, facts: Option<&StoredFacts>) -> About {
    let source = run.source();
    let stored = facts.map(|facts| Stored {
        chunk_shape: facts.chunk_shape,
        codec: facts.codec.to_string(),
        chunks: facts.chunks,
        stored_bytes: facts.stored_bytes,
        voxel_digest: facts.voxel_digest.clone(),
        ingested: facts.ingested.clone(),
    });
    let said = of_header(run.name(), run.shape(), source.dtype(), source.transport(), run.info());
    About { stored, ..said }
}

fn of_header(
    name: &str,
    shape: &[u64],
    dtype: DType,
    transport: &'static str,
    info: &RunInfo,
) -> About {
    let elements: u64 = shape.iter().product();
    About {
        name: name.to_owned(),
        shape: shape.to_vec(),
        data_type: dtype.name(),
        raw_bytes: elements * dtype.size() as u64,
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
        transport,
        stored: None,
        foreign: None,
        sidecar: info.sidecar.clone(),
        warnings: info.warnings.iter().map(Warning::to_string).collect(),
        incomplete: None,
    }
}

/// A line a run: the facts asked for, between tabs.
fn tell_fields(described: &[Described], fields: &[FieldArg]) -> Result<()> {
    let names: Vec<String> = fields.iter().map(|field| field.name()).collect();
    for item in described {
        for run in &item.runs {
            let facts = serde_json::to_value(run)?;
            let cells = fields.iter().zip(&names).map(|(field, name)| match field {
                FieldArg::Path => cell(&Value::from(item.path.to_string_lossy())),
                FieldArg::Kind => item.kind.to_owned(),
                // Of a length the header's precision is meant, not that of the root it was computed by.
                FieldArg::ZoomsMm => run.zooms_mm.map(|mm| (mm as f32).to_string()).join(" "),
                _ => cell(
                    facts.pointer(&format!("/{}", name.replace('.', "/"))).unwrap_or(&Value::Null),
                ),
            });
            render::line(&cells.collect::<Vec<_>>().join("\t"))?;
        }
    }
    Ok(())
}

/// A fact on a line, whatever is in its text.
fn cell(fact: &Value) -> String {
    match fact {
        Value::Null => "n/a".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) if value.is_f64() => {
            value.as_f64().map_or_else(|| value.to_string(), render::number)
        }
        Value::Number(value) => value.to_string(),
        Value::String(text) => {
            let plain = |c: char| {
                if c.is_control() { c.escape_default().to_string() } else { c.to_string() }
            };
            text.chars().map(plain).collect()
        }
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(" "),
        Value::Object(_) => fact.to_string(),
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
        format!("stored * {} + {}", render::number(run.slope), render::number(run.inter))
    };
    let zooms = run.zooms_mm.map(|mm| (mm as f32).to_string()).join(" x ");
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
