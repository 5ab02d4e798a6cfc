//! The `silverback` binary: parses arguments, runs a verb, maps its outcome to an exit status.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let error_format = arguments.error_format();
    match cli::run(arguments) {
        Ok(status) => status.into(),
        Err(error) => cli::failure(&error, error_format).into(),
    }
}
