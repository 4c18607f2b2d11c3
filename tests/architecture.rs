//! Which module may import which, and who may name which crate.
//!
//! The table is that of `ARCHITECTURE.md`. The test reads the sources as text: `use` lines and paths
//! that start at `crate::` or climb to it with `super::`. Comments and strings do not count.
#![expect(clippy::unwrap_used, reason = "sources that cannot be read are a failure")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// Types, boxes of indices and aligned memory: everyone's ground, importing nobody.
const BASE: [&str; 4] = ["buffer", "dtype", "grid", "json_number"];

/// Each module, and what it may import besides itself and, where `base` is true, the ground.
const RULES: [(&str, &[&str]); 27] = [
    ("bids", &["files"]),
    ("buffer", &[]),
    ("dtype", &[]),
    ("files", &[]),
    ("grid", &[]),
    ("json_number", &[]),
    ("picture", &["base"]),
    ("source", &["base"]),
    ("source_conformance", &["base", "source"]),
    ("sink", &["base"]),
    ("spill", &["base", "files", "source", "sink", "runtime"]),
    ("run", &["base", "source"]),
    ("runtime", &["base"]),
    ("kernel", &["base"]),
    ("lazy", &["base", "source", "run", "kernel"]),
    ("feed", &["base", "source", "kernel", "lazy"]),
    ("plan", &["base", "source", "spill", "kernel", "runtime", "lazy", "feed", "picture"]),
    ("exec", &["base", "source", "spill", "sink", "kernel", "runtime", "lazy", "feed", "plan"]),
    ("nifti", &["base", "bids", "files", "source", "sink", "run", "runtime"]),
    ("store", &["base", "bids", "files", "source", "sink", "run", "runtime"]),
    ("foreign", &["base", "files", "source", "run", "runtime", "nifti", "store"]),
    (
        "shard",
        &[
            "base", "source", "sink", "spill", "run", "runtime", "lazy", "plan", "exec", "store",
            "picture",
        ],
    ),
    (
        "jobs",
        &[
            "base", "source", "spill", "run", "runtime", "lazy", "plan", "exec", "sink", "picture",
            "shard",
        ],
    ),
    ("write", &["base", "run", "runtime", "lazy", "exec", "sink", "nifti", "store", "error"]),
    ("verify", &["base", "source", "run", "runtime", "nifti", "store"]),
    (
        "error",
        &[
            "bids", "source", "sink", "runtime", "lazy", "plan", "exec", "nifti", "store",
            "foreign", "jobs", "shard",
        ],
    ),
    ("lib", &[]),
];

/// All that `lazy` may know of the kernels: names of operations.
const KERNEL_NAMES_FOR_LAZY: [&str; 6] =
    ["ReduceOp", "BinaryOp", "QuantileMethod", "UnaryOp", "Overflow", "Basis"];

/// Crates that few places may name, so that they can be replaced there. Unit tests may ask any of
/// them for a second opinion.
const CONFINED: [(&str, &[&str]); 17] = [
    ("zarrs", &["src/store/codec/"]),
    ("zstd", &["src/store/codec/"]),
    // Mapped files, and buffers that are pages of their own.
    ("memmap2", &["src/nifti/mmap.rs", "src/buffer.rs"]),
    ("::nifti", &["src/nifti/header/"]),
    // C libraries.
    ("isal_sys", &["src/nifti/gzip/isal.rs"]),
    ("blosc_src", &["src/store/codec/blosc.rs"]),
    // What touches the disk; beside `files`, only what the system says of disks and files.
    ("rustix", &["src/files/", "src/runtime/disk.rs", "src/nifti/file_bytes.rs"]),
    ("tempfile", &["src/files/", "src/bin/"]),
    ("walkdir", &["src/files/", "src/bin/"]),
    // What draws, and what writes pages.
    ("colorous", &["src/picture/colour_maps.rs"]),
    ("embedded_graphics", &["src/picture/drawing/raster.rs"]),
    ("png", &["src/picture/indexed.rs"]),
    ("maud", &["src/jobs/report/"]),
    ("clap", &["src/bin/"]),
    ("anyhow", &["src/bin/"]),
    ("indicatif", &["src/bin/"]),
    ("comfy_table", &["src/bin/"]),
];

/// Files that may hold `unsafe`, as `ARCHITECTURE.md` lists them.
const UNSAFE: [&str; 3] =
    ["src/nifti/gzip/isal.rs", "src/nifti/mmap.rs", "src/store/codec/blosc.rs"];

/// A line of code: no comment, no string.
struct Line {
    file: String,
    number: usize,
    text: String,
    /// How many modules deep the line stands: 1 in `src/run.rs`.
    depth: usize,
    /// In `mod tests`, at the end of a file or in one of its own, or in `mod testing`.
    in_tests: bool,
}

impl Line {
    fn complain(&self, why: &str) -> String {
        format!("{}:{}: {why}\n    {}\n", self.file, self.number, self.text.trim())
    }

