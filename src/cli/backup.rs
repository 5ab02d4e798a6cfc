//! `silverback backup`: makes, lists and restores backups.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use silverback::{BackupEntry, BackupState, Backups, Sharing};

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
    Create(CreateArguments),
    /// List the backups
    List(ListArguments),
    /// Make a new store, in the directory of --db, of a backup
    Restore(RestoreArguments),
}

#[derive(Debug, Args)]
struct CreateArguments {
    /// The directory of the backups of this store
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Copy every segment, so that the backup shares nothing with the store or other backups
    #[arg(long)]
    copy: bool,
}

#[derive(Debug, Args)]
struct ListArguments {
    /// The directory of the backups
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// table or json
    #[arg(short, long, value_parser = ["table", "json"], default_value = "table")]
    output: String,
}

#[derive(Debug, Args)]
struct RestoreArguments {
    /// The directory of the backups
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Which backup [default: the newest]
    #[arg(long, value_name = "N")]
    number: Option<u64>,
    /// Copy every segment, so that the store shares nothing with the backup
    #[arg(long)]
    copy: bool,
}

pub(crate) fn run(arguments: &BackupArguments, context: &Context) -> anyhow::Result<Status> {
    match &arguments.verb {
        Verb::Create(arguments) => create(arguments, context)?,
        Verb::List(arguments) => list(arguments)?,
        Verb::Restore(arguments) => restore(arguments, context)?,
    }
    Ok(Status::Done)
}

fn sharing(copy: bool) -> Sharing {
    if copy { Sharing::Copied } else { Sharing::Linked }
}

fn create(arguments: &CreateArguments, context: &Context) -> anyhow::Result<()> {
    let reader = context.reader_of_one()?;
    let backups = Backups::in_dir(&arguments.directory);
    let report = backups.create(&reader, sharing(arguments.copy))?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "backup {} with {} samples at {}",
        report.number,
        report.samples,
        report.path.display()
    )?;
    writeln!(
        out,
        "{} segments: {} kept, {} linked, {} copied; {} bytes written",
        report.segments,
        report.segments_kept,
        report.segments_linked,
        report.segments_copied,
        report.bytes_written
    )?;
    Ok(())
}

fn list(arguments: &ListArguments) -> anyhow::Result<()> {
    let entries = Backups::in_dir(&arguments.directory).list()?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    if arguments.output == "json" {
        writeln!(out, "{}", entries.iter().map(to_json).collect::<Value>())?;
    } else {
        for entry in &entries {
            write!(out, "{:08}  ", entry.number)?;
            match (&entry.state, entry.created) {
                (BackupState::Whole, Some(created)) => writeln!(
                    out,
                    "{created}  {} samples  {} segments  {} bytes",
                    entry.samples, entry.segments, entry.bytes
                )?,
                (BackupState::Damaged { what }, _) => writeln!(out, "damaged: {what}")?,
                _ => writeln!(out, "incomplete")?,
            }
        }
    }
    out.flush()?;
    Ok(())
}

fn to_json(entry: &BackupEntry) -> Value {
    let (state, what) = match &entry.state {
        BackupState::Whole => ("whole", None),
        BackupState::Damaged { what } => ("damaged", Some(what)),
        _ => ("incomplete", None),
    };
    json!({
        "number": entry.number,
        "path": entry.path.display().to_string(),
        "state": state,
        "damage": what,
        "created": entry.created.map(|created| created.to_string()),
        "seq": entry.seq,
        "samples": entry.samples,
        "segments": entry.segments,
        "bytes": entry.bytes,
    })
}

fn restore(arguments: &RestoreArguments, context: &Context) -> anyhow::Result<()> {
    let backups = Backups::in_dir(&arguments.directory);
    let target = context.directory()?;
    let report = backups.restore(arguments.number, target, sharing(arguments.copy))?;
    writeln!(
        io::stdout().lock(),
        "backup {} of {} restored: {} samples in {} segments, at {}",
        report.number,
        report.created,
        report.samples,
        report.segments,
        report.path.display()
    )?;
    Ok(())
}
