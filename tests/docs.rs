//! Do `docs/numpy.md`, `docs/tutorial.md` and ARCHITECTURE.md name what there is, and has every operation an example?
//!
//! The sources are read as text: a public name is the first word below a doc comment, behind `pub fn`
//! or, in a macro that makes methods, at the start of its entry. That the examples hold is for the
//! doc tests to say.
#![expect(clippy::unwrap_used, reason = "files that cannot be read are a failure")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use walkdir::WalkDir;

/// A public function and its documentation.
struct Function {
    file: String,
    name: String,
    docs: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What is done to arrays, and how they are computed, explained and written.
const OPERATIONS: [&str; 4] = ["src/lazy", "src/exec", "src/plan/explain.rs", "src/write.rs"];

/// The documented public functions of files, and of the folders among them.
fn functions(places: &[&str]) -> Vec<Function> {
    let entries = places.iter().flat_map(|place| WalkDir::new(root().join(place)));
    let paths = entries.map(|entry| entry.unwrap().into_path());
    let mut found = Vec::new();
    for path in paths.filter(|path| path.extension().is_some_and(|e| e == "rs")) {
        let text = fs::read_to_string(&path).unwrap();
        let file = path.strip_prefix(root()).unwrap().display().to_string();
        let mut docs = String::new();
        for line in text.lines().map(str::trim).take_while(|line| *line != "mod tests {") {
            if line.starts_with("///") || line.starts_with("#[doc") {
                docs.push_str(line);
                docs.push('\n');
            } else if !line.starts_with('#') {
                let docs = std::mem::take(&mut docs);
                if let Some(name) = function_name(line).filter(|_| !docs.is_empty()) {
                    found.push(Function { file: file.clone(), name: name.to_owned(), docs });
                }
            }
        }
    }
    found
}

/// The public function that a line below a doc comment begins, if it begins one.
fn function_name(line: &str) -> Option<&str> {
    if let Some(signature) = line.strip_prefix("pub fn ") {
        return Some(word(signature)).filter(|name| !name.is_empty());
    }
    // An entry of a macro: a small word, and no field, item or end of a block behind it.
    let name = word(line);
    let is_item = ["pub", "fn", "impl", "struct", "enum", "trait", "const", "type", "use", "mod"];
    let starts_entry = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() > 1;
    let after = line.strip_prefix(name).unwrap_or_default();
    (starts_entry && !is_item.contains(&name) && !after.starts_with(':')).then_some(name)
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// The cells of the second column of all tables of `docs/numpy.md`, each with its line.
fn our_column() -> Vec<(usize, String)> {
    let text = fs::read_to_string(root().join("docs/numpy.md")).unwrap();
    let row = |(line, text): (usize, &str)| {
        let cells = text.strip_prefix('|')?.replace("\\|", "or");
        Some((line + 1, cells.split('|').nth(1)?.to_owned()))
    };
    let rows: Vec<_> = text.lines().enumerate().filter_map(row).collect();
    assert!(rows.len() > 80, "expected the tables, found {} rows", rows.len());
    rows
}

/// The functions that a cell calls: words in backticks before `(` or `::<`; and, where a cell names
/// them alone, as the table of what is not there does, the whole of the backticks.
fn called(cell: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for code in cell.split('`').skip(1).step_by(2) {
        let mut from = 0;
        while from < code.len() {
            let name = word(&code[from..]);
            let after = &code[from + name.len()..];
            let is_called = after.starts_with('(') || after.starts_with("::<") || name == code;
            if is_called && name.starts_with(|c: char| c.is_ascii_lowercase()) {
                names.push(name);
            }
            from += name.len() + after.chars().next().map_or(0, char::len_utf8);
        }
    }
    names
}

#[test]
fn every_name_on_our_side_of_the_tables_exists() {
    let known: BTreeMap<String, String> =
        functions(&["src"]).into_iter().map(|f| (f.name, f.file)).collect();
    // Words that name what a reader chooses, not a function.
    let free = ["fit", "by"];
    let mut missing = Vec::new();
    for (line, cell) in our_column() {
        for name in called(&cell) {
            let of_twin = name.strip_suffix("_with").unwrap_or(name);
            if ![name, of_twin].iter().any(|n| known.contains_key(*n) || free.contains(n)) {
                missing.push(format!("docs/numpy.md:{line}: there is no {name}()"));
            }
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn every_operation_on_arrays_is_in_the_tables() {
    let cells = our_column();
    let listed: Vec<&str> = cells.iter().flat_map(|(_, cell)| called(cell)).collect();
    let mut missing = Vec::new();
    for Function { file, name, .. } in functions(&OPERATIONS) {
        // Twins are told of in one sentence.
        let name = name.strip_suffix("_with").unwrap_or(&name);
        if !listed.contains(&name) {
            missing.push(format!("{file}: {name} is not in docs/numpy.md"));
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn every_operation_on_arrays_has_an_example() {
    // Facts of an array, which examples of operations show.
    let facts = ["shape", "ndim", "dtype", "size", "nbytes", "block_shape", "block_counts"];
    let mut missing = Vec::new();
    for Function { file, name, docs } in functions(&OPERATIONS) {
        let is_twin = name.ends_with("_with") && docs.contains("with options");
        if !docs.contains("```") && !is_twin && !facts.contains(&name.as_str()) {
            missing.push(format!("{file}: {name} has no example"));
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_file_and_function_that_the_architecture_names_is_there() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let place = |path: &str| {
        [root().join("src").join(path), root().join(path)].into_iter().find(|p| p.exists())
    };
    let (mut files, mut functions) = (0, 0);
    for name in quoted(&text) {
        let (path, of_file) = name.split_once(": ").unwrap_or((name, ""));
        let is_file = Path::new(path).extension().is_some_and(|ending| ending == "rs");
        let is_path = is_file || (path.ends_with('/') && path.len() > 1);
        if !is_path || path.contains(char::is_whitespace) {
            continue;
        }
        let found = place(path).unwrap_or_else(|| panic!("ARCHITECTURE.md names {path}"));
        files += 1;
        for function in of_file.split(", ").filter(|function| !function.is_empty()) {
            let last = function.rsplit("::").next().unwrap();
            let code = fs::read_to_string(&found).unwrap();
            let kinds = ["fn", "struct", "enum", "trait", "const"];
            let is_there = kinds.iter().any(|kind| {
                code.match_indices(&format!("{kind} {last}")).any(|(at, found)| {
                    !code[at + found.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
                })
            });
            assert!(is_there, "ARCHITECTURE.md names {function} in {path}");
            functions += 1;
        }
    }
    assert!(files > 50 && functions > 20, "{files} files and {functions} functions are named");
}

#[test]
fn every_word_that_the_tutorial_links_is_in_the_glossary_and_linked_once() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let (glossary, tutorial) = (read("docs/glossary.md"), read("docs/tutorial.md"));
    let rows = glossary.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let known: Vec<String> = rows.map(|(word, _)| word.to_lowercase()).collect();
    let before = tutorial.split("](glossary.md)");
    let mut words: Vec<String> =
        before.filter_map(|text| Some(text.rsplit_once('[')?.1.to_lowercase())).collect();
    words.pop(); // What stands behind the last link is no word.
    assert!(words.len() > 20, "{words:?}");
    for (at, word) in words.iter().enumerate() {
        let one = word.strip_suffix('s').unwrap_or(word);
        let is_known =
            known.iter().any(|w| w == word || w == one || w.replace(',', " and") == *word);
        assert!(is_known || word == "glossary", "{word} is not in docs/glossary.md");
        assert!(!words[..at].contains(word), "{word} is linked twice");
    }
}
