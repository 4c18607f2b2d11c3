//! Which runs does a filter file mean?
//!
//! The form is fMRIPrep's: queries by name, each an object of entities by pybids' names. Of the queries `bold` is
//! honoured; those of files that are not read here say nothing.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};
use voxstore::bids::Filter;

use super::SUFFIX;
use crate::args::BidsArgs;
use crate::exit::Misuse;

/// The query for the runs.
const QUERY: &str = "bold";
/// Queries of fMRIPrep and its kin for other files.
const OTHERS: [&str; 7] = ["t1w", "t2w", "flair", "fmap", "sbref", "roi", "dwi"];
/// Entities that are honoured.
const ENTITIES: [&str; 10] = [
    "subject",
    "session",
    "task",
    "acquisition",
    "ceagent",
    "reconstruction",
    "direction",
    "run",
    "echo",
    "part",
];
/// What every run has, with the one value that it can have.
const GIVEN: [(&str, &str); 2] = [("suffix", SUFFIX), ("datatype", "func")];
const MOST_BYTES: u64 = 1 << 20;

/// The runs that are meant by the options and by the file, where one is given: both must hold.
pub(super) fn filter(args: &BidsArgs) -> Result<Filter> {
    let asked = args.filter()?;
    match &args.bids_filter_file {
        Some(path) => narrowed(asked, path),
        None => Ok(asked),
    }
}

fn narrowed(mut filter: Filter, path: &Path) -> Result<Filter> {
    let queries = read(path)?;
    let misuse = |text: String| Misuse(format!("{}: {text}", path.display()));
    let is_known = |key: &&String| *key == QUERY || OTHERS.contains(&key.as_str());
    if let Some(other) = queries.keys().find(|key| !is_known(key)) {
        let others = OTHERS.join(", ");
        let text = format!("no query {other:?}: {QUERY} is honoured, {others} are passed over");
        return Err(misuse(text).into());
    }
    let entities = match queries.get(QUERY) {
        None => {
            return Err(misuse(format!(
                "it has no query {QUERY:?}, which is all that is read of it"
            ))
            .into());
        }
        Some(Value::Object(entities)) => entities,
        Some(other) => return Err(misuse(format!("{QUERY} is {other}; expected an object")).into()),
    };
    for (key, value) in entities {
        let at = format!("{QUERY}.{key}");
        if let Some((_, only)) = GIVEN.iter().find(|(given, _)| given == key) {
            if value != only {
                return Err(misuse(format!("{at} is {value}; only {only:?} runs are done")).into());
            }
            continue;
        }
        if !ENTITIES.contains(&key.as_str()) {
            let known = ENTITIES.join(", ");
            return Err(misuse(format!("{at} is not honoured; expected some of {known}")).into());
        }
        if filter.names(key) {
            let text = format!("{at}: an option chooses by {key}, too; say it in one place");
            return Err(misuse(text).into());
        }
        filter = with(filter, key, value).map_err(|text| misuse(format!("{at} {text}")))?;
    }
    Ok(filter)
}

/// The filter, with what the value of this key may be: one, or a list of alternatives; null is that there is none,
/// `*` any.
fn with(filter: Filter, key: &str, value: &Value) -> Result<Filter, String> {
    let one = |filter: Filter, value: &Value| match value {
        Value::Null => Ok(filter.or_absent(key)),
        Value::String(text) if !text.is_empty() => {
            filter.with(key, text).map_err(|error| format!("is no filter: {error}"))
        }
        Value::Number(number) if number.is_u64() => {
            filter.with(key, &number.to_string()).map_err(|error| error.to_string())
        }
        other => {
            Err(format!("is {other}; expected a text, a whole number, null, or a list of them"))
        }
    };
    match value {
        Value::Array(values) if values.is_empty() => {
            Err("is an empty list; no run would be left".to_owned())
        }
        Value::Array(values) => values.iter().try_fold(filter, one),
        value => one(filter, value),
    }
}

fn read(path: &Path) -> Result<Map<String, Value>> {
    let shown = || format!("cannot read {}, the --bids-filter-file", path.display());
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES).read_to_end(&mut text))
        .with_context(shown)?;
    serde_json::from_slice(&text).map_err(|error| {
        let example = r#"expected JSON such as {"bold": {"task": "rest", "session": ["01"]}}"#;
        Misuse(format!("{}: {error}; {example}", path.display())).into()
    })
}
