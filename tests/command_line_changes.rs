//! The verbs that change a store: delete, retention, compact, metric; with nobody writing it, and
//! through the inbox of the process that does.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use silverback::{ErrorKind, MetricDef, Request, SeriesKey, Store, TimeRange, Timestamp};

const DAY: i64 = 86_400_000_000_000;

fn command(db: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_silverback"));
    command.arg("--db").arg(db).args(arguments).env_remove("SILVERBACK_DB").stdin(Stdio::null());
    command
}

#[track_caller]
fn good(db: &Path, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = command(db, arguments).output().unwrap();
    assert_eq!(status.code(), Some(0), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

#[track_caller]
fn bad(db: &Path, arguments: &[&str], status: i32) -> String {
    let output = command(db, arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(status), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A store with a sample an hour over the last ten days, of two bots.
fn store(db: &Path) -> Store {
    let store = Store::open(db).unwrap();
    let now = store.now();
    for bot in ["support", "test"] {
        let series = store.series(&SeriesKey::new("latency").label("bot", bot)).unwrap();
        for hour in 0..240 {
            series.append(now.saturating_sub(hour * DAY / 24), 1.0).unwrap();
        }
    }
    store
}

fn count(db: &Path, selector: &str) -> usize {
    good(db, &["export", selector]).lines().count()
}

#[test]
fn deleting_asks_first_and_is_about_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("db");
    store(&db).close().unwrap();
    let test = "latency{bot=\"test\"}";
    let would = good(&db, &["delete", test, "--dry-run"]);
    assert_eq!(would, "240 samples of 1 series would be deleted\n");
    assert!(bad(&db, &["delete", test], 2).contains("--yes"));
    assert_eq!(count(&db, test), 240, "nothing was deleted so far");
    assert_eq!(good(&db, &["delete", test, "--yes"]), "240 samples of 1 series deleted\n");
    assert_eq!((count(&db, test), count(&db, "latency")), (0, 240));
    let half = good(&db, &["delete", "latency", "--to", "now - 5d", "--yes"]);
    assert!(half.starts_with("120 samples") || half.starts_with("119 samples"), "{half}");
    let purged = good(&db, &["compact", "--purge"]);
    assert!(purged.ends_with(" samples purged\n"), "{purged}");
    good(&db, &["verify"]);
    assert!(bad(&db, &["delete", "latency >", "--yes"], 2).contains("error"));
    assert!(bad(&db, &["delete", "latency", "--from", "soon", "--yes"], 2).contains("error"));
    assert!(
        bad(&db, &["delete", "x", "--from", "now", "--to", "now - 1d", "--yes"], 2)
            .contains("--from lies after --to")
    );
}

#[test]
fn retention_is_set_shown_and_applied() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("db");
    store(&db).close().unwrap();
    assert_eq!(good(&db, &["retention", "show"]), "keep      forever\nmax size  any\n");
    let dry = good(&db, &["retention", "set", "--keep", "5d", "--dry-run"]);
    assert!(dry.starts_with("keep      5d\nmax size  any\n"), "{dry}");
    assert!(dry.contains(" segments with ") && dry.contains(" would expire; "), "{dry}");
    let refused = bad(&db, &["retention", "set", "--keep", "5d"], 2);
    assert!(refused.contains("--yes"), "{refused}");
    assert_eq!(count(&db, "latency"), 480);
    let set = good(&db, &["retention", "set", "--keep", "5d", "--max-size", "20GiB", "--yes"]);
    assert!(set.contains("keep      5d\nmax size  21474836480 bytes\n"), "{set}");
    assert!(set.contains("nothing is left before"), "{set}");
    let left = count(&db, "latency");
    assert!((240..=300).contains(&left), "{left} of five days and the rest of a sixth");
    let own = ["retention", "set", "--keep", "2d", "--metric", "latency"];
    assert!(bad(&db, &own, 2).contains("--yes"));
    let dry = good(&db, &[&own[..], &["--dry-run"]].concat());
    let would: usize = dry.lines().last().unwrap().split(' ').next().unwrap().parse().unwrap();
    good(&db, &[&own[..], &["--yes"]].concat());
    assert_eq!(count(&db, "latency"), left - would, "as many as the dry run said");
    assert!(count(&db, "latency") < left);
    good(&db, &["retention", "set", "--keep", "forever"]);
    good(&db, &["retention", "set", "--keep", "forever", "--metric", "latency"]);
    let shown = good(&db, &["retention", "show"]);
    assert_eq!(shown, "keep      forever\nmax size  21474836480 bytes\n");
    good(&db, &["retention", "apply"]);
    assert!(bad(&db, &["retention", "set", "--keep", "soon"], 2).contains("90d"));
}

#[test]
fn a_live_writer_is_asked_through_its_inbox() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("db");
    let store = store(&db);
    let deleted = good(&db, &["delete", "latency{bot=\"test\"}", "--yes"]);
    assert_eq!(deleted, "240 samples of 1 series deleted\n");
    let series = SeriesKey::new("latency").label("bot", "test");
    let left = store.snapshot().unwrap().samples(&series, TimeRange::ALL).unwrap();
    assert_eq!(left, vec![], "the writer sees it too");
    good(&db, &["metric", "latency", "--unit", "ms"]);
    let def = store.snapshot().unwrap().metric("latency").unwrap().unwrap();
    assert_eq!(def.unit.as_deref(), Some("ms"));
    let conflict = bad(&db, &["metric", "latency", "--kind", "counter"], 1);
    assert!(conflict.contains("refused") && conflict.contains("counter"), "{conflict}");
    assert!(good(&db, &["compact"]).contains("segments"));
    assert!(good(&db, &["retention", "set", "--keep", "3d", "--yes"]).contains("keep      3d"));
    good(&db, &["retention", "apply", "--no-wait"]);
    store.close().unwrap();
    assert_eq!(store.snapshot().unwrap().retention().keep.unwrap().as_secs(), 3 * 86_400);
}

#[test]
fn a_request_that_nobody_answers_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("db");
    store(&db).close().unwrap();
    let wait = std::time::Duration::from_millis(50);
    let error = Request::Compact.send(&db, wait).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unanswered { waited_ms: 50, .. }), "{error:?}");
    assert_eq!(std::fs::read_dir(db.join("inbox")).unwrap().count(), 0);
    // One that is left there is done by the next writer; rubbish is refused and harms nobody.
    let at = Timestamp::from_nanos(0);
    let all = Request::Delete(silverback::Selector::default(), TimeRange::new(at, at));
    all.send(&db, std::time::Duration::ZERO).unwrap_err();
    Request::Define(MetricDef::new("later")).send(&db, std::time::Duration::ZERO).unwrap_err();
    std::fs::write(db.join("inbox/rubbish.req"), b"?").unwrap();
    let store = Store::options().background(silverback::Background::Manual).open(&db).unwrap();
    assert_eq!(store.tick().unwrap().requests_answered, 3);
    assert!(store.snapshot().unwrap().metric("later").unwrap().is_some());
    store.close().unwrap();
}

