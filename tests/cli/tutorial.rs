//! `docs/tutorial.md`: all its commands are run, in order, and must print what the page shows.
//!
//! The blocks of shell are one script, in a folder where `fixtures` is, as the page asks for. A block of
//! text behind one is what it prints, on both streams. There `...` in a line stands for anything, and
//! alone on a line for any number of lines. The page's Rust is a doc test.

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use super::common::{folder, program_path};

/// Separates what the blocks print: no program prints it.
const SEPARATOR: char = '\u{1e}';

/// What follows the output of a block that failed.
const ENDED: &str = "the script ended here:";

/// A block of shell, and the lines that it prints: none where no text follows.
#[derive(Debug, Default)]
struct Block<'page> {
    line: usize,
    shell: String,
    shown: Vec<&'page str>,
}

/// The blocks of shell of a page, each with the block of text behind it.
fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut found: Vec<Block<'_>> = Vec::new();
    let mut fence = None;
    // Whether nothing but empty lines came since a block of shell.
    let mut is_behind = false;
    for (at, line) in page.lines().enumerate() {
        match (fence, line.strip_prefix("```")) {
            (None, Some(kind)) => {
                match kind {
                    "sh" => found.push(Block { line: at + 1, ..Block::default() }),
                    "text" => assert!(is_behind, "line {}: text that no command prints", at + 1),
                    _ => {}
                }
                fence = Some(kind);
            }
            (Some(kind), Some(_)) => {
                is_behind = kind == "sh";
                fence = None;
            }
            (Some("sh"), None) => writeln!(found.last_mut().unwrap().shell, "{line}").unwrap(),
            (Some("text"), None) => found.last_mut().unwrap().shown.push(line),
            (Some(_), None) => {}
            (None, None) => is_behind &= line.is_empty(),
        }
    }
    found
}

/// Whether the lines shown are those printed, spaces at their ends aside.
fn is_what(shown: &[&str], printed: &[&str]) -> bool {
    match (shown, printed) {
        ([], rest) => rest.is_empty(),
        (["...", after @ ..], _) => (0..=printed.len()).any(|n| is_what(after, &printed[n..])),
        ([line, after @ ..], [said, rest @ ..]) => is_line(line, said) && is_what(after, rest),
        (_, []) => false,
    }
}

fn is_line(shown: &str, said: &str) -> bool {
    let (shown, said) = (shown.trim_end(), said.trim_end());
    let Some((start, others)) = shown.split_once("...") else { return shown == said };
    let Some(rest) = said.strip_prefix(start) else { return false };
    // What is left must come after anything.
    rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| is_line(others, &rest[at..]))
}

/// What each block prints; the last one is where the script ended, if it failed.
fn printed(blocks: &[Block<'_>], folder: &Path) -> Vec<String> {
    fs::create_dir(folder.join(".bin")).unwrap();
    symlink(program_path().canonicalize().unwrap(), folder.join(".bin/voxstore")).unwrap();
    symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), folder.join("fixtures"))
        .unwrap();
    let mut path = OsString::from(folder.join(".bin"));
    path.push(":");
    path.push(env::var_os("PATH").unwrap());
    let mut script = String::from("exec 2>&1\n");
    for block in blocks {
        write!(script, "printf '\\036'\n{}", block.shell).unwrap();
    }
    let mut shell = Command::new("sh");
    shell.args(["-eu", "-c", &script]).current_dir(folder).env("PATH", path).env("LC_ALL", "C");
    let output = shell.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut said: Vec<String> = text.split(SEPARATOR).skip(1).map(str::to_owned).collect();
    if !output.status.success() {
        writeln!(said.last_mut().unwrap(), "{ENDED} {}", output.status).unwrap();
    }
    said
}

#[test]
fn every_command_of_the_tutorial_prints_what_the_page_shows() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial.md");
    let page = fs::read_to_string(page).unwrap();
    let (blocks, folder) = (blocks(&page), folder());
    let said = printed(&blocks, folder.path());
    let is_shown = blocks.iter().filter(|block| !block.shown.is_empty()).count();
    assert!(is_shown > 10, "{is_shown} blocks show what they print");
    for (block, said) in blocks.iter().zip(&said) {
        let lines: Vec<&str> = said.lines().collect();
        assert!(
            is_what(&block.shown, &lines) && !said.contains(ENDED),
            "docs/tutorial.md:{}\n{}--- the page shows\n{}\n--- it printed\n{said}",
            block.line,
            block.shell,
            block.shown.join("\n"),
        );
    }
    assert_eq!(said.len(), blocks.len(), "blocks that were run");
}

#[test]
fn a_page_that_shows_something_else_is_noticed() {
    let page =
        "```sh\necho 12.54 in 3 s\necho b; echo c\n```\n\n```text\n12.54 in ... s\n...\nc\n```\n";
    let of = |page: &str| {
        let (blocks, folder) = (blocks(page), folder());
        let said = printed(&blocks, folder.path());
        !said[0].contains(ENDED) && is_what(&blocks[0].shown, &said[0].lines().collect::<Vec<_>>())
    };
    assert!(of(page));
    for (right, wrong) in [("12.54 in .", "12.55 in ."), ("... s", "... m"), ("\nc\n", "\nd\n")] {
        assert!(!of(&page.replace(right, wrong)), "{wrong}");
    }
    assert!(!of(&page.replace("...\nc\n", "...\nc\nc\nc\nc\n")), "lines that were not printed");
    assert!(!of(&page.replace("\n...\nc\n", "\nb\n")), "lines that the page leaves out");
    assert!(!of(&page.replace("echo b;", "exit 3;")), "a command that fails");
}
