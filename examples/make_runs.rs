//! Write synthetic fMRI runs: data of any size to try voxstore on, the same on every machine.
//!
//! ```text
//! cargo run --release --example make_runs -- ds114 OUTDIR          # five runs, 187 MB of voxels
//! cargo run --release --example make_runs -- hcp OUTDIR --runs 4   # 1.87 GB of voxels a run
//! cargo run --release --example make_runs -- shape OUTDIR 64 64 30 100 --nii --no-gz
//! ```
//!
//! Runs are int16 NIfTI-1 under BIDS names, each beside a JSON sidecar with its repetition time.
//! `ds114` has the shapes, lengths, names and repetition times of one session of the public data
//! set ds000114; `hcp` those of a resting run of the Human Connectome Project. The voxels are made
//! up: a smooth head of about 600 to 1200 with texture, noise of 1 to 2 % of the mean that is
//! white in space and time, a slow drift, and a background of about 10 to 30. Real noise is
//! correlated in space, so measure compression on real runs.
//!
//! # Same bytes everywhere
//!
//! Every volume is a function of the seed, the run and the volume number alone. The anatomy is
//! computed once with additions, multiplications and divisions of `f64`, which IEEE 754 rounds the
//! same everywhere (no `sin`, `exp` or fused operation); volumes are then made from it with
//! integers. The bytes of a `.nii.gz` depend on the version of the deflate library as well, which
//! `Cargo.lock` fixes. The `digest` column (XXH3 of the uncompressed file) is there to compare.
//!
//! A run is never in memory: each worker holds one volume. Files appear by rename when complete.
#![expect(clippy::print_stdout, reason = "a program: its table goes to stdout")]

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};
use flate2::{Compression, GzBuilder, write::GzEncoder};
use rand::{Rng, RngCore, SeedableRng};
use rand_pcg::Pcg64Mcg;
use xxhash_rust::xxh3::Xxh3;

/// Runs written at the same time.
const WORKERS: usize = 2;

/// Level of the gzip member; what scanners' converters use.
const GZIP_LEVEL: u32 = 6;

/// Fractional bits of the per-voxel tables (a value of 1.0 is `1 << FRACTION_BITS`).
const FRACTION_BITS: u32 = 16;

/// Fractional bits of the drift tables and, separately, of the time they are multiplied by.
const DRIFT_BITS: u32 = FRACTION_BITS / 2;

fn main() -> Result<()> {
    let cli = Cli::parse();
    let runs = cli.set.runs();
    let options = cli.set.options();
    ensure!(options.nii || !options.no_gz, "nothing to write: --no-gz needs --nii");

    let start = Instant::now();
    let brain = Brain::new(runs[0].dims, options.seed);
    println!("{:<58} {:>13} {:>13} {:>6}  digest", "run", "raw bytes", "gz bytes", "ratio");
    let queue = Mutex::new(runs.iter().enumerate());
    std::thread::scope(|scope| {
        let work = || -> Result<()> {
            loop {
                let Some((index, run)) = queue.lock().expect("no worker panics").next() else {
                    return Ok(());
                };
                println!("{}", run.write(index as u64, &brain, options)?);
            }
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("no worker panics"))
    })?;
    println!("{} runs in {:.1} s", runs.len(), start.elapsed().as_secs_f64());
    Ok(())
}

/// Write synthetic fMRI runs.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    set: Set,
}

#[derive(Subcommand)]
enum Set {
    /// Five runs of 64x64x30 with the lengths of one session of ds000114
    Ds114 {
        #[command(flatten)]
        options: Options,
    },
    /// Runs of 104x104x72x1200, as those of the Human Connectome Project
    Hcp {
        #[command(flatten)]
        options: Options,
        /// Number of runs
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
        runs: u16,
    },
    /// Runs of any shape
    Shape {
        #[command(flatten)]
        options: Options,
        /// Extents of the run
        #[arg(num_args = 4, value_names = ["X", "Y", "Z", "T"], required = true,
              value_parser = clap::value_parser!(u16).range(1..=i64::from(i16::MAX)))]
        extents: Vec<u16>,
        /// Number of runs
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
        runs: u16,
    },
}

