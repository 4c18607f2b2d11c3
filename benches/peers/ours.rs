//! What voxstore does in the rows of `benches/peers` for which its program has no command.
//!
//! ```text
//! peers series|volume|box STORE RUN X,Y,Z,T...   # seconds and sums as JSON, timed inside
//! peers zscore MEMORY STORE OUT.zarr             # the first run of a store
//! ```

#![expect(clippy::print_stdout, reason = "a benchmark: its numbers go to stdout")]

use std::error::Error;
use std::time::Instant;

use ndarray::s;
use voxstore::store::{self, ZarrOptions};
use voxstore::{DType, LazyArray, ReduceOptions, Session, where_};

const THREADS: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["zscore", memory, store, out] => zscore(memory, store, out),
        [kind, store, run, ref places @ ..] => read(kind, store, run, places),
        _ => Err("expected zscore MEMORY STORE OUT, or KIND STORE RUN PLACE...".into()),
    }
}

/// Reads a part at each place from a run that stays open; imports and opening are told apart, as for
/// the peers.
fn read(kind: &str, store: &str, run: &str, places: &[&str]) -> Result<(), Box<dyn Error>> {
    let session = Session::builder().threads(THREADS).build()?;
    let start = Instant::now();
    let run = store::open(store)?.run(run)?;
    let bold = LazyArray::from_source(run.source().clone()); // numbers as stored
    let open_seconds = start.elapsed().as_secs_f64();

    let (mut seconds, mut sums) = (Vec::new(), Vec::new());
    for place in places {
        let place = place.split(',').map(str::parse).collect::<Result<Vec<isize>, _>>()?;
        let [x, y, z, t] = place[..] else { return Err("expected X,Y,Z,T".into()) };
        let start = Instant::now();
        let part: LazyArray = match kind {
            "series" => bold.slice(s![x, y, z, ..]),
            "volume" => bold.slice(s![.., .., .., t]),
            "box" => bold.slice(s![x..x + 3, y..y + 3, z..z + 3, ..]),
            other => return Err(format!("expected series, volume or box, found {other}").into()),
        };
        let values = session.compute::<i16>(&part)?;
        seconds.push(start.elapsed().as_secs_f64());
        sums.push(values.iter().map(|v| i64::from(*v)).sum::<i64>());
    }
    let found =
        serde_json::json!({ "open_seconds": open_seconds, "seconds": seconds, "sums": sums });
    println!("{found}");
    Ok(())
}

fn zscore(memory: &str, store: &str, out: &str) -> Result<(), Box<dyn Error>> {
    let session = Session::builder().memory(memory).threads(THREADS).build()?;
    let store = store::open(store)?;
    let run = store.runs().first().ok_or("the store holds no run")?;
    let x = store.run(run)?.lazy();
    let keep = || ReduceOptions::new().keepdims();
    let (mean, std) = (x.mean_with(-1, keep()), x.std_with(-1, keep()));
    let z = where_(&std.greater(0.0), (&x - &mean) / &std, 0.0).astype(DType::F32);
    session.write_zarr(&z, out, None, &ZarrOptions::default())?;
    Ok(())
}
