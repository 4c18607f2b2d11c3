//! File systems of our own: a small one, or one that is not to be written.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::common::{Answer, program_path};

/// A mount namespace that is there as long as this is, and leaves nothing.
pub(crate) struct Sandbox {
    holder: Child,
    /// How to get in: what `nsenter` is to be told.
    enter: &'static [&'static str],
}

impl Sandbox {
    /// Mounts by a shell script, with `$1` for this path. `None`, and a line that says so, where the system
    /// does not allow it.
    pub(crate) fn new(script: &str, path: &Path) -> Option<Self> {
        // As root; else as somebody who is root in a namespace of users.
        let ways: [(&[&str], &[&str]); 2] =
            [(&["-m"], &["-m"]), (&["-rm"], &["-U", "-m", "--preserve-credentials"])];
        let found = ways.into_iter().find_map(|(unshare, enter)| {
            let mut holder = Command::new("unshare")
                .args(unshare)
                .args(["sh", "-c", &format!("{script} && echo ready && exec cat"), "sh"])
                .arg(path)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .ok()?;
            let mut line = String::new();
            BufReader::new(holder.stdout.take()?).read_line(&mut line).ok()?;
            let sandbox = Self { holder, enter };
            (line == "ready\n" && sandbox.sh("true").status().is_ok_and(|s| s.success()))
                .then_some(sandbox)
        });
        if found.is_none() {
            println!("SKIPPED: mounting is not allowed here");
        }
        found
    }

    fn enter(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.holder.id().to_string()]).args(self.enter).arg("--");
        command
    }

    fn sh(&self, script: &str) -> Command {
        let mut command = self.enter();
        command.args(["sh", "-c", script, "sh"]);
        command
    }

    /// Runs a shell script, with `$1` for this path, which must succeed.
    #[track_caller]
    pub(crate) fn shell(&self, script: &str, path: &Path) {
        assert!(self.sh(script).arg(path).status().unwrap().success(), "{script}");
    }

    /// Runs the program.
    pub(crate) fn run(&self, args: Vec<OsString>) -> Answer {
        let output = self.enter().arg(program_path()).args(&args).output().unwrap();
        Answer::of(args, output)
    }

    /// A path inside, as it is seen from outside.
    pub(crate) fn outside(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(path.strip_prefix("/").unwrap())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Its standard input ends, and with it the process and what it has mounted.
        drop(self.holder.stdin.take());
        drop(self.holder.wait());
    }
}