#[derive(Args)]
struct Options {
    /// Folder to write into, made if missing
    outdir: PathBuf,
    /// Write uncompressed .nii as well
    #[arg(long)]
    nii: bool,
    /// Do not write .nii.gz
    #[arg(long)]
    no_gz: bool,
    /// Another seed makes other voxels
    #[arg(long, default_value_t = 114)]
    seed: u64,
}

impl Set {
    fn options(&self) -> &Options {
        match self {
            Self::Ds114 { options } | Self::Hcp { options, .. } | Self::Shape { options, .. } => {
                options
            }
        }
    }

    fn runs(&self) -> Vec<Run> {
        let numbered = |count: u16, task: &'static str, dims, volumes, zoom, tr| {
            let run = move |number| Run {
                folder: "sub-01/func",
                stem: format!("sub-01_task-{task}_run-{number:02}_bold"),
                task,
                dims,
                volumes,
                zoom,
                tr,
            };
            (1..=count).map(run).collect()
        };
        match self {
            Self::Ds114 { .. } => [
                ("covertverbgeneration", 173, 2.5),
                ("fingerfootlips", 184, 2.5),
                ("linebisection", 238, 2.5),
                ("overtverbgeneration", 88, 5.0),
                ("overtwordrepetition", 76, 5.0),
            ]
            .map(|(task, volumes, tr)| Run {
                folder: "sub-01/ses-test/func",
                stem: format!("sub-01_ses-test_task-{task}_bold"),
                task,
                dims: [64, 64, 30],
                volumes,
                zoom: 4.0,
                tr,
            })
            .into(),
            Self::Hcp { runs, .. } => numbered(*runs, "rest", [104, 104, 72], 1200, 2.0, 0.72),
            Self::Shape { extents, runs, .. } => {
                let [x, y, z, t] = [0, 1, 2, 3].map(|axis| extents[axis]);
                numbered(*runs, "shape", [x, y, z], t, 3.0, 2.0)
            }
        }
    }
}

/// A run to be written.
struct Run {
    folder: &'static str,
    stem: String,
    task: &'static str,
    /// Extents in space.
    dims: [u16; 3],
    volumes: u16,
    /// Edge of a voxel in millimetres.
    zoom: f32,
    /// Repetition time in seconds.
    tr: f32,
}

impl Run {
    /// Writes the run's files and returns its line of the table.
    fn write(&self, index: u64, brain: &Brain, options: &Options) -> Result<String> {
        let folder = options.outdir.join(self.folder);
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let mut nii = Output::create(options.nii, &folder, &format!("{}.nii", self.stem))?;
        let gz = Output::create(!options.no_gz, &folder, &format!("{}.nii.gz", self.stem))?;
        let mut gz = gz.map(|gz| GzBuilder::new().write(gz, Compression::new(GZIP_LEVEL)));

        let mut digest = Xxh3::new();
        let mut raw_bytes = 0;
        let mut put = |bytes: &[u8]| -> io::Result<()> {
            digest.update(bytes);
            raw_bytes += bytes.len() as u64;
            nii.as_mut().map_or(Ok(()), |file| file.write_all(bytes))?;
            gz.as_mut().map_or(Ok(()), |file| file.write_all(bytes))
        };
        put(&self.header())?;
        let mut volume = vec![0; 2 * brain.voxels.len()];
        for t in 0..self.volumes {
            let mut rng = rng(&[options.seed, index, u64::from(t)]);
            brain.volume(&mut rng, t, self.volumes, &mut volume);
            put(&volume).with_context(|| self.stem.clone())?;
        }

        let gz_bytes = match gz.map(GzEncoder::finish).transpose()? {
            Some(output) => Some(output.commit()?),
            None => None,
        };
        nii.map(Output::commit).transpose()?;
        let (tr, task) = (self.tr, self.task);
        let sidecar =
            format!("{{\n  \"RepetitionTime\": {tr:?},\n  \"TaskName\": \"{task}\"\n}}\n");
        fs::write(folder.join(format!("{}.json", self.stem)), sidecar)?;

        let (gz_bytes, ratio) = gz_bytes.map_or(("-".to_owned(), "-".to_owned()), |bytes| {
            (bytes.to_string(), format!("{:.3}", bytes as f64 / raw_bytes as f64))
        });
        let (stem, digest) = (&self.stem, digest.digest());
        Ok(format!("{stem:<58} {raw_bytes:>13} {gz_bytes:>13} {ratio:>6}  {digest:016x}"))
    }

