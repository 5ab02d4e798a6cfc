//! `silverback help`: the verbs, one of them, or a page about what they share.

use std::io::{self, Write};

use anyhow::anyhow;
use clap::{Args, Command, CommandFactory};

use crate::cli::{Arguments, Context, Status, Usage};

/// Pages by name, with what each is about.
const TOPICS: [(&str, &str, &str); 6] = [
    ("language", "the query language in examples", include_str!("help/language.txt")),
    ("input", "formats that are read, and --map", include_str!("help/input.txt")),
    ("output", "forms of answers", include_str!("help/output.txt")),
    ("durability", "what survives what", include_str!("help/durability.txt")),
    ("settings", "variables and the file of defaults", include_str!("help/settings.txt")),
    ("status", "how verbs end", include_str!("help/status.txt")),
];

/// Arguments of `silverback help`.
#[derive(Debug, Args)]
pub(crate) struct HelpArguments {
    /// A verb, or language, input, output, durability, settings, status
    #[arg(value_name = "TOPIC")]
    topic: Vec<String>,
}

pub(crate) fn run(arguments: &HelpArguments, _: &Context) -> anyhow::Result<Status> {
    let mut out = io::stdout().lock();
    match arguments.topic.as_slice() {
        [] => {
            write!(out, "{}", Arguments::command().render_long_help())?;
            writeln!(out, "\nTopics of `silverback help TOPIC`:")?;
            for (name, about, _) in TOPICS {
                writeln!(out, "  {name:<10}  {about}")?;
            }
        }
        [topic] if page(topic).is_some() => {
            write!(out, "{}", page(topic).unwrap_or_default())?;
        }
        verb => write!(out, "{}", find(Arguments::command(), verb)?.render_long_help())?,
    }
    Ok(Status::Done)
}

fn page(topic: &str) -> Option<&'static str> {
    TOPICS.iter().find(|(name, ..)| *name == topic).map(|(_, _, text)| *text)
}

/// Returns the command of a verb, or of a verb of a verb.
pub(crate) fn find(root: Command, words: &[String]) -> anyhow::Result<Command> {
    let mut command = root;
    // What all verbs share is shown with each.
    command.build();
    for word in words {
        let Some(inner) = command.find_subcommand(word) else {
            let known = "see `silverback help` for all verbs and topics";
            return Err(anyhow!("no verb or topic is called {word:?}; {known}")
                .context(Usage("nothing to tell about that")));
        };
        command = inner.clone();
    }
    Ok(command)
}
