//! What was counted, and where?

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use super::first_line;

const COLUMNS: &str = "name\tinstructions_a_voxel\tallowed_percent";

/// `benches/instructions.tsv`.
pub(crate) struct Table {
    pub(crate) machine: Machine,
    pub(crate) rows: Vec<Row>,
}

/// What counts depend on beside the sources.
pub(crate) struct Machine {
    /// What kernels and codecs choose by: no count of another one can be compared.
    pub(crate) features: String,
    /// Compilers and libraries: told where counts differ.
    pub(crate) tools: String,
}

#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) instructions: f64,
    /// How many percent more are no failure.
    pub(crate) allowed_percent: f64,
}

impl Machine {
    pub(crate) fn this(valgrind: &str) -> Self {
        let compilers = ["rustc", "cc", "ldd"].map(|tool| first_line(tool).unwrap_or_default());
        Self { features: features(), tools: format!("{}; {valgrind}", compilers.join("; ")) }
    }
}

/// As valgrind shows it, which knows nothing wider than AVX2.
#[cfg(target_arch = "x86_64")]
fn features() -> String {
    let wide = std::is_x86_feature_detected!("avx2");
    format!("x86_64 {} AVX2", if wide { "with" } else { "without" })
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> String {
    std::env::consts::ARCH.to_owned()
}

impl Table {
    pub(crate) fn read(file: &Path) -> Result<Self, Box<dyn Error>> {
        let text = fs::read_to_string(file)?;
        let fact = |name: &str| {
            let found = text.lines().find_map(|line| line.strip_prefix(name));
            found.map(str::to_owned).ok_or_else(|| format!("{}: no {name}", file.display()))
        };
        let machine = Machine { features: fact("# features: ")?, tools: fact("# tools: ")? };
        let lines = text.lines().filter(|line| !line.starts_with('#') && *line != COLUMNS);
        let rows = lines.map(|line| Row::of(line).ok_or_else(|| format!("not a row: {line}")));
        Ok(Self { machine, rows: rows.collect::<Result<_, _>>()? })
    }

    pub(crate) fn write(&self, file: &Path) -> io::Result<()> {
        let Machine { features, tools } = &self.machine;
        let mut text = format!(
            "# Instructions of hot kernels, counted under valgrind by .ci/instructions --write\n\
             # features: {features}\n# tools: {tools}\n{COLUMNS}\n"
        );
        for Row { name, instructions, allowed_percent } in &self.rows {
            let _ = writeln!(text, "{name}\t{instructions:.3}\t{allowed_percent}");
        }
        fs::write(file, text)
    }
}

impl Row {
    fn of(line: &str) -> Option<Self> {
        let mut cells = line.split('\t');
        let name = cells.next()?.to_owned();
        // A new line may hold the name alone.
        let mut number = |default: f64| cells.next().map_or(Some(default), |n| n.parse().ok());
        Some(Self { name, instructions: number(0.0)?, allowed_percent: number(5.0)? })
    }
}