    /// A NIfTI-1 header, little-endian, and the four bytes that say "no extension".
    fn header(&self) -> [u8; 352] {
        let mut header = [0; 352];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        let [x, y, z] = self.dims;
        put(0, &348_i32.to_le_bytes());
        for (i, extent) in [4, x, y, z, self.volumes, 1, 1, 1].into_iter().enumerate() {
            put(40 + 2 * i, &extent.to_le_bytes());
        }
        put(70, &4_i16.to_le_bytes()); // datatype: int16
        put(72, &16_i16.to_le_bytes()); // bitpix
        for (i, pixdim) in [1.0, self.zoom, self.zoom, self.zoom, self.tr].into_iter().enumerate() {
            put(76 + 4 * i, &pixdim.to_le_bytes());
        }
        put(108, &352_f32.to_le_bytes()); // vox_offset
        put(112, &1_f32.to_le_bytes()); // scl_slope
        put(123, &[2 | 8]); // xyzt_units: mm, seconds
        put(148, b"synthetic run of voxstore");
        put(254, &1_i16.to_le_bytes()); // sform_code: scanner
        for axis in 0..3 {
            let centre = f32::from(self.dims[axis] - 1) / 2.0;
            put(280 + 20 * axis, &self.zoom.to_le_bytes());
            put(292 + 16 * axis, &(-self.zoom * centre).to_le_bytes());
        }
        put(344, b"n+1\0");
        header
    }
}

/// A file that has its name only once it is complete; until then it is called `.part`.
struct Output {
    file: File,
    path: PathBuf,
}

impl Output {
    fn create(wanted: bool, folder: &Path, name: &str) -> Result<Option<Self>> {
        let path = folder.join(name);
        let create = || File::create(path.with_added_extension("part"));
        let file = wanted.then(create).transpose().with_context(|| path.display().to_string())?;
        Ok(file.map(|file| Self { file, path }))
    }

