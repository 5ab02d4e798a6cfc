//! The `silverback` binary: parses arguments, runs a verb, maps its outcome to an exit status.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match cli::Arguments::read() {
        Ok(arguments) => arguments,
        Err(error) => return cli::failure(&error, cli::ErrorFormat::Human).into(),
    };
    let error_format = arguments.error_format();
    match cli::run(arguments) {
        Ok(status) => status.into(),
        Err(error) => cli::failure(&error, error_format).into(),
    }
}