#[test]
fn benches_tell_their_figures_as_one_object() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    for (verb, workload, batch, figures) in [
        ("write", "events", "1", &["samples_per_second", "bytes_per_sample"][..]),
        ("write", "scrape", "100", &["wall_seconds", "write_amplification"]),
        ("size", "churn", "10", &["bytes_per_sample_flushed", "series"]),
        ("write", "traffic", "10", &["samples_per_second", "bytes_on_disk"]),
        ("recover", "events", "7", &["unflushed_log_bytes", "killed_writer_seconds"]),
    ] {
        let arguments = ["bench", verb, "--workload", workload, "--samples", "4000", "--batch"];
        let rest = [batch, "--threads", "2", "--series", "20", "--dir", dir, "-o", "json"];
        let out = good(folder.path(), &[&arguments[..], &rest].concat());
        let object: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(object["samples"], 4000, "{out}");
        for figure in figures {
            assert!(object[figure].as_f64().unwrap() > 0.0, "{figure} of {out}");
        }
    }
    for (workload, first, count) in [("events", "Q1", 6), ("scrape", "Q4", 4), ("traffic", "Q1", 6)]
    {
        let arguments = ["bench", "query", "--workload", workload, "--samples", "4000", "--runs"];
        let rest = ["1", "--series", "20", "--dir", dir, "--report", "-o", "json"];
        asks_the_same(&good(folder.path(), &[&arguments[..], &rest].concat()), first, count);
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    bad(folder.path(), &["bench", "write", "--durability", "maybe"], 2);
}

