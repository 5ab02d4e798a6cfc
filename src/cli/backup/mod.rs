//! `silverback backup`: makes, lists and restores backups.

mod create;
mod list;
mod restore;

use clap::{Args, Subcommand};
use silverback::Sharing;

use crate::cli::{Context, Status};

/// Arguments of `silverback backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Back the store up as it is now, also while it is written; what an earlier backup has is kept
    #[command(before_help = "silverback backup create backups")]
    Create(create::CreateArguments),
    /// List the backups
    #[command(before_help = "silverback backup list backups")]
    List(list::ListArguments),
    /// Make a new store, in the directory of --db, of a backup
    #[command(before_help = "silverback --db restored backup restore backups")]
    Restore(restore::RestoreArguments),
}

pub(crate) fn run(arguments: &BackupArguments, context: &Context) -> anyhow::Result<Status> {
    match &arguments.verb {
        Verb::Create(arguments) => create::run(arguments, context)?,
        Verb::List(arguments) => list::run(arguments)?,
        Verb::Restore(arguments) => restore::run(arguments, context)?,
    }
    Ok(Status::Done)
}

fn sharing(copy: bool) -> Sharing {
    if copy { Sharing::Copied } else { Sharing::Linked }
}
