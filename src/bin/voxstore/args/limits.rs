//! What several commands take: which runs of a store, how files are read, within which limits, and how
//! much is said. [`LimitArgs`] makes a session of it, with Ctrl-C and a progress bar.

use std::sync::Arc;

use anyhow::Result;
use clap::{Args, ValueEnum};
use voxstore::bids::Filter;
use voxstore::nifti::{Io, OpenOptions, TimeDim};
use voxstore::{CancelToken, Session, SessionBuilder};

use crate::bar::Bar;
use crate::exit::Misuse;
use crate::signals;

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// Only runs of the store whose path or name matches; repeatable
    #[arg(long = "run", value_name = "GLOB")]
    pub(crate) globs: Vec<String>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
}

#[derive(Args, Debug)]
pub(crate) struct FilterArgs {
    /// Only files or runs with this BIDS entity, such as sub=01 or task=rest*; repeatable, several values of one
    /// entity are alternatives
    #[arg(long = "entity", value_name = "KEY=VALUE")]
    entities: Vec<String>,
    /// Only files or runs with this BIDS suffix; repeatable [default: bold in a BIDS dataset, else all]
    #[arg(long = "suffix", value_name = "SUFFIX")]
    suffixes: Vec<String>,
}

impl FilterArgs {
    /// # Errors
    /// What is no `KEY=VALUE`, as misuse.
    pub(crate) fn filter(&self) -> Result<Filter> {
        Filter::new(&self.entities, &self.suffixes).map_err(|e| Misuse(e.to_string()).into())
    }
}

#[derive(Args, Debug)]
pub(crate) struct ReadingArgs {
    /// How plain .nii and .img files are read: mapped, by positioned reads, or as suits the file system
    #[arg(long, value_enum, default_value_t = IoArg::Auto)]
    io: IoArg,
    /// Where time is in files of five dimensions: 5 takes dim[5] for it, where dim[4] is 1
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(4..=5))]
    time_dim: u8,
}

impl ReadingArgs {
    pub(crate) fn options(&self) -> OpenOptions {
        let io = match self.io {
            IoArg::Auto => Io::Auto,
            IoArg::Map => Io::Map,
            IoArg::Read => Io::Read,
        };
        let time_dim = if self.time_dim == 5 { TimeDim::Fifth } else { TimeDim::Fourth };
        OpenOptions { io, time_dim }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum IoArg {
    Auto,
    Map,
    Read,
}

#[derive(Args, Debug)]
pub(crate) struct LimitArgs {
    /// The most memory the process may use
    #[arg(long, alias = "mem", default_value = "512MiB", value_name = "SIZE")]
    memory: String,
    /// Threads that read and compute [default: all cores]
    #[arg(long, alias = "nprocs", value_name = "N")]
    threads: Option<usize>,
}

#[derive(Args, Debug)]
pub(crate) struct TalkArgs {
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Do not tell how far the work is
    #[arg(long)]
    pub(crate) no_progress: bool,
}

impl LimitArgs {
    /// The session these limits describe, with a progress bar and Ctrl-C.
    pub(crate) fn session(&self, talk: &TalkArgs) -> Result<Session> {
        Ok(self.builder(talk)?.build()?)
    }

    /// What that is built from.
    pub(crate) fn builder(&self, talk: &TalkArgs) -> Result<SessionBuilder> {
        let cancel = CancelToken::new();
        signals::cancel_on_signal(cancel.clone())?;
        let mut builder = Session::builder().memory(&self.memory).cancel_token(cancel);
        if let Some(threads) = self.threads {
            builder = builder.threads(threads);
        }
        if !talk.quiet && !talk.no_progress {
            builder = builder.progress(Arc::new(Bar::new()));
        }
        Ok(builder)
    }
}
