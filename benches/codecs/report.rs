//! What do the measurements say? Markdown: verdicts, sums over the real sets, and every set.

use std::fmt::Write as _;

use voxstore::store::Codec;

use crate::machine::{machine, versions};
use crate::measure::{Measured, OfCodec, Seconds, THREADS};

const HEAD: &str =
    "of gzip | encode | ingest | decode | decode, 2 threads | tSNR | series ms | volume ms |";
const RULE: &str = "---:|---:|---:|---:|---:|---:|---:|---:|";

pub(crate) fn text(sets: &[Measured], rounds: usize) -> String {
    let mut out = String::new();
    let real: Vec<&Measured> = sets.iter().filter(|set| set.is_real).collect();
    writeln!(
        out,
        "# Codecs\n\n\
         Written by `cargo bench --bench codecs -- --write`; do not edit. What follows from it:\n\
         [decision 0017](../decisions/0017-codec-by-run.md).\n\n\
         - Machine: {}.\n- Versions: {}.\n\
         - Medians of {rounds} rounds, warm page cache. {}\n\
         - `of gzip`: chunk files as a part of the `.nii.gz` (of plain files: flate2, level 6).\n\
         - Rates are MB/s of voxels. `encode`, `decode`: zarrs alone, checksums and reading included in \
           `decode`, one thread where not said. `ingest`: from plain `.nii`, {THREADS} threads, sync included. \
           `tSNR`: from the store, {THREADS} threads, run by run.\n\
         - One voxel's series and one volume: of the largest run of a set, as float64.\n\
         - `inflate`: flate2 on zlib-rs, one stream on one thread, the best of three buffer sizes.\n",
        machine(),
        versions(),
        spread(sets),
    )
    .unwrap();
    if !real.is_empty() {
        verdicts(&mut out, &real);
        sums(&mut out, &real);
    }
    every_set(&mut out, sets);
    out
}

/// How the default does beside what is asked of it.
fn verdicts(out: &mut String, real: &[&Measured]) {
    let part = |set: &Measured| set.codecs[0].stored_bytes as f64 / set.gzip_bytes as f64;
    let stored: u64 = real.iter().map(|set| set.codecs[0].stored_bytes).sum();
    let total = stored as f64 / gzip_bytes(real) as f64;
    let worst = real.iter().max_by(|a, b| part(a).total_cmp(&part(b))).unwrap();
    let large = real.iter().max_by_key(|set| set.voxel_bytes).unwrap();
    let (auto, inflate) = (&large.codecs[0], large.inflate.median);
    let holds = |does: bool| if does { "holds" } else { "**does not hold**" };
    let times = inflate / auto.decode_alone.median;
    writeln!(
        out,
        "## What is asked of the default (`auto`)\n\n\
         | | limit | found | |\n|---|---|---|---|\n\
         | all real sets, of their `.nii.gz` | <= 1.0 | {total:.3} | {} |\n\
         | any one of them | <= 1.1 | {:.3} ({}) | {} |\n\
         | decoding {}, times as fast as inflating, one thread each | >= 2 | {times:.2} | {} |\n\
         | the same on 2 threads, beside one stream | | {:.2} | |\n",
        holds(total <= 1.0),
        part(worst),
        worst.name,
        holds(part(worst) <= 1.1),
        large.name,
        holds(times >= 2.0),
        inflate / auto.decode.median,
    )
    .unwrap();
}

