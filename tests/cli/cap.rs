//! A limit on memory that the kernel holds a process to.
//!
//! Two at once, as far as the machine allows: a memory cgroup, which counts every page and kills, and
//! `RLIMIT_DATA`, under which an allocation fails. The latter does not cover mapped pages of files.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use super::common::program_path;

/// Where memory cgroups may be made, and the file that takes their limit: version 1, version 2.
const GROUPS: [(&str, &str); 2] =
    [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];

static SAID: Once = Once::new();

/// A limit for the processes started under it.
pub(crate) struct Cap {
    bytes: u64,
    group: Option<PathBuf>,
}

impl Cap {
    #[expect(clippy::print_stderr, reason = "which cap it was belongs to the result")]
    pub(crate) fn of(bytes: u64) -> Self {
        let group =
            GROUPS.iter().find_map(|(base, limit)| new_group(Path::new(base), limit, bytes));
        SAID.call_once(|| match &group {
            Some(group) => eprintln!("memory is capped by {} and RLIMIT_DATA", group.display()),
            None => eprintln!(
                "memory is capped by RLIMIT_DATA only, which does not cover mapped pages: \
                 no memory cgroup can be made here"
            ),
        });
        Self { bytes, group }
    }

    /// The program with these arguments, under the limit from its first instruction on.
    pub(crate) fn command(&self, args: &[OsString]) -> Command {
        let script = r#"ulimit -d "$0" && { [ -z "$1" ] || echo $$ > "$1/cgroup.procs"; } && shift && exec "$@""#;
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg((self.bytes >> 10).to_string());
        command.arg(self.group.as_deref().unwrap_or(Path::new(""))).arg(program_path()).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Drop for Cap {
    fn drop(&mut self) {
        if let Some(group) = &self.group {
            drop(fs::remove_dir(group));
        }
    }
}

/// A cgroup of its own with this limit, where the machine lets one be made.
fn new_group(base: &Path, limit: &str, bytes: u64) -> Option<PathBuf> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let group = base.join(format!("voxstore-test-{}-{number}", std::process::id()));
    fs::create_dir(&group).ok()?;
    if !group.join(limit).exists() || fs::write(group.join(limit), bytes.to_string()).is_err() {
        drop(fs::remove_dir(&group));
        return None;
    }
    Some(group)
}
