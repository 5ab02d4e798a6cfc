//! `silverback man` and `silverback completions`: what a package installs beside the binary.

use std::io::{self, Write};

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::help::find;
use crate::cli::{Arguments, Context, Status};

/// Arguments of `silverback man`.
#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// The verb, such as `query` [default: all of them in short]
    verb: Vec<String>,
}

/// Arguments of `silverback completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionArguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn man(arguments: &ManArguments, _: &Context) -> anyhow::Result<Status> {
    let command = find(Arguments::command(), &arguments.verb)?;
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    io::stdout().lock().write_all(&page)?;
    Ok(Status::Done)
}

pub(crate) fn completions(arguments: &CompletionArguments, _: &Context) -> anyhow::Result<Status> {
    // Written at once: the generator itself panics where its output is closed.
    let mut script = Vec::new();
    let mut command = Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "silverback", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(Status::Done)
}
