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

#[test]
fn each_file_is_shown_and_damage_ends_with_its_status() {
    let folder = with_store();
    let run = |status, arguments: &[&str]| run(folder.path(), status, arguments);
    let manifest = run(0, &["inspect", "db/MANIFEST", "--chunks"]);
    assert!(manifest.contains("flushed generation: 1") && manifest.contains("1-1-0-"));
    let end = manifest.lines().last().unwrap();
    assert!(end.starts_with("manifest, version 1, ") && end.ends_with(" 0 damaged places"));
    let log = "db/wal/w-0000000000000002.sbw";
    let frames = run(0, &["inspect", log, "--chunks", "--hex"]);
    assert!(frames.contains("OPEN") && frames.contains("53 42 57 41 4c 0d 0a 1a"), "{frames}");
    assert!(frames.lines().count() < 40, "lines of zeros are one: {frames}");
    let days = std::fs::read_dir(folder.path().join("db/seg")).unwrap();
    let day = days.map(|day| day.unwrap().path()).next().unwrap();
    let segment = std::fs::read_dir(day).unwrap().next().unwrap().unwrap().path();
    let shown = run(0, &["inspect", segment.to_str().unwrap()]);
    assert!(shown.contains("footer") && !shown.contains("codec: "), "{shown}");
    let shown = run(0, &["inspect", segment.to_str().unwrap(), "--chunks"]);
    assert!(shown.contains("latency{bot=\"support\"}") && shown.contains("codec: "), "{shown}");

    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[64] ^= 1;
    std::fs::write(folder.path().join("flipped"), bytes).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_silverback"));
    let output = command.args(["inspect", "flipped"]).current_dir(folder.path()).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(4), "{out}");
    assert!(out.contains("damaged: ") && out.ends_with(" 1 damaged places\n"), "{out}");
    run(2, &["inspect", "db/LOCK"]);
    run(3, &["inspect", "nowhere"]);
}