fn sums(out: &mut String, real: &[&Measured]) {
    let bytes: u64 = real.iter().map(|set| set.voxel_bytes).sum();
    let rate = |seconds: &dyn Fn(&Measured) -> Option<Seconds>| {
        let measured = real.iter().filter_map(|set| Some((set.voxel_bytes, seconds(set)?.median)));
        let (bytes, seconds) = measured.fold((0, 0.0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        bytes as f64 / 1e6 / seconds
    };
    writeln!(
        out,
        "## All real sets together\n\n{:.1} MB of voxels, {:.1} MB as `.nii.gz`; inflate {:.0} MB/s.\n\n\
         | codec | of gzip | worst set | encode | ingest | decode | decode, 2 threads | tSNR |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|",
        bytes as f64 / 1e6,
        gzip_bytes(real) as f64 / 1e6,
        rate(&|set| Some(set.inflate)),
    )
    .unwrap();
    for (at, codec) in real[0].codecs.iter().enumerate() {
        let stored: u64 = real.iter().map(|set| set.codecs[at].stored_bytes).sum();
        let parts = real.iter().map(|s| s.codecs[at].stored_bytes as f64 / s.gzip_bytes as f64);
        write!(
            out,
            "| {} | {:.3} | {:.3} |",
            codec.choice.map_or("auto", Codec::name),
            stored as f64 / gzip_bytes(real) as f64,
            parts.fold(0.0, f64::max),
        )
        .unwrap();
        let columns: [fn(&OfCodec) -> Option<Seconds>; 5] = [
            |c| Some(c.encode),
            |c| Some(c.ingest),
            |c| Some(c.decode_alone),
            |c| Some(c.decode),
            |c| c.tsnr,
        ];
        for column in columns {
            write!(out, " {:.0} |", rate(&|set| column(&set.codecs[at]))).unwrap();
        }
        out.push('\n');
    }
    out.push('\n');
}

fn every_set(out: &mut String, sets: &[Measured]) {
    writeln!(out, "## Every set\n\n| set | codec | {HEAD}\n|---|---|{RULE}").unwrap();
    for set in sets {
        let mb = set.voxel_bytes as f64 / 1e6;
        let rate = |seconds: Seconds| mb / seconds.median;
        writeln!(
            out,
            "| **{}**: {} run{}, {mb:.1} MB, gzip {:.2} of that | inflate | 1 | | | {:.0} | | | | |",
            set.name,
            set.run_count,
            if set.run_count == 1 { "" } else { "s" },
            set.gzip_bytes as f64 / set.voxel_bytes as f64,
            rate(set.inflate),
        )
        .unwrap();
        for codec in &set.codecs {
            writeln!(
                out,
                "| | {} | {:.3} | {:.0} | {:.0} | {:.0} | {:.0} | {} | {:.2} | {:.2} |",
                called(codec),
                codec.stored_bytes as f64 / set.gzip_bytes as f64,
                rate(codec.encode),
                rate(codec.ingest),
                rate(codec.decode_alone),
                rate(codec.decode),
                codec.tsnr.map_or("-".to_owned(), |s| format!("{:.0}", rate(s))),
                codec.series.median * 1e3,
                codec.volume.median * 1e3,
            )
            .unwrap();
        }
    }
}

/// A codec by its name; of `auto`, what it chose as well.
fn called(codec: &OfCodec) -> String {
    codec.choice.map_or_else(
        || {
            let chosen: Vec<&str> = codec.chosen.iter().map(|codec| codec.name()).collect();
            format!("auto: {}", chosen.join(", "))
        },
        |codec| codec.name().to_owned(),
    )
}

fn gzip_bytes(sets: &[&Measured]) -> u64 {
    sets.iter().map(|set| set.gzip_bytes).sum()
}

/// How far the rounds of a cell are apart.
fn spread(sets: &[Measured]) -> String {
    let of = |c: &OfCodec| {
        let always = [c.encode, c.ingest, c.decode_alone, c.decode, c.series, c.volume];
        always.into_iter().chain(c.tsnr)
    };
    let cells = sets.iter().flat_map(|set| {
        set.codecs.iter().flat_map(of).chain([set.inflate]).map(|seconds| seconds.spread * 100.0)
    });
    let mut spreads: Vec<f64> = cells.collect();
    spreads.sort_by(f64::total_cmp);
    let at = |part: f64| spreads[((spreads.len() - 1) as f64 * part) as usize];
    format!(
        "Slowest less fastest round, of the median: {:.0} % in half of the cells, {:.0} % in nine of ten.",
        at(0.5),
        at(0.9)
    )
}
