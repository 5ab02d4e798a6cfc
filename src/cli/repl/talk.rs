//! The conversation: a line is read, carried out, and what is wrong with it told.

use std::io::{self, IsTerminal};

use silverback::Reader;

use crate::cli::repl::ReplArguments;
use crate::cli::repl::editor::{Lines, Read};
use crate::cli::repl::piped;
use crate::cli::repl::session::{Next, Session};
use crate::cli::{Context, Status};

/// Reads lines until they end; what is wrong with one does not end the session.
pub(crate) fn run(arguments: &ReplArguments, context: &Context) -> anyhow::Result<Status> {
    let reader = context.reader()?;
    let is_typed = io::stdin().is_terminal() && io::stdout().is_terminal();
    let mut session = Session::new(context, &reader, arguments.output, is_typed);
    if is_typed {
        talk(&mut session, &reader, context)?;
        return Ok(Status::Done);
    }
    let mut input = io::stdin().lock();
    let mut next = Next::Line;
    while next == Next::Line {
        let Some(line) = piped::read(&mut input)? else { break };
        next = carry_out(&mut session, &line);
    }
    Ok(Status::Done)
}

fn talk(session: &mut Session<'_>, reader: &Reader, context: &Context) -> anyhow::Result<()> {
    let mut lines = Lines::new(context.has_colour(true))?;
    context.say(".help tells what can be done here; Ctrl-D ends");
    let mut next = Next::Line;
    while next == Next::Line {
        // A view that cannot be taken leaves completion without names; asking will tell why.
        next = match lines.read(reader.snapshot().ok())? {
            Read::End => Next::End,
            Read::Interrupted => Next::Line,
            Read::Line(line) => carry_out(session, &line),
        };
    }
    lines.close();
    Ok(())
}

fn carry_out(session: &mut Session<'_>, line: &str) -> Next {
    session.run(line).unwrap_or_else(|error| {
        session.tell(&error);
        Next::Line
    })
}
