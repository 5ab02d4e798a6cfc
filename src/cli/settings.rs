//! Settings: what flags default to, from the environment and from a file.
//!
//! A flag stands over `SILVERBACK_FLAG` (of a verb `SILVERBACK_VERB_FLAG`), which stands over the
//! file, which stands over the default. Each long flag can be set so, but for `--yes`
//! and ranges of time.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::{Arg, Command};
use toml::{Table, Value};

use crate::cli::Usage;

/// What asks before something is taken away is asked each time; and a range that nobody gave would
/// stand over those of questions.
const NOT_SET: [&str; 6] = ["yes", "last", "from", "to", "help", "version"];

/// Gives each flag its variable, and the file's values as defaults.
pub(crate) fn applied(command: Command) -> anyhow::Result<Command> {
    let Some(path) = file() else { return with_variables(command, "SILVERBACK", &Table::new()) };
    let wrong = || Usage("the settings cannot be used");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        // A file that is asked for must be there; the usual one need not.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_asked_for() => {
            String::new()
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", shown(&path))),
    };
    let table = text.parse::<Table>().map_err(|error| anyhow!("{}: {error}", shown(&path)));
    let table = table.with_context(wrong)?;
    let applied = with_variables(command, "SILVERBACK", &table);
    applied.map_err(|error| anyhow!("{}: {error}", shown(&path)).context(wrong()))
}

/// Returns where the settings are: `SILVERBACK_CONFIG`, else where the system keeps such files.
fn file() -> Option<PathBuf> {
    let asked = std::env::var_os("SILVERBACK_CONFIG").map(PathBuf::from);
    let set = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty());
    let folder = || {
        let system = if cfg!(windows) { set("APPDATA") } else { set("XDG_CONFIG_HOME") };
        system.map(PathBuf::from).or_else(|| Some(Path::new(&set("HOME")?).join(".config")))
    };
    asked.or_else(|| Some(folder()?.join("silverback").join("config.toml")))
}

fn is_asked_for() -> bool {
    std::env::var_os("SILVERBACK_CONFIG").is_some()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Gives the flags of a command and of its verbs their variables and defaults.
fn with_variables(command: Command, prefix: &str, table: &Table) -> anyhow::Result<Command> {
    for (key, value) in table {
        let is_verb = command.find_subcommand(key).is_some();
        let is_flag = command.get_arguments().any(|arg| is_set_by(arg, key));
        if !(is_verb && value.is_table() || is_flag && !value.is_table()) {
            bail!("{key:?} is no flag that can be set, and no verb with a table of them");
        }
    }
    let mut failure = Ok(());
    let command = command.mut_args(|arg| {
        let Some(long) = arg.get_long().filter(|long| !NOT_SET.contains(long)) else { return arg };
        let name = format!("{prefix}_{}", long.replace('-', "_").to_uppercase());
        let values = table.get(long).map_or(Ok(Vec::new()), texts);
        // The store's variable is the one that help shows.
        let arg = if arg.get_env().is_some() { arg } else { arg.env(name).hide_env(true) };
        match values {
            Ok(values) if values.is_empty() => arg,
            Ok(values) => arg.default_values(values),
            Err(error) => {
                failure = Err(error);
                arg
            }
        }
    });
    failure?;
    let verbs: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    verbs.into_iter().try_fold(command, |command, verb| {
        let prefix = format!("{prefix}_{}", verb.to_uppercase());
        let own = table.get(&verb).and_then(Value::as_table).cloned().unwrap_or_default();
        let mut result = Ok(());
        let command = command.mut_subcommand(verb, |inner| {
            with_variables(inner.clone(), &prefix, &own).unwrap_or_else(|error| {
                result = Err(error);
                inner
            })
        });
        result.map(|()| command)
    })
}

fn is_set_by(arg: &Arg, key: &str) -> bool {
    arg.get_long() == Some(key) && !NOT_SET.contains(&key)
}

/// Returns a value as the words of a flag.
fn texts(value: &Value) -> anyhow::Result<Vec<String>> {
    Ok(match value {
        Value::String(text) => vec![text.clone()],
        Value::Integer(number) => vec![number.to_string()],
        Value::Float(number) => vec![number.to_string()],
        Value::Boolean(flag) => vec![flag.to_string()],
        Value::Array(values) => {
            let texts: anyhow::Result<Vec<Vec<String>>> = values.iter().map(texts).collect();
            texts?.concat()
        }
        Value::Datetime(_) | Value::Table(_) => {
            bail!("a {} is no value of a flag", value.type_str())
        }
    })
}
