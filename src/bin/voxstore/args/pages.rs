//! The arguments of `voxstore completions` and `voxstore man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// Print a script with which a shell completes commands, options and their values
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore completions bash > ~/.local/share/bash-completion/completions/voxstore
  voxstore completions zsh > ~/.zfunc/_voxstore          # a folder of $fpath
  voxstore completions fish > ~/.config/fish/completions/voxstore.fish
  source <(voxstore completions bash)                    # for this session")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// Print the manual page of a command, or write those of all
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore man tsnr | man -l -
  voxstore man explain-reduce > voxstore-explain-reduce.1
  voxstore man --output ~/.local/share/man/man1          # all of them; then: man voxstore-tsnr")]
pub(crate) struct ManArgs {
    /// The command; one of a command with a hyphen, as in explain-tsnr [default: voxstore itself]
    #[arg(value_name = "COMMAND", conflicts_with = "output")]
    pub(crate) command: Option<String>,
    /// Write the pages of all commands into this folder, voxstore.1, voxstore-info.1 and so on
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Overwrite pages
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
}