    /// The module right below the crate's root that the line is in.
    fn module(&self) -> &str {
        let inside = self.file.strip_prefix("src/").unwrap();
        inside.split('/').next().unwrap().trim_end_matches(".rs")
    }

    fn is_of_the_binary(&self) -> bool {
        self.file.starts_with("src/bin/")
    }
}

/// The code of `src/`, line by line.
fn sources() -> Vec<Line> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files: Vec<PathBuf> = WalkDir::new(root.join("src"))
        .sort_by_file_name()
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .collect();
    assert!(files.len() > 40, "expected the sources of voxstore, found {files:?}");
    let mut lines = Vec::new();
    for path in files {
        let file = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let parts = file.trim_end_matches("/mod.rs").matches('/').count();
        let code = without_comments_and_strings(&fs::read_to_string(&path).unwrap());
        let all_tests = ["/tests.rs", "/tests/", "/testing.rs"].iter().any(|p| file.contains(p));
        let mut in_tests = false;
        for (index, text) in code.lines().enumerate() {
            // A module within a file is one deeper; only `mod tests` is written that way here.
            in_tests |= text.starts_with("mod tests {");
            let depth = parts + usize::from(in_tests && text.starts_with(' '));
            lines.push(Line {
                file: file.clone(),
                number: index + 1,
                text: text.to_owned(),
                depth,
                in_tests: in_tests || all_tests,
            });
        }
    }
    lines
}

/// Blanks comments and the inside of strings, keeping the lines.
fn without_comments_and_strings(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(raw) = rest.strip_prefix("r#\"") {
            raw.find("\"#").map_or(rest.len(), |end| end + 5)
        } else if rest.starts_with("'\"'") || rest.starts_with("b'\"'") {
            rest[2..].find('\'').map_or(rest.len(), |end| end + 3)
        } else if first == '"' {
            string_length(rest)
        } else {
            0
        };
        if skipped == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            out.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
            rest = &rest[skipped..];
        }
    }
    out
}

/// Length of the string literal at the start of `code`, quotes included.
fn string_length(code: &str) -> usize {
    let mut escaped = false;
    for (at, c) in code.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    code.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where `word` stands in `text` as a word of its own.
fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        !text[..at].ends_with(is_word) && !text[at + word.len()..].starts_with(is_word)
    })
}

/// What follows the crate's root in each path of a line: `grid::Region` of `crate::grid::Region`.
fn paths_from_the_root(line: &Line) -> Vec<&str> {
    let mut found = Vec::new();
    for at in words(&line.text, "crate") {
        let before = &line.text[..at];
        if let Some(path) = line.text[at + 5..].strip_prefix("::")
            && !before.ends_with('$')
        {
            found.push(path);
        }
    }
    let mut rest = line.text.as_str();
    while let Some(at) = rest.find("super::") {
        let climbed = &rest[at..];
        let mut path = climbed;
        let mut levels = 0;
        while let Some(above) = path.strip_prefix("super::") {
            (path, levels) = (above, levels + 1);
        }
        if levels >= line.depth {
            found.push(path);
        }
        rest = path;
    }
    found
}

