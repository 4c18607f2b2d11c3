//! What are the regions of an atlas called? Asks a table of BIDS derivatives: columns `index` and `name`, others
//! are not looked at.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use voxstore::jobs::RegionRow;

/// A longer file is no table of labels: FreeSurfer's whole list takes 60 KB. It is held beside the data.
const MOST_BYTES: u64 = 1 << 20;

/// Names by label.
#[derive(Debug, Default)]
pub(super) struct Names {
    path: PathBuf,
    names: BTreeMap<i64, String>,
}

impl Names {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let file = File::open(path)
            .with_context(|| format!("{name}: cannot be opened; check what follows --labels"))?;
        let mut text = String::new();
        file.take(MOST_BYTES + 1)
            .read_to_string(&mut text)
            .with_context(|| format!("{name}: cannot be read as text"))?;
        if text.len() as u64 > MOST_BYTES {
            bail!("{name}: has more than {MOST_BYTES} bytes; expected a table of labels, as .tsv");
        }
        let mut lines = text.lines();
        let head: Vec<&str> =
            lines.next().unwrap_or("").trim_start_matches('\u{feff}').split('\t').collect();
        let column = |wanted: &str| head.iter().position(|column| *column == wanted);
        let (Some(index), Some(called)) = (column("index"), column("name")) else {
            bail!(
                "{name}: the columns are {head:?}; expected index and name between tabs, as in the _dseg.tsv of \
                 BIDS derivatives"
            );
        };
        let mut names = BTreeMap::new();
        for (number, line) in (2..).zip(lines).filter(|(_, line)| !line.trim().is_empty()) {
            let cells: Vec<&str> = line.split('\t').collect();
            if cells.len() != head.len() {
                bail!("{name}: line {number} has {} cells, expected {}", cells.len(), head.len());
            }
            let Ok(label) = cells[index].trim().parse::<i64>() else {
                bail!(
                    "{name}: line {number}, column index: {:?}; expected an integer",
                    cells[index]
                );
            };
            let new = cells[called].trim().to_owned();
            if let Some(old) = names.insert(label, new.clone()).filter(|old| *old != new) {
                bail!("{name}: line {number}: label {label} is called {new:?}, and {old:?} above");
            }
        }
        Ok(Self { path: path.to_owned(), names })
    }

    /// The name of a label, where it has one.
    pub(super) fn of(&self, label: i64) -> Option<&str> {
        self.names.get(&label).map(String::as_str).filter(|name| !name.is_empty() && *name != "n/a")
    }

    /// Says how many names no voxel has, and how many regions no name.
    pub(super) fn warning(&self, rows: &[RegionRow]) -> Option<String> {
        let has_row = |label: &i64| rows.binary_search_by_key(label, |row| row.label).is_ok();
        let absent = self.names.keys().filter(|label| **label != 0 && !has_row(label)).count();
        let unnamed = rows.iter().filter(|row| self.of(row.label).is_none()).count();
        (!self.names.is_empty() && absent + unnamed > 0).then(|| {
            format!(
                "{}: {absent} of its labels have no voxel in the atlas, {unnamed} of {} regions have no name in it",
                self.path.display(),
                rows.len()
            )
        })
    }
}