/// Each question of a bench has an answer, which is that of the naive path.
fn asks_the_same(out: &str, first: &str, count: usize) {
    let object: serde_json::Value = serde_json::from_str(out).unwrap();
    let questions = object["questions"].as_array().unwrap();
    assert_eq!((questions.len(), &questions[0]["question"]), (count, &first.into()), "{out}");
    for question in questions {
        assert!(question["wall_ms"].as_f64().unwrap() > 0.0, "{question}");
        assert!(question["naive_ms"].as_f64().unwrap() > 0.0, "{question}");
        assert!(question["rows"].as_u64().unwrap() > 0, "{question}");
        assert_eq!(question["is_same"], true, "{question}");
    }
}

/// What a stranger wants to know is what his own samples take: a file is a workload as well.
#[test]
fn benches_measure_with_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("requests.csv");
    let row = |number: u32| {
        let (bot, status) = (number % 3, if number.is_multiple_of(7) { "timeout" } else { "ok" });
        let (minute, second) = (number / 60 % 60, number % 60);
        let latency = f64::from(number * 37 % 1_000) / 4.0;
        format!("2026-02-09T10:{minute:02}:{second:02}Z,b{bot},{status},{latency}\n")
    };
    let rows: String = (0..3_000).map(row).collect();
    std::fs::write(&file, format!("time,bot,status,latency_ms\n{rows}not a time,b0,ok,7\n"))
        .unwrap();
    let file = file.to_str().unwrap();
    let dir = folder.path().join("stores");
    let dir = dir.to_str().unwrap();
    for verb in ["write", "size", "recover", "query"] {
        let out =
            good(folder.path(), &["bench", verb, "--workload", file, "--dir", dir, "-o", "json"]);
        let object: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            (&object["samples"], &object["workload"]),
            (&3_000.into(), &file.into()),
            "{out}"
        );
        assert!(verb == "query" || object["rows_refused"] == 1, "{out}");
    }
    let few = ["--samples", "2500", "--runs", "1", "--report", "-o", "json"];
    let arguments = ["bench", "query", "--workload", file, "--dir", dir];
    asks_the_same(&good(folder.path(), &[&arguments[..], &few].concat()), "Q1", 6);
    let markdown = good(folder.path(), &["bench", "size", "--workload", file, "-o", "markdown"]);
    assert!(
        markdown.starts_with("| figure | value |\n|---|---|\n| bench | size |\n"),
        "{markdown}"
    );
    let table = good(folder.path(), &["bench", "size", "--workload", file, "--samples", "9"]);
    assert!(table.lines().any(|line| line.split_whitespace().eq(["samples", "9"])), "{table}");
    bad(folder.path(), &["bench", "size", "--workload", "nowhere.csv"], 2);
    std::fs::write(folder.path().join("empty.csv"), "time,bot,latency_ms\n").unwrap();
    let empty = folder.path().join("empty.csv");
    bad(folder.path(), &["bench", "size", "--workload", empty.to_str().unwrap()], 2);
}

#[test]
fn verify_repairs_where_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("db");
    store(&db).close().unwrap();
    std::fs::write(db.join("MANIFEST"), b"rubbish").unwrap();
    let damaged = command(&db, &["verify"]).output().unwrap();
    assert_ne!(damaged.status.code(), Some(0), "{damaged:?}");
    let said = good(&db, &["verify", "--repair"]);
    assert!(said.contains("MANIFEST made anew") && said.contains("kept in quarantine"), "{said}");
    assert!(good(&db, &["verify", "--deep"]).ends_with(": 0 damaged places\n"));
    assert_eq!(count(&db, "latency"), 480);
}
