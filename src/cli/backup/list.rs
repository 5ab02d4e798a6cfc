//! `silverback backup list`: which backups there are, and what became of each.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use silverback::{BackupEntry, BackupState, Backups};

/// Arguments of `silverback backup list`.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// The directory of the backups
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// table or json
    #[arg(short, long, value_parser = ["table", "json"], default_value = "table")]
    output: String,
}

pub(super) fn run(arguments: &ListArguments) -> anyhow::Result<()> {
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
