//! Which volumes does a file say to leave out?
//!
//! Two forms: AFNI's censor files (`1D`: a line a volume, 1 to keep it and 0 to leave it out), and
//! fMRIPrep's confounds (`.tsv`: a column an outlier, 1 at its volume). Other columns are not looked at.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use voxstore::Run;

/// Columns of confounds that mark a volume; a number follows.
const OUTLIERS: [&str; 2] = ["non_steady_state_outlier", "motion_outlier"];

/// A longer line is not what these files have: confounds of a thousand columns take 20 KB a row.
const LINE_BYTES: u64 = 1 << 20;

/// What a file says of a run.
#[derive(Debug, Default)]
pub(super) struct Censored {
    /// Volumes to leave out, from 0.
    pub(super) volumes: Vec<u64>,
    pub(super) warnings: Vec<String>,
}

/// Reads the file that belongs to a run.
pub(super) fn read(path: &Path, run: &Run) -> Result<Censored> {
    let name = path.display();
    let file = File::open(path)
        .with_context(|| format!("{name}: cannot be opened; check what follows --censor"))?;
    let volumes = run.shape()[3];
    let mut lines = Lines { path, reader: BufReader::new(file), at: 0 };
    let is_table = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("tsv"));
    let (rows, censored) =
        if is_table { table(&mut lines, volumes)? } else { series(&mut lines, volumes)? };
    if rows != volumes {
        let rows = if rows > volumes { format!("more than {volumes}") } else { rows.to_string() };
        bail!(
            "{name}: {rows} volumes, but {} has {volumes}; give the file of this run",
            run.name()
        );
    }
    Ok(censored)
}

/// Lines of a file, one at a time, each with a limit.
struct Lines<'a> {
    path: &'a Path,
    reader: BufReader<File>,
    /// The number of the last one.
    at: u64,
}

impl Lines<'_> {
    /// The next line without its end.
    fn next(&mut self) -> Result<Option<String>> {
        self.at += 1;
        let mut line = Vec::new();
        let mut limited = self.reader.by_ref().take(LINE_BYTES);
        let fault = || format!("{}: line {} cannot be read", self.path.display(), self.at);
        let bytes = limited.read_until(b'\n', &mut line).with_context(fault)?;
        if bytes as u64 == LINE_BYTES {
            bail!("{}: a line of more than {LINE_BYTES} bytes is not text", fault());
        }
        let text = String::from_utf8(line).with_context(fault)?;
        Ok((bytes > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

/// A line a volume: how many, and those with a 0.
fn series(lines: &mut Lines<'_>, most: u64) -> Result<(u64, Censored)> {
    let (mut rows, mut censored) = (0, Censored::default());
    while let Some(line) = lines.next()? {
        // AFNI writes comments, and leaves empty lines out of account.
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        match flag(line) {
            Some(true) => {}
            Some(false) => censored.volumes.push(rows),
            None => bail!(
                "{}: line {} is {line:?}; expected 0 (leave the volume out) or 1 (keep it), one \
                 number a line; a table of confounds has a name that ends in .tsv",
                lines.path.display(),
                lines.at
            ),
        }
        rows += 1;
        if rows > most {
            break;
        }
    }
    Ok((rows, censored))
}

/// A row a volume below names of columns: how many, and those that a column marks.
fn table(lines: &mut Lines<'_>, most: u64) -> Result<(u64, Censored)> {
    let name = lines.path.display();
    let Some(head) = lines.next()? else { bail!("{name}: is empty") };
    let columns: Vec<&str> = head.split('\t').collect();
    let marks: Vec<usize> = (0..columns.len()).filter(|&k| is_outlier(columns[k])).collect();
    let (mut rows, mut censored) = (0, Censored::default());
    if marks.is_empty() {
        censored.warnings.push(format!(
            "{name}: no column {}XX; no volume of it is left out",
            OUTLIERS.join("XX or ")
        ));
    }
    while let Some(line) = lines.next()? {
        let (at, cells): (_, Vec<&str>) = (lines.at, line.split('\t').collect());
        if cells == [""] {
            continue;
        }
        if cells.len() != columns.len() {
            bail!("{name}: line {at} has {} cells, expected {}", cells.len(), columns.len());
        }
        let mut is_marked = false;
        for &k in &marks {
            let Some(mark) = flag(cells[k]) else {
                bail!("{name}: line {at}, column {}: {:?}; expected 0 or 1", columns[k], cells[k]);
            };
            is_marked |= mark;
        }
        if is_marked {
            censored.volumes.push(rows);
        }
        rows += 1;
        if rows > most {
            break;
        }
    }
    Ok((rows, censored))
}

fn is_outlier(column: &str) -> bool {
    let number = OUTLIERS.iter().find_map(|name| column.strip_prefix(name));
    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// 0 or 1, also as `0.0` or `1.0`.
fn flag(text: &str) -> Option<bool> {
    match text.trim().parse::<f64>() {
        Ok(0.0) => Some(false),
        Ok(1.0) => Some(true),
        _ => None,
    }
}
