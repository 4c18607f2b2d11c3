//! Has every row of the table a test, and does every test name a row?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use walkdir::WalkDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The codes in a first cell: `N84 to N87`, or `N24, N25`.
fn codes_in(cell: &str) -> Vec<String> {
    let numbers = |code: &str| code[1..].parse::<u32>().unwrap();
    if let Some((from, to)) = cell.split_once(" to ") {
        let letter = &from[..1];
        return (numbers(from)..=numbers(to)).map(|n| format!("{letter}{n:02}")).collect();
    }
    cell.split(", ").map(str::to_owned).collect()
}

/// The codes of the rows of `docs/correctness.md`.
fn rows() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("docs/correctness.md")).unwrap();
    let (rules, _) = text.split_once("## Other readers").expect("the comparison comes last");
    let cells = rules.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    cells.filter(|cell| is_code(cell.get(..3).unwrap_or_default())).flat_map(codes_in).collect()
}

fn is_code(text: &str) -> bool {
    let Some(number) = text.strip_prefix(['N', 'S']) else { return false };
    number.len() == 2 && number.bytes().all(|b| b.is_ascii_digit())
}

/// The tests below `tests/`, by the file they are in.
fn tests() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in WalkDir::new(root().join("tests")) {
        let path = entry.unwrap().into_path();
        if path.extension().is_none_or(|ending| ending != "rs") {
            continue;
        }
        let file = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let mut is_test = false;
        for line in fs::read_to_string(&path).unwrap().lines().map(str::trim) {
            if let Some(function) = line.strip_prefix("fn ").filter(|_| is_test) {
                let name = function.split('(').next().unwrap().to_owned();
                found.entry(file.clone()).or_default().push(name);
            }
            is_test = line == "#[test]";
        }
    }
    found
}

/// The row that a test's name begins with: `n24_an_offset_of_0_is_refused`.
fn row_of(test: &str) -> Option<String> {
    let code = test.get(..3)?.to_ascii_uppercase();
    (test.as_bytes().get(3) == Some(&b'_') && is_code(&code)).then_some(code)
}

#[test]
fn the_table_has_every_case_that_was_agreed_on() {
    let rows = rows();
    let agreed = (1..=95).map(|n| format!("N{n:02}")).chain((1..=11).map(|n| format!("S{n:02}")));
    let missing: Vec<String> = agreed.filter(|code| !rows.contains(code)).collect();
    assert!(missing.is_empty(), "docs/correctness.md has no row for {missing:?}");
}

#[test]
fn every_row_has_a_test_and_every_test_a_row() {
    let (rows, tests) = (rows(), tests());
    let mut tested = BTreeSet::new();
    for (file, names) in &tests {
        let is_ours = file.starts_with("tests/correctness/") && !file.ends_with("table.rs");
        for name in names {
            match row_of(name) {
                Some(code) => {
                    assert!(rows.contains(&code), "{file}: {name} tests no row of the table");
                    tested.insert(code);
                }
                None => assert!(!is_ours, "{file}: {name} does not name a row of the table"),
            }
        }
    }
    let missing: Vec<&String> = rows.difference(&tested).collect();
    assert!(missing.is_empty(), "rows of docs/correctness.md without a test: {missing:?}");
}
