//! `silverback verify`: checks every byte of the store, and repairs it where asked to.

use std::io::{self, Write};

use clap::Args;
use silverback::{CarriedLedger, Error, ErrorKind, Progress, Store, StoreDamage};

use crate::cli::{Context, Status};

/// Arguments of `silverback verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// Decode every chunk as well; it always does
    #[arg(long)]
    deep: bool,
    /// Move what is damaged into quarantine, keep what reads, and say what is lost
    #[arg(long)]
    repair: bool,
}

pub(crate) fn run(arguments: &VerifyArguments, context: &Context) -> anyhow::Result<Status> {
    let mut out = io::stdout().lock();
    if arguments.repair {
        let directory = context.directory()?;
        if !directory.is_dir() {
            let found = "there is no such directory".to_owned();
            let error = Error::from(ErrorKind::NotAStore { path: directory, found });
            return Err(anyhow::Error::new(error).context("no store to repair; give --db DIR"));
        }
        let report = Store::repair(directory)?;
        report.losses.iter().try_for_each(|loss| write_damage(loss, &mut out))?;
        for path in &report.quarantined {
            writeln!(out, "kept in quarantine: {}", path.display())?;
        }
        if report.manifest_rebuilt {
            write_carried(report.carried.as_ref(), &mut out)?;
        }
        let samples: u64 = report.losses.iter().map(|loss| loss.samples).sum();
        let (places, rewritten) = (report.losses.len(), report.segments_rewritten);
        writeln!(
            out,
            "{places} damaged places, {samples} samples known to be lost, {rewritten} segments \
             written anew"
        )?;
        return Ok(Status::Done);
    }
    let (reader, progress) = (context.reader()?, Progress::default());
    let report = context.watched(&progress, || reader.verify_watched(&progress))?;
    report.damages.iter().try_for_each(|damage| write_damage(damage, &mut out))?;
    writeln!(
        out,
        "{} segments, {} chunks, {} samples, {} logs checked: {} damaged places",
        report.segments,
        report.chunks,
        report.samples,
        report.logs,
        report.damages.len()
    )?;
    Ok(if report.damages.is_empty() { Status::Done } else { Status::Damaged })
}

fn write_carried(carried: Option<&CarriedLedger>, out: &mut dyn Write) -> io::Result<()> {
    let Some(CarriedLedger { edit, deletions, producers, .. }) = carried else {
        return writeln!(
            out,
            "MANIFEST made anew: what was deleted or had expired may be back, retention is to be \
             set again, and batches that are sent again may count twice"
        );
    };
    writeln!(
        out,
        "MANIFEST made anew, with retention, {deletions} deletions and {producers} producers as of \
         edit {edit}"
    )
}

fn write_damage(damage: &StoreDamage, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{} at byte {}: {}", damage.path.display(), damage.offset, damage.what)?;
    match &damage.series {
        Some(series) => write!(out, "; lost {} samples of {series}", damage.samples)?,
        None if damage.samples > 0 => write!(out, "; lost {} samples", damage.samples)?,
        None => {}
    }
    if let Some((first, last)) = damage.times {
        write!(out, " from {first} to {last}")?;
    }
    writeln!(out)
}
