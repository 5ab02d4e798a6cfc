//! Asking a store for something: here where nobody writes it, else its writer through the inbox.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use silverback::{Error, ErrorKind, Outcome, Progress, Request};

use crate::cli::quantity::duration_of;
use crate::cli::{Context, Usage};

/// Arguments of the verbs that change a store.
#[derive(Debug, Args)]
pub(crate) struct AskArguments {
    /// Where another process writes the store: leave the request there, and do not wait for it
    #[arg(long)]
    no_wait: bool,
    /// How long its writer is waited for
    #[arg(long, value_name = "DURATION", default_value = "1m", conflicts_with = "no_wait")]
    wait: String,
}

impl AskArguments {
    /// Returns how long to wait for the writer; nothing where nobody waits.
    fn wait(&self) -> anyhow::Result<Option<Duration>> {
        if self.no_wait { Ok(None) } else { duration_of(&self.wait).map(Some) }
    }
}

/// Asks on a terminal; elsewhere `--yes` is needed, and who did not give it is told so.
pub(crate) fn confirmed(question: &str, refusal: &'static str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(Usage(refusal).into());
    }
    write!(io::stderr().lock(), "{question}? [y/N] ")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

impl Context {
    /// Does it, or has the writer do it; returns nothing where nobody waited for it.
    pub(crate) fn ask(
        &self,
        request: &Request,
        arguments: &AskArguments,
    ) -> anyhow::Result<Option<Outcome>> {
        let wait = arguments.wait()?;
        let store = match self.writer() {
            Ok(store) => store,
            Err(error) if is_locked(&error) => return self.ask_writer(request, wait),
            Err(error) => return Err(error),
        };
        let progress = Progress::default();
        let outcome = self.watched(&progress, || request.run_watched(&store, &progress))?;
        store.close()?;
        Ok(Some(outcome))
    }

    fn ask_writer(
        &self,
        request: &Request,
        wait: Option<Duration>,
    ) -> anyhow::Result<Option<Outcome>> {
        let (directory, progress) = (self.directory()?, Progress::default());
        match self.watched(&progress, || request.send(directory, wait.unwrap_or_default())) {
            Err(error)
                if wait.is_none() && matches!(error.kind(), ErrorKind::Unanswered { .. }) =>
            {
                self.say("left to the writer of the store");
                Ok(None)
            }
            sent => Ok(Some(sent?)),
        }
    }
}

fn is_locked(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<Error>();
    error.is_some_and(|error| matches!(error.kind(), ErrorKind::Locked { .. }))
}