    /// Gives the file its name and returns its length in bytes.
    fn commit(self) -> Result<u64> {
        fs::rename(self.path.with_added_extension("part"), &self.path)
            .with_context(|| self.path.display().to_string())?;
        Ok(self.file.metadata()?.len())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What a head looks like at rest, shared by all runs of a set.
struct Brain {
    voxels: Vec<Voxel>,
}

/// One voxel in fixed point.
struct Voxel {
    /// Mean over time.
    mean: i32,
    /// Noise per unit of [`noise_pair`].
    noise: i32,
    /// Linear and quadratic drift over the run.
    drift: [i32; 2],
}

impl Brain {
    fn new(dims: [u16; 3], seed: u64) -> Self {
        let mut rng = rng(&[seed]);
        let mut field = |cells| Field::new(&mut rng, cells);
        let (coarse, fine) = (field(5), field(14));
        let (ghost, level, linear, quadratic) = (field(4), field(6), field(3), field(3));
        let [nx, ny, nz] = dims.map(usize::from);
        let mut voxels = Vec::with_capacity(nx * ny * nz);
        for z in 0..nz {
            for y in 0..ny {
                for x in 0..nx {
                    // Centre of the voxel, in 0..1 along each axis.
                    let unit = |i: usize, n: usize| (i as f64 + 0.5) / n as f64;
                    let at = [unit(x, nx), unit(y, ny), unit(z, nz)];
                    let axis = |i: usize, radius: f64| {
                        let distance = (2.0 * at[i] - 1.0) / radius;
                        distance * distance
                    };
                    let distance2 = axis(0, 0.72) + axis(1, 0.88) + axis(2, 0.82);
                    let head = ((1.0 - distance2) / 0.12).clamp(0.0, 1.0); // soft border
                    let texture = 60.0 * (rng.random::<f64>() - 0.5);
                    let anatomy = 900.0 + 300.0 * coarse.at(at) + 150.0 * fine.at(at) + texture;
                    let signal = head * anatomy.clamp(600.0, 1200.0);
                    let background = 15.0 + 6.0 * ghost.at(at);
                    let sd = signal * (0.015 + 0.005 * level.at(at)) + (1.0 - head) * 6.0;
                    voxels.push(Voxel {
                        mean: fixed(signal + (1.0 - head) * background, FRACTION_BITS),
                        noise: fixed(sd / NOISE_SD, FRACTION_BITS),
                        drift: [
                            fixed(0.02 * signal * linear.at(at), DRIFT_BITS),
                            fixed(0.02 * signal * quadratic.at(at), DRIFT_BITS),
                        ],
                    });
                }
            }
        }
        Self { voxels }
    }

    /// Writes volume `t` of `count` into `out` as little-endian int16.
    fn volume(&self, rng: &mut Pcg64Mcg, t: u16, count: u16, out: &mut [u8]) {
        // Time runs from -1/2 to 1/2.
        let time = (f64::from(t) + 0.5) / f64::from(count) - 0.5;
        let linear = fixed(time, DRIFT_BITS);
        let quadratic = fixed(2.0 * time * time, DRIFT_BITS);
        for (voxels, out) in self.voxels.chunks(2).zip(out.chunks_mut(4)) {
            let noise = noise_pair(rng);
            for ((voxel, noise), out) in voxels.iter().zip(noise).zip(out.chunks_exact_mut(2)) {
                let drift = voxel.drift[0] * linear + voxel.drift[1] * quadratic;
                let value = voxel.mean + drift + voxel.noise * noise;
                let half = 1 << (FRACTION_BITS - 1);
                // A magnitude, as in a scanner: never negative.
                let rounded = (value.abs() + half) >> FRACTION_BITS;
                out.copy_from_slice(&(rounded as i16).to_le_bytes());
            }
        }
    }
}

/// `value` in fixed point.
fn fixed(value: f64, bits: u32) -> i32 {
    (value * f64::from(1_u32 << bits)).round() as i32
}

/// Standard deviation of [`noise_pair`]: four bytes, each of variance (256^2 - 1) / 12.
const NOISE_SD: f64 = 147.800_766_800_633_9;

/// Two samples of nearly Gaussian noise with mean 0 from 8 random bytes: sums of four bytes, which
/// reach 3.4 standard deviations. One of the cheapest generators there are.
fn noise_pair(rng: &mut Pcg64Mcg) -> [i32; 2] {
    const LOW_BYTES: u64 = 0x00ff_00ff_00ff_00ff;
    let bytes = rng.next_u64();
    let pairs = (bytes & LOW_BYTES) + ((bytes >> 8) & LOW_BYTES); // four sums, 16 bits each
    let fours = pairs + (pairs >> 16);
    [fours, fours >> 32].map(|sum| i32::from(sum as u16) - 510)
}

/// Smooth random values in -1..1: a lattice of random points, interpolated.
struct Field {
    cells: usize,
    lattice: Vec<f64>,
}

impl Field {
    /// A field whose lattice has `cells` cells along each axis.
    fn new(rng: &mut Pcg64Mcg, cells: usize) -> Self {
        let points = (cells + 1).pow(3);
        Self { cells, lattice: (0..points).map(|_| rng.random_range(-1.0..1.0)).collect() }
    }

    /// The value at a point of the unit cube, `0 <= at < 1`.
    fn at(&self, at: [f64; 3]) -> f64 {
        let scaled = at.map(|c| c * self.cells as f64);
        let cell = scaled.map(|c| c as usize);
        let weight: [f64; 3] = std::array::from_fn(|axis| {
            let w = scaled[axis] - cell[axis] as f64;
            w * w * (3.0 - 2.0 * w)
        });
        let mut sum = 0.0;
        for corner in 0..8 {
            let step: [usize; 3] = std::array::from_fn(|axis| corner >> axis & 1);
            let [i, j, k]: [usize; 3] = std::array::from_fn(|axis| cell[axis] + step[axis]);
            let points = self.cells + 1;
            let part = |axis: usize| [1.0 - weight[axis], weight[axis]][step[axis]];
            sum += part(0) * part(1) * part(2) * self.lattice[i + points * (j + points * k)];
        }
        sum
    }
}

/// A generator for one purpose, named by numbers: the same numbers, the same sequence.
fn rng(name: &[u64]) -> Pcg64Mcg {
    let mixed = name.iter().fold(0_u64, |state, &number| {
        // The finaliser of SplitMix64: neighbouring numbers give unrelated seeds.
        let mut mixed = (state ^ number).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    });
    Pcg64Mcg::seed_from_u64(mixed)
}
