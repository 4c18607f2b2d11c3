//! On what, and with which versions, was it measured?

use std::fs;
use std::process::Command;

/// The libraries that decide sizes and rates.
const LIBRARIES: [&str; 6] = ["zarrs", "blosc-src", "zstd-sys", "lz4-sys", "flate2", "zlib-rs"];

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
