//! Does a kernel execute more instructions a voxel than it did?
//!
//! ```text
//! .ci/instructions          # against benches/instructions.tsv
//! .ci/instructions --write  # counts anew what the table lists, and writes it
//! ```
//!
//! The guard against regressions that a loaded machine cannot disturb: seconds are not looked at.
//! Needs valgrind. To guard one more of `work/`, put a line with its name into the table and have it
//! written. How they are counted: `counting/`.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a benchmark")]

mod counting;
mod made;
#[expect(dead_code, reason = "bytes of voxels are for rates")]
mod work;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use counting::{Machine, Row, Table, instructions, valgrind_version};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.tsv");
/// How many percent fewer are worth a new table.
const FEWER_PERCENT: f64 = 5.0;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        // Asked by `instructions`, under valgrind.
        ["work", name, times, folder] => {
            let mut job = find(name).prepare(Path::new(folder));
            (0..times.parse()?).for_each(|_| job());
            Ok(ExitCode::SUCCESS)
        }
        _ if cfg!(debug_assertions) => Ok(skipped("a build without optimisation")),
        [] => check(),
        ["--write"] => write(),
        _ => Err(format!("expected nothing or --write, found {args:?}").into()),
    }
}

fn find(name: &str) -> &'static work::Work {
    let found = work::ALL.iter().find(|work| work.name == name);
    found.unwrap_or_else(|| panic!("benches/work has no {name}"))
}

fn skipped(why: &str) -> ExitCode {
    println!("instructions: SKIPPED, {why}");
    ExitCode::SUCCESS
}

fn check() -> Result<ExitCode, Box<dyn Error>> {
    let table = Table::read(Path::new(TABLE))?;
    let Some(valgrind) = valgrind_version() else { return Ok(skipped("no valgrind")) };
    let here = Machine::this(&valgrind);
    if here.features != table.machine.features {
        let [table, here] = [table.machine.features, here.features];
        return Ok(skipped(&format!("the table is of {table}, this is {here}")));
    }
    let (mut more, mut fewer) = (0, 0);
    for (row, found) in count(&table.rows)? {
        let percent = 100.0 * (found / row.instructions - 1.0);
        let verdict = if percent > row.allowed_percent {
            more += 1;
            format!("TOO MANY: {} % more are allowed", row.allowed_percent)
        } else if percent < -FEWER_PERCENT {
            fewer += 1;
            "fewer".to_owned()
        } else {
            String::new()
        };
        let Row { name, instructions: expected, .. } = row;
        println!(
            "{name:26} expected {expected:8.3}, found {found:8.3} a voxel {percent:+6.1} %  {verdict}"
        );
    }
    if here.tools != table.machine.tools && more + fewer > 0 {
        println!(
            "the table was made by {}\nthis is                {}",
            table.machine.tools, here.tools
        );
    }
    if fewer > 0 {
        println!("{fewer} take fewer instructions: .ci/instructions --write keeps it so");
    }
    if more > 0 {
        println!(
            "{more} take more instructions than benches/instructions.tsv allows; where that is"
        );
        println!("meant, commit the table that .ci/instructions --write makes");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn write() -> Result<ExitCode, Box<dyn Error>> {
    let table = Table::read(Path::new(TABLE))?;
    let valgrind = valgrind_version().ok_or("no valgrind")?;
    let mut rows = Vec::new();
    for (row, found) in count(&table.rows)? {
        println!("{:26} {:8.3} -> {found:8.3}", row.name, row.instructions);
        rows.push(Row { instructions: found, ..row });
    }
    Table { machine: Machine::this(&valgrind), rows }.write(Path::new(TABLE))?;
    Ok(ExitCode::SUCCESS)
}

/// Each row with the instructions a voxel that were found.
fn count(rows: &[Row]) -> Result<Vec<(Row, f64)>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    work::make_files(folder.path());
    let count = |row: &Row| {
        let found = instructions(find(&row.name).name, folder.path())?;
        Ok((row.clone(), found as f64 / work::VOXELS as f64))
    };
    rows.iter().map(count).collect()
}