/// The modules that a path from the root starts with: several for `{grid::Region, source::Source}`.
fn first_names(path: &str) -> Vec<&str> {
    let head = |text: &str| text.find(|c| !is_word(c)).unwrap_or(text.len());
    let Some(list) = path.strip_prefix('{') else { return vec![&path[..head(path)]] };
    let (mut names, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(&list[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    names.into_iter().map(str::trim).filter(|n| !n.is_empty()).map(|n| &n[..head(n)]).collect()
}

fn may_import(module: &str, other: &str) -> Option<bool> {
    let (_, allowed) = RULES.iter().find(|(name, _)| *name == module)?;
    let is_base = BASE.contains(&other) && allowed.contains(&"base");
    Some(module == other || is_base || allowed.contains(&other))
}

fn report(problems: &[String]) {
    let mut text = String::new();
    for problem in problems {
        let _ = write!(text, "\n{problem}");
    }
    assert!(problems.is_empty(), "{} problems:\n{text}", problems.len());
}

#[test]
fn modules_import_only_what_lies_below_them() {
    let mut problems = Vec::new();
    let mut seen = 0;
    for line in sources().iter().filter(|line| !line.is_of_the_binary()) {
        let module = line.module();
        for path in paths_from_the_root(line) {
            for other in first_names(path) {
                seen += 1;
                // `lib.rs` is the root: it re-exports everything. Unit tests may hold any source
                // against its promises.
                if module == "lib" || (line.in_tests && other == "source_conformance") {
                    continue;
                }
                match may_import(module, other) {
                    None => problems.push(line.complain(&format!("{module} is in no rule"))),
                    Some(true) => {}
                    Some(false) => {
                        let why = format!("{module} must not import {other}");
                        problems.push(line.complain(&why));
                    }
                }
            }
        }
    }
    assert!(seen > 150, "expected the imports of voxstore, found {seen}");
    report(&problems);
}

#[test]
fn every_module_has_a_rule() {
    let lines = sources();
    let mut problems = Vec::new();
    for line in lines.iter().filter(|line| !line.is_of_the_binary()) {
        if line.number == 1 && !RULES.iter().any(|(name, _)| *name == line.module()) {
            problems.push(line.complain("a module without a rule; add it to RULES"));
        }
    }
    report(&problems);
}

#[test]
fn lazy_knows_the_names_of_operations_and_no_more_of_the_kernels() {
    let mut problems = Vec::new();
    for line in sources().iter().filter(|line| line.module() == "lazy") {
        for path in paths_from_the_root(line) {
            let Some(inside) = path.strip_prefix("kernel::") else { continue };
            for name in first_names(inside) {
                if !KERNEL_NAMES_FOR_LAZY.contains(&name) {
                    problems.push(line.complain(&format!("lazy must not know kernel::{name}")));
                }
            }
        }
    }
    report(&problems);
}

#[test]
fn crates_that_may_be_replaced_are_named_in_their_places_only() {
    let mut problems = Vec::new();
    for line in &sources() {
        for (name, places) in CONFINED {
            let plain = name.trim_start_matches(':');
            let named = words(&line.text, plain).any(|at| {
                let (before, after) = (&line.text[..at], &line.text[at + plain.len()..]);
                let path = after.starts_with("::") || before.trim() == "use";
                // `::nifti` is the crate, `nifti` our module; other names are nobody's module.
                let rooted = before.ends_with("::");
                let outermost = rooted && !before[..before.len() - 2].ends_with(is_word);
                path && if name.starts_with("::") { outermost } else { !rooted || outermost }
            });
            if named && !line.in_tests && !places.iter().any(|p| line.file.starts_with(p)) {
                problems.push(
                    line.complain(&format!("{plain} is named in {} only", places.join(", "))),
                );
            }
        }
    }
    report(&problems);
}

#[test]
fn the_disk_is_touched_through_one_layer() {
    // The types of a file and of its facts; the numbers of the process itself.
    let exempt = ["src/nifti/mmap.rs", "src/runtime/disk.rs", "src/runtime/peak.rs"];
    let is_free = |line: &&Line| {
        let file = line.file.as_str();
        line.in_tests
            || line.is_of_the_binary()
            || file.starts_with("src/files/")
            || exempt.contains(&file)
    };
    let mut problems = Vec::new();
    let mut through = 0;
    for line in sources().iter().filter(|line| !is_free(line)) {
        through += usize::from(words(&line.text, "files").next().is_some());
        // Traits and flags of `unix::fs` and `rustix::fs` open nothing.
        let named = words(&line.text, "fs").any(|at| {
            let (before, after) = (&line.text[..at], &line.text[at + 2..]);
            let elsewhere = before.ends_with("rustix::") || before.ends_with("unix::");
            before.ends_with("std::") || (after.starts_with("::") && !elsewhere)
        });
        // Methods of `Path`.
        let asked =
            [".exists()", ".try_exists()", "path.is_symlink()", ".read_dir()", ".canonicalize()"]
                .iter()
                .any(|call| line.text.contains(call));
        if named || asked {
            problems.push(line.complain("the disk is touched in src/files/ only"));
        }
    }
    assert!(through > 20, "expected calls of src/files/, found {through}");
    report(&problems);
}

#[test]
fn unsafe_code_is_in_the_files_that_are_listed() {
    let mut problems = Vec::new();
    let lines = sources();
    let uses = |line: &&Line| {
        words(&line.text, "unsafe").next().is_some()
            || words(&line.text, "unsafe_code").next().is_some()
    };
    for line in lines.iter().filter(uses) {
        if !UNSAFE.contains(&line.file.as_str()) {
            problems.push(line.complain("unsafe outside the files of UNSAFE"));
        }
    }
    for file in UNSAFE {
        if !lines.iter().filter(uses).any(|line| line.file == file) {
            problems.push(format!("{file}: listed in UNSAFE and holds none"));
        }
    }
    report(&problems);
}

#[test]
fn the_binary_is_built_on_the_public_api_alone() {
    let mut problems = Vec::new();
    for line in sources().iter().filter(|line| line.is_of_the_binary()) {
        // The compiler keeps private things private; sources pulled in by path it would not.
        if line.text.contains("#[path") || words(&line.text, "include").next().is_some() {
            problems.push(line.complain("the binary includes sources of the library"));
        }
    }
    report(&problems);
}

#[test]
fn only_the_binary_prints() {
    let mut problems = Vec::new();
    for line in sources().iter().filter(|line| !line.is_of_the_binary()) {
        for word in ["println", "eprintln", "print", "eprint", "stdout", "stderr"] {
            let called = words(&line.text, word)
                .any(|at| line.text[at + word.len()..].starts_with(['!', '(']));
            if called {
                problems.push(line.complain("the library prints"));
            }
        }
    }
    report(&problems);
}
