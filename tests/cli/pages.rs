//! Completions and manual pages: what shells and `man` make of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::common::{folder, names, program_path, voxstore};

/// Subcommands as the program's help lists them.
fn commands() -> BTreeSet<String> {
    let help = voxstore!("--help").succeeds().stdout;
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let name = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    // Lines that go on with a description are indented further.
    let lines = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    lines.map(name).collect()
}

/// What bash offers for the last of these words, once it has sourced the script.
fn offered(words: &[&str]) -> BTreeSet<String> {
    let script = r#"source <("$PROGRAM" completions bash) || exit 9
        complete -p voxstore >&2 || exit 8
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _voxstore voxstore "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let output = Command::new("bash")
        .args(["--norc", "-c", script, "bash"])
        .args(words)
        .env("PROGRAM", program_path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    let all = offered(&["voxstore", ""]);
    assert!(commands().len() > 10 && commands().is_subset(&all), "{all:?}");
    assert_eq!(offered(&["voxstore", "comp"]), BTreeSet::from(["completions".to_owned()]));
    assert!(offered(&["voxstore", "info", "--fi"]).contains("--field"));
    assert!(offered(&["voxstore", "info", "--field", "tr_"]).contains("tr_seconds"));
    assert!(offered(&["voxstore", "explain", ""]).contains("reduce"));
    assert!(offered(&["voxstore", "tsnr", "--like", "ni"]).contains("nipype"));
}

#[test]
fn there_is_a_script_for_every_shell() {
    for (shell, word) in [
        ("bash", "complete -F _voxstore"),
        ("zsh", "#compdef voxstore"),
        ("fish", "complete -c voxstore"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        voxstore!("completions", shell).succeeds().shows(&[word]);
    }
    voxstore!("completions", "dos").fails(2, &["dos", "zsh"]);
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = folder();
    let pages = folder.path().join("man1");
    voxstore!("man", "--output", pages).succeeds();
    let found: BTreeSet<String> = names(&pages).into_iter().collect();
    let mut expected = BTreeSet::from(["voxstore.1".to_owned()]);
    let named = commands().into_iter().filter(|command| command != "help");
    expected.extend(named.map(|command| format!("voxstore-{command}.1")));
    expected.extend(["tsnr", "reduce"].map(|job| format!("voxstore-explain-{job}.1")));
    assert_eq!(found, expected);
    for name in &found {
        let text = fs::read_to_string(pages.join(name)).unwrap();
        assert!(text.contains(".SH SYNOPSIS") && text.contains(".SH OPTIONS"), "{name}: {text}");
    }
    let page = fs::read_to_string(pages.join("voxstore-tsnr.1")).unwrap();
    assert_eq!(voxstore!("man", "tsnr").succeeds().stdout, page);
    voxstore!("man").succeeds().shows(&[".TH voxstore 1"]);
    voxstore!("man", "explain-tsnr").succeeds().shows(&[".TH voxstore-explain-tsnr 1"]);
    voxstore!("man", "tnsr").fails(2, &["voxstore-tnsr", "explain-tsnr", "verify"]);
    voxstore!("man", "--output", pages).fails(1, &["voxstore.1 exists", "--force"]);
    voxstore!("man", "--output", pages, "--force").succeeds();
    for name in found {
        render(&pages.join(name));
    }
}

/// Where there is groff, it renders the page without a word, and no example loses its line.
fn render(page: &Path) {
    let mut groff = Command::new("groff");
    groff.args(["-man", "-Tascii", "-ww", "-P-cbou"]).arg(page);
    let Ok(output) = groff.output() else { return };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && output.stderr.is_empty(), "{}: {output:?}", page.display());
    assert!(text.contains("SYNOPSIS"), "{text}");
    let name = page.file_stem().unwrap().to_string_lossy().replace('-', " ");
    if let Some(examples) = text.split("EXAMPLES\n").nth(1) {
        let begins = |line: &str| line.trim_start().starts_with("voxstore ");
        assert!(examples.lines().any(begins), "{name}: {examples}");
    }
}
