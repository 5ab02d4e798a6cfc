//! Asking a store for something: here where nobody writes it, else its writer through the inbox.

use std::time::Duration;

use clap::Args;
use silverback::{Error, ErrorKind, Outcome, Progress, Request};

use crate::cli::Context;
use crate::cli::quantity::duration_of;

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

impl Context {
    /// Does it, or has the writer do it; returns nothing where nobody waited for it.
    pub(crate) fn ask(
        &self,
        request: &Request,
        arguments: &AskArguments,
    ) -> anyhow::Result<Option<Outcome>> {
        let store = match self.writer() {
            Ok(store) => store,
            Err(error) if is_locked(&error) => return self.ask_writer(request, arguments),
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
        arguments: &AskArguments,
    ) -> anyhow::Result<Option<Outcome>> {
        let wait = if arguments.no_wait { Duration::ZERO } else { duration_of(&arguments.wait)? };
        let (directory, progress) = (self.directory()?, Progress::default());
        match self.watched(&progress, || request.send(directory, wait)) {
            Err(error)
                if arguments.no_wait && matches!(error.kind(), ErrorKind::Unanswered { .. }) =>
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
