//! What do benches that write a page share? What they are asked for, and on what and with which versions they measured.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The libraries that decide sizes and rates.
const LIBRARIES: [&str; 6] = ["zarrs", "blosc-src", "zstd-sys", "lz4-sys", "flate2", "zlib-rs"];

/// `[--write] [--rounds N] [FOLDER...]`
pub(crate) struct Asked {
    pub(crate) write: bool,
    pub(crate) rounds: usize,
    pub(crate) folders: Vec<PathBuf>,
}

impl Asked {
    pub(crate) fn from_args() -> Self {
        let mut asked = Self { write: false, rounds: 5, folders: Vec::new() };
        let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--write" => asked.write = true,
                "--rounds" => asked.rounds = args.next().unwrap().parse().unwrap(),
                folder => asked.folders.push(PathBuf::from(folder)),
            }
        }
        asked
    }
}

pub(crate) fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cpu = cpu.map_or(std::env::consts::ARCH, |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cpu}, {cores} cores, {}", std::env::consts::OS)
}

pub(crate) fn versions() -> String {
    let lock = include_str!("../../Cargo.lock");
    let version = |name: &str| {
        let (_, after) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        Some(format!("{name} {}", after.split('"').next()?))
    };
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    let ours = format!("voxstore {}", env!("CARGO_PKG_VERSION"));
    let all = [ours].into_iter().chain(rustc).chain(LIBRARIES.iter().filter_map(|n| version(n)));
    all.collect::<Vec<_>>().join(", ")
}
