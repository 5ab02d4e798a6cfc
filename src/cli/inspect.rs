//! `silverback inspect`: what one file says, part by part.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use silverback::format::FormatError;
use silverback::vfs::OsVfs;
use silverback::{Error, ErrorKind, Part, inspect_parts};

use crate::cli::listing::in_one_line;
use crate::cli::{Context, Status, Usage};

/// Bytes in a line of hexadecimal.
const LINE_BYTES: usize = 16;

/// Arguments of `silverback inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArguments {
    /// A log, a segment, a MANIFEST, or another file of a store or backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Show each frame, block, posting list and entry
    #[arg(long)]
    chunks: bool,
    /// Show the bytes of each part that is shown
    #[arg(long)]
    hex: bool,
}

pub(crate) fn run(arguments: &InspectArguments, _: &Context) -> anyhow::Result<Status> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut bytes = if arguments.hex { Some(open(&arguments.file)?) } else { None };
    let report = inspect_parts(&OsVfs::default(), &arguments.file, &mut |part| {
        if part.is_detail && !arguments.chunks && part.damage.is_none() {
            return Ok(());
        }
        write_part(part, &mut out)
            .and_then(|()| bytes.as_mut().map_or(Ok(()), |file| write_hex(file, part, &mut out)))
            .map_err(|source| {
                let (operation, path) = ("show", arguments.file.clone());
                ErrorKind::Io { operation, path, source }.into()
            })
    });
    let report = report.map_err(|error| {
        // It need not be damaged: it is something else.
        let what = "this is not a file of a store or backup: it begins like none of them";
        if is_of_no_store(&error) { Usage(what).into() } else { anyhow::Error::new(error) }
    })?;
    for damage in &report.damages {
        writeln!(out, "{:>10}  damaged: {}", damage.offset, damage.error)?;
    }
    let kind = report.kind.as_str();
    write!(out, "{kind}, version {}, {} bytes", report.version, report.file_bytes)?;
    for (name, count) in report.parts.iter().filter(|(_, count)| **count > 1) {
        write!(out, ", {count} {name}")?;
    }
    writeln!(out, ": {} samples, {} damaged places", report.samples, report.damages.len())?;
    out.flush()?;
    Ok(if report.damages.is_empty() { Status::Done } else { Status::Damaged })
}

/// Returns true for a file that does not begin as files of stores do.
fn is_of_no_store(error: &Error) -> bool {
    let ErrorKind::Corrupt { offset: 0, source, .. } = error.kind() else { return false };
    matches!(source, FormatError::Magic { .. } | FormatError::Truncated { needed: 12, .. })
}

fn write_part(part: &Part, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{:>10}  {:<14} {:>8} bytes", part.offset, part.name, part.len)?;
    for field in &part.fields {
        write!(out, "  {}: {}", field.name, in_one_line(&field.value.to_string()))?;
    }
    writeln!(out)
}

fn open(path: &Path) -> io::Result<File> {
    File::options().read(true).open(path)
}

/// Writes the bytes of a part, sixteen a line; `*` stands for lines like the one before.
fn write_hex(file: &mut File, part: &Part, out: &mut dyn Write) -> io::Result<()> {
    file.seek(SeekFrom::Start(part.offset))?;
    let mut rest = io::BufReader::new(file.take(part.len));
    let (mut line, mut before, mut at, mut is_told) = (Vec::new(), Vec::new(), part.offset, false);
    loop {
        line.clear();
        let got = rest.by_ref().take(LINE_BYTES as u64).read_to_end(&mut line)?;
        if got == 0 {
            return Ok(());
        }
        if line == before {
            if !is_told {
                writeln!(out, "{:>12}", "*")?;
            }
            is_told = true;
        } else {
            is_told = false;
            let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            let shown = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' };
            let text: String = line.iter().map(shown).collect();
            writeln!(out, "{at:>12}  {:<48} {text}", hex.join(" "))?;
        }
        at += got as u64;
        std::mem::swap(&mut line, &mut before);
    }
}
