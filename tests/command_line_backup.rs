//! The verbs that look after a store's files: backup and inspect.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use silverback::{SeriesKey, Store};

const DAY: i64 = 86_400_000_000_000;

/// Runs the binary in a folder and returns what it printed or, where it failed, said.
#[track_caller]
fn run(folder: &Path, status: i32, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_silverback"));
    command.args(arguments).current_dir(folder).env_remove("SILVERBACK_DB").stdin(Stdio::null());
    let Output { status: ended, stdout, stderr } = command.output().unwrap();
    let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(ended.code(), Some(status), "{arguments:?}: {out}{err}");
    if status == 0 { out } else { err }
}

/// Makes a store `db` with a sample an hour over two days.
fn with_store() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("db")).unwrap();
    let now = store.now();
    let series = store.series(&SeriesKey::new("latency").label("bot", "support")).unwrap();
    for hour in 0..49 {
        series.append(now.saturating_sub(hour * DAY / 24), 0.5).unwrap();
    }
    store.close().unwrap();
    folder
}

#[test]
fn a_store_is_backed_up_listed_and_restored() {
    let folder = with_store();
    let run = |status, arguments: &[&str]| run(folder.path(), status, arguments);
    let before = run(0, &["--db", "db", "export"]);
    let created = run(0, &["--db", "db", "backup", "create", "backups"]);
    assert!(created.starts_with("backup 1 with 49 samples") && created.contains(" 3 linked, 0"));
    run(0, &["--db", "db", "delete", "latency", "--yes"]);
    let second = run(0, &["--db", "db", "backup", "create", "backups", "--copy"]);
    assert!(second.starts_with("backup 2") && second.contains("0 linked"), "{second}");
    let list = run(0, &["backup", "list", "backups"]);
    assert_eq!(list.lines().count(), 2, "{list}");
    let json = run(0, &["backup", "list", "backups", "-o", "json"]);
    assert!(json.contains(r#""state":"whole""#) && json.contains(r#""samples":49"#), "{json}");

    let first = ["--db", "first", "backup", "restore", "backups", "--number", "1"];
    assert!(run(0, &first).starts_with("backup 1 of "));
    assert_eq!(run(0, &["--db", "first", "export"]), before);
    assert!(run(0, &["--db", "last", "backup", "restore", "backups"]).starts_with("backup 2 of "));
    assert_eq!(run(0, &["--db", "last", "export"]), "");
    assert_eq!(run(0, &["--db", "backups/00000001", "export"]), before);
    assert!(run(2, &first).contains("is not empty"));
    run(3, &["--db", "none", "backup", "restore", "backups", "--number", "9"]);
    run(3, &["backup", "list", "nowhere"]);
    run(3, &["--db", "nowhere", "backup", "create", "backups"]);
    run(3, &["--db", "db", "backup", "create", "db"]);
    run(2, &["--db", "db", "--db", "first", "backup", "create", "backups"]);
}
